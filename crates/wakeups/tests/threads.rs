//! Real threads over the bell, the queue and the ready list: for Miri and ThreadSanitizer, which check every access.
//! `tests/loom.rs` checks the orders.

#![cfg(not(loom))]

use std::{
    sync::{Arc, mpsc},
    thread,
};

use structio_wakeups::{Bell, Queue, ReadyList, Ring, Token};

struct Channel(mpsc::Sender<()>);

impl Ring for Channel {
    fn ring(&self) {
        // The receiver may have ended: then there is nothing to wake.
        let _ = self.0.send(());
    }
}

#[test]
fn everything_arrives_once_from_every_thread() {
    const THREADS: u32 = 4;
    let each = if cfg!(miri) { 8 } else { 4000 };
    let (sender, receiver) = mpsc::channel();
    let bell = Arc::new(Bell::new());
    bell.open(Channel(sender));
    let queue = Queue::new(Arc::clone(&bell));
    let rings = Arc::clone(&bell);
    let ready = ReadyList::new(Some(Box::new(move || rings.send())));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (queue, ready) = (Arc::clone(&queue), Arc::clone(&ready));
            thread::spawn(move || {
                for number in thread * each..(thread + 1) * each {
                    queue.push(Box::new(number));
                    ready.waker(Token(number)).wake();
                }
            })
        })
        .collect();

    let total = (THREADS * each) as usize;
    let (mut items, mut tokens) = (Vec::new(), Vec::new());
    while items.len() < total || tokens.len() < total {
        receiver.recv().expect("the bell is open");
        items.extend(queue.take());
        ready.begin();
        ready.take(&mut tokens);
    }
    for thread in threads {
        thread.join().expect("pushed");
    }
    assert!(queue.take().is_empty() && !ready.has_tokens());
    let mut items: Vec<u32> = items.into_iter().map(|item| *item).collect();
    let mut tokens: Vec<u32> = tokens.into_iter().map(|token| token.0).collect();
    items.sort_unstable();
    tokens.sort_unstable();
    assert!(items.iter().copied().eq(0..THREADS * each));
    assert_eq!(items, tokens);
}

#[test]
fn a_closed_bell_keeps_what_is_pushed_and_rings_nothing() {
    let (sender, receiver) = mpsc::channel();
    let bell = Arc::new(Bell::new());
    let queue = Queue::new(Arc::clone(&bell));
    queue.push(1);
    assert!(receiver.try_recv().is_err(), "rung before it was open");
    bell.open(Channel(sender));
    queue.push(2);
    assert!(receiver.try_recv().is_ok());
    assert!(bell.close().is_some());
    queue.push(3);
    assert!(receiver.try_recv().is_err(), "rung after it was closed");
    assert_eq!(queue.take(), [1, 2, 3]);
}
