//! Datagram sockets, polled by hand: UDP and UNIX behind the same methods.
//!
//! Invariants:
//! 1. A datagram is read whole or not at all: the caller's buffer has [`DatagramSocket::most`] bytes.
//! 2. An error belongs to one call. None ends a socket.
//! 3. The reactor takes an error that has been reported for the end of sending, and never forgets it. Where the kernel refuses
//!    all the same, the socket is registered anew: whoever waits for room would be told at once that there is some.
//! 4. Whoever is told `WouldBlock` is woken when it is worth trying again, with one exception: an unconnected UNIX socket is
//!    not told that its receiver's queue has room ([`DatagramSocket::tells_room`]).

#[cfg(unix)]
mod calls;
#[cfg(unix)]
mod error_watch;
mod outgoing;
mod udp;
#[cfg(unix)]
mod unix;

use std::{
    io,
    task::{Context, Poll},
};

pub use outgoing::Outgoing;
pub use udp::{Udp, UdpRequest};
#[cfg(unix)]
pub use unix::UnixDatagrams;

use self::outgoing::wrong_family;
use crate::address::{Address, UnixName};

#[derive(Debug)]
pub enum DatagramSocket {
    Udp(Udp),
    #[cfg(unix)]
    Unix(UnixDatagrams),
}

impl DatagramSocket {
    /// Binds, to a free port where `port` is 0. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn open_udp(request: &UdpRequest) -> io::Result<Self> {
        Udp::open(request).map(Self::Udp)
    }

    /// Binds to `name`, if there is one. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's.
    #[cfg(unix)]
    pub fn open_unix(name: Option<&UnixName>) -> io::Result<Self> {
        UnixDatagrams::open(name).map(Self::Unix)
    }

    /// # Errors
    ///
    /// Always: this system has none.
    #[cfg(not(unix))]
    pub fn open_unix(_: Option<&UnixName>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Hears of nobody else from now on.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn connect(&mut self, to: &Address) -> io::Result<()> {
        match (self, to) {
            (Self::Udp(udp), Address::Ip(to)) => udp.connect(*to),
            #[cfg(unix)]
            (Self::Unix(unix), Address::Unix(to)) => unix.connect(to),
            _ => Err(wrong_family()),
        }
    }

    /// Reads one datagram into `buffer`.
    pub fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, Address)>> {
        match self {
            Self::Udp(udp) => udp
                .poll_receive(cx, buffer)
                .map_ok(|(length, from)| (length, Address::Ip(from))),
            #[cfg(unix)]
            Self::Unix(unix) => unix
                .poll_receive(cx, buffer)
                .map_ok(|(length, from)| (length, Address::Unix(from))),
        }
    }

    /// Waits until sending is worth trying.
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Udp(udp) => udp.poll_writable(cx),
            #[cfg(unix)]
            Self::Unix(unix) => unix.poll_writable(cx),
        }
    }

    /// The largest datagram that there can be.
    pub fn most(&self) -> usize {
        match self {
            Self::Udp(_) => udp::MOST,
            #[cfg(unix)]
            Self::Unix(_) => unix::MOST,
        }
    }

    /// Whether `poll_writable` means that the receiver has room, too.
    pub fn tells_room(&self) -> bool {
        match self {
            Self::Udp(_) => true,
            #[cfg(unix)]
            Self::Unix(unix) => unix.is_connected(),
        }
    }

    /// Which addresses it can send to: 0 are both families, and UNIX.
    pub fn family(&self) -> u32 {
        match self {
            Self::Udp(udp) => udp.family(),
            #[cfg(unix)]
            Self::Unix(_) => 0,
        }
    }

    /// # Errors
    ///
    /// The system's.
    pub fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::Udp(udp) => udp.local_address().map(Address::Ip),
            #[cfg(unix)]
            Self::Unix(unix) => unix.local_address().map(Address::Unix),
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for DatagramSocket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Udp(udp) => udp.as_fd(),
            Self::Unix(unix) => unix.as_fd(),
        }
    }
}
