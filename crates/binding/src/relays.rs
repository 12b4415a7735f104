//! What TypeScript sees of relays.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::{
    facade::EventLoop,
    rings::{HandleId, RelayOutcome, RelayReport, WayReport},
};

/// One way of a relay that is over.
#[napi(object)]
pub struct RelayedWay {
    pub moved: f64,
    /// Read from the source, and not taken by the destination.
    pub rest: Buffer,
    /// The source's data has ended.
    pub source_ended: bool,
    /// The end has been passed on.
    pub ended: bool,
    /// Bytes that the destination has taken are unsent.
    pub unsent: bool,
}

/// What a relay has come to.
#[napi(object)]
pub struct Relayed {
    pub there: RelayedWay,
    pub back: RelayedWay,
    /// Whose receiving has failed, 0 or 1; -1: nobody's.
    pub failed: i32,
    /// The error number.
    pub errno: i32,
}

#[napi]
impl EventLoop {
    /// Begins to relay between two connections; each `ahead` has been read from its own one and goes first. `tells`: the
    /// completion `Relayed` says of each turn that bytes have moved.
    #[napi(catch_unwind)]
    pub fn start_relay(&self, a: f64, b: f64, ahead_a: &[u8], ahead_b: &[u8], tells: bool) {
        let [a, b] = [a, b].map(HandleId::from_number);
        self.driver
            .with_turn(|turn| turn.start_relay(a, b, [ahead_a, ahead_b], tells));
    }

    /// Ends a relay, by its first handle, and tells what it has come to; `None` where there is none.
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
