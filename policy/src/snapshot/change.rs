use std::sync::Arc;

use jiff::Timestamp;

use super::{Revocation, Snapshot, digest};
use crate::name::{Username, UsernameKey};

impl Snapshot {
    /// The next snapshot, in which `user` is cut off. The user need not be in the directory: a service principal that
    /// only the policy knows, or somebody who arrives with a later import, is cut off all the same.
    #[must_use]
    pub fn revoke(&self, user: &UsernameKey, revocation: Revocation) -> Self {
        let mut next = self.clone_for_next();
        Arc::make_mut(&mut next.revocations).insert(user.clone(), revocation);
        next.sealed()
    }

    /// The next snapshot, in which a revocation is lifted; `None` when there is none to lift.
    #[must_use]
    pub fn lift_revocation(&self, user: &UsernameKey) -> Option<Self> {
        if !self.revocations.contains_key(user) {
            return None;
        }
        let mut next = self.clone_for_next();
        Arc::make_mut(&mut next.revocations).remove(user);
        Some(next.sealed())
    }

    /// What going back from this snapshot to `target` would mean.
    pub fn plan_rollback(&self, target: &Self) -> RollbackPlan {
        let cut_off_since = target
            .users()
            .filter(|then| then.is_active() && !self.is_active(&then.username().key()))
            .map(|then| then.username().clone())
            .collect();
        RollbackPlan { cut_off_since }
    }

    /// The next snapshot with the directory of `target`. Revocations of today stay. Whoever was active then and is
    /// not now (deactivated or gone since) stays cut off, unless `reactivate` says otherwise.
    #[must_use]
    pub fn roll_back_to(&self, target: &Self, reactivate: bool, now: Timestamp, by: &str) -> Self {
        let mut next = target.clone();
        next.version.generation = self.version.generation;
        let mut revocations = (*self.revocations).clone();
        let since = self.plan_rollback(target).cut_off_since;
        for username in since {
            if reactivate {
                revocations.remove(&username.key());
            } else {
                revocations.entry(username.key()).or_insert_with(|| Revocation {
                    at: now,
                    by: by.to_owned(),
                    reason: format!(
                        "no longer active when the directory was rolled back to generation {}",
                        target.version.generation
                    ),
                });
            }
        }
        next.revocations = Arc::new(revocations);
        next.clone_for_next().sealed()
    }

    /// The next snapshot with the directory of `delivered`, as a source sent it. Revocations of today stay: one
    /// beats an update that comes late.
    #[must_use]
    pub fn deliver(&self, delivered: &Self) -> Self {
        let mut next = delivered.clone();
        next.version.generation = self.version.generation;
        next.revocations = Arc::clone(&self.revocations);
        next.clone_for_next().sealed()
    }

    /// The next snapshot, in which nothing changed but that the source confirmed it again at `as_of`.
    #[must_use]
    pub fn confirm(&self, as_of: Timestamp) -> Self {
        let mut next = self.clone_for_next();
        next.as_of = as_of;
        next.sealed()
    }

    /// The same content in another place of the order of changes: a generation that was tried and failed is not
    /// given out again.
    #[must_use]
    pub fn renumbered(mut self, generation: u64) -> Self {
        self.version.generation = generation;
        self
    }

    /// Whether two snapshots hold the same users and groups, whatever was revoked and whenever they were confirmed.
    pub fn is_same_directory(&self, other: &Self) -> bool {
        self.groups == other.groups
            && self
                .shards
                .iter()
                .map(|shard| shard.digest())
                .eq(other.shards.iter().map(|shard| shard.digest()))
    }

    fn is_active(&self, key: &UsernameKey) -> bool {
        self.user(key).is_some_and(|user| user.is_active())
    }

    fn clone_for_next(&self) -> Self {
        let mut next = self.clone();
        next.version.generation = next.version.generation.saturating_add(1);
        next
    }

    /// With the digest of what it now holds. Its users are those that they were.
    fn sealed(mut self) -> Self {
        self.version.digest = digest(self.as_of, &self.groups, &self.shards, &self.revocations);
        self
    }
}

/// What a rollback would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackPlan {
    /// People who were active in the target and are not now.
    pub cut_off_since: Vec<Username>,
}
