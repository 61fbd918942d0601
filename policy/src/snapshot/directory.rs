use std::{
    borrow::Borrow,
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

impl Person {
    /// Somebody active of whom nothing but the name is known.
    pub fn named(username: Username) -> Self {
        Self {
            username,
            id: None,
            display_name: None,
            emails: Vec::new(),
            active: true,
            groups: BTreeSet::new(),
            keys: Keys::default(),
        }
    }
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
    /// Of nobody.
    pub fn empty() -> Self {
        let shards = (0..SHARDS).map(|_| Arc::new(Shard::of(Vec::new()))).collect();
        Self::of_checked(0, Timestamp::UNIX_EPOCH, Arc::default(), shards, Arc::default())
    }

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
        Self::of_people(generation, as_of, group_table(directory), &directory.people, revocations)
    }

    /// The snapshot of people who come one by one, so that no list of all of them need be held. `groups` are all groups: one
    /// that is not among them is nobody's.
    ///
    /// # Errors
    /// When two people share a username.
    pub fn of_people<P: Borrow<Person>>(
        generation: u64,
        as_of: Timestamp,
        groups: Arc<[GroupName]>,
        people: impl IntoIterator<Item = P>,
        revocations: BTreeMap<UsernameKey, Revocation>,
    ) -> Result<Self, DirectoryError> {
        if u32::try_from(groups.len()).is_err() {
            return Err(DirectoryError::TooManyGroups(groups.len()));
        }
        // By hash, since there may be millions of memberships.
        let numbers: HashMap<&GroupName, u32> =
            (0..).zip(groups.iter()).map(|(number, group)| (group, number)).collect();
        let number = |group: &GroupName| numbers.get(group).copied();
        let mut shards: Vec<Vec<User>> = (0..SHARDS).map(|_| Vec::new()).collect();
        for person in people {
            let person = person.borrow();
            if let Some(shard) = shards.get_mut(shard_of(&person.username.key())) {
                shard.push(user(person, number));
            }
        }
        let shards = shards.into_iter().map(in_order).collect::<Result<_, _>>()?;
        Ok(Self::of_checked(generation, as_of, groups, shards, Arc::new(revocations)))
    }
}

/// The shard of these users, ascending by folded name.
fn in_order(mut users: Vec<User>) -> Result<Arc<Shard>, DirectoryError> {
    users.iter_mut().for_each(User::fold);
    // Stable, so that of two of one name the first one is told first.
    users.sort_by(|a, b| a.key_text().cmp(b.key_text()));
    for pair in users.windows(2) {
        if let [one, other] = pair
            && one.key_text() == other.key_text()
        {
            return Err(DirectoryError::SameUsername(one.username.clone(), other.username.clone()));
        }
    }
    Ok(Arc::new(Shard::of(users)))
}

fn group_table(directory: &Directory) -> Arc<[GroupName]> {
    let named = directory.people.iter().flat_map(|person| &person.groups);
    // A set by hash, since millions of memberships name thousands of groups.
    let mut groups: Vec<_> = named.chain(&directory.groups).collect::<HashSet<_>>().into_iter().collect();
    groups.sort_unstable();
    groups.into_iter().cloned().collect()
}

/// A person as a snapshot keeps them; `number` tells the place of a group in its table.
pub(super) fn user(person: &Person, number: impl Fn(&GroupName) -> Option<u32>) -> User {
    User {
        username: person.username.clone(),
        folded: None,
        id: person.id.as_deref().map(Into::into),
        display_name: person.display_name.as_deref().map(Into::into),
        emails: person.emails.iter().map(|email| email.as_str().into()).collect(),
        active: person.active,
        groups: person.groups.iter().filter_map(number).collect(),
        keys: Some(&person.keys).filter(|keys| !keys.is_empty()).cloned().map(Box::new),
    }
}
