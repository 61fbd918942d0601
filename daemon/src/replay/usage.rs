use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use oam_audit::entry::{PrivilegeHeld, PrivilegeKind, Reason, Update};
use oam_policy::{
    Policy, Verb,
    rule::{Mode, VerbSet},
};

/// How often one rule, or role, of a policy had a part in what was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleUse {
    /// `role`, `grant`, `block`, …
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// It never decides.
    pub evaluate_only: bool,
    /// How many refs it decided: it carried the permit, refused, or lifted what would have. Of an elevation or a
    /// workload: what somebody had by it carried the permit, or a part of it. Of a role, the pushes of those who held it.
    /// Where a require was met is not in the log, and not counted.
    pub decided: u64,
    /// How many refs it would have decided.
    pub would: u64,
    /// The last time that it did either.
    pub last: Option<Timestamp>,
    /// A grant that also gives what shows in no push, to read or administer whole repositories.
    pub beside_pushes: bool,
}

/// The verbs that decide no push.
const BESIDE_PUSHES: VerbSet = VerbSet::of(Verb::Read).and(VerbSet::of(Verb::Admin));

/// The uses of all rules of one policy.
#[derive(Debug, Clone)]
pub struct Usage {
    uses: Vec<RuleUse>,
    rules: HashMap<String, usize>,
    roles: HashMap<String, usize>,
}

impl Usage {
    /// Nothing is used yet.
    pub fn of(policy: &Policy) -> Self {
        let one = |kind, id: &dyn ToString, mode: Mode| RuleUse {
            kind,
            id: id.to_string(),
            evaluate_only: mode == Mode::Evaluate,
            decided: 0,
            would: 0,
            last: None,
            beside_pushes: false,
        };
        let roles = policy.roles().iter().map(|role| one("role", &role.id, Mode::Enforce));
        let grants = policy.grants().iter().map(|grant| RuleUse {
            beside_pushes: grant.verbs.meets(BESIDE_PUSHES),
            ..one("grant", &grant.id, grant.mode)
        });
        let blocks = policy.blocks().iter().map(|block| one("block", &block.id, block.mode));
        let requires = policy.requires().iter().map(|rule| one("require", &rule.id, rule.mode));
        let waivers = policy.waivers().iter().map(|rule| one("waiver", &rule.id, rule.mode));
        let elevations = policy.elevations().iter().map(|rule| one("elevation", &rule.id, rule.mode));
        let workloads = policy.workloads().iter().map(|rule| one("workload", &rule.id, rule.mode));
        let standing = roles.chain(grants).chain(blocks).chain(requires);
        let uses: Vec<_> = standing.chain(waivers).chain(elevations).chain(workloads).collect();
        let places = |of_roles: bool| {
            let all = uses.iter().enumerate().filter(|(_, one)| (one.kind == "role") == of_roles);
            all.map(|(place, one)| (one.id.clone(), place)).collect()
        };
        Self { rules: places(false), roles: places(true), uses }
    }

    /// Counts the roles that somebody held who pushed.
    pub(super) fn held(&mut self, roles: &BTreeSet<String>, at: Timestamp) {
        for role in roles {
            Self::note(&mut self.uses, self.roles.get(role), at, |one| one.decided += 1);
        }
    }

    /// Counts the rules that had a part in the judgement of one ref, whose pusher had all this for a while.
    pub(super) fn judged(&mut self, update: &Update, held: &[PrivilegeHeld], at: Timestamp) {
        let lifting = update.waiver.iter().chain(update.lifted.iter().map(|lifted| &lifted.waiver));
        let had: BTreeSet<_> = update.privilege.iter().chain(&update.privileges_beside).collect();
        let had = held.iter().filter(|one| had.contains(&one.id)).map(|one| by(&one.privilege));
        // One rule may have a part in it more than once.
        let for_a_while: BTreeSet<_> = lifting.chain(had).collect();
        let rules = update.grant.iter().chain(&update.other_grants).chain(for_a_while);
        let refused: BTreeSet<_> = update.reasons.iter().filter_map(rule).collect();
        for rule in rules.chain(refused) {
            Self::note(&mut self.uses, self.rules.get(rule), at, |one| one.decided += 1);
        }
        for shadow in &update.shadow {
            Self::note(&mut self.uses, self.rules.get(&shadow.rule), at, |one| one.would += 1);
        }
    }

    fn note(uses: &mut [RuleUse], place: Option<&usize>, at: Timestamp, count: impl FnOnce(&mut RuleUse)) {
        if let Some(one) = place.and_then(|place| uses.get_mut(*place)) {
            count(one);
            one.last = one.last.max(Some(at));
        }
    }

    /// The uses, in the order of the policy: roles, then each kind of rule by id.
    pub fn uses(self) -> Vec<RuleUse> {
        self.uses
    }
}

/// The rule by which somebody had it.
fn by(privilege: &PrivilegeKind) -> &String {
    match privilege {
        PrivilegeKind::Grant { elevation, role: _ } => elevation,
        PrivilegeKind::Waiver { waiver, lifts: _ } => waiver,
        PrivilegeKind::Lease(lease) => &lease.workload,
    }
}

fn rule(reason: &Reason) -> Option<&String> {
    reason.rule.as_ref()
}
