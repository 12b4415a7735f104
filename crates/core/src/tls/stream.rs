//! A TLS session on a socket, with the methods of a connection without TLS.
//!
//! `streams::Connection` forwards to it on the JavaScript thread, and documents what the methods do.
//!
//! ```text
//!  receive:  session's plaintext ─► prefetched ciphertext ─► one read of the socket, at most 64 KiB
//!  send:     encrypt into the session ─► write ciphertext until the kernel refuses ─► the rest stays in the session
//! ```
//!
//! # Invariants
//!
//! 1. Ciphertext stays in the session until the kernel has it. [`TlsStream::unsent`] is not 0 while there is any, so
//!    the owner keeps flushing.
//! 2. Every receive also writes what reading makes the session say: alerts, key updates.
//! 3. A receive is answered from plaintext and prefetched ciphertext before the socket is read. The reactor announces
//!    nothing for bytes that were read already.
//! 4. One call reads a bounded number of times, whatever the peer sends. Then it calls its own waker, so that other
//!    connections have their turn.
//! 5. A TLS failure ends both halves, except a truncated end, which ends the receiving half. A failed write ends the
//!    sending half only, as without TLS.
//! 6. `close_notify` is queued once, and leaves before the socket's sending half is closed.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;

use super::{
    Reason, Session,
    wire::{Wire, Writer},
};
use crate::{
    address::Address,
    sockets::{Goodbye, StreamSocket, drop_input},
};

/// The most plaintext that a direct send encrypts before the kernel takes it, in bytes: four full records.
const CHUNK: usize = 65_536;

/// The most reads of one receive. Records without data (session tickets, key updates, empty ones) need another read,
/// and the peer decides how many of them come (invariant 4).
const EMPTY_READS: usize = 4;

/// A connection with TLS. Dropping it closes the socket and discards unsent bytes.
#[derive(Debug)]
pub struct TlsStream {
    wire: Wire,
    remote: Address,
    session: Session,
    /// Plaintext written since the session last had no ciphertext.
    written: usize,
    /// Invariant 6.
    close_notify_sent: bool,
    /// The sending half is closed.
    shut: bool,
    /// The sending half has failed. Never reset; the error itself is handed out once.
    failed: bool,
    write_error: Option<io::Error>,
}

impl TlsStream {
    /// A connection over `wire`, after a handshake. `remote` is the address of the peer.
    pub(super) fn new(wire: Wire, remote: Address, session: Session) -> Self {
        Self {
            wire,
            remote,
            session,
            written: 0,
            close_notify_sent: false,
            shut: false,
            failed: false,
            write_error: None,
        }
    }

    /// As [`crate::streams::Connection::poll_receive`].
    pub fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let outcome = self.read(cx, buffer);
        self.answer(cx);
        outcome
    }

    /// As [`crate::streams::Connection::poll_readable`].
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_something() {
            return Poll::Ready(Ok(()));
        }
        self.wire.socket.poll_read_ready(cx)
    }

    /// Whether a receive can be answered without reading the socket (invariant 3).
    pub fn has_something(&self) -> bool {
        self.session.has_plaintext()
            || self.session.has_ended()
            || self.session.has_failed()
            || self.wire.has_prefetched()
    }

    /// As [`crate::streams::Connection::send`].
    pub fn send(&mut self, cx: &mut Context<'_>, segments: &[&[u8]]) {
        if self.failed {
            return;
        }
        match segments {
            [single] => self.encrypt(&[IoSlice::new(single)]),
            _ => {
                let slices: Vec<_> = segments.iter().map(|segment| IoSlice::new(segment)).collect();
                self.encrypt(&slices);
            }
        }
        // What stays is counted by `unsent`.
        let _ = self.poll_flush(cx);
    }

    /// As [`crate::streams::Connection::send_direct`]: takes `data` in pieces of at most 64 KiB, until the kernel
    /// refuses one.
    pub fn send_direct(&mut self, cx: &mut Context<'_>, segments: &[&[u8]], data: &[u8]) -> usize {
        if !segments.is_empty() {
            self.send(cx, segments);
        }
        let mut taken = 0;
        while taken < data.len() {
            if self.poll_flush(cx).is_pending() {
                break;
            }
            if self.failed {
                return data.len();
            }
            let piece = &data[taken..data.len().min(taken + CHUNK)];
            self.encrypt(&[IoSlice::new(piece)]);
            taken += piece.len();
        }
        let _ = self.poll_flush(cx);
        if self.failed { data.len() } else { taken }
    }

    /// An upper bound, in bytes of plaintext, of what the kernel does not have (invariant 1).
    pub fn unsent(&self) -> usize {
        if self.session.has_ciphertext() && !self.failed {
            self.written.max(1)
        } else {
            0
        }
    }

    /// As [`crate::streams::Connection::poll_flush`].
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.session.has_ciphertext() && !self.failed {
            let socket = &mut self.wire.socket;
            match self.session.write_ciphertext(&mut Writer { socket, cx }) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => self.fail_writing(error),
            }
        }
        self.written = 0;
        Poll::Ready(())
    }

    /// As [`crate::streams::Connection::poll_writable`].
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_flush(cx).is_pending() {
            return Poll::Pending;
        }
        if self.failed {
            return Poll::Ready(());
        }
        self.wire.socket.poll_write_ready(cx).map(drop)
    }

    /// As [`crate::streams::Connection::poll_shutdown`] (invariant 6).
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.close_notify_sent && !self.failed {
            self.close_notify_sent = true;
            self.session.write_close_notify();
        }
        if self.poll_flush(cx).is_pending() {
            return Poll::Pending;
        }
        if self.failed || self.shut {
            return Poll::Ready(());
        }
        match Pin::new(&mut self.wire.socket).poll_shutdown(cx) {
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => {
                self.fail_writing(error);
            }
            Poll::Ready(_) => self.shut = true,
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(())
    }

    /// As [`crate::streams::Connection::poll_goodbye`].
    pub fn poll_goodbye(&mut self, cx: &mut Context<'_>, left: &mut usize) -> Goodbye {
        let shut = self.poll_shutdown(cx);
        drop_input(shut, left, |dropped| self.read(cx, dropped))
    }

    /// As [`crate::streams::Connection::take_write_error`].
    pub fn take_write_error(&mut self) -> Option<io::Error> {
        self.write_error.take()
    }

    /// As [`crate::streams::Connection::has_failed_sending`].
    pub fn has_failed_sending(&self) -> bool {
        self.failed
    }

    /// As [`crate::streams::Connection::before_close`]: flushes once more, and drains the socket so that closing it
    /// does not reset the connection.
    pub fn before_close(&mut self, cx: &mut Context<'_>) {
        let _ = self.poll_flush(cx);
        if !self.session.has_ended() {
            self.wire.drain();
        }
    }

    /// The address of the peer.
    pub fn remote_address(&self) -> &Address {
        &self.remote
    }

    /// The socket below.
    pub fn socket(&self) -> &StreamSocket {
        &self.wire.socket
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Reads plaintext without answering (invariant 3, then 4).
    fn read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut filled = self.session.read(buffer);
        let mut reads = 0;
        loop {
            let enough = filled == buffer.len() || filled > 0 && !self.wire.has_prefetched();
            if enough || self.session.has_ended() {
                return Poll::Ready(Ok(filled));
            }
            if let Some(failure) = self.session.failure() {
                // Plaintext from before the failure comes first.
                let outcome = if filled > 0 {
                    Ok(filled)
                } else {
                    Err(failure.into())
                };
                return Poll::Ready(outcome);
            }
            if reads == EMPTY_READS {
                // Invariant 4.
                cx.waker().wake_by_ref();
                return if filled > 0 {
                    Poll::Ready(Ok(filled))
                } else {
                    Poll::Pending
                };
            }
            reads += 1;
            let Self { session, wire, .. } = self;
            let rest = &mut buffer[filled..];
            let input = wire.poll_input(cx, |bytes| {
                if bytes.is_empty() {
                    // The session keeps the failure, and the next round finds it.
                    let _ = session.feed_end();
                    return (0, 0);
                }
                take(session, bytes, rest)
            });
            match input {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) => filled += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes what reading made the session say, and fails the sending half after a failure (invariants 2 and 5).
    fn answer(&mut self, cx: &mut Context<'_>) {
        if self.session.has_ciphertext() {
            let _ = self.poll_flush(cx);
        }
        if !self.failed
            && self.session.has_failed()
            && let Some(failure) = self.session.failure()
            && failure.reason != Reason::Truncated
        {
            self.fail_writing(failure.into());
        }
    }

    /// Encrypts into the session.
    fn encrypt(&mut self, slices: &[IoSlice<'_>]) {
        match self.session.write(slices) {
            Ok(()) => self.written += slices.iter().map(|slice| slice.len()).sum::<usize>(),
            Err(failure) => self.fail_writing(failure.into()),
        }
    }

    /// Invariant 5.
    fn fail_writing(&mut self, error: io::Error) {
        self.written = 0;
        self.failed = true;
        self.write_error = Some(error);
    }
}

/// Decrypts `bytes` record by record into `buffer`, until one of them is used up. Returns the number of bytes taken
/// and of plaintext.
fn take(session: &mut Session, bytes: &[u8], buffer: &mut [u8]) -> (usize, usize) {
    let mut taken = 0;
    let mut filled = 0;
    while taken < bytes.len() && filled < buffer.len() {
        let fed = session.feed(&bytes[taken..]);
        filled += session.read(&mut buffer[filled..]);
        match fed {
            Ok(0) | Err(_) => break,
            Ok(count) => taken += count,
        }
    }
    (taken, filled)
}
