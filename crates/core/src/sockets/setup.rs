//! Options that stream and datagram sockets set before they bind.

use std::io;

use socket2::Socket;

/// Lets other sockets bind to the same port (`SO_REUSEPORT`).
///
/// # Errors
///
/// The system's; `Unsupported` on Windows, whose option of a similar name would let another process take the port over.
#[cfg(unix)]
pub(crate) fn set_reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

/// As above: this system has no such option.
///
/// # Errors
///
/// Always `Unsupported`.
#[cfg(not(unix))]
pub(crate) fn set_reuse_port(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether an IPv6 socket failed because this machine has no IPv6.
pub(crate) fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
    )
}
