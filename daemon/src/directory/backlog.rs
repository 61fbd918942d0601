//! Deactivations that are in force, and not yet recorded or stored.

use std::{collections::VecDeque, sync::Arc, thread};

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

    /// Tries again, each in its order. One need not wait for the other: what only takes is in force already.
    pub(super) fn work_off(&mut self, store: &mut Store, record: &mut Record) {
        let Self { unrecorded, unstored, .. } = self;
        let (record, store) = thread::scope(|scope| {
            let recorder = thread::Builder::new().name("recorder".into());
            let recording = recorder.spawn_scoped(scope, || record_all(record, unrecorded));
            let stored = store_all(store, unstored).err();
            let recorded = match recording {
                Ok(recording) => recording.join().unwrap_or_else(|_| Err("a thread crashed".to_owned())),
                Err(error) => Err(error.to_string()),
            };
            (recorded.err(), stored)
        });
        self.missing = (record.is_some() || store.is_some()).then_some(StillMissing { record, store });
    }
}

fn record_all(record: &mut Record, entries: &mut VecDeque<Event>) -> Result<(), String> {
    while let Some(event) = entries.front() {
        record(event.clone())?;
        entries.pop_front();
    }
    Ok(())
}

fn store_all(store: &mut Store, changes: &mut VecDeque<(Arc<Loaded>, Change)>) -> Result<(), String> {
    while let Some((next, change)) = changes.front() {
        let generation = next.snapshot.version().generation;
        store.save(next, change).map_err(|error| error.to_string())?;
        tracing::debug!(generation, "stored");
        changes.pop_front();
    }
    Ok(())
}
