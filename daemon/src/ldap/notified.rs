//! Change notifications of Active Directory: that something changed is told, and what it is now is looked up.
//!
//! The server tells of everything below its root, deleted objects too, and takes no filter.

use oam_ldap::{
    DnKey, Entry, Filter, Message, Replica,
    control::Ask,
    message::Response,
    replica::Touched,
    request::{Scope, Search},
};
use uuid::Uuid;

use super::{
    LdapError,
    connection::{Connection, granted},
    load, mapped,
};
use crate::config::LdapConfig;

/// The search that goes on.
#[derive(Debug)]
pub(super) struct Notified {
    id: i32,
}

impl Notified {
    /// Begins.
    pub(super) async fn begin(connection: &mut Connection, config: &LdapConfig) -> Result<Self, LdapError> {
        let root = root(connection).await?;
        let attributes = [config.users.id.clone()];
        let search = Search {
            base: &root,
            scope: Scope::Subtree,
            filter: &Filter::everything(),
            attributes: &attributes,
        };
        let id = connection.begin(&search, &[Ask::Notify, Ask::ShowDeleted]).await?;
        Ok(Self { id })
    }

    /// Takes a message, and looks up what it is about; `replica` is another when this tells of a change.
    pub(super) async fn take(
        &self,
        message: Message,
        connection: &mut Connection,
        config: &LdapConfig,
        replica: &mut Replica,
        touched: &mut Touched,
    ) -> Result<bool, LdapError> {
        if message.id != self.id {
            return Ok(false);
        }
        let entry = match message.response {
            Response::Entry(entry) => entry,
            Response::Reference | Response::Intermediate { .. } => return Ok(false),
            Response::Done(outcome) => {
                granted("the search that was to go on", &outcome)?;
                return Err(LdapError::Lost("the server ended the search that was to go on".into()));
            }
            Response::Bind(_) | Response::Extended(_) => {
                return Err(LdapError::Unexpected("something else than an answer to a search"));
            }
        };
        // What has no id is no user and no group.
        let Some(id) = mapped::id(config, &entry) else { return Ok(false) };
        let before = touched.clone();
        look_up(id, connection, config, replica, touched).await?;
        Ok(*touched != before)
    }
}

/// Where all that the server has begins.
pub(super) async fn root(connection: &mut Connection) -> Result<String, LdapError> {
    const ROOT: &str = "defaultNamingContext";
    let attributes = [ROOT.to_owned()];
    let search =
        Search { base: "", scope: Scope::Base, filter: &Filter::everything(), attributes: &attributes };
    let entry = load::one(connection, &search).await?;
    let root = entry.as_ref().and_then(|entry| entry.text(ROOT)).map(str::to_owned);
    root.ok_or(LdapError::Unexpected("no `defaultNamingContext`: it is no Active Directory"))
}

/// Takes one object as it is now.
pub(super) async fn look_up(
    id: Uuid,
    connection: &mut Connection,
    config: &LdapConfig,
    replica: &mut Replica,
    touched: &mut Touched,
) -> Result<(), LdapError> {
    let (users, groups) = (&config.users, &config.groups);
    let user = within(id, &users.base, &users.filter, &mapped::user_attributes(config), connection).await?;
    if let Some(user) = user.and_then(|entry| mapped::user(config, &entry)) {
        replica.put_user(id, user, touched);
        return Ok(());
    }
    let group =
        within(id, &groups.base, &groups.filter, &mapped::group_attributes(config), connection).await?;
    let group = match group {
        Some(mut entry) => {
            load::complete(connection, &groups.member, &mut entry).await?;
            mapped::group(config, &entry)
        }
        None => None,
    };
    match group {
        Some(group) => replica.put_group(id, group, touched),
        None => {
            replica.remove_user(id, touched);
            replica.remove_group(id, touched);
        }
    }
    Ok(())
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
