//! One connection: over TCP, a UNIX socket or a pipe, with TLS or without, behind the same methods.
//!
//! The addon's handle table owns it and polls it on the JavaScript thread, under the reactor's `enter` guard: a new
//! registration of the socket needs it. An enum, and not a trait object, so that a connection without TLS pays one
//! branch.
//!
//! # Invariants of both kinds
//!
//! 1. Bytes given to [`Connection::send`] leave in call order: nothing is written while older bytes are unsent.
//! 2. A write error ends the sending half only. It is kept until [`Connection::take_write_error`], and later sends are
//!    discarded. The receiving half does not report it: data that the peer sent before it went away stays readable.
//! 3. A send never waits. What the kernel does not take is kept, counted by [`Connection::unsent`], and written by
//!    [`Connection::poll_flush`].
//! 4. A receive takes at most the caller's buffer and keeps nothing back, so a cancelled receive has lost nothing.
//!    With TLS, prefetched ciphertext and decrypted plaintext stay in the connection for the next receive.
//! 5. Dropping the connection closes its socket and discards unsent bytes.

use std::{
    io,
    task::{Context, Poll},
};

use super::plain::Plain;
use crate::{
    address::Address,
    sockets::{Descriptors, Goodbye, Parcel, StreamSocket},
    tls::{Session, TlsStream},
};

/// A connected stream. Dropping it closes it (invariant 5).
#[derive(Debug)]
pub enum Connection {
    /// Without TLS.
    Plain(Plain),
    /// After a TLS handshake. Boxed: it is much larger.
    Tls(Box<TlsStream>),
}

impl Connection {
    /// A connection without TLS. `remote` is the address of the peer.
    pub fn new(socket: StreamSocket, remote: Address) -> Self {
        Self::Plain(Plain::new(socket, remote))
    }

    /// Reads once into `buffer` and returns the number of bytes. `Ready(Ok(0))` is the end of the peer's data.
    ///
    /// # Errors
    ///
    /// The system's. A TLS error is a [`crate::tls::Failure`] inside an error of kind `Other`.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(plain) => plain.poll_receive(cx, buffer),
            Self::Tls(tls) => tls.poll_receive(cx, buffer),
        }
    }

    /// Waits until a receive may succeed. It may still be `Pending`: the reactor can remember readiness of bytes that
    /// are gone.
    ///
    /// # Errors
    ///
    /// The reactor's, after it has ended.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(plain) => plain.poll_readable(cx),
            Self::Tls(tls) => tls.poll_readable(cx),
        }
    }

    /// Waits until there is something to receive, and asks the kernel to be sure. Costs a system call that
    /// [`Connection::poll_readable`] does not make.
    ///
    /// # Errors
    ///
    /// The reactor's, after it has ended.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.poll_readable(cx) {
                Poll::Ready(Ok(())) => {}
                outcome => return outcome,
            }
            let beyond_the_socket = match self {
                Self::Plain(_) => false,
                Self::Tls(tls) => tls.has_something(),
            };
            if beyond_the_socket || self.socket().confirm_readable() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Takes all of `segments`, in order. Writes what the kernel takes now, gathered in as few system calls as
    /// possible, and keeps the rest (invariant 3). `cx` is woken when [`Connection::poll_flush`] can go on.
    pub fn send(&mut self, cx: &mut Context<'_>, segments: &[&[u8]]) {
        match self {
            Self::Plain(plain) => plain.send(cx, segments),
            Self::Tls(tls) => tls.send(cx, segments),
        }
    }

    /// Takes all of `segments` as [`Connection::send`] does. Of `data`, which follows them, it takes only what the
    /// kernel takes now, and with TLS up to 64 KiB more. Returns the number of bytes taken of `data`: all of it once
    /// the sending half has failed (invariant 2).
    pub fn send_direct(&mut self, cx: &mut Context<'_>, segments: &[&[u8]], data: &[u8]) -> usize {
        match self {
            Self::Plain(plain) => plain.send_direct(cx, segments, data),
            Self::Tls(tls) => tls.send_direct(cx, segments, data),
        }
    }

    /// The number of bytes taken that the kernel does not have yet. With TLS, an upper bound.
    pub fn unsent(&self) -> usize {
        match self {
            Self::Plain(plain) => plain.unsent(),
            Self::Tls(tls) => tls.unsent(),
        }
    }

    /// Writes unsent bytes. Ready when none are left, or when the sending half has failed.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(plain) => plain.poll_flush(cx),
            Self::Tls(tls) => tls.poll_flush(cx),
        }
    }

    /// Flushes, then waits until the kernel may take at least one byte more. Ready at once when the sending half has
    /// failed.
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(plain) => plain.poll_writable(cx),
            Self::Tls(tls) => tls.poll_writable(cx),
        }
    }

    /// Flushes, sends `close_notify` with TLS, then closes the sending half. A failure is kept as a write error.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(plain) => plain.poll_shutdown(cx),
            Self::Tls(tls) => tls.poll_shutdown(cx),
        }
    }

    /// Bidirectional shutdown: closes the sending half, waits for the peer's end and discards the data before it.
    /// `left` bounds the discarded bytes and is counted down. Reads also while the own shutdown waits, because the
    /// peer may do the same.
    pub fn poll_goodbye(&mut self, cx: &mut Context<'_>, left: &mut usize) -> Goodbye {
        match self {
            Self::Plain(plain) => plain.poll_goodbye(cx, left),
            Self::Tls(tls) => tls.poll_goodbye(cx, left),
        }
    }

    /// The error of the sending half. It is given once.
    pub fn take_write_error(&mut self) -> Option<io::Error> {
        match self {
            Self::Plain(plain) => plain.take_write_error(),
            Self::Tls(tls) => tls.take_write_error(),
        }
    }

    /// Whether the sending half has failed (invariant 2), also after its error has been taken.
    pub fn has_failed_sending(&self) -> bool {
        match self {
            Self::Plain(plain) => plain.has_failed_sending(),
            Self::Tls(tls) => tls.has_failed_sending(),
        }
    }

    /// Call before an orderly close. With TLS it tries unsent bytes once more, and discards input that would turn the
    /// close into a reset.
    pub fn before_close(&mut self, cx: &mut Context<'_>) {
        if let Self::Tls(tls) = self {
            tls.before_close(cx);
        }
    }

    /// Keeps bytes with ancillary data for [`Connection::poll_send_parcel`], in place of an earlier parcel. With TLS
    /// it drops them.
    pub fn post(&mut self, parcel: Parcel) {
        if let Self::Plain(plain) = self {
            plain.post(parcel);
        }
    }

    /// Drops a parcel that was posted and not sent, and closes its descriptors.
    pub fn withdraw(&mut self) {
        if let Self::Plain(plain) = self {
            plain.withdraw();
        }
    }

    /// Sends the posted parcel behind the unsent bytes. Ready when the kernel has the descriptors; the rest of the
    /// bytes is unsent then.
    ///
    /// # Errors
    ///
    /// The system's, when it refuses this parcel; the connection goes on. `Unsupported` with TLS and except on UNIX
    /// sockets.
    pub fn poll_send_parcel(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(plain) => plain.poll_send_parcel(cx),
            Self::Tls(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// As [`Connection::poll_receive`], with at most `most` file descriptors beside the bytes.
    ///
    /// # Errors
    ///
    /// The system's; `Unsupported` with TLS and except on UNIX sockets.
    pub fn poll_receive_with(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        most: usize,
    ) -> Poll<io::Result<(usize, Descriptors)>> {
        match self {
            Self::Plain(plain) => plain.poll_receive_with(cx, buffer, most),
            Self::Tls(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Makes closing the socket send `RST` instead of `FIN`. Does nothing for UNIX sockets and pipes.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn reset_on_close(&self) -> io::Result<()> {
        self.socket().reset_on_close()
    }

    /// The address that the socket is bound to.
    ///
    /// # Errors
    ///
    /// The system's. A pipe has no address: `EBADF`.
    pub fn local_address(&self) -> io::Result<Address> {
        self.socket().local_address()
    }

    /// The address of the peer. It stays known after a reset.
    pub fn remote_address(&self) -> &Address {
        match self {
            Self::Plain(plain) => plain.remote_address(),
            Self::Tls(tls) => tls.remote_address(),
        }
    }

    /// The socket below, for its descriptor and options.
    pub fn socket(&self) -> &StreamSocket {
        match self {
            Self::Plain(plain) => plain.socket(),
            Self::Tls(tls) => tls.socket(),
        }
    }

    /// The TLS session. `None` without TLS.
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => Some(tls.session()),
        }
    }

    /// Whether a TLS handshake has been made.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Takes the socket and the peer's address, for a handshake. `None`, and the connection is closed, if there has
    /// been a handshake or bytes are unsent.
    pub fn into_socket(self) -> Option<(StreamSocket, Address)> {
        match self {
            Self::Plain(plain) if plain.unsent() == 0 => Some(plain.into_socket()),
            _ => None,
        }
    }
}
