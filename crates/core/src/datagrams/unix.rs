//! UNIX datagram sockets. [`super::DatagramSocket`] documents the methods and the invariants.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    task::{Context, Poll},
};

use rustix::net::SocketAddrUnix;
use socket2::Type;
use tokio::{io::Interest, net::UnixDatagram};

use super::{
    calls::{has_room, receive, send_in_order},
    error_watch::ErrorWatch,
    outgoing::Outgoing,
};
use crate::{
    address::UnixName,
    sockets::empty_error_queue,
    system::{self, Call},
    unix_socket::{self, SocketFile},
};

/// In bytes. A datagram cannot be larger than the send buffer, and without privileges the largest is twice 212,992 on
/// Linux.
pub const MOST: usize = 425_984;

/// A UNIX datagram socket.
#[derive(Debug)]
pub struct UnixDatagrams {
    /// Declared before the socket, so that it is dropped first: a sender then finds no file, instead of a closed
    /// socket.
    #[expect(dead_code, reason = "its destructor removes the file")]
    file: Option<SocketFile>,
    /// Shared with the future of the error watch.
    socket: Arc<UnixDatagram>,
    errors: ErrorWatch,
    connected: Option<UnixName>,
}

impl UnixDatagrams {
    /// As [`super::DatagramSocket::open_unix`].
    pub fn open(name: Option<&UnixName>) -> io::Result<Self> {
        let socket = unix_socket::open(Type::DGRAM)?;
        let file = match name {
            Some(name) => unix_socket::bind(&socket, name, None)?,
            None => None,
        };
        Ok(Self {
            file,
            socket: Arc::new(UnixDatagram::from_std(socket.into())?),
            errors: ErrorWatch::default(),
            connected: None,
        })
    }

    /// As [`super::DatagramSocket::connect`].
    pub fn connect(&mut self, to: &UnixName) -> io::Result<()> {
        rustix::net::connect(&self.socket, &system_address(to)?)?;
        self.connected = Some(to.clone());
        Ok(())
    }

    /// Whether it has a peer.
    pub fn is_connected(&self) -> bool {
        self.connected.is_some()
    }

    /// As [`super::DatagramSocket::poll_receive`].
    pub fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, UnixName)>> {
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
                Poll::Pending if connected.is_none() => return Poll::Pending,
                // A connected peer that closes its socket is reported as an error.
                Poll::Pending => match errors.poll(cx, || error_of(Arc::clone(socket))) {
                    Poll::Ready(()) => Interest::ERROR,
                    Poll::Pending => return Poll::Pending,
                },
            };
            let outcome = system::call(Call::ReceiveDatagram, || {
                socket.try_io(interest, || {
                    let (length, from) = receive(socket, buffer)?;
                    Ok((length, from.map_or_else(UnixName::default, unix_socket::name_in)))
                })
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

    /// Sends in order. Returns the number of datagrams sent and the error of the next one, if there is one.
    pub fn send(&self, list: &[Outgoing<'_, UnixName>]) -> (usize, Option<io::Error>) {
        send_in_order(list, system_address, &self.socket, |send| {
            self.socket.try_io(Interest::WRITABLE, send)
        })
    }

    /// As [`super::DatagramSocket::poll_writable`].
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
    fn renew(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let descriptor = system::call(Call::Open, || self.socket.as_fd().try_clone_to_owned())?;
        empty_error_queue(descriptor.as_fd());
        self.socket = Arc::new(UnixDatagram::from_std(descriptor.into())?);
        self.errors = ErrorWatch::default();
        // A waiting receive has lost its registration. Its handle has the same waker, and polls again.
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// As [`super::DatagramSocket::local_address`].
    pub fn local_address(&self) -> io::Result<UnixName> {
        self.socket
            .local_addr()
            .map(|address| unix_socket::name_of(&address))
    }
}

impl AsFd for UnixDatagrams {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

async fn error_of(socket: Arc<UnixDatagram>) {
    // An error means that the reactor has ended. The next receive reports that.
    let _ = socket.ready(Interest::ERROR).await;
}

/// `name` in the form that rustix takes.
fn system_address(name: &UnixName) -> io::Result<SocketAddrUnix> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let [0, rest @ ..] = name.bytes() {
        return Ok(SocketAddrUnix::new_abstract_name(rest)?);
    }
    Ok(SocketAddrUnix::new(name.bytes())?)
}
