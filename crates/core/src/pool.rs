//! The process-wide runtime for work that would block the JavaScript thread: look-ups, files, handshakes, waiting for
//! children.
//!
//! ```text
//!  any thread ─ run ───────────► one worker: tasks that never block
//!             ─ run_lookup ──┐
//!             ─ run_file ────┼─ wait for a place ─► blocking threads, at most `lookup_threads` + `file_threads`
//!             ─ run_unbounded ────────────────────► blocking threads, without a place
//! ```
//!
//! # Invariants
//!
//! 1. The pool is made on first use and never dropped. Dropping a runtime waits for its blocking operations, and a
//!    resolver may take a minute to answer.
//! 2. A task on the worker never blocks: there is one worker for the whole process.
//! 3. Each kind of work has its own places, so that slow look-ups cannot hold up files. Work that may wait for
//!    another process takes no place (`run_unbounded`), for it may hold it for ever.
//! 4. Work that was accepted runs to its end. Cancelling means that its outcome is ignored.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
    task::AbortHandle,
};

/// The default bound on concurrent look-ups.
pub const DEFAULT_LOOKUP_THREADS: usize = 16;

/// The default bound on concurrent file operations.
pub const DEFAULT_FILE_THREADS: usize = 40;

/// The most blocking threads in all. The bounds of each kind of work are below this.
const MAX_BLOCKING_THREADS: usize = 512;

static POOL: OnceLock<Pool> = OnceLock::new();

/// The pool. There is one in a process: [`Pool::get_or_start`].
#[derive(Debug)]
pub struct Pool {
    runtime: Runtime,
    lookup_threads: usize,
    lookups: Arc<Semaphore>,
    file_threads: usize,
    files: Arc<Semaphore>,
}

/// How much of each kind of work may run at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Concurrent look-ups. Not 0: they would wait for ever.
    pub lookup_threads: usize,
    /// Concurrent file operations. Not 0.
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
    /// The pool, made with these bounds if it does not exist yet. The first caller sets the bounds for the whole
    /// process; read them with [`Pool::lookup_threads`] and [`Pool::file_threads`].
    ///
    /// # Errors
    ///
    /// The system's, when it gives no thread or no descriptor.
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
        // Another thread may have been first. Its pool stays; ours is unused and ends.
        if let Err(unused) = POOL.set(pool) {
            unused.runtime.shutdown_background();
        }
        Ok(POOL.get_or_init(|| unreachable!("set above, here or by another thread")))
    }

    /// The bound on concurrent look-ups.
    pub fn lookup_threads(&self) -> usize {
        self.lookup_threads
    }

    /// The bound on concurrent file operations.
    pub fn file_threads(&self) -> usize {
        self.file_threads
    }

    /// Runs `work` as a task, until it is done or the handle aborts it. It must not block (invariant 2).
    pub fn run(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.runtime.spawn(work).abort_handle()
    }

    /// Guard under which descriptors may be registered with the pool's reactor.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Runs `work` on a blocking thread once a place for look-ups is free.
    pub(crate) fn run_lookup(&'static self, work: impl FnOnce() + Send + 'static) {
        self.run_in_place(&self.lookups, work);
    }

    /// Runs `work` on a blocking thread once a place for files is free.
    pub(crate) fn run_file(&'static self, work: impl FnOnce() + Send + 'static) {
        self.run_in_place(&self.files, work);
    }

    /// Runs `work` on a blocking thread without taking a place: for work that may wait for another process (invariant
    /// 3).
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
            // Never an error: the semaphore is never closed.
            let permit = places.acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                work();
                drop(permit);
            });
        });
    }
}
