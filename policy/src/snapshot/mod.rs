//! The directory: who exists, who is active, who is in which group. One immutable value that readers share.
//!
//! Users lie in 256 shards by the hash of their name. A change to one person copies one shard and shares the other
//! 255 with the snapshot before it, so a revocation costs the same in a company of fifty and of half a million.

mod amend;
mod change;
mod diff;
mod directory;
mod emails;
pub mod file;
mod keys;
mod revocation;
mod roll;
mod shard;
mod user;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use amend::Amendment;
pub use change::RollbackPlan;
pub use diff::{SnapshotDiff, UserChange};
pub use directory::{Directory, DirectoryError, Person};
pub use keys::{KeyError, Keys, MAX_KEY_LEN, MAX_KEYS, OpenPgpKey, SshKey};
pub use revocation::Revocation;
use roll::Roll;
pub use shard::{SHARDS, Shard, shard_of};
pub use user::{User, UserView};

use crate::{
    name::{Digest, GroupName, Username, UsernameKey},
    rule::Holders,
};

/// Names one snapshot exactly: what it holds, and its place in the order of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotVersion {
    /// Grows by one with every change; never reused.
    pub generation: u64,
    /// The digest of all that the snapshot holds.
    pub digest: Digest,
}

impl fmt::Display for SnapshotVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.generation, self.digest.short())
    }
}

/// The directory at one moment. Cheap to clone: clones share everything.
#[derive(Debug, Clone)]
pub struct Snapshot {
    version: SnapshotVersion,
    as_of: Timestamp,
    groups: Arc<[GroupName]>,
    shards: Arc<[Arc<Shard>]>,
    roll: Arc<Roll>,
    revocations: Arc<BTreeMap<UsernameKey, Revocation>>,
    emails: Arc<OnceLock<emails::EmailIndex>>,
    /// What the roles mean here of the policy that asked first: see [`Self::unasked`].
    holders: Arc<OnceLock<Holders>>,
}

/// Where a user lies in a snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) shard: usize,
    /// Among the users of the shard.
    pub(crate) position: usize,
}

/// Why stored parts do not make a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// Not 256 shards.
    #[error("{0} shards, where there must be {SHARDS}")]
    ShardCount(usize),
    /// A user lies in a shard where nobody would look for them.
    #[error("user `{user}` lies in shard {shard}, where they would not be found")]
    Misplaced {
        /// The user.
        user: Username,
        /// The shard they were found in.
        shard: usize,
    },
    /// Users of a shard out of order, or twice.
    #[error("shard {0} is not in order")]
    Unordered(usize),
    /// A user names a group that is not in the table.
    #[error("user `{0}` is in a group that does not exist")]
    UnknownGroup(Username),
    /// The table of groups is out of order or names one twice.
    #[error("the table of groups is not in order")]
    GroupsUnordered,
}

impl Snapshot {
    /// Makes a snapshot of stored parts, checking all of them and computing the digest anew.
    ///
    /// # Errors
    /// When the parts contradict each other.
    pub fn assemble(
        generation: u64,
        as_of: Timestamp,
        groups: Arc<[GroupName]>,
        shards: Vec<Arc<Shard>>,
        revocations: BTreeMap<UsernameKey, Revocation>,
    ) -> Result<Self, SnapshotError> {
        if shards.len() != SHARDS {
            return Err(SnapshotError::ShardCount(shards.len()));
        }
        if !groups.is_sorted_by(|a, b| a < b) {
            return Err(SnapshotError::GroupsUnordered);
        }
        for (number, shard) in shards.iter().enumerate() {
            shard.check(number, groups.len())?;
        }
        Ok(Self::of_checked(generation, as_of, groups, shards.into(), Arc::new(revocations)))
    }

    fn of_checked(
        generation: u64,
        as_of: Timestamp,
        groups: Arc<[GroupName]>,
        shards: Arc<[Arc<Shard>]>,
        revocations: Arc<BTreeMap<UsernameKey, Revocation>>,
    ) -> Self {
        let roll = Arc::new(Roll::of(&shards));
        let version = SnapshotVersion { generation, digest: digest(as_of, &groups, &shards, &revocations) };
        Self {
            version,
            as_of,
            groups,
            shards,
            roll,
            revocations,
            emails: Arc::default(),
            holders: Arc::default(),
        }
    }

    /// The snapshot's version.
    pub fn version(&self) -> SnapshotVersion {
        self.version
    }

    /// When the source last said that this is how things are.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Every group, ascending, also those without members.
    pub fn groups(&self) -> &[GroupName] {
        &self.groups
    }

    pub(crate) fn groups_table(&self) -> &Arc<[GroupName]> {
        &self.groups
    }

    pub(crate) fn shared_shards(&self) -> &Arc<[Arc<Shard>]> {
        &self.shards
    }

    pub(crate) fn holders(&self) -> &OnceLock<Holders> {
        &self.holders
    }

    /// The same, as if no policy had asked yet who holds what in it. For whoever decides by another policy from now on: what the one
    /// before knew makes room for what that one asks.
    #[must_use]
    pub fn unasked(&self) -> Self {
        Self { holders: Arc::default(), ..self.clone() }
    }

    /// The table of groups, to be shared.
    pub fn shared_groups(&self) -> Arc<[GroupName]> {
        Arc::clone(&self.groups)
    }

    /// Whether it has the groups of another one. Most of the time they share them, and nobody looks at each.
    pub fn has_groups_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.groups, &other.groups) || self.groups == other.groups
    }

    /// The 256 shards.
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    /// Who was cut off by command, whatever their source says.
    pub fn revocations(&self) -> &BTreeMap<UsernameKey, Revocation> {
        &self.revocations
    }

    /// How many users there are, active or not.
    pub fn user_count(&self) -> usize {
        self.shards.iter().map(|shard| shard.users().len()).sum()
    }

    /// Every user, in no particular order.
    pub fn users(&self) -> impl Iterator<Item = UserView<'_>> {
        self.shards.iter().flat_map(|shard| shard.users()).map(|user| self.view(user))
    }

    /// The user of that name.
    pub fn user(&self, key: &UsernameKey) -> Option<UserView<'_>> {
        self.find(key.as_str()).map(|(_, user)| user)
    }

    /// The user of that folded name, and where they lie.
    #[inline]
    pub(crate) fn find(&self, folded: &str) -> Option<(Place, UserView<'_>)> {
        let (place, user) = self.roll.find(folded, &self.shards)?;
        Some((place, self.view(user)))
    }

    #[inline]
    fn view<'a>(&'a self, user: &'a User) -> UserView<'a> {
        // Most of the time nobody is cut off, and then no name need be folded.
        let revocation =
            if self.revocations.is_empty() { None } else { self.revocations.get(user.key_text()) };
        UserView::new(user, &self.groups, revocation)
    }
}

fn digest(
    as_of: Timestamp,
    groups: &[GroupName],
    shards: &[Arc<Shard>],
    revocations: &BTreeMap<UsernameKey, Revocation>,
) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(b"oam-snapshot-v1");
    hasher.update(as_of.as_microsecond().to_be_bytes());
    for group in groups {
        hash_text(&mut hasher, group.source());
        hash_text(&mut hasher, group.name());
    }
    // A separator that no length prefix can be.
    hasher.update([0xff; 8]);
    for shard in shards {
        hasher.update(shard.digest().as_bytes());
    }
    for (key, revocation) in revocations {
        hash_text(&mut hasher, key.as_str());
        revocation.hash_into(&mut hasher);
    }
    Digest::from_bytes(hasher.finalize().into())
}

/// Hashes a text behind its length, so that no two lists of texts hash alike.
fn hash_text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}
