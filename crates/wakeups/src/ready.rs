//! Wakers that carry a number, and the list of numbers that are ready.
//!
//! tokio calls a socket's waker when the kernel has reported the socket ready. The waker pushes the socket's token to a
//! list. The thread that owns the sockets drains the list and polls them.
//!
//! Threads: any thread may push; one thread drains.
//!
//! Invariants:
//! 1. A token in the list is a hint: its handle may have ended, been replaced, or not be ready. The owner polls it, and
//!    polling is always safe.
//! 2. The first token of a batch calls `notify`, the others do not. [`ReadyList::begin`] re-opens the gate *before*
//!    the list is taken, so that a token pushed in between is either in the list or announced again.

use std::{
    fmt,
    sync::{Arc, PoisonError},
    task::{Wake, Waker},
};

use crate::sync::{AtomicBool, Mutex, Ordering};

/// What a waker announces: the index of a handle. One waker serves both directions, and the owner polls what the handle
/// waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub u32);

type Notify = Box<dyn Fn() + Send + Sync>;

/// Tokens announced since the last drain, from any thread.
pub struct ReadyList {
    tokens: Mutex<Vec<Token>>,
    announced: AtomicBool,
    /// Called by the first token of a batch. `None` where the owner turns the reactor itself, and drains after it.
    notify: Option<Notify>,
}

impl ReadyList {
    pub fn new(notify: Option<Notify>) -> Arc<Self> {
        Arc::new(Self {
            tokens: Mutex::new(Vec::new()),
            announced: AtomicBool::new(false),
            notify,
        })
    }

    /// A waker that announces `token`.
    pub fn waker(self: &Arc<Self>, token: Token) -> Waker {
        Waker::from(Arc::new(HandleWaker {
            list: Arc::clone(self),
            token,
        }))
    }

    pub fn push(&self, token: Token) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(token);
        if let Some(notify) = &self.notify
            && !self.announced.swap(true, Ordering::AcqRel)
        {
            notify();
        }
    }

    /// Lets the next token announce itself again. Call before [`ReadyList::take`] (invariant 2).
    /// A swap reads the announcement that it revokes, and so comes after it. A store would be enough, because the lock
    /// orders it before later pushes; but loom does not see that order.
    pub fn begin(&self) {
        if self.notify.is_some() {
            self.announced.swap(false, Ordering::AcqRel);
        }
    }

    /// Whether tokens have been announced since the last take.
    pub fn has_tokens(&self) -> bool {
        !self
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// Moves the announced tokens to the end of `into`.
    pub fn take(&self, into: &mut Vec<Token>) {
        into.append(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for ReadyList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ReadyList")
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

struct HandleWaker {
    list: Arc<ReadyList>,
    token: Token,
}

impl Wake for HandleWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.list.push(self.token);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn only_the_first_token_of_a_batch_notifies() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let list = ReadyList::new(Some(Box::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        })));
        list.waker(Token(1)).wake();
        list.waker(Token(2)).wake();
        assert_eq!(calls.load(Ordering::Relaxed), 1);

        list.begin();
        let mut taken = Vec::new();
        list.take(&mut taken);
        assert_eq!(taken, [Token(1), Token(2)]);

        list.waker(Token(3)).wake();
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }
}
