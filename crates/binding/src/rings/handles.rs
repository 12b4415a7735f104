//! The handle table: the sockets of one JavaScript thread, by index and generation. Used on that thread only.
//!
//! Invariants:
//! 1. A slot's generation changes whenever its handle ends. A record or a call for the old handle never reaches the
//!    new one.
//! 2. A waker carries the index alone. A late wake-up may reach the next handle of the slot, whose poll then finds
//!    nothing.
//! 3. A handle may change what it is (an attempt, a connection, a handshake) and keeps its id, so JavaScript knows one
//!    connection by one id. [`Handles::take`] leaves the slot empty: the same function fills it again.
//! 4. JavaScript ends handles, the addon does not: a failed attempt or handshake keeps its slot until it is closed.
//!    Otherwise its last completion could name the slot's next handle.

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

/// What the receiving half waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveDemand {
    None,
    Bytes(u32),
    /// Most bytes, and most descriptors with them.
    WithDescriptors(u32, u32),
    /// Readability, after a read has found nothing.
    Readable,
    /// Readability as the kernel knows it now.
    Ready,
}

#[derive(Debug)]
pub struct Stream {
    pub connection: Connection,
    /// One for both directions: it makes the turn poll both.
    pub waker: Waker,
    pub receive: ReceiveDemand,
    /// The condition that the sending half waits for, and the number of that wait.
    pub send_wait: Option<(SendWait, i32)>,
    /// This turn's sends.
    pub chain: Chain,
    /// The last report, delivered or staged, said that bytes are unsent.
    pub unsent_reported: bool,
    /// The error number that sending has failed with, or 0.
    pub send_failure: i32,
    /// Bytes discarded while it waits for the peer's EOF.
    pub dropped: usize,
    /// Bytes that JavaScript has given to this connection, modulo 2³².
    pub given: u32,
    /// Descriptors of the last receive, until JavaScript takes them.
    pub descriptors: Descriptors,
    pub relaying: Option<Relaying>,
}

#[derive(Debug)]
pub struct Datagrams {
    pub socket: DatagramSocket,
    pub waker: Waker,
    /// How many datagrams JavaScript wants; 0: it does not wait.
    pub demand: u32,
    /// JavaScript waits until sending is worth trying.
    pub sending: bool,
    /// An error that came behind received datagrams: it fails the next call.
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
    /// All waits for foreign descriptors.
    #[cfg(target_os = "linux")]
    Waits(Waits),
    /// A handshake that has failed (invariant 4).
    Failed(Failure),
    /// A connection attempt that has failed (invariant 4).
    Over,
}

/// Where a handshake is computed.
#[derive(Debug)]
pub enum HandshakeAt {
    /// On this thread.
    Here(Box<SocketHandshake>),
    /// Stopped: JavaScript chooses the context for this server name.
    Named(Box<SocketHandshake>, String),
    /// On the pool. Dropping this drops the handshake there.
    Pool(#[expect(dead_code, reason = "it is there to be dropped")] Lent),
}

/// Ends the pool's task, and with it the handshake and its socket.
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
    /// The index that the next [`Handles::insert`] uses. Wakers need it before the entry exists.
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

    /// The entry at an index, of any generation (2).
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

    /// Changes what a live handle is (3).
    pub fn replace(&mut self, index: u32, entry: Entry) {
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.entry = Some(entry);
        }
    }

    /// Takes an entry out; give one back with [`Handles::replace`] (3).
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
