//! What other threads have finished for this one: look-ups, work on files, handshakes, a helper's rounds, and children that they
//! have reaped.

use std::sync::{Arc, Mutex, PoisonError};

#[cfg(unix)]
use structio_core::files;
use structio_core::{
    resolve,
    tls::{Failure, SocketHandshake, Step},
};

use super::wake::Wake;
use crate::rings::HandleId;

/// What other threads have finished.
#[derive(Debug)]
pub enum Outside {
    LookedUp(u32, resolve::Outcome),
    #[cfg(unix)]
    File(u32, files::Outcome),
    /// A handshake comes back, with what it has come to.
    Handshake(HandleId, Box<SocketHandshake>, Result<Step, Failure>),
    Settled,
    /// A child process has ended, with this return code.
    Exited(u32, i32),
}

/// The queue of [`Outside`] completions; each push asks for a turn.
#[derive(Debug)]
pub struct OutsideQueue {
    items: Mutex<Vec<Outside>>,
    wake: Arc<Wake>,
}

impl OutsideQueue {
    pub fn new(wake: Arc<Wake>) -> Arc<Self> {
        Arc::new(Self {
            items: Mutex::default(),
            wake,
        })
    }

    pub fn push(&self, item: Outside) {
        self.items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(item);
        self.wake.send();
    }

    pub fn take(&self) -> Vec<Outside> {
        std::mem::take(&mut self.items.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
