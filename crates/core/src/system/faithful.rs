//! The layer of every published build: each call as the system makes it. These functions compile to nothing.

use std::io::{self, IoSlice};

use super::Call;

/// Before a call: nothing.
#[inline(always)]
#[expect(clippy::unnecessary_wraps, reason = "the other layer invents failures here")]
pub(super) const fn before(_: Call) -> io::Result<()> {
    Ok(())
}

/// How many of `length` bytes a call gets: all.
#[inline(always)]
pub(crate) const fn part(length: usize) -> usize {
    length
}

/// The part that a gathered write is cut down to: it is not cut.
#[inline(always)]
pub(super) const fn piece<'a>(_: &'a [IoSlice<'_>]) -> Option<&'a [u8]> {
    None
}

/// The outcome of a `connect`, unchanged.
#[inline(always)]
pub(crate) fn after_connect(outcome: io::Result<()>) -> io::Result<()> {
    outcome
}

/// Whether this layer invented `error`: never.
#[inline(always)]
pub(crate) const fn is_made_up(_: &io::Error) -> bool {
    false
}
