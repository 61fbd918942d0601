use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use oam_policy::{Policy, file};

use crate::policy::PolicyManager;

/// How many are held at once: one takes many times its text. Pushes come in the order of the policies, or nearly so.
const HELD: usize = 4;

/// The policies that were in force, read as they are asked for.
#[derive(Debug)]
pub struct Policies {
    manager: Arc<PolicyManager>,
    held: VecDeque<(String, Arc<Policy>)>,
    /// Digests of those that are not to be had, so that none is looked for twice.
    gone: BTreeSet<String>,
}

impl Policies {
    /// Those of the history of `manager`.
    pub fn new(manager: Arc<PolicyManager>) -> Self {
        Self { manager, held: VecDeque::new(), gone: BTreeSet::new() }
    }

    /// The policy of that digest; nothing when it is not kept, or is no policy of that digest for this version.
    pub(super) fn of(&mut self, digest: &str) -> Option<Arc<Policy>> {
        if self.gone.contains(digest) {
            return None;
        }
        if let Some((_, held)) = self.held.iter().find(|(known, _)| known == digest) {
            return Some(Arc::clone(held));
        }
        // Room is made first: never are there more.
        self.held.truncate(HELD - 1);
        let Some(found) = read(&self.manager, digest) else {
            self.gone.insert(digest.to_owned());
            return None;
        };
        self.held.push_front((digest.to_owned(), Arc::clone(&found)));
        Some(found)
    }
}

fn read(manager: &PolicyManager, digest: &str) -> Option<Arc<Policy>> {
    let (_, files) = manager.history().find(digest).ok()?;
    let policy = file::parse(&files).ok()?;
    (policy.digest().to_string() == digest).then(|| Arc::new(policy))
}
