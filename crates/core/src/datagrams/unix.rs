//! UNIX datagram sockets.

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

/// What a send buffer has room for that is as large as a process may make it (Linux: twice 212,992 bytes).
pub const MOST: usize = 425_984;

#[derive(Debug)]
pub struct UnixDatagrams {
    /// Before the socket: it goes first.
    #[expect(dead_code, reason = "it is there to be dropped")]
    file: Option<SocketFile>,
    socket: Arc<UnixDatagram>,
    errors: ErrorWatch,
    connected: Option<UnixName>,
}

impl UnixDatagrams {
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

    pub fn connect(&mut self, to: &UnixName) -> io::Result<()> {
        rustix::net::connect(&self.socket, &system_address(to)?)?;
        self.connected = Some(to.clone());
        Ok(())
    }

    pub fn is_connected(&self) -> bool {
        self.connected.is_some()
    }

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
                // A peer that goes away is one.
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

    /// Sends in order: how many have left, and what was wrong with the next one.
    pub fn send(&self, list: &[Outgoing<'_, UnixName>]) -> (usize, Option<io::Error>) {
        send_in_order(list, system_address, &self.socket, |send| {
            self.socket.try_io(Interest::WRITABLE, send)
        })
    }

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
            // For want of a descriptor: it is tried again.
            return Poll::Ready(());
        }
        self.socket.poll_send_ready(cx).map(drop)
    }

    /// Invariant 3 of the module.
    fn renew(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let descriptor = system::call(Call::Open, || self.socket.as_fd().try_clone_to_owned())?;
        empty_error_queue(descriptor.as_fd());
        self.socket = Arc::new(UnixDatagram::from_std(descriptor.into())?);
        self.errors = ErrorWatch::default();
        // Who waits to receive registers again.
        cx.waker().wake_by_ref();
        Ok(())
    }

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
    // A socket whose reactor has ended says so to the next receive.
    let _ = socket.ready(Interest::ERROR).await;
}

fn system_address(name: &UnixName) -> io::Result<SocketAddrUnix> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let [0, rest @ ..] = name.bytes() {
        return Ok(SocketAddrUnix::new_abstract_name(rest)?);
    }
    Ok(SocketAddrUnix::new(name.bytes())?)
}
