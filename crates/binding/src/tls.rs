//! What TypeScript sees of TLS: contexts, handshakes on the event loop's connections, and the engine for other streams.
//! This file converts and decides nothing.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the napi macro hands over owned values"
)]

use std::{future::poll_fn, sync::Arc};

use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;
use structio_core::tls::{
    self, ClientCertificate, Engine, EngineStep, Facts, Failure, Reason, Session, Settings, Side,
    SocketHandshake, Start,
};

use crate::{
    event_loop::Remote,
    facade::EventLoop,
    rings::{Entry, HandleId, Lent},
};

#[napi(object, object_to_js = false)]
pub struct TlsSettings {
    /// DER, the end entity's first.
    pub certificates: Vec<Uint8Array>,
    /// PKCS #8, DER.
    pub key: Option<Uint8Array>,
    /// DER.
    pub ca: Vec<Uint8Array>,
    pub system_ca: bool,
    pub alpn_protocols: Vec<String>,
    pub tls12: bool,
    pub tls13: bool,
    /// OpenSSL's names.
    pub cipher_suites: Vec<String>,
    pub verify: bool,
    /// `'none'`, `'optional'` or `'required'`.
    pub client_certificate: String,
    pub session_tickets: bool,
    pub key_log: bool,
}

#[napi(object, object_to_js = false)]
pub struct TlsStart {
    pub server_side: bool,
    /// The name or address that the server's certificate must be valid for.
    pub hostname: String,
    pub standard_compatible: bool,
    /// Announces the name that a client sends, and waits for the context.
    pub ask_by_name: bool,
}

#[napi(object, object_from_js = false)]
pub struct TlsFailure {
    /// A key of `TLSErrorReason`, or `'truncated'`.
    pub reason: String,
    pub detail: String,
    pub errno: Option<i32>,
}

#[napi(object, object_from_js = false)]
pub struct TlsFacts {
    pub version: String,
    pub cipher: String,
    pub alpn_protocol: Option<String>,
    /// A server's: what the client sent.
    pub server_name: Option<String>,
    /// A server's.
    pub shared_ciphers: Option<Vec<String>>,
}

/// TLS settings, and what rustls has made of them.
#[napi]
pub struct TlsContext {
    context: Arc<tls::Context>,
}

#[napi]
impl TlsContext {
    #[napi(constructor, catch_unwind)]
    pub fn new(settings: TlsSettings) -> Self {
        Self {
            context: Arc::new(tls::Context::new(settings.into())),
        }
    }

    /// Key log lines since the last call.
    #[napi(catch_unwind)]
    pub fn take_key_log(&self) -> Vec<String> {
        self.context.take_key_log()
    }
}

#[napi]
impl EventLoop {
    /// Starts a handshake on a connection, under the same handle. `Handshaken`, `HandshakeFailed` or `ClientHello`
    /// follows. `prefetched`: ciphertext already read from the connection.
    #[napi(catch_unwind)]
    pub fn start_tls(
        &self,
        handle: f64,
        context: &TlsContext,
        start: TlsStart,
        prefetched: &[u8],
        on_pool: bool,
    ) {
        let id = HandleId::from_number(handle);
        let context = Arc::clone(&context.context);
        let start = Start::from(start);
        // A client's first flight leaves at once. A server waits for it anyway, and for its turn.
        let waits = start.side == Side::Server;
        self.driver
            .with_turn(|turn| turn.start_tls(id, context, start, prefetched.to_vec()));
        self.go_on(id, on_pool, waits);
    }

    /// The server name of a handshake that `ClientHello` has announced.
    #[napi(catch_unwind)]
    pub fn client_name(&self, handle: f64) -> Option<String> {
        self.driver
            .with_turn(|turn| turn.client_name(HandleId::from_number(handle)))
            .flatten()
    }

    /// Goes on with a handshake after `ClientHello`, with this context.
    #[napi(catch_unwind)]
    pub fn continue_tls(&self, handle: f64, context: &TlsContext, on_pool: bool) {
        let id = HandleId::from_number(handle);
        let context = Arc::clone(&context.context);
        self.driver.with_turn(|turn| turn.continue_tls(id, context));
        self.go_on(id, on_pool, true);
    }

    /// Refuses a handshake after `ClientHello`: sends an alert and closes the handle.
    #[napi(catch_unwind)]
    pub fn refuse_tls(&self, handle: f64) {
        self.driver
            .with_turn(|turn| turn.refuse_tls(HandleId::from_number(handle)));
    }

    /// The failure of a handshake, or of a connection's TLS.
    #[napi(catch_unwind)]
    pub fn tls_failure(&self, handle: f64) -> Option<TlsFailure> {
        self.driver
            .with_turn(|turn| turn.tls_failure(HandleId::from_number(handle)))
            .flatten()
            .map(TlsFailure::from)
    }

    #[napi(catch_unwind)]
    pub fn tls_facts(&self, handle: f64) -> Option<TlsFacts> {
        self.session(handle, |session| session.facts().into())
    }

    /// DER.
    #[napi(catch_unwind)]
    pub fn tls_peer_certificate(&self, handle: f64) -> Option<Buffer> {
        self.session(handle, |session| session.peer_certificate().map(Buffer::from))
            .flatten()
    }

    #[napi(catch_unwind)]
    pub fn tls_export(&self, handle: f64, length: u32, label: String) -> Option<Buffer> {
        self.session(handle, |session| export(session, length, &label))
            .flatten()
    }
}

impl EventLoop {
    /// Polls a handshake here, or on the pool.
    fn go_on(&self, id: HandleId, on_pool: bool, waits: bool) {
        self.driver.with_turn(|turn| {
            if on_pool {
                turn.lend_handshake(id, |handshake| self.lend(id, handshake));
            } else if waits {
                turn.queue_handshake(id);
            } else {
                turn.poll_handshake(id.index);
            }
        });
    }

    fn lend(&self, id: HandleId, mut handshake: Box<SocketHandshake>) -> Lent {
        let remote = Arc::clone(self.driver.remote());
        Lent(self.pool.run(async move {
            let outcome = poll_fn(|cx| handshake.poll(cx)).await;
            remote.push(Remote::Handshake(id, handshake, outcome));
        }))
    }

    fn session<T>(&self, handle: f64, read: impl FnOnce(&Session) -> T) -> Option<T> {
        self.driver
            .with_turn(|turn| match turn.entry(HandleId::from_number(handle)) {
                Some(Entry::Stream(stream)) => stream.connection.session().map(read),
                _ => None,
            })
            .flatten()
    }
}

/// The result of a call of [`TlsEngine`].
#[napi(object, object_from_js = false)]
pub struct TlsEngineStep {
    /// This step has completed the handshake.
    pub handshaken: bool,
    /// A client has sent this name: call `choose` or `refuse` next.
    pub name: Option<String>,
    pub failure: Option<TlsFailure>,
    /// Bytes to send to the peer.
    pub ciphertext: Option<Buffer>,
    pub plaintext: Option<Buffer>,
    /// The peer has sent `close_notify`.
    pub ended: bool,
}

/// TLS without I/O: ciphertext in, ciphertext out.
#[napi]
pub struct TlsEngine {
    engine: Result<Engine, Failure>,
}

#[napi]
impl TlsEngine {
    /// A context that does not fit this side fails with the first `feed`.
    #[napi(constructor, catch_unwind)]
    pub fn new(context: &TlsContext, start: TlsStart) -> Self {
        Self {
            engine: Engine::new(&start.into(), Arc::clone(&context.context)),
        }
    }

    /// Takes ciphertext. Without bytes, only gives what there is to send.
    #[napi(catch_unwind)]
    pub fn feed(&mut self, bytes: &[u8]) -> TlsEngineStep {
        self.step(|engine| engine.feed(bytes))
    }

    #[napi(catch_unwind)]
    pub fn feed_end(&mut self) -> TlsEngineStep {
        self.step(|engine| engine.feed_end().map(|()| EngineStep::More))
    }

    #[napi(catch_unwind)]
    pub fn choose(&mut self, context: &TlsContext) -> TlsEngineStep {
        let context = Arc::clone(&context.context);
        self.step(|engine| engine.choose(Some(context)))
    }

    #[napi(catch_unwind)]
    pub fn refuse(&mut self) -> TlsEngineStep {
        self.step(|engine| {
            engine.refuse();
            Ok(EngineStep::More)
        })
    }

    /// Encrypts `data`.
    #[napi(catch_unwind)]
    pub fn send(&mut self, data: &[u8]) -> TlsEngineStep {
        self.step(|engine| engine.send(data).map(|()| EngineStep::More))
    }

    /// Encrypts `close_notify`.
    #[napi(catch_unwind)]
    pub fn send_close(&mut self) -> TlsEngineStep {
        self.step(|engine| {
            engine.send_close();
            Ok(EngineStep::More)
        })
    }

    #[napi(catch_unwind)]
    pub fn facts(&self) -> Option<TlsFacts> {
        self.session().map(|session| session.facts().into())
    }

    #[napi(catch_unwind)]
    pub fn peer_certificate(&self) -> Option<Buffer> {
        self.session()?.peer_certificate().map(Buffer::from)
    }

    #[napi(catch_unwind)]
    pub fn export(&self, length: u32, label: String) -> Option<Buffer> {
        export(self.session()?, length, &label)
    }
}

impl TlsEngine {
    fn session(&self) -> Option<&Session> {
        self.engine.as_ref().ok()?.session()
    }

    fn step(&mut self, work: impl FnOnce(&mut Engine) -> Result<EngineStep, Failure>) -> TlsEngineStep {
        let (outcome, ciphertext, plaintext, ended) = match &mut self.engine {
            Ok(engine) => {
                let outcome = work(engine);
                let (ciphertext, plaintext) = (engine.take_ciphertext(), engine.take_plaintext());
                (outcome, ciphertext, plaintext, engine.has_ended())
            }
            Err(failure) => (Err(failure.clone()), Vec::new(), Vec::new(), false),
        };
        let (handshaken, name, failure) = match outcome {
            Ok(EngineStep::More) => (false, None, None),
            Ok(EngineStep::Handshaken) => (true, None, None),
            Ok(EngineStep::Named(name)) => (false, Some(name), None),
            Err(failure) => (false, None, Some(failure.into())),
        };
        TlsEngineStep {
            handshaken,
            name,
            failure,
            ciphertext: some_bytes(ciphertext),
            plaintext: some_bytes(plaintext),
            ended,
        }
    }
}

/// The keys of all failure reasons: a test compares them with TypeScript's.
#[napi(catch_unwind)]
pub fn tls_failure_reasons() -> Vec<String> {
    Reason::ALL.iter().map(|reason| reason.key().to_owned()).collect()
}

fn some_bytes(bytes: Vec<u8>) -> Option<Buffer> {
    (!bytes.is_empty()).then(|| bytes.into())
}

fn export(session: &Session, length: u32, label: &str) -> Option<Buffer> {
    session
        .export_keying_material(length as usize, label)
        .ok()
        .map(Buffer::from)
}

impl From<TlsSettings> for Settings {
    fn from(settings: TlsSettings) -> Self {
        let owned = |list: Vec<Uint8Array>| list.iter().map(|bytes| bytes.to_vec()).collect();
        Self {
            certificates: owned(settings.certificates),
            key: settings.key.map(|key| key.to_vec()),
            ca: owned(settings.ca),
            system_ca: settings.system_ca,
            alpn_protocols: settings.alpn_protocols,
            tls12: settings.tls12,
            tls13: settings.tls13,
            cipher_suites: settings.cipher_suites,
            verify: settings.verify,
            client_certificate: match settings.client_certificate.as_str() {
                "required" => ClientCertificate::Required,
                "optional" => ClientCertificate::Optional,
                _ => ClientCertificate::None,
            },
            session_tickets: settings.session_tickets,
            key_log: settings.key_log,
        }
    }
}

impl From<TlsStart> for Start {
    fn from(start: TlsStart) -> Self {
        Self {
            side: if start.server_side {
                Side::Server
            } else {
                Side::Client
            },
            hostname: start.hostname,
            standard_compatible: start.standard_compatible,
            ask_by_name: start.ask_by_name,
        }
    }
}

impl From<Failure> for TlsFailure {
    fn from(failure: Failure) -> Self {
        Self {
            reason: failure.reason.key().to_owned(),
            detail: failure.detail,
            errno: failure.errno,
        }
    }
}

impl From<Facts> for TlsFacts {
    fn from(facts: Facts) -> Self {
        Self {
            version: facts.version.to_owned(),
            cipher: facts.cipher.to_owned(),
            alpn_protocol: facts
                .alpn_protocol
                .map(|name| String::from_utf8_lossy(&name).into_owned()),
            server_name: facts.server_name,
            shared_ciphers: facts
                .shared_ciphers
                .map(|names| names.into_iter().map(str::to_owned).collect()),
        }
    }
}
