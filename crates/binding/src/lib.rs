//! The Node addon: converts in, calls `structio-core`, converts out.
//!
//! # Map
//!
//! ```text
//!  TypeScript (src/native) ── rings ──► rings/turn.rs ──► structio-core (sockets)
//!        ▲                                  ▲
//!        └──── one call a batch ── event_loop/driver.rs ◄── libuv: the reactor has events
//! ```
//!
//! - [`event_loop`]: who wakes JavaScript, and when: the driver, nested in libuv or on a helper thread.
//! - [`rings`]: the four shared regions, the records in them, and the turn that carries them out.
//! - [`facade`]: the class that TypeScript sees. No decisions there.
//! - [`local`], [`datagrams`], [`relays`], [`descriptors`], [`files`], [`processes`]: its parts for UNIX sockets, for datagrams,
//!   for relays, for descriptors of others, for files, and for child processes.
//! - [`names`]: its part for `getaddrinfo` and `getnameinfo`.
//! - [`tls`]: its TLS half: contexts, handshakes, and the engine on memory.
//! - [`sockopt`]: socket options by number.
//! - [`zone`]: network interfaces by name.
//! - [`identity`]: which version this is.
//!
//! `unsafe` lives in this crate alone: in `rings/regions.rs` (shared memory), `event_loop/` (libuv and Node-API),
//! `sockopt.rs` and `zone.rs` (system calls), `local.rs`, `files.rs`, `rings/watching.rs` and `processes.rs` (descriptors by number), each block
//! with its reason.

pub mod datagrams;
pub mod descriptors;
mod event_loop;
pub mod facade;
#[cfg(unix)]
pub mod files;
pub mod identity;
pub mod local;
pub mod names;
pub mod processes;
pub mod relays;
mod rings;
mod sockopt;
pub mod tls;
pub mod zone;
