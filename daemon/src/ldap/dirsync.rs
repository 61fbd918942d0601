//! What changed in Active Directory since it was last known, deleted objects too (DirSync). That something changed is told, and
//! what it is now is looked up.

use std::collections::BTreeSet;

use oam_ldap::{
    Filter,
    control::{self, Ask, DIR_SYNC},
    request::{Scope, Search},
};
use uuid::Uuid;

use super::{
    LdapError,
    connection::{Connection, granted},
    load::MAX_ENTRIES,
    mapped,
    notified::root,
};
use crate::config::LdapConfig;

/// In how many parts it may be told what changed.
const MAX_PARTS: usize = 10_000;
/// What it is called when it is refused.
const WHAT: &str = "the search for what changed since (DirSync)";

/// What changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Of which objects something that we look at is another, or which are gone.
    pub(super) ids: BTreeSet<Uuid>,
    /// Up to where it is known.
    pub(super) cookie: Vec<u8>,
}

/// Up to where everything is known that is read from now on.
///
/// # Errors
/// When the server does not tell, or not this account.
pub(super) async fn now(connection: &mut Connection, config: &LdapConfig) -> Result<Vec<u8>, LdapError> {
    // Whoever knows nothing is told everything; by this filter, of nobody.
    let nobody = Filter::Not(Box::new(Filter::everything()));
    Ok(told(connection, config, &nobody, b"").await?.cookie)
}

/// What changed since.
///
/// # Errors
/// When the server does not tell, not this account, or not from there.
pub(super) async fn since(
    connection: &mut Connection,
    config: &LdapConfig,
    cookie: &[u8],
) -> Result<Changes, LdapError> {
    told(connection, config, &Filter::everything(), cookie).await
}

/// Whether a server has answered, and what it said is of no use: everything is to be read.
pub(super) fn is_no_answer(error: &LdapError) -> bool {
    matches!(
        error,
        LdapError::Refused { .. }
            | LdapError::Unexpected(_)
            | LdapError::Malformed(_)
            | LdapError::TooMuch { .. }
    )
}

async fn told(
    connection: &mut Connection,
    config: &LdapConfig,
    filter: &Filter,
    from: &[u8],
) -> Result<Changes, LdapError> {
    let root = root(connection).await?;
    let attributes = attributes(config);
    let search = Search { base: &root, scope: Scope::Subtree, filter, attributes: &attributes };
    let mut changes = Changes { ids: BTreeSet::new(), cookie: from.to_vec() };
    for _ in 0..MAX_PARTS {
        let from = [Ask::DirSync { cookie: &changes.cookie }];
        let ids = &mut changes.ids;
        let (outcome, end) = connection
            .search(&search, &from, |entry| {
                // What has no id is no user and no group.
                ids.extend(mapped::id(config, &entry));
                if ids.len() > MAX_ENTRIES {
                    return Err(LdapError::TooMuch { what: "objects that changed", limit: MAX_ENTRIES });
                }
                Ok(())
            })
            .await?;
        granted(WHAT, &outcome)?;
        let end = end.control(DIR_SYNC).ok_or(LdapError::Unexpected("changes without word of their end"))?;
        let part = control::dir_sync(end)?;
        if part.cookie.is_empty() {
            return Err(LdapError::Unexpected("changes without word of where they end"));
        }
        changes.cookie = part.cookie;
        if !part.more {
            return Ok(changes);
        }
    }
    Err(LdapError::TooMuch { what: "parts of what changed", limit: MAX_PARTS })
}

/// Whatever we look at: of what changed otherwise nothing is told. `name` is another when an object is moved.
fn attributes(config: &LdapConfig) -> Vec<String> {
    let all = [mapped::user_attributes(config), mapped::group_attributes(config)].concat();
    let all: BTreeSet<_> = all.into_iter().chain(["name".to_owned(), "isDeleted".to_owned()]).collect();
    all.into_iter().collect()
}
