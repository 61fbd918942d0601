use std::{fmt, path::PathBuf};

use oam_fetch::WebUrl;
use serde::Deserialize;

use super::{
    ClientKey, Keys, KnownBy, PullConfig, Written, absolute, base, credential::key_id, fault, text, written,
};
use crate::config::ConfigError;

const KEYS: Keys = Keys {
    poll: "source.NAME.okta.poll",
    resync: "source.NAME.okta.resync",
    max_loss: "source.NAME.okta.max_loss",
    groups: "source.NAME.okta.groups",
    network: "source.NAME.okta.network",
    ca: "source.NAME.okta.ca",
};

/// `[source.NAME.okta]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OktaSection {
    /// The organization, as in `https://example.okta.com`.
    pub url: String,
    /// A file with an API token.
    pub token_file: Option<PathBuf>,
    /// The id of the application that asks, where that shows who it is by a key.
    pub client_id: Option<String>,
    /// A file with its private key, PEM.
    pub key: Option<PathBuf>,
    /// What Okta calls that key (`kid`).
    pub key_id: Option<String>,
    /// How often it is asked what changed, as in `30s`.
    pub poll: Option<String>,
    /// How often everything is read again, as in `12h`.
    pub resync: Option<String>,
    /// How many of the people may lose everything by that, as in `20%`.
    pub max_loss: Option<String>,
    /// The groups that are taken, by name.
    pub groups: Option<Vec<String>>,
    /// A file with the secret that event hooks show.
    pub hook_secret_file: Option<PathBuf>,
    /// Where its host may lie: `public` (the default), `private` or `loopback`.
    pub network: Option<String>,
    /// The authorities that its certificate may come from, PEM; the system's by default.
    pub ca: Option<PathBuf>,
}

/// An Okta organization, and what is taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OktaConfig {
    /// Its address.
    pub url: WebUrl,
    /// By what it lets us ask.
    pub access: OktaAccess,
    /// The file with the secret that event hooks show; `None`: they are not heard.
    pub hook_secret_file: Option<PathBuf>,
    /// How it is asked.
    pub pull: PullConfig,
}

/// By what Okta lets us ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OktaAccess {
    /// By an API token, in a file: it may what whoever made it may.
    ApiToken(PathBuf),
    /// By tokens of an application, which may read users and groups and nothing else.
    Client {
        /// Its id.
        id: String,
        /// The key by which it shows that it is the one.
        key: ClientKey,
    },
}

fn access(
    token: Option<PathBuf>,
    client_id: Option<String>,
    key: Option<PathBuf>,
    id: Option<String>,
) -> Result<OktaAccess, ConfigError> {
    const CLIENT: &str = "source.NAME.okta.client_id";
    match (token, client_id, key) {
        (Some(token), None, None) if id.is_none() => {
            Ok(OktaAccess::ApiToken(absolute("source.NAME.okta.token_file", token)?))
        }
        (None, Some(client), Some(key)) => {
            if client.is_empty() || client.len() > 255 || !client.bytes().all(|byte| byte.is_ascii_graphic())
            {
                return Err(fault(CLIENT, format!("`{}` is no id of an application", client.escape_debug())));
            }
            let id = id.map(|id| key_id("source.NAME.okta.key_id", id)).transpose()?;
            let key = ClientKey::new("source.NAME.okta.key", key, KnownBy::Id(id))?;
            Ok(OktaAccess::Client { id: client, key })
        }
        _ => Err(fault(
            CLIENT,
            "give either `client_id` and `key`, or `token_file`: by one of them we may ask",
        )),
    }
}

pub(in crate::config) fn okta(section: OktaSection) -> Result<OktaConfig, ConfigError> {
    let OktaSection { poll, resync, max_loss, groups, network, ca, .. } = section;
    let pull = PullConfig::read(&KEYS, Written { poll, resync, max_loss, groups, network, ca })?;
    let secret = section.hook_secret_file;
    Ok(OktaConfig {
        url: base("source.NAME.okta.url", &section.url, pull.network)?,
        access: access(section.token_file, section.client_id, section.key, section.key_id)?,
        hook_secret_file: secret
            .map(|path| absolute("source.NAME.okta.hook_secret_file", path))
            .transpose()?,
        pull,
    })
}

impl OktaConfig {
    /// The section that would give it.
    pub(in crate::config) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n[source.{name}.okta]\nurl = {}", text(self.url.as_str()))?;
        match &self.access {
            OktaAccess::ApiToken(path) => writeln!(f, "token_file = {}", written(path))?,
            OktaAccess::Client { id, key } => {
                writeln!(f, "client_id = {}", text(id))?;
                key.show(f)?;
            }
        }
        match &self.hook_secret_file {
            Some(path) => writeln!(f, "hook_secret_file = {}", written(path))?,
            None => writeln!(f, "# hook_secret_file: event hooks are not heard")?,
        }
        self.pull.show(f)
    }
}
