//! Who holds which role otherwise, and what a role is good for besides what it is granted: its holders approve, are the
//! second person, ask for more, or administer the daemon.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    SAMPLE,
    bounded::{Bounded, Bounds},
    people::Everybody,
};
use crate::{
    name::{RoleId, RuleId, Username},
    rule::{Mode, Policy, Role},
};

/// A role that others hold than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// The role.
    pub role: RoleId,
    /// How many people and services held it under the old policy.
    pub before: usize,
    /// …and hold it under the new one.
    pub after: usize,
    /// Who holds it now and did not.
    pub gained: Crowd,
    /// Who held it and does no more.
    pub lost: Crowd,
    /// What the holders may by either policy.
    pub uses: Vec<RoleUse>,
}

/// Some people and services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crowd {
    /// How many.
    pub users: usize,
    /// The first [`SAMPLE`] of them, by name.
    pub sample: Vec<Username>,
}

/// What the holders of a role may, and by which rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleUse {
    /// What.
    pub kind: RoleUseKind,
    /// By which rules; at least one.
    pub rules: BTreeSet<RuleId>,
}

/// What the holders of a role may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleUseKind {
    /// Their approval of a pull request counts: requires.
    Approves,
    /// They are the second person in the use of waivers.
    SecondPerson,
    /// They approve what others ask for: elevations.
    ApprovesRequests,
    /// They may use waivers.
    Waives,
    /// They may ask for roles: elevations.
    Asks,
    /// Blocks and requires do not bind them.
    Excepted,
    /// Jobs may lease it: workloads.
    Leased,
    /// It is granted something.
    Granted,
}

impl RoleUseKind {
    const fn words(self) -> &'static str {
        match self {
            Self::Approves => "approves for",
            Self::SecondPerson => "is the second person of",
            Self::ApprovesRequests => "approves requests by",
            Self::Waives => "may use",
            Self::Asks => "may ask by",
            Self::Excepted => "is excepted from",
            Self::Leased => "may be leased by",
            Self::Granted => "is granted",
        }
    }
}

/// How many rules are named of one use.
const MOST_RULES: usize = 5;

impl fmt::Display for RoleUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<_> = self.rules.iter().take(MOST_RULES).map(|rule| format!("`{rule}`")).collect();
        write!(f, "{} {}", self.kind.words(), named.join(", "))?;
        match self.rules.len() - named.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The roles that others hold, by name. Without a directory nobody is known, and a role that says something else is named
/// in `bounded`.
pub(super) fn roles(
    old: &Policy,
    new: &Policy,
    everybody: &Everybody,
    is_directory_known: bool,
    bounded: &mut Bounds,
) -> Vec<RoleChange> {
    if !is_directory_known {
        let named = said_otherwise(old, new);
        if !named.is_empty() {
            let why = "no directory is loaded: nobody knows who holds the roles that other groups have now";
            bounded.add(Bounded::new(why, named.into_iter().map(RoleId::as_str)));
        }
    }
    let mut counted: BTreeMap<&RoleId, Counted<'_>> = BTreeMap::new();
    for ((before, after), names) in everybody.iter().filter(|(_, names)| !names.is_empty()) {
        let (before, after) = (before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
        for role in before {
            let counted = counted.entry(role).or_default();
            counted.before += names.len();
            if after.binary_search(role).is_err() {
                counted.lost.push(names);
            }
        }
        for role in after {
            let counted = counted.entry(role).or_default();
            counted.after += names.len();
            if before.binary_search(role).is_err() {
                counted.gained.push(names);
            }
        }
    }
    counted.retain(|_, counted| !counted.gained.is_empty() || !counted.lost.is_empty());
    let mut uses = uses([old, new], &counted);
    let change = |(role, counted): (&RoleId, Counted<'_>)| RoleChange {
        role: role.clone(),
        before: counted.before,
        after: counted.after,
        gained: Crowd::of(&counted.gained),
        lost: Crowd::of(&counted.lost),
        uses: uses.remove(role).into_iter().flatten().map(|(kind, rules)| RoleUse { kind, rules }).collect(),
    };
    counted.into_iter().map(change).collect()
}

#[derive(Debug, Default)]
struct Counted<'e> {
    before: usize,
    after: usize,
    gained: Vec<&'e Vec<Username>>,
    lost: Vec<&'e Vec<Username>>,
}

impl Crowd {
    /// Of lists that are each in the order of names.
    fn of(lists: &[&Vec<Username>]) -> Self {
        let users = lists.iter().map(|names| names.len()).sum();
        let mut sample: Vec<Username> =
            lists.iter().flat_map(|names| names.iter().take(SAMPLE)).cloned().collect();
        sample.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        sample.truncate(SAMPLE);
        Self { users, sample }
    }
}

/// The roles whose groups or services are others.
fn said_otherwise<'p>(old: &'p Policy, new: &'p Policy) -> BTreeSet<&'p RoleId> {
    let of = |policy: &'p Policy| -> BTreeMap<&'p RoleId, _> {
        let says = |role: &'p Role| (&role.any, &role.all, &role.service);
        policy.roles().iter().map(|role| (&role.id, says(role))).collect()
    };
    let (old, new) = (of(old), of(new));
    let all: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
    all.into_iter().filter(|role| old.get(role) != new.get(role)).collect()
}

/// What the holders of roles may by rules in force.
type Uses<'p> = BTreeMap<&'p RoleId, BTreeMap<RoleUseKind, BTreeSet<RuleId>>>;

/// One look at every rule, however many roles are asked about.
fn uses<'p>(policies: [&'p Policy; 2], of: &BTreeMap<&RoleId, Counted<'_>>) -> Uses<'p> {
    let mut uses = Uses::new();
    let mut add = |kind, rule: &RuleId, roles: &mut dyn Iterator<Item = &'p RoleId>| {
        for role in roles.filter(|role| of.contains_key(role)) {
            uses.entry(role).or_default().entry(kind).or_default().insert(rule.clone());
        }
    };
    for policy in policies {
        for rule in policy.requires().iter().filter(|rule| rule.mode == Mode::Enforce) {
            let approvers = &mut rule.approvals.iter().map(|approval| &approval.role);
            add(RoleUseKind::Approves, &rule.id, approvers);
            add(RoleUseKind::Excepted, &rule.id, &mut rule.except.iter());
        }
        for rule in policy.blocks().iter().filter(|rule| rule.mode == Mode::Enforce) {
            add(RoleUseKind::Excepted, &rule.id, &mut rule.except.iter());
        }
        for rule in policy.waivers().iter().filter(|rule| rule.mode == Mode::Enforce) {
            add(RoleUseKind::SecondPerson, &rule.id, &mut rule.second_person.iter());
            add(RoleUseKind::Waives, &rule.id, &mut rule.to.iter());
        }
        for rule in policy.elevations().iter().filter(|rule| rule.mode == Mode::Enforce) {
            let approvers = &mut rule.approval.iter().flat_map(|approval| &approval.by);
            add(RoleUseKind::ApprovesRequests, &rule.id, approvers);
            add(RoleUseKind::Asks, &rule.id, &mut rule.to.iter());
        }
        for rule in policy.workloads().iter().filter(|rule| rule.mode == Mode::Enforce) {
            add(RoleUseKind::Leased, &rule.id, &mut rule.roles.iter());
        }
        for rule in policy.grants().iter().filter(|rule| rule.mode == Mode::Enforce) {
            add(RoleUseKind::Granted, &rule.id, &mut rule.to.iter());
        }
    }
    uses
}
