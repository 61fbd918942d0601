use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::{SnapshotError, User};
use crate::name::{Digest, UsernameKey};

/// How many shards a snapshot has.
pub const SHARDS: usize = 256;

/// The shard in which a user lies: the first byte of the SHA-256 of their folded name.
pub fn shard_of(key: &UsernameKey) -> usize {
    let [first, ..] = *Digest::of(key.as_str().as_bytes()).as_bytes();
    usize::from(first)
}

/// One 256th of the users, ascending by folded name, with the digest of what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    users: Box<[User]>,
    digest: Digest,
}

impl Shard {
    /// A shard of users that are in order.
    pub(super) fn of(mut users: Vec<User>) -> Self {
        users.iter_mut().for_each(User::fold);
        let mut hasher = Sha256::new();
        hasher.update(b"oam-shard-v1");
        for user in &users {
            user.hash_into(&mut hasher);
        }
        Self { users: users.into(), digest: Digest::from_bytes(hasher.finalize().into()) }
    }

    /// The users, ascending by folded name.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The digest of all users of the shard.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn check(&self, number: usize, group_count: usize) -> Result<(), SnapshotError> {
        let keys: Vec<_> = self.users.iter().map(User::key).collect();
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(SnapshotError::Unordered(number));
        }
        for (user, key) in self.users.iter().zip(&keys) {
            if shard_of(key) != number {
                return Err(SnapshotError::Misplaced { user: user.username.clone(), shard: number });
            }
            let in_table = |position: &u32| (*position as usize) < group_count;
            if !user.groups.is_sorted_by(|a, b| a < b) || !user.groups.iter().all(in_table) {
                return Err(SnapshotError::UnknownGroup(user.username.clone()));
            }
        }
        Ok(())
    }
}

/// A shard is stored as its users; the digest is computed anew when it is read.
impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.users.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::of)
    }
}
