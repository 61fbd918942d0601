//! Reading everything, page by page.

use oam_ldap::{
    Entry, Filter, Replica,
    control::{self, Ask, PAGED},
    entry::Attribute,
    message::Code,
    replica::{Touched, User},
    request::{Scope, Search},
};
use oam_policy::printable::Printable;
use uuid::Uuid;

use super::{
    LdapError,
    connection::{Connection, granted},
    mapped,
    notified::Notified,
};
use crate::config::LdapConfig;

const PAGE: i32 = 1000;
/// How many objects are taken of a source.
pub(super) const MAX_ENTRIES: usize = 2_000_000;
/// How many parts of one attribute are asked for: some 10,000,000 members.
const MAX_PARTS: usize = 10_000;

/// All users and groups of a server, as far as they can be read.
#[derive(Debug, Default)]
pub(super) struct Everything {
    pub(super) replica: Replica,
    strangers: Strangers,
    /// How many groups have no id that can be read, and the name of the first.
    groups: Option<(usize, String)>,
}

impl Everything {
    /// Takes those whose id cannot be read and who are known by their username for who they were: that an id cannot be read does
    /// not mean that somebody left. Nobody else of them can be followed. Tells, in words, of how many that is so.
    ///
    /// # Errors
    /// When somebody who is known is missing and may be one of them: nothing can be told then.
    pub(super) fn settle(
        &mut self,
        id_of: impl Fn(&str) -> Option<Uuid>,
        known: impl IntoIterator<Item = Uuid>,
    ) -> Result<Option<String>, LdapError> {
        let (replica, mut touched) = (&mut self.replica, Touched::default());
        let Strangers { first, count, named } = std::mem::take(&mut self.strangers);
        let groups = self.groups.take().map(|(count, first)| {
            let first = Printable::new(&first);
            format!(
                "{count} of its groups have no `users.id` that can be read, `{first}` for one: nobody has anything by them"
            )
        });
        let Some(first) = first else { return Ok(groups) };
        let nameless = count - named.len();
        for user in named {
            let id = user.username.as_deref().and_then(&id_of);
            if let Some(id) = id.filter(|id| replica.user(id).is_none()) {
                replica.put_user(id, user, &mut touched);
            }
        }
        if nameless > 0 && known.into_iter().any(|id| replica.user(&id).is_none()) {
            return Err(LdapError::Nameless { nameless });
        }
        let users = format!(
            "{count} of its users have no `users.id` that can be read, `{}` for one: whoever of them was not known is not followed",
            Printable::new(&first)
        );
        Ok(Some([Some(users), groups].into_iter().flatten().collect::<Vec<_>>().join("; ")))
    }
}

/// Users whose id cannot be read.
#[derive(Debug, Default)]
struct Strangers {
    /// How many there are, and the name of the first.
    first: Option<String>,
    count: usize,
    /// Those with a username.
    named: Vec<User>,
}

impl Strangers {
    fn add(&mut self, entry: &Entry, user: Option<User>) {
        self.count += 1;
        self.first.get_or_insert_with(|| entry.dn.clone());
        self.named.extend(user.filter(|user| user.username.is_some()));
    }
}

/// All users and groups of a server; where it tells of changes, as they are when all is read.
pub(super) async fn everything(
    connection: &mut Connection,
    config: &LdapConfig,
    notified: Option<&Notified>,
) -> Result<Everything, LdapError> {
    let (mut replica, mut touched) = (Replica::default(), Touched::default());
    let mut strangers = Strangers::default();
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
        match (mapped::id(config, &entry), mapped::user(config, &entry)) {
            (Some(id), Some(user)) => replica.put_user(id, user, &mut touched),
            (None, user) => strangers.add(&entry, user),
            (Some(_), None) => return Err(LdapError::Unexpected("a user whose name is none")),
        }
        Ok(())
    })
    .await?;
    let (found, groups) = groups(connection, config, &mut count).await?;
    for (entry, id) in found {
        if let Some(group) = mapped::group(config, &entry) {
            replica.put_group(id, group, &mut touched);
        }
    }
    if let Some(notified) = notified {
        notified.catch_up(connection, config, &mut replica).await?;
    }
    Ok(Everything { replica, strangers, groups })
}

/// Groups with their ids, and of those without one how many there are and the name of the first.
type Groups = (Vec<(Entry, Uuid)>, Option<(usize, String)>);

async fn groups(
    connection: &mut Connection,
    config: &LdapConfig,
    count: &mut usize,
) -> Result<Groups, LdapError> {
    let attributes = mapped::group_attributes(config);
    let search = Search {
        base: &config.groups.base,
        scope: Scope::Subtree,
        filter: &config.groups.filter,
        attributes: &attributes,
    };
    let (mut found, mut without) = (Vec::new(), None::<(usize, String)>);
    pages(connection, "the search for groups", &search, |entry| {
        counted(count)?;
        match mapped::id(config, &entry) {
            Some(id) => found.push((entry, id)),
            // It gives nobody anything, and is no reason to follow none of the others.
            None => without.get_or_insert((0, entry.dn)).0 += 1,
        }
        Ok(())
    })
    .await?;
    for (entry, _) in &mut found {
        complete(connection, &config.groups.member, entry).await?;
    }
    Ok((found, without))
}

fn counted(count: &mut usize) -> Result<(), LdapError> {
    *count += 1;
    if *count > MAX_ENTRIES {
        return Err(LdapError::TooMuch { what: "users and groups", limit: MAX_ENTRIES });
    }
    Ok(())
}

/// Goes through all pages of a search.
pub(super) async fn pages(
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
