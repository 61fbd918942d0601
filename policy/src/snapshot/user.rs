use std::{borrow::Cow, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, SeqAccess, Visitor},
    ser::SerializeTuple as _,
};
use sha2::{Digest as _, Sha256};

use super::{Keys, OpenPgpKey, Person, Revocation, SshKey, hash_text};
use crate::name::{GroupName, Username, UsernameKey};

/// One user as a snapshot keeps them. Groups are positions in the snapshot's table of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub(super) username: Username,
    /// The name folded, where that is another text: looking somebody up compares many names.
    pub(super) folded: Option<UsernameKey>,
    pub(super) id: Option<Box<str>>,
    pub(super) display_name: Option<Box<str>>,
    pub(super) emails: Box<[Box<str>]>,
    pub(super) active: bool,
    /// Ascending.
    pub(super) groups: Box<[u32]>,
    /// Most people have none, and cost nothing for it.
    pub(super) keys: Option<Box<Keys>>,
}

/// What of a user stands in one number.
mod flag {
    pub(super) const ACTIVE: u8 = 1;
    /// Keys follow the groups. Who has none is stored as before there were any.
    pub(super) const KEYS: u8 = 2;
}

/// A user is stored as a tuple, whose last element is there only when the flags say so.
impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { username, folded: _, id, display_name, emails, active, groups, keys } = self;
        let flags = if *active { flag::ACTIVE } else { 0 } | if keys.is_some() { flag::KEYS } else { 0 };
        let mut tuple = serializer.serialize_tuple(if keys.is_some() { 7 } else { 6 })?;
        tuple.serialize_element(username)?;
        tuple.serialize_element(id)?;
        tuple.serialize_element(display_name)?;
        tuple.serialize_element(emails)?;
        tuple.serialize_element(&flags)?;
        tuple.serialize_element(groups)?;
        if let Some(keys) = keys {
            tuple.serialize_element(keys.as_ref())?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(7, UserVisitor)
    }
}

struct UserVisitor;

impl<'de> Visitor<'de> for UserVisitor {
    type Value = User;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<User, A::Error> {
        fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<T, A::Error> {
            seq.next_element()?.ok_or_else(|| A::Error::custom("a user is cut short"))
        }
        let (username, id, display_name) = (next(&mut seq)?, next(&mut seq)?, next(&mut seq)?);
        let emails = next(&mut seq)?;
        let flags: u8 = next(&mut seq)?;
        if flags & !(flag::ACTIVE | flag::KEYS) != 0 {
            return Err(A::Error::custom("a user has unknown flags"));
        }
        let groups = next(&mut seq)?;
        let keys = if flags & flag::KEYS != 0 { Some(next(&mut seq)?) } else { None };
        let active = flags & flag::ACTIVE != 0;
        Ok(User { username, folded: None, id, display_name, emails, active, groups, keys })
    }
}

impl User {
    /// The name that users are found by.
    pub fn key(&self) -> UsernameKey {
        self.username.key()
    }

    /// Folds the name, once.
    pub(super) fn fold(&mut self) {
        let is_as_it_is = matches!(self.username.folded(), Cow::Borrowed(_));
        self.folded = (!is_as_it_is).then(|| self.username.key());
    }

    /// The text of [`Self::key`], once the name was folded.
    #[inline]
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
        if let Some(keys) = &self.keys {
            keys.hash_into(hasher);
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

    /// The same as a source would send them; what was revoked here is no part of it.
    pub fn to_person(self) -> Person {
        Person {
            id: self.id().map(str::to_owned),
            display_name: self.display_name().map(str::to_owned),
            emails: self.emails().map(str::to_owned).collect(),
            active: self.active_at_source(),
            groups: self.groups().cloned().collect(),
            keys: self.user.keys.as_deref().cloned().unwrap_or_default(),
            ..Person::named(self.username().clone())
        }
    }

    /// Whether both are the same as a source would send them.
    pub fn is_same_person(&self, other: &Self) -> bool {
        let (one, same) = (self.user, other.user);
        one.username == same.username
            && one.id == same.id
            && one.display_name == same.display_name
            && one.emails == same.emails
            && one.active == same.active
            && one.keys == same.keys
            && self.groups().eq(other.groups())
    }

    /// The SSH keys with which the user signs.
    pub fn ssh_keys(&self) -> &'a [SshKey] {
        self.user.keys.as_deref().map_or(&[], |keys| &keys.ssh)
    }

    /// The OpenPGP keys with which the user signs.
    pub fn openpgp_keys(&self) -> &'a [OpenPgpKey] {
        self.user.keys.as_deref().map_or(&[], |keys| &keys.openpgp)
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
