//! structio's sockets without Node: tokio's reactor, polled by hand.
//!
//! # Map
//!
//! - [`reactor`]: one tokio `current_thread` runtime that is only a reactor. No task ever runs on it.
//! - [`ready`]: wakers that carry a handle number instead of waking a task, and the list they push to. A module of
//!   `structio-wakeups`, which has what crosses threads.
//! - [`address`]: of a socket, of whichever kind.
//! - [`streams`]: connections, listeners and connection attempts over TCP and UNIX sockets, each a state machine with
//!   `poll_…` methods.
//! - [`datagrams`]: UDP and UNIX datagram sockets, in the same manner.
//! - [`tls`]: rustls under the same methods, on a socket or on memory.
//! - [`files`] (UNIX): what a file can give at once, and the rest on the pool.
//! - [`pool`]: the process-wide multi-thread runtime for what would block: [`resolve`] and files; `processes` (UNIX) reap their
//!   children on it.
//! - [`system`] (UNIX): the system calls of all of these, and where tests make them misbehave.
//! - [`watches`] (Linux): waiting for descriptors that belong to somebody else.
//! - [`socket_options`]: names of socket options to the numbers of this platform.
//!
//! Arrows point down that list, and nothing here knows who calls: the addon polls these types from the
//! JavaScript thread, the tests of this crate from a plain one.
//!
//! # Why polling by hand
//!
//! A task per operation costs a schedule, a wake-up and a crossing for each. Here the caller owns the wakers:
//! a ready socket is a number in a list, and the caller polls it where its buffers are, in a batch.

#![forbid(unsafe_code)]

pub mod address;
pub mod datagrams;
#[cfg(unix)]
pub mod files;
pub mod pool;
#[cfg(unix)]
pub mod processes;
pub mod reactor;
pub mod resolve;
pub mod socket_options;
pub mod streams;
#[cfg(unix)]
pub mod system;
pub mod tls;
#[cfg(unix)]
mod unix_socket;
#[cfg(target_os = "linux")]
pub mod watches;

pub use structio_wakeups::ready;
