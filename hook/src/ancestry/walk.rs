use std::collections::{BinaryHeap, HashSet};

use git2::Oid;
use oam_policy::ObjectId;

use super::{
    odb::{Commits, Peeled},
    sha1,
};
use crate::git_dir::Places;

/// How many commits are looked at for one pair.
pub(super) const COMMITS_PER_PAIR: usize = 2_000;

/// How many commits are read for all pairs of a push.
const COMMITS_PER_PUSH: usize = 50_000;

/// How many steps are gone for all pairs of a push.
const STEPS_PER_PUSH: usize = 2_000_000;

/// What a bounded walk finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Near {
    /// `old` was met.
    Ancestor,
    /// All of the history was seen, and `old` is not in it; or one of the two has no history.
    Diverged,
    /// It was not seen to the end.
    Unknown(String),
}

/// Walks histories from their newest commits on.
pub(super) struct Walker {
    commits: Result<Commits, String>,
    steps_left: usize,
}

impl Walker {
    /// Opens the object directories; where that cannot be done, every answer is [`Near::Unknown`].
    pub(super) fn open(places: &Places) -> Self {
        let commits = match &places.object_dirs {
            // Only git knows where a shallow history ends.
            _ if places.shallow => Err("the history is shallow".to_owned()),
            None => Err("its object directories are not known".to_owned()),
            Some(folders) => Commits::open(folders, COMMITS_PER_PUSH),
        };
        Self { commits, steps_left: STEPS_PER_PUSH }
    }

    /// Whether `old` is `new` or one of its ancestors.
    pub(super) fn is_ancestor(&mut self, old: ObjectId, new: ObjectId) -> Near {
        let commits = match &mut self.commits {
            Ok(commits) => commits,
            Err(why) => return Near::Unknown(why.clone()),
        };
        let (Some(old), Some(new)) = (sha1(old), sha1(new)) else {
            return Near::Unknown("its object ids are SHA-256".into());
        };
        search(commits, &mut self.steps_left, old, new).unwrap_or_else(Near::Unknown)
    }
}

fn search(commits: &mut Commits, steps_left: &mut usize, old: Oid, new: Oid) -> Result<Near, String> {
    let (Peeled::Commit(old), Peeled::Commit(new)) = (commits.peel(old)?, commits.peel(new)?) else {
        return Ok(Near::Diverged);
    };
    let mut seen = HashSet::from([new]);
    // Newest first finds a near ancestor soonest. Dates only order the walk: clocks that go wrong change no answer.
    let mut ahead = BinaryHeap::from([(i64::MAX, new)]);
    let mut steps = COMMITS_PER_PAIR;
    while let Some((_, id)) = ahead.pop() {
        if id == old {
            return Ok(Near::Ancestor);
        }
        steps = steps.checked_sub(1).ok_or("the history is long")?;
        *steps_left = steps_left.checked_sub(1).ok_or("the histories are long")?;
        for parent in &commits.get(id)?.parents {
            if seen.insert(*parent) {
                ahead.push((commits.get(*parent)?.committed, *parent));
            }
        }
    }
    Ok(Near::Diverged)
}
