//! The receiving half of a turn: a read goes straight into the receive slab, behind the last one.

use std::task::{Context, Poll};

use structio_core::ready::Token;

use super::{
    handles::{Entry, HandleId, ReceiveDemand},
    records::{Completion, CompletionKind, completion, control},
    turn::{Turn, errno, word},
};

/// The most one receive asks the kernel for.
const MAX_RECEIVE: usize = 65_536;

/// Received bytes in one dispatch: JavaScript copies them while they are still in the processor's cache.
pub(super) const DISPATCH_BYTES: usize = 131_072;

/// Where the first receive of a dispatch goes, and the distance that keeps the next ones from it. The kernel's copy of
/// large messages comes from the start of pages; to a place just behind the start of a page it took nine times as
/// long (docs/design/shared-rings.md).
pub(super) const SLAB_START: usize = 1024 + CACHE_LINE;

pub(super) const CACHE_LINE: usize = 64;

impl Turn {
    /// Whether bytes of this connection have been read that JavaScript has not been told of.
    pub(super) fn has_undelivered(&self, id: HandleId) -> bool {
        let dispatching = self.control(control::DISPATCHING) != 0;
        self.staged.iter().any(|record| is_received(record, id))
            || dispatching && self.regions.published().any(|record| is_received(&record, id))
    }

    /// Takes such bytes back, behind those that JavaScript has received, for whoever goes on with the connection in its place.
    pub(super) fn take_undelivered(&mut self, id: HandleId, ahead: &mut Vec<u8>) {
        let regions = &mut self.regions;
        self.staged.retain(|record| {
            let is_ours = is_received(record, id);
            if is_ours {
                let [.., offset, length] = record.map(|word| usize::try_from(word).unwrap_or(0));
                ahead.extend_from_slice(regions.receive_at(offset, length));
            }
            !is_ours
        });
    }

    pub(super) fn poll_receive(&mut self, index: u32) {
        let Some((Entry::Stream(stream), generation)) = self.handles.at(index) else {
            return;
        };
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
                    let readable = CompletionKind::Readable;
                    self.staged.push(completion(index, generation, readable, 0, 0));
                }
                return;
            }
            ReceiveDemand::Bytes(limit) => (limit, 0),
            ReceiveDemand::WithDescriptors(limit, descriptors) => (limit, descriptors),
        };
        let wanted = usize::try_from(limit).map_or(MAX_RECEIVE, |limit| limit.min(MAX_RECEIVE));
        let room = self.regions.receive_capacity().saturating_sub(self.received);
        if self.received > SLAB_START && (room < wanted || self.received >= DISPATCH_BYTES) {
            // Invariant 3: after the next dispatch the slab is empty.
            self.backlog.push(Token(index));
            return;
        }
        let buffer = self.regions.receive_at(self.received, wanted);
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
                let offset = self.received;
                self.received += length.next_multiple_of(CACHE_LINE) + CACHE_LINE;
                let kind = match descriptors {
                    0 => CompletionKind::Received,
                    _ => CompletionKind::ReceivedFds,
                };
                (kind, word(offset), word(length))
            }
            Poll::Ready(Err(error)) => (CompletionKind::ReceiveFailed, errno(&error), 0),
        };
        stream.receive = ReceiveDemand::None;
        self.staged.push(completion(index, generation, kind, a, b));
    }
}

fn is_received(record: &Completion, HandleId { index, generation }: HandleId) -> bool {
    [CompletionKind::Received, CompletionKind::ReceivedFds]
        .iter()
        .any(|&kind| completion(index, generation, kind, 0, 0)[..2] == record[..2])
}
