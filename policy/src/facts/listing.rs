//! A list that a hook tells piece by piece, in bounded memory.
//!
//! A decision asks a list whether something of some kind is in it. What is found in the beginning of a list is in the
//! list; that something is not in it takes the end of the list to know. And of many things that all rules see alike, a
//! few tell as much as all of them: so a list that grows too long is *folded*, down to a few of each kind.

use std::collections::{BTreeMap, BTreeSet};

use super::{Commit, NewFile, Unreadable, room::Room};
use crate::{
    decide::Sieve,
    examples::{Examples, SHOWN},
    name::{Digest, TreePath},
    rule::{PathSet, Policy},
    snapshot::{Snapshot, SnapshotVersion},
};

/// Things of one sort that were found out about new commits: all of them, or those that have been told so far, or a few
/// of each kind.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    /// By kind. All are of one kind until it is folded.
    kinds: BTreeMap<Kind, BTreeSet<T>>,
    /// How many have been told, what came twice counted twice.
    told: u64,
    end: End,
    rests_on: Option<Box<RestsOn>>,
}

/// What tells kinds apart: how every rule on the repository sees a thing.
pub(crate) type Kind = Box<[u64]>;

/// Whether a list is at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// More may follow.
    Open,
    /// It is complete.
    Complete,
    /// What follows cannot be found out.
    Unreadable(Unreadable),
}

/// By what a list was folded, or judged as it came. By anything else it would have to be told anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct RestsOn {
    policy: Option<Digest>,
    directory: Option<SnapshotVersion>,
    /// The paths of leases that were told apart.
    leased: Vec<PathSet>,
}

/// What can be listed.
pub(super) trait Item: Ord {
    /// What it takes to keep it, in bytes, about.
    fn weight(&self) -> usize;

    /// How the rules see it.
    fn kind(&self, sieve: &Sieve<'_>) -> Kind;

    /// Whether that depends on the directory.
    const SEEN_BY_DIRECTORY: bool = false;
}

/// A commit, and its place among those that were told: they are kept in that order.
#[derive(Debug, Clone)]
pub struct Nth {
    nth: u64,
    /// The commit.
    pub commit: Commit,
}

impl<T: Ord> Listing<T> {
    /// A list of which nothing has been told.
    pub(super) fn open() -> Self {
        Self { kinds: BTreeMap::new(), told: 0, end: End::Open, rests_on: None }
    }

    /// A list as it is known.
    pub(super) fn of(items: impl IntoIterator<Item = T>, end: End) -> Self {
        let all: Vec<T> = items.into_iter().collect();
        let told = all.len() as u64;
        let all: BTreeSet<T> = all.into_iter().collect();
        let kinds = if all.is_empty() { BTreeMap::new() } else { BTreeMap::from([(Kind::default(), all)]) };
        Self { kinds, told, end, rests_on: None }
    }

    /// What is kept of it: in order, as long as it is not folded.
    pub fn kept(&self) -> impl Iterator<Item = &T> {
        self.kinds.values().flatten()
    }

    /// How many have been told. A path may have been told twice; a commit was not.
    pub fn told(&self) -> u64 {
        self.told
    }

    /// Whether more is to come.
    pub fn end(&self) -> &End {
        &self.end
    }

    /// Whether everything is kept that was told.
    pub fn is_kept_whole(&self) -> bool {
        !self.is_folded()
    }

    fn is_folded(&self) -> bool {
        self.rests_on.as_ref().is_some_and(|by| by.policy.is_some())
    }

    /// Whether it says what it would say by this policy and this directory.
    pub(crate) fn holds_by(&self, policy: &Policy, snapshot: Option<&Snapshot>) -> bool {
        let Some(by) = &self.rests_on else { return true };
        by.policy.is_none_or(|digest| digest == policy.digest())
            && by.directory.is_none_or(|version| snapshot.is_some_and(|one| one.version() == version))
    }

    /// Whether it says what it would say where a lease is of just these paths.
    pub(crate) fn tells_apart(&self, paths: &PathSet) -> bool {
        !self.is_folded() || self.rests_on.as_ref().is_some_and(|by| by.leased.contains(paths))
    }

    /// Whether it certainly holds `item`; nothing where that is not known.
    pub(crate) fn holds(&self, item: &T) -> Option<bool> {
        let is_kept = self.kinds.values().any(|kept| kept.contains(item));
        (is_kept || (self.end == End::Complete && !self.is_folded())).then_some(is_kept)
    }

    /// Whether all is kept, and nothing is to come.
    pub(crate) fn is_whole(&self) -> bool {
        self.end == End::Complete && !self.is_folded()
    }

    /// A few of what `find` finds in it, in order.
    pub(crate) fn examples<'a, U>(&'a self, mut find: impl FnMut(&'a T) -> Option<U>) -> Option<Examples<U>> {
        let (mut first, mut total) = (Vec::new(), 0_usize);
        for kept in self.kinds.values() {
            let mut of_kind = 0;
            for item in kept {
                let Some(found) = find(item) else { continue };
                of_kind += 1;
                if of_kind <= SHOWN {
                    first.push((item, found));
                }
            }
            total += of_kind;
        }
        first.sort_by_key(|(item, _)| *item);
        let shown = first.into_iter().take(SHOWN).map(|(_, found)| found).collect();
        Examples::of_some(shown, total, !self.is_whole())
    }

    pub(super) fn close(&mut self, end: End) {
        if self.end == End::Open {
            self.end = end;
        }
    }

    /// Notes that what is told of it was judged by this directory.
    pub(super) fn judged_by(&mut self, directory: Option<SnapshotVersion>) {
        if directory.is_some() {
            self.rests_on.get_or_insert_default().directory = directory;
        }
    }
}

#[expect(private_bounds, reason = "what can be listed is known here")]
impl<T: Item> Listing<T> {
    /// Takes in what is told next. What comes after the end is passed over.
    ///
    /// It stops where there is no room for more.
    pub(super) fn take(&mut self, items: &mut impl Iterator<Item = T>, room: &mut Room, sieve: &Sieve<'_>) {
        while self.end == End::Open && !room.is_full() {
            let Some(item) = items.next() else { return };
            self.told += 1;
            if self.is_folded() {
                self.add_to_kind(item, room, sieve);
            } else {
                self.add(item, room, sieve);
            }
        }
    }

    fn add(&mut self, item: T, room: &mut Room, sieve: &Sieve<'_>) {
        let kept = self.kinds.entry(Kind::default()).or_default();
        let weight = item.weight();
        if kept.insert(item) {
            room.held += weight;
        }
        if kept.len() > room.bounds.whole_items || room.is_tight {
            self.fold(room, sieve);
        }
    }

    /// Keeps the first few of each kind.
    pub(super) fn fold(&mut self, room: &mut Room, sieve: &Sieve<'_>) {
        if self.is_folded() {
            return;
        }
        let by = self.rests_on.get_or_insert_default();
        by.policy = Some(sieve.policy().digest());
        by.leased = sieve.leased_paths().cloned().collect();
        if T::SEEN_BY_DIRECTORY {
            by.directory = sieve.directory();
        }
        for item in std::mem::take(&mut self.kinds).into_values().flatten() {
            room.give(item.weight());
            self.add_to_kind(item, room, sieve);
        }
    }

    fn add_to_kind(&mut self, item: T, room: &mut Room, sieve: &Sieve<'_>) {
        let kept = self.kinds.entry(item.kind(sieve)).or_default();
        if kept.len() >= room.bounds.per_kind && kept.last().is_some_and(|last| *last <= item) {
            return;
        }
        let weight = item.weight();
        if kept.insert(item) {
            room.held += weight;
        }
        if kept.len() > room.bounds.per_kind
            && let Some(last) = kept.pop_last()
        {
            room.give(last.weight());
        }
    }

    /// What all that is kept takes.
    pub(super) fn weight(&self) -> usize {
        self.kept().map(Item::weight).sum()
    }
}

impl Nth {
    pub(super) fn new(nth: u64, commit: Commit) -> Self {
        Self { nth, commit }
    }
}

impl PartialEq for Nth {
    fn eq(&self, other: &Self) -> bool {
        self.nth == other.nth
    }
}

impl Eq for Nth {}

impl PartialOrd for Nth {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Nth {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.nth.cmp(&other.nth)
    }
}

/// What a thing takes beside its texts, with its share of the tree that it is kept in.
const OVERHEAD: usize = 64;

impl Item for TreePath {
    fn weight(&self) -> usize {
        self.as_bytes().len() + OVERHEAD
    }

    fn kind(&self, sieve: &Sieve<'_>) -> Kind {
        sieve.of_path(self)
    }
}

impl Item for NewFile {
    fn weight(&self) -> usize {
        self.path.as_bytes().len() + OVERHEAD
    }

    fn kind(&self, sieve: &Sieve<'_>) -> Kind {
        sieve.of_file(self)
    }
}

impl Item for Nth {
    const SEEN_BY_DIRECTORY: bool = true;

    fn weight(&self) -> usize {
        self.commit.weight() + OVERHEAD
    }

    fn kind(&self, sieve: &Sieve<'_>) -> Kind {
        sieve.of_commit(&self.commit)
    }
}
