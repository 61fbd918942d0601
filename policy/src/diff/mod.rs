//! What changes between two policies: who gains or loses which right where, computed from the patterns, not sampled.
//!
//! **In:** two policies, the directory, the time. **Out:** a [`PolicyDiff`]: classes of refs in classes of
//! repositories, with the people to whom it happens, the rules that decide, and for each class a push that shows it.
//!
//! How: nothing about a ref decides but which patterns match it. All patterns that matter run together as one
//! automaton beside that of the ref names that git accepts; every state that it can reach where a name may end is a
//! class of names that no rule tells apart, and the shortest way there is its example. Likewise for repositories. People
//! are taken together when the same rules concern them, and time is cut wherever a rule begins or ends.
//!
//! What is compared is what the two policies decide about single ref updates from `now` on, for the people and
//! services that the directory and the policies know, and for the holder of each role alone. Grants of `read` and
//! `admin` decide no push and are not compared, nor is what rules in `evaluate` mode would decide, nor the reasons of
//! a refusal that stays one. [`PolicyDiff::exact`] says whether that is all of it; [`PolicyDiff::bounded`] why not. Every
//! change that is told is one, also then. `re:` patterns are not compared: where a changed rule meets one, the answer
//! says so.

mod budget;
mod compare;
mod cover;
mod language;
mod merge;
mod nfa;
mod people;
mod product;
pub(crate) mod proof;
mod table;
mod utf8;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use budget::Limits;

use crate::{
    name::{RefName, Repository, RoleId, RuleId, Username},
    request::Verb,
    rule::{Policy, VerbSet},
    snapshot::Snapshot,
};
use budget::Budget;
use compare::{Comparison, Question};
use merge::Found;
use table::Table;

/// How many people are named for each set of roles.
pub const SAMPLE: usize = 5;

/// The verbs of pushes.
const VERBS: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];

/// What changes between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDiff {
    /// Those that concern most people first.
    pub changes: Vec<PolicyChange>,
    /// Whether that is all.
    pub exact: bool,
    /// What keeps it from being all; empty when it is.
    pub bounded: Vec<Bounded>,
}

/// A part of the question that was too large to be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bounded {
    /// Why, in words.
    pub why: &'static str,
    /// The patterns that it was about.
    pub patterns: Vec<String>,
}

/// A right that some people gain or lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    /// Which of the two.
    pub effect: Effect,
    /// By which verbs; never `read` or `admin`.
    pub verbs: VerbSet,
    /// Who, by their roles; at least one entry.
    pub who: Vec<Holders>,
    /// Since when it is so; `None`: already now.
    pub from: Option<Timestamp>,
    /// Until when, exclusive; `None`: for good.
    pub to: Option<Timestamp>,
    /// What decided under the old policy.
    pub before: Because,
    /// What decides under the new one.
    pub after: Because,
    /// Where; at least one.
    pub places: Vec<Place>,
}

impl PolicyChange {
    /// How many people and services it happens to.
    pub fn users(&self) -> usize {
        self.who.iter().map(|holders| holders.users).sum()
    }
}

/// Whether something that was refused is permitted, or the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It is permitted now.
    Gains,
    /// It is refused now.
    Loses,
}

impl Effect {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gains => "gains",
            Self::Loses => "loses",
        }
    }
}

/// What makes a verdict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Because {
    /// The verdict.
    pub permitted: bool,
    /// Permitted: the grants. Refused: the blocks; none when there is no grant.
    pub rules: Vec<RuleId>,
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
    /// The first [`SAMPLE`] of them, by name.
    pub sample: Vec<Username>,
}

/// Refs within repositories, and a push that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The repositories. Their patterns are in lower case.
    pub repositories: Class,
    /// The refs. `${user}` stands for each of the people.
    pub refs: Class,
    /// A push whose verdict changes.
    pub witness: Witness,
}

/// The texts that match all of some patterns and none of others. `update` never means a tag: moving one is `force`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// They match every one of these; at least one.
    pub within: Vec<String>,
    /// They match none of these.
    pub without: Vec<String>,
}

/// A push that one policy permits and the other refuses.
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
    /// How.
    pub verb: Verb,
    /// When.
    pub at: Timestamp,
}

/// Compares two policies, from `now` on. Without a directory it is about the holder of each role alone.
pub fn diff(
    old: &Policy,
    new: &Policy,
    snapshot: Option<&Snapshot>,
    now: Timestamp,
    limits: &Limits,
) -> PolicyDiff {
    let table = Table::new(old, new);
    let mut budget = Budget::new(limits);
    let mut bounded = Vec::new();
    if [old, new].into_iter().any(has_more_than_refs) {
        let why = "requires, waivers and paths are not compared: only blocks of whole refs, and grants";
        bounded.push(Bounded { why, patterns: Vec::new() });
    }
    let groups = people::groups(&table, old, new, snapshot, &mut budget, &mut bounded);
    let starts = parts_of_time(&table, now);
    let is_weekly = |group: &people::Group| {
        group.rules.numbers().filter_map(|rule| table.rule(rule)).any(|rule| rule.window.weekly().is_some())
    };
    if groups.iter().any(is_weekly) {
        let why = "weekly windows are compared for the next eight days only: a change in one comes again every week";
        bounded.push(Bounded { why, patterns: Vec::new() });
    }
    let mut comparison = Comparison::new(&table);
    let mut found = Found::default();
    'all: for (number, group) in groups.iter().enumerate() {
        for (part, start) in starts.iter().enumerate() {
            for verb in VERBS {
                if !budget.spend(group.rules.numbers().count() + 1) {
                    let why = "the policies differ in more ways than are compared at once";
                    bounded.push(Bounded { why, patterns: Vec::new() });
                    break 'all;
                }
                let live = |rule| table.rule(rule).is_some_and(|rule| rule.is_live(*start, verb));
                let rules = group.rules.filtered(live);
                if rules.grant_nothing() || table.changed(&rules, |rule| (rule.on, rule.refs)).is_empty() {
                    continue;
                }
                let user = group.by_name.then(|| group.example.as_str().to_owned());
                let question = Question { rules, is_update: verb == Verb::Update, user };
                for finding in comparison.findings(question, &mut budget).iter() {
                    found.add(finding, verb, number, part);
                }
            }
        }
    }
    bounded.append(&mut comparison.bounded);
    let bounded: Vec<_> = bounded.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let changes = found.changes(&groups, &starts, &table.refs, &table.repositories);
    PolicyDiff { changes, exact: bounded.is_empty(), bounded }
}

/// Whether a policy says more than which refs.
fn has_more_than_refs(policy: &Policy) -> bool {
    let paths = policy.grants().iter().any(|grant| grant.paths.is_some())
        || policy.blocks().iter().any(|block| block.paths.is_some());
    paths || !policy.requires().is_empty() || !policy.waivers().is_empty()
}

/// How far ahead weekly windows are looked at: a week and a day, in minutes.
const WEEKLY_MINUTES: i64 = 8 * 24 * 60;

/// How many different weekly windows are looked at so. The answer is not exact with any of them.
const MOST_WEEKLY: usize = 32;

/// `now`, and every later moment at which a rule begins or ends: between two of them no rule does. Of a weekly window
/// that is so for the next eight days; it begins and ends at whole minutes.
fn parts_of_time(table: &Table<'_>, now: Timestamp) -> Vec<Timestamp> {
    let ends = table.rules.iter().flat_map(|rule| [rule.window.from(), rule.window.to()]).flatten();
    let mut later: BTreeSet<_> = ends.filter(|at| *at > now).collect();
    let weekly: BTreeSet<_> = table.rules.iter().filter_map(|rule| rule.window.weekly()).collect();
    let minute = now.as_second().div_euclid(60);
    for one in weekly.into_iter().take(MOST_WEEKLY) {
        let mut was = one.contains(now);
        for at in (minute + 1..=minute + WEEKLY_MINUTES).filter_map(|at| Timestamp::from_second(at * 60).ok())
        {
            let is = one.contains(at);
            if is != was {
                later.insert(at);
            }
            was = is;
        }
    }
    std::iter::once(now).chain(later).collect()
}
