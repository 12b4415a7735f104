//! Bidirectional shutdown: closes the sending half, then discards input until the peer's end.
//!
//! Why: a socket that is closed with unread data, or before data that is still on its way, makes the kernel send
//! `RST`. The peer then loses what it has not read yet, such as the last answer.
//!
//! Called by `Plain::poll_goodbye` and `TlsStream::poll_goodbye` on the JavaScript thread.
//!
//! # Invariants
//!
//! 1. Input is read also while the own shutdown waits. A peer that does the same would otherwise wait for ever.
//! 2. One call makes at most [`READS`] reads. A peer that keeps sending cannot hold up other connections.
//! 3. At most `left` bytes are discarded in all. Then the shutdown counts as done, whatever the peer still sends.

use std::{io, task::Poll};

/// The most reads of one call.
const READS: usize = 64;

/// How far a bidirectional shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// Both halves have ended, or the bound on discarded bytes is reached.
    Done,
    /// The waker is registered.
    Pending,
    /// Invariant 2: poll again in a later round, without waiting for the waker.
    More,
}

/// Reads by `read` and discards, at most `left` bytes, which it counts down. `shut` is the state of the own half; a
/// read error counts as the peer's end.
pub fn drop_input(
    shut: Poll<()>,
    left: &mut usize,
    mut read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
) -> Goodbye {
    let mut dropped = [0; 4096];
    for _ in 0..READS {
        match read(&mut dropped) {
            Poll::Ready(Ok(count @ 1..)) => *left = left.saturating_sub(count),
            Poll::Ready(_) if shut.is_ready() => return Goodbye::Done,
            _ => return Goodbye::Pending,
        }
        if *left == 0 {
            return Goodbye::Done;
        }
    }
    Goodbye::More
}
