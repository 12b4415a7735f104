//! A listening socket.

#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    task::{Context, Poll},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::{Connection, ConnectionOptions};
use crate::address::{Address, UnixName};
#[cfg(unix)]
use crate::unix_socket;

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

#[derive(Debug)]
enum Bound {
    Tcp {
        socket: TcpListener,
        options: ConnectionOptions,
    },
    #[cfg(unix)]
    Unix {
        /// Before the socket: it goes first, so that who comes then finds nothing rather than nobody.
        #[expect(dead_code, reason = "it is there to be dropped")]
        file: Option<unix_socket::SocketFile>,
        socket: UnixListener,
    },
}

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
        let socket = TcpListener::from_std(socket.into())?;
        Ok(Self(Bound::Tcp {
            socket,
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
        let socket = UnixListener::from_std(socket.into())?;
        Ok(Self(Bound::Unix { file, socket }))
    }

    /// # Errors
    ///
    /// Always: this system has none.
    #[cfg(not(unix))]
    pub fn open_unix(_: &UnixListenRequest) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        loop {
            return match self.poll_accept_once(cx) {
                // The client gave up while it waited in the queue: nobody's business.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                outcome => outcome,
            };
        }
    }

    fn poll_accept_once(&self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        match &self.0 {
            Bound::Tcp { socket, options } => socket.poll_accept(cx).map_ok(|(socket, remote)| {
                // Linux hands the listener's options down; elsewhere they are set one by one. A peer that has gone already
                // makes that fail: its first read says so.
                if !INHERITS_OPTIONS {
                    drop(options.apply(&socket));
                }
                Connection::new(socket.into(), remote.into())
            }),
            #[cfg(unix)]
            Bound::Unix { socket, .. } => socket.poll_accept(cx).map_ok(|(socket, remote)| {
                Connection::new(socket.into(), unix_socket::name_of(&remote).into())
            }),
        }
    }

    /// # Errors
    ///
    /// The system's.
    pub fn local_address(&self) -> io::Result<Address> {
        match &self.0 {
            Bound::Tcp { socket, .. } => socket.local_addr().map(Address::Ip),
            #[cfg(unix)]
            Bound::Unix { socket, .. } => socket
                .local_addr()
                .map(|address| unix_socket::name_of(&address).into()),
        }
    }
}

#[cfg(unix)]
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Bound::Tcp { socket, .. } => socket.as_fd(),
            Bound::Unix { socket, .. } => socket.as_fd(),
        }
    }
}

const INHERITS_OPTIONS: bool = cfg!(target_os = "linux");

fn listen(request: &ListenRequest, address: SocketAddr, v6_only: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
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
