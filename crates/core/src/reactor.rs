//! The reactor: a tokio `current_thread` runtime on which no task ever runs.
//!
//! Invariants:
//! 1. Nothing is spawned here. A turn ends with a poll of the driver, which consumes edges: a task woken by that
//!    poll would sit in the run queue until something else made the runtime turn again.
//! 2. Sockets are never polled inside `block_on`: tokio's cooperative budget applies there and would answer
//!    "pending" for a socket that is ready.
//! 3. The runtime ends with `shutdown_background`: dropping it could wait for ever for a blocking operation.

use std::{future::Future, io};

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

/// A reactor that is turned by hand ([`Reactor::turn`]), or parked in by a helper thread ([`Reactor::park_until`]).
#[derive(Debug)]
pub struct Reactor {
    runtime: Runtime,
}

impl Reactor {
    /// # Errors
    ///
    /// The system's, when it gives no more descriptors.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        Ok(Self { runtime })
    }

    /// Collects the readiness that is there now, without waiting: wakers have been called when it returns.
    ///
    /// `yield_now` is what makes this one non-blocking poll of the driver: the future defers itself, the
    /// scheduler finds no task, parks with a zero timeout, and resumes the future.
    pub fn turn(&self) {
        self.runtime.block_on(tokio::task::yield_now());
    }

    /// Blocks this thread in the driver until `stop` completes. Wakers are called meanwhile, on this thread.
    pub fn park_until<F: Future>(&self, stop: F) -> F::Output {
        self.runtime.block_on(stop)
    }

    /// Guard under which sockets may be made: registration looks for the runtime of the current thread.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    pub fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Ends the reactor without waiting for anything (invariant 3).
    pub fn shutdown(self) {
        self.runtime.shutdown_background();
    }
}
