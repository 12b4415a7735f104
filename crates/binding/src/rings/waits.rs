//! The waits for foreign descriptors of one thread, under one handle: tokio's registration needs a waker, and a waker
//! needs a handle.

#![expect(unsafe_code, reason = "descriptors by number")]

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, RawFd},
    task::{Context, Waker},
};

use structio_core::watches::{Direction, Refusal, Watches};

use super::records::NUMBERS;

/// A descriptor by its number. It may be closed, or name another file than it did.
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
        // SAFETY: `new` refuses -1. The borrow serves `epoll_ctl` and questions about the file alone, in one call,
        // during which this thread runs nothing that closes it. A number that is not open gives an error of the
        // system.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

#[derive(Debug)]
pub struct Waits {
    watches: Watches<Number, u32>,
    waker: Waker,
    next: u32,
}

impl Waits {
    pub fn new(waker: Waker) -> io::Result<Self> {
        Ok(Self {
            watches: Watches::new()?,
            waker,
            next: 0,
        })
    }

    /// Starts a wait; returns its number.
    pub fn wait(&mut self, fd: Number, direction: Direction) -> Result<u32, Refusal> {
        let number = self.next;
        self.watches.wait(&fd, direction, number)?;
        self.next = (number + 1) % NUMBERS;
        Ok(number)
    }

    pub fn cancel(&mut self, fd: Number, direction: Direction, number: u32) {
        self.watches.cancel(&fd, direction, number);
    }

    pub fn is_current(&mut self, fd: Number, direction: Direction, number: u32) -> bool {
        self.watches.is_current(&fd, direction, number)
    }

    /// The numbers of the waits that are over.
    pub fn poll(&mut self) -> Vec<u32> {
        let mut ready = Vec::new();
        self.watches
            .poll(&mut Context::from_waker(&self.waker), &mut ready);
        ready
    }
}
