//! What entries mean, by the configuration.

use oam_ldap::{
    DnKey, Entry, account,
    replica::{Group, User},
};
use uuid::Uuid;

use crate::config::{Flavour, LdapConfig};

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
