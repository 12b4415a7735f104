//! The thread driver's helper: it sits in the reactor and only wakes. Sockets are polled on the JavaScript thread.

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
    /// `settled` is called, on the helper's thread, when a round asked for with [`Helper::settle`] is done.
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
                            // One poll of the driver that does not wait: every waker that is due has been called.
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

    /// Asks for one more look at the sockets.
    pub fn settle(&self) {
        self.requests.settle.store(true, Ordering::Release);
        self.requests.changed.notify_one();
    }

    /// Ends the thread and waits for it: it holds no lock and calls nobody, so this does not take long.
    pub fn stop(&mut self) {
        self.requests.stop.store(true, Ordering::Release);
        self.requests.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // An `Err` is a panic of the helper, which has been reported and has nothing left to clean up.
            let _ = thread.join();
        }
    }
}
