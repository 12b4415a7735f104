//! Byte streams over TCP and UNIX sockets, polled by hand: [`Connection`], [`Listener`], [`Connecting`].

mod connecting;
mod connection;
mod descriptors;
mod goodbye;
mod listener;
mod options;
mod plain;
#[cfg_attr(not(unix), path = "polled_elsewhere.rs")]
mod polled;
mod relay;
mod socket;
mod unsent;

pub use connecting::{ConnectRequest, Connecting, connect_unix};
pub use connection::Connection;
pub use descriptors::{Descriptors, Parcel};
pub use goodbye::Goodbye;
pub(crate) use goodbye::drop_input;
pub use listener::{ListenRequest, Listener, UnixListenRequest};
pub(crate) use listener::{lacks_ipv6, set_reuse_port};
pub use options::ConnectionOptions;
#[cfg(unix)]
pub(crate) use polled::empty_error_queue;
pub use relay::{BLOCK as RELAY_BLOCK, Blocks, End, Progress, Way};
pub use socket::StreamSocket;
