//! Work on files that may wait, done on the pool.
//!
//! The JavaScript thread starts a job. The job calls `done` exactly once, on a thread of the pool.
//!
//! # Invariants
//!
//! 1. A job owns what it works on: bytes cross by copy, and a file lives until its last job has dropped it. A job
//!    drops the file before it calls `done`, so a close after that really closes.
//! 2. An interrupt ends a wait, never a system call. An interrupted read has taken no byte. An interrupted write says
//!    how many bytes it had written.
//! 3. Data wins over an interrupt: readiness is checked first.
//! 4. Waiting for a pipe, a socket or a terminal takes no place of the pool. A place is taken only if the descriptor
//!    cannot be read or written without waiting.
//! 5. Opening a FIFO waits in the kernel for the other end, and that wait cannot be interrupted. An interrupt opens
//!    the other end itself, and keeps it open until the waiting thread has come back.

use std::{
    future::poll_fn,
    io::{self, ErrorKind, SeekFrom},
    os::fd::{AsFd, OwnedFd},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::oneshot,
};

use super::{
    file::{File, Kind, nowait_read, nowait_write},
    opening::OpenRequest,
};
use crate::{
    pool::Pool,
    system::{self, Call},
};

/// The outcome of a job.
#[derive(Debug)]
pub enum Outcome {
    /// Of [`open`].
    Opened(File),
    /// Of [`read`].
    Bytes(Vec<u8>),
    /// Of the others: see each.
    Number(u64),
    /// An error, and the number of bytes written before it.
    Failed(io::Error, u64),
    /// Interrupted after this number of bytes was written.
    Interrupted(u64),
}

/// Can end the wait of one job. Dropping it lets the job run on.
#[derive(Debug)]
pub struct Interrupt(Ending);

#[derive(Debug)]
enum Ending {
    Signal(oneshot::Sender<()>),
    Opening(&'static Pool, OpenRequest, Arc<Mutex<Partner>>),
}

impl Interrupt {
    /// Ends the wait. Does nothing if the job is done.
    pub fn send(self) {
        match self.0 {
            Ending::Signal(sender) => {
                // An error means that the job is done.
                let _ = sender.send(());
            }
            Ending::Opening(pool, request, partner) => pool.run_unbounded(move || {
                let mut partner = partner.lock().unwrap_or_else(PoisonError::into_inner);
                if matches!(*partner, Partner::None) {
                    *partner = Partner::Open(request.open_both_ends());
                }
            }),
        }
    }
}

/// The other end of a FIFO, opened to end the wait of a thread that opens this end (invariant 5). It stays open until
/// that thread has come back, for that thread may not have begun to wait yet.
#[derive(Debug)]
enum Partner {
    /// Not opened: no interrupt.
    None,
    Open(#[expect(dead_code, reason = "held open")] Option<OwnedFd>),
    /// The thread has come back. A later interrupt does nothing.
    Done,
}

/// Opens a file. `done` gets `Opened`, also after an interrupt if the file was opened all the same: the caller drops
/// it then.
pub fn open(
    pool: &'static Pool,
    request: OpenRequest,
    done: impl FnOnce(Outcome) + Send + 'static,
) -> Interrupt {
    let partner = Arc::new(Mutex::new(Partner::None));
    let interrupt = Interrupt(Ending::Opening(pool, request.clone(), Arc::clone(&partner)));
    pool.run_file(move || {
        if request.is_fifo() {
            pool.run_unbounded(move || done(opened(&request, &partner)));
        } else {
            done(opened(&request, &partner));
        }
    });
    interrupt
}

fn opened(request: &OpenRequest, partner: &Mutex<Partner>) -> Outcome {
    let outcome = match request.open() {
        Ok(file) => Outcome::Opened(file),
        Err(error) => Outcome::Failed(error, 0),
    };
    *partner.lock().unwrap_or_else(PoisonError::into_inner) = Partner::Done;
    outcome
}

/// Reads once, at most `length` bytes. `done` gets `Bytes`, empty at the end of the file. The interrupt is there if
/// the file may wait for another process.
pub fn read(
    pool: &'static Pool,
    file: Arc<File>,
    length: usize,
    done: impl FnOnce(Outcome) + Send + 'static,
) -> Option<Interrupt> {
    if file.kind() == Kind::Prompt {
        pool.run_file(move || done(read_blocking(file, length)));
        return None;
    }
    let (interrupt, mut interrupted) = oneshot::channel();
    pool.run(async move {
        let outcome = match watch(&file, Interest::READABLE) {
            Ok(watched) => read_when_ready(&watched, &mut interrupted, length).await,
            Err(_) => None,
        };
        match outcome {
            Some(outcome) => {
                drop(file);
                done(outcome);
            }
            None => pool.run_file(move || done(read_blocking(file, length))),
        }
    });
    Some(Interrupt(Ending::Signal(interrupt)))
}

fn read_blocking(file: Arc<File>, length: usize) -> Outcome {
    let mut bytes = vec![0; length];
    let outcome = file.read(&mut bytes);
    drop(file);
    match outcome {
        Ok(count) => {
            bytes.truncate(count);
            Outcome::Bytes(bytes)
        }
        // Also `EAGAIN`, if another process has made the descriptor non-blocking and was faster to read.
        Err(error) => Outcome::Failed(error, 0),
    }
}

/// Waits for readiness and reads. `None`: it is readable, but supports only reads that may wait, as terminals do.
async fn read_when_ready(
    watched: &AsyncFd<OwnedFd>,
    interrupted: &mut oneshot::Receiver<()>,
    length: usize,
) -> Option<Outcome> {
    let mut bytes = vec![0; length];
    loop {
        match ready(watched, interrupted, Interest::READABLE).await {
            Err(error) => return Some(Outcome::Failed(error, 0)),
            Ok(None) => return Some(Outcome::Interrupted(0)),
            Ok(Some(mut guard)) => match nowait_read(guard.get_inner().as_fd(), &mut bytes) {
                Ok(count) => {
                    bytes.truncate(count);
                    return Some(Outcome::Bytes(bytes));
                }
                Err(error) if system::is_made_up(&error) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => return None,
                Err(error) => return Some(Outcome::Failed(error, 0)),
            },
        }
    }
}

/// Writes all of `data`. `done` gets `Number`, its length in bytes. The interrupt is there if the file may wait for
/// another process.
pub fn write(
    pool: &'static Pool,
    file: Arc<File>,
    data: Vec<u8>,
    done: impl FnOnce(Outcome) + Send + 'static,
) -> Option<Interrupt> {
    if file.kind() == Kind::Prompt {
        pool.run_file(move || done(write_blocking(file, &data)));
        return None;
    }
    let (interrupt, mut interrupted) = oneshot::channel();
    pool.run(async move {
        let outcome = match watch(&file, Interest::WRITABLE) {
            Ok(watched) => write_when_ready(&watched, &mut interrupted, &data).await,
            Err(_) => None,
        };
        match outcome {
            Some(outcome) => {
                drop(file);
                done(outcome);
            }
            None => pool.run_file(move || done(write_blocking(file, &data))),
        }
    });
    Some(Interrupt(Ending::Signal(interrupt)))
}

fn write_blocking(file: Arc<File>, data: &[u8]) -> Outcome {
    let (written, outcome) = file.write_all(data);
    drop(file);
    let written = written as u64;
    match outcome {
        Ok(()) => Outcome::Number(written),
        Err(error) => Outcome::Failed(error, written),
    }
}

/// Waits for room and writes. `None`: as in `read_when_ready`, and nothing has been written.
async fn write_when_ready(
    watched: &AsyncFd<OwnedFd>,
    interrupted: &mut oneshot::Receiver<()>,
    data: &[u8],
) -> Option<Outcome> {
    let mut written = 0;
    while written < data.len() {
        let failed = |error, written| Some(Outcome::Failed(error, written as u64));
        match ready(watched, interrupted, Interest::WRITABLE).await {
            Err(error) => return failed(error, written),
            Ok(None) => return Some(Outcome::Interrupted(written as u64)),
            Ok(Some(mut guard)) => match nowait_write(guard.get_inner().as_fd(), &data[written..]) {
                Ok(count) => written += count,
                Err(error) if system::is_made_up(&error) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) && written == 0 => return None,
                Err(error) => return failed(error, written),
            },
        }
    }
    Some(Outcome::Number(written as u64))
}

/// Registers a duplicate with the pool's reactor: epoll takes a number once, and a read and a write may wait at the
/// same time.
///
/// # Errors
///
/// `EPERM` for a file that epoll refuses because it never waits; otherwise the system's.
fn watch(file: &File, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, which this crate forbids; an `OwnedFd` keeps the promise that it asks for"
    )]
    AsyncFd::with_interest(
        system::call(Call::Open, || file.fd().try_clone_to_owned())?,
        interest,
    )
}

/// Waits for readiness or an interrupt. `None`: interrupted.
async fn ready<'a>(
    watched: &'a AsyncFd<OwnedFd>,
    interrupted: &mut oneshot::Receiver<()>,
    interest: Interest,
) -> io::Result<Option<tokio::io::unix::AsyncFdReadyGuard<'a, OwnedFd>>> {
    poll_fn(|context| {
        // Invariant 3.
        let readiness = if interest.is_readable() {
            watched.poll_read_ready(context)
        } else {
            watched.poll_write_ready(context)
        };
        if let Poll::Ready(guard) = readiness {
            return Poll::Ready(guard.map(Some));
        }
        match Pin::new(&mut *interrupted).poll(context) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(None)),
            // `Err`: the `Interrupt` was dropped.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Moves the position. `done` gets `Number`, the new position in bytes.
pub fn seek(
    pool: &'static Pool,
    file: Arc<File>,
    target: SeekFrom,
    done: impl FnOnce(Outcome) + Send + 'static,
) {
    pool.run_file(move || {
        let outcome = number(file.seek(target));
        drop(file);
        done(outcome);
    });
}

/// Cuts or extends the file. `done` gets `Number`, the size in bytes.
pub fn truncate(
    pool: &'static Pool,
    file: Arc<File>,
    size: u64,
    done: impl FnOnce(Outcome) + Send + 'static,
) {
    pool.run_file(move || {
        let outcome = number(file.truncate(size).map(|()| size));
        drop(file);
        done(outcome);
    });
}

/// Drops the file, and closes it by `close` if this was the last reference and the descriptor is owned. `done` gets
/// `Number`, 0.
pub fn close(
    pool: &'static Pool,
    file: Arc<File>,
    close: impl FnOnce(OwnedFd) -> io::Result<()> + Send + 'static,
    done: impl FnOnce(Outcome) + Send + 'static,
) {
    pool.run_file(move || {
        // An interrupted job may still hold the file. Then that job closes it, by dropping it.
        let descriptor = Arc::try_unwrap(file).ok().and_then(File::into_descriptor);
        done(number(descriptor.map_or(Ok(()), close).map(|()| 0)));
    });
}

fn number(outcome: io::Result<u64>) -> Outcome {
    match outcome {
        Ok(number) => Outcome::Number(number),
        Err(error) => Outcome::Failed(error, 0),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, os::unix::fs::FileTypeExt, sync::mpsc};

    use super::*;
    use crate::{files::opening::adopt, pool::Bounds};

    fn pool() -> &'static Pool {
        Pool::get_or_start(Bounds::default()).expect("a thread")
    }

    /// Both ends of a pipe.
    fn pipe() -> (Arc<File>, fs::File) {
        let (reader, writer) = io::pipe().expect("two descriptors");
        let reader = adopt(OwnedFd::from(reader), true).expect("it is open");
        (Arc::new(reader), fs::File::from(OwnedFd::from(writer)))
    }

    fn answers<T>(ask: impl FnOnce(Box<dyn FnOnce(Outcome) + Send>) -> T) -> (T, mpsc::Receiver<Outcome>) {
        let (sender, receiver) = mpsc::channel();
        let asked = ask(Box::new(move |outcome| {
            sender.send(outcome).expect("the test waits");
        }));
        (asked, receiver)
    }

    #[test]
    fn a_read_of_a_pipe_waits_for_data() {
        let (reader, mut writer) = pipe();
        let (_interrupt, outcome) = answers(|done| read(pool(), reader, 10, done));
        writer.write_all(b"abc").expect("there is room");
        assert!(matches!(outcome.recv(), Ok(Outcome::Bytes(bytes)) if bytes == b"abc"));
    }

    #[test]
    fn an_interrupted_read_takes_no_byte() {
        let (reader, mut writer) = pipe();
        let (interrupt, outcome) = answers(|done| read(pool(), Arc::clone(&reader), 10, done));
        interrupt.expect("a pipe can be waited for").send();
        assert!(matches!(outcome.recv(), Ok(Outcome::Interrupted(0))));
        writer.write_all(b"abc").expect("there is room");
        let (_interrupt, outcome) = answers(|done| read(pool(), reader, 10, done));
        assert!(matches!(outcome.recv(), Ok(Outcome::Bytes(bytes)) if bytes == b"abc"));
    }

    #[test]
    fn a_file_is_opened_written_truncated_read_and_closed() {
        let path = std::env::temp_dir().join(format!("structio-core-{}", std::process::id()));
        let request = OpenRequest {
            path: path.as_os_str().as_encoded_bytes().to_vec(),
            flags: libc::O_RDWR | libc::O_CREAT | libc::O_EXCL,
            mode: 0o600,
        };
        let (_interrupt, outcome) = answers(|done| open(pool(), request, done));
        let Ok(Outcome::Opened(file)) = outcome.recv() else {
            panic!("it was not there")
        };
        let file = Arc::new(file);
        assert!(!fs::metadata(&path).expect("it is there").file_type().is_fifo());
        let (_, outcome) = answers(|done| write(pool(), Arc::clone(&file), b"abcdef".to_vec(), done));
        assert!(matches!(outcome.recv(), Ok(Outcome::Number(6))));
        let ((), outcome) = answers(|done| truncate(pool(), Arc::clone(&file), 4, done));
        assert!(matches!(outcome.recv(), Ok(Outcome::Number(4))));
        let ((), outcome) = answers(|done| seek(pool(), Arc::clone(&file), SeekFrom::Start(1), done));
        assert!(matches!(outcome.recv(), Ok(Outcome::Number(1))));
        let (_, outcome) = answers(|done| read(pool(), Arc::clone(&file), 10, done));
        assert!(matches!(outcome.recv(), Ok(Outcome::Bytes(bytes)) if bytes == b"bcd"));
        let ((), outcome) = answers(|done| {
            close(
                pool(),
                file,
                |descriptor| {
                    drop(descriptor);
                    Ok(())
                },
                done,
            );
        });
        assert!(matches!(outcome.recv(), Ok(Outcome::Number(0))));
        fs::remove_file(path).expect("it is there");
    }

    #[test]
    fn opening_a_folder_is_eisdir() {
        let request = OpenRequest {
            path: b"/".to_vec(),
            flags: libc::O_RDONLY,
            mode: 0,
        };
        assert_eq!(
            request.open().err().and_then(|error| error.raw_os_error()),
            Some(libc::EISDIR)
        );
        assert!(request.open_now().is_none());
    }
}
