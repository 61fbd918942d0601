//! The one place where a verdict is made. Push, merge, dry run, explain, tests: all of them call [`decide`].

mod one_ref;
mod scope;
mod subject;
mod verdict;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

pub use subject::{PrincipalKind, Subject};
pub use verdict::{Decision, Outcome, Permit, PushVerdict, RefDecision, Shadow, Verdict, WouldHave};

use crate::{
    facts::{Facts, FactsNeeded},
    nonempty::NonEmpty,
    reason::UndecidedReason,
    request::Request,
    rule::Policy,
    snapshot::Snapshot,
};
use one_ref::Step;
use scope::Scope;

/// All that a decision rests on besides the question, the facts and the time.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The policy in force; `None` before the first one was loaded.
    pub policy: Option<Arc<Policy>>,
    /// The directory in force; `None` before the first one was loaded.
    pub snapshot: Option<Snapshot>,
    /// How old the directory may be; `None`: of any age.
    pub max_snapshot_age: Option<Duration>,
}

/// What came of an attempt to decide.
#[derive(Debug, Clone)]
pub enum Evaluation {
    /// It is decided.
    Decided(Decision),
    /// These facts would settle it.
    Needs(FactsNeeded),
}

/// Decides `request`, or says which facts it depends on. Total and pure.
pub fn decide(state: &State, request: &Request, facts: &Facts, now: Timestamp) -> Evaluation {
    let (policy, snapshot) = match integrity(state, now) {
        Ok(whole) => whole,
        Err(reasons) => {
            let subject = Subject::unresolved(&request.pusher);
            return Evaluation::Decided(Decision::new(subject, PushVerdict::Undecided(reasons)));
        }
    };
    decide_in(policy, snapshot, request, facts, now)
}

/// Decides by a policy and a directory of any age.
pub(crate) fn decide_in(
    policy: &Policy,
    snapshot: &Snapshot,
    request: &Request,
    facts: &Facts,
    now: Timestamp,
) -> Evaluation {
    let (subject, bar) = Subject::resolve(policy, snapshot, &request.pusher);
    if let Some(reason) = bar {
        return Evaluation::Decided(Decision::new(subject, PushVerdict::Refused(NonEmpty::one(reason))));
    }
    decide_as(policy, subject, request, facts, now)
}

/// Decides for somebody who is known and may act; all verdicts on refs come from here.
pub(crate) fn decide_as(
    policy: &Policy,
    subject: Subject,
    request: &Request,
    facts: &Facts,
    now: Timestamp,
) -> Evaluation {
    let scope = Scope::new(policy, &request.repository, &subject, now);
    let mut decided = Vec::with_capacity(request.updates.len());
    let mut needed = FactsNeeded::default();
    for (index, update) in request.updates.iter().enumerate() {
        match one_ref::decide(&scope, update, facts.ancestry(index)) {
            Step::Decided(verdict) => decided.push(verdict),
            Step::NeedsAncestry => needed.ancestry.push(index),
        }
    }
    match NonEmpty::from_vec(decided) {
        Some(refs) if needed.is_empty() => {
            Evaluation::Decided(Decision::new(subject, PushVerdict::PerRef(refs)))
        }
        _ => Evaluation::Needs(needed),
    }
}

/// Why nothing can be decided now, whatever is asked; empty when something can.
pub fn obstacles(state: &State, now: Timestamp) -> Vec<UndecidedReason> {
    let stale =
        state.snapshot.as_ref().and_then(|snapshot| staleness(snapshot, state.max_snapshot_age?, now));
    let reasons = [
        state.policy.is_none().then_some(UndecidedReason::PolicyMissing),
        state.snapshot.is_none().then_some(UndecidedReason::SnapshotMissing),
        stale,
    ];
    reasons.into_iter().flatten().collect()
}

/// What there is to decide by, when it is whole and fresh enough.
fn integrity(state: &State, now: Timestamp) -> Result<(&Policy, &Snapshot), NonEmpty<UndecidedReason>> {
    if let Some(reasons) = NonEmpty::from_vec(obstacles(state, now)) {
        return Err(reasons);
    }
    match (state.policy.as_deref(), state.snapshot.as_ref()) {
        (Some(policy), Some(snapshot)) => Ok((policy, snapshot)),
        _ => Err(NonEmpty::one(UndecidedReason::PolicyMissing)),
    }
}

fn staleness(snapshot: &Snapshot, bound: Duration, now: Timestamp) -> Option<UndecidedReason> {
    // A directory from the future is as fresh as can be.
    let age = Duration::try_from(now.duration_since(snapshot.as_of())).unwrap_or_default();
    (age > bound).then_some(UndecidedReason::SourceStale { age, bound })
}
