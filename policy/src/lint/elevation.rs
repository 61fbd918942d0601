use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{About, Lint, Report};
use crate::{
    name::RoleId,
    rule::{Mode, Policy},
};

/// Roles that people may ask for and to which nothing is granted.
pub(super) fn look(policy: &Policy, now: Timestamp, report: &mut Report) {
    let lasting = policy
        .grants()
        .iter()
        .filter(|grant| grant.mode == Mode::Enforce && grant.window.to().is_none_or(|end| now < end));
    let granted: BTreeSet<&RoleId> = lasting.flat_map(|grant| &grant.to).collect();
    for elevation in policy.elevations().iter().filter(|elevation| elevation.mode == Mode::Enforce) {
        for role in elevation.roles.iter().filter(|role| !granted.contains(role)) {
            let about = About::Elevation(elevation.id.clone());
            let message = format!("the {about} gives nothing by the role `{role}`: no grant is for it");
            let help = "name a role that something is granted to; exceptions and approvals are not given for a while";
            report.add(Lint::ElevationGivesNothing, about, message, Some(help.into()));
        }
    }
}
