use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use oam_policy::{Policy, file};

use crate::policy::PolicyManager;

/// The policies that were in force, by digest. There are as many as there were changes, and each is read once.
#[derive(Debug)]
pub struct Policies {
    manager: Arc<PolicyManager>,
    known: HashMap<String, Option<Arc<Policy>>>,
}

impl Policies {
    /// Those of the history of `manager`.
    pub fn new(manager: Arc<PolicyManager>) -> Self {
        Self { manager, known: HashMap::new() }
    }

    /// The policy of that digest; nothing when it is not kept, or is no policy of that digest for this version.
    pub(super) fn of(&mut self, digest: &str) -> Option<Arc<Policy>> {
        match self.known.entry(digest.to_owned()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => place.insert(read(&self.manager, digest)).clone(),
        }
    }
}

fn read(manager: &PolicyManager, digest: &str) -> Option<Arc<Policy>> {
    let (_, files) = manager.history().find(digest).ok()?;
    let policy = file::parse(&files).ok()?;
    (policy.digest().to_string() == digest).then(|| Arc::new(policy))
}
