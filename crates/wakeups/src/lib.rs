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
//! - [`queue`]: remote completions.
//! - [`bell`]: asks for a turn, until it is closed.
//!
//! A crate of its own, with no dependencies: under `--cfg loom`, loom replaces the locks and atomics ([`sync`]), and
//! tokio leaves out its sockets, so that nothing which uses them can be built. `tests/loom.rs` has the models, and says
//! how to run them.

pub mod bell;
pub mod queue;
pub mod ready;
mod sync;

pub use bell::{Bell, Ring};
pub use queue::Queue;
pub use ready::{ReadyList, Token};
