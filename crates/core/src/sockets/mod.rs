//! What both [`crate::streams`] and [`crate::tls`] stand on: the socket under a stream, without any buffering of its
//! own.
//!
//! # Map
//!
//! ```text
//!  StreamSocket ─► Polled            a descriptor that the reactor watches
//!       └────────► descriptors       file descriptors that travel with the bytes of a UNIX stream
//!  draining                          discards input until the peer's end, before a close
//!  setup                             options that stream and datagram sockets set before they bind
//! ```
//!
//! A room of its own, so that arrows go one way: `streams ─► tls ─► sockets`. [`crate::streams`] hands the public
//! names on.

mod descriptors;
mod draining;
#[cfg_attr(not(unix), path = "polled_elsewhere.rs")]
mod polled;
mod setup;
mod stream_socket;

pub use descriptors::{Descriptors, Parcel};
pub use draining::Goodbye;
pub(crate) use draining::drop_input;
#[cfg(unix)]
pub(crate) use polled::Polled;
#[cfg(unix)]
pub(crate) use polled::empty_error_queue;
pub(crate) use setup::{lacks_ipv6, set_reuse_port};
pub use stream_socket::StreamSocket;
