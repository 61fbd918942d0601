use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oam_audit::entry::CanaryOutcome;
use oam_bitbucket::Branch;
use oam_policy::{CANARIES, Decision, RefName, Repository, Request};

use super::kept::{CanaryError, Kept, Written};

/// How many repositories are remembered by their last decision.
const REMEMBERED: usize = 50_000;

/// How long a repository that is listed no more must be said not to be there until it is forgotten.
const GONE: Duration = Duration::from_secs(24 * 60 * 60);

/// What came of canaries so far.
#[derive(Debug)]
pub struct Canaries {
    /// Since when there was something to try.
    pub(super) began: Instant,
    state: Mutex<State>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The branches that are being tried, with what was decided about them.
    expected: BTreeMap<RefName, Option<Seen>>,
    pub(super) tried: BTreeMap<Repository, Last>,
    /// Every repository that Bitbucket listed once, or that something was decided about.
    pub(super) known: BTreeMap<Repository, Listing>,
    /// Why the last round could not be made.
    pub(super) trouble: Option<String>,
    /// Why it could not be kept what came of canaries.
    pub(super) unkept: Option<String>,
    /// When a canary was last refused as it should be.
    pub(super) proven: Option<(Timestamp, Instant)>,
    /// Whether it was told that nothing is proved for long.
    told_of_silence: bool,
    /// When something was last decided about a repository.
    decided: BTreeMap<Repository, (Timestamp, Instant)>,
}

/// Whether Bitbucket lists a repository.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing {
    /// Since when it does not.
    pub(super) lost: Option<Instant>,
    /// Whether it ever did.
    pub(super) ever: bool,
}

/// What is known of one repository's canaries. Ages go by a clock that nobody sets.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) tried: Tried,
    pub(super) at: Instant,
    /// Since when, and how often, it was unknown what comes of them.
    pub(super) unknown: Option<(Instant, u32)>,
    /// Whether Bitbucket said that there is no such repository.
    pub(super) is_gone: bool,
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
    /// The repository has no commit, so there is nothing to guard, and nothing can be tried.
    Empty,
    /// Bitbucket says that there is no such repository.
    Gone {
        /// In which words.
        why: String,
    },
}

impl Outcome {
    /// As the audit log has it.
    pub fn kind(&self) -> CanaryOutcome {
        match self {
            Self::Refused { .. } => CanaryOutcome::Refused,
            Self::Accepted { .. } => CanaryOutcome::Accepted,
            Self::Unknown { .. } | Self::Empty | Self::Gone { .. } => CanaryOutcome::Unknown,
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Accepted { .. } => "accepted",
            Self::Unknown { .. } | Self::Empty | Self::Gone { .. } => "unknown",
        }
    }

    /// What there is to know besides.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Refused { .. } => None,
            Self::Accepted { detail: text, .. } | Self::Unknown { why: text } | Self::Gone { why: text } => {
                Some(text)
            }
            Self::Empty => Some("it has no commit, so nothing can be tried"),
        }
    }

    /// Whether it went in.
    pub(super) fn went_in(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

impl Default for Canaries {
    fn default() -> Self {
        Self { began: Instant::now(), state: Mutex::default(), kept: Mutex::default() }
    }
}

impl Canaries {
    /// With what came of them before; and tells what became of a file that is damaged.
    ///
    /// # Errors
    /// When it can be neither read nor set aside.
    pub fn open(path: &Path) -> Result<(Self, Option<String>), CanaryError> {
        let (kept, told) = Kept::open(path)?;
        let (known, went_in) = kept.read();
        let now = Instant::now();
        let state = State {
            known: known.into_iter().map(|one| (one, Listing { lost: None, ever: true })).collect(),
            tried: went_in
                .into_iter()
                .map(|(one, tried)| (one, Last { tried, at: now, unknown: None, is_gone: false }))
                .collect(),
            ..State::default()
        };
        Ok((Self { began: now, state: Mutex::new(state), kept: Mutex::new(kept) }, told))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what must outlive a restart: which repositories there are, and where canaries went in.
    pub(super) fn keep(&self) {
        let written = {
            let state = self.state();
            let went_in = state.tried.iter().filter(|(_, last)| last.tried.outcome.went_in());
            let listed = state.known.iter().filter(|(_, listing)| listing.ever);
            Written::of(
                listed.map(|(repository, _)| repository),
                went_in.map(|(repository, last)| (repository, &last.tried)),
            )
        };
        // Every decision waits for the other lock.
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).write(written);
        if let Err(error) = &kept {
            tracing::error!(%error, "what came of canaries could not be kept");
        }
        self.state().unkept = kept.err().map(|error| error.to_string());
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
        if !is_canary {
            state.note(&request.repository);
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

    /// Notes every repository that Bitbucket listed, as it was asked at `asked`. What it lists no more, or never did although
    /// something was decided about it, is not taken for gone: somebody may have taken the right to see it away. It is tried all
    /// the same, until Bitbucket has said for a day that there is no such repository.
    pub(super) fn listed(&self, repositories: Vec<Repository>, asked: Instant) {
        let listed = |one| (one, Listing { lost: None, ever: true });
        let mut known: BTreeMap<_, _> = repositories.into_iter().map(listed).collect();
        let mut state = self.state();
        let decided =
            state.decided.iter().filter(|(repository, (_, at))| *at < asked && is_guarded(repository));
        let all = state.known.keys().chain(decided.map(|(repository, _)| repository));
        let others: BTreeSet<_> = all.filter(|one| !known.contains_key(*one)).cloned().collect();
        for repository in others {
            let before = state.known.get(&repository).copied();
            let since = before.and_then(|before| before.lost).unwrap_or(asked);
            let said_gone = state.tried.get(&repository).is_some_and(|last| last.is_gone && last.at > since);
            if said_gone && asked.duration_since(since) > GONE {
                state.tried.remove(&repository);
                state.decided.remove(&repository);
            } else {
                let ever = before.is_some_and(|before| before.ever);
                known.insert(repository, Listing { lost: Some(since), ever });
            }
        }
        state.known = known;
        state.trouble = None;
    }

    /// Notes that a round could not be made.
    pub(super) fn failed(&self, why: String) {
        self.state().trouble = Some(why);
    }

    /// Notes what came of a canary, and gives what came of the one before.
    ///
    /// Where one went in, that nobody can tell of the next is no news: it stays an alarm until one is refused.
    pub(super) fn tried(&self, repository: &Repository, mut tried: Tried, at: Instant) -> Option<Outcome> {
        let mut state = self.state();
        let before = state.tried.get(repository).cloned();
        let (mut unknown, is_gone) = (None, matches!(tried.outcome, Outcome::Gone { .. }));
        match &tried.outcome {
            Outcome::Refused { .. } => {
                state.proven = Some((tried.at, at));
                state.told_of_silence = false;
            }
            Outcome::Unknown { .. } | Outcome::Gone { .. } | Outcome::Empty => {
                let is_aged = tried.outcome != Outcome::Empty;
                let (since, times) = before.as_ref().and_then(|before| before.unknown).unwrap_or((at, 0));
                unknown = is_aged.then_some((since, times.saturating_add(1)));
                if let Some(before) = before.as_ref().filter(|one| one.tried.outcome.went_in()) {
                    tried.outcome = before.tried.outcome.clone();
                }
            }
            Outcome::Accepted { .. } => {}
        }
        state.tried.insert(repository.clone(), Last { tried, at, unknown, is_gone });
        before.map(|before| before.tried.outcome)
    }

    /// The repositories whose turn it is: where a canary went in, for no more than half of a round; then what is listed no more
    /// and was not tried since; then where none was tried for the longest time.
    pub(super) fn due(&self, many: usize) -> Vec<(Repository, Option<Tried>)> {
        let state = self.state();
        let (mut went_in, mut others): (Vec<_>, Vec<_>) = state
            .known
            .iter()
            .map(|(repository, listing)| (repository, listing.lost, state.tried.get(repository)))
            .partition(|(_, _, last)| last.is_some_and(|last| last.tried.outcome.went_in()));
        let at = |last: Option<&Last>| last.map(|last| last.at);
        went_in.sort_by_key(|(_, _, last)| at(*last));
        others.sort_by_key(|(_, lost, last)| {
            let is_news = lost.is_some_and(|since| at(*last).is_none_or(|at| at <= since));
            (!is_news, at(*last))
        });
        let first = went_in.len().min(many.div_ceil(2));
        let rest = went_in.split_off(first);
        went_in
            .into_iter()
            .chain(others)
            .chain(rest)
            .take(many)
            .map(|(repository, _, last)| (repository.clone(), last.map(|last| last.tried.clone())))
            .collect()
    }

    /// That nothing is proved for long, once when that begins.
    pub(super) fn silence(&self, patience: Duration, now: Instant) -> Option<String> {
        let mut state = self.state();
        let told = state.silence(self.began, patience, now).filter(|_| !state.told_of_silence)?;
        state.told_of_silence = true;
        Some(told)
    }

    /// Why the last round could not be made.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// When a canary was last refused as it should be.
    pub fn proven(&self) -> Option<Timestamp> {
        self.state().proven.map(|(at, _)| at)
    }

    /// For how long nothing was proved.
    pub fn unproven_for(&self, now: Instant) -> Duration {
        self.state().unproven_for(self.began, now)
    }

    /// In how many repositories the last canary went in.
    pub fn accepted(&self) -> u64 {
        self.state().tried.values().filter(|last| last.tried.outcome.went_in()).count() as u64
    }

    /// Every repository that is known, with its last decision and its last canary.
    pub fn repositories(&self) -> Vec<(Repository, Option<Timestamp>, Option<Tried>)> {
        let state = self.state();
        let mut all: Vec<_> = state.known.keys().chain(state.decided.keys()).cloned().collect();
        all.sort();
        all.dedup();
        let with = |repository: Repository| {
            let (decided, last) = (state.decided.get(&repository), state.tried.get(&repository));
            let (decided, tried) = (decided.map(|(at, _)| *at), last.map(|last| last.tried.clone()));
            (repository, decided, tried)
        };
        all.into_iter().map(with).collect()
    }
}

impl State {
    /// Notes that something was decided about a repository.
    pub(super) fn note(&mut self, repository: &Repository) {
        if self.decided.contains_key(repository) || self.decided.len() < REMEMBERED {
            self.decided.insert(repository.clone(), (Timestamp::now(), Instant::now()));
        }
    }
}

/// Whether canaries are sent there at all: not to what lies in somebody's own project, which nobody else is given a right to.
fn is_guarded(repository: &Repository) -> bool {
    !repository.as_str().starts_with('~')
}
