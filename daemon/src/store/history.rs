use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::{
    ArchiveError, Loaded, SnapshotInfo,
    archive::{Archive, Shelf},
};

/// The generations that can be looked at and gone back to. A handle: clones see every later generation.
#[derive(Debug, Clone, Default)]
pub struct History {
    shelf: Arc<ArcSwapOption<Shelf>>,
}

impl History {
    /// The generations, newest first. Empty while the store of older generations cannot be used.
    pub fn list(&self) -> Vec<SnapshotInfo> {
        self.shelf.load().as_ref().map(|shelf| shelf.infos()).unwrap_or_default()
    }

    /// Reads a generation from the disk, checking all of it. It blocks, but holds up no writer.
    ///
    /// # Errors
    /// When it is not kept, or not what was stored.
    pub fn load(&self, generation: u64) -> Result<Loaded, ArchiveError> {
        let shelf = self.shelf.load_full().ok_or(ArchiveError::Closed)?;
        shelf.load(generation)
    }

    pub(super) fn show(&self, archive: Option<&Archive>) {
        self.shelf.store(archive.map(|archive| Arc::new(archive.shelf().clone())));
    }
}
