//! A connection without TLS.
//!
//! [`super::Connection`] forwards to it, on the JavaScript thread, and documents what the methods do. What is kept
//! here:
//!
//! ```text
//!  send ─► unsent is empty? ─ yes ─► write ─ short ─► unsent ◄─ the rest ─ parcel
//!                           └ no ───────────────────► unsent ─ poll_flush ─► kernel
//! ```
//!
//! # Invariants
//!
//! 1. Bytes given to [`Plain::send`] leave in call order: nothing is written while older bytes are unsent.
//! 2. A write error ends the sending half only. It is kept until [`Plain::take_write_error`], and later sends are
//!    discarded. The receiving half does not report it: data that the peer sent before it went away stays readable.
//! 3. Reads go through `poll_read`, not `try_read`. It clears readiness after a short read if that proves that
//!    nothing is left, which saves the system call that would answer `WouldBlock` (`sockets/polled.rs`, invariant 1).
//! 4. A write goes on until the kernel refuses, also after a short write. Only the refusal registers the waker.
//! 5. A parcel waits for the unsent bytes before it. An error that concerns the parcel alone leaves the connection as
//!    it was.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::unsent::Unsent;
use crate::{
    address::Address,
    sockets::{Descriptors, Goodbye, Parcel, StreamSocket, drop_input},
};

/// The most segments in one gathered write. Linux takes 1,024, but more than a few dozen gain nothing.
const MAX_GATHER: usize = 64;

/// A connection without TLS. Dropping it closes the socket and discards unsent bytes.
#[derive(Debug)]
pub struct Plain {
    socket: StreamSocket,
    /// Kept from the start: the system no longer knows it after a reset, and that is when error texts need it.
    remote: Address,
    unsent: Unsent,
    /// The posted parcel (invariant 5).
    parcel: Option<Box<Parcel>>,
    /// The sending half has failed (invariant 2). Never reset; the error itself is handed out once.
    failed: bool,
    /// The sending half is closed.
    shut: bool,
    /// The error behind `failed`, until it is taken.
    write_error: Option<io::Error>,
}

impl Plain {
    /// A connection over `socket`. `remote` is the address of the peer.
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

    /// As [`super::Connection::poll_receive`] (invariant 3).
    pub fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        match Pin::new(&mut self.socket).poll_read(cx, &mut read) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(read.filled().len())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// As [`super::Connection::poll_readable`].
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_read_ready(cx)
    }

    /// As [`super::Connection::send`].
    pub fn send(&mut self, cx: &mut Context<'_>, segments: &[&[u8]]) {
        let written = self.write_now(cx, segments);
        if !self.failed {
            self.unsent.append(segments, written);
        }
    }

    /// As [`super::Connection::send_direct`].
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

    /// The number of bytes taken that the kernel does not have yet.
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// As [`super::Connection::poll_flush`].
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

    /// As [`super::Connection::poll_writable`].
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_flush(cx).is_pending() {
            return Poll::Pending;
        }
        if self.failed {
            return Poll::Ready(());
        }
        // The write that follows reports an error of the socket.
        self.socket.poll_write_ready(cx).map(drop)
    }

    /// As [`super::Connection::poll_shutdown`].
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_flush(cx).is_pending() {
            return Poll::Pending;
        }
        if self.failed || self.shut {
            return Poll::Ready(());
        }
        match Pin::new(&mut self.socket).poll_shutdown(cx) {
            // `NotConnected`: the peer has reset the connection, so the sending half is closed already.
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => {
                self.fail_writing(error);
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

    /// As [`super::Connection::take_write_error`].
    pub fn take_write_error(&mut self) -> Option<io::Error> {
        self.write_error.take()
    }

    /// As [`super::Connection::has_failed_sending`].
    pub fn has_failed_sending(&self) -> bool {
        self.failed
    }

    /// As [`super::Connection::post`].
    pub fn post(&mut self, parcel: Parcel) {
        self.parcel = Some(Box::new(parcel));
    }

    /// As [`super::Connection::withdraw`]. Nothing of the parcel has been sent.
    pub fn withdraw(&mut self) {
        self.parcel = None;
    }

    /// As [`super::Connection::poll_send_parcel`] (invariant 5).
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
        // The rest of the bytes is unsent data from here on.
        let _ = self.poll_flush(cx);
        Poll::Ready(Ok(()))
    }

    /// As [`super::Connection::poll_receive_with`].
    pub fn poll_receive_with(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        most: usize,
    ) -> Poll<io::Result<(usize, Descriptors)>> {
        self.socket.poll_receive_with(cx, buffer, most)
    }

    /// The address of the peer.
    pub fn remote_address(&self) -> &Address {
        &self.remote
    }

    /// The socket below.
    pub fn socket(&self) -> &StreamSocket {
        &self.socket
    }

    /// Takes the socket and the address of the peer. Unsent bytes are lost: the caller checks first.
    pub fn into_socket(self) -> (StreamSocket, Address) {
        (self.socket, self.remote)
    }

    /// Writes as much of `segments` as the kernel takes now, and returns the number of bytes.
    fn write_now(&mut self, cx: &mut Context<'_>, segments: &[&[u8]]) -> usize {
        if self.poll_flush(cx).is_pending() || self.failed {
            return 0;
        }
        if let [single] = segments {
            // The common case. The array of slices costs as much as everything else here.
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
        // Invariant 4.
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

    /// Invariant 2.
    fn fail_writing(&mut self, error: io::Error) {
        self.unsent.clear();
        self.failed = true;
        self.write_error = Some(error);
    }
}

/// Whether the connection has ended, as opposed to a parcel that the kernel refuses.
fn is_end_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
    )
}
