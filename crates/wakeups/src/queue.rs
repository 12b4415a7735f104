//! The queue of remote completions: what other threads have finished for a JavaScript thread.
//!
//! Invariants:
//! 1. An item is in the queue before the bell rings: the turn that the push asked for finds it.
//! 2. The bell rings outside the queue's lock, so that a target may take from the queue.

use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use crate::{
    bell::{Bell, Ring},
    sync::Mutex,
};

/// A queue whose every push asks for a turn.
pub struct Queue<T, R> {
    items: Mutex<Vec<T>>,
    bell: Arc<Bell<R>>,
}

impl<T, R: Ring> Queue<T, R> {
    pub fn new(bell: Arc<Bell<R>>) -> Arc<Self> {
        Arc::new(Self {
            items: Mutex::new(Vec::new()),
            bell,
        })
    }

    pub fn push(&self, item: T) {
        self.items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(item);
        self.bell.send();
    }

    /// Takes all items, in the order of the pushes.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.items.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T, R> fmt::Debug for Queue<T, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Queue")
    }
}
