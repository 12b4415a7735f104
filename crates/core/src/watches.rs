//! Readiness of descriptors that the caller does not own, and whose owner may close them at any moment.
//!
//! `rings/watching.rs` of the addon calls it on the JavaScript thread, under the reactor's `enter` guard. `K` is the
//! key of a waiter, which it turns into a completion.
//!
//! Why not the reactor's own registrations: the kernel knows a registration by the open file *and* its number. The
//! number passes to the next file that is opened, and removing the old registration would then remove the next
//! owner's. So these descriptors are registered with an epoll instance of their own. The instance is registered with
//! the reactor as one source:
//!
//! ```text
//!  foreign descriptors ─ ONESHOT ─► epoll instance ─ one source ─► reactor ─► waker ─► poll ─► keys of ready waiters
//! ```
//!
//! A number is trusted only as far as the kernel confirms it.
//!
//! # Invariants
//!
//! 1. Changing or deleting a registration succeeds only while the number still means the file that was registered.
//!    This is checked before any waiter is woken, and whenever another waiter begins to wait for the same number.
//! 2. Waiters of a number that means another file by now are *orphans*. They are removed here and never woken; they
//!    end when they are cancelled.
//! 3. No registration stays without a waiter. If one may (an orphan's, whose file is still open elsewhere), the whole
//!    instance is replaced, so that a file that returns to its old number does not find it. The waker of the last
//!    poll is registered with the new instance at once, whichever call has replaced it.
//! 4. Every registration reports once (`ONESHOT`) and is then renewed or deleted. A report therefore means "ready
//!    now", and a file whose registration can no longer be deleted cannot keep the reactor awake.
//! 5. The file is not kept open. With a duplicate, the peer would not see the close, and the port would stay taken.
//!
//! JavaScript can make numbers be reused, so the tests for that are there:
//! `__test__/conformance/wait-socket-reuse.spec.ts`.

use std::{
    collections::HashMap,
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
    task::{Context, Poll, Waker},
};

use rustix::{
    event::{
        Timespec,
        epoll::{self, Event, EventData, EventFlags},
    },
    io::Errno,
};
use tokio::io::{Interest, unix::AsyncFd};

use crate::system::{self, Call};

/// The most reports of one system call.
const EVENTS: usize = 64;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Data, urgent data, the end of the data, or an error.
    Readable,
    /// Room for data, or an error.
    Writable,
}

/// Why a wait is refused.
#[derive(Debug)]
pub enum Refusal {
    /// Another waiter has this direction of this descriptor. It is not disturbed.
    Busy,
    /// The system's error.
    System(io::Error),
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Self {
        Self::System(error.into())
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// All waiters of a thread. `D` is a descriptor by its number; the number may be closed or mean another file when it
/// is used. `K` is the key of a waiter.
#[derive(Debug)]
pub struct Watches<D, K> {
    instance: AsyncFd<OwnedFd>,
    registrations: HashMap<RawFd, Registration<D, K>>,
    /// The waker of the last poll (invariant 3).
    waker: Option<Waker>,
    next_token: u32,
    /// Replacing the instance has failed because no descriptor was left. The next wait tries again.
    outdated: bool,
}

#[derive(Debug)]
struct Registration<D, K> {
    fd: D,
    /// Distinguishes reports of this registration from those of an earlier one with the same number.
    token: u32,
    reader: Option<K>,
    writer: Option<K>,
}

impl<D: AsFd + Clone, K: Copy + PartialEq> Watches<D, K> {
    /// No waiters, and a new epoll instance. Call under the reactor's `enter` guard, as every method.
    ///
    /// # Errors
    ///
    /// The system's, when it gives no more descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            instance: new_instance()?,
            registrations: HashMap::new(),
            waker: None,
            next_token: 0,
            outdated: false,
        })
    }

    /// Adds a waiter for one direction of `fd`. [`Watches::poll`] returns `key` when it is ready. Call `poll` once
    /// after this, so that its waker is registered.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`]; the system's: `EBADF`, and `EPERM` for what is always ready (regular files, folders).
    pub fn wait(&mut self, fd: &D, direction: Direction, key: K) -> Result<(), Refusal> {
        if self.outdated {
            self.replace()?;
        }
        let number = fd.as_fd().as_raw_fd();
        if number == self.instance.as_raw_fd() {
            // The caller's descriptor was closed, and our own instance has its number.
            return Err(Errno::BADF.into());
        }
        if let Some(registration) = self.registrations.get_mut(&number) {
            let busy = registration.slot(direction).is_some();
            let interest = registration.interest() | flags(direction);
            match epoll::modify(&self.instance, fd, registration.data(number), interest) {
                Ok(()) if busy => return Err(Refusal::Busy),
                Ok(()) => {
                    *registration.slot(direction) = Some(key);
                    return Ok(());
                }
                // Invariant 1: the number means another file by now. Its waiters are orphans.
                Err(Errno::NOENT) => {
                    self.registrations.remove(&number);
                    self.replace()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut registration = Registration {
            fd: fd.clone(),
            token: self.next_token,
            reader: None,
            writer: None,
        };
        *registration.slot(direction) = Some(key);
        self.next_token = self.next_token.wrapping_add(1);
        registration.add_to(&self.instance, number)?;
        self.registrations.insert(number, registration);
        Ok(())
    }

    /// Removes the waiter with this `key`. Does nothing if it has been woken or orphaned.
    pub fn cancel(&mut self, fd: &D, direction: Direction, key: K) {
        let number = fd.as_fd().as_raw_fd();
        if let Some(registration) = self.registrations.get_mut(&number)
            && *registration.slot(direction) == Some(key)
        {
            *registration.slot(direction) = None;
            self.renew(number);
        }
    }

    /// Whether closing the descriptor now would end the wait with this `key`. False once the number means another file.
    pub fn is_current(&mut self, fd: &D, direction: Direction, key: K) -> bool {
        let number = fd.as_fd().as_raw_fd();
        let Some(registration) = self.registrations.get_mut(&number) else {
            return false;
        };
        *registration.slot(direction) == Some(key)
            && match epoll::modify(
                &self.instance,
                fd,
                registration.data(number),
                registration.interest(),
            ) {
                // `BADF`: closed already, and the number is free.
                Ok(()) | Err(Errno::BADF) => true,
                Err(_) => self.renew(number),
            }
    }

    /// Appends the keys of waiters that are ready, and removes those waiters. `cx` is woken when more may be ready.
    pub fn poll(&mut self, cx: &mut Context<'_>, ready: &mut Vec<K>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
        loop {
            let Poll::Ready(Ok(mut guard)) = self.instance.poll_read_ready(cx) else {
                return;
            };
            let mut space = [MaybeUninit::<Event>::uninit(); EVENTS];
            let at_once = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let room = system::part(EVENTS);
            let Ok((events, _)) = epoll::wait(guard.get_ref(), &mut space[..room], Some(&at_once)) else {
                // Only an interrupt fails here: try again.
                continue;
            };
            if events.len() < room {
                guard.clear_ready();
            }
            for event in events {
                self.report(*event, ready);
            }
        }
    }

    /// Handles one report, confirmed by renewing the registration (invariant 1).
    fn report(&mut self, event: Event, ready: &mut Vec<K>) {
        let Event { flags, data, .. } = event;
        let (number, token) = parts(data);
        let Some(registration) = self.registrations.get_mut(&number) else {
            return;
        };
        if registration.token != token {
            return;
        }
        let (mut reader, mut writer) = (None, None);
        if flags.intersects(READABLE | BROKEN) {
            reader = registration.reader.take();
        }
        if flags.intersects(WRITABLE | BROKEN) {
            writer = registration.writer.take();
        }
        if self.renew(number) {
            ready.extend(reader);
            ready.extend(writer);
        }
    }

    /// Arms a registration again for the waiters that are left, or deletes it. False if the number means another
    /// file: its waiters are orphans then.
    fn renew(&mut self, number: RawFd) -> bool {
        let Some(registration) = self.registrations.get(&number) else {
            return false;
        };
        let Registration { fd, .. } = registration;
        let interest = registration.interest();
        let idle = registration.reader.is_none() && registration.writer.is_none();
        let confirmed = if idle {
            epoll::delete(&self.instance, fd)
        } else {
            epoll::modify(&self.instance, fd, registration.data(number), interest)
        };
        if idle || confirmed.is_err() {
            self.registrations.remove(&number);
        }
        if confirmed.is_err() {
            self.outdated = true;
            // If this fails, `outdated` makes the next wait try again.
            let _ = self.replace();
        }
        confirmed.is_ok()
    }

    /// Moves every registration that the kernel still confirms to a new instance (invariant 3).
    fn replace(&mut self) -> io::Result<()> {
        self.outdated = true;
        let fresh = new_instance()?;
        let old = &self.instance;
        self.registrations.retain(|&number, registration| {
            let interest = registration.interest();
            epoll::modify(old, &registration.fd, registration.data(number), interest).is_ok()
                && registration.add_to(&fresh, number).is_ok()
        });
        self.instance = fresh;
        self.outdated = false;
        if let Some(waker) = &self.waker
            && self
                .instance
                .poll_read_ready(&mut Context::from_waker(waker))
                .is_ready()
        {
            waker.wake_by_ref();
        }
        Ok(())
    }
}

impl<D: AsFd, K> Registration<D, K> {
    fn slot(&mut self, direction: Direction) -> &mut Option<K> {
        match direction {
            Direction::Readable => &mut self.reader,
            Direction::Writable => &mut self.writer,
        }
    }

    fn interest(&self) -> EventFlags {
        let mut interest = EventFlags::ONESHOT;
        if self.reader.is_some() {
            interest |= READABLE;
        }
        if self.writer.is_some() {
            interest |= WRITABLE;
        }
        interest
    }

    /// What a report carries: token and number.
    fn data(&self, number: RawFd) -> EventData {
        EventData::new_u64(u64::from(self.token) << 32 | u64::from(number.cast_unsigned()))
    }

    fn add_to(&self, instance: &AsyncFd<OwnedFd>, number: RawFd) -> Result<(), Errno> {
        epoll::add(instance, &self.fd, self.data(number), self.interest())
    }
}

/// What ends a wait for reading, besides [`BROKEN`]: data, urgent data, the end of the data.
const READABLE: EventFlags = EventFlags::IN.union(EventFlags::PRI).union(EventFlags::RDHUP);

/// What ends a wait for writing, besides [`BROKEN`].
const WRITABLE: EventFlags = EventFlags::OUT;

/// What ends a wait for either direction. The next call on the descriptor reports the error.
const BROKEN: EventFlags = EventFlags::HUP.union(EventFlags::ERR);

fn flags(direction: Direction) -> EventFlags {
    match direction {
        Direction::Readable => READABLE,
        Direction::Writable => WRITABLE,
    }
}

/// The number and the token of a report.
fn parts(data: EventData) -> (RawFd, u32) {
    let [a, b, c, d, e, f, g, h] = data.u64().to_be_bytes();
    (i32::from_be_bytes([e, f, g, h]), u32::from_be_bytes([a, b, c, d]))
}

fn new_instance() -> io::Result<AsyncFd<OwnedFd>> {
    let instance = system::call(Call::Open, || Ok(epoll::create(epoll::CreateFlags::CLOEXEC)?))?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for the sake of types that do not own their descriptor; this one does"
    )]
    AsyncFd::with_interest(instance, Interest::READABLE)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::net::UnixStream, rc::Rc, task::Waker};

    use super::*;
    use crate::reactor::Reactor;

    /// Stands for a number: the descriptor stays open while one clone exists.
    #[derive(Clone)]
    struct Shared(Rc<UnixStream>);

    impl AsFd for Shared {
        fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    fn pair() -> (Shared, UnixStream) {
        let (here, there) = UnixStream::pair().expect("two descriptors");
        (Shared(Rc::new(here)), there)
    }

    /// Turns the reactor a few times, and returns the keys that are woken.
    fn woken(reactor: &Reactor, watches: &mut Watches<Shared, u8>) -> Vec<u8> {
        let mut ready = Vec::new();
        let cx = &mut Context::from_waker(Waker::noop());
        for _ in 0..3 {
            watches.poll(cx, &mut ready);
            reactor.turn();
        }
        ready
    }

    #[test]
    fn both_directions_share_a_registration_and_are_woken_separately() {
        let reactor = Reactor::new().expect("descriptors");
        let _guard = reactor.enter();
        let mut watches = Watches::new().expect("a descriptor");
        let (here, mut there) = pair();
        watches.wait(&here, Direction::Readable, 1).expect("a socket");
        assert!(woken(&reactor, &mut watches).is_empty());
        watches.wait(&here, Direction::Writable, 2).expect("a socket");
        assert_eq!(watches.registrations.len(), 1);
        assert_eq!(woken(&reactor, &mut watches), [2]);
        there.write_all(b"x").expect("room");
        assert_eq!(woken(&reactor, &mut watches), [1]);
        assert!(watches.registrations.is_empty());
        // Nothing has been read, so it is still ready.
        watches.wait(&here, Direction::Readable, 3).expect("a socket");
        assert_eq!(woken(&reactor, &mut watches), [3]);
    }

    #[test]
    fn a_second_waiter_for_a_direction_is_refused_and_the_first_is_not_disturbed() {
        let reactor = Reactor::new().expect("descriptors");
        let _guard = reactor.enter();
        let mut watches = Watches::new().expect("a descriptor");
        let (here, mut there) = pair();
        watches.wait(&here, Direction::Readable, 1).expect("a socket");
        assert!(matches!(
            watches.wait(&here, Direction::Readable, 2),
            Err(Refusal::Busy)
        ));
        watches.cancel(&here, Direction::Readable, 2);
        there.write_all(b"x").expect("room");
        assert_eq!(woken(&reactor, &mut watches), [1]);
    }

    #[test]
    fn a_cancelled_waiter_is_not_woken() {
        let reactor = Reactor::new().expect("descriptors");
        let _guard = reactor.enter();
        let mut watches = Watches::new().expect("a descriptor");
        let (here, mut there) = pair();
        watches.wait(&here, Direction::Readable, 1).expect("a socket");
        watches.cancel(&here, Direction::Readable, 1);
        there.write_all(b"x").expect("room");
        assert!(woken(&reactor, &mut watches).is_empty());
        assert!(watches.registrations.is_empty());
    }

    #[test]
    fn a_waiter_is_woken_after_the_instance_was_replaced() {
        let reactor = Reactor::new().expect("descriptors");
        let _guard = reactor.enter();
        let ready = crate::ready::ReadyList::new(None);
        let waker = ready.waker(crate::ready::Token(1));
        let mut watches = Watches::new().expect("a descriptor");
        let (here, mut there) = pair();
        watches.wait(&here, Direction::Readable, 1).expect("a socket");
        watches.poll(&mut Context::from_waker(&waker), &mut Vec::new());
        watches.replace().expect("a descriptor");
        there.write_all(b"x").expect("room");
        reactor.turn();
        let mut tokens = Vec::new();
        ready.take(&mut tokens);
        assert!(!tokens.is_empty(), "no waker is registered with the new instance");
        assert_eq!(woken(&reactor, &mut watches), [1]);
    }

    #[test]
    fn more_reports_than_fit_one_call_are_all_delivered() {
        let reactor = Reactor::new().expect("descriptors");
        let _guard = reactor.enter();
        let mut watches = Watches::new().expect("a descriptor");
        let pairs: Vec<_> = (0..150).map(|_| pair()).collect();
        for (key, (here, _)) in (0u8..).zip(&pairs) {
            watches.wait(here, Direction::Writable, key).expect("a socket");
        }
        let mut all = woken(&reactor, &mut watches);
        all.sort_unstable();
        assert_eq!(all, (0u8..150).collect::<Vec<_>>());
    }
}
