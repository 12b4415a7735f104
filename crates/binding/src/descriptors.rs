//! What TypeScript sees of waits for foreign descriptors, which the library does not own.

use napi_derive::napi;

use crate::facade::EventLoop;

#[napi]
impl EventLoop {
    /// Starts a wait until a descriptor is ready. Returns the wait's number, which `DescriptorReady` carries, or
    /// `-errno`: `-EBUSY` while another wait for the same descriptor and direction is pending.
    #[napi(catch_unwind)]
    pub fn wait_descriptor(&self, fd: i32, writable: bool) -> i32 {
        system::wait(self, fd, writable)
    }

    /// Cancels a wait: it gets no completion.
    #[napi(catch_unwind)]
    pub fn cancel_descriptor(&self, fd: i32, writable: bool, number: u32) {
        system::cancel(self, fd, writable, number);
    }

    /// Whether the descriptor's number still names the file that the wait is for.
    #[napi(catch_unwind)]
    pub fn is_current_descriptor(&self, fd: i32, writable: bool, number: u32) -> bool {
        system::is_current(self, fd, writable, number)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use structio_core::watches::{Direction, Refusal};

    use crate::{
        facade::EventLoop,
        rings::{Number, errno},
    };

    pub fn wait(event_loop: &EventLoop, fd: i32, writable: bool) -> i32 {
        let Some(fd) = Number::new(fd) else {
            return -libc::EBADF;
        };
        match event_loop
            .driver
            .with_turn(|turn| turn.wait_descriptor(fd, direction(writable)))
        {
            Some(Ok(number)) => number.cast_signed(),
            Some(Err(Refusal::Busy)) => -libc::EBUSY,
            Some(Err(Refusal::System(error))) => -errno(&error),
            None => -libc::EBADF,
        }
    }

    pub fn cancel(event_loop: &EventLoop, fd: i32, writable: bool, number: u32) {
        if let Some(fd) = Number::new(fd) {
            event_loop
                .driver
                .with_turn(|turn| turn.cancel_descriptor(fd, direction(writable), number));
        }
    }

    pub fn is_current(event_loop: &EventLoop, fd: i32, writable: bool, number: u32) -> bool {
        Number::new(fd)
            .and_then(|fd| {
                event_loop
                    .driver
                    .with_turn(|turn| turn.is_current_descriptor(fd, direction(writable), number))
            })
            .unwrap_or(false)
    }

    fn direction(writable: bool) -> Direction {
        if writable {
            Direction::Writable
        } else {
            Direction::Readable
        }
    }
}

/// Not supported yet: systems differ in what closing a descriptor does to a wait for it.
#[cfg(not(target_os = "linux"))]
mod system {
    use crate::facade::EventLoop;

    pub fn wait(_: &EventLoop, _: i32, _: bool) -> i32 {
        -libc::EOPNOTSUPP
    }

    pub fn cancel(_: &EventLoop, _: i32, _: bool, _: u32) {}

    pub fn is_current(_: &EventLoop, _: i32, _: bool, _: u32) -> bool {
        false
    }
}
