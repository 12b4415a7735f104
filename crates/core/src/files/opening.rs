//! Opening files.

use std::{io, os::fd::OwnedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags, openat};

use super::file::File;
use crate::system::{self, Call};

/// What to open, in the system's own words.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    pub path: Vec<u8>,
    pub flags: i32,
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

    /// Opens, and waits for it: a FIFO's other end, a server.
    ///
    /// # Errors
    ///
    /// The system's; `EISDIR` for a directory.
    pub fn open(&self) -> io::Result<File> {
        let open = || Ok(openat(CWD, self.path.as_slice(), self.flags(), self.mode())?);
        File::new(system::call(Call::Open, open)?, true)
    }

    /// Opens an existing regular file for reading if that needs no waiting: its path is in the cache, its file system local.
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
        // A path alone opens nothing: a FIFO's writer, or a device, would notice. What goes wrong is told by whoever waits.
        let place = open(OFlags::PATH | OFlags::CLOEXEC)?;
        if FileType::from_raw_mode(fstat(&place).ok()?.st_mode) != FileType::RegularFile
            || !super::file::is_local(&place)
        {
            return None;
        }
        // It may be another one by now: then this does not wait either, and is given up.
        let descriptor = open(self.flags() | OFlags::NONBLOCK)?;
        if FileType::from_raw_mode(fstat(&descriptor).ok()?.st_mode) != FileType::RegularFile {
            return None;
        }
        rustix::fs::fcntl_setfl(&descriptor, self.flags() - OFlags::CLOEXEC).ok()?;
        File::new(descriptor, true).ok()
    }

    #[cfg(not(target_os = "linux"))]
    pub fn open_now(&self) -> Option<File> {
        None
    }

    /// Whether opening waits for another process.
    pub(crate) fn is_fifo(&self) -> bool {
        rustix::fs::stat(self.path.as_slice())
            .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Fifo)
    }

    /// Both ends of a FIFO: while they are open, nobody waits for either. `None` for everything else.
    pub(crate) fn open_both_ends(&self) -> Option<OwnedFd> {
        let both = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        self.is_fifo()
            .then(|| openat(CWD, self.path.as_slice(), both, Mode::empty()).ok())
            .flatten()
    }
}

/// A file of a descriptor that is open already.
///
/// # Errors
///
/// `EBADF`; `EISDIR` for a directory.
pub fn adopt(descriptor: OwnedFd, owned: bool) -> io::Result<File> {
    File::new(descriptor, owned)
}
