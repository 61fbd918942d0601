//! What has been found out about the pushed history. Nothing is found out before a decision depends on it.

use std::collections::BTreeMap;

/// A position in [`crate::Request::updates`], from 0.
pub type UpdateIndex = usize;

/// The facts known so far.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    ancestry: BTreeMap<UpdateIndex, Ancestry>,
}

/// Whether the old tip of a moved ref is an ancestor of the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ancestry {
    /// It is: the move is a fast-forward, an `update`.
    FastForward,
    /// It is not: the move is a `force`.
    Diverged,
    /// The history could not be read; `why` is for people.
    Unreadable {
        /// What went wrong, in words.
        why: String,
    },
}

impl Facts {
    /// No facts.
    pub fn none() -> Self {
        Self::default()
    }

    /// What is known of the ancestry of one update.
    pub fn ancestry(&self, index: UpdateIndex) -> Option<&Ancestry> {
        self.ancestry.get(&index)
    }

    /// Adds what was found out about one update; a second answer for it replaces the first.
    pub fn learn_ancestry(&mut self, index: UpdateIndex, ancestry: Ancestry) {
        self.ancestry.insert(index, ancestry);
    }
}

/// The facts that a decision still depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactsNeeded {
    /// The updates whose ancestry is needed, ascending.
    pub ancestry: Vec<UpdateIndex>,
}

impl FactsNeeded {
    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.ancestry.is_empty()
    }
}
