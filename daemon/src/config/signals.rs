use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    time::Duration,
};

use oam_fetch::{Network, WebUrl};
use serde::Deserialize;

use super::{
    ConfigError, SourceConfig, SourceName, duration,
    show::{text, written},
};
use crate::{oidc::Algorithms, signals::PersonEvent};

/// How often a transmitter is asked for a sign of life unless told otherwise.
const DEFAULT_VERIFY_EVERY: Duration = Duration::from_secs(60 * 60);
/// After how long without one it is an alarm unless told otherwise.
const DEFAULT_ALARM_AFTER: Duration = Duration::from_secs(15 * 60);
/// How far the clocks of both may differ.
const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);

/// `[signals.NAME]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalsSection {
    /// What the transmitter calls itself.
    pub issuer: String,
    /// What it calls us.
    pub audience: String,
    /// The source of the directory whose people it speaks of.
    pub source: String,
    /// How its signals reach us: `push` or `poll`.
    pub delivery: String,
    /// A file with the token for its API.
    pub token_file: Option<PathBuf>,
    /// The signature algorithms that are taken.
    pub algorithms: Option<Vec<String>>,
    /// By what of a person it names them.
    pub subjects: SubjectsSection,
    /// Who names people where it says `iss_sub`; itself by default.
    pub subject_issuer: Option<String>,
    /// Events that cut somebody off.
    pub deactivate_on: Option<Vec<String>>,
    /// Events after which the source is read again.
    pub reread_on: Option<Vec<String>>,
    /// How far the clocks of both may differ.
    pub leeway: Option<String>,
    /// How often it is asked for a sign of life.
    pub verify_every: Option<String>,
    /// After how long of not hearing it is an alarm.
    pub alarm_after: Option<String>,
    /// What follows while it cannot be heard: `alarm` or `undecided`.
    pub on_blind: Option<String>,
    /// Where it may lie.
    pub network: Option<String>,
    /// The authorities of its certificate, PEM.
    pub ca: Option<PathBuf>,
}

/// `[signals.NAME.subjects]` as it is written: of each format of RFC 9493, what of a person it holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SubjectsSection {
    /// `acct:…`
    pub account: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// An issuer, and its name for them.
    pub iss_sub: Option<String>,
    /// A text that means something to the transmitter and us alone.
    pub opaque: Option<String>,
}

/// A transmitter of shared signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalsConfig {
    /// The name in the configuration.
    pub name: SourceName,
    /// What it calls itself.
    pub issuer: WebUrl,
    /// What it calls us.
    pub audience: String,
    /// The source of the directory whose people it speaks of.
    pub source: SourceName,
    /// How its signals reach us.
    pub delivery: Delivery,
    /// The file with the token for its API; `None`: its stream is set up by hand.
    pub token_file: Option<PathBuf>,
    /// The signature algorithms that are taken.
    pub algorithms: Algorithms,
    /// By what of a person each format names them.
    pub subjects: BTreeMap<SubjectFormat, PersonAttribute>,
    /// Who names people where it says `iss_sub`.
    pub subject_issuer: String,
    /// What each event does; those that are not here are noted.
    pub events: BTreeMap<PersonEvent, Effect>,
    /// How far the clocks of both may differ.
    pub leeway: Duration,
    /// How often it is asked for a sign of life.
    pub verify_every: Duration,
    /// After how long of not hearing it is an alarm.
    pub alarm_after: Duration,
    /// What follows while it cannot be heard.
    pub on_blind: OnBlind,
    /// Where it may lie.
    pub network: Network,
    /// The authorities of its certificate; `None`: the system's.
    pub ca: Option<PathBuf>,
}

/// How signals reach us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The transmitter sends them (RFC 8935).
    Push,
    /// We ask for them (RFC 8936).
    Poll,
}

/// How a subject is named, as far as a person can be found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectFormat {
    /// `acct:…`
    Account,
    /// An e-mail address.
    Email,
    /// An issuer, and its name for them.
    IssSub,
    /// A text.
    Opaque,
}

/// What of a person is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonAttribute {
    /// The source's own id, which never changes.
    Id,
    /// Any of their e-mail addresses.
    Email,
    /// The Bitbucket username.
    Username,
}

/// What an event does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Whom it is about is cut off.
    Deactivate,
    /// The source is read again.
    Reread,
}

/// What follows while a transmitter cannot be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBlind {
    /// An alarm, and decisions go on.
    Alarm,
    /// Nothing is decided by the source whose people it speaks of, besides.
    Undecided,
}

impl OnBlind {
    const ALL: [Self; 2] = [Self::Alarm, Self::Undecided];

    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Undecided => "undecided",
        }
    }
}

impl Delivery {
    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Poll => "poll",
        }
    }
}

impl SubjectFormat {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Email => "email",
            Self::IssSub => "iss_sub",
            Self::Opaque => "opaque",
        }
    }
}

impl PersonAttribute {
    const ALL: [Self; 3] = [Self::Id, Self::Email, Self::Username];

    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Email => "email",
            Self::Username => "username",
        }
    }
}

impl SignalsConfig {
    /// As a file would give it.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        writeln!(f, "\n[signals.{name}]\nissuer = {}", text(self.issuer.as_str()))?;
        writeln!(f, "audience = {}\nsource = \"{}\"", text(&self.audience), self.source)?;
        writeln!(f, "delivery = \"{}\"\nalgorithms = {}", self.delivery.as_str(), self.algorithms)?;
        match &self.token_file {
            Some(file) => writeln!(f, "token_file = {}", written(file))?,
            None => writeln!(f, "# token_file: none, its stream is set up by hand")?,
        }
        writeln!(f, "subject_issuer = {}", text(&self.subject_issuer))?;
        for (key, effect) in [("deactivate_on", Effect::Deactivate), ("reread_on", Effect::Reread)] {
            let events: Vec<_> =
                self.events_that(effect).map(|event| format!("\"{}\"", event.as_str())).collect();
            writeln!(f, "{key} = [{}]", events.join(", "))?;
        }
        for (key, time) in
            [("leeway", self.leeway), ("verify_every", self.verify_every), ("alarm_after", self.alarm_after)]
        {
            writeln!(f, "{key} = \"{}ms\"", time.as_millis())?;
        }
        writeln!(f, "on_blind = \"{}\"\nnetwork = \"{}\"", self.on_blind.as_str(), self.network.as_str())?;
        match &self.ca {
            Some(ca) => writeln!(f, "ca = {}", written(ca))?,
            None => writeln!(f, "# ca: the system's")?,
        }
        writeln!(f, "\n[signals.{name}.subjects]")?;
        self.subjects.iter().try_for_each(|(format, attribute)| {
            writeln!(f, "{} = \"{}\"", format.as_str(), attribute.as_str())
        })
    }

    /// The events that have this effect.
    pub fn events_that(&self, effect: Effect) -> impl Iterator<Item = PersonEvent> {
        self.events.iter().filter(move |(_, one)| **one == effect).map(|(event, _)| *event)
    }
}

/// The transmitters of a configuration. `has_listener`: whether there is a `[scim]`, beside which signals are pushed.
pub(super) fn configured(
    sections: BTreeMap<String, SignalsSection>,
    sources: &[SourceConfig],
    has_listener: bool,
) -> Result<Vec<SignalsConfig>, ConfigError> {
    sections.into_iter().map(|(name, section)| transmitter(&name, section, sources, has_listener)).collect()
}

fn transmitter(
    name: &str,
    section: SignalsSection,
    sources: &[SourceConfig],
    has_listener: bool,
) -> Result<SignalsConfig, ConfigError> {
    let fault = |key: &'static str, detail: String| ConfigError::Value { key, detail };
    let name = SourceName::parse(name).ok_or_else(|| {
        let detail = format!("`{name}` is no name: it is 1 to 64 lower-case letters, digits, `-` or `_`");
        fault("signals.NAME", detail)
    })?;
    let issuer: WebUrl =
        section.issuer.parse().map_err(|error| fault("signals.NAME.issuer", format!("{error}")))?;
    if section.audience.is_empty() {
        return Err(fault("signals.NAME.audience", "it is what the transmitter calls us".into()));
    }
    let source = sources.iter().map(|source| &source.name).find(|one| one.as_str() == section.source);
    let source = source.cloned().ok_or_else(|| {
        let detail = format!("there is no `[source.{}]`, whose people it could speak of", section.source);
        fault("signals.NAME.source", detail)
    })?;
    let delivery = match section.delivery.as_str() {
        "push" if !has_listener => {
            let detail = "signals are pushed to the listener of `[scim]`, and there is none".to_owned();
            return Err(fault("signals.NAME.delivery", detail));
        }
        "push" => Delivery::Push,
        "poll" if section.token_file.is_none() => {
            return Err(fault("signals.NAME.token_file", "whoever polls must show a token".into()));
        }
        "poll" => Delivery::Poll,
        _ => return Err(fault("signals.NAME.delivery", "it is `push` or `poll`".into())),
    };
    let network = match section.network.as_deref() {
        None => Network::Public,
        Some(text) => Network::parse(text).ok_or_else(|| {
            let all: Vec<_> = Network::ALL.iter().map(|one| format!("`{}`", one.as_str())).collect();
            fault("signals.NAME.network", format!("it is one of {}", all.join(", ")))
        })?,
    };
    if !issuer.is_https() && network != Network::Loopback {
        return Err(fault("signals.NAME.issuer", "only `https://` leaves this machine".into()));
    }
    let algorithms = match &section.algorithms {
        None => Algorithms::default(),
        Some(names) => Algorithms::parse(names).map_err(|why| fault("signals.NAME.algorithms", why))?,
    };
    let time = |key: &'static str, text: Option<&str>, default: Duration| {
        Ok::<_, ConfigError>(duration(key, text)?.unwrap_or(default))
    };
    let leeway = time("signals.NAME.leeway", section.leeway.as_deref(), DEFAULT_LEEWAY)?;
    if leeway > DEFAULT_LEEWAY {
        return Err(fault("signals.NAME.leeway", "it is a minute at most: set the clocks right".into()));
    }
    let verify_every =
        time("signals.NAME.verify_every", section.verify_every.as_deref(), DEFAULT_VERIFY_EVERY)?;
    let alarm_after = time("signals.NAME.alarm_after", section.alarm_after.as_deref(), DEFAULT_ALARM_AFTER)?;
    if verify_every.is_zero() || alarm_after.is_zero() {
        return Err(fault("signals.NAME.verify_every", "it and `alarm_after` are more than nothing".into()));
    }
    let on_blind = match section.on_blind.as_deref() {
        None => OnBlind::Alarm,
        Some(text) => OnBlind::ALL
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| fault("signals.NAME.on_blind", "it is `alarm` or `undecided`".into()))?,
    };
    Ok(SignalsConfig {
        name,
        audience: section.audience,
        source,
        delivery,
        algorithms,
        subjects: subjects(&section.subjects)?,
        subject_issuer: section.subject_issuer.unwrap_or_else(|| issuer.as_str().to_owned()),
        events: events(section.deactivate_on, section.reread_on)?,
        issuer,
        token_file: section.token_file,
        leeway,
        verify_every,
        alarm_after,
        on_blind,
        network,
        ca: section.ca,
    })
}

fn subjects(section: &SubjectsSection) -> Result<BTreeMap<SubjectFormat, PersonAttribute>, ConfigError> {
    let SubjectsSection { account, email, iss_sub, opaque } = section;
    let mut subjects = BTreeMap::new();
    for (format, key, text) in [
        (SubjectFormat::Account, "signals.NAME.subjects.account", account),
        (SubjectFormat::Email, "signals.NAME.subjects.email", email),
        (SubjectFormat::IssSub, "signals.NAME.subjects.iss_sub", iss_sub),
        (SubjectFormat::Opaque, "signals.NAME.subjects.opaque", opaque),
    ] {
        let Some(text) = text else { continue };
        let known = PersonAttribute::ALL.into_iter().find(|one| one.as_str() == text);
        let attribute = known.ok_or_else(|| ConfigError::Value {
            key,
            detail: "it is `id`, `email` or `username`: what of a person it holds".into(),
        })?;
        subjects.insert(format, attribute);
    }
    if subjects.is_empty() {
        let detail =
            "say by what it names people, as in `subjects.iss_sub = \"id\"`: nobody is guessed".to_owned();
        return Err(ConfigError::Value { key: "signals.NAME.subjects", detail });
    }
    Ok(subjects)
}

fn events(
    deactivate_on: Option<Vec<String>>,
    reread_on: Option<Vec<String>>,
) -> Result<BTreeMap<PersonEvent, Effect>, ConfigError> {
    let read = |key: &'static str, names: Option<Vec<String>>, default: &[PersonEvent]| {
        let Some(names) = names else { return Ok(default.iter().copied().collect::<BTreeSet<_>>()) };
        let one = |name: &String| {
            PersonEvent::parse(name).ok_or_else(|| ConfigError::Value {
                key,
                detail: format!("`{}` is no event of CAEP or RISC", name.escape_debug()),
            })
        };
        names.iter().map(one).collect()
    };
    let deactivating = read("signals.NAME.deactivate_on", deactivate_on, &PersonEvent::DEACTIVATING)?;
    let rereading = read("signals.NAME.reread_on", reread_on, &PersonEvent::REREADING)?;
    let rereading = rereading.difference(&deactivating).map(|event| (*event, Effect::Reread));
    Ok(rereading.chain(deactivating.iter().map(|event| (*event, Effect::Deactivate))).collect())
}
