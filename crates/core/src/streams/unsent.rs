//! Bytes that a stream has taken and the kernel has not.

use std::{collections::VecDeque, io::IoSlice};

/// Beyond this a drained queue gives its memory back: an idle connection owns no buffer.
const KEEP_CAPACITY: usize = 4096;

/// A queue of bytes in send order. Empty for nearly every connection at nearly every moment, so it allocates
/// only when a write falls short.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    bytes: VecDeque<u8>,
}

impl Unsent {
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

    pub fn as_slices(&self) -> [IoSlice<'_>; 2] {
        let (head, tail) = self.bytes.as_slices();
        [IoSlice::new(head), IoSlice::new(tail)]
    }

    pub fn consume(&mut self, count: usize) {
        self.bytes.drain(..count);
        if self.bytes.is_empty() && self.bytes.capacity() > KEEP_CAPACITY {
            self.bytes = VecDeque::new();
        }
    }

    pub fn clear(&mut self) {
        self.bytes = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_what_was_not_written_and_forgets_what_was() {
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
