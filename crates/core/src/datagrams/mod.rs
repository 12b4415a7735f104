//! Datagram sockets, polled by hand: UDP and UNIX behind the same methods.
//!
//! # Map
//!
//! - [`Udp`], `UnixDatagrams`: a socket of each kind. [`Outgoing`]: a datagram to send.
//! - `calls` (UNIX): the system calls of both kinds. `error_watch`: wakes a receive when the network reports an error.
//!
//! The addon's handle table owns a socket. It polls on the JavaScript thread, under the reactor's `enter` guard:
//! invariant 3 registers sockets anew. Receives and sends share one waker, because a new registration wakes only the
//! caller's.
//!
//! # Invariants
//!
//! 1. A datagram is read whole or not at all: the caller's buffer has [`DatagramSocket::most`] bytes. One that does
//!    not fit is `EMSGSIZE` on Linux.
//! 2. An error belongs to one call. No error ends a socket.
//! 3. The reactor takes a reported error for the end of sending, and never forgets it. If the kernel has no room
//!    although the reactor says "writable", the socket is registered anew; otherwise a wait for room would end at
//!    once, again and again.
//! 4. A send that is refused with `WouldBlock` is followed by a wake-up when trying again may succeed. The exception
//!    is an unconnected UNIX socket: it cannot see when its receiver's queue has room
//!    ([`DatagramSocket::tells_room`]).
//! 5. Datagrams of one call leave in order. The first that fails stops the call.

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

/// A datagram socket. Dropping it closes it, and removes its socket file.
#[derive(Debug)]
pub enum DatagramSocket {
    /// Over IP.
    Udp(Udp),
    /// Over a UNIX socket.
    #[cfg(unix)]
    Unix(UnixDatagrams),
}

impl DatagramSocket {
    /// Opens a UDP socket and binds it. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's: `EADDRINUSE`, `EADDRNOTAVAIL`; `Unsupported` for `reuse_port` on Windows.
    pub fn open_udp(request: &UdpRequest) -> io::Result<Self> {
        Udp::open(request).map(Self::Udp)
    }

    /// Opens a UNIX datagram socket, and binds it to `name` if there is one. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's: `EADDRINUSE`, `ENAMETOOLONG`, `ENOTSUP` for an abstract name except on Linux.
    #[cfg(unix)]
    pub fn open_unix(name: Option<&UnixName>) -> io::Result<Self> {
        UnixDatagrams::open(name).map(Self::Unix)
    }

    /// This system has no UNIX sockets.
    ///
    /// # Errors
    ///
    /// Always `Unsupported`.
    #[cfg(not(unix))]
    pub fn open_unix(_: Option<&UnixName>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Connects to a peer: the socket sends to it by default, and receives from it alone.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` for an address of another family; otherwise the system's.
    pub fn connect(&mut self, to: &Address) -> io::Result<()> {
        match (self, to) {
            (Self::Udp(udp), Address::Ip(to)) => udp.connect(*to),
            #[cfg(unix)]
            (Self::Unix(unix), Address::Unix(to)) => unix.connect(to),
            _ => Err(wrong_family()),
        }
    }

    /// Receives one datagram into `buffer`. Returns its length in bytes and the sender's address.
    ///
    /// # Errors
    ///
    /// The system's, also one that the network has reported for an earlier datagram, such as `ECONNREFUSED`
    /// (invariant 2).
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

    /// Waits until a send may succeed.
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Udp(udp) => udp.poll_writable(cx),
            #[cfg(unix)]
            Self::Unix(unix) => unix.poll_writable(cx),
        }
    }

    /// The size of the largest possible datagram, in bytes.
    pub fn most(&self) -> usize {
        match self {
            Self::Udp(_) => udp::MOST,
            #[cfg(unix)]
            Self::Unix(_) => unix::MOST,
        }
    }

    /// Whether `poll_writable` also waits for room at the receiver (invariant 4).
    pub fn tells_room(&self) -> bool {
        match self {
            Self::Udp(_) => true,
            #[cfg(unix)]
            Self::Unix(unix) => unix.is_connected(),
        }
    }

    /// The IP family that it can send to: 4, 6, or 0 for both. 0 for UNIX sockets.
    pub fn family(&self) -> u32 {
        match self {
            Self::Udp(udp) => udp.family(),
            #[cfg(unix)]
            Self::Unix(_) => 0,
        }
    }

    /// The address that the socket is bound to. The empty name for an unbound UNIX socket.
    ///
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
