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
//! - [`event_loop`]: the driver, which wakes JavaScript: nested in libuv, or with a helper thread.
//! - [`rings`]: the four shared regions, the records in them, and the turn that carries them out (`rings/turn.rs` has
//!   the map).
//! - [`facade`]: the class that TypeScript sees. It converts and decides nothing. Its methods for one kind of thing
//!   each are in [`local`] (UNIX streams), [`datagrams`], [`relays`], [`descriptors`] (waits for foreign
//!   descriptors), [`files`], [`processes`], [`names`] (`getaddrinfo`, `getnameinfo`) and [`tls`] (contexts,
//!   handshakes, the engine on memory).
//! - [`sockopt`]: socket options by number.
//! - [`zone`]: network interfaces by name.
//! - [`identity`]: the version of this binary.
//!
//! # Threads
//!
//! One driver, one set of rings and one handle table for each JavaScript thread, used on that thread only. Other
//! threads touch what stands behind `Arc`s: the ready list, the queue of remote completions and the bell
//! (`crates/wakeups`). tokio runs no task on a JavaScript thread; core's pool has threads of its own.
//!
//! # Unsafe code
//!
//! `unsafe` lives in this crate alone: in `rings/regions.rs` and `facade.rs` (shared memory), `event_loop/`,
//! `datagrams.rs` and `files.rs` (libuv and Node-API), `sockopt.rs` and `zone.rs` (system calls), `local.rs`,
//! `files.rs`, `rings/waits.rs` and `processes.rs` (descriptors by number). Each block has its reason.

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
