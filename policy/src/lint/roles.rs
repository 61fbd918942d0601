use std::collections::BTreeSet;

use super::{About, Lint, Report};
use crate::{name::RoleId, rule::Policy};

/// What can be said of roles without a directory.
pub(super) fn look(policy: &Policy, report: &mut Report) {
    let named = named(policy);
    let leased: BTreeSet<_> = policy.workloads().iter().flat_map(|workload| &workload.roles).collect();
    for role in policy.roles() {
        let about = || About::Role(role.id.clone());
        if leased.contains(&role.id) && role.max_lease.is_none() {
            let message = format!(
                "the role `{}` is leased and has no `max_lease`: how long is up to each workload",
                role.id
            );
            let help = "add as long as one push takes, as in `max_lease = \"5m\"`";
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
    let leasing = policy.workloads().iter().flat_map(|workload| &workload.roles);
    let excluding = policy.roles().iter().filter(|role| !role.exclusive.is_empty()).map(|role| &role.id);
    let excluded = policy.roles().iter().flat_map(|role| &role.exclusive);
    granted
        .chain(excepted)
        .chain(unbound)
        .chain(approving)
        .chain(waiving)
        .chain(elevating)
        .chain(leasing)
        .chain(excluding)
        .chain(excluded)
        .collect()
}
