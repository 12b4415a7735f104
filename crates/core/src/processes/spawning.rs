//! Starts a program.

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

/// Runs scripts that name no interpreter.
const SHELL: &str = "/bin/sh";

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

/// A child that has been started, and this side's ends of its pipes.
#[derive(Debug)]
pub struct Spawned {
    pub process: Process,
    pub stdin: Option<Connection>,
    pub stdout: Option<Connection>,
    pub stderr: Option<Connection>,
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
