use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Keys, Revocation, SHARDS, Shard, Snapshot, User, shard_of};
use crate::name::{GroupName, Username, UsernameKey};

/// A whole directory as a source sends it, before it is a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directory {
    /// Everybody, active or not.
    pub people: Vec<Person>,
    /// Groups that exist although nobody may be in them.
    pub groups: BTreeSet<GroupName>,
}

/// Somebody as a source sends them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The Bitbucket username.
    pub username: Username,
    /// The immutable id at the source.
    pub id: Option<String>,
    /// The name for people.
    pub display_name: Option<String>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Whether the account may act.
    pub active: bool,
    /// The groups that the person is in.
    pub groups: BTreeSet<GroupName>,
    /// The public keys with which the person signs.
    pub keys: Keys,
}

/// Why a directory makes no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DirectoryError {
    /// Two people with names that Bitbucket cannot tell apart.
    #[error("`{0}` and `{1}` are the same username to Bitbucket, which folds case")]
    SameUsername(Username, Username),
    /// More groups than a snapshot can number.
    #[error("{0} groups are more than a snapshot can hold")]
    TooManyGroups(usize),
}

impl Snapshot {
    /// The snapshot of a whole directory.
    ///
    /// # Errors
    /// When two people share a username.
    pub fn of_directory(
        generation: u64,
        as_of: Timestamp,
        directory: &Directory,
        revocations: BTreeMap<UsernameKey, Revocation>,
    ) -> Result<Self, DirectoryError> {
        let groups = group_table(directory);
        if u32::try_from(groups.len()).is_err() {
            return Err(DirectoryError::TooManyGroups(groups.len()));
        }
        let numbers = (0..).zip(groups.iter()).map(|(number, group)| (group, number)).collect();
        let mut shards = vec![BTreeMap::<UsernameKey, User>::new(); SHARDS];
        for person in &directory.people {
            let key = person.username.key();
            let Some(shard) = shards.get_mut(shard_of(&key)) else { continue };
            if let Some(other) = shard.insert(key, user(person, &numbers)) {
                return Err(DirectoryError::SameUsername(other.username, person.username.clone()));
            }
        }
        let shards =
            shards.into_iter().map(|users| Arc::new(Shard::of(users.into_values().collect()))).collect();
        Ok(Self::of_checked(generation, as_of, groups, shards, Arc::new(revocations)))
    }
}

fn group_table(directory: &Directory) -> Arc<[GroupName]> {
    let named = directory.people.iter().flat_map(|person| &person.groups);
    // A set by hash, since millions of memberships name thousands of groups.
    let mut groups: Vec<_> = named.chain(&directory.groups).collect::<HashSet<_>>().into_iter().collect();
    groups.sort_unstable();
    groups.into_iter().cloned().collect()
}

fn user(person: &Person, numbers: &HashMap<&GroupName, u32>) -> User {
    User {
        username: person.username.clone(),
        folded: None,
        id: person.id.as_deref().map(Into::into),
        display_name: person.display_name.as_deref().map(Into::into),
        emails: person.emails.iter().map(|email| email.as_str().into()).collect(),
        active: person.active,
        groups: person.groups.iter().filter_map(|group| numbers.get(group).copied()).collect(),
        keys: Some(&person.keys).filter(|keys| !keys.is_empty()).cloned().map(Box::new),
    }
}
