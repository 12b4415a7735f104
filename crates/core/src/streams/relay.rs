//! One direction of a relay: moves bytes from one connection to another. A relay has two.
//!
//! ```text
//!  source ─ poll_receive ─► block ─ send_direct ─► destination
//!                            │
//!                            └─ given back when empty: a direction on which nothing moves owns no memory
//! ```
//!
//! `rings/relaying.rs` of the addon polls it on the JavaScript thread when a waker of either connection has been
//! called. The bytes never enter JavaScript.
//!
//! # Invariants
//!
//! 1. Every byte is in the source, in the block, or taken by the destination. [`Way::take_rest`] hands out those in
//!    the block, so ending a relay loses none.
//! 2. Nothing is read while the block holds a byte or the destination has unsent bytes. However slow the destination
//!    is, at most one block waits here, and in a TLS session what one direct send may leave.
//! 3. The end of the source is passed on once, behind its last byte, as a shutdown of the destination's sending half.
//! 4. After a failure of either connection the direction is not polled again.
//! 5. `Pending` is returned only after the end that blocks has registered its waker.

use std::{
    io, mem,
    task::{Context, Poll},
};

use super::Connection;

/// Bytes of one read. With 256 KiB a gigabyte costs a sixth more CPU time, with 1 MiB little less
/// (docs/design/relay.md).
pub const BLOCK: usize = 524_288;

/// Empty blocks that are kept. One serves any number of directions while their destinations keep up.
const SPARE: usize = 2;

/// A pool of blocks, shared by all relays of a thread.
#[derive(Debug, Default)]
pub struct Blocks {
    spare: Vec<Box<[u8]>>,
}

/// How far a direction has come.
#[derive(Debug)]
pub enum Progress {
    /// A waker is registered (invariant 5).
    Pending,
    /// The budget is spent. Poll again in a later round, without waiting for a waker.
    More,
    /// The end of the source has been passed on (invariant 3).
    Ended,
    /// The source has failed.
    ReceiveFailed(io::Error),
    /// The destination has failed. Its [`Connection::take_write_error`] has the error.
    SendFailed,
}

/// One direction of a relay.
#[derive(Debug, Default)]
pub struct Way {
    /// `start..end` has been read and not been taken by the destination. Empty: no block is lent.
    block: Box<[u8]>,
    start: usize,
    end: usize,
    moved: u64,
    source_ended: bool,
    ended: bool,
}

/// A connection with the context that its polls register.
#[derive(Debug)]
pub struct End<'e, 'w> {
    /// The source or the destination.
    pub connection: &'e mut Connection,
    /// Whose waker its polls register.
    pub cx: Context<'w>,
}

impl Way {
    /// `ahead` holds bytes that were read from the source before. They go first.
    pub fn new(prefetched: &[u8]) -> Self {
        Self {
            block: prefetched.into(),
            end: prefetched.len(),
            ..Self::default()
        }
    }

    /// Moves bytes until one end would block, or until about `budget` bytes have been read. `budget` is counted down;
    /// the last read may exceed it by a block.
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
                // The kernel has refused the rest, so the waker is registered (invariant 5).
                return Progress::Pending;
            }
        }
        Progress::Ended
    }

    /// The number of bytes that the destination has taken.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Whether the source has reached its end.
    pub fn source_ended(&self) -> bool {
        self.source_ended
    }

    /// Whether the end has been passed on (invariant 3).
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Takes the bytes that were read and not sent (invariant 1).
    pub fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.block.get(self.start..self.end).unwrap_or_default().to_vec();
        self.block = Box::default();
        (self.start, self.end) = (0, 0);
        rest
    }

    /// Sends the block. False if the destination has failed: the bytes then stay in the block.
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

    /// Reads into a fresh block. The block goes back at once if nothing came.
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
