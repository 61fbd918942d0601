use std::path::PathBuf;

use oam_fetch::{Network, WebUrl};
use serde::Deserialize;

use super::ConfigError;

/// `[webhook.NAME]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSection {
    /// Where it listens.
    pub url: String,
    /// What it understands: `generic` or `slack`.
    pub format: Option<String>,
    /// The file with the secret that requests are signed with.
    pub secret: Option<PathBuf>,
    /// Where the receiver may lie.
    pub network: Option<String>,
    /// The authorities of its certificate, PEM.
    pub ca: Option<PathBuf>,
}

/// Somebody who is told what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// The name in the configuration.
    pub name: String,
    /// Where it listens. The address of some receivers is their only secret.
    pub url: WebUrl,
    /// What it understands.
    pub format: WebhookFormat,
    /// The file with the secret that requests are signed with.
    pub secret: Option<PathBuf>,
    /// Where the receiver may lie.
    pub network: Network,
    /// The authorities of its certificate; `None`: the system's.
    pub ca: Option<PathBuf>,
}

/// What a receiver understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookFormat {
    /// Our own JSON, with the entry of the log.
    Generic,
    /// `{"text": …}`, as Slack, Mattermost and others take it.
    Slack,
}

impl WebhookFormat {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Slack => "slack",
        }
    }
}

impl WebhookConfig {
    pub(super) fn from_file(name: String, section: WebhookSection) -> Result<Self, ConfigError> {
        let fault =
            |detail: String| ConfigError::Value { key: "webhook", detail: format!("`{name}`: {detail}") };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(fault("a name is made of lower-case letters, digits and `-`".into()));
        }
        // What it says is not repeated: the address of some receivers is their only secret.
        let url: WebUrl = section.url.parse().map_err(|_| fault("`url` is no `https://` address".into()))?;
        let format = match section.format.as_deref() {
            None | Some("generic") => WebhookFormat::Generic,
            Some("slack") => WebhookFormat::Slack,
            Some(other) => {
                return Err(fault(format!("`{}` is neither `generic` nor `slack`", other.escape_debug())));
            }
        };
        if format == WebhookFormat::Generic && section.secret.is_none() {
            return Err(fault("`generic` takes a `secret`, so that the receiver knows who speaks".into()));
        }
        let network = match section.network.as_deref() {
            None => Network::Public,
            Some(text) => Network::parse(text).ok_or_else(|| {
                let all: Vec<_> = Network::ALL.iter().map(|one| format!("`{}`", one.as_str())).collect();
                fault(format!("`network` is one of {}", all.join(", ")))
            })?,
        };
        if !url.is_https() && network != Network::Loopback {
            return Err(fault("only `https://` leaves this machine".into()));
        }
        Ok(Self { name, url, format, secret: section.secret, network, ca: section.ca })
    }
}
