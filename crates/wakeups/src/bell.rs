//! How another thread asks for a turn of the JavaScript thread.
//!
//! Invariant: nothing is rung once [`Bell::close`] has returned, for what is rung may be freed then. The lock makes a ringing and
//! the closing wait for each other.

use std::{fmt, sync::PoisonError};

use crate::sync::Mutex;

/// What asks for a turn. It may be asked from any thread, and asks for one turn however often it is asked before that begins.
pub trait Ring: Send {
    fn ring(&self);
}

pub struct Bell<T> {
    target: Mutex<Option<T>>,
}

impl<T: Ring> Bell<T> {
    /// Without a target: rings nothing until [`Bell::open`].
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
