//! Relays: two connections whose bytes go from one to the other without leaving Rust.
//!
//! ```text
//!  start_relay ─► First(Relay) at one handle, Second at the other
//!      a token of either ─► the queue ─► both directions are polled, within the turn's budget ─► back of the queue
//!      both directions have ended, or one has failed ─► outcome, and `Relayed`
//!  end_relay ─► the report, at any moment, with the bytes that were read and not sent
//! ```
//!
//! `relay.rs` has the relay itself and its queue; this file moves relays between the handles and the queue.
//!
//! Invariants:
//! 1. A relay belongs to its first handle and ends with it; a handle that has ended meanwhile ends the relay.
//! 2. The relays of a thread move `TURN_BYTES` in a turn at most, after every other handle was polled: bulk transfers
//!    wait, and requests do not. Each relay in the queue moves one block and goes to the back.
//! 3. While a relay has no outcome, its connections are polled for it alone. With an outcome, they are polled as
//!    every other.

use std::task::Context;

use structio_core::streams::End;

use super::{
    handle_id::HandleId,
    handles::{Entry, Stream},
    records::CompletionKind,
    relay::{Relay, RelayReport, Relaying},
    turn::Turn,
};

impl Turn {
    /// Starts to relay between two connections with no pending operation. `prefetched`: bytes that JavaScript has
    /// read already, which go first.
    pub fn start_relay(&mut self, first: HandleId, second: HandleId, prefetched: [&[u8]; 2], tells: bool) {
        self.ingest();
        for id in [first, second] {
            match self.handles.stream(id) {
                // Sends of this turn are written first (turn.rs, invariant 1).
                Some(stream) if !stream.chain.is_empty() => self.write_chain(id.index),
                Some(_) => {}
                None => return,
            }
        }
        let [mut there, mut back] = prefetched.map(<[u8]>::to_vec);
        self.delivery.take_undelivered(first, &mut there);
        self.delivery.take_undelivered(second, &mut back);
        let relay = Relay::new(second, [&there, &back], tells);
        if let Some(stream) = self.handles.stream(first) {
            stream.relaying = Some(Relaying::First(Box::new(relay)));
        }
        if let Some(stream) = self.handles.stream(second) {
            stream.relaying = Some(Relaying::Second(first));
        }
        self.queue_relay(first);
    }

    /// Ends a relay, in whatever state, and gives its connections back.
    pub fn end_relay(&mut self, first: HandleId) -> Option<RelayReport> {
        let relaying = self.handles.stream(first)?.relaying.take()?;
        let Relaying::First(mut relay) = relaying else {
            return None;
        };
        let mut unsent = [false; 2];
        for (index, id) in [(1, first), (0, relay.second())] {
            if let Some(stream) = self.handles.stream(id) {
                stream.relaying = None;
                unsent[index] = stream.connection.unsent() > 0 || stream.connection.has_failed_sending();
                self.delivery.report_sending(stream, id);
            }
        }
        Some(relay.report(unsent))
    }

    /// Queues the relay of a connection that has become ready. False: it is in no relay that goes on.
    pub(super) fn wake_relay(&mut self, index: u32) -> bool {
        let Some((Entry::Stream(stream), generation)) = self.handles.at(index) else {
            return false;
        };
        let first = match &stream.relaying {
            None => return false,
            Some(Relaying::First(_)) => HandleId { index, generation },
            Some(Relaying::Second(first)) => *first,
        };
        self.queue_relay(first)
    }

    /// Moves bytes, within this turn's budget.
    pub(super) fn poll_relays(&mut self) {
        while self.has_room()
            && let Some(first) = self.relays.next()
        {
            self.poll_relay(first);
        }
    }

    /// False: there is no such relay, or it has an outcome.
    fn queue_relay(&mut self, first: HandleId) -> bool {
        match self.handles.stream(first).map(|stream| &mut stream.relaying) {
            Some(Some(Relaying::First(relay))) => self.relays.queue(first, relay),
            _ => false,
        }
    }

    fn poll_relay(&mut self, first: HandleId) {
        let Some(stream) = self.handles.stream(first) else {
            return;
        };
        let Some(Relaying::First(mut relay)) = stream.relaying.take() else {
            return;
        };
        relay.leave_queue();
        let second = relay.second();
        if let Some((a, b)) = self.handles.pair(first, second) {
            let progress = self.relays.advance(&mut relay, [end(a), end(b)]);
            self.delivery.report_sending(a, first);
            self.delivery.report_sending(b, second);
            if progress.tell {
                let ended = i32::from(relay.has_outcome());
                self.delivery.stage(first, CompletionKind::Relayed, ended, 0);
            }
            if progress.more {
                self.relays.queue(first, &mut relay);
            }
        }
        if let Some(stream) = self.handles.stream(first) {
            stream.relaying = Some(Relaying::First(relay));
        }
    }
}

fn end(stream: &mut Stream) -> End<'_, '_> {
    End {
        connection: &mut stream.connection,
        cx: Context::from_waker(&stream.waker),
    }
}
