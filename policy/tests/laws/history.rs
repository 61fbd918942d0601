//! Which commits a rule looks at, as the naive implementation understands it.

use crate::{
    matching,
    world::{Commit, History, Push, Update},
};

/// Reachable from the new tip, and from no existing ref that `refs` match.
pub(crate) fn commits(push: &Push, update: &Update, refs: &[&str], user: &str) -> Vec<Commit> {
    match &update.history {
        History::Told { commits, .. } => commits.clone(),
        History::Graph { reach, .. } => {
            let known = |commit: &usize| {
                let mut there = push.existing.iter().filter(|(_, reachable)| reachable.contains(commit));
                there.any(|(name, _)| matching::any(refs, name, user))
            };
            reach.iter().filter(|commit| !known(commit)).map(|commit| push.commits[*commit].clone()).collect()
        }
    }
}

/// How many they are.
pub(crate) fn count(push: &Push, update: &Update, refs: &[&str], user: &str) -> usize {
    match &update.history {
        History::Told { count, .. } => *count,
        History::Graph { .. } => commits(push, update, refs, user).len(),
    }
}

pub(crate) fn paths(push: &Push, update: &Update, refs: &[&str], user: &str) -> Vec<&'static str> {
    match &update.history {
        History::Told { paths, .. } => paths.clone(),
        History::Graph { net, .. } => {
            let commits = commits(push, update, refs, user);
            let changed = commits.iter().flat_map(|commit| commit.changes.iter().map(|(path, _)| *path));
            changed.chain(net.iter().copied()).collect()
        }
    }
}

pub(crate) fn files(push: &Push, update: &Update, refs: &[&str], user: &str) -> Vec<(&'static str, u64)> {
    match &update.history {
        History::Told { files, .. } => files.clone(),
        History::Graph { .. } => {
            let commits = commits(push, update, refs, user);
            let changes = commits.iter().flat_map(|commit| commit.changes.clone());
            changes.filter_map(|(path, size)| Some((path, size?))).collect()
        }
    }
}
