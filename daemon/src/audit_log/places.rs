//! Where an entry is found: in the journal, or in the bundles that it has gone into.

use std::collections::VecDeque;

use oam_audit::{files::Segment, tile::WIDTH};

/// The files of the journal, the oldest first. What comes before them is in bundles.
#[derive(Debug, Default)]
pub(super) struct Places(VecDeque<Place>);

/// One file of the journal.
#[derive(Debug)]
struct Place {
    segment: Segment,
    /// Where entries begin in it whose number is a multiple of a bundle's width.
    offsets: Vec<u64>,
}

/// Where an entry is found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// In the bundle that its number says.
    Bundle,
    /// In the journal.
    Journal {
        /// In which file.
        segment: Segment,
        /// The nearest entry at or before it whose place is known,
        start: u64,
        /// and that place in bytes.
        offset: u64,
        /// The first entry that is not in that file any more.
        end: u64,
    },
}

impl Places {
    /// Another file begins.
    pub(super) fn begin(&mut self, segment: Segment) {
        self.0.push_back(Place { segment, offsets: Vec::new() });
    }

    /// Takes note of where an entry begins in the newest file. Entries come in order.
    pub(super) fn note(&mut self, seq: u64, offset: u64) {
        if let Some(place) = self.0.back_mut()
            && seq.is_multiple_of(WIDTH)
        {
            place.offsets.push(offset);
        }
    }

    /// Where an entry is found.
    pub(super) fn find(&self, seq: u64) -> Found {
        let after = self.0.partition_point(|place| place.segment.first <= seq);
        let Some(place) = after.checked_sub(1).and_then(|at| self.0.get(at)) else { return Found::Bundle };
        let end = self.0.get(after).map_or(u64::MAX, |next| next.segment.first);
        let (start, offset) = place.before(seq);
        Found::Journal { segment: place.segment, start, offset, end }
    }

    /// The first entry that is in the journal.
    pub(super) fn first(&self) -> u64 {
        self.0.front().map_or(0, |place| place.segment.first)
    }

    /// The oldest file, and the one after it.
    pub(super) fn oldest_two(&self) -> Option<(Segment, Segment)> {
        Some((self.0.front()?.segment, self.0.get(1)?.segment))
    }

    /// Lets the oldest file go.
    pub(super) fn release(&mut self) {
        self.0.pop_front();
    }
}

impl Place {
    fn before(&self, seq: u64) -> (u64, u64) {
        let first = self.segment.first.div_ceil(WIDTH);
        let slot = (seq / WIDTH).checked_sub(first).and_then(|slot| usize::try_from(slot).ok());
        match slot.and_then(|slot| self.offsets.get(slot)) {
            Some(&offset) => (seq / WIDTH * WIDTH, offset),
            None => (self.segment.first, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_in_their_file() {
        let mut places = Places::default();
        assert_eq!(places.find(0), Found::Bundle);
        for (first, last) in [(300, 599), (600, 600), (601, 1100)] {
            places.begin(Segment { first });
            (first..=last).for_each(|seq| places.note(seq, 10 * (seq - first)));
        }
        let journal =
            |first, start, offset, end| Found::Journal { segment: Segment { first }, start, offset, end };
        assert_eq!(places.find(299), Found::Bundle);
        assert_eq!(places.find(300), journal(300, 300, 0, 600));
        assert_eq!(places.find(511), journal(300, 300, 0, 600));
        assert_eq!(places.find(512), journal(300, 512, 2120, 600));
        assert_eq!(places.find(599), journal(300, 512, 2120, 600));
        assert_eq!(places.find(600), journal(600, 600, 0, 601));
        assert_eq!(places.find(700), journal(601, 601, 0, u64::MAX));
        assert_eq!(places.find(1030), journal(601, 1024, 4230, u64::MAX));
        assert_eq!(places.oldest_two(), Some((Segment { first: 300 }, Segment { first: 600 })));
        places.release();
        assert_eq!(places.find(599), Found::Bundle);
        assert_eq!(places.find(600), journal(600, 600, 0, 601));
    }
}
