//! Access for a short time: what is granted to a role, for somebody who asked for it.
//!
//! It gives the grants of the role, and nothing else that the role is named for: no exception from a block or a
//! require, no approval, no waiver.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{NotInForce, Subject};
use crate::{
    name::{PrivilegeId, RefName, Repository, RoleId, RuleId, Username},
    rule::{Asker, Elevation, ElevationApproval, Mode, Policy, RefSet, RepositorySet},
    snapshot::Snapshot,
};

/// What somebody was given for a while. Whether it gives anything is judged anew with each decision: by the policy, the
/// roles and the time of that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElevationUse {
    /// Its own id.
    pub id: PrivilegeId,
    /// The elevation that allows it.
    pub elevation: RuleId,
    /// The role.
    pub role: RoleId,
    /// Who asked for it.
    pub by: Username,
    /// In which repositories.
    pub on: RepositorySet,
    /// On which refs.
    pub refs: RefSet,
    /// From when on.
    pub from: Timestamp,
    /// Until when, exclusive; never longer than the elevation's own time.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
    /// Who approved it. By their roles only where it is supposed: each stands for somebody else.
    pub approved_by: Vec<Asker>,
}

impl ElevationUse {
    /// The rule that allows it to `subject` at `now`, wherever its refs lie.
    ///
    /// # Errors
    /// Why it gives nothing.
    pub fn judge<'p>(
        &self,
        policy: &'p Policy,
        snapshot: Option<&Snapshot>,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<&'p Elevation, NotInForce> {
        let rule = policy.elevations().iter().find(|rule| rule.id == self.elevation);
        let rule = rule.filter(|rule| rule.mode == Mode::Enforce && rule.roles.contains(&self.role));
        let rule = rule.ok_or(NotInForce::NoRule)?;
        let longest = self.from.checked_add(rule.max_time).unwrap_or(self.from);
        if now < self.from {
            return Err(NotInForce::Early);
        }
        if now >= self.to.min(longest) {
            return Err(NotInForce::Over);
        }
        if self.by.key() != subject.username.key() || !subject.roles().any(|role| rule.to.contains(role)) {
            return Err(NotInForce::Asker);
        }
        if rule.reason && self.reason.trim().is_empty() {
            return Err(NotInForce::Reason);
        }
        match &rule.approval {
            Some(approval) if !self.is_approved(approval, policy, snapshot) => Err(NotInForce::Approval),
            Some(_) | None => Ok(rule),
        }
    }

    fn is_approved(&self, wanted: &ElevationApproval, policy: &Policy, snapshot: Option<&Snapshot>) -> bool {
        let still_may = |one: &Asker| match one {
            Asker::User(user) => holds_any(user, &wanted.by, policy, snapshot),
            Asker::Roles(roles) => !roles.is_disjoint(&wanted.by),
        };
        let is_own = |one: &Asker| matches!(one, Asker::User(user) if user.key() == self.by.key());
        let counts = |one: &&Asker| !is_own(one) && (!wanted.ends_with_approver || still_may(one));
        let (mut named, mut unnamed) = (BTreeSet::new(), 0);
        for one in self.approved_by.iter().filter(counts) {
            match one {
                Asker::User(user) => drop(named.insert(user.key())),
                Asker::Roles(_) => unnamed += 1,
            }
        }
        named.len() + unnamed >= usize::from(wanted.count.get())
    }

    /// Whether it is about a ref, for whoever is called `user`.
    pub(super) fn is_on(
        &self,
        rule: &Elevation,
        repository: &Repository,
        name: &RefName,
        user: &Username,
    ) -> bool {
        let by = user.as_str();
        [&rule.on, &self.on].into_iter().all(|on| on.matches(repository))
            && [&rule.refs, &self.refs].into_iter().all(|refs| refs.matches(name, by))
    }
}

/// Whether somebody holds one of the roles now, and may act at all.
pub(super) fn holds_any(
    user: &Username,
    roles: &BTreeSet<RoleId>,
    policy: &Policy,
    snapshot: Option<&Snapshot>,
) -> bool {
    let Some(snapshot) = snapshot else { return false };
    let (subject, bar) = Subject::resolve(policy, snapshot, user);
    bar.is_none() && subject.roles().any(|role| roles.contains(role))
}
