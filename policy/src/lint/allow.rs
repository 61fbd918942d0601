use std::collections::{BTreeMap, BTreeSet};

use super::{About, Lint, Report};
use crate::rule::{Allowance, Policy};

/// Notes what the policy allows, and warns of what it allows in vain.
pub(super) fn settle(policy: &Policy, report: &mut Report) {
    let reasons: BTreeMap<(&About, Lint), &str> = policy
        .allowances()
        .iter()
        .map(|allowance| ((&allowance.about, allowance.lint), allowance.reason.as_str()))
        .collect();
    // That an `allow` is in vain may itself be allowed, so those go last.
    for last in [false, true] {
        let used = mark(&reasons, report);
        let of_now = policy.allowances().iter().filter(|one| (one.lint == Lint::UnusedAllow) == last);
        for Allowance { about, lint, .. } in of_now {
            // What was not looked for everywhere may be there.
            if used.contains(&(about.clone(), *lint)) || report.unfinished.contains(lint) {
                continue;
            }
            let message = format!("the {about} allows `{lint}`, of which there is nothing to warn");
            report.add(Lint::UnusedAllow, about.clone(), message, Some("take that `allow` out".into()));
        }
    }
}

/// Marks the warnings that are allowed; returns by what.
fn mark(reasons: &BTreeMap<(&About, Lint), &str>, report: &mut Report) -> BTreeSet<(About, Lint)> {
    let mut used = BTreeSet::new();
    for warning in &mut report.warnings {
        for about in [Some(&warning.about), warning.other.as_ref()].into_iter().flatten() {
            if let Some(reason) = reasons.get(&(about, warning.lint)) {
                warning.allowed = Some((*reason).to_owned());
                used.insert((about.clone(), warning.lint));
            }
        }
    }
    used
}
