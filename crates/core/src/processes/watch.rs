//! Waits for the end of a child and reaps it.
//!
//! ```text
//!  watch ─► a descriptor of the process? ─ yes ─► task on the pool ─ readable ─► reap ─ done ─► ended(code)
//!                  │ no: an old kernel, or no descriptor is left     └ not yet ─► blocking thread ─► wait
//!                  ▼
//!           a thread of its own ─► wait
//! ```
//!
//! [`Process::watch`] is called on the JavaScript thread; `ended` is called once, on a thread of the pool or on that
//! thread. `wait` blocks in `waitid(WNOWAIT)`, which leaves the child unreaped until the lock is held (invariant 2 of
//! the module).

use std::io;

use super::process::{Process, UNKNOWN};
use crate::{
    pool::Pool,
    system::{self, Call},
};

impl Process {
    /// Reaps the child when it ends, and then calls `ended` with its return code, on another thread. Call it once for
    /// a child.
    ///
    /// # Errors
    ///
    /// The system's, if it gives neither a descriptor nor a thread. The child has been killed and reaped then, and
    /// `ended` is not called.
    pub fn watch(&self, pool: &'static Pool, ended: impl FnOnce(i32) + Send + 'static) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        let ended = {
            let process = self.clone();
            match descriptor_of(self, pool) {
                Some(descriptor) => {
                    pool.run(async move {
                        // After an error too: reaping finds out the state of the process.
                        let _ = descriptor.readable().await;
                        match process.reap() {
                            Some(code) => ended(code),
                            // A tracer is told first, so the child is not reapable yet. Blocking here would hold up
                            // every task of the pool, which has one thread for them.
                            None => pool.run_unbounded(move || ended(process.wait())),
                        }
                    });
                    return Ok(());
                }
                None => ended,
            }
        };
        let _ = pool;
        let process = self.clone();
        let thread = std::thread::Builder::new()
            .name("structio-wait".to_owned())
            .stack_size(STACK);
        if let Err(error) = thread.spawn(move || ended(process.wait())) {
            let _ = self.signal(libc::SIGKILL);
            self.wait();
            return Err(error);
        }
        Ok(())
    }

    /// Blocks until the child has ended, then reaps it under the lock.
    fn wait(&self) -> i32 {
        use rustix::process::{WaitId, WaitIdOptions, waitid};

        loop {
            let waited = system::call(Call::Ask, || {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                Ok(waitid(WaitId::Pid(self.pid), options)?)
            });
            if let Some(code) = self.reap() {
                return code;
            }
            if waited.is_err() {
                return UNKNOWN;
            }
        }
    }
}

/// In bytes. The thread only waits.
const STACK: usize = 128 * 1024;

/// A descriptor of the process that becomes readable when the process ends. `None` on Linux before 5.3, if no
/// descriptor is left, or if the pool's reactor takes no more.
#[cfg(target_os = "linux")]
fn descriptor_of(
    process: &Process,
    pool: &'static Pool,
) -> Option<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    use rustix::process::{PidfdFlags, pidfd_open};
    use tokio::io::{Interest, unix::AsyncFd};

    let open = || Ok(pidfd_open(process.pid, PidfdFlags::empty())?);
    let descriptor = system::call(Call::Open, open).ok()?;
    let _guard = pool.enter();
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types that do not own their descriptor; an `OwnedFd` does"
    )]
    AsyncFd::with_interest(descriptor, Interest::READABLE).ok()
}
