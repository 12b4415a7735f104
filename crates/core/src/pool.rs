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

/// The most file operations under way at once, likewise.
pub const DEFAULT_FILE_THREADS: usize = 40;

/// Threads that the blocking pool may have in all; each kind of work has a bound of its own below this.
const MAX_BLOCKING_THREADS: usize = 512;

static POOL: OnceLock<Pool> = OnceLock::new();

#[derive(Debug)]
pub struct Pool {
    runtime: Runtime,
    lookup_threads: usize,
    lookups: Arc<Semaphore>,
    file_threads: usize,
    files: Arc<Semaphore>,
}

/// How many of each kind of work may be under way at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub lookup_threads: usize,
    pub file_threads: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            lookup_threads: DEFAULT_LOOKUP_THREADS,
            file_threads: DEFAULT_FILE_THREADS,
        }
    }
}

impl Pool {
    /// The pool, made with these bounds if it does not exist yet. The bounds belong to the process: the first
    /// caller sets them, and finds out what they are from [`Pool::lookup_threads`] and [`Pool::file_threads`].
    ///
    /// # Errors
    ///
    /// The system's, when it gives no thread.
    pub fn get_or_start(bounds: Bounds) -> io::Result<&'static Self> {
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
            lookup_threads: bounds.lookup_threads,
            lookups: Arc::new(Semaphore::new(bounds.lookup_threads)),
            file_threads: bounds.file_threads,
            files: Arc::new(Semaphore::new(bounds.file_threads)),
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

    pub fn file_threads(&self) -> usize {
        self.file_threads
    }

    /// Runs `work`, which does not block, until it is done or aborted.
    pub fn run(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.runtime.spawn(work).abort_handle()
    }

    /// Guard under which descriptors may be registered with the pool's reactor.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Runs `work` on a blocking thread once one of the look-up places is free.
    pub(crate) fn run_lookup(&'static self, work: impl FnOnce() + Send + 'static) {
        self.run_in_place(&self.lookups, work);
    }

    /// Runs `work` on a blocking thread once one of the places for files is free.
    pub(crate) fn run_file(&'static self, work: impl FnOnce() + Send + 'static) {
        self.run_in_place(&self.files, work);
    }

    /// Runs `work` on a blocking thread and takes nobody's place: for what may wait for another process.
    pub(crate) fn run_unbounded(&'static self, work: impl FnOnce() + Send + 'static) {
        self.runtime.handle().spawn_blocking(work);
    }

    fn run_in_place(&'static self, places: &Arc<Semaphore>, work: impl FnOnce() + Send + 'static) {
        let places = Arc::clone(places);
        #[expect(
            clippy::disallowed_methods,
            reason = "the pool is where tasks belong, and this module owns it"
        )]
        self.runtime.spawn(async move {
            // The semaphore is never closed, so the permit is always there in the end.
            let permit = places.acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                work();
                drop(permit);
            });
        });
    }
}
