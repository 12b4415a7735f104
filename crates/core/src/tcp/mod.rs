//! TCP, polled by hand: [`Connection`], [`Listener`], [`Connecting`].

mod connecting;
mod connection;
mod listener;
mod options;
mod plain;
mod unsent;

pub use connecting::{ConnectRequest, Connecting};
pub use connection::Connection;
pub use listener::{ListenRequest, Listener};
pub use options::ConnectionOptions;
