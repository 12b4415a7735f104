//! The driver: one for each JavaScript thread. It runs turns, and keeps the process alive while something native is
//! pending.
//!
//! ```text
//!  libuv: the reactor's descriptor is readable ─┐
//!  another thread rings the bell ───────────────┴─► run_turn
//!      begin ─► (collect ─► publish ─► dispatch ─► submit) × rounds ─► remote completions ─► keep-alive
//!  JavaScript calls flush or settle ─► submit or collect ─► publish ─► dispatch, inside that call
//! ```
//!
//! Threads: the JavaScript thread has the driver. With [`DriverKind::Thread`], the helper thread polls the reactor
//! and calls wakers. Pool threads push remote completions.
//!
//! Invariants:
//! 1. Everything here runs on the JavaScript thread. Other threads reach only what stands behind `Arc`s: [`Wake`],
//!    the ready list and the queue of remote completions.
//! 2. No borrow of `turn`, `files` or an outcome is held while JavaScript runs: JavaScript calls back into the facade.
//! 3. The reactor's `enter` guard is held around every poll that may register a socket. The reactor is turned only
//!    while no socket is being polled.
//! 4. libuv's handles are referenced exactly while something native is pending. The change happens at the end of a
//!    turn or call, on 0↔1 transitions only.
//! 5. After the environment's cleanup hook nothing runs. lifecycle.rs has the order of the end.
//! 6. A panic stops at the edge to libuv or Node-API. The turn that panicked is lost; the process goes on.
//! 7. Remote completions are taken before the ready list, and staged after the turn's rounds: sockets that another
//!    thread announced before its completion are delivered before it.

#![expect(unsafe_code, reason = "references of libuv and Node-API handles")]

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use napi::sys;
#[cfg(unix)]
use structio_core::files;
use structio_core::{reactor::Reactor, resolve};
use tokio::runtime::Handle;

use super::{
    helper::Helper,
    node_api::Dispatch,
    remote::{Announced, Remote, RemoteQueue},
    uv::{HandleMemory, Uv, UvHandle},
    wake::Wake,
};
#[cfg(unix)]
use crate::files::FileTable;
use crate::rings::{CompletionKind, Turn, control};

/// Rounds of JavaScript in one wake-up. Then libuv runs, so that timers fire and its other handles are served.
const MAX_ROUNDS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverKind {
    Nested,
    Thread,
}

/// The source of readiness.
#[derive(Debug)]
pub enum Source {
    /// libuv polls the reactor's own descriptor; this thread turns the reactor.
    Nested {
        reactor: Reactor,
        poll: HandleMemory,
    },
    Thread(Helper),
}

/// The handle through which another thread wakes this one.
#[derive(Debug)]
pub enum Doorbell {
    Async(HandleMemory),
    ThreadsafeFunction(sys::napi_threadsafe_function),
}

#[derive(Debug)]
pub struct Driver {
    pub(super) env: sys::napi_env,
    pub(super) uv: Option<Uv>,
    pub(super) dispatch: Dispatch,
    /// `None` once the environment has ended.
    pub(super) turn: RefCell<Option<Turn>>,
    pub(super) source: RefCell<Option<Source>>,
    pub(super) doorbell: RefCell<Option<Doorbell>>,
    pub(super) runtime: Handle,
    pub(super) kind: DriverKind,
    pub(super) wake: Arc<Wake>,
    pub(super) remote: Arc<RemoteQueue>,
    pub(super) looked_up: Announced<resolve::Outcome>,
    #[cfg(unix)]
    pub(super) file_outcomes: Announced<files::Outcome>,
    #[cfg(unix)]
    pub files: RefCell<FileTable>,
    pub(super) kept_alive: Cell<bool>,
    /// At the end: libuv handles whose close callback is still to come.
    pub(super) closing: Cell<usize>,
    pub(super) cleanup: Cell<sys::napi_async_cleanup_hook_handle>,
}

impl Driver {
    pub fn kind(&self) -> DriverKind {
        self.kind
    }

    pub fn remote(&self) -> &Arc<RemoteQueue> {
        &self.remote
    }

    /// Runs `work` with the turn's state, under the reactor's guard. `None` once the environment has ended.
    /// Asks for another turn where `work` has staged completions: the call itself does not deliver them.
    pub fn with_turn<T>(&self, work: impl FnOnce(&mut Turn) -> T) -> Option<T> {
        let _guard = self.runtime.enter();
        let mut state = self.turn.borrow_mut();
        let turn = state.as_mut()?;
        let outcome = work(turn);
        if turn.has_more() && turn.control(control::IN_TURN) == 0 {
            self.wake.send();
        }
        Some(outcome)
    }

    /// Sends datagrams as the shared words say. Needs no guard: it registers and stages nothing.
    pub fn send_datagrams(&self) {
        self.with(Turn::send_datagrams);
    }

    /// Carries out the submission ring and delivers what that completes, inside this call.
    pub fn flush(&self) {
        let dispatching = self
            .with(|turn| turn.control(control::DISPATCHING) != 0)
            .unwrap_or(true);
        let in_turn = self
            .with(|turn| turn.control(control::IN_TURN) != 0)
            .unwrap_or(true);
        {
            let _guard = self.runtime.enter();
            // While JavaScript reads the slab, nothing may be received into it (rings/turn.rs, invariant 2).
            self.with(|turn| turn.submit(!dispatching));
        }
        if !dispatching && !in_turn {
            self.deliver_from_call();
        }
        self.sync_keep_alive();
    }

    /// Delivers I/O that is ready now. True: delivered. False: the completion `Settled` follows once it has been
    /// delivered.
    pub fn settle(&self) -> bool {
        match &*self.source.borrow() {
            Some(Source::Nested { reactor, .. }) => reactor.turn(),
            Some(Source::Thread(helper)) => {
                helper.settle();
                return false;
            }
            None => return true,
        }
        if self
            .with(|turn| turn.control(control::DISPATCHING) != 0)
            .unwrap_or(true)
        {
            return true;
        }
        {
            let _guard = self.runtime.enter();
            self.with(Turn::collect);
        }
        self.deliver_from_call();
        true
    }

    /// The outcome of a look-up that `LookedUp` has announced.
    pub fn take_lookup(&self, request: u32) -> Option<resolve::Outcome> {
        self.looked_up.take(request)
    }

    /// Reads a file into `memory`, or sets its position, as the shared words say.
    #[cfg(unix)]
    pub fn call_file(&self, memory: Option<&mut [u8]>) {
        let Some(words) = self.with(|turn| {
            [control::FILE_SLOT, control::FILE_START, control::FILE_END]
                .map(|word| turn.control(word).cast_unsigned())
        }) else {
            return;
        };
        let result = self.files.borrow().call_now(words, memory);
        self.with(|turn| turn.set_control(control::FILE_RESULT, result));
    }

    /// The outcome of work on a file that `FileDone` has announced.
    #[cfg(unix)]
    pub fn take_file_outcome(&self, request: u32) -> Option<files::Outcome> {
        self.file_outcomes.take(request)
    }

    fn with<T>(&self, read: impl FnOnce(&mut Turn) -> T) -> Option<T> {
        self.turn.borrow_mut().as_mut().map(read)
    }

    /// One wake-up from libuv, or from the threadsafe function.
    pub(super) fn run_turn(&self) {
        // Invariant 7.
        let remote = self.remote.take();
        if let Some(Source::Nested { reactor, .. }) = &*self.source.borrow() {
            reactor.turn();
        }
        let _guard = self.runtime.enter();
        self.with(Turn::begin);
        for round in 1..=MAX_ROUNDS {
            let Some(has_completions) = self.with(|turn| {
                turn.collect();
                turn.publish()
            }) else {
                return;
            };
            if has_completions && !self.dispatch_from_loop() {
                return;
            }
            let last = round == MAX_ROUNDS;
            let idle = self.with(|turn| {
                turn.submit(!last);
                turn.is_idle()
            });
            if idle.unwrap_or(true) {
                break;
            }
        }
        if !remote.is_empty() {
            self.take_remote(remote);
        }
        if self.with(|turn| turn.has_more()).unwrap_or(false) {
            self.wake.send();
        }
        self.sync_keep_alive();
    }

    fn take_remote(&self, remote: Vec<Remote>) {
        self.with(|turn| {
            for item in remote {
                match item {
                    Remote::LookedUp(request, outcome) => {
                        self.looked_up.keep(request, outcome);
                        turn.stage_request(request, CompletionKind::LookedUp, 0);
                    }
                    #[cfg(unix)]
                    Remote::File(request, outcome) => {
                        self.file_outcomes.keep(request, outcome);
                        turn.stage_request(request, CompletionKind::FileDone, 0);
                    }
                    Remote::Handshake(id, handshake, outcome) => {
                        turn.return_handshake(id, handshake, outcome);
                    }
                    Remote::Settled => turn.stage_request(0, CompletionKind::Settled, 0),
                    Remote::Exited(request, code) => {
                        turn.stage_request(request, CompletionKind::Exited, code);
                    }
                }
            }
        });
        if self.with(Turn::publish).unwrap_or(false) && self.dispatch_from_loop() {
            self.with(|turn| turn.submit(true));
        }
    }

    fn dispatch_from_loop(&self) -> bool {
        // A threadsafe function's callback runs inside a callback scope: its microtasks run after it has returned,
        // and what they submit is not part of this turn.
        let drains = !matches!(&*self.doorbell.borrow(), Some(Doorbell::ThreadsafeFunction(_)));
        self.with(|turn| turn.set_control(control::IN_TURN, i32::from(drains)));
        let running = self.dispatch.run_from_loop();
        self.with(|turn| {
            turn.set_control(control::IN_TURN, 0);
            turn.dispatched();
        });
        running
    }

    fn deliver_from_call(&self) {
        if self.with(Turn::publish).unwrap_or(false) {
            self.dispatch.run_from_call();
            self.with(Turn::dispatched);
        }
        if self.with(|turn| turn.has_more()).unwrap_or(false) {
            self.wake.send();
        }
    }

    /// References libuv's handle, or releases it (invariant 4).
    pub fn sync_keep_alive(&self) {
        let wanted = self.with(|turn| turn.is_busy()).unwrap_or(false);
        if self.kept_alive.replace(wanted) == wanted {
            return;
        }
        match (
            &mut *self.source.borrow_mut(),
            &mut *self.doorbell.borrow_mut(),
            &self.uv,
        ) {
            (Some(Source::Nested { poll, .. }), _, Some(uv)) => set_alive(uv, poll.handle(), wanted),
            (_, Some(Doorbell::Async(handle)), Some(uv)) => set_alive(uv, handle.handle(), wanted),
            (_, Some(Doorbell::ThreadsafeFunction(function)), _) => {
                // SAFETY: a live threadsafe function, on its environment's thread.
                unsafe {
                    if wanted {
                        sys::napi_ref_threadsafe_function(self.env, *function);
                    } else {
                        sys::napi_unref_threadsafe_function(self.env, *function);
                    }
                }
            }
            _ => {}
        }
    }
}

fn set_alive(uv: &Uv, handle: *mut UvHandle, alive: bool) {
    // SAFETY: a handle of this thread's loop whose memory is there: `end` takes the handles out of the driver, after
    // their close callbacks. Before that, a handle that is closing may be referenced and released.
    unsafe {
        if alive {
            (uv.keep_alive)(handle);
        } else {
            (uv.let_go)(handle);
        }
    }
}
