//! structio's sockets without Node: tokio's reactor, polled by hand.
//!
//! # Map
//!
//! ```text
//!  processes                    files   resolve   watches     what the addon calls
//!      │                          └──┬──────┘        │
//!   streams      datagrams          pool             │        threads for work that blocks
//!      │             │               │               │
//!     tls            │               │               │        rustls, on a socket or on memory
//!      │             │               │               │
//!      └── sockets ──┘               │               │        a descriptor that the reactor watches
//!             │                      │               │
//!        unix_socket                 │               │        names and files of UNIX sockets
//!             └──────────── system, address ─────────┘        system calls; addresses
//!
//!  reactor   ready   socket_options                           used by the addon, by none of the above
//! ```
//!
//! - [`processes`] (UNIX): child processes, their pipes, and reaping.
//! - [`streams`]: connections, listeners, connection attempts and relays over TCP and UNIX sockets. Each is a state
//!   machine with `poll_…` methods.
//! - [`datagrams`]: UDP and UNIX datagram sockets, in the same manner.
//! - [`tls`]: rustls under the methods of a stream.
//! - `sockets`: what streams, datagrams and TLS stand on. [`streams`] re-exports its public names.
//! - [`files`] (UNIX): what a file can give at once on the calling thread; everything else on the pool.
//! - [`resolve`]: name look-ups on the pool.
//! - [`watches`] (Linux): readiness of descriptors that the caller does not own.
//! - [`pool`]: the process-wide multi-thread runtime for work that would block.
//! - [`system`] (UNIX): the system calls of all of these, and the place where tests make them misbehave.
//! - [`reactor`]: a tokio `current_thread` runtime that is only a reactor. No task ever runs on it.
//! - [`ready`]: wakers that carry a handle number instead of waking a task, and the list they push to. It belongs to
//!   `structio-wakeups`, the crate for what crosses threads.
//! - [`address`], [`socket_options`]: addresses of sockets; the numbers of socket options by name.
//!
//! Arrows point down. Nothing here knows its callers: the addon polls these types from the JavaScript thread, the
//! tests of this crate from a plain one.
//!
//! # Threads
//!
//! A socket, a connection, a listener and a TLS session belong to one thread at a time: the JavaScript thread. A
//! [`tls::SocketHandshake`] may move to the pool and back, whole. [`pool`], [`resolve`] and [`files::jobs`] call back
//! on a thread of the pool. Wakers may be called on any thread: they only push a number.
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
mod sockets;
pub mod streams;
#[cfg(unix)]
pub mod system;
pub mod tls;
#[cfg(unix)]
mod unix_socket;
#[cfg(target_os = "linux")]
pub mod watches;

pub use structio_wakeups::ready;
