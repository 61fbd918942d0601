use std::collections::{BTreeSet, VecDeque};

use oam_audit::entry::SnapshotUsed;
use oam_policy::Snapshot;

use crate::directory::DirectoryReader;

/// How many generations are held at once. Pushes come in the order of the generations, or nearly so.
const HELD: usize = 4;

/// The directories that decisions rest on, loaded as they are asked for.
#[derive(Debug)]
pub struct Directories {
    reader: DirectoryReader,
    now: Option<Snapshot>,
    /// Never look for an older one.
    only_now: bool,
    held: VecDeque<Snapshot>,
    /// Generations that are not to be had, so that no store is asked twice.
    gone: BTreeSet<u64>,
}

/// A directory to decide by.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The directory; nothing when none is loaded.
    pub snapshot: Option<Snapshot>,
    /// Whether the decision was made by this one.
    pub then: bool,
}

impl Directories {
    /// Those that `reader` finds. With `only_now`, the one in force alone.
    pub fn new(reader: DirectoryReader, only_now: bool) -> Self {
        let now = reader.current().map(|loaded| loaded.snapshot.clone());
        Self { reader, now, only_now, held: VecDeque::new(), gone: BTreeSet::new() }
    }

    /// The generation in force.
    pub(super) fn generation_now(&self) -> Option<u64> {
        self.now.as_ref().map(|snapshot| snapshot.version().generation)
    }

    /// The directory that a decision was made by, as long as it is kept; else the one in force now.
    pub(super) fn of(&mut self, used: Option<&SnapshotUsed>) -> Directory {
        match used.and_then(|used| self.exactly(used)) {
            Some(snapshot) => Directory { snapshot: Some(snapshot), then: true },
            None => Directory { snapshot: self.now.clone(), then: false },
        }
    }

    fn exactly(&mut self, used: &SnapshotUsed) -> Option<Snapshot> {
        let is_it = |snapshot: &&Snapshot| {
            let version = snapshot.version();
            version.generation == used.generation && version.digest.to_string() == used.digest
        };
        if let Some(now) = self.now.as_ref().filter(is_it) {
            return Some(now.clone());
        }
        if self.only_now || self.gone.contains(&used.generation) {
            return None;
        }
        if let Some(held) = self.held.iter().find(is_it) {
            return Some(held.clone());
        }
        let loaded = self.reader.load(used.generation).ok().map(|loaded| loaded.snapshot.clone());
        let Some(found) = loaded.filter(|loaded| is_it(&loaded)) else {
            self.gone.insert(used.generation);
            return None;
        };
        self.held.truncate(HELD - 1);
        self.held.push_front(found.clone());
        Some(found)
    }
}
