//! File descriptors that travel with the bytes of a UNIX stream.
//!
//! Invariant: a descriptor is owned from the moment it is here. One that is not handed on is closed: those of a parcel that
//! is withdrawn, those that arrive beyond what was asked for, those of a connection that is closed.

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

/// Descriptors that have arrived.
#[cfg(unix)]
pub type Descriptors = Vec<OwnedFd>;

/// This system passes none.
#[cfg(not(unix))]
pub type Descriptors = Vec<std::convert::Infallible>;

/// Bytes, at least one, and descriptors that leave with the first of them.
#[derive(Debug)]
pub struct Parcel {
    pub bytes: Vec<u8>,
    pub descriptors: Descriptors,
}

/// The most that one message carries (Linux's `SCM_MAX_FD`).
#[cfg(unix)]
const MOST: usize = 253;

#[cfg(unix)]
const SPACE: usize = rustix::cmsg_space!(ScmRights(MOST));

/// Sends all of the descriptors and some of the bytes: how many.
#[cfg(unix)]
pub(super) fn poll_send(
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

/// Reads once into `buffer`, and takes up to `most` descriptors.
#[cfg(unix)]
pub(super) fn poll_receive(
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
        // Those beyond are closed.
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

/// This system has no such flag: they are marked one by one.
#[cfg(all(
    unix,
    not(any(target_os = "linux", target_os = "android", target_os = "freebsd"))
))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();
