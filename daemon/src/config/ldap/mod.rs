mod section;
#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use oam_ldap::{DnKey, Filter, account::Limit};
use serde::Deserialize;

use super::{ConfigError, absolute, duration, pull::max_loss};
pub(super) use section::LdapSection;
use section::{GroupsSection, UsersSection};

/// The word that lets a connection do without TLS.
const LOOPBACK_ONLY: &str = "loopback-only";
/// Where Debian and most others keep the authorities that the host trusts.
const DEFAULT_CA: &str = "/etc/ssl/certs/ca-certificates.crt";
const DEFAULT_RESYNC: Duration = Duration::from_secs(60 * 60);
/// A server that tells nothing by itself is asked this often.
const DEFAULT_POLL: Duration = Duration::from_secs(60);

/// What servers are: how they tell of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// OpenLDAP, or another with content synchronization (RFC 4533).
    Openldap,
    /// Active Directory, or Samba.
    ActiveDirectory,
    /// Any other: it is read again and again.
    Plain,
}

/// How a source of LDAP is reached, and what is taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapConfig {
    /// The servers, the first that answers is used.
    pub servers: Vec<LdapServer>,
    /// What they are.
    pub flavour: Flavour,
    /// The authorities of their certificates, PEM.
    pub ca: PathBuf,
    /// Who we are.
    pub bind_dn: String,
    /// The file with our password.
    pub password_file: PathBuf,
    /// How often everything is read again.
    pub resync: Duration,
    /// How many of a hundred people may lose everything by that.
    pub max_loss: u8,
    /// Who the users are.
    pub users: LdapUsers,
    /// Which the groups are.
    pub groups: LdapGroups,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: LdapSecurity,
}

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LdapSecurity {
    /// By TLS from the first byte.
    Ldaps,
    /// By TLS that is asked for before anything else.
    StartTls,
    /// Not at all, on a loopback address.
    None,
}

/// Which objects are users, and what their attributes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapUsers {
    /// Below which object they are.
    pub base: String,
    /// The filter as it is written.
    pub filter_text: String,
    /// The same, read.
    pub filter: Filter,
    /// The attribute that holds the Bitbucket username.
    pub username: String,
    /// The attribute that holds their name.
    pub display_name: String,
    /// The attribute that holds their e-mail addresses.
    pub email: String,
    /// The attribute that is theirs for ever.
    pub id: String,
    /// The attributes that may make them inactive.
    pub limits: Vec<Limit>,
}

/// Which objects are groups, and what their attributes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapGroups {
    /// Below which object they are.
    pub base: String,
    /// The filter as it is written.
    pub filter_text: String,
    /// The same, read.
    pub filter: Filter,
    /// The attribute that holds the name.
    pub name: String,
    /// The attribute that names the members.
    pub member: String,
}

impl Flavour {
    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openldap => "openldap",
            Self::ActiveDirectory => "active-directory",
            Self::Plain => "plain",
        }
    }

    const fn users_filter(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "(&(objectCategory=person)(objectClass=user))",
            Self::Openldap | Self::Plain => "(objectClass=inetOrgPerson)",
        }
    }

    const fn groups_filter(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "(objectClass=group)",
            Self::Openldap | Self::Plain => "(objectClass=groupOfNames)",
        }
    }

    /// The attribute that holds a username; in Active Directory also that of a group's name, since no two share it.
    const fn account_name(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "sAMAccountName",
            Self::Openldap | Self::Plain => "uid",
        }
    }

    const fn group_name(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "sAMAccountName",
            Self::Openldap | Self::Plain => "cn",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "objectGUID",
            Self::Openldap | Self::Plain => "entryUUID",
        }
    }

    const fn limits(self) -> &'static [Limit] {
        match self {
            Self::ActiveDirectory => &[Limit::UserAccountControl, Limit::AccountExpires],
            Self::Openldap => &[Limit::ShadowExpire, Limit::PwdAccountLockedTime],
            Self::Plain => &[Limit::ShadowExpire, Limit::NsAccountLock, Limit::KrbPrincipalExpiration],
        }
    }
}

impl fmt::Display for LdapServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.security == LdapSecurity::Ldaps { "ldaps" } else { "ldap" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl LdapConfig {
    /// Whether passwords and people go over the wire in the clear.
    pub fn is_plaintext(&self) -> bool {
        self.servers.iter().any(|server| server.security == LdapSecurity::None)
    }
}

fn fault(key: &'static str, detail: impl Into<String>) -> ConfigError {
    ConfigError::Value { key, detail: detail.into() }
}

pub(super) fn configured(section: LdapSection) -> Result<LdapConfig, ConfigError> {
    let flavour = section.flavour;
    let plaintext = match section.plaintext.as_deref() {
        None => false,
        Some(LOOPBACK_ONLY) => true,
        Some(_) => {
            return Err(fault("source.NAME.ldap.plaintext", format!("it is `{LOOPBACK_ONLY}`, or left out")));
        }
    };
    let servers = section.urls.iter().map(|url| server(url, plaintext)).collect::<Result<Vec<_>, _>>()?;
    if servers.is_empty() {
        return Err(fault(
            "source.NAME.ldap.urls",
            "name one server at least, as in `ldaps://ldap.example.com`",
        ));
    }
    if section.bind_dn.is_empty() {
        let detail = "servers show strangers little or nothing: name the account that reads the directory";
        return Err(fault("source.NAME.ldap.bind_dn", detail));
    }
    let default = if flavour == Flavour::Plain { DEFAULT_POLL } else { DEFAULT_RESYNC };
    let resync = duration("source.NAME.ldap.resync", section.resync.as_deref())?.unwrap_or(default);
    if resync < Duration::from_secs(1) {
        return Err(fault("source.NAME.ldap.resync", "no server is to be read more than once a second"));
    }
    Ok(LdapConfig {
        servers,
        flavour,
        ca: absolute("source.NAME.ldap.ca", section.ca.unwrap_or_else(|| DEFAULT_CA.into()))?,
        bind_dn: section.bind_dn,
        password_file: absolute("source.NAME.ldap.password_file", section.password_file)?,
        resync,
        max_loss: max_loss("source.NAME.ldap.max_loss", section.max_loss.as_deref())?,
        users: users(flavour, section.users)?,
        groups: groups(flavour, section.groups)?,
    })
}

fn users(flavour: Flavour, section: UsersSection) -> Result<LdapUsers, ConfigError> {
    if section.id.is_some() && flavour != Flavour::Plain {
        let detail = format!("`{}` always has `{}`: leave it out", flavour.as_str(), flavour.id());
        return Err(fault("source.NAME.ldap.users.id", detail));
    }
    let filter_text = section.filter.unwrap_or_else(|| flavour.users_filter().to_owned());
    Ok(LdapUsers {
        base: base("source.NAME.ldap.users.base", section.base)?,
        filter: filter("source.NAME.ldap.users.filter", &filter_text)?,
        filter_text,
        username: attribute("source.NAME.ldap.users.username", section.username, flavour.account_name())?,
        display_name: attribute("source.NAME.ldap.users.display_name", section.display_name, "displayName")?,
        email: attribute("source.NAME.ldap.users.email", section.email, "mail")?,
        id: attribute("source.NAME.ldap.users.id", section.id, flavour.id())?,
        limits: match section.limits {
            None => flavour.limits().to_vec(),
            Some(names) => names.iter().map(|name| limit(name)).collect::<Result<_, _>>()?,
        },
    })
}

fn groups(flavour: Flavour, section: GroupsSection) -> Result<LdapGroups, ConfigError> {
    let filter_text = section.filter.unwrap_or_else(|| flavour.groups_filter().to_owned());
    Ok(LdapGroups {
        base: base("source.NAME.ldap.groups.base", section.base)?,
        filter: filter("source.NAME.ldap.groups.filter", &filter_text)?,
        filter_text,
        name: attribute("source.NAME.ldap.groups.name", section.name, flavour.group_name())?,
        member: attribute("source.NAME.ldap.groups.member", section.member, "member")?,
    })
}

fn base(key: &'static str, text: String) -> Result<String, ConfigError> {
    if DnKey::of(&text).is_some() {
        return Ok(text);
    }
    Err(fault(key, format!("`{text}` is no distinguished name such as `ou=people,dc=example,dc=com`")))
}

fn filter(key: &'static str, text: &str) -> Result<Filter, ConfigError> {
    Filter::parse(text).map_err(|error| fault(key, format!("`{text}` is no filter: {error}")))
}

fn attribute(key: &'static str, given: Option<String>, default: &str) -> Result<String, ConfigError> {
    let Some(name) = given else { return Ok(default.to_owned()) };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    if is_name { Ok(name) } else { Err(fault(key, format!("`{name}` is no name of an attribute"))) }
}

fn limit(name: &str) -> Result<Limit, ConfigError> {
    Limit::ALL.into_iter().find(|limit| limit.as_str().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let known = Limit::ALL.map(Limit::as_str).join("`, `");
        fault("source.NAME.ldap.users.limits", format!("`{name}` is none of `{known}`"))
    })
}

fn server(url: &str, plaintext: bool) -> Result<LdapServer, ConfigError> {
    let no_url = || {
        let detail =
            format!("`{url}` is no address such as `ldaps://ldap.example.com` or `ldap://[::1]:389`");
        fault("source.NAME.ldap.urls", detail)
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(no_url)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, behind) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(no_url)?,
        None => rest.split_at_checked(rest.find(':').unwrap_or(rest.len())).unwrap_or((rest, "")),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(no_url());
    }
    let port = match behind.strip_prefix(':') {
        Some(port) => Some(port.parse().map_err(|_| no_url())?),
        None if behind.is_empty() => None,
        None => return Err(no_url()),
    };
    let is_loopback =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let security = match scheme.to_ascii_lowercase().as_str() {
        "ldaps" => LdapSecurity::Ldaps,
        "ldap" if plaintext && is_loopback => LdapSecurity::None,
        "ldap" if plaintext => {
            let detail = format!("`{url}` is no loopback address, so TLS is needed");
            return Err(fault("source.NAME.ldap.plaintext", detail));
        }
        "ldap" => LdapSecurity::StartTls,
        _ => return Err(no_url()),
    };
    let default = if security == LdapSecurity::Ldaps { 636 } else { 389 };
    Ok(LdapServer { host: host.to_owned(), port: port.unwrap_or(default), security })
}
