//! Opens files by path, or adopts descriptors.
//!
//! [`OpenRequest::open_now`] and [`adopt`] run on the JavaScript thread; everything else runs on the pool.
//!
//! # Invariants
//!
//! 1. [`OpenRequest::open_now`] has no side effect that another process or a device can see: it opens nothing but
//!    regular files for reading, on a local file system, from the kernel's cache of paths.
//! 2. Descriptors are close-on-exec.

use std::{io, os::fd::OwnedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags, openat};

use super::file::File;
use crate::system::{self, Call};

/// A file to open.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    /// Without a NUL byte. Relative to the working directory.
    pub path: Vec<u8>,
    /// `O_…` of this system. `O_CLOEXEC` is added.
    pub flags: i32,
    /// The permission bits of a file that is created.
    pub mode: u32,
}

impl OpenRequest {
    fn flags(&self) -> OFlags {
        OFlags::from_bits_retain(self.flags.cast_unsigned()) | OFlags::CLOEXEC
    }

    fn mode(&self) -> Mode {
        #[cfg_attr(
            target_os = "linux",
            expect(clippy::useless_conversion, reason = "`mode_t` has 16 bits elsewhere")
        )]
        Mode::from_bits_retain(self.mode.try_into().unwrap_or(0o666))
    }

    /// Opens and waits for it, be it for a FIFO's other end or for a server.
    ///
    /// # Errors
    ///
    /// The system's; `EISDIR` for a directory.
    pub fn open(&self) -> io::Result<File> {
        let open = || Ok(openat(CWD, self.path.as_slice(), self.flags(), self.mode())?);
        File::new(system::call(Call::Open, open)?, true)
    }

    /// Opens an existing regular file for reading, if that needs no waiting (invariant 1). `None`: it would wait, or
    /// fails. Then [`OpenRequest::open`] finds out.
    #[cfg(target_os = "linux")]
    pub fn open_now(&self) -> Option<File> {
        use rustix::fs::{ResolveFlags, fstat, openat2};

        const CHANGING: OFlags = OFlags::from_bits_retain(
            OFlags::CREATE.bits() | OFlags::TRUNC.bits() | OFlags::WRONLY.bits() | OFlags::RDWR.bits(),
        );
        if self.flags().intersects(CHANGING) {
            return None;
        }
        let open = |flags| {
            let path = self.path.as_slice();
            system::call(Call::Open, || {
                Ok(openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED)?)
            })
            .ok()
        };
        // O_PATH opens the name alone. A real open of a FIFO or a device would be noticed.
        let place = open(OFlags::PATH | OFlags::CLOEXEC)?;
        if FileType::from_raw_mode(fstat(&place).ok()?.st_mode) != FileType::RegularFile
            || !super::file::is_local(&place)
        {
            return None;
        }
        // Another file may have taken the name. O_NONBLOCK keeps this from waiting for it.
        let descriptor = open(self.flags() | OFlags::NONBLOCK)?;
        if FileType::from_raw_mode(fstat(&descriptor).ok()?.st_mode) != FileType::RegularFile {
            return None;
        }
        rustix::fs::fcntl_setfl(&descriptor, self.flags() - OFlags::CLOEXEC).ok()?;
        File::new(descriptor, true).ok()
    }

    /// `None`: this system cannot open without waiting.
    #[cfg(not(target_os = "linux"))]
    pub fn open_now(&self) -> Option<File> {
        None
    }

    /// Whether opening waits for another process.
    pub(crate) fn is_fifo(&self) -> bool {
        rustix::fs::stat(self.path.as_slice())
            .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Fifo)
    }

    /// Opens both ends of a FIFO: while they are open, opening either end does not wait. `None` for anything else.
    pub(crate) fn open_both_ends(&self) -> Option<OwnedFd> {
        let both = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        self.is_fifo()
            .then(|| openat(CWD, self.path.as_slice(), both, Mode::empty()).ok())
            .flatten()
    }
}

/// A file of a descriptor that is open already. A lent one (`owned` false) is never closed here.
///
/// # Errors
///
/// `EISDIR` for a directory, and the errors of `fstat`.
pub fn adopt(descriptor: OwnedFd, owned: bool) -> io::Result<File> {
    File::new(descriptor, owned)
}
