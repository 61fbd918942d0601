use std::{borrow::Cow, slice};

use super::{Mode, VerbSet};

/// A rule that could be on a repository, with what most decisions ask of it: then it need not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) kind: Kind,
    /// Its position among the rules of its kind.
    pub(crate) place: u32,
    pub(crate) verbs: VerbSet,
    pub(crate) mode: Mode,
    /// Whether it is not known to be on the repository without a look at its patterns.
    pub(crate) perhaps: bool,
    /// Whether it is live at some times only.
    pub(crate) timed: bool,
    /// Whether it is about changes to some paths only.
    pub(crate) of_paths: bool,
    /// Its set of refs, as the index numbers them.
    pub(super) refs: u32,
    /// How many roles it names.
    pub(super) role_count: u32,
    /// The only one; of several, where they begin among all that rules name.
    pub(super) role: u32,
}

/// The kinds of rules that an index holds, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A block that is part of the product.
    BuiltIn,
    Block,
    Grant,
    Require,
}

/// Rules that a ref meets, by kind and place, none twice.
#[derive(Debug, Clone)]
pub(crate) struct Met<'a> {
    /// Mostly as they lie in the index.
    all: Cow<'a, [Candidate]>,
    /// How many of them come before the grants.
    blocks: usize,
    /// How many come before the requires.
    grants: usize,
}

impl Candidate {
    /// Of two for one rule, the one that is sure comes first.
    pub(super) fn order(&self) -> (Kind, u32, bool) {
        (self.kind, self.place, self.perhaps)
    }

    /// Whether both are of one rule.
    pub(super) fn is_of_rule(&self, other: &Self) -> bool {
        (self.kind, self.place) == (other.kind, other.place)
    }

    /// The places of the roles that a grant is to, or that are excepted from a block or a require; ascending. `several` are
    /// those of the rules that name more than one.
    #[inline]
    pub(super) fn roles<'r>(&'r self, several: &'r [u32]) -> &'r [u32] {
        if self.role_count == 1 {
            return slice::from_ref(&self.role);
        }
        let begin = self.role as usize;
        several.get(begin..begin + self.role_count as usize).unwrap_or_default()
    }
}

/// Puts candidates in order, each rule once: of two for one rule, the one that is sure.
pub(super) fn in_order(all: &mut Vec<Candidate>) {
    all.sort_unstable_by_key(Candidate::order);
    all.dedup_by(|next, one| next.is_of_rule(one));
}

impl<'a> Met<'a> {
    /// Puts in order what lies in several places, each by kind and place.
    pub(super) fn of(found: Found<'a>) -> Self {
        let all = match found {
            Found::Run(run) => Cow::Borrowed(run),
            Found::Several(mut all) => {
                in_order(&mut all);
                Cow::Owned(all)
            }
        };
        let (mut blocks, mut grants) = (0, 0);
        for one in &*all {
            blocks += usize::from(one.kind < Kind::Grant);
            grants += usize::from(one.kind < Kind::Require);
        }
        Self { all, blocks, grants }
    }

    /// Those of the product, and then the others.
    pub(crate) fn blocks(&self) -> &[Candidate] {
        self.all.get(..self.blocks).unwrap_or_default()
    }

    pub(crate) fn grants(&self) -> &[Candidate] {
        self.all.get(self.blocks..self.grants).unwrap_or_default()
    }

    pub(crate) fn requires(&self) -> &[Candidate] {
        self.all.get(self.grants..).unwrap_or_default()
    }
}

/// What was found of the rules that a ref meets.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// All of it lies in one place: so it is for most refs.
    Run(&'a [Candidate]),
    /// Perhaps some of them twice.
    Several(Vec<Candidate>),
}

impl<'a> Found<'a> {
    pub(super) const NOTHING: Self = Self::Run(&[]);

    /// Takes in what lies in one place.
    #[inline]
    pub(super) fn add(&mut self, run: &'a [Candidate]) {
        match self {
            _ if run.is_empty() => {}
            Self::Run([]) => *self = Self::Run(run),
            Self::Run(first) => *self = Self::Several([*first, run].concat()),
            Self::Several(all) => all.extend_from_slice(run),
        }
    }
}
