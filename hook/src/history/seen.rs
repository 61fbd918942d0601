use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

/// How many paths are remembered.
const SLOTS: usize = 1 << 16;

/// A longer path is not remembered: there are few of these.
const MAX_LEN: usize = 256;

/// The paths told before, as far as they are remembered: a path may be told again, and never falls under the table. They
/// are compared themselves, not by their hashes, since what hashes alike could be made to.
#[derive(Default)]
pub(super) struct Seen {
    slots: Vec<Box<[u8]>>,
    hash: RandomState,
}

impl Seen {
    /// Whether a path is told for the first time, as far as is known; and remembers it.
    pub(super) fn is_new(&mut self, path: &[u8]) -> bool {
        if path.len() > MAX_LEN {
            return true;
        }
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, Box::default());
        }
        let place = usize::try_from(self.hash.hash_one(path) % SLOTS as u64).unwrap_or_default();
        let Some(slot) = self.slots.get_mut(place) else { return true };
        if **slot == *path {
            return false;
        }
        *slot = path.into();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{SLOTS, Seen};

    #[test]
    fn nothing_is_ever_taken_for_another() {
        let mut seen = Seen::default();
        for name in 0..3 * SLOTS {
            assert!(seen.is_new(name.to_string().as_bytes()));
        }
        assert!(!seen.is_new((3 * SLOTS - 1).to_string().as_bytes()));
        let long = [b'x'; 300];
        assert!(seen.is_new(&long) && seen.is_new(&long));
    }
}
