//! The handle table: what an index means, and whether it still means the same.
//!
//! Invariant: a slot's generation changes whenever its handle ends, so that a record or a wake-up for the old
//! handle never reaches the new one.

use std::{io, task::Waker};

use structio_core::{
    datagrams::DatagramSocket,
    streams::{Connecting, Connection, Descriptors, Listener},
    tls::{Failure, SocketHandshake},
};
use tokio::task::AbortHandle;

#[cfg(target_os = "linux")]
use super::waits::Waits;
use super::{handle_id::HandleId, records::SendWait, relay::Relaying, segments::Chain};

/// What the receiving half was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveDemand {
    None,
    Bytes(u32),
    /// Bytes, and descriptors with them.
    WithDescriptors(u32, u32),
    /// The word that a read is worth trying, where one has just found nothing.
    Readable,
    /// The same, as far as the kernel knows at that moment.
    Ready,
}

#[derive(Debug)]
pub struct Stream {
    pub connection: Connection,
    /// One for both directions: it says "look", not "read".
    pub waker: Waker,
    pub receive: ReceiveDemand,
    /// What is waited for, and the number of that wait.
    pub send_wait: Option<(SendWait, i32)>,
    /// This turn's sends.
    pub chain: Chain,
    /// A report has said, or is about to say, that bytes are unsent.
    pub unsent_reported: bool,
    /// The error number that sending has failed with; 0: it has not.
    pub send_failure: i32,
    /// Bytes dropped while it waits for the peer's end.
    pub dropped: usize,
    /// Counts every byte that JavaScript has given to this connection, modulo 2³².
    pub given: u32,
    /// Have arrived with the bytes of the last receive, and are there to be taken.
    pub descriptors: Descriptors,
    pub relaying: Option<Relaying>,
}

#[derive(Debug)]
pub struct Datagrams {
    pub socket: DatagramSocket,
    pub waker: Waker,
    /// How many are wanted.
    pub demand: u32,
    /// Somebody waits until sending is worth trying.
    pub sending: bool,
    /// Came when there were datagrams to tell of: it fails the next call.
    pub error: Option<io::Error>,
}

#[derive(Debug)]
pub enum Entry {
    Connecting {
        attempt: Connecting,
        waker: Waker,
    },
    Listener {
        listener: Listener,
        waker: Waker,
        demand: u32,
    },
    Stream(Stream),
    Datagrams(Datagrams),
    Handshaking {
        at: HandshakeAt,
        waker: Waker,
    },
    /// All waits for descriptors of others.
    #[cfg(target_os = "linux")]
    Waits(Waits),
    /// A handshake that has failed: nothing but what was wrong.
    Failed(Failure),
    /// An attempt that has failed, until JavaScript closes it.
    Over,
}

/// Where a handshake goes on.
#[derive(Debug)]
pub enum HandshakeAt {
    /// On this thread.
    Here(Box<SocketHandshake>),
    /// In JavaScript, which is to say with which context.
    Named(Box<SocketHandshake>, String),
    /// On the pool. Dropping this drops the handshake there.
    Pool(#[expect(dead_code, reason = "it is there to be dropped")] Lent),
}

/// Ends the task that has the handshake, and with it the socket.
#[derive(Debug)]
pub struct Lent(pub AbortHandle);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
struct Slot {
    generation: i32,
    entry: Option<Entry>,
}

#[derive(Debug, Default)]
pub struct Handles {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Handles {
    /// The index the next [`Handles::insert`] will use; wakers need it before the entry exists.
    pub fn next_index(&self) -> u32 {
        self.free
            .last()
            .copied()
            .unwrap_or_else(|| u32::try_from(self.slots.len()).unwrap_or(u32::MAX))
    }

    pub fn insert(&mut self, entry: Entry) -> HandleId {
        if let Some(index) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(index as usize)
        {
            slot.entry = Some(entry);
            return HandleId {
                index,
                generation: slot.generation,
            };
        }
        let index = self.next_index();
        self.slots.push(Slot {
            generation: 1,
            entry: Some(entry),
        });
        HandleId { index, generation: 1 }
    }

    /// The entry of a ready token: whatever has this index now.
    pub fn at(&mut self, index: u32) -> Option<(&mut Entry, i32)> {
        let slot = self.slots.get_mut(index as usize)?;
        Some((slot.entry.as_mut()?, slot.generation))
    }

    pub fn get(&mut self, id: HandleId) -> Option<&mut Entry> {
        let slot = self.slots.get_mut(id.index as usize)?;
        if slot.generation == id.generation {
            slot.entry.as_mut()
        } else {
            None
        }
    }

    pub fn stream(&mut self, id: HandleId) -> Option<&mut Stream> {
        match self.get(id)? {
            Entry::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// Two different connections at once.
    pub fn pair(&mut self, first: HandleId, second: HandleId) -> Option<(&mut Stream, &mut Stream)> {
        let indexes = [first, second].map(|id| id.index as usize);
        let [one, other] = self.slots.get_disjoint_mut(indexes).ok()?;
        if (one.generation, other.generation) != (first.generation, second.generation) {
            return None;
        }
        match (&mut one.entry, &mut other.entry) {
            (Some(Entry::Stream(a)), Some(Entry::Stream(b))) => Some((a, b)),
            _ => None,
        }
    }

    pub fn datagrams(&mut self, id: HandleId) -> Option<&mut Datagrams> {
        match self.get(id)? {
            Entry::Datagrams(datagrams) => Some(datagrams),
            _ => None,
        }
    }

    /// Replaces what a live handle is, under the same id.
    pub fn replace(&mut self, index: u32, entry: Entry) {
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.entry = Some(entry);
        }
    }

    /// What a live handle is, to be put back with [`Handles::replace`] before anybody looks.
    pub fn take(&mut self, index: u32) -> Option<Entry> {
        self.slots.get_mut(index as usize)?.entry.take()
    }

    pub fn remove(&mut self, index: u32) -> Option<Entry> {
        let slot = self.slots.get_mut(index as usize)?;
        let entry = slot.entry.take()?;
        // 0 is never a generation: a zeroed record names nothing. 29 bits fit `HandleId::to_number`.
        slot.generation = slot.generation % ((1 << 29) - 1) + 1;
        self.free.push(index);
        Some(entry)
    }
}

impl Stream {
    pub fn new(connection: Connection, waker: Waker) -> Self {
        Self {
            connection,
            waker,
            receive: ReceiveDemand::None,
            send_wait: None,
            chain: Chain::EMPTY,
            unsent_reported: false,
            send_failure: 0,
            dropped: 0,
            given: 0,
            descriptors: Descriptors::new(),
            relaying: None,
        }
    }
}
