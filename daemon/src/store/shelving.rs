//! Bringing generations into sled, after they were answered: they are durable in the journal already.

use std::{io, path::Path, sync::Arc};

use super::{ArchiveError, History, Layout, Loaded, archive::Archive, durable, floor};

/// So many may wait. They are readable meanwhile, and what waits when the daemon dies is no longer among the older generations
/// that can be gone back to, but for the newest.
const MOST_WAITING: usize = 16;

/// Sled, and what is to be brought there.
#[derive(Debug)]
pub(super) struct Shelving {
    /// `None` while sled cannot be used: the journal carries on alone.
    pub(super) archive: Option<Archive>,
    pub(super) trouble: Option<String>,
    pub(super) history: History,
    pub(super) kept: usize,
    /// Oldest first.
    pub(super) waiting: Vec<Arc<Loaded>>,
    /// Whether something waits that needs much room.
    pub(super) is_urgent: bool,
}

impl Shelving {
    /// Takes a generation that is durable in the journal.
    pub(super) fn add(&mut self, next: Arc<Loaded>, is_whole: bool) {
        self.waiting.push(next);
        self.is_urgent |= is_whole;
        self.show();
    }

    /// Whether something waits.
    pub(super) fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether so much waits that it must not wait for a pause.
    pub(super) fn is_due(&self) -> bool {
        self.is_urgent || self.waiting.len() >= MOST_WAITING
    }

    /// Brings all that waits into sled, waiting for the disk once. It may fail: the journal has it.
    pub(super) fn catch_up(&mut self, layout: &Layout) {
        if self.waiting.is_empty() {
            return;
        }
        if self.archive.is_none() {
            self.reopen(layout);
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.is_urgent = false;
        let all = waiting.iter().map(AsRef::as_ref);
        match self.archive.as_mut().map(|archive| archive.save(all, self.kept)) {
            None => {}
            Some(Ok(())) => {
                self.trouble = None;
                self.note(layout);
            }
            Some(Err(error)) => self.give_up(&error),
        }
        self.show();
    }

    /// Closes sled, although readers may still have the history.
    pub(super) fn close(&mut self, layout: &Layout) {
        self.catch_up(layout);
        self.history.show(None, &[]);
        if let Some(archive) = self.archive.take() {
            archive.close();
        }
    }

    fn show(&self) {
        self.history.show(self.archive.as_ref(), &self.waiting);
    }

    fn note(&self, layout: &Layout) {
        let Some(newest) = self.archive.as_ref().and_then(|archive| archive.shelf().newest()) else { return };
        if let Err(error) = floor::write(&layout.shelved(), newest) {
            // Then a start notices later than it could that sled went back.
            tracing::warn!(%error, "up to where the store of older generations was brought could not be noted");
        }
    }

    fn give_up(&mut self, error: &ArchiveError) {
        let trouble = format!(
            "the store of older generations fails ({error}); changes are kept safely in the journal, and it is tried \
             again with every change"
        );
        tracing::error!("{trouble}");
        self.trouble = Some(trouble);
        if let Some(archive) = self.archive.take() {
            archive.close();
        }
    }

    /// Opens sled again after it failed. What it holds may lack the latest generations, but is whole.
    fn reopen(&mut self, layout: &Layout) {
        match Archive::open(&layout.archive()) {
            Ok(archive) => self.archive = Some(archive),
            Err(error) if error.is_damage() => {
                tracing::error!("the store of older generations is damaged ({error}); it is set aside");
                self.archive = durable::set_aside(&layout.archive())
                    .ok()
                    .and_then(|_| Archive::open(&layout.archive()).ok());
            }
            Err(_) => {}
        }
    }
}

/// Notes at a start up to where sled was brought.
pub(super) fn note_shelved(path: &Path, noted: &floor::Found, archive: &Archive) -> io::Result<()> {
    match (archive.shelf().newest(), noted) {
        (Some(newest), floor::Found::Known(noted)) if newest == *noted => Ok(()),
        (Some(newest), _) => floor::write(path, newest),
        (None, floor::Found::New) => Ok(()),
        (None, _) => floor::write_new(path),
    }
}
