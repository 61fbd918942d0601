//! The one who keeps what all sources say, and passes on what is different by it.

mod commit;
mod expire;
mod import;
mod open;
mod review;
mod state;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use jiff::Timestamp;
use oam_policy::{Username, decide::Freshness, name::UsernameKey, snapshot::DirectoryError};
use thiserror::Error;

use super::{Source, merge::Voice, roster::Roster};
use crate::{
    config::SourceName,
    directory::{ChangeError, DirectoryReader, DirectoryWriter},
};

pub use commit::Planned;
pub use open::OpenError;
use review::ForAWhile;

/// Every source, and the way from what they say to the directory.
#[derive(Debug)]
pub struct Sources {
    /// Ascending by name.
    sources: Vec<Arc<Source>>,
    writer: DirectoryWriter,
    reader: DirectoryReader,
    /// Held by whoever says something, until it is durable.
    saying: tokio::sync::Mutex<()>,
    /// Held by whoever passes on what was said, until it is in force. Meanwhile the next one may say something.
    passing: tokio::sync::Mutex<()>,
    /// What could not be passed on.
    left: Mutex<Work>,
    troubles: Mutex<Vec<String>>,
    /// What ends with what sources take; not there while the daemon is put together.
    for_a_while: OnceLock<ForAWhile>,
}

/// What was said and is not in the directory yet.
#[derive(Debug, Default)]
struct Work {
    /// Who may be different.
    names: BTreeSet<UsernameKey>,
    /// Whether there may be other groups.
    groups: bool,
    /// Whether somebody may have to be taken out of the directory.
    whole: bool,
    /// Whether a source deactivated or deleted somebody: that is recorded, also where by others they were cut off before.
    ends: bool,
}

impl Work {
    fn is_nothing(&self) -> bool {
        self.names.is_empty() && !self.groups && !self.whole
    }

    fn add(&mut self, other: Self) {
        self.names.extend(other.names);
        self.groups |= other.groups;
        self.whole |= other.whole;
        self.ends |= other.ends;
    }
}

/// What somebody is about to pass on. Should it not be done, or they be interrupted, it is left to be tried again.
#[derive(Debug)]
struct Unfinished<'a> {
    work: Work,
    left: &'a Mutex<Work>,
}

impl Unfinished<'_> {
    /// Takes over what others have left.
    fn take_over(&mut self) {
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        self.work.add(left);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let work = std::mem::take(&mut self.work);
        self.left.lock().unwrap_or_else(PoisonError::into_inner).add(work);
    }
}

/// Why what a source said is not in force, or not durable.
#[derive(Debug, Error)]
pub enum CommitError<E: std::fmt::Debug + std::fmt::Display> {
    /// It makes no sense.
    #[error("{0}")]
    Refused(E),
    /// It could not be kept.
    #[error("what the source says cannot be stored: {0}")]
    Disk(#[source] io::Error),
    /// The directory could not be changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Why a source cannot be worked with so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotSo {
    /// There is none of that name.
    #[error("there is no source `{0}`; `oam source list` shows those that are configured")]
    Unknown(String),
    /// It is a source to which no file is imported.
    #[error("the source `{0}` tells its changes itself: no file is imported to it")]
    Pushes(SourceName),
    /// It is one to which nothing is pushed.
    #[error("nothing is pushed to the source `{0}`: it has no tokens")]
    NotPushed(SourceName),
    /// More than one could be meant.
    #[error("say which source is meant, with `--source`: {0}")]
    Which(String),
    /// A file speaks of another source's group.
    #[error("the group `{0}` belongs to the source that is called so; take it out of the file")]
    OthersGroup(String),
    /// The name leaves no trace.
    #[error("the source does not remember a `{0}` who is gone")]
    NotGone(Username),
    /// Older generations cannot come back.
    #[error(
        "the directory cannot go back as a whole: `{0}` goes on telling how things are now. Mend it there, or cut \
         somebody off with `oam user revoke`"
    )]
    Fed(SourceName),
    /// What was delivered makes no directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl Sources {
    /// Every source, ascending by name.
    pub fn all(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// The source of that name, if it is configured.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, name: &str) -> Result<&Arc<Source>, NotSo> {
        let found = self.sources.iter().find(|source| !source.retired && source.name().as_str() == name);
        found.ok_or_else(|| NotSo::Unknown(oam_policy::printable::Printable::new(name).to_string()))
    }

    /// How fresh the sources are that a decision about `user` rests on, as far as it matters: those that know the name.
    /// That nobody knows it, rests on all of them.
    pub fn freshness(&self, user: &UsernameKey) -> Vec<Freshness> {
        let bounded = self.bounded();
        if bounded.is_empty() {
            return Vec::new();
        }
        let mut knowing = Vec::new();
        let mut is_known = false;
        for source in self.sources.iter().filter(|source| !source.retired) {
            if source.roster().knows(user) {
                is_known = true;
                knowing.push(source);
            }
        }
        let rests_on = |source: &Source| !is_known || knowing.iter().any(|one| one.name() == source.name());
        bounded.into_iter().filter(|source| rests_on(source)).map(Source::freshness).collect()
    }

    /// The ids by which sources know whoever is called so: each has one of its own.
    pub fn ids_of(&self, user: &UsernameKey) -> Vec<String> {
        let known = self.sources.iter().filter(|source| !source.retired);
        known.filter_map(|source| source.roster().person(user)?.id).collect()
    }

    /// How fresh every source is, as far as it matters.
    pub fn all_freshness(&self) -> Vec<Freshness> {
        self.bounded().into_iter().map(Source::freshness).collect()
    }

    /// The sources of which it matters how fresh they are.
    fn bounded(&self) -> Vec<&Source> {
        let matters = |source: &&Source| {
            let is_lost = source.roster().lost;
            source.is_in_use() && (is_lost || source.config.max_age.is_some() || source.unheard().is_some())
        };
        self.sources.iter().map(AsRef::as_ref).filter(matters).collect()
    }

    /// How many sources have said anything, or are to be asked.
    pub fn in_use(&self) -> usize {
        self.sources.iter().filter(|source| source.is_in_use()).count()
    }

    /// What somebody should look at, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for source in &self.sources {
            warnings.extend(source.warnings(Timestamp::now()));
        }
        warnings
    }

    fn left(&self) -> MutexGuard<'_, Work> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, troubles: Vec<String>) {
        *self.troubles.lock().unwrap_or_else(PoisonError::into_inner) = troubles;
    }

    /// What `make` makes of all that is said; of one source something else may be taken instead.
    fn with_voices<T>(
        &self,
        instead: Option<(&SourceName, &Roster)>,
        make: impl FnOnce(&[Voice<'_>]) -> T,
    ) -> T {
        let rosters: Vec<_> = self.sources.iter().map(|source| source.roster()).collect();
        let voices: Vec<_> = self
            .sources
            .iter()
            .zip(&rosters)
            .map(|(source, roster)| Voice {
                name: source.name(),
                retired: source.retired,
                roster: match instead {
                    Some((name, other)) if name == source.name() => other,
                    _ => roster,
                },
            })
            .collect();
        make(&voices)
    }
}

/// Where the sources are kept in the state folder.
fn folder(state: &std::path::Path) -> PathBuf {
    state.join("sources")
}
