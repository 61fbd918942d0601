//! Active Directory tells that an object changed, and what it is now is looked up.
//!
//! Whom a group names there follows whoever is renamed, moved, deleted or brought back, and of the group nothing is told then. So
//! with each name that is another, new or gone, the groups are looked up that name it. OpenLDAP tells nothing either where it
//! changes groups by itself (`refint`): those are looked up that name somebody new, and again somewhat later (`late`).

use std::collections::BTreeSet;

use oam_ldap::{
    DnKey, Entry, Filter, Replica,
    filter::Comparison,
    replica::{Group, Touched, User},
    request::{Scope, Search},
};
use uuid::Uuid;

use super::{LdapError, connection::Connection, load, mapped};
use crate::config::LdapConfig;

/// How many more are looked up with those that changed: where there are more, it is less to read everything.
pub(super) const MANY: usize = 1_000;

/// What an object is.
enum Object {
    User(User),
    Group(Group),
}

impl Object {
    const fn dn(&self) -> &DnKey {
        match self {
            Self::User(user) => &user.dn,
            Self::Group(group) => &group.dn,
        }
    }
}

/// Takes these objects as they are now, and whatever else is another by that: `most` more. Where it fails, the replica is half of
/// one and half of the other, and nobody goes on from there.
///
/// # Errors
/// [`LdapError::AllAgain`] when that is too much to be looked up one by one.
pub(super) async fn look_up(
    ids: BTreeSet<Uuid>,
    most: usize,
    connection: &mut Connection,
    config: &LdapConfig,
    replica: &mut Replica,
    touched: &mut Touched,
) -> Result<(), LdapError> {
    let (mut open, mut more) = (ids, 0);
    loop {
        let mut also = BTreeSet::new();
        for id in open {
            also.extend(look_at(id, connection, config, replica, touched).await?);
        }
        if also.is_empty() {
            return Ok(());
        }
        more += also.len();
        if more > most {
            return Err(LdapError::AllAgain);
        }
        // Also those that were looked up before: whoever they name may have been renamed since.
        open = also;
    }
}

/// Takes those groups as they are now in which the name of somebody stands who had it not: as far as was told, they would have
/// what another one had. For servers of which an object's id is its `entryUUID`. Where it fails, see [`look_up`].
///
/// # Errors
/// As [`look_up`].
pub(super) async fn look_up_naming(
    connection: &mut Connection,
    config: &LdapConfig,
    replica: &mut Replica,
    touched: &mut Touched,
) -> Result<(), LdapError> {
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    loop {
        // Also those of groups that are found to be called otherwise.
        let names: Vec<DnKey> = touched.taken.difference(&seen).cloned().collect();
        if names.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<Uuid> = names.iter().flat_map(|dn| replica.naming(dn)).collect();
        seen.extend(names);
        count += ids.len();
        if count > MANY {
            return Err(LdapError::AllAgain);
        }
        for id in ids {
            // That one is gone is told.
            if let Some(group) = group_by_entry_uuid(id, connection, config).await? {
                replica.put_group(id, group, touched);
            }
        }
    }
}

async fn group_by_entry_uuid(
    id: Uuid,
    connection: &mut Connection,
    config: &LdapConfig,
) -> Result<Option<Group>, LdapError> {
    let groups = &config.groups;
    let is_it = Filter::Compare(Comparison::Equal, "entryUUID".to_owned(), id.to_string().into_bytes());
    let filter = Filter::And(vec![groups.filter.clone(), is_it]);
    let attributes = mapped::group_attributes(config);
    let search =
        Search { base: &groups.base, scope: Scope::Subtree, filter: &filter, attributes: &attributes };
    let entry = load::one(connection, &search).await?;
    Ok(entry.and_then(|entry| mapped::group(config, &entry)))
}

/// Takes one object as it is now; tells what is to be looked up with it.
async fn look_at(
    id: Uuid,
    connection: &mut Connection,
    config: &LdapConfig,
    replica: &mut Replica,
    touched: &mut Touched,
) -> Result<BTreeSet<Uuid>, LdapError> {
    let found = find(id, connection, config).await?;
    let mut also = BTreeSet::new();
    if let Some((_, Object::Group(group))) = &found {
        also.extend(replica.renamed_in(&id, group));
    }
    let before = replica.dn(&id);
    let after = found.as_ref().map(|(_, object)| object.dn());
    if before != after {
        also.extend(before.into_iter().chain(after).flat_map(|dn| replica.naming(dn)));
        // Nobody else has that name any more.
        also.extend(after.into_iter().flat_map(|dn| replica.called(dn)));
        if let Some((dn, _)) = &found {
            also.extend(named_by_server(dn, connection, config).await?);
        }
    }
    also.remove(&id);
    match found {
        Some((_, Object::User(user))) => replica.put_user(id, user, touched),
        Some((_, Object::Group(group))) => replica.put_group(id, group, touched),
        None => {
            replica.remove_user(id, touched);
            replica.remove_group(id, touched);
        }
    }
    Ok(also)
}

/// What an object is now, and its name as the server writes it; `None`: it is none that we look at.
async fn find(
    id: Uuid,
    connection: &mut Connection,
    config: &LdapConfig,
) -> Result<Option<(String, Object)>, LdapError> {
    let (users, groups) = (&config.users, &config.groups);
    let user = within(id, &users.base, &users.filter, &mapped::user_attributes(config), connection).await?;
    if let Some(entry) = user
        && let Some(user) = mapped::user(config, &entry)
    {
        return Ok(Some((entry.dn, Object::User(user))));
    }
    let group =
        within(id, &groups.base, &groups.filter, &mapped::group_attributes(config), connection).await?;
    let Some(mut entry) = group else { return Ok(None) };
    load::complete(connection, &groups.member, &mut entry).await?;
    Ok(mapped::group(config, &entry).map(|group| (entry.dn, Object::Group(group))))
}

/// The groups that name this one, as the server says: of whoever was not known before, or came from where we do not look, nobody
/// else knows.
async fn named_by_server(
    dn: &str,
    connection: &mut Connection,
    config: &LdapConfig,
) -> Result<BTreeSet<Uuid>, LdapError> {
    let groups = &config.groups;
    let names_it = Filter::Compare(Comparison::Equal, groups.member.clone(), dn.as_bytes().to_vec());
    let filter = Filter::And(vec![groups.filter.clone(), names_it]);
    let attributes = [config.users.id.clone()];
    let search =
        Search { base: &groups.base, scope: Scope::Subtree, filter: &filter, attributes: &attributes };
    let mut ids = BTreeSet::new();
    load::pages(connection, "the search for the groups of somebody", &search, |entry| {
        ids.extend(mapped::id(config, &entry));
        Ok(())
    })
    .await?;
    Ok(ids)
}

/// The object with this id, if it is below the base and what the filter looks for.
async fn within(
    id: Uuid,
    base: &str,
    filter: &Filter,
    attributes: &[String],
    connection: &mut Connection,
) -> Result<Option<Entry>, LdapError> {
    let by_id = format!("<GUID={id}>");
    let search = Search { base: &by_id, scope: Scope::Base, filter, attributes };
    let entry = load::one(connection, &search).await?;
    let base = DnKey::of(base);
    Ok(entry
        .filter(|entry| DnKey::of(&entry.dn).zip(base.as_ref()).is_some_and(|(dn, base)| dn.is_within(base))))
}
