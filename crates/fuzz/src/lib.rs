//! Fuzz targets: functions of arbitrary bytes that must not panic. The bytes stand for input that a peer, a user or
//! JavaScript controls.
//!
//! # Map
//!
//! - [`tls_handshake`], [`tls_session`]: two TLS engines, and a wire between them that cuts, changes, repeats and
//!   invents bytes, from the start of the handshake or after it.
//! - [`records`]: the records and control words that JavaScript writes to the shared rings, over real sockets.
//! - [`addresses`]: addresses and host names, as text and as the records of datagrams.
//!
//! Each reads its input as a small program ([`script`]): a mutation changes one step, and the fuzzer need not guess
//! valid bytes to act on a live connection.
//!
//! `crates/binding` can only be linked into Node. Its rings do not depend on Node, so this crate compiles their files
//! again.
//!
//! `targets/` has the entry points of libFuzzer, `corpus/` the kept inputs; `tests/corpus.rs` replays them in every
//! test run.

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
