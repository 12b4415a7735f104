//! A relay and the queue of a thread's relays. `relaying.rs` connects them with the handles, and has the invariants.

use std::collections::VecDeque;

use structio_core::streams::{Blocks, End, Progress, RELAY_BLOCK, Way};

use super::{errno::errno, handle_id::HandleId};

/// Most bytes that all relays of a thread read in one turn: some 0.5 ms of copying.
const TURN_BYTES: usize = 4 * RELAY_BLOCK;

/// The part of a connection in a relay.
#[derive(Debug)]
pub enum Relaying {
    First(Box<Relay>),
    /// The first handle, which has the relay.
    Second(HandleId),
}

#[derive(Debug)]
pub struct Relay {
    second: HandleId,
    /// From the first to the second, and back.
    ways: [Way; 2],
    /// It is in the queue.
    queued: bool,
    /// JavaScript gets a `Relayed` when bytes have moved.
    tells: bool,
    outcome: Option<RelayOutcome>,
}

/// How a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayOutcome {
    Ended,
    /// Receiving has failed, from the first or the second (0, 1), with this error number.
    ReceiveFailed(u32, i32),
    /// Sending has failed: `SendFailed` of that connection says why.
    SendFailed,
}

/// The state of a relay that is over, which JavaScript takes.
#[derive(Debug)]
pub struct RelayReport {
    /// `None`: JavaScript ended it before it had an outcome.
    pub outcome: Option<RelayOutcome>,
    pub ways: [WayReport; 2],
}

#[derive(Debug)]
pub struct WayReport {
    pub moved: u64,
    /// Bytes read from the source that the destination has not taken.
    pub rest: Vec<u8>,
    pub source_ended: bool,
    pub ended: bool,
    /// Bytes that the destination has taken are unsent, or it has failed; a completion says so.
    pub unsent: bool,
}

/// The relays of a thread that can go on.
#[derive(Debug, Default)]
pub struct RelayQueue {
    waiting: VecDeque<HandleId>,
    budget: usize,
    blocks: Blocks,
}

/// What one poll of a relay has brought.
#[derive(Clone, Copy, Debug)]
pub struct RelayProgress {
    /// The relay can go on without being woken.
    pub more: bool,
    /// JavaScript gets a `Relayed`.
    pub tell: bool,
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

    /// The next relay to poll, while this turn has budget left.
    pub fn next(&mut self) -> Option<HandleId> {
        if self.budget == 0 {
            return None;
        }
        self.waiting.pop_front()
    }

    /// Puts a relay at the back, once. False: it has an outcome.
    pub fn queue(&mut self, first: HandleId, relay: &mut Relay) -> bool {
        if relay.outcome.is_some() {
            return false;
        }
        if !relay.queued {
            relay.queued = true;
            self.waiting.push_back(first);
        }
        true
    }

    /// Polls both directions of a relay for one block at most.
    pub fn advance(&mut self, relay: &mut Relay, ends: [End<'_, '_>; 2]) -> RelayProgress {
        let mut budget = RELAY_BLOCK.min(self.budget);
        let before = budget;
        let moved = relay.moved();
        let more = relay.poll(ends, &mut self.blocks, &mut budget);
        self.budget -= before - budget;
        let ended = relay.outcome.is_some();
        RelayProgress {
            more: more && !ended,
            tell: ended || relay.tells && relay.moved() > moved,
        }
    }
}

impl Relay {
    /// `prefetched`: bytes already read from the first and the second. They go first.
    pub fn new(second: HandleId, prefetched: [&[u8]; 2], tells: bool) -> Self {
        Self {
            second,
            ways: prefetched.map(Way::new),
            queued: false,
            tells,
            outcome: None,
        }
    }

    pub fn second(&self) -> HandleId {
        self.second
    }

    pub fn has_outcome(&self) -> bool {
        self.outcome.is_some()
    }

    pub fn leave_queue(&mut self) {
        self.queued = false;
    }

    /// The report of a relay that is over; `unsent` by destination.
    pub fn report(&mut self, unsent: [bool; 2]) -> RelayReport {
        let [there, back] = &mut self.ways;
        RelayReport {
            outcome: self.outcome,
            ways: [report(there, unsent[0]), report(back, unsent[1])],
        }
    }

    fn moved(&self) -> u64 {
        self.ways.iter().map(Way::moved).sum()
    }

    /// Polls both directions. True: there is more to do without being woken.
    fn poll(&mut self, mut ends: [End<'_, '_>; 2], blocks: &mut Blocks, budget: &mut usize) -> bool {
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

fn report(way: &mut Way, unsent: bool) -> WayReport {
    WayReport {
        moved: way.moved(),
        rest: way.take_rest(),
        source_ended: way.source_ended(),
        ended: way.ended(),
        unsent,
    }
}
