//! System calls that misbehave by seed, for tests.
//!
//! `STRUCTIO_SYSTEM_SEED=n` turns it on. Then calls come short, are interrupted, or refuse once more with `EAGAIN`:
//! all of this can happen on any system, and it changes no result. `STRUCTIO_SYSTEM_FAILURES=n` adds failures: one
//! call of `n`. Both are read once, at the first call. The layer works on any thread; with several threads the order
//! of their calls varies, and with it the draw.
//!
//! The release check searches binaries for the first of these names (`scripts/lib/release.js`) and refuses those that
//! have it.

use std::{
    io::{self, ErrorKind, IoSlice},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Call;

/// One call of this many is interrupted.
const INTERRUPTS: u64 = 12;

/// One call of this many is refused with `EAGAIN`.
const REFUSALS: u64 = 12;

/// One call of this many gets less memory than its caller has.
const SHORT: u64 = 4;

/// Calls that make descriptors fail this many times as often, for they are rarer than calls that move data.
const OPENING: u64 = 8;

#[derive(Debug)]
struct Plan {
    seed: u64,
    /// One data call of this many fails. 0: none.
    failures: u64,
}

static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
static DRAWN: AtomicU64 = AtomicU64::new(0);

/// Before a call: fails instead of it, as the draw decides.
pub(super) fn before(call: Call) -> io::Result<()> {
    let Some(plan) = plan() else {
        return Ok(());
    };
    let failures = match call {
        Call::Open | Call::Accept => plan.failures.div_ceil(OPENING),
        _ => plan.failures,
    };
    if failures > 0
        && one_of(plan, failures)
        && let Some(number) = failure(plan, call)
    {
        return Err(io::Error::from_raw_os_error(number));
    }
    if one_of(plan, INTERRUPTS) {
        return Err(ErrorKind::Interrupted.into());
    }
    let may_refuse = !matches!(call, Call::Open | Call::File | Call::Ask);
    if may_refuse && one_of(plan, REFUSALS) {
        return Err(ErrorKind::WouldBlock.into());
    }
    Ok(())
}

/// How many of `length` bytes a call gets: at least 1, if there is one.
pub(crate) fn part(length: usize) -> usize {
    match plan() {
        Some(plan) if length > 1 && one_of(plan, SHORT) => 1 + below(plan, length),
        _ => length,
    }
}

/// The part of its first slice that a gathered write is cut down to, if it is.
pub(super) fn piece<'a>(slices: &'a [IoSlice<'_>]) -> Option<&'a [u8]> {
    let first = slices.iter().find(|slice| !slice.is_empty())?;
    let length = part(first.len());
    (length < first.len()).then(|| &first[..length])
}

/// The outcome of a `connect`, perhaps interrupted. The attempt goes on all the same.
pub(crate) fn after_connect(outcome: io::Result<()>) -> io::Result<()> {
    let begun = match &outcome {
        Ok(()) => true,
        Err(error) => error.raw_os_error() == Some(libc::EINPROGRESS),
    };
    match plan() {
        Some(plan) if begun && one_of(plan, INTERRUPTS) => Err(ErrorKind::Interrupted.into()),
        _ => outcome,
    }
}

/// Whether this layer invented the refusal `error`. Those of the system have an error number.
pub(crate) fn is_made_up(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock && error.raw_os_error().is_none()
}

/// An error that the system may give for such a call, if there is one.
fn failure(plan: &Plan, call: Call) -> Option<i32> {
    let possible: &[i32] = match call {
        Call::Receive => &[libc::ECONNRESET],
        Call::Send => &[libc::ECONNRESET, libc::ENOBUFS],
        Call::ReceiveDatagram | Call::SendDatagram => &[libc::ENOBUFS],
        Call::Accept => &[libc::EMFILE, libc::ENFILE, libc::ENOBUFS],
        Call::Open => &[libc::EMFILE, libc::ENFILE],
        Call::File | Call::FileNow => &[libc::EIO],
        Call::Ask => &[],
    };
    possible.get(below(plan, possible.len().max(1))).copied()
}

fn plan() -> Option<&'static Plan> {
    PLAN.get_or_init(|| {
        Some(Plan {
            seed: number("STRUCTIO_SYSTEM_SEED")?,
            failures: number("STRUCTIO_SYSTEM_FAILURES").unwrap_or(0),
        })
    })
    .as_ref()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn one_of(plan: &Plan, count: u64) -> bool {
    draw(plan).is_multiple_of(count)
}

/// A number below `limit`, which is not 0.
fn below(plan: &Plan, limit: usize) -> usize {
    usize::try_from(draw(plan) % limit as u64).unwrap_or(0)
}

/// SplitMix64 of the seed and the number of draws so far.
fn draw(plan: &Plan) -> u64 {
    let step = DRAWN.fetch_add(1, Ordering::Relaxed);
    let mut mixed = plan
        .seed
        .wrapping_mul(0xd134_2543_de82_ef95)
        .wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
