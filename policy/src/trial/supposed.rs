//! What a test supposes somebody to have for a while.

use jiff::{SignedDuration, Timestamp};

use crate::{
    decide::{ElevationUse, LeaseUse},
    name::{PrivilegeId, Username},
    rule::{Asker, Elevation, Policy, Supposed, Workload},
};

impl Supposed {
    /// Whose leases they are, each once.
    pub(super) fn accounts<'p>(&self, policy: &'p Policy) -> Vec<&'p Username> {
        let mut accounts: Vec<_> = self.workloads(policy).map(|workload| &workload.principal).collect();
        accounts.sort_by_key(|account| account.key());
        accounts.dedup_by_key(|account| account.key());
        accounts
    }

    /// What `user` was given, as each elevation asks for it.
    pub(super) fn elevations(&self, policy: &Policy, user: &Username, now: Timestamp) -> Vec<ElevationUse> {
        let given = |rule: &Elevation, role| {
            let approvals = rule.approval.iter().flat_map(|approval| {
                let one = Asker::Roles(approval.by.clone());
                std::iter::repeat_n(one, usize::from(approval.count.get()))
            });
            ElevationUse {
                id: PrivilegeId::supposed(),
                elevation: rule.id.clone(),
                role,
                by: user.clone(),
                on: rule.on.clone(),
                refs: rule.refs.clone(),
                from: now,
                to: soon(now),
                reason: "a question".to_owned(),
                approved_by: approvals.collect(),
            }
        };
        let used = policy.elevations().iter().filter(|rule| self.elevations.contains(&rule.id));
        used.flat_map(|rule| rule.roles.iter().map(|role| given(rule, role.clone()))).collect()
    }

    /// What `user` has leased: all that each workload allows.
    pub(super) fn leases(&self, policy: &Policy, user: &Username, now: Timestamp) -> Vec<LeaseUse> {
        let leased = |rule: &Workload, role| LeaseUse {
            id: PrivilegeId::supposed(),
            workload: rule.id.clone(),
            role,
            issuer: rule.issuer.clone(),
            claims: rule.claims.clone(),
            by: user.clone(),
            on: rule.on.clone(),
            refs: rule.refs.clone(),
            verbs: rule.verbs,
            commit: None,
            paths: None,
            by_token: false,
            from: now,
            to: soon(now),
        };
        let used = self.workloads(policy);
        used.flat_map(|rule| rule.roles.iter().map(|role| leased(rule, role.clone()))).collect()
    }

    fn workloads<'p>(&self, policy: &'p Policy) -> impl Iterator<Item = &'p Workload> {
        policy.workloads().iter().filter(|rule| self.leases.contains(&rule.id))
    }
}

/// A second later: every rule lets it last so long.
fn soon(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX)
}
