//! The socket under a stream. An enum with TCP first: one predictable branch before a system call.

#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use socket2::SockRef;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

#[cfg(unix)]
use super::descriptors;
use super::descriptors::{Descriptors, Parcel};
use crate::address::Address;
#[cfg(unix)]
use crate::unix_socket;

#[derive(Debug)]
pub enum StreamSocket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Does the same to either kind.
macro_rules! either {
    ($socket:expr, $it:ident => $work:expr) => {
        match $socket {
            Self::Tcp($it) => $work,
            #[cfg(unix)]
            Self::Unix($it) => $work,
        }
    };
}

impl StreamSocket {
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, socket => socket.poll_read_ready(cx))
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, socket => socket.poll_write_ready(cx))
    }

    /// Whether the kernel, too, has something to be read. Where not, the reactor is told.
    pub fn confirm_readable(&self) -> bool {
        let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        if has_input(self) {
            return true;
        }
        let _ = either!(self, socket => socket.try_io(Interest::READABLE, nothing));
        // Between the two it may have come.
        has_input(self)
    }

    /// # Errors
    ///
    /// The system's; `WouldBlock` where nothing is there.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, socket => socket.try_read(buffer))
    }

    /// # Errors
    ///
    /// The system's.
    pub fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(socket) => socket.local_addr().map(Address::Ip),
            #[cfg(unix)]
            Self::Unix(socket) => socket
                .local_addr()
                .map(|address| unix_socket::name_of(&address).into()),
        }
    }

    /// Makes closing send `RST` instead of `FIN`. UNIX sockets know no such difference.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn reset_on_close(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => SockRef::from(socket).set_linger(Some(Duration::ZERO)),
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
        }
    }

    /// Sends bytes with descriptors: how many of the bytes.
    pub(super) fn poll_send_parcel(&self, cx: &mut Context<'_>, parcel: &Parcel) -> Poll<io::Result<usize>> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => descriptors::poll_send(socket, cx, parcel),
            Self::Tcp(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    pub(super) fn poll_receive_with(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        most: usize,
    ) -> Poll<io::Result<(usize, Descriptors)>> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => descriptors::poll_receive(socket, cx, buffer, most),
            Self::Tcp(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }
}

impl AsyncRead for StreamSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_read(cx, buffer))
    }
}

impl AsyncWrite for StreamSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_shutdown(cx))
    }
}

impl From<TcpStream> for StreamSocket {
    fn from(socket: TcpStream) -> Self {
        Self::Tcp(socket)
    }
}

#[cfg(unix)]
impl From<UnixStream> for StreamSocket {
    fn from(socket: UnixStream) -> Self {
        Self::Unix(socket)
    }
}

#[cfg(unix)]
impl AsFd for StreamSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        either!(self, socket => socket.as_fd())
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
    poll(&mut descriptors, Some(&at_once)).map_or(true, |count| count > 0)
}

#[cfg(not(unix))]
fn has_input(_: &StreamSocket) -> bool {
    true
}
