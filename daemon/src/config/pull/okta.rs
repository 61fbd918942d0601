use std::{fmt, path::PathBuf};

use oam_fetch::WebUrl;
use serde::Deserialize;

use super::{Keys, PullConfig, Written, absolute, base, text, written};
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
    pub token_file: PathBuf,
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
    /// The file with an API token.
    pub token_file: PathBuf,
    /// The file with the secret that event hooks show; `None`: they are not heard.
    pub hook_secret_file: Option<PathBuf>,
    /// How it is asked.
    pub pull: PullConfig,
}

pub(in crate::config) fn okta(section: OktaSection) -> Result<OktaConfig, ConfigError> {
    let OktaSection { poll, resync, max_loss, groups, network, ca, .. } = section;
    let pull = PullConfig::read(&KEYS, Written { poll, resync, max_loss, groups, network, ca })?;
    let secret = section.hook_secret_file;
    Ok(OktaConfig {
        url: base("source.NAME.okta.url", &section.url, pull.network)?,
        token_file: absolute("source.NAME.okta.token_file", section.token_file)?,
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
        writeln!(f, "token_file = {}", written(&self.token_file))?;
        match &self.hook_secret_file {
            Some(path) => writeln!(f, "hook_secret_file = {}", written(path))?,
            None => writeln!(f, "# hook_secret_file: event hooks are not heard")?,
        }
        self.pull.show(f)
    }
}
