//! Child processes: started without a copy of this process's memory, reaped off the JavaScript thread. Their pipes are
//! [`crate::streams::Connection`]s.
//!
//! # Map
//!
//! - [`spawning`]: starts a program, on the JavaScript thread. [`program`]: which file its name means. [`pipes`]: the
//!   ends of its standard streams.
//! - [`process`]: one child; signals and reaping, on any thread. [`watch`]: waits for its end, on the pool or on a
//!   thread of its own.
//!
//! # Invariants
//!
//! 1. Every wait names the child that this module started. Children of libuv and of other libraries are never reaped
//!    here.
//! 2. A signal is sent under the lock that reaping takes, and never after it: the kernel may have given the number to
//!    another process by then.
//! 3. Every child that was started is reaped, also when its owner has dropped it. When a start fails, every
//!    descriptor that was opened for it is closed.

mod pipes;
mod process;
mod program;
mod spawning;
mod watch;

pub use pipes::Standard;
pub use process::Process;
pub use spawning::{SpawnRequest, Spawned, spawn};
