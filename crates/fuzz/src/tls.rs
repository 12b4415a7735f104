//! Two TLS engines, and a wire between them.
//!
//! What must hold, whatever happens to the wire:
//! 1. What one side receives is a prefix of what the other has sent: no byte is changed, lost in the middle, or
//!    invented.
//! 2. After the handshake, the end of data is the end that the other side has declared.
//! 3. A wire that only cuts and delays makes nothing fail, and in the end everything arrives.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use structio_core::tls::{
    ClientCertificate, Context, Engine, EngineStep, Failure, Session, Settings, Side, Start,
};

use crate::script::Script;

/// Most steps of one program, and most bytes on a wire: long inputs should not run longer.
const STEPS: usize = 96;
const MOST_WIRE: usize = 262_144;

const CLIENT: usize = 0;
const SERVER: usize = 1;

/// Disturbs a connection from its first byte on.
pub fn tls_handshake(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let options = Options::read(&mut script);
    if script.flag() {
        feed_alone(&options, &mut script);
    } else {
        let mut pair = Pair::new(&options);
        pair.run(&mut script);
        pair.finish();
    }
}

/// Disturbs a connection after an undisturbed handshake.
pub fn tls_session(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut pair = Pair::new(&Options::read(&mut script));
    pair.settle();
    assert!(pair.ends.iter().all(|end| end.open), "the handshake is not done");
    pair.run(&mut script);
    pair.finish();
}

/// Feeds one side with bytes that are no TLS, or only resemble it.
fn feed_alone(options: &Options, script: &mut Script<'_>) {
    let side = if script.flag() { Side::Server } else { Side::Client };
    let piece = usize::from(script.byte()) + 1;
    let mut engine = engine(side, options);
    for bytes in script.rest().chunks(piece) {
        if engine.feed(bytes).is_err() {
            break;
        }
        assert!(engine.session().is_none(), "a handshake without a peer");
    }
    engine.take_ciphertext();
    assert!(engine.feed_end().is_err(), "the end of a handshake is no success");
    assert_eq!(engine.take_plaintext(), b"");
}

struct Options {
    tls12: bool,
    tls13: bool,
    ask_by_name: bool,
    client_certificate: ClientCertificate,
    tickets: bool,
    standard_compatible: bool,
}

impl Options {
    fn read(script: &mut Script<'_>) -> Self {
        let bits = script.byte();
        let is_set = |bit: u8| bits >> bit & 1 == 1;
        Self {
            tls12: is_set(0),
            tls13: is_set(1) || !is_set(0),
            ask_by_name: is_set(2),
            client_certificate: if is_set(3) {
                ClientCertificate::Optional
            } else {
                ClientCertificate::None
            },
            tickets: is_set(4),
            standard_compatible: !is_set(5),
        }
    }
}

struct End {
    engine: Engine,
    /// Bytes on their way to this side.
    wire: Vec<u8>,
    /// Bytes for this side were changed, not only cut.
    disturbed: bool,
    open: bool,
    failed: bool,
    refused: bool,
    named: bool,
    sent: Vec<u8>,
    received: usize,
    closed: bool,
}

struct Pair {
    ends: [End; 2],
    context: Arc<Context>,
}

impl Pair {
    fn new(options: &Options) -> Self {
        let ends = [Side::Client, Side::Server].map(|side| End {
            engine: engine(side, options),
            wire: Vec::new(),
            disturbed: false,
            open: false,
            failed: false,
            refused: false,
            named: false,
            sent: Vec::new(),
            received: 0,
            closed: false,
        });
        let mut pair = Self {
            ends,
            context: context(Side::Server, options),
        };
        pair.collect(CLIENT);
        pair
    }

    fn run(&mut self, script: &mut Script<'_>) {
        for _ in 0..STEPS {
            if script.is_over() {
                return;
            }
            let step = script.byte();
            let side = usize::from(step & 1);
            let wire = &mut self.ends[side].wire;
            let at = |script: &mut Script<'_>| script.short() % (wire.len() + 1);
            match step >> 1 & 0xf {
                0 | 1 => {
                    let length = script.short().min(wire.len());
                    self.deliver(side, length);
                }
                2 | 3 => self.deliver(side, usize::MAX),
                4 => {
                    let (at, bits) = (at(script), script.byte());
                    if let Some(byte) = wire.get_mut(at) {
                        *byte ^= bits;
                        self.ends[side].disturbed |= bits != 0;
                    }
                }
                5 => {
                    let at = at(script);
                    let length = script.byte().into();
                    let bytes = script.bytes(length);
                    wire.splice(at..at, bytes.iter().copied());
                    self.ends[side].disturbed |= !bytes.is_empty();
                }
                6 => {
                    let at = at(script);
                    let end = wire.len().min(at + script.short());
                    self.ends[side].disturbed |= at < end;
                    self.ends[side].wire.drain(at..end);
                }
                7 => {
                    let at = at(script);
                    let end = wire.len().min(at + script.short());
                    let again = wire[at..end].to_vec();
                    if wire.len() < MOST_WIRE {
                        wire.extend(&again);
                        self.ends[side].disturbed |= !again.is_empty();
                    }
                }
                8 | 9 => self.send(side, script.short()),
                10 => self.send(side, 0),
                11 => {
                    self.ends[side].engine.send_close();
                    self.ends[side].closed |= self.ends[side].open;
                    self.collect(side);
                }
                12 => {
                    let outcome = self.ends[side].engine.feed_end();
                    assert_eq!(outcome.is_ok(), self.ends[side].open);
                }
                13 if self.ends[side].named => self.choose(side, script.flag()),
                14 if self.ends[side].named => {
                    self.ends[side].engine.refuse();
                    self.ends[side].refused = true;
                    self.ends[side].named = false;
                    self.collect(side);
                }
                _ => self.settle(),
            }
        }
    }

    /// Delivers everything, until neither side has more to send.
    fn settle(&mut self) {
        loop {
            for side in [CLIENT, SERVER] {
                if self.ends[side].named {
                    self.choose(side, false);
                }
                self.collect(side);
            }
            if self.ends.iter().all(|end| end.wire.is_empty()) {
                return;
            }
            for side in [CLIENT, SERVER] {
                self.deliver(side, usize::MAX);
            }
        }
    }

    fn finish(mut self) {
        self.settle();
        if self.ends.iter().any(|end| end.disturbed || end.refused) {
            return;
        }
        for side in [CLIENT, SERVER] {
            let [end, other] = self.from(side);
            assert!(end.open, "nothing was disturbed, and the handshake is not done");
            assert_eq!(end.received, other.sent.len(), "bytes are missing");
            assert_eq!(end.engine.has_ended(), other.closed, "the end of the data");
        }
    }

    /// A side, and its other side.
    fn from(&self, side: usize) -> [&End; 2] {
        [&self.ends[side], &self.ends[1 - side]]
    }

    fn deliver(&mut self, side: usize, length: usize) {
        let end = &mut self.ends[side];
        if cfg!(debug_assertions) && end.closed && end.disturbed {
            // A debug assertion of rustls 0.23.46 (`send_fatal_alert`) fails when a bad record comes after our own
            // `close_notify`. Published builds have no debug assertions, and send one alert more.
            end.wire.clear();
            return;
        }
        let length = length.min(end.wire.len());
        let bytes: Vec<u8> = end.wire.drain(..length).collect();
        let outcome = end.engine.feed(&bytes);
        self.take(side, outcome);
    }

    fn choose(&mut self, side: usize, other: bool) {
        let context = other.then(|| Arc::clone(&self.context));
        self.ends[side].named = false;
        let outcome = self.ends[side].engine.choose(context);
        self.take(side, outcome);
    }

    fn take(&mut self, side: usize, outcome: Result<EngineStep, Failure>) {
        let end = &mut self.ends[side];
        match outcome {
            Ok(EngineStep::More) => {}
            Ok(EngineStep::Named(name)) => {
                assert!(end.disturbed || name == "server.test", "{name}");
                end.named = true;
            }
            Ok(EngineStep::Handshaken) => {
                assert!(!end.open && !end.failed, "handshaken twice, or after a failure");
                end.open = true;
            }
            Err(failure) => {
                // A side that has failed or refused sends an alert, which fails the other one.
                let spoilt = self.ends.iter().any(|end| end.disturbed || end.refused);
                assert!(spoilt, "nothing was disturbed: {failure:?}");
                self.ends[side].failed = true;
            }
        }
        let end = &mut self.ends[side];
        assert_eq!(end.open, end.engine.session().is_some());
        let plaintext = end.engine.take_plaintext();
        let from = end.received;
        end.received += plaintext.len();
        let [end, other] = self.from(side);
        assert_eq!(
            other.sent.get(from..end.received),
            Some(&plaintext[..]),
            "other bytes than were sent"
        );
        assert!(
            !end.open || !end.engine.has_ended() || other.closed,
            "an end that the other side has not declared"
        );
        self.collect(side);
    }

    fn send(&mut self, side: usize, length: usize) {
        let end = &mut self.ends[side];
        if end.closed || end.sent.len() > MOST_WIRE {
            return;
        }
        let first = end.sent.len();
        let bytes: Vec<u8> = (first..first + length)
            .map(|position| u8::try_from((position * 7 + position / 256 + side) % 251).unwrap_or(0))
            .collect();
        let outcome = end.engine.send(&bytes);
        assert_eq!(
            outcome.is_ok(),
            end.open && !end.engine.session().is_some_and(Session::has_failed)
        );
        if outcome.is_ok() {
            end.sent.extend(bytes);
        }
        self.collect(side);
    }

    /// Puts a side's ciphertext on the wire to the other one.
    fn collect(&mut self, side: usize) {
        let bytes = self.ends[side].engine.take_ciphertext();
        self.ends[1 - side].wire.extend(bytes);
        assert_eq!(self.ends[side].engine.take_ciphertext(), b"");
    }
}

fn engine(side: Side, options: &Options) -> Engine {
    let start = Start {
        side,
        hostname: "server.test".to_owned(),
        standard_compatible: options.standard_compatible,
        ask_by_name: options.ask_by_name,
    };
    Engine::new(&start, context(side, options)).expect("an engine")
}

/// A new context for each run: with sessions to resume, a run would depend on the run before.
fn context(side: Side, options: &Options) -> Arc<Context> {
    let (certificates, key, ca) = match side {
        Side::Client => (Vec::new(), None, vec![CREDENTIALS.0.clone()]),
        Side::Server => (
            vec![CREDENTIALS.1.clone()],
            Some(CREDENTIALS.2.clone()),
            vec![CREDENTIALS.0.clone()],
        ),
    };
    let suites = [
        "TLS_AES_128_GCM_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ];
    Arc::new(Context::new(Settings {
        certificates,
        key,
        ca,
        system_ca: false,
        alpn_protocols: vec!["h2".to_owned(), "http/1.1".to_owned()],
        tls12: options.tls12,
        tls13: options.tls13,
        cipher_suites: suites.map(str::to_owned).to_vec(),
        verify: true,
        client_certificate: options.client_certificate,
        session_tickets: options.tickets,
        key_log: false,
    }))
}

/// An authority, the server's certificate, and its key.
static CREDENTIALS: LazyLock<(Vec<u8>, Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer =
        CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(vec!["server.test".to_owned()]).expect("names");
    let server = server.signed_by(&key, &issuer).expect("signed");
    (issuer.der().to_vec(), server.der().to_vec(), key.serialize_der())
});

/// Without a certificate, for the other targets: `tls_handshake` covers complete handshakes.
pub static PLAIN_CONTEXT: LazyLock<Arc<Context>> = LazyLock::new(|| {
    Arc::new(Context::new(Settings {
        certificates: Vec::new(),
        key: None,
        ca: Vec::new(),
        system_ca: false,
        alpn_protocols: Vec::new(),
        tls12: true,
        tls13: true,
        cipher_suites: vec![
            "TLS_AES_128_GCM_SHA256".to_owned(),
            "ECDHE-ECDSA-AES128-GCM-SHA256".to_owned(),
        ],
        verify: true,
        client_certificate: ClientCertificate::None,
        session_tickets: false,
        key_log: false,
    }))
});
