use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::{
    ArchiveError, Loaded, SnapshotInfo,
    archive::{Archive, Shelf},
};

/// The generations that can be looked at and gone back to. A handle: clones see every later generation.
#[derive(Debug, Clone, Default)]
pub struct History {
    shelf: Arc<ArcSwapOption<Shelf>>,
    /// Those that are not in sled yet, oldest first.
    waiting: Arc<ArcSwap<Vec<Arc<Loaded>>>>,
}

impl History {
    /// The generations, newest first. Empty while the store of older generations cannot be used.
    pub fn list(&self) -> Vec<SnapshotInfo> {
        // In this order, so that none is missed that is brought there meanwhile.
        let waiting = self.waiting.load();
        let mut shelved = self.shelf.load().as_ref().map(|shelf| shelf.infos()).unwrap_or_default();
        let is_new = |one: &&Arc<Loaded>| {
            shelved.first().is_none_or(|newest| newest.version.generation < one.info.version.generation)
        };
        let mut infos: Vec<_> = waiting.iter().rev().filter(is_new).map(|one| one.info.clone()).collect();
        infos.append(&mut shelved);
        infos
    }

    /// Reads a generation from the disk, checking all of it. It blocks, but holds up no writer.
    ///
    /// # Errors
    /// When it is not kept, or not what was stored.
    pub fn load(&self, generation: u64) -> Result<Loaded, ArchiveError> {
        let is_meant = |one: &&Arc<Loaded>| one.info.version.generation == generation;
        if let Some(waits) = self.waiting.load().iter().find(is_meant) {
            return Ok(Loaded::clone(waits));
        }
        let shelf = self.shelf.load_full().ok_or(ArchiveError::Closed)?;
        shelf.load(generation)
    }

    pub(super) fn show(&self, archive: Option<&Archive>, waiting: &[Arc<Loaded>]) {
        self.shelf.store(archive.map(|archive| Arc::new(archive.shelf().clone())));
        self.waiting.store(Arc::new(waiting.to_vec()));
    }
}
