//! What entries mean, by the configuration.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_ldap::{
    DnKey, Entry, Replica,
    account::{self, Standing},
    replica::{self, Group, User},
};
use oam_scim::Document;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    config::{Flavour, LdapConfig},
    follow::{Picture, Touched},
    source::EXPIRES,
};

/// The attributes of users that are asked for.
pub(super) fn user_attributes(config: &LdapConfig) -> Vec<String> {
    let users = &config.users;
    let limits = users.limits.iter().map(|limit| limit.as_str().to_owned());
    let named = [&users.id, &users.username, &users.display_name, &users.email];
    named.into_iter().cloned().chain(limits).collect()
}

/// The attributes of groups that are asked for.
pub(super) fn group_attributes(config: &LdapConfig) -> Vec<String> {
    let groups = &config.groups;
    [&config.users.id, &groups.name, &groups.member].into_iter().cloned().collect()
}

/// What stays the same of an object for ever; `None`: it has no such attribute.
pub(super) fn id(config: &LdapConfig, entry: &Entry) -> Option<Uuid> {
    let name = config.users.id.as_str();
    if config.flavour == Flavour::ActiveDirectory {
        return entry.first(name).and_then(|bytes| Uuid::from_slice_le(bytes).ok());
    }
    let text = entry.text(name)?;
    // 389 Directory Server writes the same bits in four groups: `nsUniqueId`.
    text.parse().or_else(|_| text.replace('-', "").parse()).ok()
}

/// A user; `None` when the entry's name is none.
pub(super) fn user(config: &LdapConfig, entry: &Entry) -> Option<User> {
    let users = &config.users;
    Some(User {
        dn: DnKey::of(&entry.dn)?,
        username: entry.text(&users.username).map(str::to_owned),
        display_name: entry.text(&users.display_name).map(str::to_owned),
        emails: entry.texts(&users.email).map(str::to_owned).collect(),
        standing: account::standing(entry, &users.limits),
    })
}

/// A group; `None` when the entry's name is none, or it has no name for rules.
pub(super) fn group(config: &LdapConfig, entry: &Entry) -> Option<Group> {
    let groups = &config.groups;
    Some(Group {
        dn: DnKey::of(&entry.dn)?,
        name: entry.text(&groups.name)?.to_owned(),
        // A member that is no name names nobody.
        members: entry.texts(&groups.member).filter_map(DnKey::of).collect(),
    })
}

/// A user as they are kept.
pub(super) fn document(id: Uuid, user: &User, now: Timestamp) -> Document {
    let mut document = Document::new();
    let mut put =
        |name: &str, value: Option<Value>| document.extend(value.map(|value| (name.to_owned(), value)));
    put("externalId", Some(json!(id.to_string())));
    put("userName", user.username.as_deref().map(Value::from));
    put("displayName", user.display_name.as_deref().map(Value::from));
    let emails: Vec<_> = user.emails.iter().map(|email| json!({"value": email})).collect();
    put("emails", (!emails.is_empty()).then_some(Value::Array(emails)));
    let (active, end) = match user.standing {
        Standing::Inactive => (false, None),
        Standing::Active => (true, None),
        Standing::Until(end) => (end > now, Some(end.to_string())),
    };
    put("active", Some(Value::Bool(active)));
    put(EXPIRES, end.map(Value::from));
    document
}

impl Picture for Replica {
    fn user(&self, id: &str, now: Timestamp) -> Option<Document> {
        let id = id.parse().ok()?;
        Self::user(self, &id).map(|user| document(id, user, now))
    }

    fn group(&self, id: &str) -> Option<&str> {
        Self::group(self, &id.parse().ok()?).map(|group| group.name.as_str())
    }

    fn members(&self, group: &str) -> BTreeSet<Box<str>> {
        let Ok(group) = group.parse() else { return BTreeSet::new() };
        Self::members(self, &group).iter().map(written).collect()
    }

    fn user_ids(&self) -> Vec<Box<str>> {
        Self::user_ids(self).map(|id| written(&id)).collect()
    }

    fn group_ids(&self) -> Vec<Box<str>> {
        Self::group_ids(self).map(|id| written(&id)).collect()
    }
}

fn written(id: &Uuid) -> Box<str> {
    id.to_string().into()
}

/// The same, by ids as they are kept.
pub(super) fn touched(touched: &replica::Touched) -> Touched {
    let all = |ids: &BTreeSet<Uuid>| ids.iter().map(written).collect();
    Touched { users: all(&touched.users), groups: all(&touched.groups) }
}
