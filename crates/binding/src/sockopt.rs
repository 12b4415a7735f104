//! Socket options by number: the typed wrappers of the ecosystem do not take one.

#![expect(unsafe_code, reason = "getsockopt(2) and setsockopt(2) by number")]

use std::io;

#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// A socket of any kind.
#[cfg(unix)]
pub type AnySocket<'a> = BorrowedFd<'a>;

#[cfg(unix)]
pub fn any(socket: &impl AsFd) -> AnySocket<'_> {
    socket.as_fd()
}

/// An integer option's value.
#[cfg(unix)]
pub fn get(socket: &AnySocket<'_>, level: i32, name: i32) -> io::Result<i32> {
    let mut value: libc::c_int = 0;
    let mut length = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(0);
    // SAFETY: the buffer is as long as its length says, and the descriptor is open while `socket` is borrowed.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    if status == 0 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Sets an option to the bytes of its value: of an integer, or of the structure that the option takes.
#[cfg(unix)]
pub fn set(socket: &AnySocket<'_>, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let length =
        libc::socklen_t::try_from(value.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: as above. The kernel checks options whose value holds an address (`SO_ATTACH_FILTER`), as for every
    // program.
    let status = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value.as_ptr().cast(), length) };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(not(unix))]
pub type AnySocket<'a> = std::marker::PhantomData<&'a ()>;

#[cfg(not(unix))]
pub fn any<T>(_: &T) -> AnySocket<'_> {
    std::marker::PhantomData
}

#[cfg(not(unix))]
pub fn get(_: &AnySocket<'_>, _: i32, _: i32) -> io::Result<i32> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub fn set(_: &AnySocket<'_>, _: i32, _: i32, _: &[u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
