//! The sends of one turn: parts of the send slab, chained by connection.
//!
//! Invariants:
//! 1. A connection's chain keeps the order of submission. Two neighbours that touch in memory become one segment.
//! 2. Chains name segments of the current turn only: every chain is taken before [`Segments::clear`].

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// A part of the send slab that belongs to one connection.
#[derive(Clone, Copy, Debug)]
struct Segment {
    offset: usize,
    length: usize,
    next: u32,
}

/// One connection's segments of this turn: the first and the last.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    first: u32,
    last: u32,
}

impl Chain {
    pub const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
    };

    pub fn is_empty(&self) -> bool {
        self.first == NONE
    }
}

#[derive(Debug, Default)]
pub struct Segments {
    segments: Vec<Segment>,
    /// Connections with segments, in the order of their first.
    touched: Vec<u32>,
}

impl Segments {
    /// Appends bytes of the send slab to the chain of the connection at `index`.
    pub fn append(&mut self, chain: &mut Chain, index: u32, offset: usize, length: usize) {
        let segment = u32::try_from(self.segments.len()).unwrap_or(NONE);
        if chain.is_empty() {
            chain.first = segment;
            self.touched.push(index);
        } else if let Some(last) = self.segments.get_mut(chain.last as usize) {
            if last.offset + last.length == offset {
                last.length += length;
                return;
            }
            last.next = segment;
        }
        chain.last = segment;
        self.segments.push(Segment {
            offset,
            length,
            next: NONE,
        });
    }

    /// Empties a chain and iterates over its parts: offset and length of each.
    pub fn take(&self, chain: &mut Chain) -> Parts<'_> {
        let next = std::mem::replace(chain, Chain::EMPTY).first;
        Parts {
            segments: &self.segments,
            next,
        }
    }

    /// The connections with segments, in the order of their first. Give the list back to [`Segments::clear`].
    pub fn take_touched(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.touched)
    }

    /// Forgets all segments. `touched` is the list that [`Segments::take_touched`] gave, for its allocation.
    pub fn clear(&mut self, mut touched: Vec<u32>) {
        touched.clear();
        self.touched = touched;
        self.segments.clear();
    }
}

/// Iterates over a chain.
#[derive(Debug)]
pub struct Parts<'a> {
    segments: &'a [Segment],
    next: u32,
}

impl Parts<'_> {
    /// The only part of the chain: most connections send once in a turn.
    pub fn single(&self) -> Option<(usize, usize)> {
        let segment = self.segments.get(self.next as usize)?;
        (segment.next == NONE).then_some((segment.offset, segment.length))
    }
}

impl Iterator for Parts<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let segment = self.segments.get(self.next as usize)?;
        self.next = segment.next;
        Some((segment.offset, segment.length))
    }
}
