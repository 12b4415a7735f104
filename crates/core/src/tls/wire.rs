//! A socket with prefetched ciphertext: bytes that were read from it and not decrypted yet.
//!
//! Used by `TlsStream` on the JavaScript thread and by `SocketHandshake` also on the pool.
//!
//! # Invariants
//!
//! 1. All connections of a thread read into one scratch buffer. Only bytes that a session does not take are copied
//!    out of it, so an idle connection owns no buffer.
//! 2. Prefetched bytes come before anything that is read from the socket.
//! 3. The scratch buffer is borrowed only within a call, and the closure that gets its bytes calls nothing that reads
//!    a wire.

use std::{
    cell::RefCell,
    io::{self, IoSlice, Write},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sockets::StreamSocket;

/// Bytes of the scratch buffer, and so of one read: four full records.
const SCRATCH: usize = 65_536;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// A socket under TLS.
#[derive(Debug)]
pub struct Wire {
    /// For writing, which needs nothing else.
    pub socket: StreamSocket,
    /// Ciphertext that was read and not taken.
    prefetched: Vec<u8>,
    /// How many bytes of `prefetched` have been taken.
    taken: usize,
}

impl Wire {
    /// A wire over `socket`. `prefetched` was read from it before.
    pub fn new(socket: StreamSocket, prefetched: Vec<u8>) -> Self {
        Self {
            socket,
            prefetched,
            taken: 0,
        }
    }

    /// Whether there is prefetched ciphertext.
    pub fn has_prefetched(&self) -> bool {
        self.taken < self.prefetched.len()
    }

    /// Gives ciphertext to `take`: the prefetched bytes, or else those of one read. No bytes mean the end. `take`
    /// returns the number of bytes that it has taken, and an outcome.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn poll_input<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> (usize, T),
    ) -> Poll<io::Result<T>> {
        if self.has_prefetched() {
            let (count, outcome) = take(&self.prefetched[self.taken..]);
            self.taken += count;
            if !self.has_prefetched() {
                self.prefetched = Vec::new();
                self.taken = 0;
            }
            return Poll::Ready(Ok(outcome));
        }
        BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(buffer);
            match Pin::new(&mut self.socket).poll_read(cx, &mut read) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {
                    let bytes = read.filled();
                    let (count, outcome) = take(bytes);
                    if count < bytes.len() {
                        self.prefetched = bytes[count..].to_vec();
                    }
                    Poll::Ready(Ok(outcome))
                }
            }
        })
    }

    /// Reads once and discards. A socket that is closed with unread bytes sends `RST`, and the peer may lose what it
    /// has not read yet: the alert, or the last answer.
    pub fn drain(&mut self) {
        BUFFER.with_borrow_mut(|buffer| {
            // Once only: the peer may never stop sending.
            let _ = self.socket.try_read(buffer);
        });
    }
}

/// A socket in the form that rustls writes to: `Pending` becomes the error `WouldBlock`, and the waker is registered.
pub struct Writer<'a, 'b> {
    /// Where to write.
    pub socket: &'a mut StreamSocket,
    /// Whose waker is registered.
    pub cx: &'a mut Context<'b>,
}

impl Write for Writer<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.socket).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if let [single] = slices {
            return self.write(single);
        }
        or_would_block(Pin::new(&mut *self.socket).poll_write_vectored(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
