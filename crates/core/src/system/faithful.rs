//! Every call as the system makes it: these functions leave no code behind.

use std::io::{self, IoSlice};

use super::Call;

#[inline(always)]
#[expect(clippy::unnecessary_wraps, reason = "the other layer fails")]
pub(super) const fn before(_: Call) -> io::Result<()> {
    Ok(())
}

/// How much of `length` bytes of memory a call is given.
#[inline(always)]
pub(crate) const fn part(length: usize) -> usize {
    length
}

/// What a gathered write is cut down to.
#[inline(always)]
pub(super) const fn piece<'a>(_: &'a [IoSlice<'_>]) -> Option<&'a [u8]> {
    None
}

#[inline(always)]
pub(crate) fn after_connect(outcome: io::Result<()>) -> io::Result<()> {
    outcome
}

/// Whether `error` is a refusal that the system has not made.
#[inline(always)]
pub(crate) const fn is_made_up(_: &io::Error) -> bool {
    false
}
