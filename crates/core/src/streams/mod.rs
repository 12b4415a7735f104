//! Byte streams over TCP, UNIX sockets and pipes, polled by hand.
//!
//! # Map
//!
//! ```text
//!  Listener ─ poll_accept ──┐
//!  Connecting ─ poll_connect┼─► Connection ─► Plain ─► Unsent        bytes taken and not yet written
//!  connect_unix ────────────┘        └──────► tls::TlsStream         after a handshake
//!
//!  Way ─► End ─► Connection                                          one direction of a relay
//! ```
//!
//! - [`Connection`]: one stream, with or without TLS. [`Listener`], [`Connecting`], [`connect_unix`]: where one comes
//!   from.
//! - [`Way`]: moves bytes from one connection to another.
//!
//! Every method is called on the JavaScript thread. A method named `poll_…` that returns `Pending` has registered the
//! waker of its context; one waker serves both directions of a connection.

mod connecting;
mod connection;
mod listener;
mod options;
mod plain;
mod relay;
mod unsent;

pub use connecting::{ConnectRequest, Connecting, connect_unix};
pub use connection::Connection;
pub use listener::{ListenRequest, Listener, UnixListenRequest};
pub use options::ConnectionOptions;
pub use relay::{BLOCK as RELAY_BLOCK, Blocks, End, Progress, Way};

pub use crate::sockets::{Descriptors, Goodbye, Parcel, StreamSocket};
