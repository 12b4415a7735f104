//! A listening socket.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    task::{Context, Poll},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::{Connection, ConnectionOptions};

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

#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    options: ConnectionOptions,
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
        Ok(Self {
            socket,
            options: request.options,
        })
    }

    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        loop {
            return match self.socket.poll_accept(cx) {
                Poll::Ready(Ok((socket, remote))) => {
                    // Linux hands the listener's options down; elsewhere they are set one by one. A peer that has
                    // gone already makes that fail: its first read says so.
                    if !INHERITS_OPTIONS {
                        drop(self.options.apply(&socket));
                    }
                    Poll::Ready(Ok(Connection::new(socket, remote)))
                }
                // The client gave up while it waited in the queue: nobody's business.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            };
        }
    }

    /// # Errors
    ///
    /// The system's.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub fn socket(&self) -> &TcpListener {
        &self.socket
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
fn set_reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn set_reuse_port(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
    )
}
