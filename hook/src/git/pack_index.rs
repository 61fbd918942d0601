//! Where in which pack an object is.

use std::cmp::Ordering;

use gix_hash::oid;
use gix_pack::{index, multi_index};

use super::unreadable::words;

/// How often it is guessed where in an index an id is.
const GUESSES: usize = 3;

/// The index of a pack, or of several.
pub(super) enum Table {
    /// Of one.
    One(index::File),
    /// A multi-pack-index.
    Many(multi_index::File),
}

impl Table {
    /// How many objects it lists.
    pub(super) fn objects(&self) -> usize {
        let objects = match self {
            Self::One(file) => file.num_objects(),
            Self::Many(file) => file.num_objects(),
        };
        usize::try_from(objects).unwrap_or(usize::MAX)
    }

    /// The entry of an object, which of the packs has it, and where in that.
    pub(super) fn find(&self, id: &oid) -> Result<Option<(usize, u32, u64)>, String> {
        let (entry, nth, offset) = match self {
            Self::One(file) => match lookup(file, id) {
                Some(entry) => (entry, 0, file.pack_offset_at_index(entry)),
                None => return Ok(None),
            },
            Self::Many(file) => match file.lookup(id) {
                Some(entry) => {
                    let (nth, offset) = file.pack_id_and_pack_offset_at_index(entry).map_err(words)?;
                    (entry, nth, offset)
                }
                None => return Ok(None),
            },
        };
        Ok(Some((usize::try_from(entry).unwrap_or(usize::MAX), nth, offset)))
    }
}

/// The entry of an object. Ids are spread evenly, so it is known about where one must be; searching all of a large index
/// by halves would touch a dozen pages for each.
pub(super) fn lookup(file: &index::File, id: &oid) -> Option<u32> {
    let count = file.num_objects();
    let wanted = leading(id);
    let order = |entry: u32| {
        let found = file.oid_at_index(entry);
        leading(found).cmp(&wanted).then_with(|| found.cmp(id))
    };
    let mut guess = expected(wanted, count).min(count.checked_sub(1)?);
    for _ in 0..GUESSES {
        let found = leading(file.oid_at_index(guess));
        guess = match wanted.checked_sub(found) {
            Some(ahead) => guess.saturating_add(expected(ahead, count)).min(count.saturating_sub(1)),
            None => guess.saturating_sub(expected(found.wrapping_sub(wanted), count)),
        };
    }
    // From there on, by steps that double, and then by halves.
    let (mut low, mut high, mut step) = (guess, guess, 1_u32);
    while low > 0 && order(low) == Ordering::Greater {
        high = low;
        low = low.saturating_sub(step);
        step = step.saturating_mul(2);
    }
    step = 1;
    while high < count && order(high) != Ordering::Greater {
        low = high;
        high = high.saturating_add(step).min(count);
        step = step.saturating_mul(2);
    }
    while low < high {
        let middle = low.midpoint(high);
        match order(middle) {
            Ordering::Equal => return Some(middle),
            Ordering::Less => low = middle.saturating_add(1),
            Ordering::Greater => high = middle,
        }
    }
    None
}

/// How many of so many ids are expected below a number.
fn expected(number: u64, count: u32) -> u32 {
    u32::try_from((u128::from(number) * u128::from(count)) >> 64).unwrap_or(u32::MAX)
}

/// The first bytes of an id as a number.
fn leading(id: &oid) -> u64 {
    id.as_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
