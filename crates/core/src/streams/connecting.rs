//! One attempt to connect to one address.
//!
//! TCP connects in the background: [`Connecting`] is polled on the JavaScript thread until it is done. A UNIX socket
//! connects within the call: [`connect_unix`]. Trying several addresses is TypeScript's business.
//!
//! # Invariants
//!
//! 1. The socket is registered with the reactor only after `connect` has been called. Before that, epoll reports a
//!    socket as hung up, and the reactor never forgets it.
//! 2. Readiness to write means that the attempt has an outcome. `SO_ERROR` says which, and is read once.
//! 3. An interrupted `connect` goes on by itself and is never called again.
//! 4. Dropping the attempt closes its socket, whatever its state.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use socket2::SockRef;
#[cfg(unix)]
use socket2::{Domain, Protocol, Socket, Type};

use super::{Connection, ConnectionOptions};
use crate::{address::UnixName, sockets::StreamSocket};
#[cfg(unix)]
use crate::{
    system::{self, Call},
    unix_socket,
};

/// One attempt over TCP.
#[derive(Clone, Copy, Debug)]
pub struct ConnectRequest {
    /// The peer.
    pub address: SocketAddr,
    /// The local address to bind first. Port 0: any free port.
    pub bind: Option<SocketAddr>,
    /// Set once the connection is there.
    pub options: ConnectionOptions,
}

/// A connection attempt under way. Dropping it closes its socket.
#[derive(Debug)]
pub struct Connecting {
    attempt: attempt::Attempt,
    address: SocketAddr,
    options: ConnectionOptions,
}

impl Connecting {
    /// Opens and binds the socket. The first poll starts the attempt. Call under the reactor's `enter` guard, and
    /// poll under it too.
    ///
    /// # Errors
    ///
    /// The system's: no descriptor is left, or the local address cannot be bound.
    pub fn start(request: ConnectRequest) -> io::Result<Self> {
        Ok(Self {
            attempt: attempt::Attempt::new(&request)?,
            address: request.address,
            options: request.options,
        })
    }

    /// Goes on with the attempt. Do not poll again after `Ready`.
    ///
    /// # Errors
    ///
    /// The system's, such as `ECONNREFUSED`; `NotConnected` when polled again after the end.
    pub fn poll_connect(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        let Self { address, options, .. } = *self;
        self.attempt.poll(cx, address).map(|outcome| {
            let socket = outcome?;
            options.apply(&socket_of(&socket)?)?;
            Ok(Connection::new(socket, address.into()))
        })
    }
}

#[cfg(unix)]
fn socket_of(socket: &StreamSocket) -> io::Result<SockRef<'_>> {
    Ok(SockRef::from(socket))
}

#[cfg(not(unix))]
fn socket_of(socket: &StreamSocket) -> io::Result<SockRef<'_>> {
    let StreamSocket::Tcp(socket) = socket;
    Ok(SockRef::from(socket.inner()?))
}

#[cfg(unix)]
mod attempt {
    use super::*;

    #[derive(Debug)]
    pub(super) enum Attempt {
        /// `connect` has not been called.
        Bound(Socket),
        /// Registered (invariant 1).
        Begun(StreamSocket),
        /// It has had its outcome.
        Over,
    }

    impl Attempt {
        pub(super) fn new(request: &ConnectRequest) -> io::Result<Self> {
            let domain = Domain::for_address(request.address);
            let socket = system::call(Call::Open, || {
                Socket::new(domain, Type::STREAM, Some(Protocol::TCP))
            })?;
            socket.set_nonblocking(true)?;
            if let Some(bind) = request.bind {
                // The last connection from a fixed local port may still be in TIME_WAIT.
                socket.set_reuse_address(bind.port() != 0)?;
                socket.bind(&bind.into())?;
            }
            Ok(Self::Bound(socket))
        }

        pub(super) fn poll(
            &mut self,
            cx: &mut Context<'_>,
            address: SocketAddr,
        ) -> Poll<io::Result<StreamSocket>> {
            let begun = match std::mem::replace(self, Self::Over) {
                Self::Over => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
                Self::Begun(socket) => socket,
                Self::Bound(socket) => match begin(socket, address) {
                    Ok(socket) => socket,
                    Err(error) => return Poll::Ready(Err(error)),
                },
            };
            match begun.poll_write_ready(cx) {
                Poll::Pending => {
                    *self = Self::Begun(begun);
                    Poll::Pending
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => Poll::Ready(match SockRef::from(&begun).take_error() {
                    Ok(None) => Ok(begun),
                    Ok(Some(error)) | Err(error) => Err(error),
                }),
            }
        }
    }

    /// Calls `connect`, then registers the socket (invariants 1 and 3).
    fn begin(socket: Socket, address: SocketAddr) -> io::Result<StreamSocket> {
        match system::after_connect(socket.connect(&address.into())) {
            Err(error)
                if error.raw_os_error() != Some(libc::EINPROGRESS)
                    && error.kind() != io::ErrorKind::Interrupted =>
            {
                Err(error)
            }
            _ => StreamSocket::tcp(socket.into()),
        }
    }
}

/// Windows: tokio makes the attempt, as a future.
#[cfg(not(unix))]
mod attempt {
    use std::{fmt, future::Future, pin::Pin};

    use tokio::net::{TcpSocket, TcpStream};

    use super::*;

    pub(super) struct Attempt(Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>);

    impl Attempt {
        pub(super) fn new(request: &ConnectRequest) -> io::Result<Self> {
            let socket = if request.address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            if let Some(bind) = request.bind {
                socket.bind(bind)?;
            }
            Ok(Self(Box::pin(socket.connect(request.address))))
        }

        pub(super) fn poll(&mut self, cx: &mut Context<'_>, _: SocketAddr) -> Poll<io::Result<StreamSocket>> {
            self.0
                .as_mut()
                .poll(cx)
                .map_ok(|socket| StreamSocket::Tcp(socket.into()))
        }
    }

    impl fmt::Debug for Attempt {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.debug_struct("Attempt").finish_non_exhaustive()
        }
    }
}

/// Connects to a UNIX socket. The system connects or refuses at once. Call under the reactor's `enter` guard.
///
/// # Errors
///
/// The system's: `ENOENT` or `ECONNREFUSED` without a listener, `EAGAIN` when the listener's queue is full.
#[cfg(unix)]
pub fn connect_unix(name: UnixName) -> io::Result<Connection> {
    let socket = unix_socket::open(Type::STREAM)?;
    unix_socket::connect(&socket, &name)?;
    Ok(Connection::new(StreamSocket::unix(socket.into())?, name.into()))
}

/// This system has no UNIX sockets.
///
/// # Errors
///
/// Always `Unsupported`.
#[cfg(not(unix))]
pub fn connect_unix(_: UnixName) -> io::Result<Connection> {
    Err(io::ErrorKind::Unsupported.into())
}
