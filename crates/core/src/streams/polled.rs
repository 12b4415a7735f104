//! A descriptor that the reactor watches, polled by hand: what tokio's own sockets do, but for what they take for granted.
//!
//! Invariants:
//! 1. Readiness is cleared where the kernel has said "would block". A short read says so too for TCP on Linux, which saves the
//!    system call that would only say it; but not next to urgent data, at which a read stops with more behind it, and not for
//!    UNIX sockets and pipes, where a read stops at descriptors and at the end of a packet.
//! 2. The reactor takes `EPOLLERR` with `EPOLLOUT` for the end, which it never forgets. Where the kernel refuses all the same
//!    (an error queue has raised it: timestamps, zero-copy notifications), the descriptor is registered anew: whoever tried
//!    again and again would not come to an end.
//! 3. A waker that was registered stays registered, also through a new registration.

use std::{
    io::{self, IoSlice, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    task::{Context, Poll, ready},
};

use tokio::io::{Interest, unix::AsyncFd};

use crate::system::{self, Call};

#[cfg(any(target_os = "linux", target_os = "android"))]
const TCP: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const TCP: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Whether a short read of a TCP socket can be told from one that stops at urgent data.
const DRAINS: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Messages taken from an error queue at once: a socket has few.
const ERRORS: usize = 64;

#[derive(Debug)]
pub struct Polled<T: AsRawFd> {
    /// `None` only after a new registration has failed, which closes the descriptor.
    watched: Option<AsyncFd<T>>,
    interest: Interest,
    /// A short read says that nothing is left (invariant 1).
    drains: bool,
}

impl<T: AsRawFd + AsFd> Polled<T> {
    /// Of a TCP socket that is connected or on its way, and does not block. Call under the reactor's `enter` guard.
    pub fn tcp(socket: T) -> io::Result<Self> {
        Self::register(socket, TCP, DRAINS)
    }

    /// Of any other descriptor that does not block. Call under the reactor's `enter` guard.
    pub fn new(descriptor: T, interest: Interest) -> io::Result<Self> {
        Self::register(descriptor, interest, false)
    }

    fn register(descriptor: T, interest: Interest, drains: bool) -> io::Result<Self> {
        Ok(Self {
            watched: Some(watch(descriptor, interest)?),
            interest,
            drains,
        })
    }

    pub fn inner(&self) -> io::Result<&T> {
        self.watched().map(AsyncFd::get_ref)
    }

    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watched()?.poll_read_ready(cx).map_ok(drop)
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watched()?.poll_write_ready(cx).map_ok(drop)
    }

    /// Reads by `read`, which says `WouldBlock` where nothing is there.
    pub fn poll_input<R>(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_input_until(cx, read, |_| false)
    }

    /// The same; `is_last` tells of what was read that nothing is left.
    fn poll_input_until<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&T) -> io::Result<R>,
        is_last: impl FnOnce(&R) -> bool,
    ) -> Poll<io::Result<R>> {
        loop {
            // Before the read: what comes after it must not be cleared with what was there.
            let watched = self.watched()?;
            let mut guard = ready!(watched.poll_read_ready(cx))?;
            match read(watched.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let says_nothing_more = guard.ready().is_read_closed() || system::is_made_up(&error);
                    guard.clear_ready();
                    if says_nothing_more {
                        self.renew(cx)?;
                    }
                }
                Ok(result) => {
                    if is_last(&result) && !is_urgent(watched) {
                        guard.clear_ready();
                    }
                    return Poll::Ready(Ok(result));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes by `write`, which says `WouldBlock` where there is no room.
    pub fn poll_output<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let watched = self.watched()?;
            let mut guard = ready!(watched.poll_write_ready(cx))?;
            match write(watched.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let says_nothing_more = guard.ready().is_write_closed() || system::is_made_up(&error);
                    guard.clear_ready();
                    if says_nothing_more {
                        self.renew(cx)?;
                    }
                }
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Tells the reactor that nothing is there to be read, as a system call has just said.
    pub fn clear_input(&self) {
        if let Some(watched) = &self.watched {
            let nothing = || io::Error::from(io::ErrorKind::WouldBlock);
            let _ = watched.try_io(Interest::READABLE, |_| Err::<(), _>(nothing()));
        }
    }

    fn watched(&self) -> io::Result<&AsyncFd<T>> {
        self.watched.as_ref().ok_or_else(gone)
    }

    /// Invariants 2 and 3.
    fn renew(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let descriptor = self.watched.take().ok_or_else(gone)?.into_inner();
        empty_error_queue(descriptor.as_fd());
        let watched = watch(descriptor, self.interest)?;
        // What is ready is reported by the next turn, to both directions.
        let _ = watched.poll_read_ready(cx);
        let _ = watched.poll_write_ready(cx);
        self.watched = Some(watched);
        Ok(())
    }
}

impl<T: AsRawFd + AsFd> Polled<T>
where
    for<'a> &'a T: Read,
{
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let (drains, room) = (self.drains, system::part(buffer.len()));
        let buffer = &mut buffer[..room];
        self.poll_input_until(
            cx,
            |mut socket: &T| system::call(Call::Receive, || socket.read(buffer)),
            |&count| drains && count > 0 && count < room,
        )
    }

    /// Reads what is there now.
    ///
    /// # Errors
    ///
    /// The system's; `WouldBlock` where nothing is there.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut socket = self.inner()?;
        system::call(Call::Receive, || socket.read(buffer))
    }
}

impl<T: AsRawFd + AsFd> Polled<T>
where
    for<'a> &'a T: Write,
{
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..system::part(bytes.len())];
        self.poll_output(cx, |mut socket: &T| {
            system::call(Call::Send, || socket.write(bytes))
        })
    }

    pub fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_output(cx, |socket: &T| system::write_vectored(socket, slices))
    }
}

impl<T: AsRawFd + AsFd> AsFd for Polled<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.watched {
            Some(watched) => watched.get_ref().as_fd(),
            // No descriptor any more: what is asked of this one, `AT_FDCWD`, is `EBADF`.
            None => rustix::fs::CWD,
        }
    }
}

fn watch<T: AsRawFd>(descriptor: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types that do not own their descriptor; those here do"
    )]
    AsyncFd::with_interest(descriptor, interest)
}

/// Whether urgent data has ever come. It stays so: it may come again.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_urgent<T: AsRawFd>(watched: &AsyncFd<T>) -> bool {
    watched.try_io(Interest::PRIORITY, |_| Ok(())).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_urgent<T: AsRawFd>(_: &AsyncFd<T>) -> bool {
    false
}

fn gone() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

/// Nobody reads it, and as long as it holds anything, the socket has an error that is none.
///
/// Only IP sockets have one. A UNIX socket does not know the flag and would take the call for a receive: of a message without
/// room for it, whose datagram or descriptors are lost.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn empty_error_queue(socket: BorrowedFd<'_>) {
    use rustix::net::{AddressFamily, RecvAncillaryBuffer, RecvFlags, recvmsg, sockopt::socket_domain};

    if !matches!(
        socket_domain(socket),
        Ok(AddressFamily::INET | AddressFamily::INET6)
    ) {
        return;
    }
    for _ in 0..ERRORS {
        let mut control = RecvAncillaryBuffer::default();
        let flags = RecvFlags::ERRQUEUE | RecvFlags::DONTWAIT;
        if recvmsg(socket, &mut [], &mut control, flags).is_err() {
            return;
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn empty_error_queue(_: BorrowedFd<'_>) {
    let _ = ERRORS;
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_unix_socket_registered_anew_keeps_the_datagrams_that_it_has() {
        let (here, there) = UnixDatagram::pair().expect("sockets");
        there.send(b"one").expect("room");
        there.send(b"two").expect("room");
        empty_error_queue(here.as_fd());
        here.set_nonblocking(true).expect("set");
        let mut buffer = [0; 8];
        assert_eq!(here.recv(&mut buffer).expect("the first"), 3);
        assert_eq!(&buffer[..3], b"one");
        assert_eq!(here.recv(&mut buffer).expect("the second"), 3);
    }
}
