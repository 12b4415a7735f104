//! One attempt to connect to one address: an attempt by itself with TCP, a call with UNIX sockets.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use socket2::SockRef;
#[cfg(unix)]
use socket2::{Domain, Protocol, Socket, Type};

use super::{Connection, ConnectionOptions, StreamSocket};
use crate::address::UnixName;
#[cfg(unix)]
use crate::{
    system::{self, Call},
    unix_socket,
};

#[derive(Clone, Copy, Debug)]
pub struct ConnectRequest {
    pub address: SocketAddr,
    /// The local address to bind first, if any.
    pub bind: Option<SocketAddr>,
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
    /// Opens and binds the socket; the attempt itself starts with the first poll. Call under the reactor's
    /// `enter` guard, and poll there too.
    ///
    /// # Errors
    ///
    /// The system's: no descriptor left, or an address that cannot be bound.
    pub fn start(request: ConnectRequest) -> io::Result<Self> {
        Ok(Self {
            attempt: attempt::Attempt::new(&request)?,
            address: request.address,
            options: request.options,
        })
    }

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
        /// Not begun.
        Bound(Socket),
        Begun(StreamSocket),
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
                // A fixed local port is there to be used again: the last connection from it may be in TIME_WAIT.
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

    /// Registered once it is on its way: a socket that is neither connected nor connecting counts as one whose peer has gone.
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

/// Connects to a UNIX socket, which is done or refused at once. Call under the reactor's `enter` guard.
///
/// # Errors
///
/// The system's: nobody listens there, or the queue of who does is full.
#[cfg(unix)]
pub fn connect_unix(name: UnixName) -> io::Result<Connection> {
    let socket = unix_socket::open(Type::STREAM)?;
    unix_socket::connect(&socket, &name)?;
    Ok(Connection::new(StreamSocket::unix(socket.into())?, name.into()))
}

/// # Errors
///
/// Always: this system has none.
#[cfg(not(unix))]
pub fn connect_unix(_: UnixName) -> io::Result<Connection> {
    Err(io::ErrorKind::Unsupported.into())
}
