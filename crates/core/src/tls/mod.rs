//! TLS with rustls, driven by hand as the sockets are: bytes in, bytes out, nobody waits in here.
//!
//! # Map
//!
//! ```text
//!  Settings ─► Context ─► Handshake ─► Session          no I/O: ciphertext is fed and taken
//!                             │           │
//!                        SocketHandshake ─► TlsStream   over a `StreamSocket`, behind `streams::Connection`
//!                             └─ Engine ──┘             over memory: TLS above any other stream
//! ```
//!
//! - [`settings`]: what a context is made from. [`context`]: rustls' configurations, made when a side first needs them.
//! - [`trust`]: whose certificates are good. [`suites`]: the cipher suites by OpenSSL's names. [`key_log`]: its lines.
//! - [`handshake`], [`session`]: one connection, before and after, without I/O. [`failure`]: what is wrong, in a word.
//! - [`wire`]: a socket with the bytes that were read ahead. [`stream`]: a session on it. [`socket_handshake`]: a
//!   handshake on it. [`engine`]: both on memory.
//!
//! # Why not a stream adapter
//!
//! An adapter hides what the rings need to know: whether ciphertext is still unsent after a write, whether plaintext is
//! left after a read, and where the bytes of a read go. It also reads in pieces of rustls' own buffer, 4 KiB: five
//! system calls for a full record. Here one read takes up to 64 KiB, for all the records in it.

mod context;
mod engine;
mod failure;
mod handshake;
mod key_log;
mod session;
mod settings;
mod socket_handshake;
mod stream;
mod suites;
mod trust;
mod wire;

pub use context::Context;
pub use engine::{Engine, EngineStep};
pub use failure::{Failure, Reason};
pub use handshake::Step;
pub use session::{Facts, Session};
pub use settings::{ClientCertificate, Settings};
pub use socket_handshake::SocketHandshake;
pub use stream::TlsStream;

/// Who began the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// One handshake: what does not belong to the context.
#[derive(Clone, Debug)]
pub struct Start {
    pub side: Side,
    /// A client's: the name or address that the server's certificate has to be for.
    pub hostname: String,
    /// Whether `close_notify` has to end the peer's data.
    pub standard_compatible: bool,
    /// A server's: stop after the `ClientHello` of a client that sent a name, so that another context can be chosen.
    pub ask_by_name: bool,
}
