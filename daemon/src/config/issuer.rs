use std::{
    fmt::{self, Write as _},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use oam_fetch::{Network, WebUrl};
use serde::Deserialize;

use super::ConfigError;
use crate::oidc::{Algorithms, ClaimPath, KeyTimes, TokenType};

/// How far clocks may differ at most.
const MOST_LEEWAY: Duration = Duration::from_secs(60);
/// How long what an issuer published may be believed at most.
const MOST_STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// From this many groups on a list may have been cut short, unless told otherwise: Okta stops there.
const CUT_AT: usize = 100;

/// `[issuer.NAME]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSection {
    /// The issuer, to the letter.
    pub url: String,
    /// For whom its tokens must be.
    pub audience: String,
    /// What they may be signed with.
    pub algorithms: Option<Vec<String>>,
    /// What their header says they are.
    pub r#type: Option<String>,
    /// How far clocks may differ.
    pub leeway: Option<String>,
    /// Where the name in the directory stands.
    pub username: Option<String>,
    /// Where the directory's id of somebody stands.
    pub id: Option<String>,
    /// Where groups or roles stand.
    pub groups: Option<String>,
    /// From how many groups on the list may have been cut short.
    pub groups_cut_at: Option<usize>,
    /// Where the issuer may lie.
    pub network: Option<String>,
    /// The authorities of its certificate, PEM.
    pub ca: Option<PathBuf>,
    /// From what age on keys are fetched again.
    pub jwks_max_age: Option<String>,
    /// Up to what age they are used while the issuer cannot be reached.
    pub jwks_max_stale: Option<String>,
    /// How long after one fetch the next may follow.
    pub jwks_retry: Option<String>,
    /// The client that `oam login` is.
    pub client: Option<String>,
    /// Whose tokens these are: `people`, or `workloads`.
    #[serde(rename = "for")]
    pub purpose: Option<String>,
    /// Of SPIFFE: the trust domain, by which tokens are known that name no issuer.
    pub trust_domain: Option<String>,
    /// What `oam login` asks for.
    pub scopes: Option<Vec<String>>,
    /// The service that `oam login` names to the issuer (RFC 8707).
    pub resource: Option<String>,
}

/// Somebody whose tokens are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerConfig {
    /// The issuer, to the letter.
    pub url: WebUrl,
    /// For whom its tokens must be.
    pub audience: String,
    /// What they may be signed with.
    pub algorithms: Algorithms,
    /// What their header says they are.
    pub kind: TokenType,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// Where the name in the directory stands.
    pub username: ClaimPath,
    /// Where the directory's id of somebody stands; `None`: they are known by their name.
    pub id: Option<ClaimPath>,
    /// Where groups or roles stand; `None`: nowhere.
    pub groups: Option<ClaimPath>,
    /// From how many groups on the list may have been cut short.
    pub groups_cut_at: usize,
    /// Where the issuer may lie.
    pub network: Network,
    /// The authorities of its certificate, PEM; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// For how long its keys are believed.
    pub keys: KeyTimes,
    /// What `oam login` is at this issuer; `None`: nobody signs in with it.
    pub login: Option<LoginConfig>,
    /// Whose tokens these are. Those of one kind are never taken for those of the other.
    pub purpose: Purpose,
    /// Of SPIFFE: the trust domain, by which tokens are known that name no issuer.
    pub trust_domain: Option<String>,
}

/// Whose tokens an issuer makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Of people, who sign in with them.
    People,
    /// Of the jobs of a CI system, which lease roles with them. What is in them may be up to whoever wrote the job.
    Workloads,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::People, Self::Workloads];

    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Workloads => "workloads",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// What `oam login` is at an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginConfig {
    /// The client, a public one.
    pub client: String,
    /// What it asks for.
    pub scopes: Vec<String>,
    /// The service that it names to the issuer (RFC 8707).
    pub resource: Option<String>,
}

impl IssuerConfig {
    pub(super) fn from_file(name: &str, section: IssuerSection) -> Result<Self, ConfigError> {
        let fault =
            |key: &'static str, detail: String| ConfigError::Issuer { name: name.to_owned(), key, detail };
        is_name(name).map_err(|detail| fault("", detail))?;
        let url: WebUrl = section.url.parse().map_err(|error| fault(".url", told(&error)))?;
        let network = section.network.as_deref().map_or(Ok(Network::Public), |network| {
            Network::parse(network).ok_or_else(|| {
                fault(".network", one_of("network", network, Network::ALL.map(Network::as_str)))
            })
        })?;
        if !url.is_https() && network != Network::Loopback {
            return Err(fault(
                ".url",
                "it must begin with `https://` (or lie on this machine: `network = \"loopback\"`)".to_owned(),
            ));
        }
        let kind = section.r#type.as_deref().map_or(Ok(TokenType::Jwt), |kind| {
            TokenType::parse(kind)
                .ok_or_else(|| fault(".type", one_of("type", kind, TokenType::ALL.map(TokenType::as_str))))
        })?;
        let purpose = purpose(&section, &fault)?;
        let time = |key, text: Option<&str>, default: Duration, most: Duration| match text {
            None => Ok(default),
            Some(text) => duration(text, most).map_err(|detail| fault(key, detail)),
        };
        let path = |key, text: Option<&str>| {
            text.map(ClaimPath::from_str).transpose().map_err(|error| fault(key, told(&error)))
        };
        let usual = KeyTimes::default();
        let keys = KeyTimes {
            max_age: time(".jwks_max_age", section.jwks_max_age.as_deref(), usual.max_age, MOST_STALE)?,
            max_stale: time(
                ".jwks_max_stale",
                section.jwks_max_stale.as_deref(),
                usual.max_stale,
                MOST_STALE,
            )?,
            retry: time(".jwks_retry", section.jwks_retry.as_deref(), usual.retry, MOST_STALE)?,
        };
        if keys.max_stale < keys.max_age {
            return Err(fault(".jwks_max_stale", "it is less than `jwks_max_age`".to_owned()));
        }
        let algorithms = section.algorithms.map(|names| Algorithms::parse(&names)).transpose();
        if section.audience.is_empty() {
            return Err(fault(
                ".audience",
                "it is empty: whoever signs in must sign in for this service".to_owned(),
            ));
        }
        if section.client.is_none() && (section.scopes.is_some() || section.resource.is_some()) {
            return Err(fault(
                ".client",
                "`scopes` and `resource` are for `oam login`, which needs it".to_owned(),
            ));
        }
        let usual_scopes = || ["openid", "profile", "offline_access"].map(str::to_owned).to_vec();
        let scopes = section.scopes.unwrap_or_else(usual_scopes);
        Ok(Self {
            url,
            audience: section.audience,
            algorithms: algorithms.map_err(|detail| fault(".algorithms", detail))?.unwrap_or_default(),
            kind,
            leeway: time(".leeway", section.leeway.as_deref(), Duration::from_secs(30), MOST_LEEWAY)?,
            username: match path(".username", section.username.as_deref())? {
                Some(path) => path,
                None => "preferred_username".parse().map_err(|error| fault(".username", told(&error)))?,
            },
            id: path(".id", section.id.as_deref())?,
            groups: path(".groups", section.groups.as_deref())?,
            groups_cut_at: section.groups_cut_at.unwrap_or(CUT_AT),
            network,
            ca: section.ca.map(|ca| super::absolute("issuer.NAME.ca", ca)).transpose()?,
            keys,
            login: section.client.map(|client| LoginConfig { client, scopes, resource: section.resource }),
            purpose,
            trust_domain: section.trust_domain,
        })
    }

    /// As a section of a file that would give it.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let text = |text: &str| toml::Value::String(text.to_owned());
        let mut lines = String::new();
        write!(
            lines,
            "\n\n[issuer.{name}]\nurl = {}\naudience = {}",
            text(self.url.as_str()),
            text(&self.audience)
        )?;
        write!(lines, "\nalgorithms = {}\ntype = \"{}\"", self.algorithms, self.kind)?;
        write!(lines, "\nleeway = \"{}ms\"", self.leeway.as_millis())?;
        write!(lines, "\nfor = \"{}\"", self.purpose.as_str())?;
        if self.purpose == Purpose::Workloads {
            if let Some(domain) = &self.trust_domain {
                write!(lines, "\ntrust_domain = {}", text(domain))?;
            }
        } else {
            self.show_people(&mut lines)?;
        }
        write!(lines, "\nnetwork = \"{}\"", self.network.as_str())?;
        match &self.ca {
            Some(ca) => write!(lines, "\nca = {}", super::show::written(ca))?,
            None => lines.push_str("\n# ca: the system's authorities"),
        }
        write!(lines, "\njwks_max_age = \"{}ms\"", self.keys.max_age.as_millis())?;
        write!(lines, "\njwks_max_stale = \"{}ms\"", self.keys.max_stale.as_millis())?;
        write!(lines, "\njwks_retry = \"{}ms\"", self.keys.retry.as_millis())?;
        if let Some(login) = &self.login {
            let scopes = login.scopes.iter().map(|scope| text(scope)).collect();
            write!(lines, "\nclient = {}\nscopes = {}", text(&login.client), toml::Value::Array(scopes))?;
            if let Some(resource) = &login.resource {
                write!(lines, "\nresource = {}", text(resource))?;
            }
        }
        f.write_str(&lines)
    }

    fn show_people(&self, lines: &mut String) -> fmt::Result {
        let text = |text: &str| toml::Value::String(text.to_owned());
        write!(lines, "\nusername = {}", text(&self.username.to_string()))?;
        match &self.id {
            Some(id) => write!(lines, "\nid = {}", text(&id.to_string()))?,
            None => lines.push_str("\n# id: people are known by their names"),
        }
        match &self.groups {
            Some(groups) => write!(lines, "\ngroups = {}", text(&groups.to_string()))?,
            None => lines.push_str("\n# groups: none are read"),
        }
        write!(lines, "\ngroups_cut_at = {}", self.groups_cut_at)
    }
}

/// Whose tokens they are, where what else is said fits that.
fn purpose(
    section: &IssuerSection,
    fault: &impl Fn(&'static str, String) -> ConfigError,
) -> Result<Purpose, ConfigError> {
    let word = section.purpose.as_deref().unwrap_or(Purpose::People.as_str());
    let purpose = Purpose::parse(word)
        .ok_or_else(|| fault(".for", one_of("kind of token", word, Purpose::ALL.map(Purpose::as_str))))?;
    let of_people = [
        (".username", section.username.is_some()),
        (".id", section.id.is_some()),
        (".groups", section.groups.is_some()),
        (".groups_cut_at", section.groups_cut_at.is_some()),
        (".client", section.client.is_some()),
    ];
    match (purpose, &section.trust_domain) {
        (Purpose::Workloads, domain) => {
            if let Some((key, _)) = of_people.into_iter().find(|(_, is_there)| *is_there) {
                return Err(fault(key, "it is of people, and these tokens are those of jobs".to_owned()));
            }
            let is_domain = |domain: &String| {
                let is_of_it =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
                (1..=255).contains(&domain.len()) && domain.bytes().all(is_of_it)
            };
            match domain.as_ref().filter(|domain| !is_domain(domain)) {
                Some(_) => Err(fault(".trust_domain", "it is a name such as `example.org`".to_owned())),
                None => Ok(purpose),
            }
        }
        (Purpose::People, Some(_)) => {
            Err(fault(".trust_domain", "it is for tokens of jobs: add `for = \"workloads\"`".to_owned()))
        }
        (Purpose::People, None) => Ok(purpose),
    }
}

/// As the name of a source: what groups are told apart by.
fn is_name(name: &str) -> Result<(), String> {
    let character = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if (1..=64).contains(&name.len()) && name.chars().all(character) {
        return Ok(());
    }
    Err("its name is 1 to 64 lower-case letters, digits, `-` or `_`".to_owned())
}

fn duration(text: &str, most: Duration) -> Result<Duration, String> {
    let read = text.parse::<jiff::SignedDuration>().ok().and_then(|signed| Duration::try_from(signed).ok());
    let duration = read.ok_or_else(|| format!("`{}` is no duration such as `30s`", text.escape_debug()))?;
    if duration > most {
        return Err(format!("`{text}` is more than {} seconds", most.as_secs()));
    }
    // What is shown is in milliseconds.
    Ok(Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or_default()))
}

fn one_of<const N: usize>(what: &str, given: &str, known: [&str; N]) -> String {
    let known = known.map(|name| format!("`{name}`"));
    format!("`{}` is no {what}: it is one of {}", given.escape_debug(), known.join(", "))
}

fn told(error: &dyn fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::FileConfig, IssuerConfig};

    fn issuer(more: &str) -> Result<IssuerConfig, String> {
        let text = format!("[issuer.corp]\naudience = 'oam'\n{more}");
        let file: FileConfig = toml::from_str(&text).map_err(|error| error.to_string())?;
        let (name, section) = file.issuer.into_iter().next().unwrap();
        IssuerConfig::from_file(&name, section).map_err(|error| error.to_string())
    }

    #[test]
    fn little_need_be_said() {
        let issuer = issuer("url = 'https://id.example.com'").unwrap();
        assert_eq!((issuer.leeway, issuer.groups_cut_at), (Duration::from_secs(30), 100));
        assert_eq!(issuer.algorithms.to_string(), r#"["RS256"]"#);
        assert_eq!((issuer.username.to_string().as_str(), issuer.login), ("preferred_username", None));
    }

    #[test]
    fn faults_name_the_key_and_what_is_right() {
        for (more, part) in [
            ("url = 'http://id.example.com'", "issuer.corp.url"),
            ("url = 'http://127.0.0.1:1'", "issuer.corp.url"),
            ("url = 'id.example.com'", "issuer.corp.url"),
            ("url = 'https://i'\nalgorithms = ['none']", "issuer.corp.algorithms"),
            ("url = 'https://i'\nalgorithms = ['HS256']", "issuer.corp.algorithms"),
            ("url = 'https://i'\nalgorithms = []", "issuer.corp.algorithms"),
            ("url = 'https://i'\ntype = 'secevent+jwt'", "issuer.corp.type"),
            ("url = 'https://i'\nleeway = '2m'", "issuer.corp.leeway"),
            ("url = 'https://i'\nleeway = '-1s'", "issuer.corp.leeway"),
            ("url = 'https://i'\ngroups = 'a..b'", "issuer.corp.groups"),
            ("url = 'https://i'\nnetwork = 'all'", "issuer.corp.network"),
            ("url = 'https://i'\njwks_max_age = '2h'", "issuer.corp.jwks_max_stale"),
            ("url = 'https://i'\njwks_max_stale = '25h'", "issuer.corp.jwks_max_stale"),
            ("url = 'https://i'\nscopes = ['openid']", "issuer.corp.client"),
            ("url = 'https://i'\nsecret = 'x'", "unknown field `secret`"),
            ("url = 'https://i'\nfor = 'jobs'", "issuer.corp.for"),
            ("url = 'https://i'\nfor = 'workloads'\nusername = 'sub'", "issuer.corp.username"),
            ("url = 'https://i'\nfor = 'workloads'\nclient = 'oam'", "issuer.corp.client"),
            ("url = 'https://i'\nfor = 'workloads'\ntrust_domain = 'a/b'", "issuer.corp.trust_domain"),
            ("url = 'https://i'\ntrust_domain = 'example.org'", "issuer.corp.trust_domain"),
        ] {
            let error = issuer(more).unwrap_err();
            assert!(error.contains(part), "{more}: {error}");
        }
    }
}
