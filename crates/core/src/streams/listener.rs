//! A listening socket.
//!
//! The addon polls it on the JavaScript thread, under the reactor's `enter` guard, and decides itself when to stop
//! accepting.
//!
//! # Invariants
//!
//! 1. `ECONNABORTED` belongs to a client that gave up in the queue. It is skipped, at most [`GONE`] times in one call.
//! 2. Every other error is returned and leaves the listener usable. `EMFILE` and its like keep readiness set: the
//!    caller decides when to try again.
//! 3. Accepted sockets do not block and are close-on-exec.
//! 4. The file of a UNIX socket is removed before the socket is closed. A client that comes in between finds no file,
//!    instead of one with no listener behind it.

#[cfg(unix)]
use std::os::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    unix::net::UnixStream,
};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    task::{Context, Poll},
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
#[cfg(unix)]
use tokio::io::Interest;

use super::{Connection, ConnectionOptions};
use crate::{
    address::{Address, UnixName},
    sockets::{StreamSocket, lacks_ipv6, set_reuse_port},
};
#[cfg(unix)]
use crate::{
    sockets::Polled,
    system::{self, Call},
    unix_socket,
};

/// A TCP listener.
#[derive(Clone, Copy, Debug)]
pub struct ListenRequest {
    /// The address and port to bind, port 0 for any free port. `None`: all addresses of both families, on one port.
    pub address: Option<SocketAddr>,
    /// The port if `address` is `None`.
    pub port: u16,
    /// How many connections the kernel queues. The system has a bound of its own.
    pub backlog: i32,
    /// Whether other listeners may bind to the same port (`SO_REUSEPORT`).
    pub reuse_port: bool,
    /// Set on every accepted connection.
    pub options: ConnectionOptions,
}

/// A listener on a UNIX socket.
#[derive(Clone, Debug)]
pub struct UnixListenRequest {
    /// A path, or an abstract name on Linux.
    pub name: UnixName,
    /// The permission bits of the socket file. `None`: what the umask leaves.
    pub mode: Option<u32>,
    /// How many connections the kernel queues.
    pub backlog: i32,
}

/// A listening socket. Dropping it closes it and removes the socket file.
#[derive(Debug)]
pub struct Listener(Bound);

#[cfg(unix)]
type Listening = Polled<Socket>;
#[cfg(not(unix))]
type Listening = tokio::net::TcpListener;

#[derive(Debug)]
enum Bound {
    Tcp {
        socket: Listening,
        options: ConnectionOptions,
    },
    #[cfg(unix)]
    Unix {
        /// Declared before the socket, so that it is dropped first (invariant 4).
        #[expect(dead_code, reason = "its destructor removes the file")]
        file: Option<unix_socket::SocketFile>,
        socket: Listening,
    },
}

/// The most aborted clients that one call skips (invariant 1).
const GONE: usize = 64;

impl Listener {
    /// Binds a TCP socket and listens. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`; `Unsupported` for `reuse_port` on Windows.
    pub fn open(request: &ListenRequest) -> io::Result<Self> {
        let socket = match request.address {
            Some(address) => listen(request, address, true)?,
            None => match listen(request, (Ipv6Addr::UNSPECIFIED, request.port).into(), false) {
                // A machine without IPv6 fails in `socket` or in `bind`.
                Err(error) if lacks_ipv6(&error) => {
                    listen(request, (Ipv4Addr::UNSPECIFIED, request.port).into(), false)?
                }
                outcome => outcome?,
            },
        };
        Ok(Self(Bound::Tcp {
            socket: watch(socket)?,
            options: request.options,
        }))
    }

    /// Binds a UNIX socket to a name and listens. Replaces a stale socket file. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's: `EADDRINUSE` when another socket is bound to the name, `ENAMETOOLONG`, `ENOTSUP` for an abstract
    /// name except on Linux.
    #[cfg(unix)]
    pub fn open_unix(request: &UnixListenRequest) -> io::Result<Self> {
        let socket = unix_socket::open(Type::STREAM)?;
        let file = unix_socket::bind(&socket, &request.name, request.mode)?;
        socket.listen(request.backlog)?;
        let socket = watch(socket)?;
        Ok(Self(Bound::Unix { file, socket }))
    }

    /// This system has no UNIX sockets.
    ///
    /// # Errors
    ///
    /// Always `Unsupported`.
    #[cfg(not(unix))]
    pub fn open_unix(_: &UnixListenRequest) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Accepts one connection.
    ///
    /// # Errors
    ///
    /// The system's (invariant 2).
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        for _ in 0..GONE {
            match self.poll_accept_once(cx) {
                // Invariant 1.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                outcome => return outcome,
            }
        }
        // Other handles have their turn first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_accept_once(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        match &mut self.0 {
            Bound::Tcp { socket, options } => {
                let options = *options;
                poll_accept_tcp(socket, cx).map(|accepted| {
                    let (socket, remote) = accepted?;
                    // Setting an option fails for a peer that has gone already. The first read reports that.
                    if !INHERITS_OPTIONS {
                        drop(options.apply(&SockRef::from(&socket)));
                    }
                    Ok(Connection::new(StreamSocket::tcp(socket)?, remote.into()))
                })
            }
            #[cfg(unix)]
            Bound::Unix { socket, .. } => socket.poll_input(cx, accept).map(|accepted| {
                let (socket, remote) = accepted?;
                let socket = StreamSocket::unix(UnixStream::from(socket))?;
                Ok(Connection::new(socket, remote.name().into()))
            }),
        }
    }

    /// The address that the listener is bound to, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn local_address(&self) -> io::Result<Address> {
        match &self.0 {
            #[cfg(unix)]
            Bound::Tcp { socket, .. } => {
                let address = rustix::net::getsockname(socket)?;
                Ok(Address::Ip(SocketAddr::try_from(address)?))
            }
            #[cfg(not(unix))]
            Bound::Tcp { socket, .. } => socket.local_addr().map(Address::Ip),
            #[cfg(unix)]
            Bound::Unix { socket, .. } => {
                let address = rustix::net::getsockname(socket)?;
                Ok(unix_socket::name_in(address).into())
            }
        }
    }
}

#[cfg(unix)]
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Bound::Tcp { socket, .. } | Bound::Unix { socket, .. } => socket.as_fd(),
        }
    }
}

#[cfg(unix)]
fn watch(socket: Socket) -> io::Result<Listening> {
    Polled::new(socket, Interest::READABLE)
}

#[cfg(not(unix))]
fn watch(socket: Socket) -> io::Result<Listening> {
    tokio::net::TcpListener::from_std(socket.into())
}

/// Accepts one non-blocking socket, with the address of its peer.
#[cfg(unix)]
fn poll_accept_tcp(
    socket: &mut Listening,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(std::net::TcpStream, SocketAddr)>> {
    socket.poll_input(cx, |listening| {
        let (socket, remote) = accept(listening)?;
        Ok((socket.into(), remote.ip()?))
    })
}

#[cfg(not(unix))]
fn poll_accept_tcp(
    socket: &mut Listening,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(std::net::TcpStream, SocketAddr)>> {
    socket.poll_accept(cx).map(|accepted| {
        let (socket, remote) = accepted?;
        Ok((socket.into_std()?, remote))
    })
}

/// Accepts with both flags in one system call (invariant 3).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn accept(listening: &Socket) -> io::Result<(OwnedFd, Remote)> {
    use rustix::net::{SocketFlags, acceptfrom_with};

    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (socket, remote) = system::call(Call::Accept, || Ok(acceptfrom_with(listening, flags)?))?;
    Ok((socket, Remote(remote)))
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn accept(listening: &Socket) -> io::Result<(OwnedFd, Remote)> {
    let (socket, remote) = system::call(Call::Accept, || listening.accept())?;
    socket.set_nonblocking(true)?;
    Ok((socket.into(), Remote(remote)))
}

/// The address of the client, in the form that the system call gives.
#[cfg(any(target_os = "linux", target_os = "android"))]
struct Remote(Option<rustix::net::SocketAddrAny>);
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
struct Remote(socket2::SockAddr);

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Remote {
    fn ip(self) -> io::Result<SocketAddr> {
        let remote = self.0.ok_or(rustix::io::Errno::AFNOSUPPORT)?;
        Ok(SocketAddr::try_from(remote)?)
    }

    fn name(self) -> UnixName {
        self.0.map_or_else(UnixName::default, unix_socket::name_in)
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
impl Remote {
    fn ip(self) -> io::Result<SocketAddr> {
        self.0
            .as_socket()
            .ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
    }

    /// This system has paths only.
    fn name(self) -> UnixName {
        self.0
            .as_unix()
            .map_or_else(UnixName::default, |address| unix_socket::name_of(&address.into()))
    }
}

/// Whether accepted sockets inherit the options of the listener. Elsewhere they are set on each of them.
const INHERITS_OPTIONS: bool = cfg!(target_os = "linux");

/// A bound and listening TCP socket that does not block.
fn listen(request: &ListenRequest, address: SocketAddr, v6_only: bool) -> io::Result<Socket> {
    let open = || Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP));
    #[cfg(unix)]
    let open = || system::call(Call::Open, open);
    let socket = open()?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(v6_only)?;
    }
    // On Windows the option means something else: it would let a second server steal the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if request.reuse_port {
        set_reuse_port(&socket)?;
    }
    if INHERITS_OPTIONS {
        socket.set_tcp_nodelay(request.options.no_delay)?;
        socket.set_keepalive(request.options.keep_alive)?;
    }
    socket.bind(&address.into())?;
    socket.listen(request.backlog)?;
    Ok(socket)
}
