use std::{collections::BTreeSet, fmt::Display, path::PathBuf, str::FromStr, time::Duration};

use oam_bitbucket::{
    Bitbucket,
    mirror::MirrorSettings,
    permission::Holder,
    provision::{Automatic, Settings},
};
use oam_fetch::{Network, Secret, WebUrl};

use super::{
    ConfigError, absolute, duration,
    file::{ApprovalsSection, BitbucketSection, CanarySection, MirrorSection, ProvisioningSection},
};

/// How often canaries are sent unless told otherwise.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// The shortest time between two rounds: each is a change that Bitbucket has to refuse.
const EVERY_AT_LEAST: Duration = Duration::from_secs(1);
/// In how many repositories at a time unless told otherwise.
const REPOSITORIES: usize = 5;
/// After how long nothing proved is an alarm, unless told otherwise.
const ALARM_AFTER: Duration = Duration::from_secs(60 * 60);
/// How much of what is there may be taken at once, in hundredths, unless told otherwise.
const MAX_REMOVED: u8 = 10;
/// How long is waited for Bitbucket unless told otherwise. Hooks wait for two seconds in all.
const WITHIN: Duration = Duration::from_secs(1);
/// How long at most: hooks wait for no more than 100 seconds.
const WITHIN_AT_MOST: Duration = Duration::from_secs(60);
/// How long the page of a pull request is answered by what was said before, unless told otherwise.
const REMEMBER: Duration = Duration::from_secs(10);
/// How long at most.
const REMEMBER_AT_MOST: Duration = Duration::from_secs(5 * 60);
/// How large a file with a token may be.
const TOKEN_BYTES: usize = 4096;

/// The Bitbucket that is guarded.
#[derive(Debug, Clone)]
pub struct BitbucketConfig {
    /// Its address.
    pub url: WebUrl,
    /// The file that holds an HTTP access token.
    pub token_file: PathBuf,
    /// The authorities that its certificate may come from; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// Where its host may lie.
    pub network: Network,
    /// Its canaries.
    pub canary: CanaryConfig,
    /// How permissions are kept there; `None`: they are not.
    pub provisioning: Option<Settings>,
    /// How it is asked who approved what.
    pub approvals: ApprovalsConfig,
}

/// How Bitbucket is asked for pull requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalsConfig {
    /// How long is waited for it.
    pub within: Duration,
    /// How long the page of a pull request is answered by what Bitbucket said before.
    pub remember: Duration,
}

/// How it is proved that changes are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryConfig {
    /// How long from one round to the next.
    pub every: Duration,
    /// In how many repositories each round.
    pub repositories: usize,
    /// After how long nothing proved is an alarm.
    pub alarm_after: Duration,
}

impl BitbucketConfig {
    /// Opens it with the token that the file holds now.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn open(&self) -> Result<Bitbucket, String> {
        self.open_with(self.token()?)
    }

    /// The token that the file holds now.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn token(&self) -> Result<Secret, String> {
        let path = self.token_file.display();
        let text = std::fs::read_to_string(&self.token_file);
        let text = text.map_err(|error| format!("the token in `{path}` cannot be read: {error}"))?;
        let token = text.trim();
        let is_token = !token.is_empty()
            && token.len() <= TOKEN_BYTES
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token {
            return Err(format!("`{path}` holds no token: one line of visible ASCII characters"));
        }
        Ok(Secret::new(token))
    }

    /// Opens it with this token.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn open_with(&self, token: Secret) -> Result<Bitbucket, String> {
        Bitbucket::new(self.url.clone(), token, self.network, self.ca.as_deref())
            .map_err(|error| error.to_string())
    }
}

pub(super) fn configured(section: BitbucketSection) -> Result<BitbucketConfig, ConfigError> {
    let fault = |key: &'static str, detail: String| ConfigError::Value { key, detail };
    let CanarySection { every, repositories, alarm_after } = section.canary;
    let every = duration("bitbucket.canary.every", every.as_deref())?.unwrap_or(EVERY);
    if every < EVERY_AT_LEAST {
        return Err(fault("bitbucket.canary.every", "at least a second".to_owned()));
    }
    let alarm_after = duration("bitbucket.canary.alarm_after", alarm_after.as_deref())?;
    let repositories = repositories.unwrap_or(REPOSITORIES);
    if repositories == 0 {
        return Err(fault("bitbucket.canary.repositories", "at least 1".to_owned()));
    }
    let network = match section.network.as_deref() {
        None => Network::Private,
        Some(name) => Network::parse(name).ok_or_else(|| {
            fault("bitbucket.network", format!("`{name}` is neither `public` nor `private` nor `loopback`"))
        })?,
    };
    Ok(BitbucketConfig {
        url: section
            .url
            .parse()
            .map_err(|error: oam_fetch::UrlError| fault("bitbucket.url", error.to_string()))?,
        token_file: absolute("bitbucket.token_file", section.token_file)?,
        ca: section.ca.map(|path| absolute("bitbucket.ca", path)).transpose()?,
        network,
        canary: CanaryConfig { every, repositories, alarm_after: alarm_after.unwrap_or(ALARM_AFTER) },
        provisioning: kept(section.provisioning, section.mirror)?,
        approvals: approvals(section.approvals)?,
    })
}

/// How permissions are kept, and what is mirrored beside them.
fn kept(
    section: Option<ProvisioningSection>,
    mirror: Option<MirrorSection>,
) -> Result<Option<Settings>, ConfigError> {
    let mut settings = section.map(provisioning).transpose()?;
    if let Some(MirrorSection { at, patterns }) = mirror {
        // What is ours is known by the same list, and the account that writes it is the same.
        let settings = settings.as_mut().ok_or_else(|| ConfigError::Value {
            key: "bitbucket.mirror",
            detail: "there is no `[bitbucket.provisioning]`, whose account writes restrictions".to_owned(),
        })?;
        settings.mirror = MirrorSettings { at: parsed("bitbucket.mirror.at", &at)?, patterns };
    }
    Ok(settings)
}

fn provisioning(section: ProvisioningSection) -> Result<Settings, ConfigError> {
    let fault = |key: &'static str, detail: String| ConfigError::Value { key, detail };
    let ProvisioningSection { account, groups, jit, adopt, ignore, max_removed, automatic } = section;
    let is_source = |source: &String| format!("{source}:x").parse::<oam_policy::GroupName>().is_ok();
    if let Some(source) = groups.iter().find(|source| !is_source(source)) {
        return Err(fault("bitbucket.provisioning.groups", format!("`{source}` is no source's name")));
    }
    Ok(Settings {
        account: Holder::user(&account)
            .ok_or_else(|| fault("bitbucket.provisioning.account", format!("`{account}` is no username")))?,
        // Bitbucket tells, when it is asked.
        daemon: BTreeSet::new(),
        groups: groups.into_iter().collect(),
        jit,
        adopt: parsed("bitbucket.provisioning.adopt", &adopt)?,
        ignore: parsed("bitbucket.provisioning.ignore", &ignore)?,
        most_removed: match max_removed {
            None => MAX_REMOVED,
            Some(text) => percent(&text).ok_or_else(|| {
                fault("bitbucket.provisioning.max_removed", format!("`{text}`: write `0%` to `100%`"))
            })?,
        },
        automatic: match automatic {
            None => [Automatic::Leavers].into(),
            Some(names) => names.iter().map(|name| automatic_of(name)).collect::<Result<_, _>>()?,
        },
        mirror: MirrorSettings::default(),
    })
}

fn automatic_of(name: &str) -> Result<Automatic, ConfigError> {
    Automatic::parse(name).ok_or_else(|| ConfigError::Value {
        key: "bitbucket.provisioning.automatic",
        detail: format!("`{name}` is neither `leavers` nor `give` nor `take`"),
    })
}

fn parsed<T: FromStr<Err: Display> + Ord>(
    key: &'static str,
    texts: &[String],
) -> Result<BTreeSet<T>, ConfigError> {
    let parse = |text: &String| {
        text.parse().map_err(|error: T::Err| ConfigError::Value { key, detail: error.to_string() })
    };
    texts.iter().map(parse).collect()
}

fn percent(text: &str) -> Option<u8> {
    text.strip_suffix('%').and_then(|number| number.parse().ok()).filter(|number| *number <= 100)
}

fn approvals(section: ApprovalsSection) -> Result<ApprovalsConfig, ConfigError> {
    let bounded = |key: &'static str, text: Option<&str>, otherwise: Duration, at_most: Duration| {
        let length = duration(key, text)?.unwrap_or(otherwise);
        match length <= at_most {
            true => Ok(length),
            false => Err(ConfigError::Value { key, detail: format!("at most {} s", at_most.as_secs()) }),
        }
    };
    let ApprovalsSection { within, remember } = section;
    let within = bounded("bitbucket.approvals.within", within.as_deref(), WITHIN, WITHIN_AT_MOST)?;
    let remember = bounded("bitbucket.approvals.remember", remember.as_deref(), REMEMBER, REMEMBER_AT_MOST)?;
    Ok(ApprovalsConfig { within, remember })
}
