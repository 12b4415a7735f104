//! One connection, polled by hand: over TCP or a UNIX socket, with TLS or without, behind the same methods.
//!
//! Invariants of both:
//! 1. Bytes given to [`Connection::send`] leave in call order: nothing is written while older bytes are unsent.
//! 2. A write error ends the sending half only. It is kept until asked for, later sends are swallowed, and the
//!    receiving half never hears of it: data that the peer sent before it went away stays readable.
//!
//! An enum, and not a trait object: without TLS, every method is as it was before there was any.

use std::{
    io,
    task::{Context, Poll},
};

use super::{
    descriptors::{Descriptors, Parcel},
    goodbye::Goodbye,
    plain::Plain,
    socket::StreamSocket,
};
use crate::{
    address::Address,
    tls::{Session, TlsStream},
};

#[derive(Debug)]
pub enum Connection {
    Plain(Plain),
    Tls(Box<TlsStream>),
}

impl Connection {
    pub fn new(socket: StreamSocket, remote: Address) -> Self {
        Self::Plain(Plain::new(socket, remote))
    }

    /// Reads once into `buffer`. `Ready(Ok(0))` is the end of the peer's data. What is wrong in TLS is a
    /// [`crate::tls::Failure`] inside the error.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(plain) => plain.poll_receive(cx, buffer),
            Self::Tls(tls) => tls.poll_receive(cx, buffer),
        }
    }

    /// Waits until a receive may not have to wait.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(plain) => plain.poll_readable(cx),
            Self::Tls(tls) => tls.poll_readable(cx),
        }
    }

    /// As [`Connection::poll_readable`], and the kernel is asked, for the reactor may remember what has been read meanwhile.
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

    /// Takes all of `segments`: writes what the kernel takes now, in one gathered call where it can, and keeps
    /// the rest ([`Connection::unsent`]); `cx` is woken when [`Connection::poll_flush`] can go on.
    pub fn send(&mut self, cx: &mut Context<'_>, segments: &[&[u8]]) {
        match self {
            Self::Plain(plain) => plain.send(cx, segments),
            Self::Tls(tls) => tls.send(cx, segments),
        }
    }

    /// As [`Connection::send`], but takes of `data`, which follows `segments`, only what the kernel takes now; with TLS,
    /// up to four records more. Returns that length; it is all of `data` once the sending half has failed (invariant 2).
    pub fn send_direct(&mut self, cx: &mut Context<'_>, segments: &[&[u8]], data: &[u8]) -> usize {
        match self {
            Self::Plain(plain) => plain.send_direct(cx, segments, data),
            Self::Tls(tls) => tls.send_direct(cx, segments, data),
        }
    }

    /// Bytes taken that the kernel does not have yet; with TLS, an upper bound of them.
    pub fn unsent(&self) -> usize {
        match self {
            Self::Plain(plain) => plain.unsent(),
            Self::Tls(tls) => tls.unsent(),
        }
    }

    /// Writes what is unsent. Ready when nothing is left, or when the sending half has failed.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(plain) => plain.poll_flush(cx),
            Self::Tls(tls) => tls.poll_flush(cx),
        }
    }

    /// Waits until the kernel would take at least one byte.
    pub fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(plain) => plain.poll_writable(cx),
            Self::Tls(tls) => tls.poll_writable(cx),
        }
    }

    /// Flushes, then closes the sending half.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(plain) => plain.poll_shutdown(cx),
            Self::Tls(tls) => tls.poll_shutdown(cx),
        }
    }

    /// Shuts down, and reads for the peer's own end, whatever it is. Data that comes before it is dropped, and taken off `left`:
    /// done, too, when nothing is left. It is read also while the shutdown waits, because a peer that waits for the same would
    /// wait for ever.
    pub fn poll_goodbye(&mut self, cx: &mut Context<'_>, left: &mut usize) -> Goodbye {
        match self {
            Self::Plain(plain) => plain.poll_goodbye(cx, left),
            Self::Tls(tls) => tls.poll_goodbye(cx, left),
        }
    }

    /// Takes the error of the sending half, if it has failed since the last call.
    pub fn take_write_error(&mut self) -> Option<io::Error> {
        match self {
            Self::Plain(plain) => plain.take_write_error(),
            Self::Tls(tls) => tls.take_write_error(),
        }
    }

    /// Whether the sending half has failed (invariant 2), however often its error has been taken.
    pub fn has_failed_sending(&self) -> bool {
        match self {
            Self::Plain(plain) => plain.has_failed_sending(),
            Self::Tls(tls) => tls.has_failed_sending(),
        }
    }

    /// What is to be done before an orderly close.
    pub fn before_close(&mut self, cx: &mut Context<'_>) {
        if let Self::Tls(tls) = self {
            tls.before_close(cx);
        }
    }

    /// Keeps bytes and descriptors, to be sent by [`Connection::poll_send_parcel`]; only without TLS.
    pub fn post(&mut self, parcel: Parcel) {
        if let Self::Plain(plain) = self {
            plain.post(parcel);
        }
    }

    /// Forgets what was posted and is not sent yet.
    pub fn withdraw(&mut self) {
        if let Self::Plain(plain) = self {
            plain.withdraw();
        }
    }

    /// Sends what was posted, after what is unsent.
    pub fn poll_send_parcel(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(plain) => plain.poll_send_parcel(cx),
            Self::Tls(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// As [`Connection::poll_receive`], and with the bytes up to `most` descriptors.
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

    /// Makes closing the socket send `RST` instead of `FIN`, where it has such a thing.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn reset_on_close(&self) -> io::Result<()> {
        self.socket().reset_on_close()
    }

    /// # Errors
    ///
    /// The system's.
    pub fn local_address(&self) -> io::Result<Address> {
        self.socket().local_address()
    }

    pub fn remote_address(&self) -> &Address {
        match self {
            Self::Plain(plain) => plain.remote_address(),
            Self::Tls(tls) => tls.remote_address(),
        }
    }

    pub fn socket(&self) -> &StreamSocket {
        match self {
            Self::Plain(plain) => plain.socket(),
            Self::Tls(tls) => tls.socket(),
        }
    }

    /// The TLS session, where there is one.
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => Some(tls.session()),
        }
    }

    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// The socket and its peer's address, for a handshake. `None` where there has been one, or where bytes are unsent.
    pub fn into_socket(self) -> Option<(StreamSocket, Address)> {
        match self {
            Self::Plain(plain) if plain.unsent() == 0 => Some(plain.into_socket()),
            _ => None,
        }
    }
}
