use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use oam_policy::Policy;

use crate::store::{ArchiveError, History, Loaded, SnapshotInfo};

/// The directory in force, and the generations before it. Clones share it.
#[derive(Debug, Clone)]
pub struct DirectoryReader {
    current: Arc<ArcSwapOption<Loaded>>,
    troubles: Arc<ArcSwap<Vec<String>>>,
    history: History,
    /// By what is decided: what another directory means in it is found out before that comes into force.
    policy: Arc<ArcSwapOption<Policy>>,
}

impl DirectoryReader {
    pub(super) fn new(current: Option<Arc<Loaded>>, history: History) -> Self {
        let current = Arc::new(ArcSwapOption::new(current));
        Self { current, troubles: Arc::default(), history, policy: Arc::default() }
    }

    /// What is in force now; absent before the first import. Takes no lock.
    pub fn current(&self) -> Option<Arc<Loaded>> {
        self.current.load_full()
    }

    /// What somebody should look at: changes that are in force and not yet recorded or stored. One sentence each.
    pub fn troubles(&self) -> Vec<String> {
        self.troubles.load().to_vec()
    }

    /// The generations that can be looked at and gone back to, newest first.
    pub fn history(&self) -> Vec<SnapshotInfo> {
        self.history.list()
    }

    /// Reads an older generation from the disk. It blocks.
    ///
    /// # Errors
    /// When it is not kept, or not what was stored.
    pub fn load(&self, generation: u64) -> Result<Arc<Loaded>, ArchiveError> {
        match self.current().filter(|current| current.snapshot.version().generation == generation) {
            Some(current) => Ok(current),
            None => self.history.load(generation).map(Arc::new),
        }
    }

    /// Notes by which policy is decided from now on.
    pub fn decided_by(&self, policy: &Arc<Policy>) {
        self.policy.store(Some(Arc::clone(policy)));
        let Some(current) = self.current() else { return };
        let unasked = unasked(&current);
        policy.prepare(&unasked.snapshot, None);
        self.replace(&current, unasked);
    }

    /// Where another directory came into force meanwhile, that one stays: prepared, or for the policy before, which costs time only.
    pub(super) fn replace(&self, current: &Arc<Loaded>, by: Loaded) {
        self.current.compare_and_swap(current, Some(Arc::new(by)));
    }

    pub(super) fn put_in_force(&self, next: Arc<Loaded>) {
        let before = self.current.load();
        let before = before.as_ref().map(|before| &before.snapshot);
        if let Some(policy) = self.policy.load().as_ref() {
            policy.prepare(&next.snapshot, before);
        }
        if let Some(before) = before {
            next.snapshot.prepare_emails_as(before);
        }
        self.current.store(Some(next));
    }

    pub(super) fn tell(&self, troubles: Vec<String>) {
        self.troubles.store(Arc::new(troubles));
    }
}

/// The same directory, by which nothing was asked yet.
pub(super) fn unasked(Loaded { snapshot, info }: &Loaded) -> Loaded {
    Loaded { snapshot: snapshot.unasked(), info: info.clone() }
}
