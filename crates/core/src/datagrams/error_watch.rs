//! Hears of errors that the network reports while a receive waits: tokio wakes readers for data only.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

type Watch = Pin<Box<dyn Future<Output = ()>>>;

/// Made when a receive first waits, and then there until an error comes.
#[derive(Default)]
pub struct ErrorWatch(Option<Watch>);

impl ErrorWatch {
    /// Ready when the socket says that it has an error. `watch` makes a future that waits for it.
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
