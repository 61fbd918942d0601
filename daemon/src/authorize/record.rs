//! How the log writes a decision. Replay writes its own so too, and compares the two.

use std::collections::BTreeSet;

use oam_audit::entry::{self, EncodeError, Event, PrivilegeUsed, RefBytes};
use oam_policy::{
    Decision, NonEmpty, ObjectId, Outcome, RefChange, RefDecision, RefUpdate, RefusalReason, Request,
    UndecidedReason, Verb, Verdict,
    decide::{Lifted, PrincipalKind, PushVerdict, WouldHave},
    facts::{Ancestry, Facts, UpdateIndex},
};
use thiserror::Error;

use super::{Question, Unrecorded, approvals, histories::Room};
use crate::{
    audit_log::{AppendError, Appended},
    privilege,
    service::Live,
};

/// Why a decision is not in the log.
#[derive(Debug, Error)]
pub(super) enum RecordError {
    /// It does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The log did not take it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Appends the whole decision; durable when it returns.
pub(super) async fn append(
    live: &Live,
    question: &Question,
    facts: &Facts,
    unrecorded: &Unrecorded,
    id: &str,
) -> Result<Appended, RecordError> {
    let updates = updates(&question.request, &unrecorded.decision, facts);
    let mut batch = live.audit.decision(head(question, facts, unrecorded, id), updates)?;
    for lease in &unrecorded.leases {
        batch = batch.and(&Event::PrivilegeUsed(PrivilegeUsed {
            id: lease.to_string(),
            by: question.request.pusher.as_str().to_owned(),
            decision: id.to_owned(),
        }))?;
    }
    Ok(live.audit.append(batch).await?)
}

fn head(question: &Question, facts: &Facts, unrecorded: &Unrecorded, id: &str) -> entry::Decision {
    let Unrecorded { decision, state, at, .. } = unrecorded;
    let subject = decision.subject();
    let channel = question.request.channel;
    entry::Decision {
        decision: id.to_owned(),
        asked_by: question.asked_by.clone(),
        channel: channel.as_str().to_owned(),
        dry_run: channel.is_dry_run(),
        repository: question.request.repository.to_string(),
        principal: question.request.pusher.as_str().to_owned(),
        principal_kind: principal_kind(subject.kind),
        roles: roles(decision),
        policy: state.policy.as_ref().map(|policy| policy.digest().to_string()),
        snapshot: state.snapshot.as_ref().map(|snapshot| entry::SnapshotUsed {
            generation: snapshot.version().generation,
            digest: snapshot.version().digest.to_string(),
            age_ms: u64::try_from(at.duration_since(snapshot.as_of()).as_millis()).unwrap_or_default(),
        }),
        privileges: privilege::held(state),
        pull_request: approvals::of(question.pull_request, facts, decision),
        outcome: outcome(decision.outcome()),
        reasons: reasons(decision),
        update_count: 0,
        updates: Vec::new(),
        parts: 0,
        elapsed_us: u64::try_from(question.received.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}

/// The roles that were held.
pub(crate) fn roles(decision: &Decision) -> BTreeSet<String> {
    decision.subject().roles().map(ToString::to_string).collect()
}

/// The reasons that concern the whole, not one update.
pub(crate) fn reasons(decision: &Decision) -> Vec<entry::Reason> {
    match decision.verdict() {
        PushVerdict::Refused(reasons) => refusals(reasons),
        PushVerdict::Undecided(reasons) => hindrances(reasons),
        PushVerdict::PerRef(_) => Vec::new(),
    }
}

/// Every ref update, also when who asks was reason enough and no ref was looked at.
pub(crate) fn updates<'a>(
    request: &'a Request,
    decision: &'a Decision,
    facts: &'a Facts,
) -> impl Iterator<Item = entry::Update> + 'a {
    let whole = decision.outcome();
    let per_ref: Vec<_> = match decision.verdict() {
        PushVerdict::PerRef(refs) => refs.iter().collect(),
        PushVerdict::Refused(_) | PushVerdict::Undecided(_) => Vec::new(),
    };
    let mut room = Room::of_decision();
    request.updates.iter().enumerate().map(move |(index, update)| match per_ref.get(index) {
        Some(decided) => {
            let (histories, histories_left_out) = room.histories(facts, index, &update.name);
            entry::Update { histories, histories_left_out, ..judged(update, decided, facts, index) }
        }
        None => unjudged(update, whole),
    })
}

fn judged(update: &RefUpdate, decided: &RefDecision, facts: &Facts, index: UpdateIndex) -> entry::Update {
    let permit = match &decided.verdict {
        Verdict::Permitted(permit) => Some(permit),
        Verdict::Refused(_) | Verdict::Undecided(_) => None,
    };
    let lifted: Vec<_> = permit.iter().flat_map(|permit| permit.lifted()).map(lifted_rule).collect();
    let by = permit.and_then(|permit| permit.elevation());
    let beside = permit.iter().flat_map(|permit| permit.given()).filter(|id| Some(*id) != by);
    let reasons = match &decided.verdict {
        Verdict::Permitted(_) => Vec::new(),
        Verdict::Refused(reasons) => refusals(reasons),
        Verdict::Undecided(reasons) => hindrances(reasons),
    };
    let shadow = decided.shadow.iter().map(|shadow| entry::Shadow {
        rule: shadow.rule.to_string(),
        would: match shadow.would {
            WouldHave::Granted => entry::Outcome::Permitted,
            WouldHave::Blocked => entry::Outcome::Refused,
            WouldHave::Unclear => entry::Outcome::Undecided,
        },
    });
    entry::Update {
        verb: decided.verb.and_then(verb),
        fast_forward: match facts.ancestry(index) {
            Some(Ancestry::FastForward) => Some(true),
            Some(Ancestry::Diverged) => Some(false),
            Some(Ancestry::Unreadable { .. }) | None => None,
        },
        ancestry_unreadable: matches!(facts.ancestry(index), Some(Ancestry::Unreadable { .. })),
        outcome: outcome(decided.verdict.outcome()),
        grant: permit.map(|permit| permit.grant().to_string()),
        other_grants: permit
            .iter()
            .flat_map(|permit| permit.other_grants())
            .map(ToString::to_string)
            .collect(),
        privilege: by.map(ToString::to_string),
        privileges_beside: beside.map(ToString::to_string).collect(),
        waiver: lifted.first().map(|lifted: &entry::Lifted| lifted.waiver.clone()),
        lifted,
        reasons,
        shadow: shadow.collect(),
        ..unjudged(update, decided.verdict.outcome())
    }
}

fn lifted_rule(lifted: &Lifted) -> entry::Lifted {
    entry::Lifted {
        rule: lifted.rule.to_string(),
        waiver: lifted.waiver.to_string(),
        privilege: lifted.by.as_ref().map(ToString::to_string),
    }
}

fn unjudged(update: &RefUpdate, whole: Outcome) -> entry::Update {
    entry::Update {
        name: RefBytes::from(update.name.as_bytes()),
        change: change(&update.change),
        verb: None,
        fast_forward: None,
        outcome: outcome(whole),
        grant: None,
        privilege: None,
        privileges_beside: Vec::new(),
        waiver: None,
        lifted: Vec::new(),
        ancestry_unreadable: false,
        other_grants: Vec::new(),
        histories: Vec::new(),
        histories_left_out: 0,
        reasons: Vec::new(),
        shadow: Vec::new(),
    }
}

/// How the log writes a change.
pub(crate) fn change(change: &RefChange) -> entry::Change {
    match change {
        RefChange::Create { new } => entry::Change::Create { new: new.to_string() },
        RefChange::Move { old, new } => entry::Change::Move { old: old.to_string(), new: new.to_string() },
        RefChange::Delete { old } => entry::Change::Delete { old: old.to_string() },
        RefChange::Merge { onto, from } => {
            entry::Change::WouldMerge { old: onto.to_string(), from: from.as_ref().map(ObjectId::to_string) }
        }
    }
}

fn refusals(reasons: &NonEmpty<RefusalReason>) -> Vec<entry::Reason> {
    let written = |reason: &RefusalReason| entry::Reason {
        code: reason.code().to_owned(),
        rule: reason.rule().map(ToString::to_string),
    };
    reasons.iter().map(written).collect()
}

fn hindrances(reasons: &NonEmpty<UndecidedReason>) -> Vec<entry::Reason> {
    reasons.iter().map(|reason| entry::Reason { code: reason.code().to_owned(), rule: None }).collect()
}

pub(crate) fn outcome(outcome: Outcome) -> entry::Outcome {
    match outcome {
        Outcome::Permitted => entry::Outcome::Permitted,
        Outcome::Refused => entry::Outcome::Refused,
        Outcome::Undecided => entry::Outcome::Undecided,
    }
}

pub(crate) fn principal_kind(kind: PrincipalKind) -> entry::PrincipalKind {
    match kind {
        PrincipalKind::User => entry::PrincipalKind::User,
        PrincipalKind::Service => entry::PrincipalKind::Service,
        PrincipalKind::Unknown => entry::PrincipalKind::Unknown,
    }
}

/// `read` and `admin` decide no push.
fn verb(verb: Verb) -> Option<entry::Verb> {
    match verb {
        Verb::Create => Some(entry::Verb::Create),
        Verb::Update => Some(entry::Verb::Update),
        Verb::Force => Some(entry::Verb::Force),
        Verb::Delete => Some(entry::Verb::Delete),
        Verb::Read | Verb::Admin => None,
    }
}
