//! The first door: `decide` itself, told what it asks for.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use oam_policy::{
    Decision, Evaluation, Facts, NonEmpty, ObjectId, RefChange, RefUpdate, RefusalReason, Request, Snapshot,
    State, UndecidedReason, Username, Verb, Verdict as RefVerdict, decide,
    decide::PushVerdict,
    snapshot::{Revocation, file as directory},
    words,
};

use crate::{
    answer::{Answer, Reason, Verdict},
    case::Case,
    file::CaseFile,
    value::Line,
};

/// What a case file says, in force.
pub(crate) fn state(file: &CaseFile, now: Timestamp) -> State {
    let snapshot = file.directory().map(|text| {
        let directory = directory::parse_json("people", &text).unwrap_or_else(|faults| panic!("{faults}"));
        let snapshot = Snapshot::of_directory(1, now, &directory, BTreeMap::new()).expect("a directory");
        file.cut_off().fold(snapshot, |snapshot, name| {
            let revocation = Revocation { at: now, by: "an administrator".into(), reason: "a case".into() };
            snapshot.revoke(&Username::parse(name).expect("a username").key(), revocation)
        })
    });
    State { policy: Some(Arc::new(file.policy(now))), snapshot, ..State::default() }
}

/// What `decide` makes of a case.
pub(crate) struct Decided {
    pub(crate) answer: Answer,
    /// What the rules in evaluate mode would have done.
    pub(crate) would: Vec<Reason>,
    /// The rules that waivers lifted: `freeze:hotfix`.
    pub(crate) lifted: Vec<String>,
}

/// Decides a case.
pub(crate) fn ask(state: &State, case: &Case, now: Timestamp) -> Decided {
    let now = case.at.as_ref().map_or(now, |at| at.0);
    let (waivers, elevations) = (case.waivers(now).into(), case.elevations(now).into());
    let leases = state.policy.as_deref().map(|policy| case.leases(policy, now)).unwrap_or_default().into();
    let state = State { waivers, elevations, leases, ..state.clone() };
    let decision = decision(&state, case, now);
    let of_person = |one: Verdict| vec![one; case.lines().len()];
    let (refs, per_ref) = match decision.verdict() {
        PushVerdict::Refused(reasons) => (of_person(refused(reasons)), None),
        PushVerdict::Undecided(reasons) => (of_person(undecided(reasons)), None),
        PushVerdict::PerRef(refs) => (refs.iter().map(|one| verdict(&one.verdict)).collect(), Some(refs)),
    };
    let per_ref = || per_ref.iter().flat_map(|refs| refs.iter());
    let would = per_ref().flat_map(|one| &one.shadow);
    let lifted = per_ref().flat_map(|one| match &one.verdict {
        RefVerdict::Permitted(permit) => permit.lifted(),
        RefVerdict::Refused(_) | RefVerdict::Undecided(_) => &[],
    });
    Decided {
        answer: Answer { refs, text: text(&decision, case) },
        would: would.map(|one| Reason::new(one.would.as_str(), one.rule.as_str())).collect(),
        lifted: lifted.map(|one| format!("{}:{}", one.rule, one.waiver)).collect(),
    }
}

/// How often facts may be asked for: what is told can make others matter.
const ROUNDS: usize = 8;

/// Asks as the daemon does: without a fact at first, and then with those that are needed.
fn decision(state: &State, case: &Case, now: Timestamp) -> Decision {
    let request = request(case);
    let mut facts = Facts::none();
    if let Some(shown) = case.shown_lease() {
        facts.learn_shown_lease(shown);
    }
    for _ in 0..ROUNDS {
        match decide(state, &request, &facts, now) {
            Evaluation::Decided(decision) => return decision,
            Evaluation::Needs(needed) => case.tell(&needed, &mut facts),
        }
    }
    panic!("facts are asked for that were told: {facts:?}");
}

/// The question, with made-up object ids.
pub(crate) fn request(case: &Case) -> Request {
    let updates = case.lines().iter().map(|line| update(case, line)).collect();
    Request {
        repository: case.repository().clone(),
        pusher: case.who.0.clone(),
        channel: case.channel(),
        updates: NonEmpty::from_vec(updates).expect("a push of something"),
    }
}

fn update(case: &Case, line: &Line) -> RefUpdate {
    let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha1([2; 20]));
    let change = match line.verb {
        _ if case.channel().is_dry_run() => RefChange::Merge { onto: old, from: Some(new) },
        Verb::Create => RefChange::Create { new },
        Verb::Delete => RefChange::Delete { old },
        Verb::Update | Verb::Force | Verb::Read | Verb::Admin => RefChange::Move { old, new },
    };
    RefUpdate { name: line.name.clone(), change }
}

fn verdict(decided: &RefVerdict) -> Verdict {
    match decided {
        RefVerdict::Permitted(permit) => Verdict::Permitted(Some(permit.grant().to_string())),
        RefVerdict::Refused(reasons) => refused(reasons),
        RefVerdict::Undecided(reasons) => undecided(reasons),
    }
}

fn refused(reasons: &NonEmpty<RefusalReason>) -> Verdict {
    let rule = |reason: &RefusalReason| reason.rule().map(ToString::to_string).unwrap_or_default();
    Verdict::Refused(reasons.iter().map(|reason| Reason::new(reason.code(), &rule(reason))).collect())
}

fn undecided(reasons: &NonEmpty<UndecidedReason>) -> Verdict {
    Verdict::Undecided(reasons.iter().map(|reason| Reason::new(reason.code(), "")).collect())
}

/// The words for everything that is not permitted.
fn text(decision: &Decision, case: &Case) -> String {
    let words: Vec<_> = match decision.verdict() {
        PushVerdict::Refused(reasons) => reasons.iter().map(|one| words::of_refusal(one, None)).collect(),
        PushVerdict::Undecided(reasons) => reasons.iter().map(words::of_undecided).collect(),
        PushVerdict::PerRef(refs) => {
            let said = |(one, line): (&oam_policy::RefDecision, &Line)| match &one.verdict {
                RefVerdict::Permitted(_) => Vec::new(),
                RefVerdict::Refused(reasons) => {
                    reasons.iter().map(|one| words::of_refusal(one, Some(&line.name))).collect()
                }
                RefVerdict::Undecided(reasons) => reasons.iter().map(words::of_undecided).collect(),
            };
            refs.iter().zip(case.lines()).flat_map(said).collect()
        }
    };
    words.iter().map(|words| format!("{} {}\n", words.summary, words.hint.as_deref().unwrap_or(""))).collect()
}
