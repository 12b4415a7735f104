//! A handshake on a socket.
//!
//! The addon starts it on the JavaScript thread, lends it to the pool for its polls, and gets it back. The reactor of
//! the socket stays that of the JavaScript thread: only the waker crosses.
//!
//! # Invariants
//!
//! 1. All cryptography is done in [`SocketHandshake::poll`], on the thread that calls it. `new`, `choose` and
//!    `finish` only store.
//! 2. When a handshake fails, its alert has had a chance to leave: it is written once, the sending half is closed,
//!    and input is drained, so that closing the socket does not reset the connection before the peer has read the
//!    alert.
//! 3. One poll reads at most [`READS`] times, whatever the peer sends.
//! 4. Ciphertext leaves before more is taken: a handshake with something to say takes no input.
//! 5. An alert from the peer says more than the write error that follows it, so the alert is looked for first.

use std::{
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
};

use tokio::io::AsyncWrite;

use super::{
    Context, Failure, Reason, Session, Start, TlsStream,
    handshake::{Handshake, Step},
    wire::{Wire, Writer},
};
use crate::{address::Address, sockets::StreamSocket};

/// The most reads of one poll. A whole handshake normally takes two or three.
const READS: usize = 8;

/// A handshake under way on a socket. Dropping it closes the socket.
#[derive(Debug)]
pub struct SocketHandshake {
    next: Next,
    handshake: Option<Handshake>,
    wire: Wire,
    remote: Address,
}

/// What the next poll does first.
#[derive(Debug)]
enum Next {
    Start(Start, Arc<Context>),
    Choose(Arc<Context>),
    GoOn,
}

impl SocketHandshake {
    /// A handshake that begins with the first poll. `prefetched` was read from the socket before.
    pub fn new(
        start: Start,
        context: Arc<Context>,
        socket: StreamSocket,
        remote: Address,
        prefetched: Vec<u8>,
    ) -> Self {
        Self {
            next: Next::Start(start, context),
            handshake: None,
            wire: Wire::new(socket, prefetched),
            remote,
        }
    }

    /// Goes on as far as the socket allows. After [`Step::Named`] call [`SocketHandshake::choose`] or
    /// [`SocketHandshake::refuse`], after [`Step::Done`] call [`SocketHandshake::finish`]. It never returns
    /// [`Step::More`].
    ///
    /// # Errors
    ///
    /// The failure of the handshake (invariant 2). Drop it then.
    pub fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<Step, Failure>> {
        if let Err(failure) = self.take_next_step() {
            self.send_alert(cx);
            return Poll::Ready(Err(failure));
        }
        for _ in 0..READS {
            let blocked = match self.write(cx) {
                Ok(blocked) => blocked,
                Err(error) => return Poll::Ready(Err(self.broken(cx, &error))),
            };
            match self.feed(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Failure::of_socket(&error))),
                Poll::Ready(Ok(Err(failure))) => {
                    self.send_alert(cx);
                    return Poll::Ready(Err(failure));
                }
                // Invariant 4.
                Poll::Ready(Ok(Ok(Step::More))) if blocked && self.wire.has_prefetched() => {
                    return Poll::Pending;
                }
                Poll::Ready(Ok(Ok(Step::More))) => {}
                Poll::Ready(Ok(Ok(step))) => return Poll::Ready(Ok(step)),
            }
        }
        // Invariant 3.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Goes on with another context at the next poll.
    pub fn choose(&mut self, context: Arc<Context>) {
        self.next = Next::Choose(context);
    }

    /// Ends the handshake with an `internal_error` alert: there is no context for this client.
    pub fn refuse(&mut self, cx: &mut task::Context<'_>) {
        if let Some(handshake) = &mut self.handshake {
            handshake.refuse();
        }
        self.send_alert(cx);
    }

    /// The connection. The last messages of the handshake are still unsent; a flush or the next send writes them.
    pub fn finish(self, session: Session) -> TlsStream {
        TlsStream::new(self.wire, self.remote, session)
    }

    /// What the caller asked for between two polls.
    fn take_next_step(&mut self) -> Result<(), Failure> {
        match (mem::replace(&mut self.next, Next::GoOn), &mut self.handshake) {
            (Next::Start(start, context), none) => *none = Some(Handshake::new(&start, context)?),
            (Next::Choose(context), Some(handshake)) => drop(handshake.choose(Some(context))?),
            _ => {}
        }
        Ok(())
    }

    /// Feeds the handshake from the wire.
    fn feed(&mut self, cx: &mut task::Context<'_>) -> Poll<io::Result<Result<Step, Failure>>> {
        let Self { handshake, wire, .. } = self;
        wire.poll_input(cx, |bytes| match handshake {
            Some(handshake) if !bytes.is_empty() => handshake.feed(bytes),
            _ => (0, Err(Failure::of_end())),
        })
    }

    /// Writes waiting ciphertext. True: the socket takes no more now.
    fn write(&mut self, cx: &mut task::Context<'_>) -> io::Result<bool> {
        let Self { handshake, wire, .. } = self;
        let Some(handshake) = handshake else {
            return Ok(false);
        };
        while handshake.has_ciphertext() {
            let socket = &mut wire.socket;
            match handshake.write_ciphertext(&mut Writer { socket, cx }) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// The failure after a failed write (invariant 5).
    fn broken(&mut self, cx: &mut task::Context<'_>, error: &io::Error) -> Failure {
        if let Some(handshake) = &mut self.handshake {
            while handshake.has_ciphertext() {
                // Invariant 4: discard it to read on. A sink takes everything.
                let _ = handshake.write_ciphertext(&mut io::sink());
            }
        }
        match self.feed(cx) {
            Poll::Ready(Ok(Err(failure))) if failure.reason == Reason::Alert => failure,
            _ => Failure::of_socket(error),
        }
    }

    /// Invariant 2.
    fn send_alert(&mut self, cx: &mut task::Context<'_>) {
        // Errors here change nothing: the handshake has failed already.
        let _ = self.write(cx);
        let _ = Pin::new(&mut self.wire.socket).poll_shutdown(cx);
        self.wire.drain();
    }
}
