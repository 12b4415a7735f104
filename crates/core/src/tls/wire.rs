//! A socket, with the bytes that were read from it ahead of what could be decrypted.
//!
//! Every connection of a thread reads into one scratch buffer, up to 64 KiB at once; only what a session does not take
//! from it is copied. So an idle connection owns nothing of it.

use std::{
    cell::RefCell,
    io::{self, IoSlice, Write},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sockets::StreamSocket;

const SCRATCH: usize = 65_536;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

#[derive(Debug)]
pub struct Wire {
    pub socket: StreamSocket,
    ahead: Vec<u8>,
    /// Where the bytes of `ahead` that have not been taken begin.
    taken: usize,
}

impl Wire {
    /// `ahead` comes before whatever is read.
    pub fn new(socket: StreamSocket, ahead: Vec<u8>) -> Self {
        Self {
            socket,
            ahead,
            taken: 0,
        }
    }

    /// Whether ciphertext is there without a read.
    pub fn has_ahead(&self) -> bool {
        self.taken < self.ahead.len()
    }

    /// Gives ciphertext to `take`: what is ahead, or else what one read gives; nothing is the end. `take` returns how much
    /// of it it has taken.
    pub fn poll_input<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> (usize, T),
    ) -> Poll<io::Result<T>> {
        if self.has_ahead() {
            let (count, outcome) = take(&self.ahead[self.taken..]);
            self.taken += count;
            if !self.has_ahead() {
                self.ahead = Vec::new();
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
                        self.ahead = bytes[count..].to_vec();
                    }
                    Poll::Ready(Ok(outcome))
                }
            }
        })
    }

    /// Reads and drops what is there now. A socket that is closed with bytes unread sends `RST`, and the peer may lose what
    /// it has not read yet: the alert, the last answer.
    pub fn drain(&mut self) {
        BUFFER.with_borrow_mut(|buffer| {
            // Once: a peer that sends and sends is not waited for.
            let _ = self.socket.try_read(buffer);
        });
    }
}

/// A socket as rustls writes to it: "would block" is an error there.
pub struct Writer<'a, 'b> {
    pub socket: &'a mut StreamSocket,
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
