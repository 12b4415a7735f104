//! TCP connections and listeners, driven as the addon drives them: wakers push tokens, the test turns the reactor.

#![allow(clippy::expect_used, reason = "a test that cannot set itself up fails")]

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use structio_core::{
    address::Address,
    reactor::Reactor,
    ready::{ReadyList, Token},
    streams::{ConnectRequest, Connecting, Connection, ConnectionOptions, ListenRequest, Listener},
};

const OPTIONS: ConnectionOptions = ConnectionOptions {
    no_delay: true,
    keep_alive: false,
};

/// Much longer than loopback needs. A test that waits this long hangs.
const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    reactor: Reactor,
    waker: Waker,
    ready: Arc<ReadyList>,
}

impl Bench {
    fn new() -> Self {
        let ready = ReadyList::new(None);
        let waker = ready.waker(Token(0));
        Self {
            reactor: Reactor::new().expect("a reactor"),
            waker,
            ready,
        }
    }

    /// Polls until ready, and turns the reactor in between, as the driver does.
    fn drive<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let started = Instant::now();
        let _guard = self.reactor.enter();
        loop {
            if let Poll::Ready(value) = poll(&mut Context::from_waker(&self.waker)) {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "nothing became ready");
            self.reactor.turn();
            self.ready.take(&mut Vec::new());
        }
    }

    fn connect(&self, address: SocketAddr) -> std::io::Result<Connection> {
        let mut attempt = {
            let _guard = self.reactor.enter();
            Connecting::start(ConnectRequest {
                address,
                bind: None,
                options: OPTIONS,
            })?
        };
        self.drive(|cx| attempt.poll_connect(cx))
    }

    /// A connection of ours, with a blocking socket at its other end.
    fn pair(&self) -> (Connection, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let connection = self
            .connect(listener.local_addr().expect("bound"))
            .expect("connected");
        (connection, listener.accept().expect("accepted").0)
    }

    fn receive(&self, connection: &mut Connection) -> std::io::Result<Vec<u8>> {
        let mut buffer = [0; 1024];
        let count = self.drive(|cx| connection.poll_receive(cx, &mut buffer))?;
        Ok(buffer[..count].to_vec())
    }
}

#[test]
fn segments_arrive_in_order_followed_by_the_end() {
    let bench = Bench::new();
    let (mut connection, mut peer) = bench.pair();
    connection.send(
        &mut Context::from_waker(&bench.waker),
        &[b"one ", b"two ", b"three"],
    );
    bench.drive(|cx| connection.poll_shutdown(cx));
    let mut text = String::new();
    peer.read_to_string(&mut text).expect("text");
    assert_eq!(text, "one two three");

    peer.write_all(b"answer").expect("written");
    drop(peer);
    assert_eq!(bench.receive(&mut connection).expect("bytes"), b"answer");
    assert_eq!(bench.receive(&mut connection).expect("the end"), b"");
}

#[test]
fn bytes_that_the_kernel_refuses_are_kept_and_sent_later() {
    let bench = Bench::new();
    let (mut connection, mut peer) = bench.pair();
    let chunk: Vec<u8> = (0..=255).cycle().take(60_000).collect();
    let mut sent = Vec::new();
    while connection.unsent() == 0 {
        connection.send(&mut Context::from_waker(&bench.waker), &[&chunk]);
        sent.extend_from_slice(&chunk);
    }
    let reader = std::thread::spawn(move || {
        let mut received = Vec::new();
        peer.read_to_end(&mut received).map(|_| received)
    });
    bench.drive(|cx| connection.poll_shutdown(cx));
    assert_eq!(connection.unsent(), 0);
    assert!(reader.join().expect("no panic").expect("bytes") == sent);
}

#[test]
fn a_write_error_is_reported_once_and_received_data_stays_readable() {
    let bench = Bench::new();
    let (mut connection, mut peer) = bench.pair();
    peer.write_all(b"answer").expect("written");
    // A socket that was closed with unread data answers later data with a reset.
    peer.shutdown(Shutdown::Both).expect("shut down");
    drop(peer);
    let started = Instant::now();
    let error = loop {
        connection.send(&mut Context::from_waker(&bench.waker), &[b"x"]);
        if let Some(error) = connection.take_write_error() {
            break error;
        }
        assert!(started.elapsed() < PATIENCE, "the peer takes everything");
        bench.reactor.turn();
    };
    assert!(
        matches!(error.raw_os_error(), Some(libc::EPIPE | libc::ECONNRESET)),
        "{error}"
    );
    assert!(connection.take_write_error().is_none(), "reported once");
    connection.send(&mut Context::from_waker(&bench.waker), &[b"swallowed"]);
    assert_eq!(connection.unsent(), 0);
    assert_eq!(bench.receive(&mut connection).expect("bytes"), b"answer");
}

#[test]
fn a_direct_send_comes_after_the_segments_and_takes_only_what_the_kernel_takes() {
    let bench = Bench::new();
    let (mut connection, mut peer) = bench.pair();
    let data = vec![7; 50_000_000];
    let taken = connection.send_direct(&mut Context::from_waker(&bench.waker), &[b"head"], &data);
    assert!(taken > 0 && taken < data.len(), "{taken}");
    assert_eq!(connection.unsent(), 0);
    let mut head = [0; 5];
    peer.read_exact(&mut head).expect("bytes");
    assert_eq!(&head, b"head\x07");
}

#[test]
fn a_refused_connection_is_econnrefused() {
    let bench = Bench::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let error = bench.connect(address).expect_err("no listener");
    assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
}

#[test]
fn a_listener_without_an_address_takes_both_families() {
    let bench = Bench::new();
    let request = ListenRequest {
        address: None,
        port: 0,
        backlog: 8,
        reuse_port: false,
        options: OPTIONS,
    };
    let mut listener = {
        let _guard = bench.reactor.enter();
        Listener::open(&request).expect("listening")
    };
    let port = port_of(&listener.local_address().expect("bound"));
    let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connected over IPv4");
    let accepted = bench.drive(|cx| listener.poll_accept(cx)).expect("accepted");
    let seen = accepted.remote_address();
    assert_eq!(port_of(seen), client.local_addr().expect("bound").port());
}

fn port_of(address: &Address) -> u16 {
    match address {
        Address::Ip(address) => address.port(),
        // No TCP socket has such an address.
        Address::Unix(_) => 0,
    }
}

/// `read` stops at urgent data. The data behind it has arrived already, so no new readiness announces it.
#[test]
#[cfg(unix)]
fn data_behind_urgent_data_is_received() {
    let bench = Bench::new();
    let (mut connection, mut peer) = bench.pair();
    for round in 0..3 {
        peer.write_all(b"abc").expect("sent");
        let urgent = rustix::net::send(&peer, b"!", rustix::net::SendFlags::OOB);
        assert_eq!(urgent.expect("sent"), 1);
        peer.write_all(b"def").expect("sent");
        let mut received = Vec::new();
        while received.len() < 6 {
            received.extend(bench.receive(&mut connection).expect("received"));
        }
        assert_eq!(received, b"abcdef", "in round {round}");
    }
}
