//! Access for minutes: what is granted to a role, for the job that leased it.
//!
//! As with elevations, it gives the grants of the role, and nothing else that the role is named for.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{NotInForce, Subject};
use crate::{
    facts::{LeaseFault, ShownLease},
    name::{ClaimPath, ObjectId, PrivilegeId, Repository, RoleId, RuleId, Username},
    request::{RefChange, RefUpdate},
    rule::{Mode, PathSet, Policy, RefSet, RepositorySet, VerbSet, Workload},
};

/// What a job has leased. Whether it gives anything is judged anew with each decision: by the policy and the time of that
/// moment. How often it was used is for whoever keeps it: one that is used up is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseUse {
    /// Its own id.
    pub id: PrivilegeId,
    /// The workload that allows it.
    pub workload: RuleId,
    /// The role.
    pub role: RoleId,
    /// Who issued the token that was shown for it.
    pub issuer: String,
    /// What that said, as far as the workload asked.
    pub claims: BTreeMap<ClaimPath, String>,
    /// Who pushes.
    pub by: Username,
    /// In which repositories.
    pub on: RepositorySet,
    /// On which refs.
    pub refs: RefSet,
    /// To do what.
    pub verbs: VerbSet,
    /// What the refs must come to name; `None`: anything.
    pub commit: Option<ObjectId>,
    /// Changes to these paths only; `None`: whatever the workload allows.
    pub paths: Option<PathSet>,
    /// Whether it counts for pushes only that show its token.
    pub by_token: bool,
    /// From when on.
    pub from: Timestamp,
    /// Until when, exclusive; never longer than the workload and the role allow.
    pub to: Timestamp,
}

impl LeaseUse {
    /// The workload that allows it to `subject` at `now`, wherever its refs lie.
    ///
    /// # Errors
    /// Why it gives nothing.
    pub fn judge<'p>(
        &self,
        policy: &'p Policy,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<&'p Workload, NotInForce> {
        let workload = policy.workloads().iter().find(|workload| workload.id == self.workload);
        let workload =
            workload.filter(|workload| workload.mode == Mode::Enforce).ok_or(NotInForce::NoRule)?;
        let role = policy.roles().binary_search_by(|role| role.id.cmp(&self.role)).ok();
        let role = role.and_then(|place| policy.roles().get(place)).ok_or(NotInForce::NoRule)?;
        // A workload that asks for other jobs now is another one.
        let is_same = workload.issuer == self.issuer && workload.claims == self.claims;
        if !is_same || !workload.roles.contains(&self.role) {
            return Err(NotInForce::NoRule);
        }
        let most = role.max_lease.map_or(workload.max_lease, |most| most.min(workload.max_lease));
        let longest = self.from.checked_add(most).unwrap_or(self.from);
        if now < self.from {
            return Err(NotInForce::Early);
        }
        if now >= self.to.min(longest) {
            return Err(NotInForce::Over);
        }
        let key = self.by.key();
        if key != subject.username.key() || key != workload.principal.key() {
            return Err(NotInForce::Asker);
        }
        Ok(workload)
    }

    /// Whether it counts for a push that shows this. One that shows a token rests on that lease and on no other.
    pub fn counts_with(&self, shown: Option<&ShownLease>) -> bool {
        match shown {
            None => !self.by_token,
            Some(ShownLease::Of(id)) => self.id == *id,
            Some(ShownLease::NotAccepted(_)) => false,
        }
    }

    /// Whether it is about an update, by whoever is called `user`.
    pub(super) fn is_on(
        &self,
        workload: &Workload,
        repository: &Repository,
        update: &RefUpdate,
        user: &Username,
    ) -> bool {
        let (name, by) = (&update.name, user.as_str());
        self.commit.as_ref().is_none_or(|commit| new_tip(&update.change) == Some(commit))
            && [&workload.on, &self.on].into_iter().all(|on| on.matches(repository))
            && [&workload.refs, &self.refs].into_iter().all(|refs| refs.matches(name, by))
    }
}

/// Why the token that a push shows does not count; `None`: it does, or there is none.
#[inline]
pub(super) fn fault(
    leases: &[LeaseUse],
    policy: &Policy,
    subject: &Subject<'_>,
    shown: Option<&ShownLease>,
    now: Timestamp,
) -> Option<LeaseFault> {
    match shown? {
        ShownLease::NotAccepted(fault) => Some(*fault),
        ShownLease::Of(id) => {
            let mut of_id = leases.iter().filter(|lease| lease.id == *id);
            let is_good = of_id.any(|lease| lease.judge(policy, subject, now).is_ok());
            (!is_good).then_some(LeaseFault::NotInForce)
        }
    }
}

/// What a ref comes to name; `None` where it goes away, or where that is not made yet.
fn new_tip(change: &RefChange) -> Option<&ObjectId> {
    match change {
        RefChange::Create { new } | RefChange::Move { new, .. } => Some(new),
        RefChange::Delete { .. } | RefChange::Merge { .. } => None,
    }
}
