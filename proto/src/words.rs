use oam_policy::{
    Decision, NonEmpty, Outcome, Request, UndecidedReason, Verdict,
    decide::{PushVerdict, RefDecision},
    words::{self, Words},
};

use crate::{limits, v1};

/// The message for a decision, with its words.
pub fn decision_to_wire(
    decision: &Decision,
    request: &Request,
    decision_id: &str,
    contact: Option<&str>,
) -> v1::Decision {
    let (reasons, refs) = match decision.verdict() {
        PushVerdict::Refused(reasons) => (said(reasons, |reason| words::of_refusal(reason, None)), None),
        PushVerdict::Undecided(reasons) => (said(reasons, words::of_undecided), None),
        PushVerdict::PerRef(refs) => (Vec::new(), Some(refs)),
    };
    let not_permitted = || {
        let all = refs.iter().flat_map(|refs| refs.iter()).zip(request.updates.iter());
        all.filter(|(decided, _)| decided.verdict.outcome() != Outcome::Permitted)
    };
    let everything = if reasons.is_empty() { not_permitted().count() } else { request.updates.len() };
    v1::Decision {
        outcome: outcome(decision.outcome()) as i32,
        decision_id: decision_id.to_owned(),
        username: decision.subject().username.as_str().to_owned(),
        roles: decision.subject().roles().map(ToString::to_string).collect(),
        reasons,
        refs: not_permitted()
            .take(limits::REFS_DESCRIBED)
            .map(|(decided, update)| ref_verdict(decided, update))
            .collect(),
        refs_not_permitted: everything as u64,
        refs_total: request.updates.len() as u64,
        contact: contact.unwrap_or_default().to_owned(),
        notices: words::notices(decision),
    }
}

/// Why nothing can be decided, with its words.
pub fn undecided_to_wire(reasons: &NonEmpty<UndecidedReason>) -> Vec<v1::Reason> {
    said(reasons, words::of_undecided)
}

fn ref_verdict(decided: &RefDecision, update: &oam_policy::RefUpdate) -> v1::RefVerdict {
    let reasons = match &decided.verdict {
        Verdict::Permitted(_) => Vec::new(),
        Verdict::Refused(reasons) => said(reasons, |reason| words::of_refusal(reason, Some(&update.name))),
        Verdict::Undecided(reasons) => said(reasons, words::of_undecided),
    };
    v1::RefVerdict {
        name: update.name.as_bytes().to_vec(),
        outcome: outcome(decided.verdict.outcome()) as i32,
        verb: decided.verb.map(|verb| verb.as_str().to_owned()).unwrap_or_default(),
        reasons,
    }
}

fn said<R>(reasons: &NonEmpty<R>, words: impl Fn(&R) -> Words) -> Vec<v1::Reason> {
    let to_wire = |words: Words| v1::Reason {
        code: words.code.to_owned(),
        rule: words.rule.map(|rule| rule.to_string()).unwrap_or_default(),
        summary: words.summary,
        hint: words.hint.unwrap_or_default(),
    };
    reasons.iter().map(|reason| to_wire(words(reason))).collect()
}

fn outcome(outcome: Outcome) -> v1::Outcome {
    match outcome {
        Outcome::Permitted => v1::Outcome::Permitted,
        Outcome::Refused => v1::Outcome::Refused,
        Outcome::Undecided => v1::Outcome::Undecided,
    }
}
