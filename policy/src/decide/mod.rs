//! The one place where a verdict is made. Push, merge, dry run, explain, tests: all of them call [`decide`].
//!
//! What every decision goes through is marked `#[inline]`, here and where it looks things up: calling it took a quarter of the time.

mod approvals;
mod commits;
mod conditions;
mod doubted;
mod elevations;
mod freshness;
mod in_force;
mod judgement;
mod known;
mod leases;
mod moved;
mod needed;
mod one_ref;
mod paths;
mod people;
mod reached;
mod scope;
mod sieve;
mod signatures;
mod subject;
mod tally;
mod verdict;
mod waivers;
mod ways;

use std::sync::Arc;

use jiff::Timestamp;

pub use approvals::{Counted, Worth};
pub use elevations::ElevationUse;
pub use freshness::Freshness;
pub use in_force::NotInForce;
pub use judgement::Judgement;
pub(crate) use judgement::told;
pub use known::Lack;
pub use leases::LeaseUse;
pub use sieve::Sieve;
use subject::Barred;
pub use subject::{PrincipalKind, Subject};
pub use verdict::{Decision, Outcome, Permit, PushVerdict, RefDecision, Shadow, Verdict, WouldHave};
pub use waivers::{Lifted, WaiverUse};

use crate::{
    facts::{Facts, FactsNeeded},
    name::UsernameKey,
    nonempty::NonEmpty,
    reason::{RefusalReason, UndecidedReason},
    request::Request,
    rule::Policy,
    snapshot::Snapshot,
};
pub(crate) use conditions::Condition;
use doubted::Doubted;
use judgement::{Came, JudgedRef, JudgedRefs};
pub(crate) use known::Known;
pub(crate) use one_ref::OneRef;
pub(crate) use paths::{Part, Within};
pub(crate) use scope::{Given, Scope};

/// All that a decision rests on besides the question, the facts and the time.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The policy in force; `None` before the first one was loaded.
    pub policy: Option<Arc<Policy>>,
    /// The directory in force; `None` before the first one was loaded.
    pub snapshot: Option<Snapshot>,
    /// The sources that the decision rests on, as far as it matters how fresh they are.
    pub sources: Arc<[Freshness]>,
    /// The waivers that are in use.
    pub waivers: Arc<[WaiverUse]>,
    /// What people were given for a while.
    pub elevations: Arc<[ElevationUse]>,
    /// What jobs have leased, as far as it is not used up.
    pub leases: Arc<[LeaseUse]>,
    /// Of those who approved the pull request or what the pusher has for a while, the sources that know them, as far as it
    /// matters how fresh they are.
    pub approvers: Arc<[(UsernameKey, Box<[Freshness]>)]>,
}

impl State {
    /// The same with more waivers in use.
    pub(crate) fn with_waivers(&self, more: impl FnOnce(&Policy) -> Vec<WaiverUse>) -> Self {
        let more = self.policy.as_deref().map(more).unwrap_or_default();
        if more.is_empty() {
            return self.clone();
        }
        Self { waivers: self.waivers.iter().cloned().chain(more).collect(), ..self.clone() }
    }

    /// What verdicts by `policy` rest on.
    pub(crate) fn basis<'a>(&'a self, policy: &'a Policy) -> Basis<'a> {
        let Self { snapshot, waivers, elevations, leases, approvers, .. } = self;
        Basis { policy, snapshot: snapshot.as_ref(), waivers, elevations, leases, approvers }
    }
}

/// What a verdict on refs rests on, once it is known who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis<'a> {
    pub(crate) policy: &'a Policy,
    /// `None` where the question is about roles and nobody in particular.
    pub(crate) snapshot: Option<&'a Snapshot>,
    pub(crate) waivers: &'a [WaiverUse],
    pub(crate) elevations: &'a [ElevationUse],
    pub(crate) leases: &'a [LeaseUse],
    pub(crate) approvers: &'a [(UsernameKey, Box<[Freshness]>)],
}

/// What came of an attempt to decide.
#[derive(Debug, Clone)]
pub enum Evaluation {
    /// It is decided.
    Decided(Decision),
    /// These facts would settle it.
    Needs(FactsNeeded),
}

/// Decides `request`, with all that there is to tell about it, or says which facts it depends on. Total and pure.
pub fn decide(state: &State, request: &Request, facts: &Facts, now: Timestamp) -> Evaluation {
    judge(state, request, facts, now, told)
}

/// The same, as far as it takes to know the outcome: what is told follows from that, and is made only where `then` wants it.
pub fn judge<T>(
    state: &State,
    request: &Request,
    facts: &Facts,
    now: Timestamp,
    then: impl FnOnce(Judgement<'_, '_>) -> T,
) -> T {
    match integrity(state, now) {
        Ok((policy, snapshot)) => judge_in(&state.basis(policy), snapshot, request, facts, now, then),
        Err(reasons) => {
            let (subject, undecided) =
                (Subject::unresolved(&request.pusher), PushVerdict::Undecided(reasons));
            then(Judgement(Came::Whole(subject, undecided)))
        }
    }
}

/// Judges by a policy and a directory of any age.
#[inline]
pub(crate) fn judge_in<T>(
    basis: &Basis<'_>,
    snapshot: &Snapshot,
    request: &Request,
    facts: &Facts,
    now: Timestamp,
    then: impl FnOnce(Judgement<'_, '_>) -> T,
) -> T {
    let holders = basis.policy.holders(snapshot);
    match Subject::known(basis.policy, snapshot, &holders, &request.pusher) {
        Ok(subject) => judge_as(basis, &subject, request, facts, now, then),
        Err(barred) => {
            let Barred { subject, reason } = *barred;
            then(Judgement(Came::Whole(subject, PushVerdict::Refused(NonEmpty::one(reason)))))
        }
    }
}

/// Judges somebody who is known and may act; all verdicts on refs come from here.
#[inline]
pub(crate) fn judge_as<T>(
    basis: &Basis<'_>,
    subject: &Subject<'_>,
    request: &Request,
    facts: &Facts,
    now: Timestamp,
    then: impl FnOnce(Judgement<'_, '_>) -> T,
) -> T {
    if let Some(fault) = leases::fault(basis.leases, basis.policy, subject, facts.shown_lease(), now) {
        let refused = PushVerdict::Refused(NonEmpty::one(RefusalReason::LeaseNotAccepted(fault)));
        return then(Judgement(Came::Whole(subject.clone(), refused)));
    }
    let Some(doubted) = Doubted::of(basis, now) else {
        let scope = Scope::new(basis, subject, request, facts, now);
        return then(Judgement(each_ref(&scope, request, |one| one.judge())));
    };
    let with_all = Scope::new(basis, subject, request, facts, now);
    let sure = doubted.without(basis);
    let scope = Scope::new(&sure, subject, request, facts, now);
    then(Judgement(each_ref(&scope, request, |one| {
        let OneRef { index, update, .. } = one;
        doubted.weigh(one.judge(), &OneRef { scope: &with_all, index, update })
    })))
}

/// What comes of judging each ref update.
#[inline]
fn each_ref<'s, 'a>(
    scope: &'s Scope<'a>,
    request: &'a Request,
    judge: impl Fn(OneRef<'s, 'a>) -> Result<JudgedRef<'a>, FactsNeeded>,
) -> Came<'s, 'a> {
    let first = judge(OneRef { scope, index: 0, update: request.updates.first() });
    let (mut others, mut needed) = (Vec::new(), None::<FactsNeeded>);
    for (index, update) in (1..).zip(request.updates.others()) {
        match judge(OneRef { scope, index, update }) {
            Ok(one) => others.push(one),
            Err(more) => needed.get_or_insert_default().add(more),
        }
    }
    let (first, mut needed) = match (first, needed) {
        (Ok(first), None) => return Came::PerRef(scope, request, JudgedRefs { first, others }),
        (Ok(first), Some(needed)) => (Some(first), needed),
        (Err(mut more), needed) => {
            needed.into_iter().for_each(|needed| more.add(needed));
            (None, more)
        }
    };
    // A push is permitted if all its refs are: one that is refused settles it.
    let mut judged = first.iter().chain(&others);
    needed.refused_anyway = judged.any(|one| one.verdict.outcome() == Outcome::Refused);
    Came::Needs(needed.in_order())
}

/// Why nothing can be decided now, whatever is asked; empty when something can.
pub fn obstacles(state: &State, now: Timestamp) -> Vec<UndecidedReason> {
    let missing = [
        state.policy.is_none().then_some(UndecidedReason::PolicyMissing),
        state.snapshot.is_none().then_some(UndecidedReason::SnapshotMissing),
    ];
    // Where there is no directory, its sources are no second reason.
    let sources = state.snapshot.iter().flat_map(|_| state.sources.iter());
    missing.into_iter().flatten().chain(sources.filter_map(|source| source.staleness(now))).collect()
}

/// What there is to decide by, when it is whole and fresh enough.
#[inline]
fn integrity(state: &State, now: Timestamp) -> Result<(&Policy, &Snapshot), NonEmpty<UndecidedReason>> {
    match (state.policy.as_deref(), state.snapshot.as_ref()) {
        (Some(policy), Some(snapshot)) if !state.sources.iter().any(|source| source.is_stale(now)) => {
            Ok((policy, snapshot))
        }
        _ => {
            let missing = || NonEmpty::one(UndecidedReason::PolicyMissing);
            Err(NonEmpty::from_vec(obstacles(state, now)).unwrap_or_else(missing))
        }
    }
}
