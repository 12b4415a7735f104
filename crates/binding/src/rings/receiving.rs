//! The receiving half of a connection: a read goes straight into the receive slab, behind the last one.

use std::task::{Context, Poll};

use super::{
    errno::{errno, word},
    handle_id::HandleId,
    handles::{Entry, ReceiveDemand},
    records::CompletionKind,
    turn::Turn,
};

/// The most one receive asks the kernel for.
const MAX_RECEIVE: usize = 65_536;

impl Turn {
    pub(super) fn poll_receive(&mut self, index: u32) {
        let Some((Entry::Stream(stream), generation)) = self.handles.at(index) else {
            return;
        };
        let id = HandleId { index, generation };
        let cx = &mut Context::from_waker(&stream.waker);
        let (limit, descriptors) = match stream.receive {
            ReceiveDemand::None => return,
            demand @ (ReceiveDemand::Readable | ReceiveDemand::Ready) => {
                let outcome = match demand {
                    ReceiveDemand::Ready => stream.connection.poll_ready(cx),
                    _ => stream.connection.poll_readable(cx),
                };
                if outcome.is_ready() {
                    stream.receive = ReceiveDemand::None;
                    self.delivery.stage(id, CompletionKind::Readable, 0, 0);
                }
                return;
            }
            ReceiveDemand::Bytes(limit) => (limit, 0),
            ReceiveDemand::WithDescriptors(limit, descriptors) => (limit, descriptors),
        };
        let wanted = usize::try_from(limit).map_or(MAX_RECEIVE, |limit| limit.min(MAX_RECEIVE));
        let Some(buffer) = self.delivery.slab(wanted) else {
            // turn.rs, invariant 3: after the next dispatch the slab is empty.
            self.agenda.put_off(index);
            return;
        };
        let outcome = if descriptors == 0 {
            stream.connection.poll_receive(cx, buffer)
        } else {
            let most = usize::try_from(descriptors).unwrap_or(0);
            stream
                .connection
                .poll_receive_with(cx, buffer, most)
                .map_ok(|(length, arrived)| {
                    stream.descriptors = arrived;
                    length
                })
        };
        let (kind, a, b) = match outcome {
            Poll::Pending => return,
            Poll::Ready(Ok(0)) => (CompletionKind::ReceivedEnd, 0, 0),
            Poll::Ready(Ok(length)) => {
                let kind = match descriptors {
                    0 => CompletionKind::Received,
                    _ => CompletionKind::ReceivedFds,
                };
                (kind, word(self.delivery.keep(length)), word(length))
            }
            Poll::Ready(Err(error)) => (CompletionKind::ReceiveFailed, errno(&error), 0),
        };
        stream.receive = ReceiveDemand::None;
        self.delivery.stage(id, kind, a, b);
    }
}
