//! Child processes: started without a copy of this one's memory, reaped off the JavaScript thread, their pipes [`Connection`]s.
//!
//! Invariants:
//! 1. Nobody waits for any child but its own, by its number: those of libuv, and of other libraries, are not reaped here.
//! 2. A signal for a child is sent under the lock that reaping takes, and not after it: its number is nobody else's then.
//! 3. A child that was started is reaped, whoever has lost interest in it. What was opened for one that could not be started is
//!    closed.

mod pipes;
mod program;
mod watch;

use std::{
    ffi::{OsStr, OsString},
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{
    Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group,
};

use self::{
    pipes::{reading_end, writing_end},
    program::find,
};
use crate::{
    streams::Connection,
    system::{self, Call},
};

/// What a program is started with.
#[derive(Debug)]
pub struct SpawnRequest {
    /// A path, or a name to be looked for in the child's own `PATH`.
    pub program: OsString,
    pub arguments: Vec<OsString>,
    /// All of it.
    pub environment: Vec<(OsString, OsString)>,
    pub folder: Option<PathBuf>,
    pub stdin: Standard,
    pub stdout: Standard,
    pub stderr: Standard,
    /// Whether it leads a process group of its own.
    pub group: bool,
}

/// What becomes of a standard stream.
#[derive(Debug)]
pub enum Standard {
    Pipe,
    Null,
    /// A copy of somebody's descriptor.
    Descriptor(OwnedFd),
    /// Of the error stream: it goes where the output goes.
    Output,
}

/// A child that has been started, and this side's ends of its pipes.
#[derive(Debug)]
pub struct Spawned {
    pub process: Process,
    pub stdin: Option<Connection>,
    pub stdout: Option<Connection>,
    pub stderr: Option<Connection>,
}

/// A child, of which the owner has one and its reaper another.
#[derive(Clone, Debug)]
pub struct Process {
    pid: Pid,
    leads_group: bool,
    /// `None` once it has been reaped (invariant 2).
    child: Arc<Mutex<Option<Child>>>,
}

/// Starts a program. The calling thread stops until the child has become that program, the others do not; how much memory
/// this process has makes no difference, none of it is copied (`posix_spawn`). Call under the guard of the reactor that the
/// pipes are to be registered with.
///
/// # Errors
///
/// The system's: `ENOENT`, `EACCES` and `ENOTDIR` are about the program or the folder.
pub fn spawn(request: SpawnRequest) -> io::Result<Spawned> {
    // A full path: with a name to be searched for, the standard library would have to copy this process.
    let program = find(&request.program, &request.environment, request.folder.as_deref())?;
    let (input, stdin) = writing_end(request.stdin)?;
    let (output, stdout) = reading_end(request.stdout)?;
    let (errors, stderr) = match request.stderr {
        Standard::Output => (duplicate(&output)?, None),
        other => reading_end(other)?,
    };
    let start = |program: &Path, name: &OsStr, script: Option<&Path>| {
        let mut command = Command::new(program);
        command
            .arg0(name)
            .args(script)
            .args(&request.arguments)
            .env_clear()
            .envs(request.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(duplicate(&input)?))
            .stdout(Stdio::from(duplicate(&output)?))
            .stderr(Stdio::from(duplicate(&errors)?));
        if let Some(folder) = &request.folder {
            command.current_dir(folder);
        }
        if request.group {
            command.process_group(0);
        }
        system::call(Call::Open, || command.spawn())
    };
    let child = match start(&program, &request.program, None) {
        // A script that does not say whose: the shell's, as `execvp` has it.
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            start(Path::new(SHELL), OsStr::new(SHELL), Some(&program))?
        }
        outcome => outcome?,
    };
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    };
    Ok(Spawned {
        process: Process {
            pid,
            leads_group: request.group,
            child: Arc::new(Mutex::new(Some(child))),
        },
        stdin,
        stdout,
        stderr,
    })
}

fn duplicate(descriptor: &OwnedFd) -> io::Result<OwnedFd> {
    system::call(Call::Open, || descriptor.try_clone())
}

impl Process {
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Sends a signal, 0 being a mere question; to the whole group, where the child leads one. The group may outlive it.
    ///
    /// # Errors
    ///
    /// `ESRCH` where nobody is left, `EINVAL` for a signal that there is not, and the system's.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if child.is_none() && !self.leads_group {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        if number == 0 {
            return Ok(if self.leads_group {
                test_kill_process_group(self.pid)
            } else {
                test_kill_process(self.pid)
            }?);
        }
        let Some(signal) = Signal::from_named_raw(number) else {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        };
        Ok(if self.leads_group {
            kill_process_group(self.pid, signal)
        } else {
            kill_process(self.pid, signal)
        }?)
    }

    /// Reaps it, if it has ended.
    fn reap(&self) -> Option<i32> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let code = match child.as_mut()?.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => return_code(status),
            // Somebody else has reaped it, a program that ignores SIGCHLD for instance: nobody knows any more.
            Err(_) => UNKNOWN,
        };
        *child = None;
        Some(code)
    }
}

const SHELL: &str = "/bin/sh";

/// What a shell would say of a child of which nothing is known.
const UNKNOWN: i32 = 255;

/// The exit code, or minus the number of the signal.
fn return_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;

    status
        .code()
        .or_else(|| status.signal().map(|signal| -signal))
        .unwrap_or(UNKNOWN)
}
