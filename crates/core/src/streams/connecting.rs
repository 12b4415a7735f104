//! One attempt to connect to one address: an attempt by itself with TCP, a call with UNIX sockets.

use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

#[cfg(unix)]
use socket2::Type;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpSocket, TcpStream};

use super::{Connection, ConnectionOptions};
use crate::address::UnixName;
#[cfg(unix)]
use crate::unix_socket;

#[derive(Clone, Copy, Debug)]
pub struct ConnectRequest {
    pub address: SocketAddr,
    /// The local address to bind first, if any.
    pub bind: Option<SocketAddr>,
    pub options: ConnectionOptions,
}

/// A connection attempt under way. Dropping it closes its socket.
pub struct Connecting {
    attempt: Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>,
    address: SocketAddr,
    options: ConnectionOptions,
}

impl Connecting {
    /// Opens and binds the socket; the attempt itself starts with the first poll. Call under the reactor's
    /// `enter` guard, and poll there too.
    ///
    /// # Errors
    ///
    /// The system's: no descriptor left, or an address that cannot be bound.
    pub fn start(request: ConnectRequest) -> io::Result<Self> {
        let socket = if request.address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(bind) = request.bind {
            // A fixed local port is there to be used again: the last connection from it may be in TIME_WAIT.
            #[cfg(unix)]
            socket.set_reuseaddr(bind.port() != 0)?;
            socket.bind(bind)?;
        }
        Ok(Self {
            attempt: Box::pin(socket.connect(request.address)),
            address: request.address,
            options: request.options,
        })
    }

    pub fn poll_connect(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        let Self { address, options, .. } = *self;
        self.attempt.as_mut().poll(cx).map(|outcome| {
            let socket = outcome?;
            options.apply(&socket)?;
            Ok(Connection::new(socket.into(), address.into()))
        })
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connecting")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Connects to a UNIX socket, which is done or refused at once. Call under the reactor's `enter` guard.
///
/// # Errors
///
/// The system's: nobody listens there, or the queue of who does is full.
#[cfg(unix)]
pub fn connect_unix(name: UnixName) -> io::Result<Connection> {
    let socket = unix_socket::open(Type::STREAM)?;
    unix_socket::connect(&socket, &name)?;
    let socket = UnixStream::from_std(socket.into())?;
    Ok(Connection::new(socket.into(), name.into()))
}

/// # Errors
///
/// Always: this system has none.
#[cfg(not(unix))]
pub fn connect_unix(_: UnixName) -> io::Result<Connection> {
    Err(io::ErrorKind::Unsupported.into())
}
