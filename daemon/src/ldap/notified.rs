//! Change notifications of Active Directory: that something changed is told, and what it is now is looked up (`looked_up`).
//!
//! The server tells of everything below its root, deleted objects too, and takes no filter.

use oam_ldap::{
    Filter, Message,
    control::Ask,
    message::Response,
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

    /// Takes a message; tells which object it is about, if it tells of a change.
    pub(super) fn take(&self, message: Message, config: &LdapConfig) -> Result<Option<Uuid>, LdapError> {
        if message.id != self.id {
            return Ok(None);
        }
        match message.response {
            // What has no id is no user and no group.
            Response::Entry(entry) => Ok(mapped::id(config, &entry)),
            Response::Reference | Response::Intermediate { .. } => Ok(None),
            Response::Done(outcome) => {
                granted("the search that was to go on", &outcome)?;
                Err(LdapError::Lost("the server ended the search that was to go on".into()))
            }
            Response::Bind(_) | Response::Extended(_) => {
                Err(LdapError::Unexpected("something else than an answer to a search"))
            }
        }
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
