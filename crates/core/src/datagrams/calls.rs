//! The system calls that datagram sockets of both kinds make.
//!
//! Called on the JavaScript thread. Receiving is one call for each datagram; sending batches them on Linux.
//!
//! # Invariants
//!
//! 1. A send goes past the reactor first. Only a refusal goes through it: readiness is cleared by a second refusal
//!    that is newer than that readiness.
//! 2. A send stops at the first datagram that fails. The count says which one.

use std::{io, net::SocketAddr, os::fd::AsFd, slice};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{SocketAddrAny, addr::SocketAddrArg, recvfrom, send as send_one, sendto},
};

use super::outgoing::{Outgoing, wrong_family};
use crate::{
    system::{self, Call},
    unix_socket::{RECEIVE_FLAGS, SEND_FLAGS},
};

/// Receives one datagram on an IP socket. Returns its length and the sender's address.
///
/// # Errors
///
/// As [`receive`].
pub(super) fn receive_ip(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    let (length, from) = receive(socket, buffer)?;
    let from = from.ok_or_else(wrong_family)?;
    Ok((length, SocketAddr::try_from(from)?))
}

/// Receives one datagram. Returns its length and the sender's address, if it has one.
///
/// # Errors
///
/// `EMSGSIZE` for a datagram that does not fit; it is lost. Otherwise the system's.
pub(super) fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddrAny>)> {
    let (length, whole, from) = recvfrom(socket, buffer, RECEIVE_FLAGS)?;
    if whole > length {
        return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
    }
    Ok((length, from))
}

/// Sends in order, and returns the number of datagrams sent with the error of the next one, if there is one.
/// `address` converts a receiver. `checked` makes a call through the reactor, which clears readiness if the call is
/// refused (invariant 1).
pub(super) fn send_in_order<T, A: SocketAddrArg>(
    list: &[Outgoing<'_, T>],
    address: impl Fn(&T) -> io::Result<A>,
    socket: &impl AsFd,
    checked: impl Fn(&dyn Fn() -> io::Result<usize>) -> io::Result<usize>,
) -> (usize, Option<io::Error>) {
    if let [single] = list {
        // The common case, without the vectors.
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

/// Makes one call (invariant 1).
fn retried(
    checked: &impl Fn(&dyn Fn() -> io::Result<usize>) -> io::Result<usize>,
    now: &dyn Fn() -> io::Result<usize>,
) -> io::Result<usize> {
    match system::call(Call::SendDatagram, now) {
        // The reactor takes its tick before this second call, so what it clears is older than the refusal.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && !system::is_made_up(&error) => {
            checked(now)
        }
        outcome => outcome,
    }
}

/// Sends at least one datagram and returns how many, or the error of the first.
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

/// Sends several datagrams in one system call.
#[cfg(target_os = "linux")]
fn send_batch<T, A: SocketAddrArg>(
    list: &[Outgoing<'_, T>],
    targets: &[Option<A>],
    socket: &impl AsFd,
) -> io::Result<usize> {
    use std::io::IoSlice;

    use rustix::net::{MMsgHdr, SendAncillaryBuffer, sendmmsg};

    /// More than a few dozen gain nothing.
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

/// Asks the kernel whether it would take a datagram now. If asking fails, the answer is yes: the send reports the
/// error.
pub(super) fn has_room(socket: &impl AsFd) -> bool {
    let mut descriptors = [PollFd::new(socket, PollFlags::OUT)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    match system::call(Call::Ask, || Ok(poll(&mut descriptors, Some(&at_once))?)) {
        Ok(_) => descriptors
            .iter()
            .any(|descriptor| descriptor.revents().contains(PollFlags::OUT)),
        Err(_) => true,
    }
}
