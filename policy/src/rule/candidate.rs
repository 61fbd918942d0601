use std::{borrow::Cow, slice};

use super::{Mode, VerbSet, shelf::number};

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
    ends: Ends,
}

/// Where in a list the blocks end, and the grants.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    blocks: u32,
    grants: u32,
}

/// Some that lie in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    all: &'a [Candidate],
    ends: Ends,
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

impl Ends {
    /// Those of a list that is in order.
    pub(super) fn of(all: &[Candidate]) -> Self {
        let before = |kind| number(all.partition_point(|one| one.kind < kind));
        Self { blocks: before(Kind::Grant), grants: before(Kind::Require) }
    }
}

impl<'a> Run<'a> {
    pub(super) const NOTHING: Self = Self::new(&[], Ends { blocks: 0, grants: 0 });

    pub(super) const fn new(all: &'a [Candidate], ends: Ends) -> Self {
        Self { all, ends }
    }
}

impl<'a> Met<'a> {
    /// Puts in order what lies in several places, each by kind and place.
    #[inline]
    pub(super) fn of(found: Found<'a>) -> Self {
        match found {
            Found::Run(Run { all, ends }) => Self { all: Cow::Borrowed(all), ends },
            Found::Several(mut all) => {
                in_order(&mut all);
                Self { ends: Ends::of(&all), all: Cow::Owned(all) }
            }
        }
    }

    /// Those of the product, and then the others.
    pub(crate) fn blocks(&self) -> &[Candidate] {
        self.all.get(..self.ends.blocks as usize).unwrap_or_default()
    }

    pub(crate) fn grants(&self) -> &[Candidate] {
        self.all.get(self.ends.blocks as usize..self.ends.grants as usize).unwrap_or_default()
    }

    pub(crate) fn requires(&self) -> &[Candidate] {
        self.all.get(self.ends.grants as usize..).unwrap_or_default()
    }
}

/// What was found of the rules that a ref meets.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// All of it lies in one place: so it is for most refs.
    Run(Run<'a>),
    /// Perhaps some of them twice.
    Several(Vec<Candidate>),
}

impl<'a> Found<'a> {
    pub(super) const NOTHING: Self = Self::Run(Run::NOTHING);

    /// Takes in what lies in one place.
    #[inline]
    pub(super) fn add(&mut self, run: Run<'a>) {
        match self {
            _ if run.all.is_empty() => {}
            Self::Run(first) if first.all.is_empty() => *first = run,
            _ => self.add_beside(run),
        }
    }

    #[cold]
    fn add_beside(&mut self, run: Run<'a>) {
        match self {
            Self::Run(first) => *self = Self::Several([first.all, run.all].concat()),
            Self::Several(all) => all.extend_from_slice(run.all),
        }
    }
}
