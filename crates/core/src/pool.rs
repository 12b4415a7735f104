//! The process-wide runtime for what would hold JavaScript up. Made on first use, never dropped: dropping a
//! runtime waits for its blocking operations, and one of those may be a resolver that answers in a minute.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
    task::AbortHandle,
};

/// The most look-ups under way at once, unless the first user of the pool says otherwise.
pub const DEFAULT_LOOKUP_THREADS: usize = 16;

/// Threads that the blocking pool may have in all; each kind of work has a bound of its own below this.
const MAX_BLOCKING_THREADS: usize = 512;

static POOL: OnceLock<Pool> = OnceLock::new();

#[derive(Debug)]
pub struct Pool {
    runtime: Runtime,
    lookup_threads: usize,
    lookups: Arc<Semaphore>,
}

impl Pool {
    /// The pool, made with these bounds if it does not exist yet. The bounds belong to the process: the first
    /// caller sets them, and finds out what they are from [`Pool::lookup_threads`].
    ///
    /// # Errors
    ///
    /// The system's, when it gives no thread.
    pub fn get_or_start(lookup_threads: usize) -> io::Result<&'static Self> {
        if let Some(pool) = POOL.get() {
            return Ok(pool);
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .thread_name("structio-pool")
            .enable_io()
            .build()?;
        let pool = Self {
            runtime,
            lookup_threads,
            lookups: Arc::new(Semaphore::new(lookup_threads)),
        };
        // Another thread may have been first; then its pool stays and ours, which has done nothing, ends.
        if let Err(unused) = POOL.set(pool) {
            unused.runtime.shutdown_background();
        }
        Ok(POOL.get_or_init(|| unreachable!("set above, here or by another thread")))
    }

    pub fn lookup_threads(&self) -> usize {
        self.lookup_threads
    }

    /// Runs `work`, which does not block, until it is done or aborted.
    pub fn run(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.runtime.spawn(work).abort_handle()
    }

    /// Runs `work` on a blocking thread once one of the look-up places is free.
    pub(crate) fn run_lookup(&'static self, work: impl FnOnce() + Send + 'static) {
        let lookups = Arc::clone(&self.lookups);
        #[expect(
            clippy::disallowed_methods,
            reason = "the pool is where tasks belong, and this module owns it"
        )]
        self.runtime.spawn(async move {
            // The semaphore is never closed, so the permit is always there in the end.
            let permit = lookups.acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                work();
                drop(permit);
            });
        });
    }
}
