//! What a policy gives in whole projects and repositories: for whoever gives permissions at a git server, which knows of
//! reading, writing and administering, and neither of refs nor of conditions.
//!
//! [`entitlements`] makes no verdict. It gives the least that lets somebody come as far as [`crate::decide()`] could permit:
//! who may change one branch must be let in to write, and the hook narrows it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    decide::{PrincipalKind, Subject},
    name::{GroupName, Repository, RoleId, RuleId, Username},
    reason::RefusalReason,
    request::Verb,
    rule::{Grant, Mode, Policy, RepositorySet, Role},
    snapshot::{Snapshot, UserView},
};

/// What a git server lets somebody do in a whole repository; each gives those before it as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// To read it.
    Read,
    /// To change it, as far as rules let them.
    Write,
    /// To administer it.
    Admin,
}

/// Where a right is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// In a project, by its key: in all that is there and will be.
    Project(&'a str),
    /// In one repository.
    Repository(&'a Repository),
}

/// To whom a right is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// To whoever holds a role.
    Role(RoleId),
    /// To one account.
    Account(Username),
}

/// A right, and the rule that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The right.
    pub right: Right,
    /// The rule.
    pub rule: RuleId,
    /// To whom.
    pub to: Receiver,
}

/// A rule that says more than a git server's permissions can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaid {
    /// The rule.
    pub rule: RuleId,
    /// What becomes of it, in a sentence.
    pub what: String,
}

/// Who holds a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleHolders {
    /// The groups, where being in any one of them is all that it takes.
    pub groups: Option<BTreeSet<GroupName>>,
    /// Everybody active in the directory who holds it, by name.
    pub people: BTreeSet<NameInOrder>,
    /// Those who hold it since the policy names them: also accounts that no directory knows.
    pub named: BTreeSet<NameInOrder>,
}

/// A username as it is written, in the order of [`Username::key`].
#[derive(Debug, Clone)]
pub struct NameInOrder(pub Username);

/// How an account stands in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may act.
    Active,
    /// Its source says that it is not active.
    Deactivated,
    /// It was cut off by command.
    CutOff,
    /// No directory knows it, and the policy does not name it.
    Unknown,
}

/// What the rules in force give at a place. What a project is given is not given again in its repositories.
pub fn entitlements(policy: &Policy, place: Place<'_>, now: Timestamp) -> Vec<Entitlement> {
    let mut all = Vec::new();
    for grant in policy.grants().iter().filter(|grant| is_live(grant, now)) {
        if let Some(right) = Right::of(grant).filter(|_| gives_at(&[&grant.on], place)) {
            let to = grant.to.iter().cloned().map(Receiver::Role);
            let user = grant.user.as_ref().map(|exception| Receiver::Account(exception.user.clone()));
            all.extend(to.chain(user).map(|to| Entitlement { right, rule: grant.id.clone(), to }));
        }
    }
    for workload in policy.workloads().iter().filter(|workload| workload.mode == Mode::Enforce) {
        let leased = policy.grants().iter().any(|grant| {
            is_live(grant, now)
                && Right::of(grant).is_some_and(|right| right >= Right::Write)
                && grant.to.iter().any(|role| workload.roles.contains(role))
                && gives_at(&[&grant.on, &workload.on], place)
        });
        if leased {
            let to = Receiver::Account(workload.principal.clone());
            all.push(Entitlement { right: Right::Write, rule: workload.id.clone(), to });
        }
    }
    all
}

/// The rules of which a git server's permissions say only a part, in the order of the policy.
pub fn unsaid(policy: &Policy, now: Timestamp) -> Vec<Unsaid> {
    let grants = policy.grants().iter().filter(|grant| grant.mode == Mode::Enforce).filter_map(|grant| {
        let what = match (grant.window.from(), grant.window.to(), grant.window.weekly()) {
            (Some(from), _, _) if now < from => format!("gives nothing before {from}: plan again then"),
            (_, Some(to), _) if to <= now => return None,
            (_, Some(to), _) => format!("ends {to}: plan again then, the hook refuses from that moment on"),
            (_, None, Some(_)) => {
                "is for some hours of the week: the permission stays, and the hook refuses at other hours"
                    .to_owned()
            }
            (_, None, None) => return None,
        };
        Some(Unsaid { rule: grant.id.clone(), what })
    });
    let elevations = policy.elevations().iter().filter(|one| one.mode == Mode::Enforce).map(|elevation| {
        let what = "gives a role for a while: nobody gets a permission by it, so whoever asks must be let in to write by a \
                    grant, be it on a branch of their own";
        Unsaid { rule: elevation.id.clone(), what: what.to_owned() }
    });
    let workloads = policy.workloads().iter().filter(|one| one.mode == Mode::Enforce).map(|workload| {
        let what = format!(
            "is leased for minutes: `{}` may write all the time, and without a lease the hook refuses",
            workload.principal
        );
        Unsaid { rule: workload.id.clone(), what }
    });
    grants.chain(elevations).chain(workloads).collect()
}

/// Who holds which role. Whoever may not act holds none.
pub fn role_holders(policy: &Policy, snapshot: &Snapshot) -> BTreeMap<RoleId, RoleHolders> {
    let holders = |role: &Role| RoleHolders { groups: groups_of(role), ..RoleHolders::default() };
    let mut all: BTreeMap<_, _> =
        policy.roles().iter().map(|role| (role.id.clone(), holders(role))).collect();
    for user in snapshot.users().filter(UserView::is_active) {
        let (subject, _) = Subject::resolve(policy, snapshot, user.username());
        for role in subject.roles() {
            if let Some(holders) = all.get_mut(role) {
                holders.people.insert(NameInOrder(user.username().clone()));
            }
        }
    }
    for role in policy.roles() {
        // A folded name is a name.
        let names = role.service.iter().filter_map(|key| Username::parse(key.as_str()).ok());
        let active = names.filter(|name| standing(policy, snapshot, name) == Standing::Active);
        if let Some(holders) = all.get_mut(&role.id) {
            holders.named.extend(active.map(NameInOrder));
        }
    }
    all
}

/// The roles that somebody holds, by [`role_holders`], and the groups of which being in any one is all that it takes; `None` also where
/// the policy names them. Whoever may not act holds none.
pub fn roles_of(
    policy: &Policy,
    snapshot: &Snapshot,
    account: &Username,
) -> BTreeMap<RoleId, Option<BTreeSet<GroupName>>> {
    let (subject, None) = Subject::resolve(policy, snapshot, account) else { return BTreeMap::new() };
    let (held, key): (BTreeSet<_>, _) = (subject.roles().collect(), account.key());
    let roles = policy.roles().iter().filter(|role| held.contains(&role.id));
    roles.map(|role| (role.id.clone(), groups_of(role).filter(|_| !role.service.contains(&key)))).collect()
}

/// How an account stands.
pub fn standing(policy: &Policy, snapshot: &Snapshot, account: &Username) -> Standing {
    match Subject::resolve(policy, snapshot, account) {
        (_, Some(RefusalReason::Revoked { .. })) => Standing::CutOff,
        (Subject { kind: PrincipalKind::User, .. }, Some(_)) => Standing::Deactivated,
        (_, Some(_)) => Standing::Unknown,
        (_, None) => Standing::Active,
    }
}

impl Right {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == name)
    }

    /// What it takes to make use of a grant.
    pub(crate) fn of(grant: &Grant) -> Option<Self> {
        let of = |verb| match verb {
            Verb::Read => Self::Read,
            Verb::Create | Verb::Update | Verb::Force | Verb::Delete => Self::Write,
            Verb::Admin => Self::Admin,
        };
        grant.verbs.iter().map(of).max()
    }
}

impl Standing {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::CutOff => "cut-off",
            Self::Unknown => "unknown",
        }
    }
}

impl PartialEq for NameInOrder {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for NameInOrder {}

impl PartialOrd for NameInOrder {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NameInOrder {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.key().cmp(&other.0.key())
    }
}

/// Whether it is in force, but for the hours of the week: permissions do not come and go with them.
fn is_live(grant: &Grant, now: Timestamp) -> bool {
    let window = grant.window.with_weekly(None);
    grant.mode == Mode::Enforce && window.contains(now)
}

/// Whether a rule that is on all of these gives something there, and not already in the whole project.
fn gives_at(on: &[&RepositorySet], place: Place<'_>) -> bool {
    let in_project = |key: &str| on.iter().all(|set| set.is_whole_project(key));
    match place {
        Place::Project(key) => in_project(key),
        Place::Repository(repository) => {
            on.iter().all(|set| set.matches(repository)) && !in_project(repository.project_key())
        }
    }
}

fn groups_of(role: &Role) -> Option<BTreeSet<GroupName>> {
    match (role.any.is_empty(), role.all.len()) {
        (false, 0) => Some(role.any.clone()),
        (true, 1) => Some(role.all.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
