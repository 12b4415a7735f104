//! Models of the bell, the queue and the ready list: loom runs them in every order of threads. `npm test` runs them; by
//! hand:
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test -p structio-wakeups --target-dir target/loom --test loom
//! ```
//!
//! A lost wake-up is a deadlock here, and loom finds it. The last tests plant mistakes, to show that the models find
//! them.

#![cfg(loom)]

use std::sync::Arc;

use loom::{
    model::Builder,
    sync::{
        Notify,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};
use structio_wakeups::{Bell, Queue, ReadyList, Ring, Token};

/// A model of libuv's `uv_async_t`: it merges rings until the turn begins, and must not be rung after it was closed.
struct Async {
    pending: AtomicBool,
    closed: AtomicBool,
    rung: AtomicUsize,
    sleeper: Notify,
}

impl Async {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            pending: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            rung: AtomicUsize::new(0),
            sleeper: Notify::new(),
        })
    }

    /// Blocks until a turn has been asked for.
    fn wait(&self) {
        while !self.pending.swap(false, Ordering::AcqRel) {
            self.sleeper.wait();
        }
    }
}

struct Handle(Arc<Async>);

impl Ring for Handle {
    fn ring(&self) {
        assert!(!self.0.closed.load(Ordering::Relaxed), "rung after it was closed");
        self.0.rung.fetch_add(1, Ordering::Relaxed);
        if !self.0.pending.swap(true, Ordering::AcqRel) {
            self.0.sleeper.notify();
        }
    }
}

/// The JavaScript thread's side: the bell, the queue and the ready list.
struct Side {
    handle: Arc<Async>,
    bell: Arc<Bell<Handle>>,
    queue: Arc<Queue<u32, Handle>>,
    ready: Arc<ReadyList>,
}

impl Side {
    fn new() -> Self {
        let handle = Async::new();
        let bell = Arc::new(Bell::new());
        bell.open(Handle(Arc::clone(&handle)));
        let queue = Queue::new(Arc::clone(&bell));
        let rings = Arc::clone(&bell);
        let ready = ReadyList::new(Some(Box::new(move || rings.send())));
        Self {
            handle,
            bell,
            queue,
            ready,
        }
    }

    /// Takes in the order of `Driver::run_turn`.
    fn turn(&self, items: &mut Vec<u32>, tokens: &mut Vec<Token>) {
        items.extend(self.queue.take());
        self.ready.begin();
        self.ready.take(tokens);
    }

    /// Waits for the bell and takes a turn, until `done` says that everything has come.
    fn run_until(&self, done: impl Fn(&[u32], &[Token]) -> bool) -> (Vec<u32>, Vec<Token>) {
        let (mut items, mut tokens) = (Vec::new(), Vec::new());
        while !done(&items, &tokens) {
            self.handle.wait();
            self.turn(&mut items, &mut tokens);
        }
        (items, tokens)
    }
}

/// All orders with at most two unforced switches from one thread to another (`LOOM_MAX_PREEMPTIONS` says otherwise):
/// the planted mistakes need one or two.
fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(2);
    builder.check(check);
}

fn sorted(tokens: &[Token]) -> Vec<u32> {
    let mut numbers: Vec<u32> = tokens.iter().map(|token| token.0).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn every_token_is_delivered_once_and_no_wake_up_is_lost() {
    model(|| {
        let side = Side::new();
        let threads = [vec![1, 2], vec![3]].map(|tokens| {
            let ready = Arc::clone(&side.ready);
            thread::spawn(move || tokens.into_iter().for_each(|token| ready.push(Token(token))))
        });
        let (mut items, mut tokens) = side.run_until(|_, tokens| tokens.len() >= 3);
        for thread in threads {
            thread.join().expect("pushed");
        }
        side.turn(&mut items, &mut tokens);
        assert_eq!(sorted(&tokens), [1, 2, 3]);
        let places = [1, 2].map(|number| tokens.iter().position(|token| token.0 == number));
        assert!(places[0] < places[1], "out of order");
    });
}

#[test]
fn wakers_of_one_list_wake_from_several_threads() {
    model(|| {
        let side = Side::new();
        let threads = [7, 8].map(|token| {
            let waker = side.ready.waker(Token(token));
            thread::spawn(move || waker.wake())
        });
        let (_, tokens) = side.run_until(|_, tokens| tokens.len() >= 2);
        for thread in threads {
            thread.join().expect("woken");
        }
        assert_eq!(sorted(&tokens), [7, 8]);
    });
}

#[test]
fn the_first_token_of_a_batch_asks_for_a_turn_and_no_other() {
    model(|| {
        let side = Side::new();
        let threads = [1, 2].map(|token| {
            let ready = Arc::clone(&side.ready);
            thread::spawn(move || ready.push(Token(token)))
        });
        for thread in threads {
            thread.join().expect("pushed");
        }
        assert_eq!(side.handle.rung.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn every_completion_is_delivered_once_and_no_wake_up_is_lost() {
    model(|| {
        let side = Side::new();
        let threads = [vec![1, 2], vec![3]].map(|items| {
            let queue = Arc::clone(&side.queue);
            thread::spawn(move || items.into_iter().for_each(|item| queue.push(item)))
        });
        let (mut items, mut tokens) = side.run_until(|items, _| items.len() >= 3);
        for thread in threads {
            thread.join().expect("pushed");
        }
        side.turn(&mut items, &mut tokens);
        let places = [1, 2].map(|number| items.iter().position(|&item| item == number));
        assert!(places[0] < places[1], "out of order");
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3]);
    });
}

/// `Settled` comes after every token that was announced before it: its turn has them.
#[test]
fn a_completion_comes_no_earlier_than_the_tokens_announced_before_it() {
    model(|| {
        let side = Side::new();
        let (ready, queue) = (Arc::clone(&side.ready), Arc::clone(&side.queue));
        let thread = thread::spawn(move || {
            ready.push(Token(1));
            queue.push(2);
        });
        let (_, tokens) = side.run_until(|items, _| !items.is_empty());
        assert_eq!(sorted(&tokens), [1]);
        thread.join().expect("pushed");
    });
}

#[test]
fn nothing_is_rung_once_the_bell_is_closed() {
    model(|| {
        let side = Side::new();
        let (ready, queue) = (Arc::clone(&side.ready), Arc::clone(&side.queue));
        let threads = [
            thread::spawn(move || ready.push(Token(1))),
            thread::spawn(move || queue.push(2)),
        ];
        let closed = side.bell.close();
        assert!(closed.is_some());
        side.handle.closed.store(true, Ordering::Relaxed);
        assert!(side.bell.close().is_none());
        for thread in threads {
            thread.join().expect("pushed");
        }
        // Nothing is lost either: the item is dropped with the queue.
        let (mut items, mut tokens) = (Vec::new(), Vec::new());
        side.turn(&mut items, &mut tokens);
        assert_eq!((items, sorted(&tokens)), (vec![2], vec![1]));
    });
}

/// The driver opens the bell after it has started the helper thread. What is announced before finds no target; the
/// first turn finds it.
#[test]
fn what_is_pushed_before_the_bell_opens_is_there_at_the_first_look() {
    model(|| {
        let handle = Async::new();
        let bell = Arc::new(Bell::new());
        let queue: Arc<Queue<u32, Handle>> = Queue::new(Arc::clone(&bell));
        let pushes = Arc::clone(&queue);
        let thread = thread::spawn(move || pushes.push(1));
        bell.open(Handle(Arc::clone(&handle)));
        let mut items = queue.take();
        while items.is_empty() {
            handle.wait();
            items.extend(queue.take());
        }
        assert_eq!(items, [1]);
        thread.join().expect("pushed");
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn the_models_find_a_gate_that_opens_after_the_list_is_taken() {
    model(|| {
        let side = Side::new();
        let ready = Arc::clone(&side.ready);
        let thread = thread::spawn(move || {
            ready.push(Token(1));
            ready.push(Token(2));
        });
        let mut tokens = Vec::new();
        while tokens.len() < 2 {
            side.handle.wait();
            // The wrong way round.
            side.ready.take(&mut tokens);
            side.ready.begin();
        }
        thread.join().expect("pushed");
    });
}

#[test]
#[should_panic(expected = "left: []")]
fn the_models_find_completions_that_are_taken_after_the_tokens() {
    model(|| {
        let side = Side::new();
        let (ready, queue) = (Arc::clone(&side.ready), Arc::clone(&side.queue));
        let thread = thread::spawn(move || {
            ready.push(Token(1));
            queue.push(2);
        });
        let (mut items, mut tokens) = (Vec::new(), Vec::new());
        // A turn may have been asked for before.
        side.bell.send();
        while items.is_empty() {
            side.handle.wait();
            // The wrong way round.
            side.ready.begin();
            side.ready.take(&mut tokens);
            items.extend(side.queue.take());
        }
        assert_eq!(sorted(&tokens), [1]);
        thread.join().expect("pushed");
    });
}

#[test]
#[should_panic(expected = "rung after it was closed")]
fn the_models_find_a_ringing_without_the_lock() {
    model(|| {
        let handle = Async::new();
        let rings = Handle(Arc::clone(&handle));
        let thread = thread::spawn(move || rings.ring());
        handle.closed.store(true, Ordering::Relaxed);
        thread.join().expect("rung");
    });
}
