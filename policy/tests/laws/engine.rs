//! What the engine says, in the words of the naive implementation.

use std::{collections::BTreeSet, sync::Arc};

use oam_policy::{
    Decision, Evaluation, Facts, RefusalReason, State, Verdict, decide,
    decide::{LeaseUse, PushVerdict, RefDecision},
    facts::{FactsNeeded, LeaseFault, ShownLease},
    judge,
};

use crate::{
    leased::id,
    oracle::{Outcome, Reason},
    truth::Hook,
    world::{Push, Shown, World},
    written::moment,
};

/// A world made ready to be decided by.
pub(crate) struct Engine<'a> {
    pub(crate) world: &'a World,
    pub(crate) state: State,
}

/// More questions than any push has answers.
const MOST_ROUNDS: usize = 8;

impl<'a> Engine<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, state: world.state() }
    }

    pub(crate) fn evaluate(&self, push: &Push, facts: &Facts) -> Evaluation {
        let state = State { leases: self.leases(push), ..self.state.clone() };
        let mut facts = facts.clone();
        if let Some(shown) = self.world.shown {
            facts.learn_shown_lease(match shown {
                Shown::Of(number) => ShownLease::Of(id(number)),
                Shown::Not(code) => ShownLease::NotAccepted(LeaseFault::parse(code).unwrap()),
            });
        }
        let (request, now) = (push.request(), moment(push.now));
        let evaluation = decide(&state, &request, &facts, now);
        let outcome = match &evaluation {
            Evaluation::Decided(decision) => Some(decision.outcome()),
            Evaluation::Needs(_) => None,
        };
        let judged = judge(&state, &request, &facts, now, |judged| judged.outcome());
        assert_eq!(judged, outcome, "what is judged is what is told");
        evaluation
    }

    /// What jobs have leased when they push.
    pub(crate) fn leases(&self, push: &Push) -> Arc<[LeaseUse]> {
        let leased = self.world.leased.iter().enumerate().map(|(number, one)| one.made(number, push.now));
        self.state.leases.iter().cloned().chain(leased).collect()
    }

    /// All facts at once.
    pub(crate) fn all_facts(&self, push: &Push) -> Facts {
        let hook = Hook::new(self.world, push);
        let mut facts = Facts::none();
        hook.tell(&mut facts, &hook.everything(self.state.policy.as_ref().unwrap()));
        facts
    }

    /// Decides a push of which everything is known that can be.
    pub(crate) fn knowing_all(&self, push: &Push) -> Decision {
        decided(self.evaluate(push, &self.all_facts(push)))
    }

    /// Decides a push as the daemon does, which asks for what is needed and no more.
    pub(crate) fn asking(&self, push: &Push) -> Asked {
        let hook = Hook::new(self.world, push);
        let (mut facts, mut asked) = (Facts::none(), Vec::new());
        while asked.len() < MOST_ROUNDS {
            match self.evaluate(push, &facts) {
                Evaluation::Decided(decision) => return Asked { decision, asked },
                Evaluation::Needs(needed) => {
                    assert!(!needed.is_empty(), "it asks for nothing");
                    hook.tell(&mut facts, &needed);
                    asked.push(needed);
                }
            }
        }
        panic!("it asks for ever: {asked:?}");
    }

    pub(crate) fn outcome(&self, push: &Push) -> Outcome {
        outcome(&self.knowing_all(push))
    }
}

/// A decision, with all that was asked on the way to it.
pub(crate) struct Asked {
    pub(crate) decision: Decision,

    pub(crate) asked: Vec<FactsNeeded>,
}

pub(crate) fn decided(evaluation: Evaluation) -> Decision {
    match evaluation {
        Evaluation::Decided(decision) => decision,
        Evaluation::Needs(needed) => panic!("everything was told, and it needs {needed:?}"),
    }
}

pub(crate) fn outcome(decision: &Decision) -> Outcome {
    of(decision.outcome())
}

fn of(outcome: oam_policy::Outcome) -> Outcome {
    match outcome {
        oam_policy::Outcome::Permitted => Outcome::Permitted,
        oam_policy::Outcome::Undecided => Outcome::Undecided,
        oam_policy::Outcome::Refused => Outcome::Refused,
    }
}

/// Why it is refused whatever the refs, if it is.
pub(crate) fn rejection(decision: &Decision) -> Option<BTreeSet<Reason>> {
    match decision.verdict() {
        PushVerdict::Refused(reasons) => Some(reasons.iter().map(reason).collect()),
        PushVerdict::Undecided(reasons) => panic!("undecided whatever the refs: {reasons:?}"),
        PushVerdict::PerRef(_) => None,
    }
}

pub(crate) fn refs(decision: &Decision) -> Vec<&RefDecision> {
    match decision.verdict() {
        PushVerdict::PerRef(refs) => refs.iter().collect(),
        other => panic!("decided whatever the refs: {other:?}"),
    }
}

pub(crate) fn answer(verdict: &Verdict) -> (Outcome, BTreeSet<Reason>) {
    let reasons = match verdict {
        Verdict::Refused(reasons) => reasons.iter().map(reason).collect(),
        Verdict::Permitted(_) | Verdict::Undecided(_) => BTreeSet::new(),
    };
    (of(verdict.outcome()), reasons)
}

fn reason(reason: &RefusalReason) -> Reason {
    (reason.code(), reason.rule().map(ToString::to_string))
}

/// Why nothing could be decided, whatever the refs.
pub(crate) fn hindrances(decision: &Decision) -> Vec<&'static str> {
    match decision.verdict() {
        PushVerdict::Undecided(reasons) => reasons.iter().map(oam_policy::UndecidedReason::code).collect(),
        PushVerdict::Refused(_) | PushVerdict::PerRef(_) => Vec::new(),
    }
}
