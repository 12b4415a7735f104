//! A descriptor that the reactor watches, polled by hand.
//!
//! It replaces tokio's own sockets. They clear readiness after every short read and never recover from an error that
//! the reactor mistakes for the end. The owner polls it on its thread, the JavaScript thread, with one waker for both
//! directions. The reactor calls the waker from `Reactor::turn` on the same thread, or from its helper thread.
//!
//! ```text
//!  poll_input:  ready? ─ no ──► Pending: the waker is registered
//!                 │ yes
//!                 ▼
//!               read ─ WouldBlock ──► clear readiness ──► register anew if invariant 2 says so ──► ready?
//!                 │ bytes
//!                 ▼
//!               clear readiness if invariant 1 says so ──► Ready
//! ```
//!
//! # Invariants
//!
//! 1. Readiness is cleared only when nothing is left. The kernel says so by `WouldBlock`. For TCP on Linux a short
//!    read says it too, which saves one system call for each message. A short read proves nothing after urgent data
//!    has come (a read stops at it, with more bytes behind it), nor on UNIX sockets and pipes (a read stops at
//!    ancillary data and at the end of a packet).
//! 2. The reactor takes `EPOLLERR` together with `EPOLLOUT` for a closed socket, and never forgets that. If the
//!    kernel answers `WouldBlock` although the reactor says "closed", an error queue has raised `EPOLLERR`
//!    (timestamps, zero-copy notifications). Then the descriptor is registered anew; trying again would loop for
//!    ever.
//! 3. A registered waker stays registered, also through a new registration: [`Polled::renew`] registers the caller's
//!    waker for both directions, which is why a descriptor has one waker.
//! 4. The guard is taken before the system call. Readiness that arrives after the call is newer than the guard, so
//!    clearing the guard does not clear it.
//! 5. A new registration goes to the reactor of the first one, also when a handshake polls the socket on the pool. The
//!    pool's reactor would call the waker on a thread that cannot interrupt libuv's wait.

use std::{
    io::{self, IoSlice, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    runtime::Handle,
};

use crate::system::{self, Call};

#[cfg(any(target_os = "linux", target_os = "android"))]
const TCP: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const TCP: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Whether this system reports urgent data, so that a short TCP read can prove that nothing is left (invariant 1).
const DRAINS: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Messages taken from an error queue in one go. A socket has few of them.
const ERRORS: usize = 64;

/// A non-blocking descriptor of type `T`, registered with the reactor of the current thread. Dropping it closes the
/// descriptor.
#[derive(Debug)]
pub struct Polled<T: AsRawFd> {
    /// `None` only after a new registration has failed. That closes the descriptor, and every later call is `EBADF`.
    watched: Option<AsyncFd<T>>,
    /// The reactor that it is registered with (invariant 5).
    reactor: Handle,
    interest: Interest,
    /// Whether a short read proves that nothing is left (invariant 1).
    drains: bool,
}

impl<T: AsRawFd + AsFd> Polled<T> {
    /// Registers a non-blocking TCP socket that is connected or connecting. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's, when the reactor takes no more descriptors.
    pub fn tcp(socket: T) -> io::Result<Self> {
        Self::register(socket, TCP, DRAINS)
    }

    /// Registers any other non-blocking descriptor. Call under the reactor's `enter` guard.
    ///
    /// # Errors
    ///
    /// The system's: no more descriptors, or `EPERM` for a kind that epoll refuses, such as regular files.
    pub fn new(descriptor: T, interest: Interest) -> io::Result<Self> {
        Self::register(descriptor, interest, false)
    }

    fn register(descriptor: T, interest: Interest, drains: bool) -> io::Result<Self> {
        Ok(Self {
            watched: Some(watch(descriptor, interest)?),
            reactor: Handle::current(),
            interest,
            drains,
        })
    }

    /// The descriptor itself.
    ///
    /// # Errors
    ///
    /// `EBADF` after a new registration has failed.
    pub fn inner(&self) -> io::Result<&T> {
        self.watched().map(AsyncFd::get_ref)
    }

    /// Waits until a read may succeed. The kernel is not asked: readiness may be left over from bytes already read.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watched()?.poll_read_ready(cx).map_ok(drop)
    }

    /// Waits until a write may succeed. The kernel is not asked.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watched()?.poll_write_ready(cx).map_ok(drop)
    }

    /// Waits for readiness and calls `read`, again after each `WouldBlock`. Any other outcome of `read` is returned.
    pub fn poll_input<R>(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_input_until(cx, read, |_| false)
    }

    /// As [`Polled::poll_input`]. `is_last` says whether this outcome of `read` proves that nothing is left.
    fn poll_input_until<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&T) -> io::Result<R>,
        is_last: impl FnOnce(&R) -> bool,
    ) -> Poll<io::Result<R>> {
        loop {
            // Invariant 4.
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

    /// Waits for readiness and calls `write`, again after each `WouldBlock`. Any other outcome of `write` is returned.
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

    /// Clears read readiness. Call only after a system call has just said that nothing is there (invariant 1).
    pub fn clear_input(&self) {
        if let Some(watched) = &self.watched {
            let nothing = || io::Error::from(io::ErrorKind::WouldBlock);
            let _ = watched.try_io(Interest::READABLE, |_| Err::<(), _>(nothing()));
        }
    }

    fn watched(&self) -> io::Result<&AsyncFd<T>> {
        self.watched.as_ref().ok_or_else(gone)
    }

    /// Registers the descriptor anew (invariants 2, 3 and 5).
    fn renew(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let descriptor = self.watched.take().ok_or_else(gone)?.into_inner();
        empty_error_queue(descriptor.as_fd());
        let _guard = self.reactor.enter();
        let watched = watch(descriptor, self.interest)?;
        // The new registration reports its readiness in the next turn, and wakes both directions then.
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
    /// Reads once into `buffer` and returns the number of bytes; 0 is the end of the data.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let (drains, room) = (self.drains, system::part(buffer.len()));
        let buffer = &mut buffer[..room];
        self.poll_input_until(
            cx,
            |mut socket: &T| system::call(Call::Receive, || socket.read(buffer)),
            |&count| drains && count > 0 && count < room,
        )
    }

    /// Reads once without waiting, and leaves readiness as it is.
    ///
    /// # Errors
    ///
    /// The system's. `WouldBlock` means that nothing is there.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut socket = self.inner()?;
        system::call(Call::Receive, || socket.read(buffer))
    }
}

impl<T: AsRawFd + AsFd> Polled<T>
where
    for<'a> &'a T: Write,
{
    /// Writes once and returns the number of bytes that the kernel took, which may be fewer than `bytes` has.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..system::part(bytes.len())];
        self.poll_output(cx, |mut socket: &T| {
            system::call(Call::Send, || socket.write(bytes))
        })
    }

    /// Writes `slices` in one system call and returns the number of bytes that the kernel took.
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
            // The descriptor is gone. Socket calls on `AT_FDCWD` fail with `EBADF`, and nothing else can be hit.
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

/// Whether urgent data has ever come. The answer is never cleared: more may come.
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

/// Empties the error queue of an IP socket. Nothing else reads it, and while it holds a message, the socket reports
/// `EPOLLERR`.
///
/// Only IP sockets have an error queue. A UNIX socket ignores the flag: the call would be an ordinary receive with no
/// room, and its datagram or its file descriptors would be lost.
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
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;
    use crate::{
        reactor::Reactor,
        ready::{ReadyList, Token},
    };

    #[test]
    fn a_socket_registered_anew_under_another_reactor_stays_with_its_own() {
        let own = Reactor::new().expect("descriptors");
        let other = Reactor::new().expect("descriptors");
        let (here, mut there) = UnixStream::pair().expect("sockets");
        here.set_nonblocking(true).expect("set");
        let mut polled = {
            let _guard = own.enter();
            Polled::new(here, Interest::READABLE).expect("registered")
        };
        let ready = ReadyList::new(None);
        let waker = ready.waker(Token(1));
        {
            let _guard = other.enter();
            polled
                .renew(&mut Context::from_waker(&waker))
                .expect("registered");
        }
        there.write_all(b"x").expect("room");
        own.turn();
        let mut tokens = Vec::new();
        ready.take(&mut tokens);
        assert_eq!(tokens, [Token(1)]);
    }

    #[test]
    fn emptying_the_error_queue_of_a_unix_socket_loses_no_datagram() {
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
