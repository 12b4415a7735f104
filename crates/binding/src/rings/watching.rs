//! Waits for descriptors that belong to somebody else: each is a number that its completion carries, none a handle.

#![expect(unsafe_code, reason = "descriptors by number")]

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, RawFd},
    task::{Context, Waker},
};

use structio_core::{
    ready::Token,
    watches::{Direction, Refusal, Watches},
};

use super::{
    handles::Entry,
    records::{CompletionKind, completion},
    turn::Turn,
};

/// A completion has 27 bits for it.
const NUMBERS: u32 = 1 << 27;

/// A descriptor by its number, closed or another's though it may be.
#[derive(Clone, Copy, Debug)]
pub struct Number(RawFd);

impl Number {
    /// `None` below zero: no descriptor has such a number.
    pub fn new(number: RawFd) -> Option<Self> {
        (number >= 0).then_some(Self(number))
    }
}

impl AsFd for Number {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: not -1, and used for `epoll_ctl` alone, in a call during which nobody on this thread closes it. What it
        // stands for is asked of the kernel (core's `watches`), and what is not open is an error of the system.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

/// The one place of this thread where such waits are kept, under a handle of its own: its waker needs a number.
#[derive(Debug)]
pub struct Waits {
    watches: Watches<Number, u32>,
    waker: Waker,
    next: u32,
}

impl Turn {
    /// Starts a wait: its number.
    pub fn wait_descriptor(&mut self, fd: Number, direction: Direction) -> Result<u32, Refusal> {
        let index = match self.waits_at {
            Some(index) => index,
            None => self.insert_waits()?,
        };
        let Some((Entry::Waits(waits), _)) = self.handles.at(index) else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        let number = waits.next;
        waits.watches.wait(&fd, direction, number)?;
        waits.next = (number + 1) % NUMBERS;
        self.poll_waits(index);
        Ok(number)
    }

    pub fn cancel_descriptor(&mut self, fd: Number, direction: Direction, number: u32) {
        if let Some((Entry::Waits(waits), _)) = self.waits_at.and_then(|index| self.handles.at(index)) {
            waits.watches.cancel(&fd, direction, number);
        }
    }

    pub fn is_current_descriptor(&mut self, fd: Number, direction: Direction, number: u32) -> bool {
        match self.waits_at.and_then(|index| self.handles.at(index)) {
            Some((Entry::Waits(waits), _)) => waits.watches.is_current(&fd, direction, number),
            _ => false,
        }
    }

    pub(super) fn poll_waits(&mut self, index: u32) {
        let Some((Entry::Waits(waits), _)) = self.handles.at(index) else {
            return;
        };
        let mut ready = Vec::new();
        waits
            .watches
            .poll(&mut Context::from_waker(&waits.waker), &mut ready);
        let kind = CompletionKind::DescriptorReady;
        self.staged
            .extend(ready.into_iter().map(|number| completion(number, 0, kind, 0, 0)));
    }

    fn insert_waits(&mut self) -> io::Result<u32> {
        let entry = Entry::Waits(Waits {
            watches: Watches::new()?,
            waker: self.ready.waker(Token(self.handles.next_index())),
            next: 0,
        });
        let index = self.handles.insert(entry).index;
        self.waits_at = Some(index);
        Ok(index)
    }
}
