use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Revocation, hash_text};
use crate::name::{GroupName, Username, UsernameKey};

/// One user as a snapshot keeps them. Groups are positions in the snapshot's table of groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub(super) username: Username,
    /// The name folded, where that is another text: looking somebody up compares many names.
    #[serde(skip)]
    pub(super) folded: Option<UsernameKey>,
    pub(super) id: Option<Box<str>>,
    pub(super) display_name: Option<Box<str>>,
    pub(super) emails: Box<[Box<str>]>,
    pub(super) active: bool,
    /// Ascending.
    pub(super) groups: Box<[u32]>,
}

impl User {
    /// The name that users are found by.
    pub fn key(&self) -> UsernameKey {
        self.username.key()
    }

    /// Folds the name, once.
    pub(super) fn fold(&mut self) {
        self.folded = Some(self.username.key()).filter(|key| key.as_str() != self.username.as_str());
    }

    /// The text of [`Self::key`], once the name was folded.
    pub(super) fn key_text(&self) -> &str {
        self.folded.as_ref().map_or(self.username.as_str(), UsernameKey::as_str)
    }

    /// The groups as positions in the snapshot's table, ascending.
    pub(crate) fn groups(&self) -> &[u32] {
        &self.groups
    }

    pub(super) fn hash_into(&self, hasher: &mut Sha256) {
        hash_text(hasher, self.username.as_str());
        for optional in [&self.id, &self.display_name] {
            hasher.update([u8::from(optional.is_some())]);
            hash_text(hasher, optional.as_deref().unwrap_or_default());
        }
        hasher.update([u8::from(self.active)]);
        hasher.update((self.emails.len() as u64).to_be_bytes());
        for email in &self.emails {
            hash_text(hasher, email);
        }
        hasher.update((self.groups.len() as u64).to_be_bytes());
        for group in &self.groups {
            hasher.update(group.to_be_bytes());
        }
    }
}

/// One user beside all that the snapshot knows about them.
#[derive(Debug, Clone, Copy)]
pub struct UserView<'a> {
    user: &'a User,
    groups: &'a Arc<[GroupName]>,
    revocation: Option<&'a Revocation>,
}

impl<'a> UserView<'a> {
    pub(super) fn new(
        user: &'a User,
        groups: &'a Arc<[GroupName]>,
        revocation: Option<&'a Revocation>,
    ) -> Self {
        Self { user, groups, revocation }
    }

    /// The name as the directory spells it.
    pub fn username(&self) -> &'a Username {
        &self.user.username
    }

    /// The immutable id at the source.
    pub fn id(&self) -> Option<&'a str> {
        self.user.id.as_deref()
    }

    /// The name for people.
    pub fn display_name(&self) -> Option<&'a str> {
        self.user.display_name.as_deref()
    }

    /// The e-mail addresses, as the source gives them.
    pub fn emails(&self) -> impl Iterator<Item = &'a str> {
        self.user.emails.iter().map(AsRef::as_ref)
    }

    /// Whether the source says that the account is active, whatever was revoked here.
    pub fn active_at_source(&self) -> bool {
        self.user.active
    }

    /// How the user was cut off by command, if they were.
    pub fn revocation(&self) -> Option<&'a Revocation> {
        self.revocation
    }

    /// Whether the user may act at all: deactivation anywhere wins.
    pub fn is_active(&self) -> bool {
        self.user.active && self.revocation.is_none()
    }

    /// The groups, ascending.
    pub fn groups(&self) -> impl Iterator<Item = &'a GroupName> {
        let table = self.groups;
        self.user.groups.iter().filter_map(move |position| table.get(*position as usize))
    }

    /// The groups as positions in the snapshot's table, ascending.
    pub(crate) fn group_positions(&self) -> &'a [u32] {
        &self.user.groups
    }

    /// Whether the user is in `group`.
    pub fn is_member_of(&self, group: &GroupName) -> bool {
        let Ok(position) = self.groups.binary_search(group) else { return false };
        u32::try_from(position).is_ok_and(|position| self.user.groups.binary_search(&position).is_ok())
    }
}
