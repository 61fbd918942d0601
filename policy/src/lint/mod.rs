//! What a policy says that is allowed and probably not meant. A warning never keeps a policy from being loaded.
//!
//! The work is bounded whatever the policy and the directory are: users are walked once for all lints, and proofs about
//! patterns have a budget. A lint that was not looked for everywhere stands in [`Report::unfinished`]; whatever is
//! told is so.

mod allow;
mod catalog;
mod classes;
mod covered;
mod duplicate;
mod elevation;
mod expired;
mod force;
mod names;
mod never;
mod pattern;
mod people;
mod roles;
mod scope;
mod waiver;
mod warning;
mod workload;

use jiff::Timestamp;

pub use catalog::Lint;
pub use people::{EXCEPT_AT_LEAST, EXCEPT_SHARE};
pub use warning::{About, MAX_TOLD, Report, Warning};

use crate::{
    diff::{Limits, proof::Prover},
    rule::Policy,
    snapshot::Snapshot,
};
use scope::Scope;

/// How much is computed for proofs: a second or two.
const LIMITS: Limits = Limits {
    states: 20_000,
    steps_per_product: 1_000_000,
    steps: 10_000_000,
    classes: 500,
    size: 50_000,
    people_apart: 0,
};

/// Looks for everything. Without a directory, for what needs none.
pub fn lint(policy: &Policy, snapshot: Option<&Snapshot>, now: Timestamp) -> Report {
    let mut report = Report::default();
    match snapshot {
        Some(snapshot) => {
            names::look(policy, snapshot, &mut report);
            people::look(policy, snapshot, &mut report);
        }
        None => report.unfinished.extend(Lint::ALL.into_iter().filter(|lint| lint.needs_directory())),
    }
    roles::look(policy, &mut report);
    duplicate::look(policy, &mut report);
    expired::look(policy, now, &mut report);
    let never = never::look(policy, &mut report);
    pattern::look(policy, &never, &mut report);
    covered::look(policy, &never, now, &mut report);
    waiver::look(policy, &never, now, &mut report);
    elevation::look(policy, now, &mut report);
    workload::look(policy, now, &mut report);
    force::look(policy, now, &mut report);
    allow::settle(policy, &mut report);
    report.finish()
}

fn prover() -> Prover {
    Prover::new(&LIMITS)
}
