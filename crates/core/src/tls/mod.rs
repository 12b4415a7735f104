//! TLS with rustls, driven by hand as the sockets are: bytes in, bytes out. Nothing in here waits.
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
//! - [`settings`]: settings of a context, parameters of a handshake. [`context`]: rustls' configurations of them.
//! - [`trust`]: certificate verification. [`suites`]: the cipher suites by OpenSSL's names. [`key_log`]: key log lines.
//! - [`handshake`], [`session`]: one connection before and after the handshake, without I/O. [`failure`]: TLS errors.
//! - [`wire`]: a socket with prefetched ciphertext. [`stream`]: a session on it. [`socket_handshake`]: a handshake on
//!   it. [`engine`]: both on memory.
//!
//! # Threads
//!
//! A [`Context`] is shared by all threads. A [`SocketHandshake`] moves to the pool, where its cryptography does not
//! hold up JavaScript, and comes back as a whole. [`TlsStream`] and [`Engine`] stay on the JavaScript thread.
//!
//! # Why not a stream adapter
//!
//! An adapter such as tokio-rustls hides what the rings need to know: whether ciphertext is unsent after a write,
//! whether plaintext is left after a read, and where the bytes of a read go. It also reads in pieces of rustls' own
//! buffer, 4 KiB: five system calls for a full record. Here one read takes up to 64 KiB, with all the records in it.

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
pub use settings::{ClientCertificate, Settings, Side, Start};
pub use socket_handshake::SocketHandshake;
pub use stream::TlsStream;
