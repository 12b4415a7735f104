//! The rings and the shared memory, without a socket: for Miri, which checks every access (`npm run search -- miri`),
//! and for every other run.

#![expect(unsafe_code, reason = "JavaScript's side of the shared memory")]

use std::ptr::NonNull;

use structio_core::ready::{ReadyList, Token};

use super::{
    handle_id::HandleId,
    handles::{Entry, Handles},
    records::{CompletionKind, HEADER_WORDS, RECORD_WORDS, completion, control},
    regions::{Regions, SharedMemory},
    turn::Turn,
};

const RING: usize = (HEADER_WORDS + 4 * RECORD_WORDS) * size_of::<i32>();
const SLAB: usize = 256;

/// JavaScript's memory. Both sides have its address, and neither holds a lasting borrow.
struct Memory {
    base: NonNull<u32>,
    words: usize,
}

impl Memory {
    fn new(bytes: usize) -> Self {
        let words = bytes / size_of::<u32>();
        let memory = Box::leak(vec![0u32; words].into_boxed_slice());
        Self {
            base: NonNull::from(memory).cast(),
            words,
        }
    }

    fn shared(&self) -> SharedMemory {
        // SAFETY: the memory stays until this is dropped, which each test does last; one thread.
        unsafe { SharedMemory::new(self.base.cast(), self.words * size_of::<u32>()) }
    }

    fn write(&self, word: usize, value: i32) {
        assert!(word < self.words);
        // SAFETY: inside, as was just checked; the turn does not run meanwhile.
        unsafe { self.base.add(word).write(value.cast_unsigned()) };
    }

    fn read(&self, word: usize) -> i32 {
        assert!(word < self.words);
        // SAFETY: as above.
        unsafe { self.base.add(word).read() }.cast_signed()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the box that `new` has leaked, once.
        drop(unsafe { Box::from_raw(NonNull::slice_from_raw_parts(self.base, self.words).as_ptr()) });
    }
}

struct Shared {
    receive_slab: Memory,
    completions: Memory,
    send_slab: Memory,
    submissions: Memory,
}

impl Shared {
    fn new() -> Self {
        Self {
            receive_slab: Memory::new(SLAB),
            completions: Memory::new(RING),
            send_slab: Memory::new(SLAB),
            submissions: Memory::new(RING),
        }
    }

    fn regions(&self) -> Regions {
        Regions {
            receive_slab: self.receive_slab.shared(),
            completions: self.completions.shared(),
            send_slab: self.send_slab.shared(),
            submissions: self.submissions.shared(),
        }
    }

    fn submit(&self, position: usize, record: [i32; RECORD_WORDS]) {
        for (word, value) in record.into_iter().enumerate() {
            self.submissions
                .write(HEADER_WORDS + position * RECORD_WORDS + word, value);
        }
    }
}

#[test]
fn bytes_outside_a_slab_are_not_there() {
    let shared = Shared::new();
    let mut regions = shared.regions();
    assert_eq!(regions.sent(0, SLAB).map(<[u8]>::len), Some(SLAB));
    assert_eq!(regions.sent(SLAB, 0).map(<[u8]>::len), Some(0));
    for (offset, length) in [
        (0, SLAB + 1),
        (SLAB, 1),
        (SLAB + 1, 0),
        (1, usize::MAX),
        (usize::MAX, 2),
    ] {
        assert_eq!(regions.sent(offset, length), None);
    }
    assert_eq!(regions.receive_at(SLAB - 1, 9).len(), 1);
    assert_eq!(regions.receive_at(SLAB, 9).len(), 0);
    assert_eq!(regions.receive_at(usize::MAX, usize::MAX).len(), 0);
}

#[test]
fn each_side_sees_what_the_other_has_written_between_its_own_accesses() {
    let shared = Shared::new();
    let mut regions = shared.regions();
    for round in 1..4 {
        shared.submissions.write(control::REFS, round);
        assert_eq!(regions.control(control::REFS), round);
        regions.set_control(control::SUBMITTED, round * 2);
        assert_eq!(shared.submissions.read(control::SUBMITTED), round * 2);
        shared.send_slab.write(3, round);
        assert_eq!(regions.sent(12, 4), Some(&round.to_ne_bytes()[..]));
        regions.receive_at(8, 4).copy_from_slice(&round.to_ne_bytes());
        assert_eq!(shared.receive_slab.read(2), round);
    }
}

#[test]
fn a_word_outside_a_ring_is_0_and_is_not_written() {
    let shared = Shared::new();
    let mut regions = shared.regions();
    regions.set_control(RING, 7);
    assert_eq!(regions.control(RING), 0);
    assert_eq!(regions.submission(4), [0; RECORD_WORDS]);
    assert_eq!(regions.submission(usize::MAX / 64), [0; RECORD_WORDS]);
}

#[test]
fn as_many_completions_are_published_as_fit() {
    let shared = Shared::new();
    let mut turn = Turn::new(shared.regions(), ReadyList::new(None));
    for request in 0..10 {
        turn.stage_request(request, CompletionKind::Exited, 5);
    }
    for (count, first) in [(4, 0), (4, 4), (2, 8)] {
        assert!(turn.publish());
        assert_eq!(shared.completions.read(0), count);
        let head = completion(first, 0, CompletionKind::Exited, 0, 0)[0];
        assert_eq!(shared.completions.read(HEADER_WORDS), head);
        turn.dispatched();
    }
    assert!(!turn.publish());
}

#[test]
fn records_with_anything_in_them_do_nothing_where_there_is_no_handle() {
    let shared = Shared::new();
    let ready = ReadyList::new(None);
    let mut turn = Turn::new(shared.regions(), ready.clone());
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 33) & 0xffff_ffff) as u32
    };
    for round in 0..50 {
        for position in 0..4 {
            shared.submit(position, [next(), next(), next(), next()].map(u32::cast_signed));
        }
        let count = [4, 5, -1, i32::MAX, i32::MIN, 0][round % 6];
        shared.submissions.write(control::COUNT, count);
        ready.waker(Token(next())).wake();
        turn.begin();
        turn.collect();
        shared
            .submissions
            .write(control::SEND_OFFSET, next().cast_signed());
        shared
            .submissions
            .write(control::SEND_COUNT, next().cast_signed());
        turn.send_datagrams();
        turn.submit(round % 2 == 0);
        assert_eq!(shared.submissions.read(control::COUNT), 0);
        assert!(!turn.publish());
    }
}

#[test]
fn a_handle_that_has_ended_is_not_the_one_that_has_its_place() {
    let mut handles = Handles::default();
    let first = handles.insert(Entry::Over);
    let other = handles.insert(Entry::Over);
    assert!(handles.get(first).is_some());
    handles.remove(first.index);
    assert!(handles.get(first).is_none());
    assert_eq!(handles.next_index(), first.index);
    let second = handles.insert(Entry::Over);
    assert_eq!(second.index, first.index);
    assert!(handles.get(first).is_none());
    assert!(handles.get(second).is_some());
    assert!(handles.pair(second, second).is_none());
    assert!(handles.pair(second, other).is_none(), "neither is a connection");
    for number in [-1.0, 0.5, f64::NAN, f64::INFINITY, f64::MAX, 1e300] {
        assert!(handles.get(HandleId::from_number(number)).is_none());
    }
}
