//! A TLS session on a socket: what [`crate::streams::Connection`] is without TLS, with the same methods.
//!
//! Invariants:
//! 1. Ciphertext is in the session until the kernel has it, and [`TlsStream::unsent`] is not 0 while there is any: whoever
//!    polls goes on until it is.
//! 2. Whatever reads also writes what reading made the session say: an alert, new keys.
//! 3. A receive is answered from what is here before the socket is asked: no new readiness comes for what has been read.
//! 4. One look reads a bounded number of times, whatever the peer sends; then the waker is called, and others have their turn.
//! 5. A failure of TLS ends both halves. A failed write ends the sending half only, as without TLS.

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

/// The most that is encrypted ahead of the kernel in a direct send: four full records.
const CHUNK: usize = 65_536;

/// Reads of one look at a connection whose records hold no data: session tickets, new keys, nothing at all. The peer decides how
/// many of them come.
const EMPTY_READS: usize = 4;

#[derive(Debug)]
pub struct TlsStream {
    wire: Wire,
    remote: Address,
    session: Session,
    /// Plaintext written since the session last had no ciphertext.
    written: usize,
    said_close: bool,
    /// The sending half is closed.
    shut: bool,
    /// The sending half has failed; the error itself is handed out once.
    failed: bool,
    write_error: Option<io::Error>,
}

impl TlsStream {
    pub(super) fn new(wire: Wire, remote: Address, session: Session) -> Self {
        Self {
            wire,
            remote,
            session,
            written: 0,
            said_close: false,
            shut: false,
            failed: false,
            write_error: None,
        }
    }

    /// Reads plaintext into `buffer`. `Ready(Ok(0))` is the end of the peer's data.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let outcome = self.read(cx, buffer);
        self.answer(cx);
        outcome
    }

    /// Waits until a receive may find something.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_something() {
            return Poll::Ready(Ok(()));
        }
        self.wire.socket.poll_read_ready(cx)
    }

    /// Whether there is something to receive that the socket does not have any more.
    pub fn has_something(&self) -> bool {
        self.session.has_plaintext()
            || self.session.has_ended()
            || self.session.has_failed()
            || self.wire.has_ahead()
    }

    /// Takes all of `segments`.
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
        // Pending: `unsent` says so.
        let _ = self.poll_flush(cx);
    }

    /// As [`TlsStream::send`], but takes of `data`, which follows `segments`, only pieces that the kernel takes now, and
    /// one more. Returns that length; it is all of `data` once the sending half has failed.
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

    /// An upper bound of the plaintext that the kernel does not have; not 0 while there is any ciphertext.
    pub fn unsent(&self) -> usize {
        if self.session.has_ciphertext() && !self.failed {
            self.written.max(1)
        } else {
            0
        }
    }

    /// Writes what is unsent. Ready when nothing is left, or when the sending half has failed.
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

    /// Waits until the kernel would take at least one byte.
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_flush(cx).is_pending() {
            return Poll::Pending;
        }
        if self.failed {
            return Poll::Ready(());
        }
        self.wire.socket.poll_write_ready(cx).map(drop)
    }

    /// Flushes, says `close_notify`, then closes the sending half.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.said_close && !self.failed {
            self.said_close = true;
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

    /// As [`crate::streams::Connection::poll_goodbye`]. Records without data count as a read, too: `read` calls the waker, and
    /// answers that there is nothing.
    pub fn poll_goodbye(&mut self, cx: &mut Context<'_>, left: &mut usize) -> Goodbye {
        let shut = self.poll_shutdown(cx);
        drop_input(shut, left, |dropped| self.read(cx, dropped))
    }

    /// Takes the error of the sending half, if it has failed since the last call.
    pub fn take_write_error(&mut self) -> Option<io::Error> {
        self.write_error.take()
    }

    pub fn has_failed_sending(&self) -> bool {
        self.failed
    }

    /// Before the socket is closed: what is unsent is tried once more, and for the rest see [`Wire::drain`].
    pub fn before_close(&mut self, cx: &mut Context<'_>) {
        let _ = self.poll_flush(cx);
        if !self.session.has_ended() {
            self.wire.drain();
        }
    }

    pub fn remote_address(&self) -> &Address {
        &self.remote
    }

    pub fn socket(&self) -> &StreamSocket {
        &self.wire.socket
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    fn read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut filled = self.session.read(buffer);
        let mut reads = 0;
        loop {
            let enough = filled == buffer.len() || filled > 0 && !self.wire.has_ahead();
            if enough || self.session.has_ended() {
                return Poll::Ready(Ok(filled));
            }
            if let Some(failure) = self.session.failure() {
                // What was decrypted before it comes first.
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
                    // Its failure is kept, and found above.
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

    /// What reading made the session say, and what a failure means for the sending half (invariants 2 and 5).
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

    fn encrypt(&mut self, slices: &[IoSlice<'_>]) {
        match self.session.write(slices) {
            Ok(()) => self.written += slices.iter().map(|slice| slice.len()).sum::<usize>(),
            Err(failure) => self.fail_writing(failure.into()),
        }
    }

    fn fail_writing(&mut self, error: io::Error) {
        self.written = 0;
        self.failed = true;
        self.write_error = Some(error);
    }
}

/// Decrypts `bytes` record by record into `buffer` until one of them is used up.
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
