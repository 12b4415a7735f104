//! Files by descriptor: what can be had at once on the caller's thread, and the rest on the pool.
//!
//! # Map
//!
//! - [`file`]: an open file, and its system calls.
//! - [`opening`]: by path or by number, and whether the file system answers without waiting.
//! - [`jobs`]: reads, writes and the like on the pool; waiting for pipes and terminals, which can be interrupted.
//!
//! Invariants:
//! 1. The position is the system's: reads and writes go on where the last one ended, so that whoever shares the
//!    descriptor sees what the program has done.
//! 2. A call named `…_now` never waits for a device, a server or another process. Whether it may be tried is found out
//!    when the file is opened: by an allow-list of file systems, since a file system that another process (or this very
//!    thread) serves can hold up any call.
//! 3. What may wait for another process (pipes, sockets, terminals) takes no place of the pool while it waits.

pub mod file;
pub mod jobs;
pub mod opening;

pub use file::{File, Kind};
pub use jobs::{Interrupt, Outcome};
