//! What is on a server now, and what it would be here.

use jiff::Timestamp;
use oam_ldap::{
    Entry, Filter,
    message::Code,
    request::{Scope, Search},
};
use oam_policy::GroupName;

use super::{
    connection::{Connection, granted},
    load, mapped,
};
use crate::{
    config::{LdapConfig, SourceConfig},
    follow::Previewed,
};

/// How many of each are shown.
const SHOWN: usize = 10;

/// Reads some users and groups that match `filter`, if it is given, without taking them.
///
/// # Errors
/// When the filter is none, or the server does not answer; in words.
pub async fn preview(source: &SourceConfig, config: &LdapConfig, filter: &str) -> Result<Previewed, String> {
    let narrowing = match filter {
        "" => None,
        text => Some(Filter::parse(text).map_err(|error| format!("`{text}` is no filter: {error}"))?),
    };
    let told = |error: super::LdapError| error.to_string();
    let mut connection = Connection::open(config).await.map_err(told)?;
    let mut previewed = Previewed::default();
    let attributes = mapped::user_attributes(config);
    for entry in
        some(&mut connection, &config.users.base, &config.users.filter, &attributes, narrowing.as_ref())
            .await
            .map_err(told)?
    {
        user(&mut previewed, source, config, &entry);
    }
    let attributes = mapped::group_attributes(config);
    let groups =
        some(&mut connection, &config.groups.base, &config.groups.filter, &attributes, narrowing.as_ref())
            .await;
    for mut entry in groups.map_err(told)? {
        load::complete(&mut connection, &config.groups.member, &mut entry).await.map_err(told)?;
        group(&mut previewed, source, config, &entry);
    }
    connection.close().await;
    Ok(previewed)
}

async fn some(
    connection: &mut Connection,
    base: &str,
    filter: &Filter,
    attributes: &[String],
    narrowing: Option<&Filter>,
) -> Result<Vec<Entry>, super::LdapError> {
    let both = match narrowing {
        Some(narrowing) => Filter::And(vec![filter.clone(), narrowing.clone()]),
        None => filter.clone(),
    };
    let search = Search { base, scope: Scope::Subtree, filter: &both, attributes };
    let page = oam_ldap::control::Ask::Page { size: 10, cookie: &[] };
    let mut found = Vec::new();
    let (outcome, _) = connection
        .search(&search, &[page], |entry| {
            if found.len() < SHOWN {
                found.push(entry);
            }
            Ok(())
        })
        .await?;
    if outcome.code != Code::SIZE_LIMIT_EXCEEDED {
        granted("the search", &outcome)?;
    }
    Ok(found)
}

fn user(previewed: &mut Previewed, source: &SourceConfig, config: &LdapConfig, entry: &Entry) {
    let (Some(id), Some(user)) = (mapped::id(config, entry), mapped::user(config, entry)) else {
        previewed.problems.push(format!("`{}` has no `{}` that is an id", entry.dn, config.users.id));
        return;
    };
    let document = mapped::document(id, &user, Timestamp::now());
    match source.mapping.person(&id.to_string(), &document) {
        Some(person) => previewed.users.push(person),
        None => {
            let attribute = &config.users.username;
            previewed.problems.push(format!("`{}` has no Bitbucket username in `{attribute}`", entry.dn));
        }
    }
}

fn group(previewed: &mut Previewed, source: &SourceConfig, config: &LdapConfig, entry: &Entry) {
    let group = mapped::group(config, entry);
    let named = group.and_then(|group| {
        let name = GroupName::parse(&format!("{}:{}", source.name, group.name)).ok()?;
        Some((name, group.members.len()))
    });
    match named {
        Some(named) => previewed.groups.push(named),
        None => {
            let attribute = &config.groups.name;
            previewed
                .problems
                .push(format!("`{}` has no name in `{attribute}` that a rule could write", entry.dn));
        }
    }
}
