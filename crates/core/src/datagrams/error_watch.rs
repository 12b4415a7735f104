//! Waits for errors that the network reports while a receive waits.
//!
//! tokio wakes readers for data only, so a receive would miss an error. This keeps a future of
//! `ready(Interest::ERROR)`, polled by the same call and with the same waker as the receive, on the JavaScript
//! thread.
//!
//! Invariant: a socket that is registered anew needs a new watch. The old future belongs to the old registration.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

type Watch = Pin<Box<dyn Future<Output = ()>>>;

/// Made when a receive first waits, and kept until an error comes: one allocation for many receives.
#[derive(Default)]
pub struct ErrorWatch(Option<Watch>);

impl ErrorWatch {
    /// Ready when the socket reports an error. `watch` makes the future that waits for it, if there is none.
    pub fn poll<F: Future<Output = ()> + 'static>(
        &mut self,
        cx: &mut Context<'_>,
        watch: impl FnOnce() -> F,
    ) -> Poll<()> {
        let pending = self.0.get_or_insert_with(|| Box::pin(watch()));
        let outcome = pending.as_mut().poll(cx);
        if outcome.is_ready() {
            self.0 = None;
        }
        outcome
    }
}

impl fmt::Debug for ErrorWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ErrorWatch")
    }
}
