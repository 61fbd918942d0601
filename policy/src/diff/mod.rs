//! What changes between two policies: who gains or loses which right where, for whom it takes more or less, and who may
//! lift what; computed from the patterns, not sampled.
//!
//! **In:** two policies, the directory, the time. **Out:** a [`PolicyDiff`]: classes of paths on classes of refs in
//! classes of repositories, with the people to whom it happens, the rules that decide, and for each class a push that
//! shows it.
//!
//! How: nothing about a ref decides but which patterns match it. All patterns that matter run together as one
//! automaton beside that of the ref names that git accepts; every state that it can reach where a name may end is a
//! class of names that no rule tells apart, and the shortest way there is its example. Likewise for repositories, and on
//! each class of refs for the path that changes. People are taken together when the same rules concern them, and time
//! is cut wherever a rule begins or ends.
//!
//! A verdict is refused, or permitted under conditions: those that the requires in force ask for, without what follows
//! from another. Beside it stands what can be lifted, on which terms. Two policies say the same where all of that is the
//! same, however rules are called and cut. A push that changes several paths must be permitted for each, and takes
//! what each takes; so one path at a time, and none, is all that there is to ask.
//!
//! What is compared is what the two policies decide about single ref updates from `now` on, for the people and
//! services that the directory and the policies know, and for the holder of each role alone; not for those who have a
//! role for a while beside their own, whom what is excepted from blocks and requires sets apart. What rules in `evaluate`
//! mode would decide is not compared, nor are the reasons of a refusal that stays one. Patterns of messages are compared
//! as they are written, but for those that plainly match every message and so ask for nothing: where what is told rests
//! on that two of them differ, or on one that may match every message, the answer is not exact. A condition
//! follows from another of its own kind only: that a path may not be a new file says nothing of extensions. All commits
//! of a push are new in view of every rule; where other pushes may be decided otherwise, the answer is not exact.
//!
//! Beside pushes it is compared who may read and administer which repositories ([`RightChange`]), who holds which role,
//! since its holders may approve, be a second person or administer the daemon ([`RoleChange`]), and what may be asked
//! for: of elevations who may ask for which role, where and on which terms, and who may approve that; of workloads which
//! jobs may lease which role, as which account and on which terms. See [`OfferChange`]. And how many others must approve
//! what replaces the policy ([`PolicyDiff::approvals`]).
//!
//! [`PolicyDiff::exact`] says whether the answer is all of it; [`PolicyDiff::bounded`] why not. Every change that is told
//! is one, also then, but for one between patterns of messages, or between the paths of workloads, also none and
//! such as may be all: `{PAY,WEB}-*` asks for what `{WEB,PAY}-*` does. `re:`
//! patterns of refs, repositories and paths are automata like all others; one that grows beyond its bound is named.

mod answer;
mod bounded;
mod budget;
mod clocks;
mod compare;
mod condition;
#[cfg(test)]
mod costly;
mod cover;
mod expression;
mod language;
mod lifting;
mod local;
mod merge;
mod named;
mod nfa;
mod offers;
mod on_paths;
mod patterns;
mod people;
mod product;
pub(crate) mod proof;
mod reach;
mod rights;
mod roles;
mod table;
mod times;
mod utf8;
mod verdict;
mod views;
mod written;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use answer::{
    Because, Class, Effect, Holders, Paths, Place, PolicyChange, PolicyDiff, RightChange, RightEffect,
    RightPlace, Witness,
};
pub use bounded::{Bounded, MOST_PATTERNS};
pub use budget::Limits;
pub use condition::Condition;
pub use lifting::{LiftedRule, Lifting, Terms};
pub use offers::{AskTerms, Job, LeaseTerms, OfferChange, OfferEffect, OfferPlace, OfferTerms, Whom};
pub use roles::{Crowd, RoleChange, RoleUse, RoleUseKind};

use crate::{
    request::Verb,
    rule::{Policy, Weekly},
    snapshot::Snapshot,
};
use bounded::Bounds;
use budget::{Budget, KEPT, TOLD};
use compare::{Comparison, Manner, Question, TOO_MANY_WAYS};
use merge::Found;
use people::Group;
use table::Table;
use times::Times;

/// How many people are named for each set of roles.
pub const SAMPLE: usize = 5;

/// How many rules, conditions and terms of one kind are named of one change.
pub const MOST_TOLD: usize = 100;

/// The verbs of pushes.
const VERBS: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];

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
    let mut bounded = Bounds::default();
    let everybody = people::everybody(old, new, snapshot);
    // Who administers and who approves comes first: it is little, and weighs most. Pushes take what is left.
    let rights = rights::rights(old, new, &everybody, now, &mut budget, &mut bounded);
    let roles = roles::roles(old, new, &everybody, snapshot.is_some(), &mut bounded);
    if snapshot.is_none() {
        bounded.extend(named::not_compared(old, new));
    }
    let mut groups = people::groups(&table, old, new, &everybody, &mut budget, &mut bounded);
    let windows = table.rules.iter().map(|rule| rule.window);
    let times = if budget.spend(Times::work(windows.clone())) {
        Times::of(windows, now)
    } else {
        bounded.because(TOO_MANY_WAYS);
        groups.clear();
        Times::of(std::iter::empty(), now)
    };
    bounded.extend(of_weeks(&groups, &table, &times));
    let mut comparison = Comparison::new(&table);
    let mut found = Found::default();
    'all: for (number, group) in groups.iter().enumerate() {
        let (work, whom) = (table.work(&group.rules) + 1, TOLD + KEPT * group.roles());
        for (part, start) in times.asked() {
            for verb in VERBS {
                if !budget.spend(work) {
                    bounded.because(TOO_MANY_WAYS);
                    break 'all;
                }
                let live = |rule| table.rule(rule).is_some_and(|rule| rule.is_live(start, verb));
                let rules = group.rules.filtered(live);
                if rules.grant_nothing()
                    || table.changed(&rules, |rule| (rule.on, rule.refs, rule.says)).is_empty()
                {
                    continue;
                }
                let user = group.by_name.then(|| group.example.as_str().to_owned());
                let question = Question { rules, manner: Manner::of(verb), user };
                for finding in comparison.findings(question, &mut budget).iter() {
                    found.add(finding, verb, number, part);
                    if !budget.spend(whom) {
                        bounded.because(TOO_MANY_WAYS);
                        break 'all;
                    }
                }
            }
        }
    }
    bounded.extend(comparison.bounded.all());
    let offers = offers::offers(old, new, &everybody, &mut budget, &mut bounded);
    let bounded = bounded.all();
    let changes = found.changes(&groups, &times, &table);
    let (was, is) = (old.change().approvals, new.change().approvals);
    let approvals = (was != is).then_some((was, is));
    PolicyDiff { changes, rights, roles, offers, approvals, exact: bounded.is_empty(), bounded }
}

/// Why one week does not tell all for these people.
fn of_weeks(groups: &[Group], table: &Table<'_>, times: &Times) -> Vec<Bounded> {
    let mut whys = BTreeSet::new();
    for group in groups {
        let weekly = group.rules.numbers().filter_map(|rule| table.rule(rule)?.window.weekly());
        let weekly: BTreeSet<Weekly> = weekly.collect();
        whys.extend(Times::are_apart(weekly.iter().copied()).then_some(APART));
        whys.extend((!weekly.is_disjoint(&times.left_out)).then_some(TOO_MANY_WEEKLY));
        whys.extend((!weekly.is_disjoint(&times.skipped)).then_some(SKIPPED));
        // One alone meets nothing.
        let otherwise = weekly.len() > 1 && !weekly.is_disjoint(&times.otherwise);
        whys.extend(otherwise.then_some(OTHERWISE));
    }
    whys.into_iter().map(Bounded::because).collect()
}

const APART: &str =
    "weekly windows go by the clocks of several time zones: how they meet is compared for the next week only";
const TOO_MANY_WEEKLY: &str =
    "there are more than 32 different weekly windows: some of their hours were not looked at";
const SKIPPED: &str =
    "the clock skips the hours of a weekly window in the week that is compared: they were not looked at";
const OTHERWISE: &str =
    "the clock is set in the hours of weekly windows: how they meet in other weeks was not compared";
