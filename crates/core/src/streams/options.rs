use std::io;

use socket2::SockRef;
use tokio::net::TcpStream;

/// What a connection starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// `TCP_NODELAY`: small writes leave at once.
    pub no_delay: bool,
    /// `SO_KEEPALIVE`: the kernel probes an idle peer.
    pub keep_alive: bool,
}

impl ConnectionOptions {
    pub(super) fn apply(self, socket: &TcpStream) -> io::Result<()> {
        if self.no_delay {
            socket.set_nodelay(true)?;
        }
        if self.keep_alive {
            SockRef::from(socket).set_keepalive(true)?;
        }
        Ok(())
    }
}
