//! The system calls that move data or open descriptors, in one place.
//!
//! Every other module of the crate makes such calls through [`call`], on whichever thread it runs. A build for tests
//! (the feature `misbehaving-system`) makes them misbehave by seed: `system/misbehaving.rs` has all of that. Every
//! other build has `system/faithful.rs`, whose functions compile to nothing.
//!
//! # Invariants
//!
//! 1. An interrupt (`EINTR`) is never an outcome: [`call`] repeats the call. `connect` is the exception, for it goes
//!    on by itself.
//! 2. A call may get less memory than its caller has ([`part`]). Code that draws a conclusion from a short read
//!    compares with the length that the call was given.
//! 3. The kernel announces no new readiness after a refusal that the test layer invented. Code that clears readiness
//!    checks [`is_made_up`] and provides the wake-up itself.

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

/// What a call does. It decides which failures the test layer may invent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Reads from a non-blocking stream.
    Receive,
    /// Writes to a non-blocking stream.
    Send,
    /// Reads from a non-blocking datagram socket.
    ReceiveDatagram,
    /// Writes to a non-blocking datagram socket.
    SendDatagram,
    /// Accepts a connection.
    Accept,
    /// Makes a descriptor.
    Open,
    /// Reads or writes a file and waits for it.
    File,
    /// Reads or writes a file without waiting.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "elsewhere every read of a file may wait")
    )]
    FileNow,
    /// Asks or waits and changes nothing.
    Ask,
}

/// Makes a system call, and repeats it after each interrupt (invariant 1).
///
/// # Errors
///
/// The system's, except `EINTR`.
#[inline]
pub(crate) fn call<R>(call: Call, mut make: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match layer::before(call).and_then(|()| make()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Writes `slices` in one system call. Returns the number of bytes that the kernel took.
///
/// # Errors
///
/// The system's, except `EINTR`.
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
