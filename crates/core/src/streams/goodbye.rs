//! The end of a connection that waits for the peer's own: closing a socket with data unread, or before data that still comes,
//! makes the kernel send `RST`, and that takes from the peer what it has not read yet.

use std::{io, task::Poll};

/// Reads of one look at a connection.
const READS: usize = 64;

/// How far a goodbye has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    Done,
    /// The waker says when to look again.
    Pending,
    /// Others want their turn, too: look again without being woken.
    More,
}

/// Reads what comes and drops it, `left` bytes at most. `shut`: whether the own half is closed.
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
