//! The thread driver's helper: a thread that waits in the reactor and calls wakers. Sockets are polled on the
//! JavaScript thread.
//!
//! Invariants:
//! 1. The helper owns the reactor, and shuts it down when it stops.
//! 2. Requests are flags plus a permit of `changed`: a request made while the helper is busy is seen before it waits
//!    again.
//! 3. The helper takes no lock that a stopping JavaScript thread holds: [`Helper::stop`] may wait for it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use structio_core::reactor::Reactor;
use tokio::sync::Notify;

#[derive(Debug)]
pub struct Helper {
    requests: Arc<Requests>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Requests {
    changed: Notify,
    stop: AtomicBool,
    settle: AtomicBool,
}

impl Helper {
    /// The helper's thread calls `settled` after each round that [`Helper::settle`] asked for.
    pub fn start(reactor: Reactor, settled: impl Fn() + Send + 'static) -> io::Result<Self> {
        let requests = Arc::new(Requests::default());
        let seen = Arc::clone(&requests);
        let thread = thread::Builder::new()
            .name("structio-reactor".to_owned())
            .spawn(move || {
                reactor.park_until(async {
                    while !seen.stop.load(Ordering::Acquire) {
                        seen.changed.notified().await;
                        if seen.settle.swap(false, Ordering::AcqRel) {
                            // Yielding polls the reactor once without waiting, which calls every waker that is due.
                            tokio::task::yield_now().await;
                            settled();
                        }
                    }
                });
                reactor.shutdown();
            })?;
        Ok(Self {
            requests,
            thread: Some(thread),
        })
    }

    /// Asks for one round of the reactor that does not wait.
    pub fn settle(&self) {
        self.requests.settle.store(true, Ordering::Release);
        self.requests.changed.notify_one();
    }

    /// Ends the thread and waits for it (3).
    pub fn stop(&mut self) {
        self.requests.stop.store(true, Ordering::Release);
        self.requests.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // An `Err` is a panic of the helper. The hook has printed it, and there is nothing to clean up.
            let _ = thread.join();
        }
    }
}
