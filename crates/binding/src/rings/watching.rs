//! Waits for foreign descriptors. A wait is a number that its completion carries, and no handle.

use std::io;

use structio_core::watches::{Direction, Refusal};

use super::{
    handles::Entry,
    records::CompletionKind,
    turn::Turn,
    waits::{Number, Waits},
};

impl Turn {
    /// Starts a wait; returns its number.
    pub fn wait_descriptor(&mut self, fd: Number, direction: Direction) -> Result<u32, Refusal> {
        let index = match self.waits_at {
            Some(index) => index,
            None => self.insert_waits()?,
        };
        let Some((Entry::Waits(waits), _)) = self.handles.at(index) else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        let number = waits.wait(fd, direction)?;
        self.poll_waits(index);
        Ok(number)
    }

    pub fn cancel_descriptor(&mut self, fd: Number, direction: Direction, number: u32) {
        if let Some(waits) = self.waits() {
            waits.cancel(fd, direction, number);
        }
    }

    /// Whether the descriptor's number still names the file that the wait is for.
    pub fn is_current_descriptor(&mut self, fd: Number, direction: Direction, number: u32) -> bool {
        self.waits()
            .is_some_and(|waits| waits.is_current(fd, direction, number))
    }

    pub(super) fn poll_waits(&mut self, index: u32) {
        let Some((Entry::Waits(waits), _)) = self.handles.at(index) else {
            return;
        };
        for number in waits.poll() {
            self.stage_request(number, CompletionKind::DescriptorReady, 0);
        }
    }

    fn waits(&mut self) -> Option<&mut Waits> {
        match self.handles.at(self.waits_at?)? {
            (Entry::Waits(waits), _) => Some(waits),
            _ => None,
        }
    }

    fn insert_waits(&mut self) -> io::Result<u32> {
        let waits = Waits::new(self.next_waker())?;
        let index = self.handles.insert(Entry::Waits(waits)).index;
        self.waits_at = Some(index);
        Ok(index)
    }
}
