//! The file, written beside what happens: nobody waits for it, since the log has it all.

use std::sync::{Arc, atomic::Ordering};

use super::{
    Privileges, Set,
    disk::{self, Saved},
};

impl Privileges {
    /// Whether something happened that the file does not have yet.
    pub(super) fn is_unsaved(&self) -> bool {
        self.unsaved.load(Ordering::Relaxed)
    }

    /// Writes the file, beside the threads on which others wait. Nothing is changed only while it is made sure what there is.
    pub(super) async fn save_beside(self: &Arc<Self>) {
        let saved = {
            let _one_at_a_time = self.changing().await;
            self.so_far()
        };
        let this = Arc::clone(self);
        if tokio::task::spawn_blocking(move || this.write(&saved)).await.is_err() {
            tracing::error!("what people have for a while was not written: the daemon is stopping");
        }
    }

    /// Writes the file. It blocks on the disk, and must not be called while something is changed.
    pub(super) fn save(&self) {
        self.write(&self.so_far());
    }

    /// What there is to be written. It must be called with `changing` held.
    fn so_far(&self) -> Saved {
        self.unsaved.store(false, Ordering::Relaxed);
        // Uses that are taken after this and recorded before would else be accounted for by neither.
        let entries = self.audit.size();
        let mut set = Set::clone(&self.set());
        set.account(&self.uses.taken());
        Saved { entries, seen: self.clock().now(), set }
    }

    /// Where that fails, the next start reads more of the log, and the clock may have been set back unnoticed since.
    fn write(&self, saved: &Saved) {
        let written = disk::write(&self.path, saved);
        if let Err(error) = &written
            && !self.file_fails.load(Ordering::Relaxed)
        {
            tracing::error!(%error, path = %self.path.display(), "what people have for a while was not written");
        }
        self.file_fails.store(written.is_err(), Ordering::Relaxed);
    }
}
