//! What TypeScript sees of files. Numbers below zero are special: [`WOULD_BLOCK`] (a request does it), or
//! [`ERROR_BASE`]` - errno`.
//!
//! Work on the pool is a request: its number, which `FileDone` will carry; then `takeFile` (or `takeOpened`) gives the outcome.

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
    event_loop::{Outside, file_caller},
    facade::EventLoop,
    rings::{ERROR_BASE, INTERRUPTED, WOULD_BLOCK, errno},
};

/// The open files of one JavaScript thread, and what could be interrupted.
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
    /// Opens a regular file for reading, if that needs no waiting; [`WOULD_BLOCK`]: a request has to.
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

    /// Opens on the pool: a request.
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

    /// The file that a request has opened, or `ERROR_BASE - errno`.
    #[napi(catch_unwind)]
    pub fn take_opened(&mut self, request: u32) -> Either<OpenedFile, f64> {
        self.driver.files.borrow_mut().interrupts.remove(&request);
        match self.driver.take_file_outcome(request) {
            Some(Outcome::Opened(file)) => Either::A(self.driver.files.borrow_mut().add(file)),
            Some(Outcome::Failed(error, _)) => Either::B(failed(&error)),
            _ => Either::B(error_result(libc::EBADF)),
        }
    }

    /// A file of a descriptor that is open, or `ERROR_BASE - errno`.
    #[napi(catch_unwind)]
    pub fn adopt_file(&mut self, fd: i32, close: bool) -> Either<OpenedFile, f64> {
        // Looked at as somebody else's first: an error must not close it.
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

    /// The function that reads into a `Uint8Array`, or without one moves to a position, if that needs no waiting. Its other
    /// arguments and its answer are words of the submission ring's header.
    #[napi(catch_unwind, ts_return_type = "(memory?: Uint8Array) => void")]
    pub fn file_caller<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        // SAFETY: the current environment, which is the driver's: the class is of no other. A fresh value of it.
        unsafe {
            let function = file_caller(env.raw(), &self.driver)?;
            Ok(Unknown::from_raw_unchecked(env.raw(), function))
        }
    }

    /// Reads up to `length` bytes: a request.
    #[napi(catch_unwind)]
    pub fn read_file(&mut self, slot: u32, length: u32) -> Option<u32> {
        let file = self.driver.files.borrow().get(slot)?;
        let (request, done) = self.begin();
        let interrupt = jobs::read(self.pool, file, length as usize, done);
        self.driver.files.borrow_mut().keep(request, interrupt);
        Some(request)
    }

    /// Writes all of `data`: a request.
    #[napi(catch_unwind)]
    pub fn write_file(&mut self, slot: u32, data: &[u8]) -> Option<u32> {
        let file = self.driver.files.borrow().get(slot)?;
        let (request, done) = self.begin();
        let interrupt = jobs::write(self.pool, file, data.to_vec(), done);
        self.driver.files.borrow_mut().keep(request, interrupt);
        Some(request)
    }

    /// Moves the position (`whence` 0, 1 or 2) if that needs no waiting.
    #[napi(catch_unwind)]
    pub fn seek_file_now(&self, slot: u32, offset: f64, whence: u32) -> f64 {
        match self.driver.files.borrow().get(slot) {
            None => error_result(libc::EBADF),
            // Where a file ends, its server may have to be asked.
            Some(file) if whence == 2 && !file.is_local() => WOULD_BLOCK.into(),
            Some(file) => match file.seek(target(offset, whence)) {
                Ok(position) => number(position),
                Err(error) => failed(&error),
            },
        }
    }

    /// Moves the position: a request.
    #[napi(catch_unwind)]
    pub fn seek_file(&mut self, slot: u32, offset: f64, whence: u32) -> Option<u32> {
        let file = self.driver.files.borrow().get(slot)?;
        let (request, done) = self.begin();
        jobs::seek(self.pool, file, target(offset, whence), done);
        Some(request)
    }

    /// Cuts or extends: a request.
    #[napi(catch_unwind)]
    pub fn truncate_file(&mut self, slot: u32, size: f64) -> Option<u32> {
        let file = self.driver.files.borrow().get(slot)?;
        let (request, done) = self.begin();
        jobs::truncate(self.pool, file, whole(size), done);
        Some(request)
    }

    /// Gives the slot free and closes what it held; on the pool, where closing may have to wait (`pool`): a request.
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

    /// Ends the wait of a request, which then has the outcome `Interrupted`, unless it was done already.
    #[napi(catch_unwind)]
    pub fn interrupt_file(&mut self, request: u32) {
        let interrupt = self.driver.files.borrow_mut().interrupts.remove(&request);
        if let Some(interrupt) = interrupt {
            interrupt.send();
        }
    }

    /// The outcome of a request as `[number, errno]`: bytes read, written before an error, or the new position or size. An
    /// errno of [`INTERRUPTED`]: interrupted. What was read is copied to `view`, from `start`.
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
    /// The number of a new request, and what its job answers through.
    fn begin(&mut self) -> (u32, impl FnOnce(Outcome) + Send + use<>) {
        let request = self.next_request();
        let outside = Arc::clone(self.driver.outside());
        (request, move |outcome| {
            outside.push(Outside::File(request, outcome));
        })
    }
}

/// The environment has ended: nobody waits for other processes any more, and what its jobs have open is closed with them.
impl Drop for FileTable {
    fn drop(&mut self) {
        for (_, interrupt) in self.interrupts.drain() {
            interrupt.send();
        }
    }
}

impl FileTable {
    /// The slot, and from where to where in the memory, or without one the halves of a position: the bytes read, 0, [`WOULD_BLOCK`] or
    /// [`ERROR_BASE`]` - errno`.
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

/// The descriptor of a number.
fn take(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: not -1, and only asked about in this statement.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: open, as was just seen. `File` closes it only where its owner has given it away.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes, and says how that went, which dropping does not: a full disk may be noticed only now.
fn close_descriptor(descriptor: OwnedFd) -> io::Result<()> {
    // SAFETY: owned, and given up in this statement.
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
