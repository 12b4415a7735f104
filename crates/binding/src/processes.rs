//! What TypeScript sees of child processes.

#![expect(unsafe_code, reason = "descriptors by number")]

use napi_derive::napi;

use crate::facade::EventLoop;
#[cfg(unix)]
use crate::rings::{HandleId, stdio};

#[napi(object)]
pub struct SpawnOptions {
    pub program: String,
    pub arguments: Vec<String>,
    /// Names and values, in turn.
    pub environment: Vec<String>,
    pub folder: Option<String>,
    /// Three descriptors, or values of `Stdio` in the ring protocol in place of them.
    pub stdio: Vec<i32>,
    pub group: bool,
}

/// A child process. Where it could not be started, `errno` is not 0 and everything else is empty.
#[napi]
pub struct ChildProcess {
    errno: i32,
    request: u32,
    /// Handles of the pipes. 0 is none: no handle has the generation 0.
    streams: [f64; 3],
    #[cfg(unix)]
    process: Option<structio_core::processes::Process>,
}

#[napi]
impl ChildProcess {
    #[napi(getter, catch_unwind)]
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// The number that the completion `Exited` carries.
    #[napi(getter, catch_unwind)]
    pub fn request(&self) -> u32 {
        self.request
    }

    #[napi(getter, catch_unwind)]
    pub fn pid(&self) -> i32 {
        #[cfg(unix)]
        if let Some(process) = &self.process {
            return process.pid();
        }
        0
    }

    #[napi(getter, catch_unwind)]
    pub fn streams(&self) -> Vec<f64> {
        self.streams.to_vec()
    }

    /// Sends a signal. Returns the error number, or 0.
    #[napi(catch_unwind)]
    pub fn signal(&self, number: i32) -> i32 {
        #[cfg(unix)]
        if let Some(process) = &self.process {
            return process
                .signal(number)
                .err()
                .as_ref()
                .map_or(0, crate::rings::errno);
        }
        let _ = number;
        libc::ESRCH
    }

    fn failed(errno: i32) -> Self {
        Self {
            errno,
            request: 0,
            streams: [0.0; 3],
            #[cfg(unix)]
            process: None,
        }
    }
}

#[napi]
impl EventLoop {
    /// Starts a program. The completion `Exited` reports its end.
    #[napi(catch_unwind)]
    pub fn spawn_process(&mut self, options: SpawnOptions) -> ChildProcess {
        #[cfg(unix)]
        return self
            .spawn(options)
            .unwrap_or_else(|error| ChildProcess::failed(crate::rings::errno(&error)));
        #[cfg(not(unix))]
        {
            let _ = options;
            ChildProcess::failed(libc::ENOSYS)
        }
    }
}

#[cfg(unix)]
impl EventLoop {
    fn spawn(&mut self, options: SpawnOptions) -> std::io::Result<ChildProcess> {
        use std::sync::Arc;

        use structio_core::processes::{SpawnRequest, spawn};

        use crate::event_loop::Remote;

        let stream = |index: usize| to_standard(options.stdio.get(index).copied());
        let request = SpawnRequest {
            stdin: stream(0)?,
            stdout: stream(1)?,
            stderr: stream(2)?,
            program: options.program.into(),
            arguments: options.arguments.into_iter().map(Into::into).collect(),
            environment: pairs(options.environment),
            folder: options.folder.map(Into::into),
            group: options.group,
        };
        let ended = std::io::Error::from_raw_os_error(libc::EBADF);
        let (process, streams) = self
            .driver
            .with_turn(|turn| {
                let spawned = spawn(request)?;
                let streams = [spawned.stdin, spawned.stdout, spawned.stderr].map(|connection| {
                    connection.map_or(0.0, |connection| turn.add_stream(connection).to_number())
                });
                Ok::<_, std::io::Error>((spawned.process, streams))
            })
            .ok_or(ended)??;
        let request = self.next_request();
        let remote = Arc::clone(self.driver.remote());
        let watched = process.watch(self.pool, move |code| {
            remote.push(Remote::Exited(request, code));
        });
        if let Err(error) = watched {
            for stream in streams {
                self.driver
                    .with_turn(|turn| turn.close(HandleId::from_number(stream), false));
            }
            return Err(error);
        }
        Ok(ChildProcess {
            errno: 0,
            request,
            streams,
            process: Some(process),
        })
    }
}

/// What a child's standard stream is connected to. A descriptor is duplicated: the caller may close its own.
#[cfg(unix)]
fn to_standard(number: Option<i32>) -> std::io::Result<structio_core::processes::Standard> {
    use std::os::fd::BorrowedFd;

    use structio_core::processes::Standard;

    match number {
        Some(stdio::PIPE) => Ok(Standard::Pipe),
        Some(stdio::STDOUT) => Ok(Standard::Output),
        Some(stdio::NULL) | None => Ok(Standard::Null),
        Some(fd) if fd < 0 => Err(std::io::Error::from_raw_os_error(libc::EBADF)),
        Some(fd) => {
            // SAFETY: not negative, and used in this call only, in which no JavaScript runs that could close it. A
            // number that is not open gives an error of the system.
            let descriptor = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?;
            Ok(Standard::Descriptor(descriptor))
        }
    }
}

#[cfg(unix)]
fn pairs(flat: Vec<String>) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let mut items = flat.into_iter();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (items.next(), items.next()) {
        pairs.push((name.into(), value.into()));
    }
    pairs
}
