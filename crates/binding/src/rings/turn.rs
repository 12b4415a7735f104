//! One turn: poll what is ready, hand the batch to JavaScript, carry out what it submitted. All of it runs on one
//! JavaScript thread.
//!
//! ```text
//!  ready tokens ─► collect ─► staged completions ─► publish ─► JavaScript ─► submission ring
//!                     ▲  (reads go straight into the receive slab)                 │
//!                     └────────── backlog ◄── arm receives ◄── gather sends ◄── submit
//! ```
//!
//! This file has the state. `rounds.rs` has the order of events, the files between the work on each kind of handle.
//! Files call downwards only:
//!
//! ```text
//!  rounds · requests                                     the order of a turn · calls outside the rings
//!  tls · relaying                                        handles that change what they are
//!  receiving · sending · datagrams · accepting · watching
//!  intake                                                the submission ring
//!  turn                                                  this file
//!  delivery · agenda · segments · handles                its parts: private fields, small interfaces
//!  relay · waits · regions · records · peers · handle_id · errno
//! ```
//!
//! Invariants:
//! 1. A connection's sends of one turn leave in one gathered write, in submission order. They leave before anything
//!    that was submitted after them (a wait, a shutdown, a close) is looked at.
//! 2. The receive slab is written only between the end of one dispatch and the start of the next: what a
//!    completion points to is there when JavaScript reads it, and gone afterwards.
//! 3. A completion is staged, never dropped; a receive that finds no room in the slab waits in the backlog.
//! 4. A receive stays armed until it is answered or cancelled, and is answered once.
//! 5. The send slab is free again when `submit` has returned: what the kernel did not take has been copied.
//! 6. JavaScript's count of unsent bytes is an upper bound. It keeps counting the bytes of a submission until
//!    `REPORTED` has passed that submission. Reports are staged when the submission is carried out, and `REPORTED`
//!    passes it only once they have been delivered, whatever JavaScript runs in between.
//! 7. A turn computes a few steps of handshakes at most, and last: many new clients wait, and clients with a
//!    connection do not.

use std::{sync::Arc, task::Waker};

use structio_core::{
    ready::{ReadyList, Token},
    streams::Connection,
};

use super::{
    agenda::Agenda,
    delivery::Delivery,
    handle_id::HandleId,
    handles::{Entry, Handles, Stream},
    records::{CompletionKind, control},
    regions::Regions,
    relay::RelayQueue,
    segments::Segments,
};

#[derive(Debug)]
pub struct Turn {
    pub(super) delivery: Delivery,
    pub(super) handles: Handles,
    pub(super) agenda: Agenda,
    pub(super) segments: Segments,
    pub(super) relays: RelayQueue,
    pub(super) ready: Arc<ReadyList>,
    /// The index of the entry that has all waits for foreign descriptors, once there was one.
    #[cfg(target_os = "linux")]
    pub(super) waits_at: Option<u32>,
}

impl Turn {
    pub fn new(regions: Regions, ready: Arc<ReadyList>) -> Self {
        Self {
            delivery: Delivery::new(regions),
            handles: Handles::default(),
            agenda: Agenda::default(),
            segments: Segments::default(),
            relays: RelayQueue::default(),
            ready,
            #[cfg(target_os = "linux")]
            waits_at: None,
        }
    }

    pub fn control(&self, word: usize) -> i32 {
        self.delivery.control(word)
    }

    pub fn set_control(&mut self, word: usize, value: i32) {
        self.delivery.set_control(word, value);
    }

    pub fn entry(&mut self, id: HandleId) -> Option<&mut Entry> {
        self.handles.get(id)
    }

    /// A handle for an open connection.
    pub fn add_stream(&mut self, connection: Connection) -> HandleId {
        let waker = self.next_waker();
        self.handles.insert(Entry::Stream(Stream::new(connection, waker)))
    }

    /// Stages a completion that names a request in place of a handle.
    pub fn stage_request(&mut self, request: u32, kind: CompletionKind, value: i32) {
        let named = HandleId {
            index: request,
            generation: 0,
        };
        self.delivery.stage(named, kind, value, 0);
    }

    /// Moves staged completions to the ring. True when there are any: JavaScript is to be called.
    pub fn publish(&mut self) -> bool {
        self.delivery.publish()
    }

    /// JavaScript has copied what it keeps of a dispatch.
    pub fn dispatched(&mut self) {
        self.delivery.dispatched();
    }

    /// Whether another round would find something to do without new readiness.
    pub fn is_idle(&self) -> bool {
        self.delivery.is_empty() && self.agenda.is_idle() && self.relays.is_idle() && !self.ready.has_tokens()
    }

    /// Whether anything waits for another turn that no new readiness would start.
    pub fn has_more(&self) -> bool {
        !self.is_idle() || !self.agenda.is_empty() || !self.relays.is_empty()
    }

    /// Whether anything native keeps the process alive.
    pub fn is_busy(&self) -> bool {
        self.control(control::REFS) > 0 || self.delivery.has_unsent()
    }

    pub(super) fn has_room(&self) -> bool {
        self.delivery.room() > 0
    }

    /// The waker of the handle that is inserted next.
    pub(super) fn next_waker(&self) -> Waker {
        self.ready.waker(Token(self.handles.next_index()))
    }
}
