//! Socket options by number: the typed wrappers of the ecosystem do not take one.

#![expect(unsafe_code, reason = "getsockopt(2) and setsockopt(2) by number")]

use std::io;

#[cfg(unix)]
use std::os::fd::{AsRawFd, RawFd};

/// An integer option's value.
#[cfg(unix)]
pub fn get(socket: &impl AsRawFd, level: i32, name: i32) -> io::Result<i32> {
    let mut value: libc::c_int = 0;
    let mut length = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(0);
    let descriptor: RawFd = socket.as_raw_fd();
    // SAFETY: the buffer is as long as its length says, and the descriptor is open while `socket` is borrowed.
    let status =
        unsafe { libc::getsockopt(descriptor, level, name, (&raw mut value).cast(), &raw mut length) };
    if status == 0 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(unix)]
pub fn set(socket: &impl AsRawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let value: libc::c_int = value;
    let length = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(0);
    let descriptor: RawFd = socket.as_raw_fd();
    // SAFETY: as above.
    let status = unsafe { libc::setsockopt(descriptor, level, name, (&raw const value).cast(), length) };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(not(unix))]
pub fn get<T>(_: &T, _: i32, _: i32) -> io::Result<i32> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub fn set<T>(_: &T, _: i32, _: i32, _: i32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
