//! The socket under a stream, or the pipe. An enum with TCP first: one predictable branch before a system call.

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

#[derive(Debug)]
pub enum StreamSocket {
    Tcp(TcpSocket),
    #[cfg(unix)]
    Unix(Polled<UnixStream>),
    /// The end of a pipe that is read.
    #[cfg(unix)]
    Reading(Polled<PipeReader>),
    /// The end of a pipe that is written to; `None` once it has been shut down, which is to close it.
    #[cfg(unix)]
    Writing(Option<Polled<PipeWriter>>),
}

/// Each takes what does not block, under the reactor's `enter` guard, and fails where the reactor takes no more.
impl StreamSocket {
    /// # Errors
    ///
    /// The system's.
    pub fn tcp(socket: TcpStream) -> io::Result<Self> {
        Polled::tcp(socket).map(Self::Tcp)
    }

    /// # Errors
    ///
    /// The system's.
    #[cfg(unix)]
    pub fn unix(socket: UnixStream) -> io::Result<Self> {
        Polled::new(socket, Interest::READABLE | Interest::WRITABLE).map(Self::Unix)
    }

    /// # Errors
    ///
    /// The system's.
    #[cfg(unix)]
    pub fn reading(pipe: PipeReader) -> io::Result<Self> {
        Polled::new(pipe, Interest::READABLE).map(Self::Reading)
    }

    /// # Errors
    ///
    /// The system's.
    #[cfg(unix)]
    pub fn writing(pipe: PipeWriter) -> io::Result<Self> {
        Ok(Self::Writing(Some(Polled::new(pipe, Interest::WRITABLE)?)))
    }
}

impl StreamSocket {
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

    /// Whether the kernel, too, has something to be read. Where not, the reactor is told.
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
        // Between the two it may have come.
        has_input(self)
    }

    /// # Errors
    ///
    /// The system's; `WouldBlock` where nothing is there.
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

    /// # Errors
    ///
    /// The system's. A pipe has no address.
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

    /// Makes closing send `RST` instead of `FIN`. UNIX sockets and pipes know no such difference.
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

    /// Sends bytes with descriptors: how many of the bytes.
    pub(super) fn poll_send_parcel(
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

    pub(super) fn poll_receive_with(
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

/// A pipe goes one way.
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
            // No descriptor any more: what is asked of this one, `AT_FDCWD`, is `EBADF`.
            Self::Writing(None) => rustix::fs::CWD,
        }
    }
}

/// Where that cannot be told, a read will.
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
