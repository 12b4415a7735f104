//! The four regions of memory that TypeScript and Rust share: two slabs for bytes, two rings for records. No other
//! JavaScript memory is touched outside a call that has it as an argument.
//!
//! Threads: the JavaScript thread only.
//!
//! Invariants:
//! 1. The regions are made by TypeScript and pinned by a reference for the life of the environment, so the
//!    addresses stay good until its cleanup hook has run; no turn runs after that.
//! 2. Both sides touch them on the JavaScript thread only, and never at the same time: Rust borrows a region only
//!    while no JavaScript runs. There is no data race, and no borrow sees memory change.
//! 3. Every offset that comes from JavaScript is checked against the region before it is used. Outside, reads give 0
//!    or `None`, and writes do nothing.

#![expect(
    unsafe_code,
    reason = "the shared regions are memory of JavaScript, reached by address"
)]

use std::{ptr::NonNull, slice};

use super::records::{Completion, HEADER_WORDS, RECEIVED_END, RECORD_WORDS, REPORTED_BY};

/// Address and length of one region.
#[derive(Clone, Copy, Debug)]
pub struct SharedMemory {
    base: NonNull<u8>,
    length: usize,
}

impl SharedMemory {
    /// # Safety
    ///
    /// `base` must point to `length` bytes that stay allocated, and are used on this thread only, for as long as
    /// this value is (invariants 1 and 2).
    pub unsafe fn new(base: NonNull<u8>, length: usize) -> Self {
        Self { base, length }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: valid for `length` bytes (`new`). Nothing writes while this borrow lives: writing needs `&mut self`
        // here, and JavaScript does not run meanwhile (2).
        unsafe { slice::from_raw_parts(self.base.as_ptr(), self.length) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `bytes`, and `&mut self` makes it the only borrow.
        unsafe { slice::from_raw_parts_mut(self.base.as_ptr(), self.length) }
    }

    fn word(&self, index: usize) -> i32 {
        let at = index * size_of::<i32>();
        self.bytes()
            .get(at..at + size_of::<i32>())
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, i32::from_ne_bytes)
    }

    fn set_word(&mut self, index: usize, value: i32) {
        let at = index * size_of::<i32>();
        if let Some(bytes) = self.bytes_mut().get_mut(at..at + size_of::<i32>()) {
            bytes.copy_from_slice(&value.to_ne_bytes());
        }
    }

    fn record(&self, index: usize) -> Completion {
        let first = HEADER_WORDS + index * RECORD_WORDS;
        std::array::from_fn(|word| self.word(first + word))
    }

    /// How many records fit.
    fn record_capacity(&self) -> usize {
        (self.length / size_of::<i32>()).saturating_sub(HEADER_WORDS) / RECORD_WORDS
    }
}

#[derive(Debug)]
pub struct Regions {
    pub receive_slab: SharedMemory,
    pub completions: SharedMemory,
    pub send_slab: SharedMemory,
    pub submissions: SharedMemory,
}

impl Regions {
    pub fn control(&self, word: usize) -> i32 {
        self.submissions.word(word)
    }

    pub fn set_control(&mut self, word: usize, value: i32) {
        self.submissions.set_word(word, value);
    }

    pub fn submission(&self, index: usize) -> Completion {
        self.submissions.record(index)
    }

    pub fn submission_capacity(&self) -> usize {
        self.submissions.record_capacity()
    }

    pub fn completion_capacity(&self) -> usize {
        self.completions.record_capacity()
    }

    pub fn publish(&mut self, records: &[Completion], received_end: usize, reported_by: i32) {
        for (index, record) in records.iter().enumerate() {
            let first = HEADER_WORDS + index * RECORD_WORDS;
            for (word, value) in record.iter().enumerate() {
                self.completions.set_word(first + word, *value);
            }
        }
        self.completions
            .set_word(0, i32::try_from(records.len()).unwrap_or(0));
        self.completions
            .set_word(RECEIVED_END, i32::try_from(received_end).unwrap_or(0));
        self.completions.set_word(REPORTED_BY, reported_by);
    }

    /// The records that JavaScript is reading.
    pub fn published(&self) -> impl Iterator<Item = Completion> + '_ {
        let count = usize::try_from(self.completions.word(0)).unwrap_or(0);
        (0..count.min(self.completion_capacity())).map(|index| self.completions.record(index))
    }

    pub fn receive_capacity(&self) -> usize {
        self.receive_slab.length
    }

    /// `length` bytes of the receive slab at `offset`, or fewer at its end.
    pub fn receive_at(&mut self, offset: usize, length: usize) -> &mut [u8] {
        let bytes = self.receive_slab.bytes_mut();
        let start = offset.min(bytes.len());
        let end = start.saturating_add(length).min(bytes.len());
        &mut bytes[start..end]
    }

    /// Bytes of the send slab; `None` where JavaScript named bytes outside it.
    pub fn sent(&self, offset: usize, length: usize) -> Option<&[u8]> {
        self.send_slab.bytes().get(offset..offset.checked_add(length)?)
    }
}
