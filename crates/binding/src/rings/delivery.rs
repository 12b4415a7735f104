//! What a turn hands to JavaScript: the staged completions, and the receive slab that they point into. Owns the
//! shared regions.
//!
//! Invariants:
//! 1. A completion is staged, never dropped. Those that do not fit the ring stay staged for the next dispatch.
//! 2. `received` only grows until a dispatch has delivered everything: no staged completion points to bytes that are
//!    written over.
//! 3. `unsent_streams` counts the connections whose last report said that bytes are unsent.

use super::{
    errno::{errno, word},
    handle_id::HandleId,
    handles::Stream,
    records::{Completion, CompletionKind, completion, control},
    regions::Regions,
};

/// Received bytes in one dispatch: JavaScript copies them while they are still in the processor's cache.
const DISPATCH_BYTES: usize = 131_072;

/// Where the first receive of a dispatch goes, and the distance that keeps the next ones from it. The kernel's copy
/// of large messages comes from the start of pages. A destination just behind the start of a page made it nine times
/// slower (docs/design/shared-rings.md).
const SLAB_START: usize = 1024 + CACHE_LINE;

const CACHE_LINE: usize = 64;

#[derive(Debug)]
pub struct Delivery {
    regions: Regions,
    staged: Vec<Completion>,
    /// Used part of the receive slab.
    received: usize,
    /// Connections with unsent bytes: they keep the process alive.
    unsent_streams: usize,
}

impl Delivery {
    pub fn new(regions: Regions) -> Self {
        Self {
            regions,
            staged: Vec::new(),
            received: SLAB_START,
            unsent_streams: 0,
        }
    }

    pub fn control(&self, word: usize) -> i32 {
        self.regions.control(word)
    }

    pub fn set_control(&mut self, word: usize, value: i32) {
        self.regions.set_control(word, value);
    }

    pub fn submission(&self, position: usize) -> Completion {
        self.regions.submission(position)
    }

    pub fn submission_capacity(&self) -> usize {
        self.regions.submission_capacity()
    }

    /// Bytes of the send slab; `None` where JavaScript named bytes outside it.
    pub fn sent(&self, offset: usize, length: usize) -> Option<&[u8]> {
        self.regions.sent(offset, length)
    }

    pub fn stage(&mut self, HandleId { index, generation }: HandleId, kind: CompletionKind, a: i32, b: i32) {
        self.staged.push(completion(index, generation, kind, a, b));
    }

    /// The completion staged last is the last datagram of its answer.
    pub fn end_datagrams(&mut self) {
        if let Some([head, ..]) = self.staged.last_mut() {
            // The kind is the lowest bits of a record's head (`completion`).
            *head += CompletionKind::LastDatagram as i32 - CompletionKind::Datagram as i32;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// How many more completions fit the next dispatch.
    pub fn room(&self) -> usize {
        self.regions
            .completion_capacity()
            .saturating_sub(self.staged.len())
    }

    /// `wanted` bytes of the receive slab, for the next receive. `None`: full until the next dispatch. An empty slab
    /// gives what it has, however little.
    pub fn slab(&mut self, wanted: usize) -> Option<&mut [u8]> {
        let room = self.regions.receive_capacity().saturating_sub(self.received);
        if self.received > SLAB_START && (room < wanted || self.received >= DISPATCH_BYTES) {
            return None;
        }
        Some(self.regions.receive_at(self.received, wanted))
    }

    /// Keeps the first `length` bytes that [`Delivery::slab`] gave; returns their offset.
    pub fn keep(&mut self, length: usize) -> usize {
        let offset = self.received;
        self.received += length.next_multiple_of(CACHE_LINE) + CACHE_LINE;
        offset
    }

    /// Whether bytes of this connection have been read and not delivered.
    pub fn has_undelivered(&self, id: HandleId) -> bool {
        let dispatching = self.control(control::DISPATCHING) != 0;
        self.staged.iter().any(|record| is_received(record, id))
            || dispatching && self.regions.published().any(|record| is_received(&record, id))
    }

    /// Takes undelivered bytes of a connection back, for a TLS handshake or a relay that goes on with it. They come
    /// after what JavaScript has received, and are appended to `prefetched`.
    pub fn take_undelivered(&mut self, id: HandleId, prefetched: &mut Vec<u8>) {
        let regions = &mut self.regions;
        self.staged.retain(|record| {
            let is_ours = is_received(record, id);
            if is_ours {
                let [.., offset, length] = record.map(|word| usize::try_from(word).unwrap_or(0));
                prefetched.extend_from_slice(regions.receive_at(offset, length));
            }
            !is_ours
        });
    }

    /// Reports what changed about a connection's sending half: an error, or whether bytes are unsent.
    pub fn report_sending(&mut self, stream: &mut Stream, id: HandleId) {
        if let Some(error) = stream.connection.take_write_error() {
            stream.send_failure = errno(&error);
            self.stage(id, CompletionKind::SendFailed, stream.send_failure, 0);
            let undelivered = self.control(control::SEND_FAILURES) + 1;
            self.set_control(control::SEND_FAILURES, undelivered);
        }
        let unsent = stream.connection.unsent();
        if (unsent > 0) != stream.unsent_reported {
            self.forget_unsent(stream);
            if unsent > 0 {
                stream.unsent_reported = true;
                self.unsent_streams += 1;
            }
            self.stage(
                id,
                CompletionKind::Unsent,
                word(unsent),
                stream.given.cast_signed(),
            );
        }
    }

    /// A connection with unsent bytes counts no longer: they have left, or it ends.
    pub fn forget_unsent(&mut self, stream: &mut Stream) {
        if std::mem::take(&mut stream.unsent_reported) {
            self.unsent_streams -= 1;
        }
    }

    pub fn has_unsent(&self) -> bool {
        self.unsent_streams > 0
    }

    /// Moves staged completions to the ring. True when there are any: JavaScript is to be called.
    pub fn publish(&mut self) -> bool {
        let count = self.staged.len().min(self.regions.completion_capacity());
        // Invariant 6 of turn.rs: `REPORTED` stays behind while reports are left over.
        let reported_by = if count == self.staged.len() {
            self.control(control::SUBMITTED)
        } else {
            self.control(control::REPORTED)
        };
        self.regions
            .publish(&self.staged[..count], self.received, reported_by);
        self.staged.drain(..count);
        count > 0
    }

    /// JavaScript has copied what it keeps: the slab is free, unless completions that did not fit still point to it.
    pub fn dispatched(&mut self) {
        if self.staged.is_empty() {
            self.received = SLAB_START;
        }
    }
}

fn is_received(record: &Completion, HandleId { index, generation }: HandleId) -> bool {
    [CompletionKind::Received, CompletionKind::ReceivedFds]
        .iter()
        .any(|&kind| completion(index, generation, kind, 0, 0)[..2] == record[..2])
}
