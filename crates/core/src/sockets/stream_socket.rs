//! The socket or pipe end under a stream: one type for four kinds, without buffering.
//!
//! `streams::Plain` and `tls::Wire` own it and poll it on the JavaScript thread. An enum, and not a trait object:
//! with TCP first it costs one predictable branch before a system call.
//!
//! # Invariants
//!
//! 1. The descriptor does not block and is registered with the reactor.
//! 2. A pipe end goes one way. Calls in the other direction fail with `EBADF`, and never wait.
//! 3. Shutting down the writing end of a pipe closes it, for a pipe has no other way to signal its end. Later writes
//!    are `EPIPE`.
//! 4. [`StreamSocket::confirm_readable`] asks the kernel again after it has cleared readiness: bytes that came in
//!    between would not be announced.

use std::{
    io::{self, IoSlice},
    net::{Shutdown, TcpStream},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
#[cfg(unix)]
use std::{
    io::{PipeReader, PipeWriter},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use socket2::SockRef;
#[cfg(unix)]
use tokio::io::Interest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(unix)]
use super::descriptors;
use super::{
    descriptors::{Descriptors, Parcel},
    polled::Polled,
};
use crate::address::Address;
#[cfg(unix)]
use crate::{
    system::{self, Call},
    unix_socket,
};

#[cfg(unix)]
type TcpSocket = Polled<TcpStream>;
#[cfg(not(unix))]
type TcpSocket = Polled;

/// A TCP socket, a UNIX stream socket or one end of a pipe. Dropping it closes it.
#[derive(Debug)]
pub enum StreamSocket {
    /// A connected TCP socket.
    Tcp(TcpSocket),
    /// A connected UNIX stream socket.
    #[cfg(unix)]
    Unix(Polled<UnixStream>),
    /// The reading end of a pipe.
    #[cfg(unix)]
    Reading(Polled<PipeReader>),
    /// The writing end of a pipe. `None` after a shutdown (invariant 3).
    #[cfg(unix)]
    Writing(Option<Polled<PipeWriter>>),
}

/// Constructors. Each takes a non-blocking descriptor and registers it: call under the reactor's `enter` guard.
impl StreamSocket {
    /// From a TCP socket that is connected or connecting.
    ///
    /// # Errors
    ///
    /// The system's, when the reactor takes no more descriptors.
    pub fn tcp(socket: TcpStream) -> io::Result<Self> {
        Polled::tcp(socket).map(Self::Tcp)
    }

    /// From a connected UNIX stream socket.
    ///
    /// # Errors
    ///
    /// The system's, when the reactor takes no more descriptors.
    #[cfg(unix)]
    pub fn unix(socket: UnixStream) -> io::Result<Self> {
        Polled::new(socket, Interest::READABLE | Interest::WRITABLE).map(Self::Unix)
    }

    /// From the reading end of a pipe.
    ///
    /// # Errors
    ///
    /// The system's, when the reactor takes no more descriptors.
    #[cfg(unix)]
    pub fn reading(pipe: PipeReader) -> io::Result<Self> {
        Polled::new(pipe, Interest::READABLE).map(Self::Reading)
    }

    /// From the writing end of a pipe.
    ///
    /// # Errors
    ///
    /// The system's, when the reactor takes no more descriptors.
    #[cfg(unix)]
    pub fn writing(pipe: PipeWriter) -> io::Result<Self> {
        Ok(Self::Writing(Some(Polled::new(pipe, Interest::WRITABLE)?)))
    }
}

impl StreamSocket {
    /// Waits until a read may succeed. The kernel is not asked; see [`StreamSocket::confirm_readable`].
    ///
    /// # Errors
    ///
    /// `EBADF` for the writing end of a pipe; the reactor's, after it has ended.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.poll_read_ready(cx),
            #[cfg(unix)]
            Self::Unix(socket) => socket.poll_read_ready(cx),
            #[cfg(unix)]
            Self::Reading(pipe) => pipe.poll_read_ready(cx),
            #[cfg(unix)]
            Self::Writing(_) => Poll::Ready(Err(one_way())),
        }
    }

    /// Waits until a write may succeed. The kernel is not asked.
    ///
    /// # Errors
    ///
    /// `EBADF` for the reading end of a pipe, and for a writing end that is shut down; the reactor's, after it has
    /// ended.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.poll_write_ready(cx),
            #[cfg(unix)]
            Self::Unix(socket) => socket.poll_write_ready(cx),
            #[cfg(unix)]
            Self::Writing(Some(pipe)) => pipe.poll_write_ready(cx),
            #[cfg(unix)]
            Self::Writing(None) | Self::Reading(_) => Poll::Ready(Err(one_way())),
        }
    }

    /// Whether the kernel has something to read: data, the end, or an error. If not, read readiness is cleared, so
    /// that the next `poll_read_ready` waits.
    pub fn confirm_readable(&self) -> bool {
        if has_input(self) {
            return true;
        }
        match self {
            Self::Tcp(socket) => socket.clear_input(),
            #[cfg(unix)]
            Self::Unix(socket) => socket.clear_input(),
            #[cfg(unix)]
            Self::Reading(pipe) => pipe.clear_input(),
            #[cfg(unix)]
            Self::Writing(_) => {}
        }
        // Invariant 4.
        has_input(self)
    }

    /// Reads once into `buffer` without waiting and returns the number of bytes; 0 is the end of the data.
    ///
    /// # Errors
    ///
    /// The system's. `WouldBlock` means that nothing is there.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_read(buffer),
            #[cfg(unix)]
            Self::Unix(socket) => socket.try_read(buffer),
            #[cfg(unix)]
            Self::Reading(pipe) => pipe.try_read(buffer),
            #[cfg(unix)]
            Self::Writing(_) => Err(one_way()),
        }
    }

    /// The address that the socket is bound to.
    ///
    /// # Errors
    ///
    /// The system's. A pipe has no address: `EBADF`.
    pub fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(socket) => socket.inner()?.local_addr().map(Address::Ip),
            #[cfg(unix)]
            Self::Unix(socket) => socket
                .inner()?
                .local_addr()
                .map(|address| unix_socket::name_of(&address.into()).into()),
            #[cfg(unix)]
            Self::Reading(_) | Self::Writing(_) => Err(one_way()),
        }
    }

    /// Makes closing the socket send `RST` instead of `FIN`. Does nothing for UNIX sockets and pipes, which have no
    /// reset.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn reset_on_close(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => SockRef::from(socket.inner()?).set_linger(Some(Duration::ZERO)),
            #[cfg(unix)]
            Self::Unix(_) | Self::Reading(_) | Self::Writing(_) => Ok(()),
        }
    }

    /// Sends `parcel`: all of its descriptors with the first of its bytes. Returns the number of bytes sent, at least
    /// 1.
    ///
    /// # Errors
    ///
    /// `Unsupported` except on a UNIX socket; otherwise the system's.
    pub(crate) fn poll_send_parcel(
        &mut self,
        cx: &mut Context<'_>,
        parcel: &Parcel,
    ) -> Poll<io::Result<usize>> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => descriptors::poll_send(socket, cx, parcel),
            _ => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Reads once into `buffer`, and at most `most` file descriptors with it. Returns the number of bytes and the
    /// descriptors.
    ///
    /// # Errors
    ///
    /// `Unsupported` except on a UNIX socket; otherwise the system's.
    pub(crate) fn poll_receive_with(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        most: usize,
    ) -> Poll<io::Result<(usize, Descriptors)>> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => descriptors::poll_receive(socket, cx, buffer, most),
            _ => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }
}

impl AsyncRead for StreamSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let memory = buffer.initialize_unfilled();
        let outcome = match self.get_mut() {
            Self::Tcp(socket) => socket.poll_read(cx, memory),
            #[cfg(unix)]
            Self::Unix(socket) => socket.poll_read(cx, memory),
            #[cfg(unix)]
            Self::Reading(pipe) => pipe.poll_read(cx, memory),
            #[cfg(unix)]
            Self::Writing(_) => Poll::Ready(Err(one_way())),
        };
        outcome.map_ok(|count| buffer.advance(count))
    }
}

impl AsyncWrite for StreamSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => socket.poll_write(cx, bytes),
            #[cfg(unix)]
            Self::Unix(socket) => socket.poll_write(cx, bytes),
            #[cfg(unix)]
            Self::Writing(Some(pipe)) => pipe.poll_write(cx, bytes),
            #[cfg(unix)]
            Self::Writing(None) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            #[cfg(unix)]
            Self::Reading(_) => Poll::Ready(Err(one_way())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => socket.poll_write_vectored(cx, slices),
            #[cfg(unix)]
            Self::Unix(socket) => socket.poll_write_vectored(cx, slices),
            #[cfg(unix)]
            Self::Writing(Some(pipe)) => pipe.poll_write_vectored(cx, slices),
            #[cfg(unix)]
            Self::Writing(None) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            #[cfg(unix)]
            Self::Reading(_) => Poll::Ready(Err(one_way())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    // There is no buffer to flush.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.get_mut() {
            Self::Tcp(socket) => socket
                .inner()
                .and_then(|socket| SockRef::from(socket).shutdown(Shutdown::Write)),
            #[cfg(unix)]
            Self::Unix(socket) => socket.inner().and_then(|socket| socket.shutdown(Shutdown::Write)),
            #[cfg(unix)]
            Self::Writing(pipe) => {
                pipe.take();
                Ok(())
            }
            #[cfg(unix)]
            Self::Reading(_) => Err(one_way()),
        })
    }
}

/// The error of a pipe end for the other direction (invariant 2).
#[cfg(unix)]
fn one_way() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

#[cfg(unix)]
impl AsFd for StreamSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
            Self::Reading(pipe) => pipe.as_fd(),
            Self::Writing(Some(pipe)) => pipe.as_fd(),
            // The descriptor is gone. Socket calls on `AT_FDCWD` fail with `EBADF`, and nothing else can be hit.
            Self::Writing(None) => rustix::fs::CWD,
        }
    }
}

/// Asks the kernel whether a read would not block. If asking fails, the answer is yes: the read reports the error.
#[cfg(unix)]
fn has_input(socket: &StreamSocket) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut descriptors = [PollFd::new(socket, PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    system::call(Call::Ask, || Ok(poll(&mut descriptors, Some(&at_once))?)).map_or(true, |count| count > 0)
}

#[cfg(not(unix))]
fn has_input(_: &StreamSocket) -> bool {
    true
}
