//! The last generations in sled, by content: a change to one person adds a shard at most, and a manifest.

mod manifest;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use oam_policy::SnapshotVersion;
use thiserror::Error;

use super::{
    Loaded, SnapshotInfo, durable,
    guarded::{Fault, guarded},
};
use manifest::{BLOBS, Key, Manifest, Parts, Table};

/// Memory that sled may keep pages in. Everything is served from the snapshot in memory, so it needs little.
const CACHE_BYTES: u64 = 16 << 20;

/// How long a sled that was just closed may take to let go of its files.
const LOCK_PATIENCE: Duration = Duration::from_secs(4);

/// Why sled could not do what was asked.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// What it holds is not what was stored.
    #[error("{0}")]
    Damaged(String),
    /// It panicked, as it does on damaged files.
    #[error("sled panicked: {0}")]
    Panicked(String),
    /// It did not answer.
    #[error("sled did not answer within {} s", .0.as_secs())]
    Hung(Duration),
    /// The system does not let it work: a full disk, no permission, too many files.
    #[error("{0}; free space or repair the disk")]
    System(io::Error),
    /// A generation could not be put into bytes.
    #[error("cannot encode the generation: {0}")]
    Encode(String),
    /// It is not kept, or not any more.
    #[error("generation {0} is not kept: `oam snapshot history` lists those that are")]
    NotKept(u64),
    /// Sled failed before, and is tried again with the next change.
    #[error(
        "the older generations cannot be read now: the store failed, and is tried again with the next change"
    )]
    Closed,
}

impl ArchiveError {
    /// Whether the files are at fault, and must not be used again.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::Panicked(_) | Self::Hung(_))
    }
}

impl From<Fault> for ArchiveError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Panicked(message) => Self::Panicked(message),
            Fault::Hung(limit) => Self::Hung(limit),
            Fault::NoThread(error) => Self::System(error),
        }
    }
}

impl From<sled::Error> for ArchiveError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) if !speaks_of_damage(&error) => Self::System(error),
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// A file that is shorter than it should be, is missing, or has a bad sector; the rest is the system's doing.
fn speaks_of_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, IsADirectory, NotADirectory, NotFound, UnexpectedEof};
    const EIO: i32 = 5;
    matches!(
        error.kind(),
        UnexpectedEof | InvalidData | InvalidInput | NotFound | IsADirectory | NotADirectory
    ) || error.raw_os_error() == Some(EIO)
}

/// Sled, open.
#[derive(Debug)]
pub(super) struct Archive {
    shelf: Shelf,
    /// How many manifests name a blob.
    references: HashMap<Key, usize>,
    /// The groups of the generation that was stored last.
    table: Option<Table>,
}

/// What is needed to look at the generations: shared with readers.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    db: sled::Db,
    manifests: Arc<BTreeMap<u64, Arc<Manifest>>>,
}

impl Shelf {
    /// The generations, newest first.
    pub(super) fn infos(&self) -> Vec<SnapshotInfo> {
        self.manifests.values().rev().map(|manifest| manifest.info.clone()).collect()
    }

    /// Reads a generation, checking all of it.
    pub(super) fn load(&self, generation: u64) -> Result<Loaded, ArchiveError> {
        let manifest = self.manifests.get(&generation).ok_or(ArchiveError::NotKept(generation))?;
        let (db, manifest) = (self.db.clone(), Arc::clone(manifest));
        guarded(move || manifest.load(|key| Ok(db.get(key)?.map(|bytes| bytes.to_vec()))))?
    }

    /// Which snapshot a generation is, if it is kept.
    pub(super) fn version(&self, generation: u64) -> Option<SnapshotVersion> {
        self.manifests.get(&generation).map(|manifest| manifest.info.version)
    }

    /// The newest generation.
    pub(super) fn newest(&self) -> Option<SnapshotVersion> {
        self.manifests.last_key_value().map(|(_, manifest)| manifest.info.version)
    }
}

impl Archive {
    /// Opens sled in `folder`, or begins one there, and reads every manifest.
    ///
    /// # Errors
    /// When it cannot be opened, or a manifest is damaged.
    pub(super) fn open(folder: &Path) -> Result<Self, ArchiveError> {
        durable::make_folder(folder).map_err(|error| ArchiveError::from(sled::Error::from(error)))?;
        let folder = folder.to_owned();
        let (db, manifests) = guarded(move || {
            // Flushed by us alone. The folder is ours, and version 0.34.7 is pinned.
            let config = sled::Config::new().path(folder).flush_every_ms(None).cache_capacity(CACHE_BYTES);
            let db = open_unlocked(&config)?;
            let manifests = manifests(&db)?;
            Ok::<_, ArchiveError>((db, manifests))
        })??;
        let mut references = HashMap::new();
        for blob in manifests.values().flat_map(|manifest| manifest.blobs()) {
            *references.entry(blob).or_default() += 1;
        }
        Ok(Self { shelf: Shelf { db, manifests: Arc::new(manifests) }, references, table: None })
    }

    pub(super) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Stores generations, their new blobs and their manifests, in one step, and drops what is beyond the `kept` newest ones.
    ///
    /// # Errors
    /// When it is not known to be stored. The archive must be closed then.
    pub(super) fn save<'a>(
        &mut self,
        all: impl IntoIterator<Item = &'a Loaded>,
        kept: usize,
    ) -> Result<(), ArchiveError> {
        let (mut batch, mut doomed) = (sled::Batch::default(), Vec::new());
        for loaded in all {
            let version = loaded.snapshot.version();
            match self.shelf.version(version.generation) {
                Some(stored) if stored == version => continue,
                Some(_) => doomed.extend(self.count_out(&[version.generation])),
                None => {}
            }
            let parts = Parts::of(loaded, self.table.take())?;
            for (key, bytes) in parts.missing(|key| self.references.contains_key(key))? {
                batch.insert(key, bytes);
            }
            batch.insert(Manifest::key(version.generation), parts.manifest.encode()?);
            self.table = Some(parts.table);
            self.count_in(parts.manifest);
            let surplus = self.shelf.manifests.len().saturating_sub(kept);
            let dropped: Vec<u64> = self.shelf.manifests.keys().take(surplus).copied().collect();
            dropped.iter().for_each(|generation| batch.remove(Manifest::key(*generation)));
            doomed.extend(self.count_out(&dropped));
        }
        // One that nobody named any more may be named again by a later one.
        doomed.retain(|key| !self.references.contains_key(key));
        let db = self.shelf.db.clone();
        guarded(move || {
            // A batch is one step, also for whoever waits for the disk. Were it not, a blob that is missing would be noticed.
            db.apply_batch(batch)?;
            db.flush()?;
            // Not flushed: blobs that come back to life are swept at the next start.
            apply(&db, |batch| doomed.into_iter().for_each(|key| batch.remove(key)))
        })?
    }

    /// Removes blobs that no manifest names: left over by a save that was not finished.
    ///
    /// # Errors
    /// As [`Archive::save`].
    pub(super) fn sweep(&self) -> Result<(), ArchiveError> {
        let (db, references) = (self.shelf.db.clone(), self.references.clone());
        guarded(move || {
            for kind in BLOBS {
                for key in db.scan_prefix([kind]).keys() {
                    let key = key?;
                    if !references.contains_key(key.as_ref()) {
                        db.remove(key)?;
                    }
                }
            }
            Ok(())
        })?
    }

    /// Closes sled. One that hangs is left to itself.
    pub(super) fn close(self) {
        let shelf = self.shelf;
        if let Err(fault) = guarded(move || drop(shelf)) {
            tracing::warn!(error = %ArchiveError::from(fault), "cannot close the store of older generations");
        }
    }

    /// How many blobs are stored.
    #[cfg(test)]
    pub(super) fn blob_count(&self) -> usize {
        BLOBS.iter().map(|kind| self.shelf.db.scan_prefix([*kind]).count()).sum()
    }

    fn count_in(&mut self, manifest: Manifest) {
        for blob in manifest.blobs() {
            *self.references.entry(blob).or_default() += 1;
        }
        let generation = manifest.info.version.generation;
        Arc::make_mut(&mut self.shelf.manifests).insert(generation, Arc::new(manifest));
    }

    /// Forgets generations, and tells which blobs nobody names any more.
    fn count_out(&mut self, generations: &[u64]) -> Vec<Key> {
        let mut doomed = Vec::new();
        for generation in generations {
            let Some(manifest) = Arc::make_mut(&mut self.shelf.manifests).remove(generation) else {
                continue;
            };
            for blob in manifest.blobs() {
                let count = self.references.get_mut(&blob);
                if count.is_some_and(|count| {
                    *count -= 1;
                    *count == 0
                }) {
                    self.references.remove(&blob);
                    doomed.push(blob);
                }
            }
        }
        doomed
    }
}

/// Opens sled, waiting for one of this process that was closed a moment ago: its threads hold its lock a little longer.
/// Another process cannot have it, since it would have the state folder.
fn open_unlocked(config: &sled::Config) -> sled::Result<sled::Db> {
    let give_up = Instant::now() + LOCK_PATIENCE;
    loop {
        match config.open() {
            Err(sled::Error::Io(error))
                if error.to_string().contains("could not acquire lock") && Instant::now() < give_up =>
            {
                thread::sleep(LOCK_PATIENCE / 200);
            }
            opened => return opened,
        }
    }
}

fn manifests(db: &sled::Db) -> Result<BTreeMap<u64, Arc<Manifest>>, ArchiveError> {
    let mut manifests = BTreeMap::new();
    for stored in db.scan_prefix(Manifest::prefix()) {
        let (key, bytes) = stored?;
        let manifest = Manifest::decode(&key, &bytes)?;
        manifests.insert(manifest.info.version.generation, Arc::new(manifest));
    }
    Ok(manifests)
}

fn apply(db: &sled::Db, fill: impl FnOnce(&mut sled::Batch)) -> Result<(), ArchiveError> {
    let mut batch = sled::Batch::default();
    fill(&mut batch);
    Ok(db.apply_batch(batch)?)
}
