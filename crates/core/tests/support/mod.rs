//! Shared by the tests of TLS.
//!
//! TLS is driven as the addon drives it. Either both sides are connections of ours over loopback, or one side is an
//! engine whose bytes the test moves itself: [`Far`] decides when they move, and how many.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of it")]

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, LazyLock},
    task::{self, Poll, Waker},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use structio_core::{
    address::Address,
    reactor::Reactor,
    ready::{ReadyList, Token},
    streams::{Connection, StreamSocket},
    tls::{ClientCertificate, Context, Engine, Failure, Settings, Side, SocketHandshake, Start, Step},
};

/// Much longer than loopback needs. A test that waits this long hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const SUITES: [&str; 3] = [
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
];

/// A certificate authority, and a server certificate of it for `server.test` and `127.0.0.1`.
pub struct Credentials {
    pub ca: Vec<u8>,
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
    /// A self-signed CA certificate with its key, as `openssl req -x509` makes them.
    pub lone: (Vec<u8>, Vec<u8>),
}

pub static CREDENTIALS: LazyLock<Credentials> = LazyLock::new(|| {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer =
        CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("signed");
    let names = || vec!["server.test".to_owned(), "127.0.0.1".to_owned()];
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(names()).expect("names");
    let lone_key = KeyPair::generate().expect("a key");
    let mut lone = CertificateParams::new(names()).expect("names");
    lone.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Credentials {
        ca: issuer.der().to_vec(),
        certificate: server.signed_by(&key, &issuer).expect("signed").der().to_vec(),
        key: key.serialize_der(),
        lone: (
            lone.self_signed(&lone_key).expect("signed").der().to_vec(),
            lone_key.serialize_der(),
        ),
    }
});

/// Settings with both versions of TLS, and no certificates.
pub fn settings() -> Settings {
    Settings {
        certificates: Vec::new(),
        key: None,
        ca: Vec::new(),
        system_ca: false,
        alpn_protocols: Vec::new(),
        tls12: true,
        tls13: true,
        cipher_suites: SUITES.map(str::to_owned).to_vec(),
        verify: true,
        client_certificate: ClientCertificate::None,
        session_tickets: true,
        key_log: false,
    }
}

pub fn server_settings() -> Settings {
    Settings {
        certificates: vec![CREDENTIALS.certificate.clone()],
        key: Some(CREDENTIALS.key.clone()),
        ..settings()
    }
}

pub fn client_settings() -> Settings {
    Settings {
        ca: vec![CREDENTIALS.ca.clone()],
        ..settings()
    }
}

pub fn start(side: Side) -> Start {
    Start {
        side,
        hostname: "server.test".to_owned(),
        standard_compatible: true,
        ask_by_name: false,
    }
}

/// An engine with the usual settings of its side.
pub fn engine(side: Side) -> Engine {
    let settings = match side {
        Side::Client => client_settings(),
        Side::Server => server_settings(),
    };
    Engine::new(&start(side), Arc::new(Context::new(settings))).expect("an engine")
}

/// A reactor with one waker.
pub struct Bench {
    pub reactor: Reactor,
    pub waker: Waker,
    pub ready: Arc<ReadyList>,
}

impl Bench {
    pub fn new() -> Self {
        let ready = ReadyList::new(None);
        let waker = ready.waker(Token(0));
        Self {
            reactor: Reactor::new().expect("a reactor"),
            waker,
            ready,
        }
    }

    /// Polls once, under the guard of the reactor.
    pub fn once<T>(&self, poll: impl FnOnce(&mut task::Context<'_>) -> T) -> T {
        let _guard = self.reactor.enter();
        poll(&mut task::Context::from_waker(&self.waker))
    }

    /// Polls until ready, and turns the reactor in between, as the driver does.
    pub fn drive<T>(&self, mut poll: impl FnMut(&mut task::Context<'_>) -> Poll<T>) -> T {
        let started = Instant::now();
        loop {
            if let Poll::Ready(value) = self.once(&mut poll) {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "nothing became ready");
            self.reactor.turn();
            self.ready.take(&mut Vec::new());
        }
    }

    /// Registers a socket.
    pub fn socket(&self, socket: TcpStream) -> (StreamSocket, Address) {
        let _guard = self.reactor.enter();
        socket.set_nonblocking(true).expect("set");
        let remote = socket.peer_addr().expect("connected");
        (StreamSocket::tcp(socket).expect("registered"), remote.into())
    }

    /// A handshake of ours over `socket`, not begun.
    pub fn handshake(
        &self,
        start: &Start,
        settings: Settings,
        socket: TcpStream,
        prefetched: &[u8],
    ) -> SocketHandshake {
        let (socket, remote) = self.socket(socket);
        let context = Arc::new(Context::new(settings));
        SocketHandshake::new(start.clone(), context, socket, remote, prefetched.to_vec())
    }

    /// Makes both sides of a handshake and returns the outcome of each.
    pub fn shake_hands(
        &self,
        client: (&Start, Settings),
        server: (&Start, Settings),
    ) -> [Result<Connection, Failure>; 2] {
        let (ours, theirs) = sockets();
        let mut sides = [
            Some(self.handshake(client.0, client.1, ours, &[])),
            Some(self.handshake(server.0, server.1, theirs, &[])),
        ];
        let mut outcomes = [None, None];
        self.drive(|cx| {
            for (side, outcome) in sides.iter_mut().zip(&mut outcomes) {
                if let Some(handshake) = side
                    && let Poll::Ready(step) = handshake.poll(cx)
                {
                    let handshake = side.take().expect("here");
                    *outcome = Some(step.map(|step| finish(handshake, step, cx)));
                }
            }
            if outcomes.iter().all(Option::is_some) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        outcomes.map(|outcome| outcome.expect("looked at above"))
    }

    /// As `pair`, with other parameters and settings.
    pub fn pair_with(
        &self,
        start_of: impl Fn(Side) -> Start,
        adjust: impl Fn(&mut Settings),
    ) -> [Connection; 2] {
        let (mut client, mut server) = (client_settings(), server_settings());
        adjust(&mut client);
        adjust(&mut server);
        let (client_start, server_start) = (start_of(Side::Client), start_of(Side::Server));
        self.shake_hands((&client_start, client), (&server_start, server))
            .map(|outcome| outcome.expect("a handshake that succeeds"))
    }

    /// Two connected sides after a handshake.
    pub fn pair(&self) -> [Connection; 2] {
        self.pair_with(start, |_| {})
    }

    /// A connection of ours, with an engine as its other side.
    pub fn beside_engine(&self, side: Side, standard_compatible: bool) -> (Connection, Far) {
        let (ours, theirs) = sockets();
        let (other, settings) = match side {
            Side::Client => (Side::Server, client_settings()),
            Side::Server => (Side::Client, server_settings()),
        };
        let start = Start {
            standard_compatible,
            ..start(side)
        };
        let mut handshake = Some(self.handshake(&start, settings, ours, &[]));
        let mut far = Far::new(engine(other), theirs);
        let mut done = None;
        far.push(&[]);
        self.drive(|cx| {
            if let Some(ours) = &mut handshake
                && let Poll::Ready(step) = ours.poll(cx)
            {
                let ours = handshake.take().expect("here");
                done = Some(finish(ours, step.expect("a handshake that succeeds"), cx));
            }
            far.pull();
            if done.is_some() && far.engine.session().is_some() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        (done.expect("looked at above"), far)
    }

    /// Receives once.
    pub fn receive(&self, connection: &mut Connection) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; 65_536];
        let count = self.drive(|cx| connection.poll_receive(cx, &mut buffer))?;
        buffer.truncate(count);
        Ok(buffer)
    }

    /// Receives until `length` bytes have come.
    pub fn receive_all(&self, connection: &mut Connection, length: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < length {
            let some = self.receive(connection).expect("received");
            assert!(!some.is_empty(), "the data ended after {} bytes", all.len());
            all.extend(some);
        }
        all
    }

    /// The TLS failure that a receive gives.
    pub fn failure(&self, connection: &mut Connection) -> Failure {
        failure_in(&self.receive(connection).expect_err("a failure"))
    }
}

/// The other side of a connection of ours: an engine, and the socket that its ciphertext goes over.
pub struct Far {
    pub engine: Engine,
    pub socket: TcpStream,
    pub plaintext: Vec<u8>,
}

impl Far {
    pub fn new(engine: Engine, socket: TcpStream) -> Self {
        socket.set_nonblocking(true).expect("set");
        Self {
            engine,
            socket,
            plaintext: Vec::new(),
        }
    }

    /// Sends `bytes`, if there are any, and all ciphertext of the engine.
    pub fn push(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.engine.send(bytes).expect("sent");
        }
        let ciphertext = self.engine.take_ciphertext();
        self.write(&ciphertext);
    }

    /// Writes ciphertext as it is.
    pub fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("written");
    }

    /// Feeds the engine all ciphertext that has arrived.
    pub fn pull(&mut self) {
        let mut buffer = [0; 65_536];
        while let Ok(count @ 1..) = self.socket.read(&mut buffer) {
            self.engine.feed(&buffer[..count]).expect("understood");
            self.push(&[]);
        }
        self.plaintext.extend(self.engine.take_plaintext());
    }
}

/// Two connected sockets that block.
pub fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
    (client, listener.accept().expect("accepted").0)
}

/// The connection of a handshake that is done.
pub fn finish(handshake: SocketHandshake, step: Step, cx: &mut task::Context<'_>) -> Connection {
    match step {
        Step::Done(session) => {
            let mut connection = Connection::Tls(Box::new(handshake.finish(*session)));
            assert!(connection.poll_flush(cx).is_ready(), "so little is taken at once");
            connection
        }
        other => panic!("a handshake that asks: {other:?}"),
    }
}

/// The TLS failure inside an error.
pub fn failure_in(error: &io::Error) -> Failure {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref())
        .cloned()
        .expect("a failure of TLS")
}

/// Bytes whose period, 251, divides no buffer size: lost and repeated bytes show.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from(at % 251).expect("below 251"))
        .collect()
}
