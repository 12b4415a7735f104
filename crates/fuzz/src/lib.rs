//! What others control, as functions of arbitrary bytes that must not panic, whatever the bytes are.
//!
//! # Map
//!
//! - [`tls_handshake`], [`tls_session`]: two TLS engines and a wire between them that cuts, changes, repeats and invents bytes,
//!   from the beginning of the handshake or after it.
//! - [`records`]: the records and control words that JavaScript writes to the shared rings, over real sockets.
//! - [`addresses`]: addresses and host names, as text and as the records of datagrams.
//!
//! Each reads its input as a small program ([`script`]). So a mutation changes one step, and what a step does to a live
//! connection need not be guessed as bytes.
//!
//! The rings belong to `crates/binding`, which is a library for Node alone. Nothing in them knows Node: they are compiled into
//! this crate from the same files.
//!
//! `targets/` has libFuzzer's entries, `corpus/` the inputs that are kept, `tests/corpus.rs` replays them in every test run.

#![expect(
    clippy::expect_used,
    reason = "a set-up that fails is a failure of the run, and is to end it"
)]

mod addresses;
mod records;
mod script;
mod tls;

#[allow(dead_code, unused_imports, reason = "a part of it is for the addon alone")]
#[path = "../../binding/src/rings/mod.rs"]
mod rings;

pub use addresses::addresses;
pub use records::records;
pub use tls::{tls_handshake, tls_session};
