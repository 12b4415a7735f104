//! Handshakes. The handle of a connection becomes a handshake, and a connection again, under the same id.
//!
//! ```text
//!  Stream ─ start_tls ─► Handshaking ──────────► Stream (TLS)    Handshaken
//!                        Here │ ▲ │
//!                             │ │ └────────────► Failed          HandshakeFailed
//!              a name is sent ▼ │ continue_tls
//!                           Named                                ClientHello
//! ```
//!
//! The pool polls the same handshake on its own threads; its outcome returns as a remote completion.
//!
//! Invariants:
//! 1. A handshake is in one place: `Here`, `Named`, or on the pool. Closing the handle drops it there, and its socket
//!    with it.
//! 2. The connection's unsent bytes are its own: a handshake starts only where there are none.
//! 3. Bytes read before the handshake go to it first, in order: those that JavaScript gives, then undelivered ones.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use structio_core::{
    streams::Connection,
    tls::{self, Failure, SocketHandshake, Start, Step},
};

use super::{
    handle_id::HandleId,
    handles::{Entry, HandshakeAt, Lent, Stream},
    records::CompletionKind,
    turn::Turn,
};

impl Turn {
    /// Makes a handshake of a connection. A completion reports its outcome. Call [`Turn::lend_handshake`],
    /// [`Turn::queue_handshake`] or [`Turn::poll_handshake`] next.
    pub fn start_tls(
        &mut self,
        id: HandleId,
        context: Arc<tls::Context>,
        start: Start,
        mut prefetched: Vec<u8>,
    ) {
        self.ingest();
        self.delivery.take_undelivered(id, &mut prefetched);
        let Some(stream) = self.handles.stream(id) else {
            return;
        };
        if !stream.chain.is_empty() {
            self.write_chain(id.index);
        }
        let Some(Entry::Stream(mut stream)) = self.handles.take(id.index) else {
            return;
        };
        self.delivery.forget_unsent(&mut stream);
        let Stream {
            connection, waker, ..
        } = stream;
        match connection.into_socket() {
            Some((socket, remote)) => {
                let handshake = SocketHandshake::new(start, context, socket, remote, prefetched);
                let at = HandshakeAt::Here(Box::new(handshake));
                self.handles.replace(id.index, Entry::Handshaking { at, waker });
            }
            None => self.fail_handshake(id, Failure::of_settings("bytes are unsent")),
        }
    }

    /// Goes on with the context that JavaScript has chosen. Poll it next, as after [`Turn::start_tls`].
    pub fn continue_tls(&mut self, id: HandleId, context: Arc<tls::Context>) {
        if !matches!(
            self.handles.get(id),
            Some(Entry::Handshaking {
                at: HandshakeAt::Named(..),
                ..
            })
        ) {
            return;
        }
        if let Some(Entry::Handshaking {
            at: HandshakeAt::Named(mut handshake, _),
            waker,
        }) = self.handles.take(id.index)
        {
            handshake.choose(context);
            let at = HandshakeAt::Here(handshake);
            self.handles.replace(id.index, Entry::Handshaking { at, waker });
        }
    }

    /// Sends an alert to the client, and ends the handle.
    pub fn refuse_tls(&mut self, id: HandleId) {
        if let Some(Entry::Handshaking {
            at: HandshakeAt::Named(handshake, _),
            waker,
        }) = self.handles.get(id)
        {
            handshake.refuse(&mut Context::from_waker(waker));
        }
        if self.handles.get(id).is_some() {
            self.handles.remove(id.index);
        }
    }

    /// The name that [`CompletionKind::ClientHello`] has announced.
    pub fn client_name(&mut self, id: HandleId) -> Option<String> {
        match self.handles.get(id)? {
            Entry::Handshaking {
                at: HandshakeAt::Named(_, name),
                ..
            } => Some(name.clone()),
            _ => None,
        }
    }

    /// The failure of a handshake, or of a connection's TLS.
    pub fn tls_failure(&mut self, id: HandleId) -> Option<Failure> {
        match self.handles.get(id)? {
            Entry::Failed(failure) => Some(failure.clone()),
            Entry::Stream(stream) => stream.connection.session()?.failure(),
            _ => None,
        }
    }

    pub fn poll_handshake(&mut self, index: u32) {
        let Some((
            Entry::Handshaking {
                at: HandshakeAt::Here(handshake),
                waker,
            },
            generation,
        )) = self.handles.at(index)
        else {
            return;
        };
        if let Poll::Ready(outcome) = handshake.poll(&mut Context::from_waker(waker))
            && let Some(Entry::Handshaking {
                at: HandshakeAt::Here(handshake),
                waker,
            }) = self.handles.take(index)
        {
            self.advance_handshake(HandleId { index, generation }, handshake, waker, outcome);
        }
    }

    /// Lends the handshake to the pool: `lend` gets it, and returns the means to end it there.
    pub fn lend_handshake(&mut self, id: HandleId, lend: impl FnOnce(Box<SocketHandshake>) -> Lent) {
        if !matches!(
            self.handles.get(id),
            Some(Entry::Handshaking {
                at: HandshakeAt::Here(_),
                ..
            })
        ) {
            return;
        }
        if let Some(Entry::Handshaking {
            at: HandshakeAt::Here(handshake),
            waker,
        }) = self.handles.take(id.index)
        {
            let at = HandshakeAt::Pool(lend(handshake));
            self.handles.replace(id.index, Entry::Handshaking { at, waker });
        }
    }

    /// The pool returns a handshake, with its outcome.
    pub fn return_handshake(
        &mut self,
        id: HandleId,
        handshake: Box<SocketHandshake>,
        outcome: Result<Step, Failure>,
    ) {
        if matches!(self.handles.get(id), Some(Entry::Handshaking { .. }))
            && let Some(Entry::Handshaking { waker, .. }) = self.handles.take(id.index)
        {
            self.advance_handshake(id, handshake, waker, outcome);
        }
    }

    fn advance_handshake(
        &mut self,
        id: HandleId,
        handshake: Box<SocketHandshake>,
        waker: Waker,
        outcome: Result<Step, Failure>,
    ) {
        let HandleId { index, .. } = id;
        let kind = match outcome {
            Ok(Step::Done(session)) => {
                let tls = Box::new(handshake.finish(*session));
                let stream = Stream::new(Connection::Tls(tls), waker);
                self.handles.replace(index, Entry::Stream(stream));
                CompletionKind::Handshaken
            }
            Ok(Step::Named(name)) => {
                let at = HandshakeAt::Named(handshake, name);
                self.handles.replace(index, Entry::Handshaking { at, waker });
                CompletionKind::ClientHello
            }
            Ok(Step::More) => {
                let at = HandshakeAt::Here(handshake);
                self.handles.replace(index, Entry::Handshaking { at, waker });
                return;
            }
            Err(failure) => return self.fail_handshake(id, failure),
        };
        self.delivery.stage(id, kind, 0, 0);
        if kind == CompletionKind::Handshaken {
            self.agenda.finish_handshake(id);
        }
    }

    /// Polls the handshake when this turn, or a later one, has steps left for it.
    pub fn queue_handshake(&mut self, id: HandleId) {
        self.agenda.queue_handshake(id);
    }

    pub(super) fn poll_handshakes(&mut self) {
        while self.has_room()
            && let Some(id) = self.agenda.next_handshake()
        {
            if self.handles.get(id).is_some() {
                self.agenda.count_handshake_step();
                self.poll_handshake(id.index);
            }
        }
    }

    /// Writes the last flights of handshakes, unless they have left with the first data that JavaScript sent.
    pub(super) fn flush_handshakes(&mut self) {
        for id in self.agenda.take_finished_handshakes() {
            if let Some(stream) = self.handles.stream(id) {
                // `Pending`: the flight waits as data does.
                let _ = stream
                    .connection
                    .poll_flush(&mut Context::from_waker(&stream.waker));
                self.delivery.report_sending(stream, id);
            }
        }
    }

    fn fail_handshake(&mut self, id: HandleId, failure: Failure) {
        self.handles.replace(id.index, Entry::Failed(failure));
        self.delivery.stage(id, CompletionKind::HandshakeFailed, 0, 0);
    }
}
