//! How another thread asks for a turn of the JavaScript thread.
//!
//! Threads: the JavaScript thread opens and closes the bell; every thread may ring it.
//!
//! Invariant: nothing is rung once [`Bell::close`] has returned, because the target may then be freed. The lock makes a
//! ring and the closing wait for each other.

use std::{fmt, sync::PoisonError};

use crate::sync::Mutex;

/// The target of a bell: asks for a turn, from any thread. Several rings before the turn begins give one turn.
pub trait Ring: Send {
    fn ring(&self);
}

pub struct Bell<T> {
    target: Mutex<Option<T>>,
}

impl<T: Ring> Bell<T> {
    /// A bell without a target: it rings nothing until [`Bell::open`].
    pub fn new() -> Self {
        Self {
            target: Mutex::new(None),
        }
    }

    pub fn open(&self, target: T) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    pub fn send(&self) {
        if let Some(target) = &*self.target.lock().unwrap_or_else(PoisonError::into_inner) {
            target.ring();
        }
    }

    pub fn close(&self) -> Option<T> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T: Ring> Default for Bell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Bell<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bell")
    }
}
