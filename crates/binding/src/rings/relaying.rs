//! Relays: two connections whose bytes go from one to the other without leaving Rust.
//!
//! ```text
//!  start_relay ─► First(Relay) at one handle, Second at the other
//!      a token of either ─► the relay's queue ─► both ways are polled, within the turn's budget ─► back of the queue
//!      both ways have ended, or one has failed ─► outcome, and `Relayed`
//!  end_relay ─► what it has come to, at any moment, with the bytes that were read and not sent
//! ```
//!
//! Invariants:
//! 1. A relay belongs to its first handle and ends with it; a handle that has ended meanwhile ends the relay.
//! 2. The relays of a thread move [`TURN_BYTES`] in a turn at most, and after everybody else: who moves gigabytes waits, not
//!    who answers requests. In their queue each moves a block and goes to the back.
//! 3. While a relay has no outcome, its connections are polled for it alone; with one, as every other.

use std::task::Context;

use structio_core::streams::{Blocks, End, Progress, RELAY_BLOCK, Way};

use super::{
    handles::{Entry, HandleId, NO_SEGMENT, Stream},
    records::{CompletionKind, completion},
    sending::report_sending,
    turn::{Turn, errno},
};

/// Bytes that all relays of a thread read in one turn: some 0.5 ms of copying.
const TURN_BYTES: usize = 4 * RELAY_BLOCK;

/// A connection's part in a relay.
#[derive(Debug)]
pub enum Relaying {
    First(Box<Relay>),
    /// Whose the relay is.
    Second(HandleId),
}

#[derive(Debug)]
pub struct Relay {
    second: HandleId,
    /// From the first to the second, and back.
    ways: [Way; 2],
    /// Stands in the queue.
    queued: bool,
    /// JavaScript wants to know that bytes have moved.
    tells: bool,
    outcome: Option<RelayOutcome>,
}

/// How a relay has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayOutcome {
    Ended,
    /// Receiving has failed, from the first or the second (0, 1), with this error number.
    ReceiveFailed(u32, i32),
    /// Sending has failed: `SendFailed` of that connection says why.
    SendFailed,
}

/// What JavaScript takes over when a relay is over.
#[derive(Debug)]
pub struct RelayReport {
    /// `None`: it was ended before it had an outcome.
    pub outcome: Option<RelayOutcome>,
    pub ways: [WayReport; 2],
}

#[derive(Debug)]
pub struct WayReport {
    pub moved: u64,
    /// Read from the source, and not taken by the destination.
    pub rest: Vec<u8>,
    pub source_ended: bool,
    pub ended: bool,
    /// Bytes that the destination has taken are unsent, or it has failed; a completion says so, now or before.
    pub unsent: bool,
}

/// The relays of a thread that can go on.
#[derive(Debug, Default)]
pub struct RelayQueue {
    waiting: std::collections::VecDeque<HandleId>,
    budget: usize,
    blocks: Blocks,
}

impl RelayQueue {
    pub fn begin_turn(&mut self) {
        self.budget = TURN_BYTES;
    }

    /// Whether this turn has nothing left to do for relays.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() || self.budget == 0
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Turn {
    /// Begins to relay between two connections, on which nothing waits. Bytes that JavaScript has read already go first.
    pub fn start_relay(&mut self, first: HandleId, second: HandleId, ahead: [&[u8]; 2], tells: bool) {
        self.ingest();
        for id in [first, second] {
            match self.handles.stream(id) {
                // What was sent in this turn is written before (turn.rs, invariant 1).
                Some(stream) if stream.first_segment != NO_SEGMENT => {
                    self.write_chain(id.index);
                }
                Some(_) => {}
                None => return,
            }
        }
        let [mut there, mut back] = ahead.map(<[u8]>::to_vec);
        self.take_undelivered(first, &mut there);
        self.take_undelivered(second, &mut back);
        let relay = Relay {
            second,
            ways: [Way::new(&there), Way::new(&back)],
            queued: false,
            tells,
            outcome: None,
        };
        if let Some(stream) = self.handles.stream(first) {
            stream.relaying = Some(Relaying::First(Box::new(relay)));
        }
        if let Some(stream) = self.handles.stream(second) {
            stream.relaying = Some(Relaying::Second(first));
        }
        self.queue_relay(first);
    }

    /// Ends a relay, wherever it is, and gives its connections back.
    pub fn end_relay(&mut self, first: HandleId) -> Option<RelayReport> {
        let relaying = self.handles.stream(first)?.relaying.take()?;
        let Relaying::First(mut relay) = relaying else {
            return None;
        };
        let second = relay.second;
        let mut unsent = [false; 2];
        for (index, id) in [(1, first), (0, second)] {
            if let Some(stream) = self.handles.stream(id) {
                stream.relaying = None;
                unsent[index] = stream.connection.unsent() > 0 || stream.connection.has_failed_sending();
                report_sending(
                    stream,
                    id.index,
                    id.generation,
                    &mut self.staged,
                    &mut self.unsent_streams,
                    &mut self.regions,
                );
            }
        }
        let [there, back] = &mut relay.ways;
        Some(RelayReport {
            outcome: relay.outcome,
            ways: [report(there, unsent[0]), report(back, unsent[1])],
        })
    }

    /// A connection of a relay may be able to go on. False: it is in none that does.
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

    /// Moves bytes, as many as this turn has left for it.
    pub(super) fn poll_relays(&mut self) {
        while self.relays.budget > 0
            && self.has_room()
            && let Some(first) = self.relays.waiting.pop_front()
        {
            self.poll_relay(first);
        }
    }

    fn queue_relay(&mut self, first: HandleId) -> bool {
        let Some(relay) = self.relay(first) else {
            return false;
        };
        if relay.outcome.is_some() {
            return false;
        }
        if !relay.queued {
            relay.queued = true;
            self.relays.waiting.push_back(first);
        }
        true
    }

    fn relay(&mut self, first: HandleId) -> Option<&mut Relay> {
        match &mut self.handles.stream(first)?.relaying {
            Some(Relaying::First(relay)) => Some(relay),
            _ => None,
        }
    }

    fn poll_relay(&mut self, first: HandleId) {
        let Some(stream) = self.handles.stream(first) else {
            return;
        };
        let Some(Relaying::First(mut relay)) = stream.relaying.take() else {
            return;
        };
        relay.queued = false;
        let mut budget = RELAY_BLOCK.min(self.relays.budget);
        let before = budget;
        let moved = relay.moved();
        if let Some((a, b)) = self.handles.pair(first, relay.second) {
            let more = relay.advance(a, b, &mut self.relays.blocks, &mut budget);
            let HandleId { index, generation } = first;
            for (stream, id) in [(a, first), (b, relay.second)] {
                report_sending(
                    stream,
                    id.index,
                    id.generation,
                    &mut self.staged,
                    &mut self.unsent_streams,
                    &mut self.regions,
                );
            }
            let ended = relay.outcome.is_some();
            if ended || relay.tells && relay.moved() > moved {
                let relayed = CompletionKind::Relayed;
                self.staged
                    .push(completion(index, generation, relayed, i32::from(ended), 0));
            }
            if more && !ended {
                relay.queued = true;
                self.relays.waiting.push_back(first);
            }
        }
        self.relays.budget -= before - budget;
        if let Some(stream) = self.handles.stream(first) {
            stream.relaying = Some(Relaying::First(relay));
        }
    }
}

impl Relay {
    fn moved(&self) -> u64 {
        self.ways.iter().map(Way::moved).sum()
    }

    /// Polls both ways. True: there is more to do without being woken.
    fn advance(&mut self, a: &mut Stream, b: &mut Stream, blocks: &mut Blocks, budget: &mut usize) -> bool {
        let mut ends = [end(a), end(b)];
        let mut more = false;
        let mut open = false;
        for (source, way) in (0..).zip(&mut self.ways) {
            let [from, to] = &mut ends;
            let progress = way.poll(from, to, blocks, budget);
            self.outcome = match &progress {
                Progress::ReceiveFailed(error) => Some(RelayOutcome::ReceiveFailed(source, errno(error))),
                Progress::SendFailed => Some(RelayOutcome::SendFailed),
                Progress::More | Progress::Pending | Progress::Ended => None,
            };
            if self.outcome.is_some() {
                return false;
            }
            more |= matches!(progress, Progress::More);
            open |= !way.ended();
            ends.reverse();
        }
        if !open {
            self.outcome = Some(RelayOutcome::Ended);
        }
        more
    }
}

fn end(stream: &mut Stream) -> End<'_, '_> {
    End {
        connection: &mut stream.connection,
        cx: Context::from_waker(&stream.waker),
    }
}

fn report(way: &mut Way, unsent: bool) -> WayReport {
    WayReport {
        moved: way.moved(),
        rest: way.take_rest(),
        source_ended: way.source_ended(),
        ended: way.ended(),
        unsent,
    }
}
