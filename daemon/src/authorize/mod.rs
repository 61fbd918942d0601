//! From a question to a recorded answer: the one path that every decision takes.
//!
//! The order matters: decide, make the entry durable, answer. What could not be recorded is not answered with a
//! verdict (invariant 1).

pub(crate) mod approvals;
mod histories;
pub(crate) mod record;

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use jiff::Timestamp;
use oam_audit::entry::AskedBy;
use oam_policy::{
    Decision, Evaluation, Facts, Merging, Outcome, PrivilegeId, Request, State, UndecidedReason, Verdict,
    decide,
    decide::PushVerdict,
    facts::{FactsNeeded, ShownLease},
};
use oam_proto::{decision_to_wire, v1};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::service::Live;

/// A push that is being decided.
#[derive(Debug)]
pub struct Question {
    /// What is asked.
    pub request: Request,
    /// The pull request that is merged or looked at, where the git server says which.
    pub pull_request: Option<Merging>,
    /// The lease whose token the push shows.
    pub shown_lease: Option<ShownLease>,
    /// Who asks, as the connection knows them.
    pub asked_by: AskedBy,
    /// When the question was whole.
    pub received: Instant,
}

/// What came of one attempt.
#[derive(Debug)]
pub enum Attempt {
    /// Decided, and not yet recorded.
    Decided(Box<Unrecorded>),
    /// These facts are wanted first.
    Needs(FactsNeeded),
}

/// A decision that nobody has been told, with all that it rests on.
#[derive(Debug)]
pub struct Unrecorded {
    decision: Decision,
    state: State,
    at: Timestamp,
    /// The leases that it takes a use of, taken.
    leases: Vec<PrivilegeId>,
}

/// A decision that nobody can take the leases from that it rests on.
#[derive(Debug)]
pub struct Claimed {
    id: String,
    unrecorded: Unrecorded,
}

/// Takes the uses of leases that a decision rests on: of all of them or of none. `None`: another push took the last one
/// of some, or it ended, since this was decided; then it must be decided anew. A use that was taken is not given back,
/// whatever becomes of the push.
pub fn claim(live: &Live, question: &Question, unrecorded: Unrecorded) -> Option<Claimed> {
    let id = Uuid::now_v7().to_string();
    let permits = unrecorded.outcome() == Outcome::Permitted && !question.request.channel.is_dry_run();
    let leases = match permits {
        true => live.privileges.take(used(&unrecorded.decision), &id)?,
        false => Vec::new(),
    };
    Some(Claimed { id, unrecorded: Unrecorded { leases, ..unrecorded } })
}

impl Unrecorded {
    /// What was decided of the whole.
    pub fn outcome(&self) -> Outcome {
        self.decision.outcome()
    }
}

/// Decides by the policy and directory in force at this moment.
pub fn attempt(live: &Live, question: &Question, facts: &Facts) -> Attempt {
    let state = live.state_of(&question.request);
    let counting = state.leases.iter().filter(|lease| lease.counts_with(facts.shown_lease()));
    // What cannot count is none of what it rests on, and is not recorded as that.
    let leases = counting.cloned().collect();
    let state = live.with_approvers(State { leases, ..state }, facts);
    match by_every_clock(live, state, &question.request, facts) {
        (Evaluation::Decided(decision), at, state) => {
            Attempt::Decided(Box::new(Unrecorded { decision, state, at, leases: Vec::new() }))
        }
        (Evaluation::Needs(needed), ..) => Attempt::Needs(needed),
    }
}

/// The decision, and the time and the state that it is by: the time is that of the machine's clock. While that is behind a time which has been already,
/// nothing is permitted but what would be at that time as well: a clock that was set back revives no grant that was over,
/// and lifts no block that had begun.
fn by_every_clock(
    live: &Live,
    state: State,
    request: &Request,
    facts: &Facts,
) -> (Evaluation, Timestamp, State) {
    let clock = live.privileges.clock();
    let at = clock.of_the_machine();
    let decided = decide(&state, request, facts, at);
    let Some(latest) = clock.ahead().filter(|_| is_permitted(&decided)) else { return (decided, at, state) };
    // How old a source is does not depend on what the clock said meanwhile.
    let ageless = State { sources: Arc::default(), approvers: Arc::default(), ..state.clone() };
    // And what the pusher has for a while began by that time.
    let by_then = live.privileges.by_own_beginning(ageless);
    let then = decide(&by_then, request, facts, latest);
    if is_permitted(&then) { (decided, at, state) } else { (then, latest, by_then) }
}

fn is_permitted(evaluation: &Evaluation) -> bool {
    matches!(evaluation, Evaluation::Decided(decision) if decision.outcome() == Outcome::Permitted)
}

/// Records a decision that was made by `facts`, and then gives the answer, with the span that everything logged about the push belongs to. A dry
/// run changes nothing, and is asked each time that somebody looks at a page: it is counted, and not recorded as a push.
pub async fn record(
    live: &Live,
    question: &Question,
    facts: &Facts,
    claimed: Claimed,
) -> (v1::Decision, Span) {
    let Claimed { id, unrecorded } = claimed;
    let span = span(&id, question, &unrecorded);
    let decision = record_as(&id, live, question, facts, unrecorded).instrument(span.clone()).await;
    (decision, span)
}

/// Everything that is logged about one push carries these.
fn span(id: &str, question: &Question, unrecorded: &Unrecorded) -> Span {
    tracing::info_span!(
        "push",
        decision_id = %id,
        repository = %question.request.repository,
        user = %question.request.pusher,
        snapshot = unrecorded.state.snapshot.as_ref().map(|snapshot| snapshot.version().generation),
        refs = question.request.updates.len(),
    )
}

async fn record_as(
    id: &str,
    live: &Live,
    question: &Question,
    facts: &Facts,
    unrecorded: Unrecorded,
) -> v1::Decision {
    let contact = unrecorded.state.policy.as_ref().and_then(|policy| policy.contact().map(str::to_owned));
    let channel = question.request.channel;
    let decision = if channel.is_dry_run() {
        unrecorded.decision
    } else {
        let recorded = record::append(live, question, facts, &unrecorded, id).await;
        // What does not fit says nothing of the log.
        live.audit_took_it(!matches!(recorded, Err(record::RecordError::Append(_))));
        match recorded {
            Ok(_) => {
                remember(id, live, question, &unrecorded.decision);
                live.canaries.decided(id, &question.request, &unrecorded.decision);
                unrecorded.decision
            }
            Err(error) => {
                tracing::error!(%error, "a decision could not be recorded, so it was not given");
                unrecorded.decision.withheld(UndecidedReason::AuditUnavailable)
            }
        }
    };
    live.metrics.decided(&decision, channel, question.received.elapsed());
    decision_to_wire(&decision, &question.request, id, contact.as_deref())
}

/// Hooks report later what git applied: then it is known what was permitted.
fn remember(id: &str, live: &Live, question: &Question, decision: &Decision) {
    if decision.outcome() != Outcome::Permitted {
        return;
    }
    let Request { repository, pusher, updates, .. } = &question.request;
    let updates =
        updates.iter().map(|update| (update.name.as_bytes().into(), record::change(&update.change)));
    live.permits.add(id, repository.as_str(), pusher.as_str(), updates);
    live.privileges.used(used(decision));
}

/// What the pusher has for a while, as far as it made the difference.
fn used(decision: &Decision) -> BTreeSet<&PrivilegeId> {
    let PushVerdict::PerRef(refs) = decision.verdict() else { return BTreeSet::new() };
    let permits = refs.iter().filter_map(|one| match &one.verdict {
        Verdict::Permitted(permit) => Some(permit),
        Verdict::Refused(_) | Verdict::Undecided(_) => None,
    });
    permits
        .flat_map(|permit| permit.lifted().iter().filter_map(|one| one.by.as_ref()).chain(permit.given()))
        .collect()
}
