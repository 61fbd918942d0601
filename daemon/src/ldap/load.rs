//! Reading everything, page by page.

use oam_ldap::{
    Entry, Filter, Replica,
    control::{self, Ask, PAGED},
    entry::Attribute,
    message::Code,
    replica::Touched,
    request::{Scope, Search},
};

use super::{
    LdapError,
    connection::{Connection, granted},
    mapped,
};
use crate::config::LdapConfig;

const PAGE: i32 = 1000;
/// How many objects are taken of a source.
pub(super) const MAX_ENTRIES: usize = 2_000_000;
/// How many parts of one attribute are asked for: some 10,000,000 members.
const MAX_PARTS: usize = 10_000;

/// All users and groups of a server.
pub(super) async fn everything(
    connection: &mut Connection,
    config: &LdapConfig,
) -> Result<Replica, LdapError> {
    let (mut replica, mut touched) = (Replica::default(), Touched::default());
    let attributes = mapped::user_attributes(config);
    let users = Search {
        base: &config.users.base,
        scope: Scope::Subtree,
        filter: &config.users.filter,
        attributes: &attributes,
    };
    let mut count = 0;
    pages(connection, "the search for users", &users, |entry| {
        counted(&mut count)?;
        if let (Some(id), Some(user)) = (mapped::id(config, &entry), mapped::user(config, &entry)) {
            replica.put_user(id, user, &mut touched);
            return Ok(());
        }
        Err(LdapError::Unexpected("a user without the attribute of `users.id`"))
    })
    .await?;
    for (entry, id) in groups(connection, config, &mut count).await? {
        if let Some(group) = mapped::group(config, &entry) {
            replica.put_group(id, group, &mut touched);
        }
    }
    Ok(replica)
}

async fn groups(
    connection: &mut Connection,
    config: &LdapConfig,
    count: &mut usize,
) -> Result<Vec<(Entry, uuid::Uuid)>, LdapError> {
    let attributes = mapped::group_attributes(config);
    let search = Search {
        base: &config.groups.base,
        scope: Scope::Subtree,
        filter: &config.groups.filter,
        attributes: &attributes,
    };
    let mut found = Vec::new();
    pages(connection, "the search for groups", &search, |entry| {
        counted(count)?;
        let id = mapped::id(config, &entry);
        let id = id.ok_or(LdapError::Unexpected("a group without the attribute of `users.id`"))?;
        found.push((entry, id));
        Ok(())
    })
    .await?;
    for (entry, _) in &mut found {
        complete(connection, &config.groups.member, entry).await?;
    }
    Ok(found)
}

fn counted(count: &mut usize) -> Result<(), LdapError> {
    *count += 1;
    if *count > MAX_ENTRIES {
        return Err(LdapError::TooMuch { what: "users and groups", limit: MAX_ENTRIES });
    }
    Ok(())
}

/// Goes through all pages of a search.
async fn pages(
    connection: &mut Connection,
    what: &'static str,
    search: &Search<'_>,
    mut found: impl FnMut(Entry) -> Result<(), LdapError>,
) -> Result<(), LdapError> {
    let mut cookie = Vec::new();
    loop {
        let page = Ask::Page { size: PAGE, cookie: &cookie };
        let (outcome, end) = connection.search(search, &[page], &mut found).await?;
        granted(what, &outcome)?;
        let next = end.control(PAGED).ok_or(LdapError::Unexpected("a page without word of the next"))?;
        match control::next_page(next)? {
            Some(next) => cookie = next,
            None => return Ok(()),
        }
    }
}

/// Asks for the values that the server did not send with the entry: Active Directory sends the first 1,500.
pub(super) async fn complete(
    connection: &mut Connection,
    name: &str,
    entry: &mut Entry,
) -> Result<(), LdapError> {
    let Some(first) = entry.range(name) else { return Ok(()) };
    let (mut values, mut next) = (first.values.to_vec(), first.next);
    let everything = Filter::everything();
    for _ in 0..MAX_PARTS {
        let Some(from) = next else { break };
        let attributes = [format!("{name};range={from}-*")];
        let search =
            Search { base: &entry.dn, scope: Scope::Base, filter: &everything, attributes: &attributes };
        let mut part = None;
        let (outcome, _) = connection
            .search(&search, &[], |entry| {
                part = entry.range(name).map(|range| (range.values.to_vec(), range.next));
                Ok(())
            })
            .await?;
        granted("the search for the other members of a group", &outcome)?;
        let (more, after) = part.ok_or(LdapError::Unexpected("a group without the rest of its members"))?;
        if after.is_some_and(|after| after <= from) {
            return Err(LdapError::Unexpected("the same members again"));
        }
        values.extend(more);
        next = after;
    }
    if next.is_some() {
        return Err(LdapError::TooMuch { what: "parts of a group", limit: MAX_PARTS });
    }
    entry.attributes.push(Attribute { name: name.to_owned(), values });
    // An empty one may stand beside the parts.
    entry
        .attributes
        .retain(|attribute| !attribute.name.eq_ignore_ascii_case(name) || !attribute.values.is_empty());
    Ok(())
}

/// One object as it is now, if it is below a base and what a filter looks for.
pub(super) async fn one(
    connection: &mut Connection,
    search: &Search<'_>,
) -> Result<Option<Entry>, LdapError> {
    let mut found = None;
    let (outcome, _) = connection
        .search(search, &[], |entry| {
            found = Some(entry);
            Ok(())
        })
        .await?;
    if outcome.code == Code::NO_SUCH_OBJECT {
        return Ok(None);
    }
    granted("the search for one object", &outcome)?;
    Ok(found)
}
