use std::collections::HashSet;

use foldhash::fast::RandomState;
use oam_policy::ObjectId;

use super::{graph::Node, objects::Place};

/// A set of commits in a graph: a bit for each that there is.
pub(super) struct Marks {
    words: Vec<u64>,
    /// Those that are not 0, so that clearing costs what marking did.
    touched: Vec<usize>,
}

impl Marks {
    /// Room for so many nodes.
    pub(super) fn new(nodes: usize) -> Self {
        Self { words: vec![0; nodes.div_ceil(64)], touched: Vec::new() }
    }

    /// Whether it was not marked before.
    pub(super) fn insert(&mut self, node: Node) -> bool {
        let (word, bit) = (node.index() / 64, 1_u64 << (node.index() % 64));
        let Some(bits) = self.words.get_mut(word) else { return false };
        if *bits == 0 {
            self.touched.push(word);
        }
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }

    pub(super) fn contains(&self, node: Node) -> bool {
        let bits = self.words.get(node.index() / 64).copied().unwrap_or(0);
        bits & (1_u64 << (node.index() % 64)) != 0
    }

    pub(super) fn clear(&mut self) {
        for word in self.touched.drain(..) {
            if let Some(bits) = self.words.get_mut(word) {
                *bits = 0;
            }
        }
    }
}

/// A set of commits: a bit for each object up to the last one in a pack, and the ids of those in none. A commit that is
/// in two packs may be taken for two.
#[derive(Default)]
pub(super) struct Seen {
    packed: Vec<Vec<u64>>,
    loose: HashSet<ObjectId, RandomState>,
}

impl Seen {
    /// Whether it was not in it before.
    pub(super) fn insert(&mut self, id: ObjectId, place: Option<Place>) -> bool {
        let Some(place) = place else { return self.loose.insert(id) };
        if self.packed.len() <= place.folder {
            self.packed.resize_with(place.folder.saturating_add(1), Vec::new);
        }
        let Some(words) = self.packed.get_mut(place.folder) else { return true };
        let (word, bit) = (place.at / 64, 1_u64 << (place.at % 64));
        if words.len() <= word {
            words.resize(word.saturating_add(1), 0);
        }
        let Some(bits) = words.get_mut(word) else { return true };
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }

    pub(super) fn contains(&self, id: ObjectId, place: Option<Place>) -> bool {
        let Some(place) = place else { return self.loose.contains(&id) };
        let bits = self.packed.get(place.folder).and_then(|words| words.get(place.at / 64));
        bits.is_some_and(|bits| bits & (1_u64 << (place.at % 64)) != 0)
    }
}
