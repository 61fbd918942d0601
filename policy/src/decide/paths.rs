//! What rules say about changed paths.

use super::{known::Known, one_ref::OneRef};
use crate::{
    examples::Examples,
    facts::{End, FactsNeeded, HistoryNeeded, HistoryPart, Listing},
    name::TreePath,
    rule::{Grant, PathSet, RefSet},
};

/// Why nobody can tell whether a path changes in view of one grant's refs that changes in view of another's.
const TOO_MANY: &str =
    "too many paths change to tell whether the grants cover them together: push fewer at once";

/// A grant, as far as it reaches somebody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) grant: &'a Grant,
    /// Changes to these paths only, besides what the grant says: what somebody has for a while has bounds of its own.
    pub(crate) within: Within<'a>,
}

/// Of which paths something is that somebody has for a while: all of these sets must hold a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Within<'a> {
    /// What its rule says.
    pub(super) rule: Option<&'a PathSet>,
    /// What was asked for.
    pub(super) lease: Option<&'a PathSet>,
}

impl<'a> Within<'a> {
    /// The sets that bound it; none: it is of all paths.
    pub(crate) fn sets(self) -> impl Iterator<Item = &'a PathSet> {
        self.rule.into_iter().chain(self.lease)
    }

    /// Whether there are any.
    pub(super) const fn bounds(self) -> bool {
        self.rule.is_some() || self.lease.is_some()
    }

    /// What a lease was narrowed to.
    pub(super) fn of_lease(self) -> Option<&'a PathSet> {
        self.lease
    }
}

impl<'a> Part<'a> {
    /// The sets of paths that it is bound by; none: it is of all paths.
    pub(crate) fn bounds(self) -> impl Iterator<Item = &'a PathSet> {
        self.grant.paths.iter().chain(self.within.sets())
    }

    pub(super) fn covers(self, path: &TreePath) -> bool {
        #[cfg(test)]
        super::needed::tests::LOOKED.set(super::needed::tests::LOOKED.get() + 1);
        self.bounds().all(|paths| paths.matches(path))
    }
}

impl OneRef<'_, '_> {
    /// The paths that change, in view of a rule with these refs, as far as they are known; or what is needed.
    pub(super) fn changed_paths(&self, refs: &RefSet) -> Result<&Listing<TreePath>, HistoryNeeded> {
        let cover = refs.cover();
        let holds = |paths: &&Listing<TreePath>| {
            self.stands(paths) && self.scope.leased_paths().all(|leased| paths.tells_apart(leased))
        };
        let known = self.scope.facts.paths(self.index, &cover).filter(holds);
        known.ok_or(HistoryNeeded { update: self.index, cover, part: HistoryPart::Paths })
    }

    /// Whether a list says what it would say by the policy and the directory that are decided by.
    pub(super) fn stands<T: Ord>(&self, listing: &Listing<T>) -> bool {
        listing.holds_by(self.scope.basis.policy, self.scope.basis.snapshot)
    }

    /// Those of `paths` that change, in view of a rule with these refs.
    pub(crate) fn changed_among(&self, paths: &PathSet, refs: &RefSet) -> Known<Option<Examples<TreePath>>> {
        if self.is_deletion() {
            return Known::Is(None);
        }
        let changed = match self.changed_paths(refs) {
            Ok(changed) => changed,
            Err(needed) => return Known::needs(needed),
        };
        let among = changed.examples(|path| paths.matches(path).then(|| path.clone()));
        Known::found(among, changed.end(), || self.paths_needed(refs))
    }

    fn paths_needed(&self, refs: &RefSet) -> HistoryNeeded {
        HistoryNeeded { update: self.index, cover: refs.cover(), part: HistoryPart::Paths }
    }

    /// The changed paths that none of `grants` covers. All of them say which paths they are about.
    ///
    /// A grant has nothing against a path that does not change in view of its own refs: so adding a grant never takes
    /// access away.
    pub(crate) fn uncovered(&self, grants: &[Part<'_>]) -> Known<Option<Examples<TreePath>>> {
        if self.is_deletion() {
            return Known::Is(None);
        }
        let mut views = Vec::with_capacity(grants.len());
        let mut needed = FactsNeeded::default();
        for part in grants {
            match self.changed_paths(&part.grant.refs) {
                Ok(changed) => views.push((*part, changed)),
                Err(history) => needed.histories.push(history),
            }
        }
        if !needed.histories.is_empty() {
            return Known::Needs(needed);
        }
        // Any view will do that is known as a whole; where none is, any has something of every kind of path.
        let Some((_, paths)) = views.iter().min_by_key(|(_, changed)| {
            (!changed.is_whole(), *changed.end() != End::Complete, changed.told())
        }) else {
            return Known::Is(None);
        };
        let in_a_grant = |path: &TreePath| views.iter().any(|(part, _)| part.covers(path));
        let mut perhaps = false;
        let uncovered = paths.examples(|path| {
            if in_a_grant(path) {
                return None;
            }
            let seen: Vec<_> = views.iter().map(|(_, changed)| changed.holds(path)).collect();
            if seen.contains(&Some(false)) {
                return None;
            }
            let certain = seen.iter().all(|seen| *seen == Some(true));
            perhaps |= !certain;
            certain.then(|| path.clone())
        });
        if let Some(uncovered) = uncovered {
            return Known::Is(Some(uncovered));
        }
        self.none_uncovered(&views, paths, perhaps)
    }

    /// What it means that no path is known that none of the grants covers.
    fn none_uncovered(
        &self,
        views: &[(Part<'_>, &Listing<TreePath>)],
        looked_at: &Listing<TreePath>,
        perhaps: bool,
    ) -> Known<Option<Examples<TreePath>>> {
        if *looked_at.end() == End::Complete && !perhaps {
            return Known::Is(None);
        }
        for (_, changed) in views {
            if let End::Unreadable(unreadable) = changed.end() {
                return Known::unreadable(unreadable.why.clone());
            }
        }
        let open = views.iter().filter(|(_, changed)| *changed.end() == End::Open);
        let histories: Vec<_> = open.map(|(part, _)| self.paths_needed(&part.grant.refs)).collect();
        if histories.is_empty() {
            return Known::unreadable(TOO_MANY.to_owned());
        }
        Known::Needs(FactsNeeded { histories, ..FactsNeeded::default() })
    }
}
