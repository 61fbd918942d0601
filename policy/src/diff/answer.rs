//! The answer: what is told of two policies.

use jiff::Timestamp;

use super::{
    bounded::Bounded, condition::Condition, lifting::Lifting, offers::OfferChange, roles::RoleChange,
};
use crate::{
    entitle::Right,
    name::{RefName, Repository, RoleId, RuleId, TreePath, Username},
    request::Verb,
    rule::VerbSet,
};

/// What changes between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDiff {
    /// Those that concern most people first.
    pub changes: Vec<PolicyChange>,
    /// Who may read and administer what otherwise; those that concern most people first.
    pub rights: Vec<RightChange>,
    /// Roles that others hold, by name.
    pub roles: Vec<RoleChange>,
    /// What may be asked for otherwise, in the order of what they are and of the roles.
    pub offers: Vec<OfferChange>,
    /// How many others must approve what replaces the old policy, and how many what replaces the new one; `None`: as many.
    pub approvals: Option<(u8, u8)>,
    /// Whether that is all, and surely so.
    pub exact: bool,
    /// What keeps it from being all; empty when it is.
    pub bounded: Vec<Bounded>,
}

/// Something that some people may do otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    /// How.
    pub effect: Effect,
    /// By which verbs; never `read` or `admin`, see [`PolicyDiff::rights`].
    pub verbs: VerbSet,
    /// Who, by their roles; at least one entry.
    pub who: Vec<Holders>,
    /// Since when it is so; `None`: already now.
    pub from: Option<Timestamp>,
    /// Until when, exclusive; `None`: for good.
    pub to: Option<Timestamp>,
    /// Whether it begins or ends with the hours of the week, and so comes again every week.
    pub is_weekly: bool,
    /// What decided under the old policy.
    pub before: Because,
    /// What decides under the new one.
    pub after: Because,
    /// Where; at least one.
    pub places: Vec<Place>,
}

impl PolicyDiff {
    /// How much is told, of every kind.
    pub fn total(&self) -> usize {
        let Self { changes, rights, roles, offers, approvals, exact: _, bounded: _ } = self;
        changes.len() + rights.len() + roles.len() + offers.len() + usize::from(approvals.is_some())
    }
}

impl PolicyChange {
    /// How many people and services it happens to.
    pub fn users(&self) -> usize {
        self.who.iter().map(|holders| holders.users).sum()
    }
}

/// How it is otherwise. What is refused before and after, with nothing that could be lifted, is no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It was refused, and is permitted now: at least under conditions.
    Gains,
    /// It was permitted, at least under conditions, and is refused now.
    Loses,
    /// It is permitted before and after, and takes more now.
    Tightens,
    /// It is permitted before and after, and takes less now.
    Loosens,
    /// It is permitted before and after, and takes something else now.
    Changes,
    /// Rules that stand in the way, before and after, may be lifted now.
    MayLift,
    /// …and may no longer.
    MayNoLongerLift,
    /// …and may be lifted on other terms, or with other conditions left.
    LiftsOtherwise,
}

impl Effect {
    /// Each of them.
    pub const ALL: [Self; 8] = [
        Self::Gains,
        Self::Loses,
        Self::Tightens,
        Self::Loosens,
        Self::Changes,
        Self::MayLift,
        Self::MayNoLongerLift,
        Self::LiftsOtherwise,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gains => "gains",
            Self::Loses => "loses",
            Self::Tightens => "tightens",
            Self::Loosens => "loosens",
            Self::Changes => "changes",
            Self::MayLift => "may-lift",
            Self::MayNoLongerLift => "may-no-longer-lift",
            Self::LiftsOtherwise => "lifts-otherwise",
        }
    }

    /// What the word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == word)
    }
}

/// What makes a verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Because {
    /// The verdict: permitted, if the conditions are met; or refused whatever else is so.
    pub permitted: bool,
    /// Permitted: the grants, where the right comes or goes. Refused: the blocks; none when there is no grant. The first
    /// [`super::MOST_TOLD`] of them, as of all that is listed here.
    pub rules: Vec<RuleId>,
    /// Permitted: what it takes, none of which follows from another. Where that is all that changes: before, what it
    /// takes no longer; after, what is new.
    pub conditions: Vec<Condition>,
    /// The requires that ask for these.
    pub requires: Vec<RuleId>,
    /// What waivers can do about it; `None`: nothing.
    pub lifting: Option<Lifting>,
}

/// People and services who hold the same roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// Their roles under the old policy, ascending; `None`: it knows nobody by that name.
    pub before: Option<Vec<RoleId>>,
    /// …and under the new one.
    pub after: Option<Vec<RoleId>>,
    /// How many there are in the directory, or named as services; 0 for a role that nobody holds alone.
    pub users: usize,
    /// The first [`super::SAMPLE`] of them, by name.
    pub sample: Vec<Username>,
}

/// Refs within repositories, and a push that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The repositories. Their patterns are in lower case.
    pub repositories: Class,
    /// The refs. `${user}` stands for each of the people.
    pub refs: Class,
    /// The paths that change.
    pub paths: Paths,
    /// A push whose verdict changes.
    pub witness: Witness,
}

/// Which paths a push changes. One that changes several must be permitted for each of them, and takes what each takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paths {
    /// Whatever changes: no rule asks for it, or it makes no difference.
    Whatever,
    /// No path changes.
    Nothing,
    /// None that matches any of these changes: others, or no path; at least one.
    NoneOf(Vec<String>),
    /// One of these changes. Here [`Class::within`] may be empty: then it is any path.
    Of(Class),
}

/// The texts that match all of some patterns and none of others. `update` never means a tag: moving one is `force`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// They match every one of these; at least one.
    pub within: Vec<String>,
    /// They match none of these.
    pub without: Vec<String>,
}

/// A push about which the two policies say different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// By whom: the first of the people, or `${user}` for a holder of roles who is nobody in the directory.
    pub user: Username,
    /// Whether that is somebody.
    pub is_person: bool,
    /// Their roles under the old policy; see [`Holders::before`].
    pub before: Option<Vec<RoleId>>,
    /// …and under the new one.
    pub after: Option<Vec<RoleId>>,
    /// Where.
    pub repository: Repository,
    /// To which ref: one that git accepts.
    pub name: RefName,
    /// The one path that it changes; `None`: whichever it changes, or no path where [`Place::paths`] says so.
    pub path: Option<TreePath>,
    /// How.
    pub verb: Verb,
    /// When.
    pub at: Timestamp,
}

/// A right in whole repositories that some people have otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightChange {
    /// Whether it is given; otherwise it is taken.
    pub effect: RightEffect,
    /// To read, or to administer.
    pub right: Right,
    /// Who, by their roles; at least one entry.
    pub who: Vec<Holders>,
    /// Since when it is so; `None`: already now.
    pub from: Option<Timestamp>,
    /// Until when, exclusive; `None`: for good.
    pub to: Option<Timestamp>,
    /// The first [`super::MOST_TOLD`] rules that give it under the old policy.
    pub before: Vec<RuleId>,
    /// …and under the new one.
    pub after: Vec<RuleId>,
    /// Where; at least one.
    pub places: Vec<RightPlace>,
}

/// How it is otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RightEffect {
    /// They have it now, and had it not.
    Given,
    /// They had it, and have it no more.
    Taken,
}

/// Repositories, and one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightPlace {
    /// The repositories. Their patterns are in lower case.
    pub repositories: Class,
    /// One of them.
    pub repository: Repository,
}

impl RightChange {
    /// How many people and services it happens to.
    pub fn users(&self) -> usize {
        self.who.iter().map(|holders| holders.users).sum()
    }
}

impl RightEffect {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Given, Self::Taken];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Taken => "taken",
        }
    }

    /// What the word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == word)
    }
}
