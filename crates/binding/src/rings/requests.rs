//! Calls of their own, outside the rings: what is rare, large, or must be done when the call returns.
//!
//! Invariants:
//! 1. Records submitted before the call take effect first. A call that changes what a handle waits for ingests the
//!    ring before: a cancellation still in the ring would otherwise cancel what the call has begun.
//! 2. Bytes that were read and not delivered come before bytes in the socket. They exist when a receive was
//!    cancelled, in mid turn, after it had been answered.

use std::{
    io,
    task::{Context, Poll},
};

use structio_core::{
    address::UnixName,
    streams::{ConnectRequest, Connecting, ListenRequest, Listener, Parcel, UnixListenRequest, connect_unix},
};

use super::{
    handle_id::HandleId,
    handles::{Entry, ReceiveDemand},
    turn::Turn,
};

impl Turn {
    pub fn connect(&mut self, request: ConnectRequest) -> io::Result<HandleId> {
        let attempt = Connecting::start(request)?;
        let waker = self.next_waker();
        let id = self.handles.insert(Entry::Connecting { attempt, waker });
        self.poll_connect(id.index);
        Ok(id)
    }

    pub fn connect_unix(&mut self, name: UnixName) -> io::Result<HandleId> {
        let connection = connect_unix(name)?;
        Ok(self.add_stream(connection))
    }

    pub fn listen(&mut self, request: &ListenRequest) -> io::Result<HandleId> {
        let listener = Listener::open(request)?;
        Ok(self.insert_listener(listener))
    }

    pub fn listen_unix(&mut self, request: &UnixListenRequest) -> io::Result<HandleId> {
        let listener = Listener::open_unix(request)?;
        Ok(self.insert_listener(listener))
    }

    fn insert_listener(&mut self, listener: Listener) -> HandleId {
        let waker = self.next_waker();
        self.handles.insert(Entry::Listener {
            listener,
            waker,
            demand: 0,
        })
    }

    /// Keeps ancillary data, which leaves when a `WaitSend` for it is submitted.
    pub fn post(&mut self, id: HandleId, parcel: Parcel) {
        self.ingest();
        if let Some(stream) = self.handles.stream(id) {
            stream.connection.post(parcel);
        }
    }

    /// Writes `data` after everything that the connection has taken. Takes what the kernel takes now, and little
    /// more. True: bytes taken are unsent, or the sending half has failed; a completion follows.
    pub fn send_direct(&mut self, id: HandleId, data: &[u8]) -> (usize, bool) {
        self.ingest();
        if self.handles.stream(id).is_none() {
            return (data.len(), false);
        }
        let taken = self.write_chain_and(id.index, Some(data));
        let unsent = self
            .handles
            .stream(id)
            .is_some_and(|stream| stream.connection.unsent() > 0 || stream.connection.has_failed_sending());
        (taken, unsent)
    }

    /// The error number that a connection's sending has failed with, or 0; known before its `SendFailed` is delivered.
    pub fn send_failure(&mut self, id: HandleId) -> i32 {
        self.handles.stream(id).map_or(0, |stream| stream.send_failure)
    }

    /// Reads straight into the caller's memory; on `Pending` the completion `Readable` follows.
    pub fn receive_into(&mut self, id: HandleId, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.ingest();
        let is_behind = self.delivery.has_undelivered(id);
        let Some(stream) = self.handles.stream(id) else {
            return Poll::Ready(Ok(0));
        };
        if is_behind {
            // Their completion is the answer (2).
            return Poll::Pending;
        }
        let outcome = stream
            .connection
            .poll_receive(&mut Context::from_waker(&stream.waker), buffer);
        if outcome.is_pending() {
            stream.receive = ReceiveDemand::Readable;
        }
        self.report_after_receive(id.index);
        outcome
    }

    /// Ends a handle. Tries once to write what a connection has taken, and drops the rest. With `reset`, sends `RST`.
    pub fn close(&mut self, id: HandleId, reset: bool) {
        self.ingest();
        if let Some(stream) = self.handles.stream(id) {
            if reset {
                // A failure leaves an orderly close, which is all that such a socket can do.
                let _ = stream.connection.reset_on_close();
            } else {
                if !stream.chain.is_empty() {
                    self.write_chain(id.index);
                }
                if let Some(stream) = self.handles.stream(id) {
                    stream
                        .connection
                        .before_close(&mut Context::from_waker(&stream.waker));
                }
            }
        } else if self.handles.get(id).is_none() {
            return;
        }
        if let Some(Entry::Stream(mut stream)) = self.handles.remove(id.index) {
            self.delivery.forget_unsent(&mut stream);
        }
    }
}
