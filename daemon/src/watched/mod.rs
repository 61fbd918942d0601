//! Whether `oam bitbucket watch` still runs: it says after each round when the next one is to be expected, and what it left.
//!
//! Whoever is gone keeps tokens and keys in Bitbucket as long as nobody takes them, and that nobody does is silent. When a round is
//! expected is kept in a file, so that a restart forgets nobody who is missed.
//!
//! **In:** that a round was done, and how many who are gone still have something after it. **Out:** that these do, and that the next
//! round is overdue, for `oam status`, metrics, and, once, the audit log, from which webhooks are told. **Must never:** take silence
//! for a round, or miss somebody who was never there.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use oam_audit::entry::{BitbucketDrift, DriftFound, Event};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time;
use tokio_util::sync::CancellationToken;

use crate::{service::Live, store::durable};

/// How far apart rounds may be: who comes less often than this is not expected at all.
pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a round itself may take beside the time until the next one: of a large Bitbucket everything is read once an hour, and its
/// drift takes thousands of requests, with pauses that Bitbucket asks for.
const SLACK: u64 = 30 * 60;

/// How often it is looked whether one is overdue.
const LOOK: Duration = Duration::from_secs(5);

/// When rounds were done, and are expected.
#[derive(Debug, Default)]
pub struct Watched {
    /// `None`: nothing is kept.
    path: Option<PathBuf>,
    last: Mutex<Option<Round>>,
}

/// The last round; all moments and times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Round {
    at: i64,
    every: u64,
    /// Whether it was told that the next one is overdue.
    told: bool,
    /// What it left.
    #[serde(default)]
    left: Left,
    /// What of that was told.
    #[serde(default)]
    told_left: Left,
}

/// What a round left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// How many who are gone still have something in Bitbucket, or may have it.
    pub leavers: u64,
    /// How many places could not be read.
    pub places: u64,
}

impl Left {
    /// What somebody must look at of it.
    fn alarm(self) -> Option<String> {
        let places = |many: u64| {
            format!("{many} projects or repositories could not be read, so nothing is given or taken there")
        };
        match self {
            Self { leavers: 0, places: 0 } => None,
            Self { leavers: 0, places: many } => {
                Some(format!("Of Bitbucket {}. See `oam bitbucket plan`.", places(many)))
            }
            Self { leavers, places: many } => {
                let besides = if many > 0 { format!("; and {}", places(many)) } else { String::new() };
                Some(format!(
                    "WHO IS GONE IS NOT OUT: the last round of `oam bitbucket watch` left something to {leavers} who are gone{besides}. See `oam bitbucket plan`."
                ))
            }
        }
    }

    fn at_most(self, other: Self) -> Self {
        Self { leavers: self.leavers.min(other.leavers), places: self.places.min(other.places) }
    }
}

/// Why it cannot be kept.
#[derive(Debug, Error)]
#[error("when `oam bitbucket watch` is expected cannot be kept in `{path}`: {source}")]
pub struct WatchedError {
    path: PathBuf,
    source: io::Error,
}

impl Watched {
    /// Reads when a round is expected; and tells what became of a file that is damaged.
    ///
    /// # Errors
    /// When it can be neither read nor set aside.
    pub fn open(path: &Path) -> Result<(Self, Option<String>), WatchedError> {
        let fault = |source| WatchedError { path: path.to_owned(), source };
        let of = |last| Self { path: Some(path.to_owned()), last: Mutex::new(last) };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((of(None), None)),
            Err(error) => return Err(fault(error)),
        };
        if let Ok(round) = serde_json::from_slice(&text) {
            return Ok((of(Some(round)), None));
        }
        let aside = durable::set_aside(path).map_err(fault)?;
        let told = aside.map(|aside| {
            format!(
                "Whether `oam bitbucket watch` is missed is not known until it does another round: the damaged file is `{}`.",
                aside.display()
            )
        });
        Ok((of(None), told))
    }

    /// Notes that a round was done, what it left, and that the next one begins after so long; durable when it returns.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn rounded(&self, every: Duration, left: Left, now: Timestamp) -> Result<(), WatchedError> {
        // That it became less is told by what is left, and that it grows again anew.
        let told_left = self.last().map(|last| last.told_left.at_most(left)).unwrap_or_default();
        self.keep(Round { at: now.as_second(), every: every.as_secs(), told: false, left, told_left })
    }

    /// What the last round left.
    pub fn left(&self) -> Left {
        self.last().map(|last| last.left).unwrap_or_default()
    }

    /// That it left something that somebody must look at, as long as it does.
    pub fn alarm(&self) -> Option<String> {
        self.left().alarm()
    }

    /// The same, where it is more than was told.
    fn left_news(&self) -> Option<(Left, String)> {
        let last = (*self.last())?;
        let is_more = last.left.at_most(last.told_left) != last.left;
        last.left.alarm().filter(|_| is_more).map(|what| (last.left, what))
    }

    /// Notes that it was told.
    fn told_left(&self, told_left: Left) -> Result<(), WatchedError> {
        let last = *self.last();
        last.map_or(Ok(()), |last| self.keep(Round { told_left, ..last }))
    }

    /// For how long a round has been overdue. One round that takes longer, or is given up, is none yet.
    pub fn overdue(&self, now: Timestamp) -> Option<Duration> {
        let last = (*self.last())?;
        // A clock that was set back must not silence it either.
        let since = now.as_second().abs_diff(last.at);
        let patience = last.every.saturating_mul(2).saturating_add(SLACK);
        since.checked_sub(patience).filter(|over| *over > 0).map(Duration::from_secs)
    }

    /// That nobody takes any more what those who are gone have in Bitbucket.
    pub fn warning(&self, now: Timestamp) -> Option<String> {
        self.overdue(now)?;
        let last = (*self.last())?;
        let at = Timestamp::from_second(last.at).unwrap_or(now);
        Some(format!(
            "`oam bitbucket watch` has done no round since {at}, and was to do one every {} seconds: nobody takes what leavers have in Bitbucket.",
            last.every
        ))
    }

    /// The same, where that was not told yet.
    fn news(&self, now: Timestamp) -> Option<String> {
        self.warning(now).filter(|_| self.last().is_some_and(|last| !last.told))
    }

    /// Notes that it was told.
    fn told(&self) -> Result<(), WatchedError> {
        let last = *self.last();
        last.map_or(Ok(()), |last| self.keep(Round { told: true, ..last }))
    }

    fn keep(&self, round: Round) -> Result<(), WatchedError> {
        let mut last = self.last();
        if let Some(path) = &self.path {
            write(path, &round).map_err(|source| WatchedError { path: path.clone(), source })?;
        }
        *last = Some(round);
        Ok(())
    }

    fn last(&self) -> MutexGuard<'_, Option<Round>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells, until `stop`, when a round is overdue: once each time that this begins; and when one left more than was told.
pub async fn keep(live: Arc<Live>, stop: CancellationToken) {
    let mut every = time::interval(LOOK);
    every.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        let overdue = live.watched.news(Timestamp::now());
        if let Some(what) = overdue
            && record(&live, "watch-overdue", what).await
        {
            kept(live.watched.told());
        }
        if let Some((left, what)) = live.watched.left_news()
            && record(&live, "watch-left", what).await
        {
            kept(live.watched.told_left(left));
        }
    }
}

/// Records it; what is not recorded is tried again.
async fn record(live: &Live, finding: &str, what: String) -> bool {
    tracing::error!("{what}");
    let recorded = match live.audit.batch(&told_as(finding, what)) {
        Ok(batch) => live.audit.append(batch).await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = &recorded {
        tracing::error!(%error, finding, "what there is to say of `oam bitbucket watch` could not be recorded");
    }
    recorded.is_ok()
}

fn kept(kept: Result<(), WatchedError>) {
    if let Err(error) = kept {
        tracing::error!(%error, "what was told of `oam bitbucket watch` is told again");
    }
}

/// As those are told who are told of anything that is beside the policy.
fn told_as(finding: &str, what: String) -> Event {
    Event::BitbucketDrift(BitbucketDrift {
        actor: "oamd".to_owned(),
        counts: Vec::new(),
        new: 1,
        over: 0,
        found: vec![DriftFound {
            finding: finding.to_owned(),
            place: None,
            user: None,
            group: None,
            detail: what,
        }],
    })
}

fn write(path: &Path, round: &Round) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = durable::create(&draft)?;
    file.write_all(&serde_json::to_vec(round)?)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    durable::sync_parent(path)
}

#[cfg(test)]
mod tests;
