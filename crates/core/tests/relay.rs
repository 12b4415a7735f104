//! One direction of a relay, driven as the addon drives it: its bounds behind a slow destination, and what it hands
//! back.

#![allow(clippy::expect_used, reason = "a test that cannot set itself up fails")]

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    task::Context,
    thread,
    time::{Duration, Instant},
};

use structio_core::{
    address::Address,
    reactor::Reactor,
    ready::{ReadyList, Token},
    streams::{Blocks, Connection, End, Progress, RELAY_BLOCK, StreamSocket, Way},
};

/// Much longer than loopback needs. A test that waits this long hangs.
const PATIENCE: Duration = Duration::from_secs(20);

const UNBOUNDED: usize = usize::MAX;

struct Relayed {
    reactor: Reactor,
    source: Connection,
    destination: Connection,
    blocks: Blocks,
}

impl Relayed {
    /// Two connections, with their outer ends, which block: the source's and the destination's.
    fn new() -> (Self, TcpStream, TcpStream) {
        let reactor = Reactor::new().expect("a reactor");
        let (outer, source) = pair(&reactor);
        let (sink, destination) = pair(&reactor);
        let relayed = Self {
            reactor,
            source,
            destination,
            blocks: Blocks::default(),
        };
        (relayed, outer, sink)
    }

    fn poll(&mut self, way: &mut Way, budget: &mut usize) -> Progress {
        let _guard = self.reactor.enter();
        let waker = ReadyList::new(None).waker(Token(0));
        let [mut from, mut to] = [&mut self.source, &mut self.destination].map(|connection| End {
            connection,
            cx: Context::from_waker(&waker),
        });
        way.poll(&mut from, &mut to, &mut self.blocks, budget)
    }

    /// Polls until `done`, and turns the reactor in between.
    fn drive(&mut self, way: &mut Way, mut done: impl FnMut(&Way, &Progress) -> bool) {
        let started = Instant::now();
        loop {
            let progress = self.poll(way, &mut { UNBOUNDED });
            if done(way, &progress) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "nothing became ready");
            self.reactor.turn();
        }
    }
}

fn pair(reactor: &Reactor) -> (TcpStream, Connection) {
    let _guard = reactor.enter();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    let address: SocketAddr = listener.local_addr().expect("an address");
    let outer = TcpStream::connect(address).expect("connected");
    let (inner, peer) = listener.accept().expect("accepted");
    inner.set_nonblocking(true).expect("set");
    let socket = StreamSocket::tcp(inner).expect("registered");
    (outer, Connection::new(socket, Address::Ip(peer)))
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from(at % 251).unwrap_or_default())
        .collect()
}

#[test]
fn all_bytes_arrive_in_order_followed_by_the_end() {
    let (mut relayed, mut outer, mut sink) = Relayed::new();
    let bytes = pattern(3_000_000);
    let sent = bytes.clone();
    let pushing = thread::spawn(move || {
        outer.write_all(&sent).expect("written");
        outer.shutdown(Shutdown::Write).expect("shut down");
        outer
    });
    let reading = thread::spawn(move || {
        let mut arrived = Vec::new();
        sink.read_to_end(&mut arrived).expect("read");
        arrived
    });
    let mut way = Way::new(b"ahead ");
    relayed.drive(&mut way, |_, progress| matches!(progress, Progress::Ended));
    assert_eq!(way.moved(), 3_000_006);
    assert!(way.source_ended() && way.ended());
    let arrived = reading.join().expect("no panic");
    assert_eq!(&arrived[..6], b"ahead ");
    assert!(arrived[6..] == bytes);
    drop(pushing.join());
}

#[test]
fn behind_a_destination_that_does_not_read_at_most_one_block_waits() {
    let (mut relayed, mut outer, mut sink) = Relayed::new();
    let bytes = pattern(64 << 20);
    outer.set_nonblocking(true).expect("set");
    let mut offered = 0;
    let mut way = Way::new(&[]);
    let mut still = 0;
    let mut last = 0;
    // Until neither end has moved for fifty rounds.
    while still < 50 {
        offered += outer.write(&bytes[offered..]).unwrap_or(0);
        assert!(offered < bytes.len(), "all of it was taken");
        let progress = relayed.poll(&mut way, &mut { UNBOUNDED });
        assert!(matches!(progress, Progress::Pending));
        relayed.reactor.turn();
        still = if way.moved() + offered as u64 == last {
            still + 1
        } else {
            0
        };
        last = way.moved() + offered as u64;
    }
    let moved = usize::try_from(way.moved()).expect("fits");
    let rest = way.take_rest();
    assert!(!rest.is_empty() && rest.len() <= RELAY_BLOCK);
    // The bytes moved and the rest are a prefix without a gap.
    assert!(rest == bytes[moved..moved + rest.len()]);
    let mut arrived = vec![0; moved];
    sink.read_exact(&mut arrived).expect("read");
    assert!(arrived == bytes[..moved]);
}

#[test]
fn a_poll_stops_when_its_budget_is_spent() {
    let (mut relayed, mut outer, _sink) = Relayed::new();
    outer.write_all(&pattern(100_000)).expect("written");
    let mut way = Way::new(&[]);
    let mut budget = 1;
    let started = Instant::now();
    while !matches!(relayed.poll(&mut way, &mut budget), Progress::More) {
        assert!(started.elapsed() < PATIENCE, "nothing became ready");
        relayed.reactor.turn();
    }
    assert_eq!(budget, 0);
    assert!(way.moved() > 0);
}
