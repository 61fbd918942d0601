//! Break-glass: which rules somebody has lifted, and may.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::one_ref::OneRef;
use crate::{
    name::{Repository, RuleId, Username},
    rule::{Asker, Mode, Waiver},
};

/// One use of a waiver, as somebody asked for it. Whether it lifts anything is judged anew with each decision: by the
/// policy, the roles and the time of that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverUse {
    /// The waiver.
    pub waiver: RuleId,
    /// The rules that it is to lift; none: whatever it may.
    pub lifts: BTreeSet<RuleId>,
    /// Who uses it.
    pub by: Username,
    /// Where; `None`: wherever it may be used.
    pub on: Option<Repository>,
    /// From when on.
    pub from: Timestamp,
    /// Until when, exclusive; never longer than the waiver's own time.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
    /// Who else approved it.
    pub approved_by: Option<Asker>,
}

/// A rule that a waiver lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The rule.
    pub rule: RuleId,
    /// The waiver.
    pub waiver: RuleId,
}

impl OneRef<'_> {
    /// The waiver that lifts `rule` here, for the pusher, now.
    pub(crate) fn lifting(&self, rule: &RuleId) -> Option<&RuleId> {
        let lifts = |one: &&WaiverUse| one.lifts.is_empty() || one.lifts.contains(rule);
        self.scope.waivers.iter().filter(lifts).find_map(|one| {
            let waiver = self.scope.policy.waivers().iter().find(|waiver| waiver.id == one.waiver)?;
            (waiver.lifts.contains(rule) && self.is_valid(waiver, one)).then_some(&waiver.id)
        })
    }

    /// Whether somebody uses `waiver` so that it lifts something here, for the pusher, now; also where another one that
    /// lifts the same is told.
    pub(crate) fn is_in_use(&self, waiver: &Waiver) -> bool {
        self.scope.waivers.iter().filter(|one| one.waiver == waiver.id).any(|one| {
            let lifts_some = one.lifts.is_empty() || !one.lifts.is_disjoint(&waiver.lifts);
            lifts_some && self.is_valid(waiver, one)
        })
    }

    fn is_valid(&self, waiver: &Waiver, one: &WaiverUse) -> bool {
        let scope = self.scope;
        let subject = scope.subject;
        let longest = one.from.checked_add(waiver.max_time).unwrap_or(one.from);
        waiver.mode == Mode::Enforce
            && one.by.key() == subject.username.key()
            && subject.roles().any(|role| waiver.to.contains(role))
            && one.from <= scope.now
            && scope.now < one.to.min(longest)
            && one.on.as_ref().is_none_or(|on| on.key() == scope.repository.key())
            && waiver.on.matches(scope.repository)
            && waiver.refs.matches(&self.update.name, subject.username.as_str())
            && (!waiver.reason || !one.reason.trim().is_empty())
            && self.is_seconded(waiver, one)
    }

    fn is_seconded(&self, waiver: &Waiver, one: &WaiverUse) -> bool {
        if waiver.second_person.is_empty() {
            return true;
        }
        let Some(second) = &one.approved_by else { return false };
        let is_oneself = matches!(second, Asker::User(user) if user.key() == one.by.key());
        !is_oneself && waiver.second_person.iter().any(|role| self.holds(second, role))
    }
}
