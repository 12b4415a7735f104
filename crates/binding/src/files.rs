//! What TypeScript sees of files. Numbers below zero are special: [`WOULD_BLOCK`] (a request does it), or
//! [`ERROR_BASE`]` - errno`.
//!
//! Work on the pool is a request: a call returns its number, `FileDone` carries the number, and `takeFile` (or
//! `takeOpened`) gives the outcome, once.
//!
//! Invariants:
//! 1. A slot belongs to one open file until `closeFile`. A job on the pool shares the file: the descriptor closes
//!    with its last user.
//! 2. An interrupt is kept for each request that may wait for another process, until its outcome is taken. The end of
//!    the environment sends all of them.

#![expect(unsafe_code, reason = "descriptors by number, and the caller's memory")]

use std::{
    collections::HashMap,
    io::{self, SeekFrom},
    os::fd::{FromRawFd, IntoRawFd, OwnedFd},
    sync::Arc,
};

use napi::{
    Env, Result,
    bindgen_prelude::{Either, Uint8ArraySlice, Unknown},
};
use napi_derive::napi;
use structio_core::files::{
    File, Interrupt, Kind, Outcome, jobs,
    opening::{self, OpenRequest},
};

use crate::{
    event_loop::{Remote, file_caller},
    facade::EventLoop,
    rings::{ERROR_BASE, INTERRUPTED, WOULD_BLOCK, errno},
};

/// The open files of one JavaScript thread, and the interrupts of its requests.
#[derive(Debug, Default)]
pub struct FileTable {
    slots: Vec<Option<Arc<File>>>,
    free: Vec<u32>,
    interrupts: HashMap<u32, Interrupt>,
}

#[napi(object)]
pub struct OpenedFile {
    pub slot: u32,
    pub fd: i32,
    /// Whether reads and writes may wait for another process.
    pub waits: bool,
    pub seekable: bool,
    pub size: f64,
    pub position: f64,
}

#[napi]
impl EventLoop {
    /// Opens a regular file for reading, where that needs no waiting. [`WOULD_BLOCK`]: use a request.
    #[napi(catch_unwind)]
    pub fn open_file_now(&mut self, path: &[u8], flags: i32) -> Either<OpenedFile, f64> {
        let request = OpenRequest {
            path: path.to_vec(),
            flags,
            mode: 0,
        };
        match request.open_now() {
            Some(file) => Either::A(self.driver.files.borrow_mut().add(file)),
            None => Either::B(WOULD_BLOCK.into()),
        }
    }

    /// Opens a file on the pool. Returns the request's number.
    #[napi(catch_unwind)]
    pub fn open_file(&mut self, path: &[u8], flags: i32, mode: u32) -> u32 {
        let open = OpenRequest {
            path: path.to_vec(),
            flags,
            mode,
        };
        let (request, done) = self.begin();
        let interrupt = jobs::open(self.pool, open, done);
        self.driver
            .files
            .borrow_mut()
            .interrupts
            .insert(request, interrupt);
        request
    }

    /// The file that a request has opened, or [`ERROR_BASE`]` - errno`.
    #[napi(catch_unwind)]
    pub fn take_opened(&mut self, request: u32) -> Either<OpenedFile, f64> {
        self.driver.files.borrow_mut().interrupts.remove(&request);
        match self.driver.take_file_outcome(request) {
            Some(Outcome::Opened(file)) => Either::A(self.driver.files.borrow_mut().add(file)),
            Some(Outcome::Failed(error, _)) => Either::B(failed(&error)),
            _ => Either::B(error_result(libc::EBADF)),
        }
    }

    /// A file for an open descriptor, or [`ERROR_BASE`]` - errno`. With `close`, the file owns the descriptor.
    #[napi(catch_unwind)]
    pub fn adopt_file(&mut self, fd: i32, close: bool) -> Either<OpenedFile, f64> {
        // Adopted without ownership first: an error must not close it.
        let outcome = take(fd).and_then(|lent| opening::adopt(lent, false));
        let outcome = match outcome {
            Ok(_) if close => take(fd).and_then(|own| opening::adopt(own, true)),
            outcome => outcome,
        };
        match outcome {
            Ok(file) => Either::A(self.driver.files.borrow_mut().add(file)),
            Err(error) => Either::B(failed(&error)),
        }
    }

    /// The function that reads into a `Uint8Array`, or without one sets the position, where that needs no waiting.
    /// Its other arguments and its result are words of the submission ring's header.
    #[napi(catch_unwind, ts_return_type = "(memory?: Uint8Array) => void")]
    pub fn file_caller<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        // SAFETY: the current environment, which is the driver's: an object of a class stays in its environment. The
        // value is fresh.
        unsafe {
            let function = file_caller(env.raw(), &self.driver)?;
            Ok(Unknown::from_raw_unchecked(env.raw(), function))
        }
    }

    /// Reads up to `length` bytes on the pool. Returns the request's number, or nothing for a closed slot.
    #[napi(catch_unwind)]
    pub fn read_file(&mut self, slot: u32, length: u32) -> Option<u32> {
        let file = self.driver.files.borrow().get(slot)?;
        let (request, done) = self.begin();
        let interrupt = jobs::read(self.pool, file, length as usize, done);
        self.driver.files.borrow_mut().keep(request, interrupt);
        Some(request)
    }

    /// Writes all of `data` on the pool; a request, as `readFile`.
    #[napi(catch_unwind)]
    pub fn write_file(&mut self, slot: u32, data: &[u8]) -> Option<u32> {
        let file = self.driver.files.borrow().get(slot)?;
        let (request, done) = self.begin();
        let interrupt = jobs::write(self.pool, file, data.to_vec(), done);
        self.driver.files.borrow_mut().keep(request, interrupt);
        Some(request)
    }

    /// Moves the position (`whence` as of `lseek`: 0, 1 or 2), where that needs no waiting.
    #[napi(catch_unwind)]
    pub fn seek_file_now(&self, slot: u32, offset: f64, whence: u32) -> f64 {
        match self.driver.files.borrow().get(slot) {
            None => error_result(libc::EBADF),
            // The end of a file on a network file system may need an answer of its server.
            Some(file) if whence == 2 && !file.is_local() => WOULD_BLOCK.into(),
            Some(file) => match file.seek(target(offset, whence)) {
                Ok(position) => number(position),
                Err(error) => failed(&error),
            },
        }
    }

    /// Moves the position on the pool; a request, as `readFile`.
    #[napi(catch_unwind)]
    pub fn seek_file(&mut self, slot: u32, offset: f64, whence: u32) -> Option<u32> {
        let file = self.driver.files.borrow().get(slot)?;
        let (request, done) = self.begin();
        jobs::seek(self.pool, file, target(offset, whence), done);
        Some(request)
    }

    /// Truncates or extends the file on the pool; a request, as `readFile`.
    #[napi(catch_unwind)]
    pub fn truncate_file(&mut self, slot: u32, size: f64) -> Option<u32> {
        let file = self.driver.files.borrow().get(slot)?;
        let (request, done) = self.begin();
        jobs::truncate(self.pool, file, whole(size), done);
        Some(request)
    }

    /// Frees the slot and closes its file. Returns a request's number where the pool closes it: with `pool`, and for
    /// files whose closing may wait.
    #[napi(catch_unwind)]
    pub fn close_file(&mut self, slot: u32, pool: bool) -> Option<u32> {
        let file = self.driver.files.borrow_mut().take(slot)?;
        if !pool && file.is_local() {
            return None;
        }
        let (request, done) = self.begin();
        jobs::close(self.pool, file, close_descriptor, done);
        Some(request)
    }

    /// Interrupts a request that waits. Its outcome is then [`INTERRUPTED`], unless it was done already.
    #[napi(catch_unwind)]
    pub fn interrupt_file(&mut self, request: u32) {
        let interrupt = self.driver.files.borrow_mut().interrupts.remove(&request);
        if let Some(interrupt) = interrupt {
            interrupt.send();
        }
    }

    /// The outcome of a request as `[number, errno]`. The number is bytes read, bytes written before an error, or the
    /// new position or size; errno may be [`INTERRUPTED`]. Bytes read are copied to `view`, from `start`.
    #[napi(catch_unwind)]
    pub fn take_file(
        &mut self,
        request: u32,
        view: Option<Uint8ArraySlice<'_>>,
        start: Option<u32>,
    ) -> Vec<f64> {
        self.driver.files.borrow_mut().interrupts.remove(&request);
        match self.driver.take_file_outcome(request) {
            Some(Outcome::Bytes(bytes)) => {
                let start = start.unwrap_or(0) as usize;
                let count = view.map_or(0, |mut view| {
                    // SAFETY: the caller's own memory, for the length of this statement, in which no JavaScript runs.
                    let memory = unsafe { view.as_mut() };
                    let end = memory.len().min(start + bytes.len());
                    let room = memory.get_mut(start..end).unwrap_or_default();
                    room.copy_from_slice(&bytes[..room.len()]);
                    room.len()
                });
                vec![number(count as u64), 0.0]
            }
            Some(Outcome::Number(value)) => vec![number(value), 0.0],
            Some(Outcome::Failed(error, done)) => vec![number(done), f64::from(errno(&error))],
            Some(Outcome::Interrupted(done)) => vec![number(done), INTERRUPTED.into()],
            Some(Outcome::Opened(_)) | None => vec![0.0, f64::from(libc::EBADF)],
        }
    }
}

impl EventLoop {
    /// The number of a new request, and the callback for its outcome.
    fn begin(&mut self) -> (u32, impl FnOnce(Outcome) + Send + use<>) {
        let request = self.next_request();
        let remote = Arc::clone(self.driver.remote());
        (request, move |outcome| {
            remote.push(Remote::File(request, outcome));
        })
    }
}

/// The environment has ended. Jobs that wait for other processes end, and close their files.
impl Drop for FileTable {
    fn drop(&mut self) {
        for (_, interrupt) in self.interrupts.drain() {
            interrupt.send();
        }
    }
}

impl FileTable {
    /// Reads into `memory[start..end]`, or without memory sets the position to `end << 32 | start`. Returns bytes
    /// read, 0 for a move, [`WOULD_BLOCK`] or [`ERROR_BASE`]` - errno`.
    pub fn call_now(&self, [slot, start, end]: [u32; 3], memory: Option<&mut [u8]>) -> i32 {
        let Some(Some(file)) = self.slots.get(slot as usize) else {
            return ERROR_BASE - libc::EBADF;
        };
        let outcome = match memory {
            None => file
                .seek(SeekFrom::Start(u64::from(end) << 32 | u64::from(start)))
                .map(|_| Some(0)),
            Some(memory) => match memory.get_mut(start as usize..end as usize) {
                Some(memory) => file.read_now(memory),
                None => return ERROR_BASE - libc::EFAULT,
            },
        };
        match outcome {
            Ok(Some(count)) => i32::try_from(count).unwrap_or(i32::MAX),
            Ok(None) => WOULD_BLOCK,
            Err(error) => ERROR_BASE - errno(&error),
        }
    }

    fn add(&mut self, file: File) -> OpenedFile {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let opened = OpenedFile {
            slot,
            fd: file.raw_fd(),
            waits: file.kind() == Kind::Waiting,
            seekable: file.seekable(),
            size: number(file.size()),
            position: number(file.position()),
        };
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(Arc::new(file));
        }
        opened
    }

    fn get(&self, slot: u32) -> Option<Arc<File>> {
        self.slots.get(slot as usize)?.clone()
    }

    fn take(&mut self, slot: u32) -> Option<Arc<File>> {
        let file = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(file)
    }

    fn keep(&mut self, request: u32, interrupt: Option<Interrupt>) {
        if let Some(interrupt) = interrupt {
            self.interrupts.insert(request, interrupt);
        }
    }
}

/// The descriptor of a number, which must be open.
fn take(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: not negative, and `F_GETFD` only asks.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: open, as `F_GETFD` has shown. `opening::adopt` closes it only with `close`, where the caller gives it
    // away.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes with a result, which dropping does not give: closing may be the first to report a full disk.
fn close_descriptor(descriptor: OwnedFd) -> io::Result<()> {
    // SAFETY: owned, and given up by `into_raw_fd`.
    match unsafe { libc::close(descriptor.into_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn target(offset: f64, whence: u32) -> SeekFrom {
    #[expect(clippy::cast_possible_truncation, reason = "TypeScript passes safe integers")]
    let signed = offset as i64;
    match whence {
        1 => SeekFrom::Current(signed),
        2 => SeekFrom::End(signed),
        _ => SeekFrom::Start(whole(offset)),
    }
}

fn whole(value: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "TypeScript passes safe integers, and the cast saturates"
    )]
    let whole = value as u64;
    whole
}

fn number(value: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "files are shorter than 2^53 bytes")]
    let number = value as f64;
    number
}

fn failed(error: &io::Error) -> f64 {
    error_result(errno(error))
}

fn error_result(errno: i32) -> f64 {
    (ERROR_BASE - errno).into()
}
