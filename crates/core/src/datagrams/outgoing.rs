//! What both kinds of socket send.

use std::io;

/// One datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a, T> {
    /// The data, which may be empty.
    pub bytes: &'a [u8],
    /// The receiver. `None`: the peer that the socket is connected to.
    pub to: Option<&'a T>,
}

/// The error for an address of a family that the socket cannot reach: `EAFNOSUPPORT`.
pub(super) fn wrong_family() -> io::Error {
    io::Error::from_raw_os_error(libc::EAFNOSUPPORT)
}
