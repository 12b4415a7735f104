//! One way of a relay: bytes from one connection to another, polled by hand. A relay has two.
//!
//! ```text
//!  source ─ poll_receive ─► block ─ send_direct ─► destination
//!                            │
//!                            └─ given back when empty: a way on which nothing moves owns no memory
//! ```
//!
//! Invariants:
//! 1. A byte is still in the source, in the block, or taken by the destination. [`Way::take_rest`] hands out those in the
//!    block: whoever ends a relay loses none.
//! 2. Nothing is read while the block holds a byte or the destination has bytes unsent. However slow the destination,
//!    what waits here is one block, and what one direct send may leave in a TLS session.
//! 3. The end of the source goes on behind its last byte, once, as a shutdown of the destination's sending half.
//! 4. After a failure of either connection the way is not polled again.

use std::{
    io, mem,
    task::{Context, Poll},
};

use super::Connection;

/// What is read at once: with 256 KiB a gigabyte costs a sixth more, with 1 MiB little less (docs/design/relay.md).
pub const BLOCK: usize = 524_288;

/// Blocks kept for the next bytes that come. One serves as many ways as there are, as long as their destinations keep up.
const SPARE: usize = 2;

/// Memory for bytes on their way, lent to whichever way has some.
#[derive(Debug, Default)]
pub struct Blocks {
    spare: Vec<Box<[u8]>>,
}

/// How far a way has come.
#[derive(Debug)]
pub enum Progress {
    /// A waker says when to look again.
    Pending,
    /// Others want their turn, too: look again without being woken.
    More,
    /// The source's end has been passed on.
    Ended,
    /// The source has failed.
    ReceiveFailed(io::Error),
    /// The destination has failed; its [`Connection::take_write_error`] says why.
    SendFailed,
}

#[derive(Debug, Default)]
pub struct Way {
    /// `start..end` of it has been read and not taken. Empty: no block.
    block: Box<[u8]>,
    start: usize,
    end: usize,
    moved: u64,
    source_ended: bool,
    ended: bool,
}

/// A connection, and whom to wake for it.
#[derive(Debug)]
pub struct End<'e, 'w> {
    pub connection: &'e mut Connection,
    pub cx: Context<'w>,
}

impl Way {
    /// `ahead` has been read from the source already, and goes first.
    pub fn new(ahead: &[u8]) -> Self {
        Self {
            block: ahead.into(),
            end: ahead.len(),
            ..Self::default()
        }
    }

    /// Moves bytes until either end has to be waited for, or about `budget` of them have been read.
    pub fn poll(
        &mut self,
        source: &mut End<'_, '_>,
        destination: &mut End<'_, '_>,
        blocks: &mut Blocks,
        budget: &mut usize,
    ) -> Progress {
        while !self.ended {
            let flushed = destination.connection.poll_flush(&mut destination.cx);
            if destination.connection.has_failed_sending() {
                return Progress::SendFailed;
            }
            if flushed.is_pending() {
                return Progress::Pending;
            }
            if self.start < self.end {
                if !self.send(destination, blocks) {
                    return Progress::SendFailed;
                }
            } else if self.source_ended {
                match destination.connection.poll_shutdown(&mut destination.cx) {
                    Poll::Pending => return Progress::Pending,
                    Poll::Ready(()) if destination.connection.has_failed_sending() => {
                        return Progress::SendFailed;
                    }
                    Poll::Ready(()) => self.ended = true,
                }
                continue;
            } else if *budget == 0 {
                return Progress::More;
            } else {
                match self.receive(source, blocks) {
                    Poll::Pending => return Progress::Pending,
                    Poll::Ready(Ok(count)) => *budget = budget.saturating_sub(count),
                    Poll::Ready(Err(error)) => return Progress::ReceiveFailed(error),
                }
                continue;
            }
            if self.start < self.end {
                // The kernel takes no more, and has been asked: the waker is registered.
                return Progress::Pending;
            }
        }
        Progress::Ended
    }

    /// Bytes that the destination has taken.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Whether the source's data has ended.
    pub fn source_ended(&self) -> bool {
        self.source_ended
    }

    /// Whether the end has been passed on, too.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// What was read and not taken (invariant 1).
    pub fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.block.get(self.start..self.end).unwrap_or_default().to_vec();
        self.block = Box::default();
        (self.start, self.end) = (0, 0);
        rest
    }

    /// False where the destination has failed: what it did not take stays in the block.
    fn send(&mut self, destination: &mut End<'_, '_>, blocks: &mut Blocks) -> bool {
        let bytes = self.block.get(self.start..self.end).unwrap_or_default();
        let taken = destination
            .connection
            .send_direct(&mut destination.cx, &[], bytes);
        if destination.connection.has_failed_sending() {
            return false;
        }
        self.start += taken;
        self.moved += taken as u64;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            blocks.give_back(mem::take(&mut self.block));
        }
        true
    }

    fn receive(&mut self, source: &mut End<'_, '_>, blocks: &mut Blocks) -> Poll<io::Result<usize>> {
        let mut block = blocks.lend();
        let outcome = source.connection.poll_receive(&mut source.cx, &mut block);
        match outcome {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.block = block;
                self.end = count;
            }
            _ => {
                blocks.give_back(block);
                self.source_ended |= matches!(outcome, Poll::Ready(Ok(0)));
            }
        }
        outcome
    }
}

impl Blocks {
    fn lend(&mut self) -> Box<[u8]> {
        self.spare
            .pop()
            .unwrap_or_else(|| vec![0; BLOCK].into_boxed_slice())
    }

    fn give_back(&mut self, block: Box<[u8]>) {
        if block.len() == BLOCK && self.spare.len() < SPARE {
            self.spare.push(block);
        }
    }
}
