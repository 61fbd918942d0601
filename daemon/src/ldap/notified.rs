//! Change notifications of Active Directory: that something changed is told, and what it is now is looked up (`looked_up`).
//!
//! The server tells of everything below its root, deleted objects too, and takes no filter.

use std::collections::BTreeSet;

use oam_ldap::{
    Filter, Message, Replica,
    control::Ask,
    message::Response,
    replica::Touched,
    request::{Scope, Search},
};
use uuid::Uuid;

use super::{
    LdapError,
    connection::{Connection, granted},
    load,
    looked_up::{MANY, look_up},
    mapped,
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
        Ok(Self::of(id))
    }

    /// The search, by its number.
    pub(super) const fn of(id: i32) -> Self {
        Self { id }
    }

    /// Takes a message, and with it all that wait; tells which objects they are about. Where many are moved at once, the groups
    /// that name them are looked up once.
    pub(super) fn take(
        &self,
        message: Message,
        connection: &mut Connection,
        config: &LdapConfig,
    ) -> Result<BTreeSet<Uuid>, LdapError> {
        let mut ids: BTreeSet<Uuid> = self.object(message, config)?.into_iter().collect();
        ids.extend(self.waiting(connection, config)?);
        Ok(ids)
    }

    /// Takes those as they are now who were changed while everything was read: users are read before the groups that name them,
    /// so whoever is moved in between would be in none.
    ///
    /// # Errors
    /// As [`look_up`].
    pub(super) async fn catch_up(
        &self,
        connection: &mut Connection,
        config: &LdapConfig,
        replica: &mut Replica,
    ) -> Result<(), LdapError> {
        let ids = self.waiting(connection, config)?;
        let most = most_with(&ids);
        // What is read as a whole is compared as a whole.
        look_up(ids, most, connection, config, replica, &mut Touched::default()).await
    }

    fn waiting(&self, connection: &mut Connection, config: &LdapConfig) -> Result<BTreeSet<Uuid>, LdapError> {
        let mut ids = BTreeSet::new();
        for message in connection.waiting_of(self.id) {
            ids.extend(self.object(message, config)?);
        }
        Ok(ids)
    }

    /// Which object a message is about, if it tells of a change.
    fn object(&self, message: Message, config: &LdapConfig) -> Result<Option<Uuid>, LdapError> {
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

/// How many more may be looked up with those that are told at once: as many as with each by itself. Or many who are moved would
/// have everything read anew while they are moved, again and again.
pub(super) fn most_with(ids: &BTreeSet<Uuid>) -> usize {
    MANY.saturating_mul(ids.len().max(1))
}
