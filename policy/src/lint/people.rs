//! What depends on who holds which role. All users are walked once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{About, Lint, Report, names::can_be_held};
use crate::{
    name::{RoleId, UsernameKey},
    printable::Printable,
    rule::{Policy, Role},
    snapshot::{Snapshot, UserView},
};

/// Of how many active people, in percent, those who are excepted from a rule are too many…
pub const EXCEPT_SHARE: usize = 20;
/// …when they are at least so many.
pub const EXCEPT_AT_LEAST: usize = 20;

/// How many people are named.
const NAMED: usize = 3;
/// How many roles of people are looked at: some seconds' worth.
const MAX_STEPS: u64 = 500_000_000;

const LINTS: [Lint; 4] =
    [Lint::RoleWithoutMembers, Lint::ExclusiveRoles, Lint::ExceptTooLarge, Lint::ApprovalsOutOfReach];

/// Looks for what the holders of roles tell.
pub(super) fn look(policy: &Policy, snapshot: &Snapshot, report: &mut Report) {
    let mut walk = Walk::new(policy, snapshot);
    if !walk.run() {
        report.unfinished.extend(LINTS);
        return;
    }
    for (role, held) in policy.roles().iter().zip(&walk.held) {
        // Where no group is known, that is what there is to tell.
        if *held == 0 && role.names_groups() && role.service.is_empty() && can_be_held(role, snapshot) {
            let message = format!("nobody who is active holds the role `{}`", role.id);
            let help = "its groups have no active members: is it the right group?";
            report.add(Lint::RoleWithoutMembers, About::Role(role.id.clone()), message, Some(help.into()));
        }
    }
    for pair in walk.pairs.iter().filter(|pair| pair.holders > 0) {
        let message = format!(
            "{} both `{}` and `{}`, which exclude each other: {}",
            pair.hold(),
            pair.role,
            pair.other,
            pair.named()
        );
        let help = "take one of the roles from them, by its groups";
        let (role, other) = (About::Role(pair.role.clone()), About::Role(pair.other.clone()));
        report.add_between(Lint::ExclusiveRoles, role, other, message, help);
    }
    for (about, except) in excepting(policy) {
        let Some(excepted) = walk.excepts.get(except).and_then(|number| walk.excepted.get(*number)) else {
            continue;
        };
        if *excepted >= EXCEPT_AT_LEAST && excepted * 100 > walk.active * EXCEPT_SHARE {
            let message = format!("the {about} excepts {excepted} of {} active users", walk.active);
            report.add(Lint::ExceptTooLarge, about, message, Some("name a smaller role in `except`".into()));
        }
    }
    approvals(policy, &walk, report);
}

/// Requires that ask for more approvals than there are people who could give them.
fn approvals(policy: &Policy, walk: &Walk<'_>, report: &mut Report) {
    for require in policy.requires() {
        for one in &require.approvals {
            let held = walk.number(&one.role).and_then(|number| walk.held.get(number)).copied().unwrap_or(0);
            if held < usize::try_from(one.count.get()).unwrap_or(usize::MAX) {
                let message = format!(
                    "the require `{}` asks for {} approvals of `{}`, which {held} active users hold",
                    require.id, one.count, one.role
                );
                let help = "nothing can be merged there: ask for fewer, or of another role";
                let about = About::Require(require.id.clone());
                report.add(Lint::ApprovalsOutOfReach, about, message, Some(help.into()));
            }
        }
    }
}

/// The rules that except roles, and which.
fn excepting(policy: &Policy) -> impl Iterator<Item = (About, &BTreeSet<RoleId>)> {
    let blocks = policy.blocks().iter().map(|block| (About::Block(block.id.clone()), &block.except));
    let requires = policy.requires().iter();
    blocks.chain(requires.map(|require| (About::Require(require.id.clone()), &require.except)))
}

/// Two roles that nobody should hold both of.
struct Pair<'p> {
    /// The one that says so.
    role: &'p RoleId,
    other: &'p RoleId,
    holders: usize,
    /// The first of them.
    names: BTreeSet<&'p str>,
}

impl<'p> Pair<'p> {
    fn add(&mut self, name: &'p str) {
        self.holders += 1;
        self.names.insert(name);
        if self.names.len() > NAMED {
            self.names.pop_last();
        }
    }

    fn hold(&self) -> String {
        if self.holders == 1 { "1 user holds".into() } else { format!("{} users hold", self.holders) }
    }

    fn named(&self) -> String {
        let more = if self.holders > NAMED { ", …" } else { "" };
        let names = self.names.iter().map(|name| format!("`{}`", Printable::new(*name)));
        names.collect::<Vec<_>>().join(", ") + more
    }
}

/// One way through all users.
struct Walk<'p> {
    policy: &'p Policy,
    snapshot: &'p Snapshot,
    /// By position of a group, the roles that its members may hold; in order of the policy.
    by_group: HashMap<u32, Vec<usize>>,
    by_name: BTreeMap<&'p UsernameKey, Vec<usize>>,
    pairs: Vec<Pair<'p>>,
    /// By role, which pairs it is in.
    pairs_of: HashMap<usize, Vec<(usize, usize)>>,
    excepts: BTreeMap<&'p BTreeSet<RoleId>, usize>,
    /// By role, which of `excepts` name it.
    excepts_of: HashMap<usize, Vec<usize>>,
    active: usize,
    /// By role, how many active users hold it.
    held: Vec<usize>,
    /// By number in `excepts`.
    excepted: Vec<usize>,
    steps: u64,
}

impl<'p> Walk<'p> {
    fn new(policy: &'p Policy, snapshot: &'p Snapshot) -> Self {
        let mut walk = Self {
            policy,
            snapshot,
            by_group: HashMap::new(),
            by_name: BTreeMap::new(),
            pairs: Vec::new(),
            pairs_of: HashMap::new(),
            excepts: BTreeMap::new(),
            excepts_of: HashMap::new(),
            active: 0,
            held: vec![0; policy.roles().len()],
            excepted: Vec::new(),
            steps: 0,
        };
        walk.index_roles();
        walk.index_pairs();
        walk.index_excepts();
        walk
    }

    fn index_roles(&mut self) {
        for (number, role) in self.policy.roles().iter().enumerate() {
            // Who holds the role is in one of `any`, or in the first of `all`.
            let groups =
                if role.any.is_empty() { role.all.iter().take(1) } else { role.any.iter().take(usize::MAX) };
            for group in groups {
                if let Ok(position) = self.snapshot.groups().binary_search(group)
                    && let Ok(position) = u32::try_from(position)
                {
                    self.by_group.entry(position).or_default().push(number);
                }
            }
            for name in &role.service {
                self.by_name.entry(name).or_default().push(number);
            }
        }
    }

    fn index_pairs(&mut self) {
        let mut known = BTreeSet::new();
        for (number, role) in self.policy.roles().iter().enumerate() {
            for other in &role.exclusive {
                let Some(other_number) = self.number(other) else { continue };
                let (low, high) = (number.min(other_number), number.max(other_number));
                if known.insert((low, high)) {
                    self.pairs_of.entry(low).or_default().push((high, self.pairs.len()));
                    self.pairs.push(Pair { role: &role.id, other, holders: 0, names: BTreeSet::new() });
                }
            }
        }
    }

    fn index_excepts(&mut self) {
        for except in excepting(self.policy).map(|(_, except)| except).filter(|except| !except.is_empty()) {
            let number = self.excepts.len();
            if *self.excepts.entry(except).or_insert(number) != number {
                continue;
            }
            self.excepted.push(0);
            for role in except {
                if let Some(role) = self.number(role) {
                    self.excepts_of.entry(role).or_default().push(number);
                }
            }
        }
    }

    fn number(&self, id: &RoleId) -> Option<usize> {
        self.policy.roles().binary_search_by(|role| role.id.cmp(id)).ok()
    }

    /// False when there is more than can be looked at.
    fn run(&mut self) -> bool {
        let mut roles = Vec::new();
        for user in self.snapshot.users().filter(UserView::is_active) {
            self.active += 1;
            self.roles_of(&user, &mut roles);
            self.count(user.username().as_str(), &roles);
            if self.steps > MAX_STEPS {
                return false;
            }
            for role in &roles {
                if let Some(held) = self.held.get_mut(*role) {
                    *held += 1;
                }
            }
            self.count_excepted(&roles);
        }
        for (name, roles) in self.outside() {
            self.count(name.as_str(), &roles);
        }
        self.steps <= MAX_STEPS
    }

    /// Services that are not in the directory, with their roles.
    fn outside(&self) -> Vec<(&'p UsernameKey, Vec<usize>)> {
        let is_cut_off = |name: &UsernameKey| self.snapshot.revocations().contains_key(name);
        let outside =
            self.by_name.iter().filter(|(name, _)| self.snapshot.user(name).is_none() && !is_cut_off(name));
        outside.map(|(name, roles)| (*name, roles.clone())).collect()
    }

    /// The numbers of the roles that somebody holds, ascending.
    fn roles_of(&mut self, user: &UserView<'_>, roles: &mut Vec<usize>) {
        roles.clear();
        for position in user.group_positions() {
            roles.extend(self.by_group.get(position).into_iter().flatten());
        }
        self.steps += roles.len() as u64 + 1;
        roles.sort_unstable();
        roles.dedup();
        let in_all = |role: &Role| role.all.iter().all(|group| user.is_member_of(group));
        roles.retain(|number| self.policy.roles().get(*number).is_some_and(in_all));
        if !self.by_name.is_empty()
            && let Some(by_name) = self.by_name.get(&user.username().key())
        {
            roles.extend(by_name);
            roles.sort_unstable();
            roles.dedup();
        }
    }

    /// Notes which pairs of roles somebody holds.
    fn count(&mut self, name: &'p str, roles: &[usize]) {
        if self.pairs.is_empty() {
            return;
        }
        for role in roles {
            let Some(pairs) = self.pairs_of.get(role) else { continue };
            self.steps += pairs.len() as u64;
            for (other, pair) in pairs {
                if roles.binary_search(other).is_ok()
                    && let Some(pair) = self.pairs.get_mut(*pair)
                {
                    pair.add(name);
                }
            }
        }
    }

    fn count_excepted(&mut self, roles: &[usize]) {
        let mut excepts: Vec<usize> =
            roles.iter().filter_map(|role| self.excepts_of.get(role)).flatten().copied().collect();
        self.steps += excepts.len() as u64;
        excepts.sort_unstable();
        excepts.dedup();
        for number in excepts {
            if let Some(excepted) = self.excepted.get_mut(number) {
                *excepted += 1;
            }
        }
    }
}
