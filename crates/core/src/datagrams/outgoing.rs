//! A datagram on its way out.

use std::io;

/// One datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a, T> {
    pub bytes: &'a [u8],
    /// `None`: to whom the socket is connected.
    pub to: Option<&'a T>,
}

/// The error for an address of a family that the socket cannot reach: `EAFNOSUPPORT`.
pub(super) fn wrong_family() -> io::Error {
    io::Error::from_raw_os_error(libc::EAFNOSUPPORT)
}
