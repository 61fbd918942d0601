use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{About, Lint, Report, never::VERBS};
use crate::{
    name::RoleId,
    printable::Printable,
    rule::{Grant, Mode, Policy},
};

/// How many accounts are named.
const NAMED: usize = 3;

/// Roles that jobs may lease and to which nothing is granted, and services that need no lease.
pub(super) fn look(policy: &Policy, now: Timestamp, report: &mut Report) {
    let lasting = |grant: &&Grant| {
        grant.mode == Mode::Enforce
            && grant.window.to().is_none_or(|end| now < end)
            && VERBS.iter().any(|verb| grant.verbs.contains(*verb))
    };
    let granted: BTreeSet<&RoleId> =
        policy.grants().iter().filter(lasting).flat_map(|grant| &grant.to).collect();
    for workload in policy.workloads().iter().filter(|workload| workload.mode == Mode::Enforce) {
        for role in workload.roles.iter().filter(|role| !granted.contains(role)) {
            let about = About::Workload(workload.id.clone());
            let message = format!("the {about} gives nothing by the role `{role}`: no grant is for it");
            let help = "name a role that something is granted to; exceptions and approvals are not leased";
            report.add(Lint::WorkloadGivesNothing, about, message, Some(help.into()));
        }
    }
    for role in policy.roles().iter().filter(|role| granted.contains(&role.id) && !role.service.is_empty()) {
        let mut named: Vec<_> = role
            .service
            .iter()
            .take(NAMED)
            .map(|name| format!("`{}`", Printable::new(name.as_str())))
            .collect();
        named.extend((role.service.len() > NAMED).then(|| "…".to_owned()));
        let message =
            format!("the role `{}` lets {} push at any time, without a lease", role.id, named.join(", "));
        let help =
            "have its jobs lease the role: a `[[workload]]`, and `max_lease` in the place of `service`";
        report.add(Lint::ServiceWithoutLease, About::Role(role.id.clone()), message, Some(help.into()));
    }
}
