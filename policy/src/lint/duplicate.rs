use std::collections::{HashMap, hash_map::Entry};

use serde::Serialize;

use super::{About, Lint, Report};
use crate::rule::{Policy, Role};

/// Rules that say the same under another id, and roles that the same people hold.
pub(super) fn look(policy: &Policy, report: &mut Report) {
    let mut seen = HashMap::new();
    // Roles that are only leased have no holders to be the same.
    let held = |role: &&Role| role.names_groups() || !role.service.is_empty();
    for role in policy.roles().iter().filter(held) {
        // How long a role may be assumed does not change who holds it.
        note(About::Role(role.id.clone()), role, &["max_lease"], &mut seen, report);
    }
    for grant in policy.grants() {
        note(About::Grant(grant.id.clone()), grant, &[], &mut seen, report);
    }
    for block in policy.blocks() {
        note(About::Block(block.id.clone()), block, &["help"], &mut seen, report);
    }
    for require in policy.requires() {
        note(About::Require(require.id.clone()), require, &["help"], &mut seen, report);
    }
    for waiver in policy.waivers() {
        note(About::Waiver(waiver.id.clone()), waiver, &[], &mut seen, report);
    }
    for elevation in policy.elevations() {
        note(About::Elevation(elevation.id.clone()), elevation, &[], &mut seen, report);
    }
    for workload in policy.workloads() {
        note(About::Workload(workload.id.clone()), workload, &[], &mut seen, report);
    }
}

/// Notes what a rule says, but for its id and for what makes no difference.
fn note(
    about: About,
    rule: &impl Serialize,
    without: &[&str],
    seen: &mut HashMap<String, About>,
    report: &mut Report,
) {
    let Ok(serde_json::Value::Object(mut says)) = serde_json::to_value(rule) else { return };
    for key in without.iter().chain(&["id"]) {
        says.remove(*key);
    }
    let says = format!("{} {}", about.kind(), serde_json::Value::Object(says));
    match seen.entry(says) {
        Entry::Vacant(new) => {
            new.insert(about);
        }
        Entry::Occupied(first) => {
            let first = first.get();
            let message = match &about {
                About::Role(id) => format!("the role `{id}` has the same holders as the {first}"),
                _ => format!("the {about} says the same as the {first}"),
            };
            let help = "one of them can be taken out";
            report.add_between(Lint::DuplicateRule, about, first.clone(), message, help);
        }
    }
}
