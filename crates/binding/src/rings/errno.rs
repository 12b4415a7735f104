//! Numbers for words of the rings.

use std::{error::Error, io};

use structio_core::tls::Failure;

use super::records::TLS_FAILED;

/// Offsets and lengths inside a region fit a word: TypeScript makes regions far below 2 GiB.
pub fn word(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// The error's number, or [`TLS_FAILED`] for a failure of TLS. Errors that tokio makes itself carry no number: their
/// kind gives one.
pub fn errno(error: &io::Error) -> i32 {
    let is_tls = || {
        error
            .get_ref()
            .is_some_and(<dyn Error + Send + Sync>::is::<Failure>)
    };
    error.raw_os_error().unwrap_or_else(|| match error.kind() {
        io::ErrorKind::WouldBlock => libc::EAGAIN,
        io::ErrorKind::Unsupported => libc::EOPNOTSUPP,
        io::ErrorKind::BrokenPipe => libc::EPIPE,
        io::ErrorKind::NotConnected => libc::ENOTCONN,
        io::ErrorKind::InvalidInput => libc::EINVAL,
        io::ErrorKind::OutOfMemory => libc::ENOMEM,
        _ if is_tls() => TLS_FAILED,
        _ => libc::EIO,
    })
}
