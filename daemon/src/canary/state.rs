use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::CanaryOutcome;
use oam_bitbucket::Branch;
use oam_policy::{CANARIES, Decision, RefName, Repository, Request};

/// How many repositories are remembered by their last decision.
const REMEMBERED: usize = 50_000;

/// What came of canaries so far.
#[derive(Debug, Default)]
pub struct Canaries(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The branches that are being tried, with what was decided about them.
    expected: BTreeMap<RefName, Option<Seen>>,
    tried: BTreeMap<Repository, Tried>,
    /// Every repository, as Bitbucket listed them last.
    listed: Vec<Repository>,
    /// Why the last round could not be made.
    trouble: Option<String>,
    /// When a canary was last refused as it should be.
    proven: Option<Timestamp>,
    /// When something was last decided about a repository.
    decided: BTreeMap<Repository, Timestamp>,
}

/// What was decided about a canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) decision: String,
    pub(super) outcome: oam_policy::Outcome,
}

/// One repository's last canary.
#[derive(Debug, Clone)]
pub struct Tried {
    /// When.
    pub at: Timestamp,
    /// The branch.
    pub branch: RefName,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was refused, by this decision of ours.
    Refused {
        /// The decision.
        decision: String,
    },
    /// It went in.
    Accepted {
        /// What was found out about it.
        detail: String,
        /// The branch, where it could not be deleted again.
        left: Option<Branch>,
    },
    /// Nobody can tell.
    Unknown {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// As the audit log has it.
    pub fn kind(&self) -> CanaryOutcome {
        match self {
            Self::Refused { .. } => CanaryOutcome::Refused,
            Self::Accepted { .. } => CanaryOutcome::Accepted,
            Self::Unknown { .. } => CanaryOutcome::Unknown,
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Accepted { .. } => "accepted",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// What there is to know besides.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Refused { .. } => None,
            Self::Accepted { detail: text, .. } | Self::Unknown { why: text } => Some(text),
        }
    }
}

impl Canaries {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something was decided, and recorded.
    pub fn decided(&self, id: &str, request: &Request, decision: &Decision) {
        let mut state = self.state();
        let mut is_canary = false;
        for update in &request.updates {
            if update.name.as_bytes().starts_with(CANARIES.as_bytes())
                && let Some(seen) = state.expected.get_mut(&update.name)
            {
                is_canary = true;
                *seen = Some(Seen { decision: id.to_owned(), outcome: decision.outcome() });
            }
        }
        let known = state.decided.contains_key(&request.repository);
        if !is_canary && (known || state.decided.len() < REMEMBERED) {
            state.decided.insert(request.repository.clone(), Timestamp::now());
        }
    }

    /// Looks out for a decision about `branch`.
    pub(super) fn expect(&self, branch: &RefName) {
        self.state().expected.insert(branch.clone(), None);
    }

    /// What was decided about `branch` meanwhile.
    pub(super) fn take(&self, branch: &RefName) -> Option<Seen> {
        self.state().expected.remove(branch).flatten()
    }

    /// Notes every repository that there is. What was tried in others is forgotten: they are gone.
    pub(super) fn listed(&self, repositories: Vec<Repository>) {
        // Every decision waits for the lock: what takes long is done before.
        let there: BTreeSet<_> = repositories.iter().cloned().collect();
        let mut state = self.state();
        state.tried.retain(|repository, _| there.contains(repository));
        state.listed = repositories;
        state.trouble = None;
    }

    /// Notes that a round could not be made.
    pub(super) fn failed(&self, why: String) {
        self.state().trouble = Some(why);
    }

    /// Notes what came of a canary, and gives what came of the one before.
    ///
    /// Where one went in, that nobody can tell of the next is no news: it stays an alarm until one is refused.
    pub(super) fn tried(&self, repository: &Repository, mut tried: Tried) -> Option<Outcome> {
        let mut state = self.state();
        match (&tried.outcome, state.tried.get(repository)) {
            (Outcome::Refused { .. }, _) => state.proven = Some(tried.at),
            (Outcome::Unknown { .. }, Some(Tried { outcome: before @ Outcome::Accepted { .. }, .. })) => {
                tried.outcome = before.clone();
            }
            _ => {}
        }
        state.tried.insert(repository.clone(), tried).map(|before| before.outcome)
    }

    /// The repositories whose turn it is: where a canary went in, then where none was tried for the longest time.
    pub(super) fn due(&self, many: usize) -> Vec<(Repository, Option<Tried>)> {
        let state = self.state();
        let mut all: Vec<_> = state
            .listed
            .iter()
            .map(|repository| (repository.clone(), state.tried.get(repository).cloned()))
            .collect();
        all.sort_by_key(|(_, tried)| {
            let went_in = matches!(tried, Some(Tried { outcome: Outcome::Accepted { .. }, .. }));
            (!went_in, tried.as_ref().map(|tried| tried.at))
        });
        all.truncate(many);
        all
    }

    /// What somebody must look at now, a sentence each. `since` is when the daemon began to try.
    pub fn alarms(&self, since: Timestamp, patience: Duration, now: Timestamp) -> Vec<String> {
        let state = self.state();
        let mut alarms = Vec::new();
        let went_in = state.tried.iter().filter_map(|(repository, tried)| match &tried.outcome {
            Outcome::Accepted { detail, .. } => Some((repository, detail)),
            Outcome::Refused { .. } | Outcome::Unknown { .. } => None,
        });
        for (repository, detail) in went_in {
            alarms.push(format!(
                "CHANGES ARE NOT CHECKED in {repository}: a forbidden branch went in there ({detail})."
            ));
        }
        let last = state.proven.unwrap_or(since);
        let age = now.duration_since(last);
        if age > SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX) {
            let minutes = age.as_mins();
            let why = state.why_unknown().unwrap_or_else(|| "none was tried".to_owned());
            alarms.push(format!("For {minutes} minutes nothing has proved that changes are checked: {why}."));
        }
        alarms
    }

    /// Why the last round could not be made.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// When a canary was last refused as it should be.
    pub fn proven(&self) -> Option<Timestamp> {
        self.state().proven
    }

    /// In how many repositories the last canary went in.
    pub fn accepted(&self) -> u64 {
        let state = self.state();
        state.tried.values().filter(|tried| matches!(tried.outcome, Outcome::Accepted { .. })).count() as u64
    }

    /// Every repository that is known, with its last decision and its last canary.
    pub fn repositories(&self) -> Vec<(Repository, Option<Timestamp>, Option<Tried>)> {
        let state = self.state();
        let mut all: Vec<_> = state.listed.iter().chain(state.decided.keys()).cloned().collect();
        all.sort();
        all.dedup();
        let with = |repository: Repository| {
            let (decided, tried) = (state.decided.get(&repository), state.tried.get(&repository));
            let (decided, tried) = (decided.copied(), tried.cloned());
            (repository, decided, tried)
        };
        all.into_iter().map(with).collect()
    }
}

impl State {
    fn why_unknown(&self) -> Option<String> {
        if self.trouble.is_some() {
            return self.trouble.clone();
        }
        let latest = self.tried.iter().max_by_key(|(_, tried)| tried.at)?;
        let (repository, Tried { outcome, .. }) = latest;
        Some(format!("in {repository} {}", outcome.detail().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use oam_policy::{RefName, Repository};

    use super::{Canaries, Outcome, Tried};

    const PATIENCE: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn repository(name: &str) -> Repository {
        Repository::parse(name).unwrap()
    }

    fn tried(seconds: i64, outcome: Outcome) -> Tried {
        Tried { at: at(seconds), branch: RefName::parse(b"refs/heads/oam-canary/1").unwrap(), outcome }
    }

    fn refused() -> Outcome {
        Outcome::Refused { decision: "d".into() }
    }

    fn accepted() -> Outcome {
        Outcome::Accepted { detail: "it was deleted again".into(), left: None }
    }

    fn unknown() -> Outcome {
        Outcome::Unknown { why: "Bitbucket does not answer".into() }
    }

    #[test]
    fn what_went_in_is_an_alarm_until_it_is_refused_again() {
        let canaries = Canaries::default();
        let api = repository("PAY/api");
        canaries.listed(vec![api.clone()]);
        assert!(canaries.alarms(at(0), PATIENCE, at(0)).is_empty());
        canaries.tried(&api, tried(1, accepted()));
        // Not knowing takes no alarm away.
        canaries.tried(&api, tried(2, unknown()));
        let alarms = canaries.alarms(at(0), PATIENCE, at(2));
        assert!(alarms[0].contains("NOT CHECKED in PAY/api"), "{alarms:?}");
        assert_eq!(canaries.accepted(), 1);
        canaries.tried(&api, tried(3, refused()));
        assert!(canaries.alarms(at(0), PATIENCE, at(4)).is_empty());
    }

    #[test]
    fn what_is_unknown_for_long_is_an_alarm() {
        let canaries = Canaries::default();
        let api = repository("PAY/api");
        canaries.listed(vec![api.clone()]);
        canaries.tried(&api, tried(1, refused()));
        canaries.tried(&api, tried(2, unknown()));
        assert!(canaries.alarms(at(0), PATIENCE, at(3601)).is_empty());
        let alarms = canaries.alarms(at(0), PATIENCE, at(3602));
        assert!(alarms[0].contains("60 minutes") && alarms[0].contains("does not answer"), "{alarms:?}");
        // A round that never came to trying anything counts alike.
        let silent = Canaries::default();
        silent.failed("reading the projects: no".into());
        assert!(silent.alarms(at(0), PATIENCE, at(4000))[0].contains("reading the projects"));
    }

    #[test]
    fn those_that_went_in_are_tried_first_and_then_the_oldest() {
        let canaries = Canaries::default();
        let all = ["A/1", "A/2", "A/3", "A/4"].map(repository);
        canaries.listed(all.to_vec());
        canaries.tried(&all[0], tried(1, refused()));
        canaries.tried(&all[1], tried(2, accepted()));
        canaries.tried(&all[3], tried(0, refused()));
        let due: Vec<_> = canaries.due(3).into_iter().map(|(one, _)| one.as_str().to_owned()).collect();
        assert_eq!(due, ["A/2", "A/3", "A/4"]);
        // What Bitbucket lists no more is forgotten.
        canaries.listed(vec![all[0].clone()]);
        assert_eq!(canaries.accepted(), 0);
    }
}
