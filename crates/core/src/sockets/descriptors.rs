//! Ancillary data of UNIX streams: file descriptors that travel with bytes (`SCM_RIGHTS`).
//!
//! Called by `streams::Plain` through the stream's socket, on the JavaScript thread.
//!
//! # Invariants
//!
//! 1. A descriptor is owned from the moment it arrives. One that is not handed on is closed: those of a parcel that is
//!    withdrawn, those beyond the number asked for, those of a connection that is closed.
//! 2. Every received descriptor is close-on-exec before it is handed on.
//! 3. The kernel takes the descriptors of a message with its first byte. A short send therefore needs no descriptors
//!    again: the rest is plain bytes.

#[cfg(unix)]
use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    task::{Context, Poll},
};

#[cfg(unix)]
use super::polled::Polled;
#[cfg(unix)]
use crate::{
    system::{self, Call},
    unix_socket::SEND_FLAGS,
};
#[cfg(unix)]
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, recvmsg,
    sendmsg,
};

/// Owned file descriptors, in the order of the message.
#[cfg(unix)]
pub type Descriptors = Vec<OwnedFd>;

/// Always empty: this system passes no descriptors.
#[cfg(not(unix))]
pub type Descriptors = Vec<std::convert::Infallible>;

/// A message with ancillary data: the descriptors leave with the first of the bytes.
#[derive(Debug)]
pub struct Parcel {
    /// At least one byte: descriptors cannot travel alone on a stream.
    pub bytes: Vec<u8>,
    /// Closed once they have been sent, or when the parcel is dropped.
    pub descriptors: Descriptors,
}

/// The most descriptors that one message carries (Linux's `SCM_MAX_FD`).
#[cfg(unix)]
const MOST: usize = 253;

/// Bytes of control memory for [`MOST`] descriptors. It is on the stack: about 1 KiB.
#[cfg(unix)]
const SPACE: usize = rustix::cmsg_space!(ScmRights(MOST));

/// Sends all descriptors and at least one byte of `parcel`, and returns the number of bytes sent.
#[cfg(unix)]
pub(crate) fn poll_send(
    socket: &mut Polled<UnixStream>,
    cx: &mut Context<'_>,
    parcel: &Parcel,
) -> Poll<io::Result<usize>> {
    let borrowed: Vec<_> = parcel.descriptors.iter().map(AsFd::as_fd).collect();
    socket.poll_output(cx, |socket| {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let length = system::part(parcel.bytes.len());
        let bytes = [IoSlice::new(&parcel.bytes[..length])];
        system::call(Call::Send, || {
            Ok(sendmsg(socket, &bytes, &mut control, SEND_FLAGS)?)
        })
    })
}

/// Reads once into `buffer`, and takes at most `most` descriptors. Returns the number of bytes and the descriptors.
#[cfg(unix)]
pub(crate) fn poll_receive(
    socket: &mut Polled<UnixStream>,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
    most: usize,
) -> Poll<io::Result<(usize, Descriptors)>> {
    socket.poll_input(cx, |socket| {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let length = system::part(buffer.len());
        let message = system::call(Call::Receive, || {
            let memory = &mut [IoSliceMut::new(&mut buffer[..length])];
            Ok(recvmsg(socket, memory, &mut control, CLOSE_ON_EXEC)?)
        })?;
        let mut descriptors = Descriptors::new();
        for item in control.drain() {
            if let RecvAncillaryMessage::ScmRights(arrived) = item {
                descriptors.extend(arrived);
            }
        }
        // Drops, and so closes, the rest (invariant 1).
        descriptors.truncate(most);
        if CLOSE_ON_EXEC.is_empty() {
            for descriptor in &descriptors {
                rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
            }
        }
        Ok((message.bytes, descriptors))
    })
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;

/// This system has no such flag, so descriptors are marked one by one (invariant 2).
#[cfg(all(
    unix,
    not(any(target_os = "linux", target_os = "android", target_os = "freebsd"))
))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();
