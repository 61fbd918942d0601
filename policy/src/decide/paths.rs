//! What rules say about changed paths.

use super::{known::Known, one_ref::OneRef};
use crate::{
    examples::Examples,
    facts::{FactsNeeded, HistoryNeeded, HistoryPart},
    name::TreePath,
    rule::{Grant, PathSet, RefSet},
};

impl OneRef<'_> {
    /// The paths that change, in view of a rule with these refs.
    pub(super) fn changed_paths(&self, refs: &RefSet) -> Known<&[TreePath]> {
        if self.is_deletion() {
            return Known::Is(&[]);
        }
        let cover = refs.cover();
        let fact = self.scope.facts.paths(self.index, &cover);
        Known::of_history(fact, || HistoryNeeded { update: self.index, cover, part: HistoryPart::Paths })
    }

    /// Those of `paths` that change, in view of a rule with these refs.
    pub(crate) fn changed_among(&self, paths: &PathSet, refs: &RefSet) -> Known<Option<Examples<TreePath>>> {
        let among = |path: &&TreePath| paths.matches(path);
        self.changed_paths(refs).map(|changed| Examples::of(changed.iter().filter(among).cloned()))
    }

    /// The changed paths that none of `grants` covers. All of them say which paths they are about.
    ///
    /// A grant has nothing against a path that does not change in view of its own refs: so adding a grant never takes
    /// access away.
    pub(crate) fn uncovered(&self, grants: &[&Grant]) -> Known<Option<Examples<TreePath>>> {
        let mut views = Vec::with_capacity(grants.len());
        // All at once: the hook is asked again and again otherwise.
        let mut needed = FactsNeeded::default();
        for grant in grants {
            match self.changed_paths(&grant.refs) {
                Known::Is(changed) => views.push((grant, changed)),
                Known::Needs(more) => needed.add(more),
                Known::Unreadable(why) => return Known::Unreadable(why),
            }
        }
        if !needed.is_empty() {
            return Known::Needs(needed);
        }
        let Some((_, fewest)) = views.iter().min_by_key(|(_, changed)| changed.len()) else {
            return Known::Is(None);
        };
        let covers = |grant: &Grant, changed: &[TreePath], path: &TreePath| {
            grant.paths.as_ref().is_none_or(|paths| paths.matches(path))
                || changed.binary_search(path).is_err()
        };
        let uncovered =
            fewest.iter().filter(|path| !views.iter().any(|(grant, changed)| covers(grant, changed, path)));
        Known::Is(Examples::of(uncovered.cloned()))
    }
}
