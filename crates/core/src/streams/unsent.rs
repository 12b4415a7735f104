//! Bytes that a stream has taken and the kernel has not.
//!
//! Owned by `Plain` and used on its thread.

use std::{collections::VecDeque, io::IoSlice};

/// In bytes. A drained queue with more capacity gives its memory back, so that an idle connection owns no large buffer.
const KEEP_CAPACITY: usize = 4096;

/// A queue of bytes in send order. It allocates only when a write falls short, for nearly every connection is empty
/// nearly always.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    bytes: VecDeque<u8>,
}

impl Unsent {
    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends `segments` without their first `skip` bytes.
    pub fn append(&mut self, segments: &[&[u8]], mut skip: usize) {
        for segment in segments {
            let skipped = skip.min(segment.len());
            skip -= skipped;
            self.bytes.extend(&segment[skipped..]);
        }
    }

    /// All bytes, in order, for one gathered write. Either slice may be empty.
    pub fn as_slices(&self) -> [IoSlice<'_>; 2] {
        let (head, tail) = self.bytes.as_slices();
        [IoSlice::new(head), IoSlice::new(tail)]
    }

    /// Removes the first `count` bytes, which have been written.
    pub fn consume(&mut self, count: usize) {
        self.bytes.drain(..count);
        if self.bytes.is_empty() && self.bytes.capacity() > KEEP_CAPACITY {
            self.bytes = VecDeque::new();
        }
    }

    /// Drops everything, and the memory with it.
    pub fn clear(&mut self) {
        self.bytes = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwritten_bytes_are_kept_in_order_and_written_ones_are_dropped() {
        let mut unsent = Unsent::default();
        unsent.append(&[b"abc", b"def", b"ghi"], 4);
        assert_eq!(unsent.len(), 5);
        unsent.consume(2);
        let text: Vec<u8> = unsent
            .as_slices()
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect();
        assert_eq!(text, b"ghi");
        unsent.consume(3);
        assert!(unsent.is_empty());
    }
}
