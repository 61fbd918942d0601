//! Deactivations that are in force, and not yet recorded or stored.

use std::{collections::VecDeque, sync::Arc};

use oam_audit::entry::Event;

use super::{Record, StillMissing};
use crate::store::{Change, Loaded, Store};

/// What is still to be done, oldest first.
#[derive(Default)]
pub(super) struct Backlog {
    unrecorded: VecDeque<Event>,
    unstored: VecDeque<(Arc<Loaded>, Change)>,
    missing: Option<StillMissing>,
}

impl Backlog {
    /// What is missing, if anything is.
    pub(super) fn missing(&self) -> Option<&StillMissing> {
        self.missing.as_ref()
    }

    /// Adds one deactivation, and does as much as can be done.
    pub(super) fn add(
        &mut self,
        event: Event,
        next: Arc<Loaded>,
        change: Change,
        store: &mut Store,
        record: &mut Record,
    ) {
        self.unrecorded.push_back(event);
        self.unstored.push_back((next, change));
        self.work_off(store, record);
    }

    /// Tries again, each in its order.
    pub(super) fn work_off(&mut self, store: &mut Store, record: &mut Record) {
        let record = self.record_all(record).err();
        let store = self.store_all(store).err();
        self.missing = (record.is_some() || store.is_some()).then_some(StillMissing { record, store });
    }

    fn record_all(&mut self, record: &mut Record) -> Result<(), String> {
        while let Some(event) = self.unrecorded.front() {
            record(event.clone())?;
            self.unrecorded.pop_front();
        }
        Ok(())
    }

    fn store_all(&mut self, store: &mut Store) -> Result<(), String> {
        while let Some((next, change)) = self.unstored.front() {
            let generation = next.snapshot.version().generation;
            store.save(next, change).map_err(|error| error.to_string())?;
            tracing::debug!(generation, "stored");
            self.unstored.pop_front();
        }
        Ok(())
    }
}
