//! Break-glass: which rules somebody has lifted, and may.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{NotInForce, Scope, Subject, elevations::holds_any, one_ref::OneRef};
use crate::{
    name::{PrivilegeId, RuleId, Username},
    rule::{Asker, Mode, Policy, RefSet, RepositorySet, Waiver},
    snapshot::Snapshot,
};

/// One use of a waiver, as somebody asked for it. Whether it lifts anything is judged anew with each decision: by the
/// policy, the roles and the time of that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverUse {
    /// Its own id; `None` where it is only supposed.
    pub id: Option<PrivilegeId>,
    /// The waiver.
    pub waiver: RuleId,
    /// The rules that it is to lift; none: whatever it may.
    pub lifts: BTreeSet<RuleId>,
    /// Who uses it.
    pub by: Username,
    /// Where; `None`: wherever it may be used.
    pub on: Option<RepositorySet>,
    /// On which refs; `None`: on all on which it may be used.
    pub refs: Option<RefSet>,
    /// From when on.
    pub from: Timestamp,
    /// Until when, exclusive; never longer than the waiver's own time.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
    /// Who else approved it.
    pub approved_by: Option<Asker>,
}

/// A rule that a waiver lifted: it would have refused it, or nobody could tell whether it would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The rule.
    pub rule: RuleId,
    /// The waiver.
    pub waiver: RuleId,
    /// The use of it; `None` where it is only supposed.
    pub by: Option<PrivilegeId>,
}

impl OneRef<'_, '_> {
    /// The use of a waiver that lifts `rule` here, for the pusher, now.
    pub(crate) fn lifting(&self, rule: &RuleId) -> Option<&WaiverUse> {
        let lifts = |one: &&WaiverUse| one.lifts.is_empty() || one.lifts.contains(rule);
        self.scope.basis.waivers.iter().filter(lifts).find(|one| {
            let waiver = self.scope.basis.policy.waivers().iter().find(|waiver| waiver.id == one.waiver);
            waiver.is_some_and(|waiver| waiver.lifts.contains(rule) && self.is_valid(waiver, one))
        })
    }

    /// Whether somebody uses `waiver` so that it lifts something here, for the pusher, now; also where another one that
    /// lifts the same is told.
    pub(crate) fn is_in_use(&self, waiver: &Waiver) -> bool {
        self.scope.basis.waivers.iter().filter(|one| one.waiver == waiver.id).any(|one| {
            let lifts_some = one.lifts.is_empty() || !one.lifts.is_disjoint(&waiver.lifts);
            lifts_some && self.is_valid(waiver, one)
        })
    }

    fn is_valid(&self, waiver: &Waiver, one: &WaiverUse) -> bool {
        let Scope { basis, subject, repository, now, .. } = self.scope;
        let (name, user) = (&self.update.name, subject.username.as_str());
        one.judge(basis.policy, basis.snapshot, subject, *now).is_ok_and(|judged| judged.id == waiver.id)
            && one.on.as_ref().is_none_or(|on| on.matches(repository))
            && one.refs.as_ref().is_none_or(|refs| refs.matches(name, user))
            && waiver.on.matches(repository)
            && waiver.refs.matches(name, user)
    }
}

impl WaiverUse {
    /// The rule that allows it to `subject` at `now`, wherever its refs lie.
    ///
    /// # Errors
    /// Why it lifts nothing.
    pub fn judge<'p>(
        &self,
        policy: &'p Policy,
        snapshot: Option<&Snapshot>,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<&'p Waiver, NotInForce> {
        let waiver = policy.waivers().iter().find(|waiver| waiver.id == self.waiver);
        let waiver = waiver.filter(|waiver| waiver.mode == Mode::Enforce).ok_or(NotInForce::NoRule)?;
        let longest = self.from.checked_add(waiver.max_time).unwrap_or(self.from);
        if now < self.from {
            return Err(NotInForce::Early);
        }
        if now >= self.to.min(longest) {
            return Err(NotInForce::Over);
        }
        if self.by.key() != subject.username.key() || !subject.roles().any(|role| waiver.to.contains(role)) {
            return Err(NotInForce::Asker);
        }
        if waiver.reason && self.reason.trim().is_empty() {
            return Err(NotInForce::Reason);
        }
        if self.is_seconded(waiver, policy, snapshot) { Ok(waiver) } else { Err(NotInForce::Approval) }
    }

    fn is_seconded(&self, waiver: &Waiver, policy: &Policy, snapshot: Option<&Snapshot>) -> bool {
        let wanted = &waiver.second_person;
        match &self.approved_by {
            _ if wanted.is_empty() => true,
            None => false,
            Some(Asker::Roles(roles)) => !roles.is_disjoint(wanted),
            Some(Asker::User(user)) => {
                user.key() != self.by.key() && holds_any(user, wanted, policy, snapshot)
            }
        }
    }
}
