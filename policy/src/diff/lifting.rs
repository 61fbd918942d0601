//! What waivers can do about a verdict, and on which terms.

use std::{collections::BTreeSet, fmt, time::Duration};

use super::condition::{Condition, in_units};
use crate::{
    name::{RoleId, RuleId},
    rule::Waiver,
};

/// What can be had by lifting everything that stands in the way and may be lifted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifting {
    /// The rules that are lifted then; at least one.
    pub rules: Vec<LiftedRule>,
    /// What it takes besides: the conditions that stay.
    pub conditions: Vec<Condition>,
}

/// A rule that may be lifted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LiftedRule {
    /// The block or require.
    pub rule: RuleId,
    /// On which terms; any of them, none of which is but a harder form of another. At least one.
    pub terms: Vec<Terms>,
}

/// What the use of a waiver takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Terms {
    /// The waiver.
    pub waiver: RuleId,
    /// How long one use lasts at most.
    pub max_time: Duration,
    /// Whether a reason must be given.
    pub reason: bool,
    /// Somebody else who holds one of these roles must approve; none: nobody need.
    pub second_person: BTreeSet<RoleId>,
}

/// Something that stands in the way, or asks for something.
pub(super) struct Obstacle {
    pub(super) rule: RuleId,
    /// What it asks for; nothing: it forbids.
    pub(super) conditions: Vec<Condition>,
    pub(super) lifted: Option<LiftedRule>,
}

impl Obstacle {
    fn alternatives(&self) -> Alternatives<'_> {
        self.lifted.iter().flat_map(|rule| &rule.terms).map(Terms::plain).collect()
    }
}

/// The terms of a waiver without its name.
type Plain<'a> = (Duration, bool, &'a BTreeSet<RoleId>);

/// The terms on any of which one obstacle is lifted; none: on no terms.
type Alternatives<'a> = BTreeSet<Plain<'a>>;

/// Whether the same can be lifted on the same terms, however the rules and the waivers are called.
pub(super) fn is_same(before: &[Obstacle], after: &[Obstacle]) -> bool {
    let [gate_before, gate_after] = [before, after].map(|side| all_of(side, |one| one.conditions.is_empty()));
    if gate_before != gate_after {
        return false;
    }
    let conditions = before.iter().chain(after).flat_map(|one| &one.conditions);
    conditions.collect::<BTreeSet<_>>().into_iter().all(|condition| {
        let [before, after] = [before, after].map(|side| {
            let mut all = all_of(side, |one| one.conditions.iter().any(|asked| asked.implies(condition)));
            // Who could lift what forbids it can lift this as well.
            all.retain(|one| !gate_before.iter().any(|gate| follows(gate, one)));
            all
        });
        before == after
    })
}

/// What lifts all of some obstacles, without what follows from something harder among it.
fn all_of(side: &[Obstacle], which: impl Fn(&Obstacle) -> bool) -> BTreeSet<Alternatives<'_>> {
    let all: BTreeSet<_> = side.iter().filter(|one| which(one)).map(Obstacle::alternatives).collect();
    let is_needless = |one: &Alternatives<'_>| all.iter().any(|other| other != one && follows(other, one));
    all.iter().filter(|one| !is_needless(one)).cloned().collect()
}

/// Whether whoever can lift the one can lift the other.
fn follows(one: &Alternatives<'_>, other: &Alternatives<'_>) -> bool {
    one.iter().all(|terms| other.iter().any(|easier| is_easier(easier, terms)))
}

/// Whether whoever can lift something on some terms can on easier ones, for as long.
fn is_easier(easier: &Plain<'_>, terms: &Plain<'_>) -> bool {
    let finds_second = easier.2.is_empty() || !terms.2.is_empty() && terms.2.is_subset(easier.2);
    easier.0 >= terms.0 && (terms.1 || !easier.1) && finds_second
}

impl LiftedRule {
    /// `rule` with the waivers that lift it; `None` without any.
    pub(super) fn new<'w>(rule: &RuleId, waivers: impl Iterator<Item = &'w Waiver>) -> Option<Self> {
        let all: BTreeSet<Terms> = waivers.map(Terms::of).collect();
        let is_needless = |one: &Terms| {
            all.iter()
                .any(|other| other != one && other.is_easier(one) && (!one.is_easier(other) || other < one))
        };
        let terms: Vec<Terms> = all.iter().filter(|one| !is_needless(one)).cloned().collect();
        (!terms.is_empty()).then(|| Self { rule: rule.clone(), terms })
    }
}

impl Terms {
    fn of(waiver: &Waiver) -> Self {
        let Waiver { id, max_time, reason, second_person, .. } = waiver;
        Self {
            waiver: id.clone(),
            max_time: *max_time,
            reason: *reason,
            second_person: second_person.clone(),
        }
    }

    fn plain(&self) -> Plain<'_> {
        (self.max_time, self.reason, &self.second_person)
    }

    fn is_easier(&self, other: &Self) -> bool {
        is_easier(&self.plain(), &other.plain())
    }
}

impl fmt::Display for LiftedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<_> = self.terms.iter().map(ToString::to_string).collect();
        write!(f, "`{}` by {}", self.rule, terms.join(", or by "))
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = length(self.max_time);
        let reason = if self.reason { ", with a reason" } else { ", without a reason" };
        write!(f, "`{}` (for up to {time}{reason}", self.waiver)?;
        let second: Vec<_> = self.second_person.iter().map(|role| format!("`{role}`")).collect();
        if !second.is_empty() {
            write!(f, ", with {} as second person", second.join(" or "))?;
        }
        f.write_str(")")
    }
}

/// A length of time in words.
pub(super) fn length(time: Duration) -> String {
    const TIMES: [(&str, u64); 3] = [("days", 86_400), ("h", 3_600), ("min", 60)];
    in_units(time.as_secs(), "s", &TIMES)
}
