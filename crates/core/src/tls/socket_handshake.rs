//! A handshake on a socket.
//!
//! Everything that computes is done in [`SocketHandshake::poll`], on whichever thread that is called.

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

/// Reads of one look: a handshake that goes as it should takes two or three, in all.
const READS: usize = 8;

/// Dropping it closes the socket.
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
    /// `ahead` has been read already.
    pub fn new(
        start: Start,
        context: Arc<Context>,
        socket: StreamSocket,
        remote: Address,
        ahead: Vec<u8>,
    ) -> Self {
        Self {
            next: Next::Start(start, context),
            handshake: None,
            wire: Wire::new(socket, ahead),
            remote,
        }
    }

    /// Goes on as far as the socket lets it. A failure's alert has had its chance to leave when it returns; the handshake is
    /// of no more use then. After [`Step::Named`] comes [`SocketHandshake::choose`] or [`SocketHandshake::refuse`], after
    /// [`Step::Done`] comes [`SocketHandshake::finish`].
    pub fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<Step, Failure>> {
        if let Err(failure) = self.take_next_step() {
            self.part(cx);
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
                    self.part(cx);
                    return Poll::Ready(Err(failure));
                }
                // What it wants to say has to leave before it takes more.
                Poll::Ready(Ok(Ok(Step::More))) if blocked && self.wire.has_ahead() => return Poll::Pending,
                Poll::Ready(Ok(Ok(Step::More))) => {}
                Poll::Ready(Ok(Ok(step))) => return Poll::Ready(Ok(step)),
            }
        }
        // The peer sends more than a handshake has: others have their turn first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Goes on with another context, when it is polled.
    pub fn choose(&mut self, context: Arc<Context>) {
        self.next = Next::Choose(context);
    }

    /// Tells the client that it cannot be served.
    pub fn refuse(&mut self, cx: &mut task::Context<'_>) {
        if let Some(handshake) = &mut self.handshake {
            handshake.refuse();
        }
        self.part(cx);
    }

    /// The connection. The last words of the handshake are unsent: whoever gets it flushes, or sends more with them.
    pub fn finish(self, session: Session) -> TlsStream {
        TlsStream::new(self.wire, self.remote, session)
    }

    fn take_next_step(&mut self) -> Result<(), Failure> {
        match (mem::replace(&mut self.next, Next::GoOn), &mut self.handshake) {
            (Next::Start(start, context), none) => *none = Some(Handshake::new(&start, context)?),
            (Next::Choose(context), Some(handshake)) => drop(handshake.choose(Some(context))?),
            _ => {}
        }
        Ok(())
    }

    fn feed(&mut self, cx: &mut task::Context<'_>) -> Poll<io::Result<Result<Step, Failure>>> {
        let Self { handshake, wire, .. } = self;
        wire.poll_input(cx, |bytes| match handshake {
            Some(handshake) if !bytes.is_empty() => handshake.feed(bytes),
            _ => (0, Err(Failure::of_end())),
        })
    }

    /// True: the socket does not take more now.
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

    /// The peer is gone. It may have said why: an alert that has arrived says more than the failed write.
    fn broken(&mut self, cx: &mut task::Context<'_>, error: &io::Error) -> Failure {
        if let Some(handshake) = &mut self.handshake {
            while handshake.has_ciphertext() {
                // A handshake with something to say does not listen. A sink takes everything.
                let _ = handshake.write_ciphertext(&mut io::sink());
            }
        }
        match self.feed(cx) {
            Poll::Ready(Ok(Err(failure))) if failure.reason == Reason::Alert => failure,
            _ => Failure::of_socket(error),
        }
    }

    /// Gives the alert its chance to leave, and to be read.
    fn part(&mut self, cx: &mut task::Context<'_>) {
        // What fails here changes nothing about the failure that there is.
        let _ = self.write(cx);
        let _ = Pin::new(&mut self.wire.socket).poll_shutdown(cx);
        self.wire.drain();
    }
}
