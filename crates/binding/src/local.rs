//! What TypeScript sees of UNIX streams. Names are bytes.

#![expect(unsafe_code, reason = "descriptors by number")]

use napi_derive::napi;
use structio_core::{
    address::UnixName,
    streams::{Descriptors, Parcel, UnixListenRequest},
};

use crate::{
    facade::EventLoop,
    rings::{Entry, HandleId, errno},
};

#[napi]
impl EventLoop {
    /// Connects. Returns a handle, or `-errno`.
    #[napi(catch_unwind)]
    pub fn connect_unix(&self, name: &[u8]) -> f64 {
        self.handle(|turn| turn.connect_unix(UnixName::new(name)))
    }

    /// Binds and listens. Returns a handle, or `-errno`.
    #[napi(catch_unwind)]
    pub fn listen_unix(&self, name: &[u8], mode: Option<u32>, backlog: i32) -> f64 {
        let request = UnixListenRequest {
            name: UnixName::new(name),
            mode,
            backlog,
        };
        self.handle(|turn| turn.listen_unix(&request))
    }

    /// Keeps `data` and duplicates of the descriptors as ancillary data, which leave with the next `Wait.Parcel`.
    /// Returns the error number, or 0.
    #[napi(catch_unwind)]
    pub fn post_fds(&self, handle: f64, data: &[u8], fds: &[i32]) -> i32 {
        let descriptors = match duplicate(fds) {
            Ok(descriptors) => descriptors,
            Err(error) => return errno(&error),
        };
        let parcel = Parcel {
            bytes: data.to_vec(),
            descriptors,
        };
        self.driver
            .with_turn(|turn| turn.post(HandleId::from_number(handle), parcel));
        0
    }

    /// The descriptors that `ReceivedFds` has announced. The caller owns them.
    #[napi(catch_unwind)]
    pub fn take_fds(&self, handle: f64) -> Vec<i32> {
        self.entry(handle, |entry| match entry {
            Entry::Stream(stream) => release(std::mem::take(&mut stream.descriptors)),
            _ => Vec::new(),
        })
        .unwrap_or_default()
    }
}

/// Duplicates: the caller may close its own before they leave, and the numbers may then name other files.
#[cfg(unix)]
fn duplicate(fds: &[i32]) -> std::io::Result<Descriptors> {
    use std::os::fd::BorrowedFd;

    fds.iter()
        .map(|&fd| {
            if fd < 0 {
                return Err(std::io::Error::from_raw_os_error(libc::EBADF));
            }
            // SAFETY: not negative, and used in this call only, in which no JavaScript runs that could close it. A
            // number that is not open gives an error of the system.
            unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()
        })
        .collect()
}

#[cfg(not(unix))]
fn duplicate(_: &[i32]) -> std::io::Result<Descriptors> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn release(descriptors: Descriptors) -> Vec<i32> {
    use std::os::fd::IntoRawFd;

    descriptors.into_iter().map(IntoRawFd::into_raw_fd).collect()
}

#[cfg(not(unix))]
fn release(_: Descriptors) -> Vec<i32> {
    Vec::new()
}
