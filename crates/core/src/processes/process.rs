//! One child: its signals, and reaping it.

use std::{
    io,
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{
    Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group,
};

/// A child, of which the owner has one and its reaper another.
#[derive(Clone, Debug)]
pub struct Process {
    pub(super) pid: Pid,
    leads_group: bool,
    /// `None` once it has been reaped (invariant 2).
    child: Arc<Mutex<Option<Child>>>,
}

impl Process {
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
    pub(super) fn reap(&self) -> Option<i32> {
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

/// What a shell would say of a child of which nothing is known.
pub(super) const UNKNOWN: i32 = 255;

/// The exit code, or minus the number of the signal.
fn return_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;

    status
        .code()
        .or_else(|| status.signal().map(|signal| -signal))
        .unwrap_or(UNKNOWN)
}
