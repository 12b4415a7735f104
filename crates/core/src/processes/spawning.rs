//! Starts a program.
//!
//! Called on the JavaScript thread, under the guard of the reactor that the pipes are registered with. Why
//! `posix_spawn`, and the rest of the choices: `docs/design/processes.md`.
//!
//! # Invariants
//!
//! 1. The program is given as a path. With a bare name, the standard library would fork and copy this process's memory.
//! 2. Every descriptor of the attempt has an owner, so an early return closes it.
//! 3. A file without an interpreter line (`ENOEXEC`) is run by [`SHELL`], as `execvp` does.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    pipes::{Standard, reading_end, writing_end},
    process::Process,
    program::find,
};
use crate::{
    streams::Connection,
    system::{self, Call},
};

/// Runs scripts that name no interpreter (invariant 3).
const SHELL: &str = "/bin/sh";

/// A program to start, and what it gets.
#[derive(Debug)]
pub struct SpawnRequest {
    /// A path, or a name to search for in the child's own `PATH`.
    pub program: OsString,
    /// Without the program's own name, which is `program`.
    pub arguments: Vec<OsString>,
    /// The whole environment: nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// The working directory. `None`: that of this process.
    pub folder: Option<PathBuf>,
    /// [`Standard::Output`] counts as `Null`.
    pub stdin: Standard,
    /// As `stdin`.
    pub stdout: Standard,
    /// Any kind, also [`Standard::Output`].
    pub stderr: Standard,
    /// Whether the child leads a process group of its own, which signals are then sent to.
    pub group: bool,
}

/// A child that has been started, and this side's ends of its pipes. An end is `None` if the stream is no pipe.
#[derive(Debug)]
pub struct Spawned {
    /// The child. Call [`Process::watch`] at once, so that it is reaped.
    pub process: Process,
    /// The end to write to.
    pub stdin: Option<Connection>,
    /// The end to read from.
    pub stdout: Option<Connection>,
    /// The end to read from.
    pub stderr: Option<Connection>,
}

/// Starts a program. The calling thread waits until the child has become that program; other threads run on. No
/// memory is copied (`posix_spawn`), so the time does not depend on this process's size. Call under the reactor's
/// `enter` guard.
///
/// # Errors
///
/// The system's. `ENOENT`, `EACCES` and `ENOTDIR` concern the program or the folder; `EMFILE`, `EAGAIN` and `ENOMEM`
/// this process.
pub fn spawn(request: SpawnRequest) -> io::Result<Spawned> {
    // Invariant 1.
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
        // Invariant 3.
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            start(Path::new(SHELL), OsStr::new(SHELL), Some(&program))?
        }
        outcome => outcome?,
    };
    Ok(Spawned {
        process: Process::new(child, request.group)?,
        stdin,
        stdout,
        stderr,
    })
}

fn duplicate(descriptor: &OwnedFd) -> io::Result<OwnedFd> {
    system::call(Call::Open, || descriptor.try_clone())
}
