use std::collections::BTreeSet;

use super::{About, Lint, Report};
use crate::{name::RoleId, rule::Policy};

/// What can be said of roles without a directory.
pub(super) fn look(policy: &Policy, report: &mut Report) {
    let named = named(policy);
    for role in policy.roles() {
        let about = || About::Role(role.id.clone());
        if !role.service.is_empty() && role.max_lease.is_none() {
            let message =
                format!("the service role `{}` has no `max_lease`: it may be assumed without end", role.id);
            let help = "add as long as one run takes, as in `max_lease = \"15m\"`";
            report.add(Lint::ServiceRoleWithoutMaxLease, about(), message, Some(help.into()));
        }
        if !named.contains(&role.id) {
            let message =
                format!("no rule names the role `{}`: whoever holds it gains nothing by it", role.id);
            report.add(Lint::UnusedRole, about(), message, Some("it can be taken out".into()));
        }
    }
}

/// The roles for which something depends on who holds them.
fn named(policy: &Policy) -> BTreeSet<&RoleId> {
    let granted = policy.grants().iter().flat_map(|grant| &grant.to);
    let excepted = policy.blocks().iter().flat_map(|block| &block.except);
    let unbound = policy.requires().iter().flat_map(|require| &require.except);
    let approving = policy.requires().iter().flat_map(|require| &require.approvals).map(|one| &one.role);
    let waiving = policy.waivers().iter().flat_map(|waiver| waiver.to.iter().chain(&waiver.second_person));
    let elevating = policy.elevations().iter().flat_map(|elevation| {
        let approving = elevation.approval.iter().flat_map(|approval| &approval.by);
        elevation.roles.iter().chain(&elevation.to).chain(approving)
    });
    let excluding = policy.roles().iter().filter(|role| !role.exclusive.is_empty()).map(|role| &role.id);
    let excluded = policy.roles().iter().flat_map(|role| &role.exclusive);
    granted
        .chain(excepted)
        .chain(unbound)
        .chain(approving)
        .chain(waiving)
        .chain(elevating)
        .chain(excluding)
        .chain(excluded)
        .collect()
}
