//! Sources that are asked over HTTPS.

mod credential;
mod entra;
mod okta;

use std::{collections::BTreeSet, fmt, path::PathBuf, time::Duration};

use oam_fetch::{Network, UrlError, WebUrl};

use super::{
    ConfigError, absolute, duration,
    show::{text, written},
};
pub use credential::{ClientKey, Credential, KnownBy};
pub use entra::EntraConfig;
pub(super) use entra::{EntraSection, entra};
pub use okta::{OktaAccess, OktaConfig};
pub(super) use okta::{OktaSection, okta};

/// How often it is asked what changed.
const DEFAULT_POLL: Duration = Duration::from_secs(30);
/// How often everything is read again.
const DEFAULT_RESYNC: Duration = Duration::from_secs(12 * 60 * 60);
const DEFAULT_MAX_LOSS: u8 = 20;

/// What every source has that is asked over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullConfig {
    /// How often it is asked what changed.
    pub poll: Duration,
    /// How often everything is read again.
    pub resync: Duration,
    /// How many of a hundred people may lose everything by that.
    pub max_loss: u8,
    /// The groups that are taken, by name; `None`: all.
    pub groups: Option<BTreeSet<String>>,
    /// Where its hosts may lie.
    pub network: Network,
    /// The authorities of its certificates; `None`: the system's.
    pub ca: Option<PathBuf>,
}

/// The same, as it is written.
struct Written {
    poll: Option<String>,
    resync: Option<String>,
    max_loss: Option<String>,
    groups: Option<Vec<String>>,
    network: Option<String>,
    ca: Option<PathBuf>,
}

/// The keys of one section, as messages name them.
struct Keys {
    poll: &'static str,
    resync: &'static str,
    max_loss: &'static str,
    groups: &'static str,
    network: &'static str,
    ca: &'static str,
}

fn fault(key: &'static str, detail: impl Into<String>) -> ConfigError {
    ConfigError::Value { key, detail: detail.into() }
}

impl PullConfig {
    fn read(keys: &Keys, written: Written) -> Result<Self, ConfigError> {
        let every = |key: &'static str, text: Option<&str>, default| {
            let every = duration(key, text)?.unwrap_or(default);
            if every < Duration::from_secs(1) {
                return Err(fault(key, "nobody is to be asked more than once a second"));
            }
            Ok(every)
        };
        let groups = written.groups.map(BTreeSet::from_iter);
        if groups.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(fault(keys.groups, "name one group at least, or leave it out: then all are taken"));
        }
        let network = match written.network.as_deref() {
            None => Network::Public,
            Some(name) => Network::parse(name).ok_or_else(|| {
                fault(keys.network, format!("`{name}` is neither `public` nor `private` nor `loopback`"))
            })?,
        };
        Ok(Self {
            poll: every(keys.poll, written.poll.as_deref(), DEFAULT_POLL)?,
            resync: every(keys.resync, written.resync.as_deref(), DEFAULT_RESYNC)?,
            max_loss: max_loss(keys.max_loss, written.max_loss.as_deref())?,
            groups,
            network,
            ca: written.ca.map(|path| absolute(keys.ca, path)).transpose()?,
        })
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "poll = \"{}ms\"\nresync = \"{}ms\"", self.poll.as_millis(), self.resync.as_millis())?;
        writeln!(f, "max_loss = \"{}%\"", self.max_loss)?;
        match &self.groups {
            Some(groups) => {
                let names: Vec<_> = groups.iter().map(|name| self::text(name).to_string()).collect();
                writeln!(f, "groups = [{}]", names.join(", "))?;
            }
            None => writeln!(f, "# groups: all")?,
        }
        writeln!(f, "network = \"{}\"", self.network.as_str())?;
        match &self.ca {
            Some(ca) => writeln!(f, "ca = {}", written(ca)),
            None => writeln!(f, "# ca: the system's"),
        }
    }
}

/// An address below which everything lies, without the slash at its end.
fn base(key: &'static str, url: &str, network: Network) -> Result<WebUrl, ConfigError> {
    let url: WebUrl =
        url.trim_end_matches('/').parse().map_err(|error: UrlError| fault(key, error.to_string()))?;
    if url.as_str().contains('?') {
        return Err(fault(key, format!("`{url}` has a query (`?`)")));
    }
    if !url.is_https() && network != Network::Loopback {
        return Err(fault(key, "only `https://` leaves this machine"));
    }
    Ok(url)
}

/// How many of a hundred people may lose everything by a load.
pub(super) fn max_loss(key: &'static str, text: Option<&str>) -> Result<u8, ConfigError> {
    let Some(text) = text else { return Ok(DEFAULT_MAX_LOSS) };
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
    number
        .filter(|number| *number <= 100)
        .ok_or_else(|| fault(key, format!("`{text}` is no share such as `{DEFAULT_MAX_LOSS}%`")))
}
