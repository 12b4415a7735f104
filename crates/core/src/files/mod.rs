//! Files by descriptor: what does not block runs on the calling thread, everything else on the pool.
//!
//! # Map
//!
//! ```text
//!  read: read_now on the JavaScript thread ─ bytes ─► done, no thread involved
//!             │ None: it would wait
//!             ▼
//!        jobs::read on the pool ─ Prompt ─► a place for files ─► read ─► done(outcome), on a thread of the pool
//!                               └ Waiting ─► task waits for readiness ─► read without waiting ─► done(outcome)
//! ```
//!
//! - [`file`]: an open file, and its system calls.
//! - [`opening`]: opens by path or adopts a descriptor, and finds out whether the file system answers without waiting.
//! - [`jobs`]: reads, writes and the like on the pool. Waits for pipes and terminals can be interrupted.
//!
//! # Invariants
//!
//! 1. The position is the system's: reads and writes go on where the last one ended. Other users of the descriptor
//!    see what the program has done.
//! 2. A call named `…_now` never waits for a device, a server or another process. Opening decides whether it may be
//!    tried, by an allow-list of file systems: a file system that another process serves, or this very thread, can
//!    hold up any call.
//! 3. What may wait for another process (pipes, sockets, terminals) takes no place of the pool while it waits.
//! 4. The order of operations on one file (FILE-1) is the caller's: core starts what it is given at once.

pub mod file;
pub mod jobs;
pub mod opening;

pub use file::{File, Kind};
pub use jobs::{Interrupt, Outcome};
