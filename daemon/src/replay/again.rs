//! One push, decided again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oam_audit::entry::{self, Update};
use oam_policy::{Decision, Evaluation, Facts, Request, State, decide};

use super::{
    judgement::Judgement,
    recorded::{self, Recorded},
    tally::Untold,
};
use crate::authorize::record;

/// How often a decision may ask for facts of another kind. There are only so many kinds.
const ROUNDS: usize = 8;

/// A push as the log writes it, whether it was recorded or is decided again.
#[derive(Debug)]
pub(super) struct Judged {
    /// The reasons that concern the whole.
    pub(super) reasons: Vec<entry::Reason>,
    /// One for each update, in order.
    pub(super) updates: Vec<Update>,
    /// The updates that cannot be told, and why. What stands in `updates` for them means nothing.
    pub(super) untold: BTreeMap<usize, Untold>,
}

impl Judged {
    /// As it was recorded. Where a source was silent then, nobody can tell what would have been decided otherwise.
    pub(super) fn then(recorded: &Recorded) -> Self {
        let decision = &recorded.decision;
        let stale = |update| Some(Untold::UndecidedThen(recorded.stale(update)?.to_owned()));
        let untold = decision.updates.iter().enumerate();
        let untold = untold.filter_map(|(place, update)| Some((place, stale(update)?))).collect();
        Self { reasons: decision.reasons.clone(), updates: decision.updates.clone(), untold }
    }

    /// How the update at this place is judged; nothing when it cannot be told.
    pub(super) fn judgement(&self, place: usize) -> Option<Judgement> {
        let update = self.updates.get(place).filter(|_| !self.untold.contains_key(&place))?;
        Some(Judgement::of(&self.reasons, update))
    }
}

/// Decides `request` by `state`. Updates that need a fact which was not recorded cannot be told; the others can.
pub(super) fn again(
    state: &State,
    request: &Request,
    facts: &Facts,
    at: Timestamp,
) -> Result<(Judged, Decision), Untold> {
    let mut facts = facts.clone();
    let mut untold = BTreeMap::new();
    for _ in 0..ROUNDS {
        match decide(state, request, &facts, at) {
            Evaluation::Decided(decision) => {
                let reasons = record::reasons(&decision);
                let updates = record::updates(request, &decision, &facts).collect();
                return Ok((Judged { reasons, updates, untold }, decision));
            }
            Evaluation::Needs(needed) => {
                let (known, places, lacks) = recorded::without(facts, &needed);
                facts = known;
                untold.extend(places.into_iter().map(|place| (place, Untold::NotRecorded(lacks))));
            }
        }
    }
    Err(Untold::NotRecorded("facts-not-recorded"))
}
