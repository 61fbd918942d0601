//! What of canaries somebody must look at.

use std::time::{Duration, Instant};

use oam_policy::Repository;

use super::{
    Canaries, Outcome,
    state::{Last, Listing, State},
};

/// How many repositories an alarm names.
const NAMED: usize = 5;

impl Canaries {
    /// What somebody must look at now, a sentence each.
    pub fn alarms(&self, patience: Duration, now: Instant) -> Vec<String> {
        let state = self.state();
        let mut alarms = Vec::new();
        for (repository, last) in &state.tried {
            if let Outcome::Accepted { detail, .. } = &last.tried.outcome {
                alarms.push(format!(
                    "CHANGES ARE NOT CHECKED in {repository}: a forbidden branch went in there ({detail})."
                ));
            }
        }
        if let Some(named) = named(&state.lost()) {
            alarms.push(format!(
                "Bitbucket lists to the daemon's account no more, or never did: {named}. Were they deleted, or was its right taken away? \
                 Nothing proves that changes are checked there."
            ));
        }
        match state.silence(self.began, patience, now) {
            Some(silence) => alarms.push(silence),
            None => alarms
                .extend(named(&state.unknown_for(patience, now)).map(|named| {
                    format!("For long nothing has proved that changes are checked in {named}.")
                })),
        }
        alarms.extend(
            state
                .unkept
                .as_ref()
                .map(|why| format!("What came of canaries is forgotten when the daemon ends: {why}.")),
        );
        alarms
    }
}

/// A few of them, with why, and how many more there are.
fn named(all: &[(&Repository, Option<&Last>)]) -> Option<String> {
    // What became of a branch that went in was said already.
    let why = |last: &Last| match &last.tried.outcome {
        Outcome::Accepted { .. } => None,
        other => other.detail().map(str::to_owned),
    };
    let one = |(repository, last): &(&Repository, Option<&Last>)| match last.and_then(why) {
        Some(why) => format!("{repository} ({why})"),
        None => repository.to_string(),
    };
    let some: Vec<_> = all.iter().take(NAMED).map(one).collect();
    let more = match all.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    (!some.is_empty()).then(|| some.join(", ") + &more)
}

impl State {
    /// For how long nothing was proved.
    pub(super) fn unproven_for(&self, began: Instant, now: Instant) -> Duration {
        now.saturating_duration_since(self.proven.map_or(began, |(_, at)| at))
    }

    /// That nothing at all is proved for long.
    pub(super) fn silence(&self, began: Instant, patience: Duration, now: Instant) -> Option<String> {
        let age = self.unproven_for(began, now);
        (age > patience).then(|| {
            let minutes = age.as_secs() / 60;
            let why = self.why_unknown().unwrap_or_else(|| "none was tried".to_owned());
            format!("For {minutes} minutes nothing has proved that changes are checked: {why}.")
        })
    }

    /// What is listed no more, unless a canary was refused there since. What never was is one only when it was tried, and Bitbucket did
    /// not say that there is none: another git server may ask about it.
    fn lost(&self) -> Vec<(&Repository, Option<&Last>)> {
        let is_one = |listing: &Listing, last: Option<&Last>| {
            let refused = |since| last.is_some_and(|last| is_refused(last) && last.at > since);
            let is_news = listing.ever || last.is_some_and(|last| !last.is_gone);
            listing.lost.is_some_and(|since| !refused(since)) && is_news
        };
        let all =
            self.known.iter().map(|(repository, listing)| (repository, listing, self.tried.get(repository)));
        all.filter(|(_, listing, last)| is_one(listing, *last)).map(|(one, _, last)| (one, last)).collect()
    }

    /// Where it is unknown for long what comes of canaries: more than once, since one failure is none yet.
    fn unknown_for(&self, patience: Duration, now: Instant) -> Vec<(&Repository, Option<&Last>)> {
        let is_old = |last: &Last| {
            last.unknown.is_some_and(|(since, times)| {
                times > 1 && now.saturating_duration_since(since) > patience && !last.tried.outcome.went_in()
            })
        };
        let is_lost = |one: &Repository| self.known.get(one).is_some_and(|listing| listing.lost.is_some());
        let all = self.tried.iter().filter(|(repository, last)| is_old(last) && !is_lost(repository));
        all.map(|(repository, last)| (repository, Some(last))).collect()
    }

    fn why_unknown(&self) -> Option<String> {
        if self.trouble.is_some() {
            return self.trouble.clone();
        }
        let (repository, last) = self.tried.iter().max_by_key(|(_, last)| last.at)?;
        Some(format!("in {repository} {}", last.tried.outcome.detail().unwrap_or_default()))
    }
}

fn is_refused(last: &Last) -> bool {
    matches!(last.tried.outcome, Outcome::Refused { .. })
}
