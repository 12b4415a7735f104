//! A JavaScript side that does anything: arbitrary records, control words and slabs, and calls at any moment with any
//! handle. The sockets are real, and both ends are in this process.
//!
//! What must hold:
//! 1. No panic, and no access outside the regions. Each is an allocation of its own, which AddressSanitizer watches.
//! 2. Offsets and lengths in completions lie inside the regions, too.

#![expect(
    unsafe_code,
    reason = "the shared regions are reached by address, as the addon reaches JavaScript's"
)]

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    process,
    ptr::{self, NonNull},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use structio_core::{
    address::{Address, UnixName},
    reactor::Reactor,
    ready::ReadyList,
    streams::{Connection, StreamSocket, UnixListenRequest},
    tls::{Side, Start},
};

use crate::{
    rings::{HandleId, Regions, SharedMemory, Turn, control},
    script::Script,
    tls::PLAIN_CONTEXT,
};

/// Steps of one program.
const STEPS: usize = 160;

const RECORD_BYTES: usize = 16;
const HEADER_BYTES: usize = 80;
const SLAB: usize = 4096;

pub fn records(bytes: &[u8]) {
    let script = &mut Script::new(bytes);
    let capacity = usize::from(script.byte()) % 9;
    let reactor = Reactor::new().expect("a reactor");
    {
        let _guard = reactor.enter();
        let mut world = World::new(capacity);
        for _ in 0..STEPS {
            if script.is_over() {
                break;
            }
            world.step(script, &reactor);
        }
        world.turn.submit(true);
        world.collect();
        for id in world.handles {
            world.turn.close(id, false);
        }
        assert!(
            !world.turn.is_busy() || world.turn.control(control::REFS) > 0,
            "connections that are closed keep the process alive"
        );
    }
    reactor.shutdown();
}

/// One region: an allocation that both sides reach by address.
struct Region {
    base: NonNull<u64>,
    words: usize,
}

impl Region {
    fn new(bytes: usize) -> Self {
        let words = bytes.div_ceil(size_of::<u64>());
        let memory = Box::leak(vec![0u64; words].into_boxed_slice());
        Self {
            base: NonNull::from(memory).cast(),
            words,
        }
    }

    fn length(&self) -> usize {
        self.words * size_of::<u64>()
    }

    fn shared(&self) -> SharedMemory {
        // SAFETY: the bytes stay until this is dropped, which is after the turn (`World`). One thread.
        unsafe { SharedMemory::new(self.base.cast(), self.length()) }
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        let Some(room) = self.length().checked_sub(at) else {
            return;
        };
        let length = bytes.len().min(room);
        // SAFETY: inside the region, as was just checked; the turn does not run meanwhile.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.base.as_ptr().cast::<u8>().add(at), length) };
    }

    fn word(&self, index: usize) -> i32 {
        assert!((index + 1) * size_of::<i32>() <= self.length());
        // SAFETY: inside the region, and aligned.
        unsafe { self.base.as_ptr().cast::<i32>().add(index).read() }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let memory = ptr::slice_from_raw_parts_mut(self.base.as_ptr(), self.words);
        // SAFETY: from the box that `new` has leaked, once.
        drop(unsafe { Box::from_raw(memory) });
    }
}

/// Fields are dropped in this order: the turn, then the regions.
struct World {
    turn: Turn,
    receive_slab: Region,
    completions: Region,
    send_slab: Region,
    submissions: Region,
    /// All handles that were opened, whether closed since or not.
    handles: Vec<HandleId>,
    /// The far ends of the streams.
    peers: Vec<UnixStream>,
}

impl World {
    fn new(capacity: usize) -> Self {
        let ring = HEADER_BYTES + capacity * RECORD_BYTES;
        let receive_slab = Region::new(SLAB);
        let completions = Region::new(ring);
        let send_slab = Region::new(SLAB);
        let submissions = Region::new(ring + 8 * RECORD_BYTES);
        let regions = Regions {
            receive_slab: receive_slab.shared(),
            completions: completions.shared(),
            send_slab: send_slab.shared(),
            submissions: submissions.shared(),
        };
        let mut world = Self {
            turn: Turn::new(regions, ReadyList::new(None)),
            receive_slab,
            completions,
            send_slab,
            submissions,
            handles: Vec::new(),
            peers: Vec::new(),
        };
        world.open(0);
        world.open(0);
        world
    }

    fn open(&mut self, what: u8) {
        if self.handles.len() > 12 {
            return;
        }
        match what % 4 {
            0 => {
                let (ours, theirs) = UnixStream::pair().expect("a pair");
                for end in [&ours, &theirs] {
                    end.set_nonblocking(true).expect("set");
                }
                let socket = StreamSocket::unix(ours).expect("registered");
                let connection = Connection::new(socket, UnixName::default().into());
                self.handles.push(self.turn.add_stream(connection));
                self.peers.push(theirs);
            }
            1 => {
                let ends = UnixStream::pair().expect("a pair");
                for end in [ends.0, ends.1] {
                    end.set_nonblocking(true).expect("set");
                    let socket = StreamSocket::unix(end).expect("registered");
                    let connection = Connection::new(socket, UnixName::default().into());
                    self.handles.push(self.turn.add_stream(connection));
                }
            }
            2 => {
                let name = fresh_name();
                let request = UnixListenRequest {
                    name: name.clone(),
                    mode: None,
                    backlog: 4,
                };
                self.handles
                    .push(self.turn.listen_unix(&request).expect("listens"));
                self.handles
                    .push(self.turn.connect_unix(name).expect("connected"));
            }
            _ => {
                let name = fresh_name();
                let receiver = self.turn.open_unix_datagrams(Some(&name)).expect("bound");
                let sender = self.turn.open_unix_datagrams(None).expect("open");
                self.turn
                    .connect_datagrams(sender, &Address::Unix(name))
                    .expect("connected");
                self.handles.extend([receiver, sender]);
            }
        }
    }

    fn step(&mut self, script: &mut Script<'_>, reactor: &Reactor) {
        match script.byte() % 24 {
            0 => {
                let record = [script.word(), script.word(), script.word(), script.word()];
                self.submit(record);
            }
            1..=5 => {
                let kind = i32::from(script.byte() % 8);
                let id = self.id(script);
                let head = (id.index << 5).cast_signed() | kind;
                let (a, b) = (operand(script), operand(script));
                self.submit([head, id.generation, a, b]);
            }
            6 => {
                let word = usize::from(script.byte()) % 24;
                let value = operand(script);
                self.turn.set_control(word, value);
            }
            7 | 8 => self.turn.submit(script.flag()),
            9 | 10 => {
                self.turn.begin();
                self.collect();
            }
            11 => {
                reactor.turn();
                self.collect();
            }
            12 => {
                let bytes = vec![7; script.short() % 8192];
                if let Some(mut peer) = self.peer(script) {
                    let _ = peer.write(&bytes);
                }
            }
            13 => {
                if let Some(mut peer) = self.peer(script) {
                    let _ = peer.read(&mut [0; 8192]);
                }
            }
            14 => {
                let id = self.id(script);
                self.turn.close(id, script.flag());
            }
            15 => {
                let id = self.id(script);
                let mut memory = vec![0; script.short() % 4096];
                let _ = self.turn.receive_into(id, &mut memory);
            }
            16 => {
                let id = self.id(script);
                let data = vec![9; script.short()];
                let (taken, _) = self.turn.send_direct(id, &data);
                assert!(taken <= data.len());
            }
            17 => {
                let id = self.id(script);
                self.lay(script);
                self.turn.set_control(control::SEND_INDEX, id.index.cast_signed());
                self.turn.set_control(control::SEND_GENERATION, id.generation);
                self.turn.send_datagrams();
            }
            18 => self.open(script.byte()),
            19 => {
                let (first, second) = (self.id(script), self.id(script));
                self.turn
                    .start_relay(first, second, [b"ahead", b""], script.flag());
            }
            20 => {
                let id = self.id(script);
                let _ = self.turn.end_relay(id);
            }
            21 => {
                let id = self.id(script);
                let side = if script.flag() { Side::Server } else { Side::Client };
                let start = Start {
                    side,
                    hostname: "server.test".to_owned(),
                    standard_compatible: true,
                    ask_by_name: script.flag(),
                };
                let length = script.byte().into();
                let ahead = script.bytes(length).to_vec();
                self.turn.start_tls(id, Arc::clone(&PLAIN_CONTEXT), start, ahead);
                self.turn.poll_handshake(id.index);
            }
            22 => {
                let id = HandleId::from_number(script.double());
                self.turn.close(id, false);
                let _ = self.turn.tls_failure(id);
                let _ = self.turn.client_name(id);
                self.turn.refuse_tls(id);
            }
            // JavaScript reads a dispatch, and submits meanwhile.
            _ => {
                self.turn.set_control(control::DISPATCHING, 1);
                self.turn.publish();
                self.turn.submit(false);
                self.turn.set_control(control::DISPATCHING, 0);
                self.turn.dispatched();
            }
        }
    }

    fn submit(&mut self, record: [i32; 4]) {
        let count = usize::try_from(self.turn.control(control::COUNT)).unwrap_or(0);
        let bytes: Vec<u8> = record.iter().flat_map(|word| word.to_ne_bytes()).collect();
        if let Some(at) = count.checked_mul(RECORD_BYTES) {
            self.submissions.write(HEADER_BYTES.saturating_add(at), &bytes);
        }
        let count = self.turn.control(control::COUNT).wrapping_add(1);
        self.turn.set_control(control::COUNT, count);
    }

    /// Mostly a handle that was opened, otherwise any number.
    fn id(&self, script: &mut Script<'_>) -> HandleId {
        let choice = usize::from(script.byte());
        match self.handles.get(choice % 16) {
            Some(&id) if choice < 240 => id,
            _ => HandleId {
                index: u32::from(script.byte()),
                generation: script.byte().into(),
            },
        }
    }

    fn peer(&self, script: &mut Script<'_>) -> Option<&UnixStream> {
        let choice = usize::from(script.byte());
        self.peers.get(choice % self.peers.len().max(1))
    }

    /// Lays datagrams in the send slab, or nonsense. No name may be that of a foreign socket: each byte gets a bit
    /// that `/` has and most letters of `/run`, `/dev` and `/tmp` do not have.
    fn lay(&mut self, script: &mut Script<'_>) {
        for _ in 0..script.byte() % 4 {
            let at = script.short() % (SLAB + 8);
            if script.flag() {
                self.send_slab.write(at, &operand(script).to_ne_bytes());
            } else {
                let length = script.byte().into();
                let bytes: Vec<u8> = script.bytes(length).iter().map(|byte| byte | 8).collect();
                self.send_slab.write(at, &bytes);
            }
        }
        let offset = operand(script);
        self.turn.set_control(control::SEND_OFFSET, offset);
        let count = operand(script);
        self.turn.set_control(control::SEND_COUNT, count);
    }

    /// A turn up to the dispatch, whose records are checked.
    fn collect(&mut self) {
        self.turn.collect();
        self.turn.publish();
        let count = usize::try_from(self.completions.word(0)).expect("a count");
        assert!(HEADER_BYTES + count * RECORD_BYTES <= self.completions.length());
        for index in 0..count {
            let first = HEADER_BYTES / 4 + index * 4;
            let [head, offset, length] = [0, 2, 3].map(|word| self.completions.word(first + word));
            // `Received`, `ReceivedFds`, `Datagram`, `LastDatagram`: protocol.ts.
            if matches!(head & 31, 0 | 14 | 15 | 16) {
                let end = i64::from(offset) + i64::from(length);
                let slab = i64::try_from(self.receive_slab.length()).expect("small");
                assert!(
                    offset >= 0 && length >= 0 && end <= slab,
                    "{offset} + {length} bytes"
                );
            }
        }
        self.turn.dispatched();
    }
}

/// A small number, or any.
fn operand(script: &mut Script<'_>) -> i32 {
    match script.byte() {
        255 => script.word(),
        254 => -1,
        253 => i32::try_from(script.short()).unwrap_or(0),
        small => small.into(),
    }
}

/// An abstract name that no other process uses.
fn fresh_name() -> UnixName {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    UnixName::new(format!("\0structio-fuzz-{}-{count}", process::id()).as_bytes())
}
