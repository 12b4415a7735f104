//! The reactor: a tokio `current_thread` runtime on which no task ever runs.
//!
//! There is one for each JavaScript thread. Either that thread turns it when libuv says that its epoll descriptor is
//! readable, or a helper thread is parked in it. Wakers are called on the thread that turns or parks.
//!
//! # Invariants
//!
//! 1. Nothing is spawned here. A turn ends with a poll of the driver, which consumes edges: a task woken by that
//!    poll would sit in the run queue until something else made the runtime turn again.
//! 2. Sockets are never polled inside `block_on`. tokio's cooperative budget applies there and would answer `Pending`
//!    for a socket that is ready.
//! 3. The runtime ends with `shutdown_background`. Dropping it could wait for ever for a blocking operation.
//! 4. Sockets are registered under [`Reactor::enter`]'s guard: registration looks for the runtime of the current
//!    thread.

use std::{future::Future, io};

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

/// A reactor that is turned by hand ([`Reactor::turn`]), or parked in by a helper thread ([`Reactor::park_until`]).
#[derive(Debug)]
pub struct Reactor {
    runtime: Runtime,
}

impl Reactor {
    /// A reactor with its own epoll instance (kqueue, IOCP).
    ///
    /// # Errors
    ///
    /// The system's, when it gives no more descriptors.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        Ok(Self { runtime })
    }

    /// Collects present readiness without waiting. All wakers have been called when it returns.
    ///
    /// `yield_now` turns this into one non-blocking poll of the driver: the future defers itself, the scheduler finds
    /// no task, parks with a zero timeout, and resumes the future. One poll takes at most 1,024 events; the rest
    /// stays for the next.
    pub fn turn(&self) {
        self.runtime.block_on(tokio::task::yield_now());
    }

    /// Blocks this thread in the driver until `stop` completes. Wakers are called on this thread. `stop` polls no
    /// socket (invariant 2).
    pub fn park_until<F: Future>(&self, stop: F) -> F::Output {
        self.runtime.block_on(stop)
    }

    /// The guard under which sockets are registered (invariant 4).
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// A handle for entering the reactor from elsewhere.
    pub fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Ends the reactor without waiting for anything (invariant 3).
    pub fn shutdown(self) {
        self.runtime.shutdown_background();
    }
}
