//! What is written of a source that is a directory server.

use std::path::PathBuf;

use serde::Deserialize;

use super::Flavour;

/// `[source.NAME.ldap]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapSection {
    /// The servers, the first that answers is used.
    pub urls: Vec<String>,
    /// What the servers are.
    pub flavour: Flavour,
    /// The authorities of their certificates, PEM.
    pub ca: Option<PathBuf>,
    /// `loopback-only`: without TLS, which is taken on a loopback address alone.
    pub plaintext: Option<String>,
    /// Who we are.
    pub bind_dn: String,
    /// The file with our password.
    pub password_file: PathBuf,
    /// How often everything is read again, as in `1h`.
    pub resync: Option<String>,
    /// How many of the people may lose everything by reading again, as in `20%`.
    pub max_loss: Option<String>,
    /// Who the users are.
    pub users: UsersSection,
    /// Which the groups are.
    pub groups: GroupsSection,
}

/// `[source.NAME.ldap.users]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersSection {
    /// Below which object they are.
    pub base: String,
    /// Which of the objects there.
    pub filter: Option<String>,
    /// The attribute that holds the Bitbucket username.
    pub username: Option<String>,
    /// The attribute that holds their name.
    pub display_name: Option<String>,
    /// The attribute that holds their e-mail addresses.
    pub email: Option<String>,
    /// The attribute that is theirs for ever, where nothing can be known by itself.
    pub id: Option<String>,
    /// The attributes that may make them inactive.
    pub limits: Option<Vec<String>>,
}

/// `[source.NAME.ldap.groups]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupsSection {
    /// Below which object they are.
    pub base: String,
    /// Which of the objects there.
    pub filter: Option<String>,
    /// The attribute that holds the name.
    pub name: Option<String>,
    /// The attribute that names the members.
    pub member: Option<String>,
}
