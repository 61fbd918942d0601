//! The directory on disk: every generation durable before anybody is told of it, and none trusted unchecked.
//!
//! In flow snapshots from the one writer; out flow the newest one at start, and older ones to look at or go back to.
//!
//! | in the state folder | what it is |
//! |---|---|
//! | `recovery/base-<generation>` | a whole snapshot in one checksummed file |
//! | `recovery/journal-<generation>` | what changed since that base, one fsynced record a change: what makes a change durable |
//! | `store/` | sled: the last generations by content, for a quick start and for rollbacks; can be lost |
//! | `floor` | the newest generation that was acknowledged, and its digest |
//! | `shelved` | up to which generation sled was brought |
//! | `lock` | held while a daemon uses the folder |
//! | `*.set-aside-<unix ms>` | what was found damaged, kept to be looked at |
//!
//! sled 0.34.7 goes back to an older generation in silence when its files are damaged, and would give a revoked user
//! access again. So a change is written to the journal first, and then the floor is raised. That is answered, and brought
//! to sled later, when there is a pause. At start the newest of journal and sled wins that is whole by our own digests and
//! not below the floor; the other one is mended from it, and that is reported, unless it is only what a crash kept from
//! being brought to sled. Where neither is, the store starts empty and says so.
//!
//! It must never hand out a generation older than one it acknowledged, give out a generation twice, delete what it
//! found damaged, or panic or hang on what it reads.

mod archive;
mod change;
pub(crate) mod durable;
pub(crate) mod floor;
mod guarded;
mod history;
mod info;
mod judge;
mod lock;
mod open;
pub(crate) mod recovery;
mod report;
mod revoked;
mod shelving;
pub(crate) mod summed;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use oam_policy::{Digest, snapshot::SnapshotVersion};
use thiserror::Error;

pub use archive::ArchiveError;
pub use change::Change;
use floor::Floor;
pub use history::History;
pub use info::{Cause, Counts, Loaded, SnapshotInfo};
use lock::Lock;
pub use open::{OpenError, Opened};
use recovery::{Recovery, Undo};
pub use report::{Healed, OpenReport};
use shelving::Shelving;

/// How many generations are kept to go back to, when nothing else is asked for.
pub const KEPT_GENERATIONS: usize = 100;

/// The open store. One writer owns it; readers have its [`History`].
#[derive(Debug)]
pub struct Store {
    layout: Layout,
    recovery: Recovery,
    shelving: Shelving,
    /// The newest generation that is stored.
    stored: u64,
    /// The highest generation that was ever tried, whatever became of it.
    highest: u64,
    /// Last, so that it outlives everything else.
    _lock: Lock,
}

/// Why a generation could not be saved. The one before it stays in force.
#[derive(Debug, Error)]
pub enum SaveError {
    /// Not above the one that is stored.
    #[error("generation {offered} cannot be stored after generation {stored}")]
    NotNewer {
        /// The generation that was to be stored.
        offered: u64,
        /// The newest one that is.
        stored: u64,
    },
    /// The disk does not take it.
    #[error("cannot {doing} `{path}` ({source}); free space or repair the disk, then try again")]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Stored, but it is not known whether it would survive a power failure.
    #[error(
        "generation {generation} is stored, but the disk did not confirm it ({source}); it may be in force after a restart"
    )]
    Doubtful {
        /// Which.
        generation: u64,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Where things lie in the state folder.
#[derive(Debug, Clone)]
struct Layout {
    state: PathBuf,
}

impl Layout {
    fn archive(&self) -> PathBuf {
        self.state.join("store")
    }

    fn recovery(&self) -> PathBuf {
        self.state.join("recovery")
    }

    fn floor(&self) -> PathBuf {
        self.state.join("floor")
    }

    fn shelved(&self) -> PathBuf {
        self.state.join("shelved")
    }

    fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }
}

impl Store {
    /// Opens the store in the folder `state`, making it where there is none, and mends what is damaged. It reads
    /// everything, so it blocks: well below a second for 50,000 users, half a minute at worst for each hanging step.
    ///
    /// # Errors
    /// When another daemon has the folder, or it cannot be read or written at all. Damage is no error: it is healed,
    /// and the report tells.
    pub fn open(state: &Path) -> Result<Opened, OpenError> {
        Self::open_keeping(state, KEPT_GENERATIONS)
    }

    /// [`Store::open`], keeping another number of generations (at least 2).
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_keeping(state: &Path, generations: usize) -> Result<Opened, OpenError> {
        open::open(state, generations.max(2))
    }

    /// The generation that the next snapshot must have, or exceed. Grows also when a save fails.
    pub fn next_generation(&self) -> u64 {
        self.highest.saturating_add(1)
    }

    /// The generations that can be gone back to. Clones see every later one.
    pub fn history(&self) -> History {
        self.shelving.history.clone()
    }

    /// What is wrong with sled, while the journal carries on alone.
    pub fn trouble(&self) -> Option<&str> {
        self.shelving.trouble.as_deref()
    }

    /// Stores the next generation, and returns when it would survive a power failure. `change` is what sets it apart
    /// from the one stored before it. What failed may be tried again. See [`Self::shelve`] for what is left to do then.
    ///
    /// # Errors
    /// When it is not durable. Then the generation before it is the one that the next start finds, except after
    /// [`SaveError::Doubtful`].
    pub fn save(&mut self, next: &Arc<Loaded>, change: &Change) -> Result<(), SaveError> {
        let version = next.snapshot.version();
        if version.generation <= self.stored {
            return Err(SaveError::NotNewer { offered: version.generation, stored: self.stored });
        }
        self.highest = self.highest.max(version.generation);
        // All that needs room on the disk comes before the floor, which a later start believes.
        let (floor_path, recovery_path) = (self.layout.floor(), self.layout.recovery());
        let (floor, saved) = Floor::prepare_while(&floor_path, version, || self.recovery.save(next, change));
        let undo = saved.map_err(disk("write", &recovery_path))?;
        let floor = match floor {
            Ok(floor) => floor,
            Err(source) => return Err(self.take_back(version, undo, ("write", source))),
        };
        if let Err(source) = floor.raise() {
            return Err(self.take_back(version, undo, ("replace", source)));
        }
        if let Err(source) = floor::sync(&floor_path) {
            return Err(self.doubt(version, source));
        }
        self.stored = version.generation;
        self.recovery.forget_older();
        self.shelving.add(Arc::clone(next), matches!(change, Change::Whole));
        Ok(())
    }

    /// Brings what was saved to where older generations are, which no answer waits for.
    pub fn shelve(&mut self) {
        self.shelving.catch_up(&self.layout);
    }

    /// Whether something was saved and not shelved yet.
    pub fn is_behind(&self) -> bool {
        self.shelving.is_behind()
    }

    /// Whether it must be shelved before anything else is saved.
    pub fn is_to_be_shelved(&self) -> bool {
        self.shelving.is_due()
    }

    fn take_back(
        &mut self,
        version: SnapshotVersion,
        undo: Undo,
        (doing, source): (&'static str, std::io::Error),
    ) -> SaveError {
        match self.recovery.undo(undo) {
            Ok(()) => SaveError::Disk { doing, path: self.layout.floor(), source },
            Err(source) => self.doubt(version, source),
        }
    }

    fn doubt(&mut self, version: SnapshotVersion, source: std::io::Error) -> SaveError {
        // What comes next does not build on it.
        self.recovery.break_off();
        SaveError::Doubtful { generation: version.generation, source }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shelving.close(&self.layout);
    }
}

fn disk(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SaveError {
    move |source| SaveError::Disk { doing, path: path.to_owned(), source }
}

/// The digest of several byte strings, one behind the other.
pub(crate) fn digest_of(parts: &[&[u8]]) -> Digest {
    use sha2::{Digest as _, Sha256};
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Digest::from_bytes(hasher.finalize().into())
}

/// Cuts the 32 bytes of a digest off the end.
pub(crate) fn split_digest(bytes: &[u8]) -> Option<(&[u8], Digest)> {
    let (body, digest) = bytes.split_last_chunk::<32>()?;
    Some((body, Digest::from_bytes(*digest)))
}
