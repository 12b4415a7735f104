//! What JavaScript asks for by a call of its own, outside the rings: what is rare, large, or must be done when the call
//! returns.
//!
//! Invariants:
//! 1. What JavaScript has submitted before the call comes first. Whatever changes what a handle waits for ingests the ring before:
//!    a cancellation that is still in it would take back what the call has begun.
//! 2. Bytes that have been read, and that JavaScript has not been told of yet, come before those that are still in the socket. They
//!    are there when a receive was cancelled, in mid turn, after it had been answered.

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

    /// Keeps bytes and descriptors, which leave when a `WaitSend` for them is submitted.
    pub fn post(&mut self, id: HandleId, parcel: Parcel) {
        self.ingest();
        if let Some(stream) = self.handles.stream(id) {
            stream.connection.post(parcel);
        }
    }

    /// Writes `data` after everything the connection has taken: what the kernel takes now, and little more. True: bytes
    /// that were taken are unsent, or the sending half has failed; a completion follows that says so.
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

    /// The error number that a connection's sending has failed with, or 0: before its `SendFailed` is delivered, too.
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
            // Invariant 2: their completion is the answer.
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

    /// Ends a handle. What a connection has taken is tried once; the rest is dropped. With `reset`, `RST` is sent.
    pub fn close(&mut self, id: HandleId, reset: bool) {
        self.ingest();
        if let Some(stream) = self.handles.stream(id) {
            if reset {
                // Failing leaves an orderly close, which is all that can be done for a socket in that state.
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
