//! Options that a TCP connection starts with.

use std::io;

use socket2::SockRef;

/// Options of a new TCP connection. UNIX sockets have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// `TCP_NODELAY`: small writes leave at once.
    pub no_delay: bool,
    /// `SO_KEEPALIVE`: the kernel probes an idle peer.
    pub keep_alive: bool,
}

impl ConnectionOptions {
    /// Sets the options that are on. Sockets start with both off.
    pub(super) fn apply(self, socket: &SockRef<'_>) -> io::Result<()> {
        if self.no_delay {
            socket.set_tcp_nodelay(true)?;
        }
        if self.keep_alive {
            socket.set_keepalive(true)?;
        }
        Ok(())
    }
}
