//! The system calls that move data or open descriptors, in one place.
//!
//! A build for tests (the feature `misbehaving-system`) makes them misbehave by seed: `system/misbehaving.rs` is all of that
//! layer. Every other build has `system/faithful.rs`, whose functions are empty.
//!
//! Invariants:
//! 1. An interrupt is no outcome: [`call`] makes the call again. `connect` is the exception, which goes on by itself.
//! 2. A call may be given less memory than its caller has ([`part`]). Whoever concludes something from a short read compares
//!    with what the call was given.
//! 3. The kernel announces no new readiness after a refusal that it did not make. Whoever clears readiness asks
//!    [`is_made_up`], and provides the wake-up itself.

#[cfg(not(feature = "misbehaving-system"))]
mod faithful;
#[cfg(feature = "misbehaving-system")]
mod misbehaving;

use std::io::{self, IoSlice, Write};

#[cfg(not(feature = "misbehaving-system"))]
use faithful as layer;
#[cfg(feature = "misbehaving-system")]
use misbehaving as layer;

pub(crate) use layer::{after_connect, is_made_up, part};

/// What a call does, and so how it can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// From a stream that does not block.
    Receive,
    /// To a stream that does not block.
    Send,
    ReceiveDatagram,
    SendDatagram,
    Accept,
    /// Makes a descriptor.
    Open,
    /// A file, and the caller waits.
    File,
    /// A file, without waiting.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "elsewhere every read of a file may wait")
    )]
    FileNow,
    /// Asks or waits, and changes nothing.
    Ask,
}

/// Makes a system call, again after each interrupt.
#[inline]
pub(crate) fn call<R>(call: Call, mut make: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match layer::before(call).and_then(|()| make()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// A gathered write.
#[inline]
pub(crate) fn write_vectored<T>(sink: &T, slices: &[IoSlice<'_>]) -> io::Result<usize>
where
    for<'a> &'a T: Write,
{
    let mut sink = sink;
    call(Call::Send, || match layer::piece(slices) {
        Some(piece) => sink.write(piece),
        None => sink.write_vectored(slices),
    })
}
