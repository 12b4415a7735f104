//! What other threads have finished for a JavaScript thread.

use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use crate::{
    bell::{Bell, Ring},
    sync::Mutex,
};

/// A queue whose every push asks for a turn. The item is in it before the bell rings: the turn that was asked for finds it.
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

    /// Everything so far, in the order of the pushes.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.items.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T, R> fmt::Debug for Queue<T, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Queue")
    }
}
