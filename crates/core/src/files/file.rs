//! An open file, and its system calls.
//!
//! Shared by `Arc` between the JavaScript thread (`…_now`) and the pool (everything that waits). It has no lock: the
//! position is the kernel's, and the caller orders operations.
//!
//! # Invariants
//!
//! 1. [`File::read_now`] uses a plain read only on file systems in memory, `RWF_NOWAIT` on the others of the
//!    allow-list, and nothing elsewhere.
//! 2. `now` only ever falls to `NEVER`: one refusal by a file ends it for that file.
//! 3. A lent descriptor is never closed here.

use std::{
    io::{self, ErrorKind, SeekFrom},
    mem::ManuallyDrop,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::atomic::{AtomicU8, Ordering},
};

use rustix::fs::{FileType, fstat, ftruncate, seek};

use crate::system::{self, Call};

/// How long a call on a file may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Regular files and block devices: calls end by themselves.
    Prompt,
    /// Pipes, sockets and character devices such as terminals: calls may wait for another process, without end.
    Waiting,
}

/// How [`File::read_now`] reads (invariant 1).
mod now {
    /// `preadv2(RWF_NOWAIT)`.
    pub const NOWAIT: u8 = 0;
    /// A plain read: the file is memory.
    pub const PLAIN: u8 = 1;
    /// It does not.
    pub const NEVER: u8 = 2;
}

#[derive(Debug)]
enum Descriptor {
    Own(OwnedFd),
    /// Its owner is outside and closes it (invariant 3).
    Lent(ManuallyDrop<OwnedFd>),
}

/// An open file. Dropping it closes the descriptor if it is owned, and ignores an error of closing.
#[derive(Debug)]
pub struct File {
    descriptor: Descriptor,
    kind: Kind,
    seekable: bool,
    size: u64,
    position: u64,
    now: AtomicU8,
}

impl File {
    /// A file of an open descriptor, `owned` or lent. Asks the system for its kind, size and position.
    ///
    /// # Errors
    ///
    /// `EISDIR` for a directory, and the errors of `fstat`.
    pub(crate) fn new(descriptor: OwnedFd, owned: bool) -> io::Result<Self> {
        let mut file = Self {
            descriptor: if owned {
                Descriptor::Own(descriptor)
            } else {
                Descriptor::Lent(ManuallyDrop::new(descriptor))
            },
            kind: Kind::Prompt,
            seekable: false,
            size: 0,
            position: 0,
            now: AtomicU8::new(now::NEVER),
        };
        let status = fstat(file.fd())?;
        let file_type = FileType::from_raw_mode(status.st_mode);
        if file_type == FileType::Directory {
            return Err(rustix::io::Errno::ISDIR.into());
        }
        if matches!(
            file_type,
            FileType::Fifo | FileType::Socket | FileType::CharacterDevice
        ) {
            file.kind = Kind::Waiting;
        }
        if let Ok(position) = file.seek(SeekFrom::Current(0)) {
            file.seekable = true;
            file.position = position;
        }
        if file_type == FileType::RegularFile {
            file.size = u64::try_from(status.st_size).unwrap_or(0);
            file.now = AtomicU8::new(reads_now(file.fd()));
        }
        Ok(file)
    }

    /// The descriptor, borrowed.
    pub fn fd(&self) -> BorrowedFd<'_> {
        match &self.descriptor {
            Descriptor::Own(descriptor) => descriptor.as_fd(),
            Descriptor::Lent(descriptor) => descriptor.as_fd(),
        }
    }

    /// The descriptor's number.
    pub fn raw_fd(&self) -> RawFd {
        self.fd().as_raw_fd()
    }

    /// How long calls may wait.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it has a position.
    pub fn seekable(&self) -> bool {
        self.seekable
    }

    /// The size in bytes at the time of opening. 0 for anything but a regular file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The position in bytes at the time of opening. 0 if it has none.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether its file system answers without waiting for a server.
    pub fn is_local(&self) -> bool {
        self.now.load(Ordering::Relaxed) != now::NEVER
    }

    /// Reads once at the position, if that needs no waiting. Returns the number of bytes; 0 is the end. `None`: it
    /// would wait.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn read_now(&self, memory: &mut [u8]) -> io::Result<Option<usize>> {
        match self.now.load(Ordering::Relaxed) {
            now::NOWAIT => match nowait_read(self.fd(), memory) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) if is_unsupported(&error) => {
                    // Invariant 2: this file differs from others on its file system.
                    self.now.store(now::NEVER, Ordering::Relaxed);
                    Ok(None)
                }
                outcome => outcome.map(Some),
            },
            now::PLAIN => self.read(memory).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads once at the position and waits for it. Returns the number of bytes; 0 is the end.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn read(&self, memory: &mut [u8]) -> io::Result<usize> {
        let length = system::part(memory.len());
        let memory = &mut memory[..length];
        system::call(Call::File, || Ok(rustix::io::read(self.fd(), &mut *memory)?))
    }

    /// Writes all of `data` at the position and waits for it. Returns the number of bytes written, also beside an
    /// error.
    pub fn write_all(&self, data: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        while written < data.len() {
            let rest = &data[written..];
            let rest = &rest[..system::part(rest.len())];
            match system::call(Call::File, || Ok(rustix::io::write(self.fd(), rest)?)) {
                Ok(count) => written += count,
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }

    /// Moves the position, and returns the new one in bytes from the start.
    ///
    /// # Errors
    ///
    /// The system's: `ESPIPE` if it has no position, `EINVAL` before the start.
    pub fn seek(&self, target: SeekFrom) -> io::Result<u64> {
        let target = match target {
            SeekFrom::Start(offset) => rustix::fs::SeekFrom::Start(offset),
            SeekFrom::Current(offset) => rustix::fs::SeekFrom::Current(offset),
            SeekFrom::End(offset) => rustix::fs::SeekFrom::End(offset),
        };
        seek(self.fd(), target).map_err(io::Error::from)
    }

    /// Cuts the file to `size` bytes, or extends it with zeros. The position stays.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn truncate(&self, size: u64) -> io::Result<()> {
        system::call(Call::File, || Ok(ftruncate(self.fd(), size)?))
    }

    /// Takes the descriptor, so that the caller can close it and see the error. `None` for a lent one.
    pub fn into_descriptor(self) -> Option<OwnedFd> {
        match self.descriptor {
            Descriptor::Own(descriptor) => Some(descriptor),
            Descriptor::Lent(_) => None,
        }
    }
}

/// Whether the file refuses `RWF_NOWAIT` itself.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ENOSYS)
    )
}

/// Reads once at the position with `RWF_NOWAIT`.
///
/// # Errors
///
/// `WouldBlock` if it would wait; `EOPNOTSUPP` if the file or the system does not support the flag.
#[cfg(target_os = "linux")]
pub(crate) fn nowait_read(fd: BorrowedFd<'_>, memory: &mut [u8]) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};

    let length = system::part(memory.len());
    system::call(Call::FileNow, || {
        let memory = &mut [io::IoSliceMut::new(&mut memory[..length])];
        // Offset -1: at the position.
        Ok(preadv2(fd, memory, u64::MAX, ReadWriteFlags::NOWAIT)?)
    })
}

/// Writes once at the position with `RWF_NOWAIT`.
///
/// # Errors
///
/// As [`nowait_read`].
#[cfg(target_os = "linux")]
pub(crate) fn nowait_write(fd: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, pwritev2};

    let data = [io::IoSlice::new(&data[..system::part(data.len())])];
    system::call(Call::FileNow, || {
        Ok(pwritev2(fd, &data, u64::MAX, ReadWriteFlags::NOWAIT)?)
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn nowait_read(_: BorrowedFd<'_>, _: &mut [u8]) -> io::Result<usize> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn nowait_write(_: BorrowedFd<'_>, _: &[u8]) -> io::Result<usize> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

/// Whether calls on this descriptor end without waiting for a server.
#[cfg(target_os = "linux")]
pub(crate) fn is_local(descriptor: &OwnedFd) -> bool {
    reads_now(descriptor.as_fd()) != now::NEVER
}

/// How files of this descriptor's file system may be read at once. The list has file systems that live in this
/// machine's kernel, whose calls end by themselves. It leaves out network file systems, those that a process serves
/// (which may be this one), and overlays: their layers may be either, as in lazily pulled container images, and they
/// do not say.
#[cfg(target_os = "linux")]
fn reads_now(fd: BorrowedFd<'_>) -> u8 {
    const MEMORY: [u64; 2] = [0x0102_1994 /* tmpfs */, 0x8584_58f6 /* ramfs */];
    const LOCAL: [u64; 8] = [
        0xef53,      // ext2, ext3, ext4
        0x5846_5342, // XFS
        0x9123_683e, // Btrfs
        0xf2f5_2010, // F2FS
        0xe0f5_e1e2, // EROFS
        0x7371_7368, // SquashFS
        0x2fc1_2fc1, // ZFS
        0xca45_1a4e, // bcachefs
    ];
    let Ok(status) = rustix::fs::fstatfs(fd) else {
        return now::NEVER;
    };
    #[expect(
        clippy::cast_sign_loss,
        reason = "a magic number, which some platforms keep in a signed word"
    )]
    let file_system = status.f_type as u64 & 0xffff_ffff;
    if MEMORY.contains(&file_system) {
        now::PLAIN
    } else if LOCAL.contains(&file_system) {
        now::NOWAIT
    } else {
        now::NEVER
    }
}

#[cfg(not(target_os = "linux"))]
fn reads_now(_: BorrowedFd<'_>) -> u8 {
    now::NEVER
}
