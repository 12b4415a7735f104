//! UDP sockets. [`super::DatagramSocket`] documents the methods and the invariants.
//!
//! A socket for both families is an IPv6 socket that also takes IPv4. Its IPv4 addresses are IPv6-mapped for the
//! system only: [`canonical`] and [`Udp::system_address`] convert at this border.

#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
#[cfg(unix)]
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::outgoing::{Outgoing, wrong_family};
#[cfg(unix)]
use super::{
    calls::{has_room, receive_ip, send_in_order},
    error_watch::ErrorWatch,
};
use crate::sockets::{lacks_ipv6, set_reuse_port};
#[cfg(unix)]
use crate::{
    sockets::empty_error_queue,
    system::{self, Call},
};

/// In bytes: the largest value of the length field of a UDP header.
pub const MOST: usize = 65_535;

/// A UDP socket to open.
#[derive(Clone, Copy, Debug)]
pub struct UdpRequest {
    /// The address and port to bind, port 0 for any free port. `None`: all addresses of both families, on one port.
    pub address: Option<SocketAddr>,
    /// The port if `address` is `None`.
    pub port: u16,
    /// Whether other sockets may bind to the same port (`SO_REUSEPORT`).
    pub reuse_port: bool,
}

/// A UDP socket.
#[derive(Debug)]
pub struct Udp {
    /// Shared with the future of the error watch.
    socket: Arc<UdpSocket>,
    #[cfg(unix)]
    errors: ErrorWatch,
    reach: Reach,
    /// The peer, in canonical form.
    connected: Option<SocketAddr>,
}

/// The families that a socket can send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    V4,
    V6,
    Both,
}

impl Udp {
    /// As [`super::DatagramSocket::open_udp`].
    pub fn open(request: &UdpRequest) -> io::Result<Self> {
        let (socket, reach) = match request.address {
            Some(address) if address.is_ipv4() => (bind(request, address, Reach::V4)?, Reach::V4),
            Some(address) => (bind(request, address, Reach::V6)?, Reach::V6),
            None => match bind(request, (Ipv6Addr::UNSPECIFIED, request.port).into(), Reach::Both) {
                Err(error) if lacks_ipv6(&error) => {
                    let address = (Ipv4Addr::UNSPECIFIED, request.port).into();
                    (bind(request, address, Reach::V4)?, Reach::V4)
                }
                outcome => (outcome?, Reach::Both),
            },
        };
        Ok(Self {
            socket: Arc::new(UdpSocket::from_std(socket.into())?),
            #[cfg(unix)]
            errors: ErrorWatch::default(),
            reach,
            connected: None,
        })
    }

    /// As [`super::DatagramSocket::connect`].
    pub fn connect(&mut self, to: SocketAddr) -> io::Result<()> {
        let address = self.system_address(to)?;
        SockRef::from(&*self.socket).connect(&address.into())?;
        self.connected = Some(to);
        Ok(())
    }

    /// As [`super::DatagramSocket::poll_receive`]. On a connected socket, datagrams of others are dropped.
    pub fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        loop {
            let (length, from) = match self.poll_receive_any(cx, buffer) {
                Poll::Ready(Ok(received)) => received,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            let from = canonical(from);
            // The kernel filters from `connect` on. Datagrams that were queued before may come from others.
            let is_stranger = self
                .connected
                .is_some_and(|to| to.port() != from.port() || to.ip() != from.ip());
            if !is_stranger {
                return Poll::Ready(Ok((length, from)));
            }
        }
    }

    /// Receives one datagram of any sender, or an error that the network has reported.
    #[cfg(unix)]
    fn poll_receive_any(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let Self {
            socket,
            connected,
            errors,
            ..
        } = self;
        loop {
            let interest = match socket.poll_recv_ready(cx) {
                Poll::Ready(Ok(())) => Interest::READABLE,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                // The kernel reports errors of the network to connected sockets only.
                Poll::Pending if connected.is_none() => return Poll::Pending,
                Poll::Pending => match errors.poll(cx, || error_of(Arc::clone(socket))) {
                    Poll::Ready(()) => Interest::ERROR,
                    Poll::Pending => return Poll::Pending,
                },
            };
            let outcome = system::call(Call::ReceiveDatagram, || {
                socket.try_io(interest, || receive_ip(socket, buffer))
            });
            match outcome {
                Err(error) if system::is_made_up(&error) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    #[cfg(not(unix))]
    fn poll_receive_any(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut read = tokio::io::ReadBuf::new(buffer);
        match self.socket.poll_recv_from(cx, &mut read) {
            Poll::Ready(Ok(from)) => Poll::Ready(Ok((read.filled().len(), from))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Sends in order. Returns the number of datagrams sent and the error of the next one, if there is one.
    #[cfg(unix)]
    pub fn send(&self, list: &[Outgoing<'_, SocketAddr>]) -> (usize, Option<io::Error>) {
        send_in_order(
            list,
            |to| self.system_address(*to),
            &self.socket,
            |send| self.socket.try_io(Interest::WRITABLE, send),
        )
    }

    /// Sends in order. Returns the number of datagrams sent and the error of the next one, if there is one.
    #[cfg(not(unix))]
    pub fn send(&self, list: &[Outgoing<'_, SocketAddr>]) -> (usize, Option<io::Error>) {
        for (sent, outgoing) in list.iter().enumerate() {
            let outcome = match outgoing.to {
                Some(to) => self
                    .system_address(*to)
                    .and_then(|to| self.socket.try_send_to(outgoing.bytes, to)),
                None => self.socket.try_send(outgoing.bytes),
            };
            if let Err(error) = outcome {
                return (sent, Some(error));
            }
        }
        (list.len(), None)
    }

    /// As [`super::DatagramSocket::poll_writable`].
    #[cfg(unix)]
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.socket.poll_send_ready(cx).is_pending() {
            return Poll::Pending;
        }
        if has_room(&self.socket) {
            return Poll::Ready(());
        }
        let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = self.socket.try_io(Interest::WRITABLE, nothing);
        if self.socket.poll_send_ready(cx).is_ready() && self.renew(cx).is_err() {
            // No descriptor is left for a new registration: let the caller try to send, and come back here.
            return Poll::Ready(());
        }
        self.socket.poll_send_ready(cx).map(drop)
    }

    /// Registers a duplicate of the descriptor in place of the socket (invariant 3 of the module).
    #[cfg(unix)]
    fn renew(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let descriptor = system::call(Call::Open, || self.socket.as_fd().try_clone_to_owned())?;
        empty_error_queue(descriptor.as_fd());
        self.socket = Arc::new(UdpSocket::from_std(descriptor.into())?);
        self.errors = ErrorWatch::default();
        // A waiting receive has lost its registration. Its handle has the same waker, and polls again.
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// As [`super::DatagramSocket::poll_writable`].
    #[cfg(not(unix))]
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.poll_send_ready(cx).map(drop)
    }

    /// As [`super::DatagramSocket::family`].
    pub fn family(&self) -> u32 {
        match self.reach {
            Reach::V4 => 4,
            Reach::V6 => 6,
            Reach::Both => 0,
        }
    }

    /// As [`super::DatagramSocket::local_address`].
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr().map(canonical)
    }

    /// `to` in the form that the system takes for this socket.
    fn system_address(&self, to: SocketAddr) -> io::Result<SocketAddr> {
        match (self.reach, to) {
            (Reach::V4, SocketAddr::V4(_)) | (Reach::V6 | Reach::Both, SocketAddr::V6(_)) => Ok(to),
            (Reach::Both, SocketAddr::V4(to)) => {
                Ok(SocketAddr::new(to.ip().to_ipv6_mapped().into(), to.port()))
            }
            _ => Err(wrong_family()),
        }
    }
}

#[cfg(unix)]
impl AsFd for Udp {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(unix)]
async fn error_of(socket: Arc<UdpSocket>) {
    // An error means that the reactor has ended. The next receive reports that.
    let _ = socket.ready(Interest::ERROR).await;
}

/// A bound socket that does not block.
fn bind(request: &UdpRequest, address: SocketAddr, reach: Reach) -> io::Result<Socket> {
    let open = || Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP));
    #[cfg(unix)]
    let open = || system::call(Call::Open, open);
    let socket = open()?;
    socket.set_nonblocking(true)?;
    if reach != Reach::V4 {
        socket.set_only_v6(reach == Reach::V6)?;
    }
    if request.reuse_port {
        set_reuse_port(&socket)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// An IPv6-mapped IPv4 address as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}
