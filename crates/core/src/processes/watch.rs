//! Reaping: a task of the pool that waits for the child's own descriptor (Linux), or a thread that waits for its number.

use std::io;

use super::process::{Process, UNKNOWN};
use crate::{
    pool::Pool,
    system::{self, Call},
};

impl Process {
    /// Has it reaped when it ends, and then `ended` called with its return code, on another thread. Call once.
    ///
    /// # Errors
    ///
    /// The system's, where it gives neither a descriptor nor a thread. Then the child has been killed and reaped.
    pub fn watch(&self, pool: &'static Pool, ended: impl FnOnce(i32) + Send + 'static) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        let ended = {
            let process = self.clone();
            match descriptor_of(self, pool) {
                Some(descriptor) => {
                    pool.run(async move {
                        // Whatever is wrong with it, what follows finds out how the process is.
                        let _ = descriptor.readable().await;
                        match process.reap() {
                            Some(code) => ended(code),
                            // It has not ended, as far as its parent may know (a tracer comes first). Not waited for here: the
                            // pool's one thread for tasks is everybody's.
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

    /// Blocks until it has ended, without reaping it before the lock is held.
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

/// It waits, and does nothing else.
const STACK: usize = 128 * 1024;

/// A descriptor of the process, readable once it has ended. `None` on a kernel before 5.3, with no descriptor left, or where the
/// pool's reactor takes no more.
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
        reason = "its successor is unsafe, for types that are not what they say; an `OwnedFd` is"
    )]
    AsyncFd::with_interest(descriptor, Interest::READABLE).ok()
}
