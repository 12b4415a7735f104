//! The system calls of datagrams, and UNIX datagram sockets.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    slice,
    sync::Arc,
    task::{Context, Poll},
};

use rustix::net::{SocketAddrAny, SocketAddrUnix, addr::SocketAddrArg, recvfrom, send as send_one, sendto};
use socket2::Type;
use tokio::{io::Interest, net::UnixDatagram};

use super::{Outgoing, error_watch::ErrorWatch};
use crate::{
    address::UnixName,
    streams::empty_error_queue,
    system::{self, Call},
    unix_socket::{self, RECEIVE_FLAGS, SEND_FLAGS, SocketFile},
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
        if super::has_room(&self.socket) {
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

/// Reads one datagram of an IP socket.
pub(super) fn receive_ip(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    let (length, from) = receive(socket, buffer)?;
    let from = from.ok_or_else(super::wrong_family)?;
    Ok((length, SocketAddr::try_from(from)?))
}

/// Reads one datagram; one that does not fit is an error (invariant 1).
fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddrAny>)> {
    let (length, whole, from) = recvfrom(socket, buffer, RECEIVE_FLAGS)?;
    if whole > length {
        return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
    }
    Ok((length, from))
}

/// Sends in order, past what the reactor knows: it learns of a refusal, through `checked`, and only then. What is wrong with
/// a target stops it there.
pub(super) fn send_in_order<T, A: SocketAddrArg>(
    list: &[Outgoing<'_, T>],
    address: impl Fn(&T) -> io::Result<A>,
    socket: &impl AsFd,
    checked: impl Fn(&dyn Fn() -> io::Result<usize>) -> io::Result<usize>,
) -> (usize, Option<io::Error>) {
    if let [single] = list {
        // Nearly every call of nearly every program: without the vectors.
        let outcome = single
            .to
            .map(&address)
            .transpose()
            .and_then(|target| retried(&checked, &|| send_some(list, slice::from_ref(&target), socket)));
        return match outcome {
            Ok(count) => (count, None),
            Err(error) => (0, Some(error)),
        };
    }
    let mut targets = Vec::with_capacity(list.len());
    let mut wrong = None;
    for outgoing in list {
        match outgoing.to.map(&address).transpose() {
            Ok(target) => targets.push(target),
            Err(error) => {
                wrong = Some(error);
                break;
            }
        }
    }
    let mut sent = 0;
    while sent < targets.len() {
        let now = || send_some(&list[sent..targets.len()], &targets[sent..], socket);
        match retried(&checked, &now) {
            Ok(count) => sent += count,
            Err(error) => return (sent, Some(error)),
        }
    }
    (sent, wrong)
}

fn retried(
    checked: &impl Fn(&dyn Fn() -> io::Result<usize>) -> io::Result<usize>,
    now: &dyn Fn() -> io::Result<usize>,
) -> io::Result<usize> {
    match system::call(Call::SendDatagram, now) {
        // Once more, so that the readiness that is dropped is older than the refusal.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && !system::is_made_up(&error) => {
            checked(now)
        }
        outcome => outcome,
    }
}

/// Sends at least one, or says what is wrong with the first.
fn send_some<T, A: SocketAddrArg>(
    list: &[Outgoing<'_, T>],
    targets: &[Option<A>],
    socket: &impl AsFd,
) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    if list.len() > 1 {
        return send_batch(list, targets, socket);
    }
    let (Some(outgoing), Some(target)) = (list.first(), targets.first()) else {
        return Ok(0);
    };
    match target {
        Some(target) => sendto(socket, outgoing.bytes, SEND_FLAGS, target)?,
        None => send_one(socket, outgoing.bytes, SEND_FLAGS)?,
    };
    Ok(1)
}

/// Several in one system call.
#[cfg(target_os = "linux")]
fn send_batch<T, A: SocketAddrArg>(
    list: &[Outgoing<'_, T>],
    targets: &[Option<A>],
    socket: &impl AsFd,
) -> io::Result<usize> {
    use std::io::IoSlice;

    use rustix::net::{MMsgHdr, SendAncillaryBuffer, sendmmsg};

    /// Beyond a few dozen nothing is gained.
    const BATCH: usize = 64;

    let count = system::part(list.len().min(BATCH));
    let slices: Vec<[IoSlice<'_>; 1]> = list[..count]
        .iter()
        .map(|outgoing| [IoSlice::new(outgoing.bytes)])
        .collect();
    let addresses: Vec<Option<SocketAddrAny>> = targets[..count]
        .iter()
        .map(|target| target.as_ref().map(SocketAddrArg::as_any))
        .collect();
    let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> =
        (0..count).map(|_| SendAncillaryBuffer::default()).collect();
    let mut headers: Vec<MMsgHdr<'_>> = slices
        .iter()
        .zip(&addresses)
        .zip(&mut controls)
        .map(|((slice, address), control)| match address {
            Some(address) => MMsgHdr::new_with_addr(address, slice, control),
            None => MMsgHdr::new(slice, control),
        })
        .collect();
    Ok(sendmmsg(socket, &mut headers, SEND_FLAGS)?)
}

fn system_address(name: &UnixName) -> io::Result<SocketAddrUnix> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let [0, rest @ ..] = name.bytes() {
        return Ok(SocketAddrUnix::new_abstract_name(rest)?);
    }
    Ok(SocketAddrUnix::new(name.bytes())?)
}
