//! The stand-in for `polled.rs` on systems without file descriptors: tokio's TCP socket, with the methods of
//! `polled.rs`.
//!
//! Called as `polled.rs` is. tokio keeps its invariants 3 and 4; here readiness is cleared by `WouldBlock` alone.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

/// A TCP socket that is registered with the reactor of the current thread.
#[derive(Debug)]
pub struct Polled(TcpStream);

impl Polled {
    /// Registers a non-blocking TCP socket. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's, when the reactor takes no more sockets.
    pub fn tcp(socket: std::net::TcpStream) -> io::Result<Self> {
        TcpStream::from_std(socket).map(Self)
    }

    /// The socket itself. Never fails; `polled.rs` can.
    pub fn inner(&self) -> io::Result<&TcpStream> {
        Ok(&self.0)
    }

    /// Waits until a read may succeed.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(cx)
    }

    /// Waits until a write may succeed.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(cx)
    }

    /// Reads once into `buffer` and returns the number of bytes; 0 is the end of the data.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        Pin::new(&mut self.0)
            .poll_read(cx, &mut read)
            .map_ok(|()| read.filled().len())
    }

    /// Reads once without waiting.
    ///
    /// # Errors
    ///
    /// The system's. `WouldBlock` means that nothing is there.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }

    /// Writes once and returns the number of bytes that the kernel took.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    /// Writes `slices` in one system call and returns the number of bytes that the kernel took.
    pub fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    /// Clears read readiness. Call only after a system call has just said that nothing is there.
    pub fn clear_input(&self) {
        let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = self.0.try_io(Interest::READABLE, nothing);
    }
}

impl From<TcpStream> for Polled {
    fn from(socket: TcpStream) -> Self {
        Self(socket)
    }
}
