//! Entries that are gone: what the log says of that.

use std::collections::BTreeMap;

use super::{Pruned, VerifyError};
use crate::entry::{EntriesPruned, KeyRotated};

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
        match &self.furthest {
            _ if gone == 0 => Ok(None),
            Some((index, told)) if told.before >= gone => {
                Ok(Some(Pruned { entries: gone, told_by: *index, told: told.clone() }))
            }
            _ => Err(VerifyError::NotPruned { entries: gone }),
        }
    }

    /// The rotations among the first `gone` entries.
    pub(super) fn rotations(&self, gone: u64) -> impl Iterator<Item = (u64, &KeyRotated)> {
        self.rotations.range(..gone).map(|(seq, rotation)| (*seq, rotation))
    }
}
