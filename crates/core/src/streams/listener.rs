//! A listening socket.

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

#[cfg(unix)]
use super::polled::Polled;
use super::{Connection, ConnectionOptions, StreamSocket};
use crate::address::{Address, UnixName};
#[cfg(unix)]
use crate::{
    system::{self, Call},
    unix_socket,
};

#[derive(Clone, Copy, Debug)]
pub struct ListenRequest {
    /// `None`: every address of both families on one port.
    pub address: Option<SocketAddr>,
    /// The port for `address: None`.
    pub port: u16,
    pub backlog: i32,
    pub reuse_port: bool,
    pub options: ConnectionOptions,
}

#[derive(Clone, Debug)]
pub struct UnixListenRequest {
    pub name: UnixName,
    /// The permissions of the socket file; `None`: what the umask leaves.
    pub mode: Option<u32>,
    pub backlog: i32,
}

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
        /// Before the socket: it goes first, so that who comes then finds nothing rather than nobody.
        #[expect(dead_code, reason = "it is there to be dropped")]
        file: Option<unix_socket::SocketFile>,
        socket: Listening,
    },
}

/// Clients that gave up while they waited, passed over in one look.
const GONE: usize = 64;

impl Listener {
    /// Binds and listens. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's: the address is in use, or not this machine's.
    pub fn open(request: &ListenRequest) -> io::Result<Self> {
        let socket = match request.address {
            Some(address) => listen(request, address, true)?,
            None => match listen(request, (Ipv6Addr::UNSPECIFIED, request.port).into(), false) {
                // A machine without IPv6 says so at the first of these calls that needs it.
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

    /// Binds to a name and listens. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's: somebody is bound to the name, or it cannot be.
    #[cfg(unix)]
    pub fn open_unix(request: &UnixListenRequest) -> io::Result<Self> {
        let socket = unix_socket::open(Type::STREAM)?;
        let file = unix_socket::bind(&socket, &request.name, request.mode)?;
        socket.listen(request.backlog)?;
        let socket = watch(socket)?;
        Ok(Self(Bound::Unix { file, socket }))
    }

    /// # Errors
    ///
    /// Always: this system has none.
    #[cfg(not(unix))]
    pub fn open_unix(_: &UnixListenRequest) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        for _ in 0..GONE {
            match self.poll_accept_once(cx) {
                // The client gave up while it waited in the queue: nobody's business.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                outcome => return outcome,
            }
        }
        // Others have their turn first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_accept_once(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        match &mut self.0 {
            Bound::Tcp { socket, options } => {
                let options = *options;
                poll_accept_tcp(socket, cx).map(|accepted| {
                    let (socket, remote) = accepted?;
                    // Linux hands the listener's options down; elsewhere they are set one by one. A peer that has gone already
                    // makes that fail: its first read says so.
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

/// A socket that does not block, and whose it is.
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

/// In one system call.
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

/// The address of who connects, in the form that the system call gives.
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

    /// There are paths only.
    fn name(self) -> UnixName {
        self.0
            .as_unix()
            .map_or_else(UnixName::default, |address| unix_socket::name_of(&address.into()))
    }
}

const INHERITS_OPTIONS: bool = cfg!(target_os = "linux");

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

#[cfg(unix)]
pub(crate) fn set_reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
pub(crate) fn set_reuse_port(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
    )
}
