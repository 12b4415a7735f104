//! What passes from other threads to a JavaScript thread.
//!
//! # Map
//!
//! ```text
//!  other threads                                the JavaScript thread
//!  a socket is ready ─► ReadyList ───────────┐
//!                          │ first of a batch ▼
//!                          └──────────► Bell ─► a turn: queue.take(), ready.begin(), ready.take()
//!                          ┌──────────►
//!  work is done ─────► Queue ────────────────┘
//! ```
//!
//! - [`ready`]: wakers that carry a handle's number, and the list of numbers that are ready.
//! - [`queue`]: what other threads have finished.
//! - [`bell`]: how they ask for a turn, until it is closed.
//!
//! A crate of its own, with no dependencies: loom replaces the locks and atomics under `--cfg loom` ([`sync`]), and tokio leaves
//! out its sockets under that flag, so that nothing which uses them can be built with it. `tests/loom.rs` has the models, and
//! says how to run them.

pub mod bell;
pub mod queue;
pub mod ready;
mod sync;

pub use bell::{Bell, Ring};
pub use queue::Queue;
pub use ready::{ReadyList, Token};
