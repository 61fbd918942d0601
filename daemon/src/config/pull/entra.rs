use std::{fmt, path::PathBuf};

use oam_fetch::WebUrl;
use serde::Deserialize;

use super::{ClientKey, Credential, Keys, KnownBy, PullConfig, Written, absolute, base, fault, text};
use crate::config::ConfigError;

const GRAPH: &str = "https://graph.microsoft.com";
const LOGIN: &str = "https://login.microsoftonline.com";

const KEYS: Keys = Keys {
    poll: "source.NAME.entra.poll",
    resync: "source.NAME.entra.resync",
    max_loss: "source.NAME.entra.max_loss",
    groups: "source.NAME.entra.groups",
    network: "source.NAME.entra.network",
    ca: "source.NAME.entra.ca",
};

/// `[source.NAME.entra]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraSection {
    /// The tenant: its id, or one of its domains.
    pub tenant: String,
    /// The id of the application that asks.
    pub client_id: String,
    /// A file with its secret.
    pub client_secret_file: Option<PathBuf>,
    /// A file with its certificate, PEM.
    pub certificate: Option<PathBuf>,
    /// A file with the key of that, PEM.
    pub key: Option<PathBuf>,
    /// Whether members of groups in groups count.
    pub nested: Option<bool>,
    /// The address by which Graph reaches the listener of `[scim]`, as in `https://oam.example.com:8443`.
    pub notifications: Option<String>,
    /// How often it is asked what changed, as in `30s`.
    pub poll: Option<String>,
    /// How often everything is read again, as in `12h`.
    pub resync: Option<String>,
    /// How many of the people may lose everything by that, as in `20%`.
    pub max_loss: Option<String>,
    /// The groups that are taken, by name or id.
    pub groups: Option<Vec<String>>,
    /// Microsoft Graph, where it is another cloud's.
    pub graph: Option<String>,
    /// Where applications sign in, where it is another cloud's.
    pub login: Option<String>,
    /// Where the hosts may lie: `public` (the default), `private` or `loopback`.
    pub network: Option<String>,
    /// The authorities that their certificates may come from, PEM; the system's by default.
    pub ca: Option<PathBuf>,
}

/// A tenant of Entra ID, and what is taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraConfig {
    /// The tenant: its id, or one of its domains.
    pub tenant: String,
    /// The id of the application that asks.
    pub client_id: String,
    /// How it shows that it is the one.
    pub credential: Credential,
    /// Whether members of groups in groups count.
    pub nested: bool,
    /// Where Graph calls; `None`: it does not.
    pub notifications: Option<WebUrl>,
    /// Microsoft Graph.
    pub graph: WebUrl,
    /// Where applications sign in.
    pub login: WebUrl,
    /// How it is asked.
    pub pull: PullConfig,
}

pub(in crate::config) fn entra(section: EntraSection) -> Result<EntraConfig, ConfigError> {
    let EntraSection { poll, resync, max_loss, groups, network, ca, .. } = section;
    let credential = credential(section.client_secret_file, section.certificate, section.key)?;
    let pull = PullConfig::read(&KEYS, Written { poll, resync, max_loss, groups, network, ca })?;
    let name = |key: &'static str, text: String| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if !text.is_empty() && text.len() <= 255 && text.bytes().all(is_plain) && !text.contains("..") {
            return Ok(text);
        }
        Err(fault(key, format!("`{}` is neither an id nor a domain", text.escape_debug())))
    };
    let graph = section.graph.as_deref().unwrap_or(GRAPH);
    let login = section.login.as_deref().unwrap_or(LOGIN);
    let notifications = section.notifications.as_deref();
    Ok(EntraConfig {
        tenant: name("source.NAME.entra.tenant", section.tenant)?,
        client_id: name("source.NAME.entra.client_id", section.client_id)?,
        credential,
        nested: section.nested.unwrap_or(false),
        notifications: notifications
            .map(|url| base("source.NAME.entra.notifications", url, pull.network))
            .transpose()?,
        graph: base("source.NAME.entra.graph", graph, pull.network)?,
        login: base("source.NAME.entra.login", login, pull.network)?,
        pull,
    })
}

fn credential(
    secret: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Credential, ConfigError> {
    const CERTIFICATE: &str = "source.NAME.entra.certificate";
    match (secret, certificate, key) {
        (Some(secret), None, None) => {
            Ok(Credential::Secret(absolute("source.NAME.entra.client_secret_file", secret)?))
        }
        (None, Some(certificate), Some(key)) => {
            let certificate = absolute(CERTIFICATE, certificate)?;
            let known_by = KnownBy::Certificate(certificate);
            Ok(Credential::Key(ClientKey::new("source.NAME.entra.key", key, known_by)?))
        }
        _ => Err(fault(
            CERTIFICATE,
            "give either `certificate` and `key`, or `client_secret_file`: by one of them the application shows who it is",
        )),
    }
}

impl EntraConfig {
    /// The section that would give it.
    pub(in crate::config) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n[source.{name}.entra]\ntenant = {}", text(&self.tenant))?;
        writeln!(f, "client_id = {}", text(&self.client_id))?;
        self.credential.show(f)?;
        writeln!(f, "nested = {}", self.nested)?;
        match &self.notifications {
            Some(url) => writeln!(f, "notifications = {}", text(url.as_str()))?,
            None => writeln!(f, "# notifications: Graph does not call")?,
        }
        writeln!(f, "graph = {}\nlogin = {}", text(self.graph.as_str()), text(self.login.as_str()))?;
        self.pull.show(f)
    }
}
