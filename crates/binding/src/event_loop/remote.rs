//! Remote completions: what other threads have finished for this one.
//!
//! Pool threads finish look-ups, work on files and handshakes, the helper thread finishes a round, and a reaper
//! finishes child processes. Each pushes a [`Remote`] to the driver's queue, from its own thread; the push asks for
//! a turn.
//!
//! Invariants:
//! 1. Only the JavaScript thread takes from the queue, at the start of a turn.
//! 2. A completion that needs more than one number (a look-up, work on a file) leaves its outcome in [`Announced`],
//!    on the JavaScript thread, before its record is staged. JavaScript takes it with a call, once.
//! 3. Pushing works after the environment has ended: the queue keeps the item, and drops it with the last owner.

use std::{cell::RefCell, collections::HashMap};

#[cfg(unix)]
use structio_core::files;
use structio_core::{
    resolve,
    tls::{Failure, SocketHandshake, Step},
};
use structio_wakeups::Queue;

use super::wake::Target;
use crate::rings::HandleId;

/// A remote completion. The `u32` is the number of the request.
#[derive(Debug)]
pub enum Remote {
    LookedUp(u32, resolve::Outcome),
    #[cfg(unix)]
    File(u32, files::Outcome),
    /// The pool returns a handshake, with its outcome.
    Handshake(HandleId, Box<SocketHandshake>, Result<Step, Failure>),
    /// The helper thread has polled the reactor once.
    Settled,
    /// A child process has ended, with this return code.
    Exited(u32, i32),
}

/// The queue of remote completions; each push asks for a turn.
pub type RemoteQueue = Queue<Remote, Target>;

/// Outcomes by request, between their completion and the call that takes them.
#[derive(Debug)]
pub struct Announced<T>(RefCell<HashMap<u32, T>>);

impl<T> Announced<T> {
    pub fn keep(&self, request: u32, outcome: T) {
        self.0.borrow_mut().insert(request, outcome);
    }

    pub fn take(&self, request: u32) -> Option<T> {
        self.0.borrow_mut().remove(&request)
    }

    pub fn clear(&self) {
        // The map is dropped outside the borrow.
        drop(self.0.take());
    }
}

impl<T> Default for Announced<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}
