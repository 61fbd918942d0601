//! Entries that are gone: what the log says of that.

use std::collections::BTreeMap;

use super::{Pruned, VerifyError};
use crate::entry::{EntriesPruned, KeyRotated};

impl Pruned {
    /// That the first `entries` are gone, where the entry `told_by`, one that was signed, allows it: it goes that far, and
    /// does not speak of what comes after it.
    #[must_use]
    pub fn allowed(entries: u64, told_by: u64, told: &EntriesPruned) -> Option<Self> {
        (entries..=told_by).contains(&told.before).then(|| Self { entries, told_by, told: told.clone() })
    }
}

/// What the entries of a log say of those that were removed.
#[derive(Debug, Default)]
pub(super) struct Announced {
    /// The entry that goes furthest, with its number.
    furthest: Option<(u64, EntriesPruned)>,
    /// The rotations of the key among those that are gone, by their numbers.
    rotations: BTreeMap<u64, KeyRotated>,
}

impl Announced {
    /// Takes note of what the entry at `index` says, one that was signed. None can speak of what comes after it.
    pub(super) fn note(&mut self, index: u64, pruned: &EntriesPruned) {
        let further = self.furthest.as_ref().is_none_or(|(_, other)| other.before <= pruned.before);
        if further && pruned.before <= index {
            self.furthest = Some((index, pruned.clone()));
        }
        let rotations = pruned.rotations.iter().map(|one| (one.seq, one.rotation.clone()));
        self.rotations.extend(rotations);
    }

    /// What allows that so many entries are gone; none when none are.
    pub(super) fn allowing(&self, gone: u64) -> Result<Option<Pruned>, VerifyError> {
        if gone == 0 {
            return Ok(None);
        }
        let allowed = self.furthest.as_ref().and_then(|(index, told)| Pruned::allowed(gone, *index, told));
        allowed.map(Some).ok_or(VerifyError::NotPruned { entries: gone })
    }

    /// The rotations among the first `gone` entries.
    pub(super) fn rotations(&self, gone: u64) -> impl Iterator<Item = (u64, &KeyRotated)> {
        self.rotations.range(..gone).map(|(seq, rotation)| (*seq, rotation))
    }
}
