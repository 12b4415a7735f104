//! A connection without TLS, polled by hand.
//!
//! Invariants:
//! 1. Bytes given to [`Plain::send`] leave in call order: nothing is written while older bytes are unsent.
//! 2. A write error ends the sending half only. It is kept until asked for, later sends are swallowed, and the
//!    receiving half never hears of it: data that the peer sent before it went away stays readable.
//! 3. Reads go through `poll_read`, not `try_read`: it clears readiness after a short read where that says enough, which saves
//!    the system call that would only say "would block" (`polled.rs`).

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    descriptors::{Descriptors, Parcel},
    goodbye::{Goodbye, drop_input},
    socket::StreamSocket,
    unsent::Unsent,
};
use crate::address::Address;

/// The most segments in one gathered write. Linux takes 1,024; more than a few dozen gain nothing.
const MAX_GATHER: usize = 64;

#[derive(Debug)]
pub struct Plain {
    socket: StreamSocket,
    /// Kept from the beginning: a socket that was reset can no longer tell, and then it is asked for most.
    remote: Address,
    unsent: Unsent,
    /// What is to leave with descriptors, after `unsent`.
    parcel: Option<Box<Parcel>>,
    /// The sending half has failed (invariant 2). Stays so; the error itself is handed out once.
    failed: bool,
    /// The sending half is closed.
    shut: bool,
    write_error: Option<io::Error>,
}

impl Plain {
    pub fn new(socket: StreamSocket, remote: Address) -> Self {
        Self {
            socket,
            remote,
            unsent: Unsent::default(),
            parcel: None,
            failed: false,
            shut: false,
            write_error: None,
        }
    }

    /// Reads once into `buffer`. `Ready(Ok(0))` is the end of the peer's data.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        match Pin::new(&mut self.socket).poll_read(cx, &mut read) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(read.filled().len())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Waits until a read would not block.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_read_ready(cx)
    }

    /// Takes all of `segments`: writes what the kernel takes now, in one gathered call where it can, and keeps
    /// the rest ([`Plain::unsent`]); `cx` is woken when [`Plain::poll_flush`] can go on.
    pub fn send(&mut self, cx: &mut Context<'_>, segments: &[&[u8]]) {
        let written = self.write_now(cx, segments);
        if !self.failed {
            self.unsent.append(segments, written);
        }
    }

    /// As [`Plain::send`], but takes of `data`, which follows `segments`, only what the kernel takes now.
    /// Returns that length; it is all of `data` once the sending half has failed (invariant 2).
    pub fn send_direct(&mut self, cx: &mut Context<'_>, segments: &[&[u8]], data: &[u8]) -> usize {
        let before: usize = segments.iter().map(|segment| segment.len()).sum();
        let written = match segments {
            [] => self.write_now(cx, &[data]),
            _ => {
                let mut all = segments.to_vec();
                all.push(data);
                self.write_now(cx, &all)
            }
        };
        if self.failed {
            return data.len();
        }
        self.unsent.append(segments, written.min(before));
        written.saturating_sub(before)
    }

    /// Bytes taken that the kernel does not have yet.
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Writes what is unsent. Ready when nothing is left, or when the sending half has failed.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.unsent.is_empty() {
            let slices = self.unsent.as_slices();
            match Pin::new(&mut self.socket).poll_write_vectored(cx, &slices) {
                Poll::Ready(Ok(count)) => self.unsent.consume(count),
                Poll::Ready(Err(error)) => self.fail_writing(error),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    /// Waits until the kernel would take at least one byte.
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_flush(cx).is_pending() {
            return Poll::Pending;
        }
        if self.failed {
            return Poll::Ready(());
        }
        // An error of the socket shows itself at the write that follows.
        self.socket.poll_write_ready(cx).map(drop)
    }

    /// Flushes, then closes the sending half.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_flush(cx).is_pending() {
            return Poll::Pending;
        }
        if self.failed || self.shut {
            return Poll::Ready(());
        }
        match Pin::new(&mut self.socket).poll_shutdown(cx) {
            // The peer has gone already: what shutting down was to bring about is so.
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => {
                self.fail_writing(error)
            }
            Poll::Ready(_) => self.shut = true,
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(())
    }

    /// As [`super::Connection::poll_goodbye`].
    pub fn poll_goodbye(&mut self, cx: &mut Context<'_>, left: &mut usize) -> Goodbye {
        let shut = self.poll_shutdown(cx);
        drop_input(shut, left, |dropped| self.poll_receive(cx, dropped))
    }

    /// Takes the error of the sending half, if it has failed since the last call.
    pub fn take_write_error(&mut self) -> Option<io::Error> {
        self.write_error.take()
    }

    pub fn has_failed_sending(&self) -> bool {
        self.failed
    }

    /// Keeps bytes and descriptors, to be sent by [`Plain::poll_send_parcel`].
    pub fn post(&mut self, parcel: Parcel) {
        self.parcel = Some(Box::new(parcel));
    }

    /// Forgets what was posted. Nothing of it has been sent.
    pub fn withdraw(&mut self) {
        self.parcel = None;
    }

    /// Sends what was posted, after what is unsent. Ready when the kernel has the descriptors, and this the rest of the bytes;
    /// an error is the parcel's own, and the connection as good as before.
    pub fn poll_send_parcel(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.poll_flush(cx).is_pending() {
            return Poll::Pending;
        }
        if self.failed {
            self.parcel = None;
        }
        let Some(parcel) = &self.parcel else {
            return Poll::Ready(Ok(()));
        };
        let outcome = match self.socket.poll_send_parcel(cx, parcel) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(outcome) => outcome,
        };
        let sent = self.parcel.take();
        match (outcome, sent) {
            (Ok(count), Some(parcel)) => self.unsent.append(&[&parcel.bytes], count),
            (Err(error), _) if is_end_of_peer(&error) => self.fail_writing(error),
            (Err(error), _) => return Poll::Ready(Err(error)),
            (Ok(_), None) => {}
        }
        // Pending: the rest waits as data does.
        let _ = self.poll_flush(cx);
        Poll::Ready(Ok(()))
    }

    /// As [`Plain::poll_receive`], and with the bytes up to `most` descriptors.
    pub fn poll_receive_with(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        most: usize,
    ) -> Poll<io::Result<(usize, Descriptors)>> {
        self.socket.poll_receive_with(cx, buffer, most)
    }

    pub fn remote_address(&self) -> &Address {
        &self.remote
    }

    pub fn socket(&self) -> &StreamSocket {
        &self.socket
    }

    pub fn into_socket(self) -> (StreamSocket, Address) {
        (self.socket, self.remote)
    }

    /// Writes as much of `segments` as the kernel takes now and returns how much that was.
    fn write_now(&mut self, cx: &mut Context<'_>, segments: &[&[u8]]) -> usize {
        if self.poll_flush(cx).is_pending() || self.failed {
            return 0;
        }
        if let [single] = segments {
            // Nearly every turn of nearly every connection: without the array of slices, which costs as much as the rest.
            return self.write_single(cx, single);
        }
        let mut written = 0;
        for batch in segments.chunks(MAX_GATHER) {
            let length: usize = batch.iter().map(|segment| segment.len()).sum();
            let count = self.write_batch(cx, batch);
            written += count;
            if count < length {
                break;
            }
        }
        written
    }

    fn write_single(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match Pin::new(&mut self.socket).poll_write(cx, &bytes[written..]) {
                Poll::Ready(Ok(count)) => written += count,
                Poll::Ready(Err(error)) => {
                    self.fail_writing(error);
                    break;
                }
                Poll::Pending => break,
            }
        }
        written
    }

    fn write_batch(&mut self, cx: &mut Context<'_>, batch: &[&[u8]]) -> usize {
        let mut slices = [IoSlice::new(&[]); MAX_GATHER];
        for (slice, segment) in slices.iter_mut().zip(batch) {
            *slice = IoSlice::new(segment);
        }
        let mut rest = &mut slices[..batch.len()];
        let mut written = 0;
        // Until the kernel says no, and not only once: a short write leaves tokio's readiness set, and without
        // the refusal no waker is registered.
        while rest.iter().any(|slice| !slice.is_empty()) {
            match Pin::new(&mut self.socket).poll_write_vectored(cx, rest) {
                Poll::Ready(Ok(count)) => {
                    written += count;
                    IoSlice::advance_slices(&mut rest, count);
                }
                Poll::Ready(Err(error)) => {
                    self.fail_writing(error);
                    break;
                }
                Poll::Pending => break,
            }
        }
        written
    }

    fn fail_writing(&mut self, error: io::Error) {
        self.unsent.clear();
        self.failed = true;
        self.write_error = Some(error);
    }
}

/// The connection is over, and not only what was to be sent with it wrong.
fn is_end_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
    )
}
