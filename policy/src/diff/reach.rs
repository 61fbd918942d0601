//! Which rules concern whom, found by the roles that are held: of thousands of rules few are of one person.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    patterns::SetNumber,
    people::Group,
    table::{Kind, Rule, Rules, Side, Table},
};
use crate::{
    name::{RoleId, RuleId, UsernameKey},
    rule::{VerbSet, Window},
};

/// The rules of both policies by whom they are for.
pub(super) struct Reach<'t> {
    before: Index<'t>,
    after: Index<'t>,
    /// Rules that are on one side only.
    changed: Changed<'t>,
}

/// The rules that concern a group, and how many were looked at for it.
pub(super) struct Concerning {
    pub(super) rules: Rules,
    pub(super) looked_at: usize,
}

/// The rules of one policy.
#[derive(Default)]
struct Index<'t> {
    grants: HashMap<&'t RoleId, Vec<usize>>,
    exceptions: HashMap<UsernameKey, Vec<usize>>,
    waivers: HashMap<&'t RoleId, Vec<usize>>,
    /// Blocks and requires, which are for everybody but those whom they except.
    obstacles: Vec<(usize, Kind<'t>)>,
}

/// Whom a rule that is on one side only is for.
#[derive(Default)]
struct Changed<'t> {
    roles: HashSet<&'t RoleId>,
    names: HashSet<UsernameKey>,
    /// A block or a require is among them.
    everybody: bool,
}

/// All that a rule says.
type Said<'t> =
    (u8, SetNumber, SetNumber, VerbSet, Window, usize, &'t BTreeSet<RoleId>, Option<UsernameKey>, &'t RuleId);

impl<'t> Reach<'t> {
    pub(super) fn of(table: &'t Table<'_>) -> Self {
        let (mut before, mut after) = (Index::default(), Index::default());
        for (number, rule) in table.rules.iter().enumerate() {
            let side = if number < table.after() { &mut before } else { &mut after };
            side.add(number, rule);
        }
        Self { before, after, changed: Changed::of(table) }
    }

    /// Whether other rules could concern the group: it holds other roles, or a rule for it is on one side only.
    pub(super) fn may_change(&self, group: &Group) -> bool {
        let changed = &self.changed;
        changed.everybody
            || group.before != group.after
            || group.before.iter().flatten().any(|role| changed.roles.contains(role))
            || changed.names.contains(&group.example.key())
    }

    /// The rules that concern the group: grants that reach it, and if any does, blocks and requires that bind it, and
    /// waivers that it may use. Somebody who may not act at all is reached by nothing.
    pub(super) fn concerning(&self, group: &Group) -> Concerning {
        let mut looked_at = 0;
        let mut side = |index: &Index<'_>, roles: &Option<Vec<RoleId>>| {
            let side = roles.as_ref().map(|roles| index.side(&group.example.key(), roles, &mut looked_at));
            side.unwrap_or_default()
        };
        let (before, after) = (side(&self.before, &group.before), side(&self.after, &group.after));
        Concerning { rules: Rules { before, after }, looked_at }
    }
}

impl<'t> Index<'t> {
    fn add(&mut self, number: usize, rule: &Rule<'t>) {
        match rule.kind {
            Kind::Grant(grant) => {
                for role in &grant.to {
                    self.grants.entry(role).or_default().push(number);
                }
                if let Some(exception) = &grant.user {
                    self.exceptions.entry(exception.user.key()).or_default().push(number);
                }
            }
            Kind::Waiver(waiver) => {
                for role in &waiver.to {
                    self.waivers.entry(role).or_default().push(number);
                }
            }
            Kind::Block(_) | Kind::Require(_) => self.obstacles.push((number, rule.kind)),
        }
    }

    fn side(&self, user: &UsernameKey, roles: &[RoleId], looked_at: &mut usize) -> Side {
        let by_role = |rules: &HashMap<&RoleId, Vec<usize>>| -> Vec<usize> {
            roles.iter().filter_map(|role| rules.get(role)).flatten().copied().collect()
        };
        let mut grants = by_role(&self.grants);
        grants.extend(self.exceptions.get(user).into_iter().flatten());
        *looked_at += grants.len();
        if grants.is_empty() {
            return Side::default();
        }
        *looked_at += self.obstacles.len();
        let mut side = Side { grants, waivers: by_role(&self.waivers), ..Side::default() };
        *looked_at += side.waivers.len();
        for (number, kind) in &self.obstacles {
            match kind {
                Kind::Block(block) if block.binds(roles) => side.blocks.push(*number),
                Kind::Require(require) if require.binds(roles) => side.requires.push(*number),
                Kind::Grant(_) | Kind::Block(_) | Kind::Require(_) | Kind::Waiver(_) => {}
            }
        }
        for several in [&mut side.grants, &mut side.waivers] {
            several.sort_unstable();
            several.dedup();
        }
        side
    }
}

impl<'t> Changed<'t> {
    fn of(table: &'t Table<'_>) -> Self {
        let mut changed = Self::default();
        let (before, after) = table.rules.split_at(table.after().min(table.rules.len()));
        let [known_before, known_after] =
            [before, after].map(|side| side.iter().map(said).collect::<BTreeSet<_>>());
        for (side, other) in [(before, &known_after), (after, &known_before)] {
            for rule in side.iter().filter(|rule| !other.contains(&said(rule))) {
                changed.add(rule.kind);
            }
        }
        changed
    }

    fn add(&mut self, kind: Kind<'t>) {
        match kind {
            Kind::Grant(grant) => {
                self.roles.extend(&grant.to);
                self.names.extend(grant.user.as_ref().map(|exception| exception.user.key()));
            }
            Kind::Waiver(waiver) => self.roles.extend(&waiver.to),
            Kind::Block(_) | Kind::Require(_) => self.everybody = true,
        }
    }
}

fn said<'t>(rule: &Rule<'t>) -> Said<'t> {
    let (kind, whom, name) = match rule.kind {
        Kind::Grant(grant) => (0, &grant.to, grant.user.as_ref().map(|exception| exception.user.key())),
        Kind::Block(block) => (1, &block.except, None),
        Kind::Require(require) => (2, &require.except, None),
        Kind::Waiver(waiver) => (3, &waiver.to, None),
    };
    (kind, rule.on, rule.refs, rule.verbs, rule.window, rule.says, whom, name, rule.id)
}
