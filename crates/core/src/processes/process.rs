//! One child: its signals, and reaping it.
//!
//! JavaScript's thread sends signals, the pool or a thread of its own reaps ([`super::watch`]). The lock makes them
//! exclude each other (invariant 2 of the module).

use std::{
    io,
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{
    Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group,
};

/// A child process. Clones are handles of the same child: its owner has one, its reaper another.
#[derive(Clone, Debug)]
pub struct Process {
    pub(super) pid: Pid,
    leads_group: bool,
    /// `None` once the child has been reaped (invariant 2 of the module).
    child: Arc<Mutex<Option<Child>>>,
}

impl Process {
    /// # Errors
    ///
    /// `ESRCH` for a number that is no process number. The system gives no such number.
    pub(super) fn new(child: Child, leads_group: bool) -> io::Result<Self> {
        let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        };
        Ok(Self {
            pid,
            leads_group,
            child: Arc::new(Mutex::new(Some(child))),
        })
    }

    /// The process number. It may belong to another process once the child has been reaped.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Sends the signal with this number to the child, or to its whole group if it leads one. Signal 0 sends nothing
    /// and only checks. A group may outlive its leader, so it is signalled also after the child has been reaped.
    ///
    /// # Errors
    ///
    /// `ESRCH` after the end of the child or of the whole group, `EINVAL` for a number that is no signal, and the
    /// system's.
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

    /// Reaps the child if it has ended, and returns its return code. `None`: it runs, or it has been reaped before.
    pub(super) fn reap(&self) -> Option<i32> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let code = match child.as_mut()?.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => return_code(status),
            // Another part of the program has reaped it, or SIGCHLD is ignored. The exit code is lost.
            Err(_) => UNKNOWN,
        };
        *child = None;
        Some(code)
    }
}

/// The return code of a child whose exit code is lost.
pub(super) const UNKNOWN: i32 = 255;

/// The exit code, or minus the number of the signal that ended the child (PROCESS-2).
fn return_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;

    status
        .code()
        .or_else(|| status.signal().map(|signal| -signal))
        .unwrap_or(UNKNOWN)
}
