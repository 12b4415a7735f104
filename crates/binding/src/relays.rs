//! What TypeScript sees of relays.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::{
    facade::EventLoop,
    rings::{HandleId, RelayOutcome, RelayReport, WayReport},
};

/// One direction of a relay that is over.
#[napi(object)]
pub struct RelayedWay {
    pub moved: f64,
    /// Bytes read from the source that the destination has not taken.
    pub rest: Buffer,
    /// The source's data has ended.
    pub source_ended: bool,
    /// The end has been passed on.
    pub ended: bool,
    /// Bytes that the destination has taken are unsent.
    pub unsent: bool,
}

/// The report of a relay that is over.
#[napi(object)]
pub struct Relayed {
    pub there: RelayedWay,
    pub back: RelayedWay,
    /// The connection whose receiving has failed: 0 or 1; -1 for none.
    pub failed: i32,
    /// The error number.
    pub errno: i32,
}

#[napi]
impl EventLoop {
    /// Starts to relay between two connections. `prefetchedA` was read from `a`, `prefetchedB` from `b`; both go
    /// first. With `tells`, a completion `Relayed` follows each turn in which bytes have moved.
    #[napi(catch_unwind)]
    pub fn start_relay(&self, a: f64, b: f64, prefetched_a: &[u8], prefetched_b: &[u8], tells: bool) {
        let [a, b] = [a, b].map(HandleId::from_number);
        self.driver
            .with_turn(|turn| turn.start_relay(a, b, [prefetched_a, prefetched_b], tells));
    }

    /// Ends the relay of a first handle and returns its report; `None` where there is no such relay.
    #[napi(catch_unwind)]
    pub fn end_relay(&self, a: f64) -> Option<Relayed> {
        self.driver
            .with_turn(|turn| turn.end_relay(HandleId::from_number(a)))
            .flatten()
            .map(Into::into)
    }
}

impl From<RelayReport> for Relayed {
    fn from(report: RelayReport) -> Self {
        let [there, back] = report.ways.map(Into::into);
        let (failed, errno) = match report.outcome {
            Some(RelayOutcome::ReceiveFailed(whose, errno)) => (whose.cast_signed(), errno),
            Some(RelayOutcome::Ended | RelayOutcome::SendFailed) | None => (-1, 0),
        };
        Self {
            there,
            back,
            failed,
            errno,
        }
    }
}

impl From<WayReport> for RelayedWay {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a number of bytes: exact up to nine petabytes"
    )]
    fn from(way: WayReport) -> Self {
        Self {
            moved: way.moved as f64,
            rest: way.rest.into(),
            source_ended: way.source_ended,
            ended: way.ended,
            unsent: way.unsent,
        }
    }
}
