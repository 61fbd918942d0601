use std::{collections::BTreeMap, fmt, time::Duration};

use oam_policy::GroupName;

use super::{
    ConfigError, EntraConfig, LdapConfig, OktaConfig, duration,
    file::{SourceKind, SourceSection},
    ldap, pull,
};

/// The source that imports go to where nothing else is said.
const FILE: &str = "file";

/// The name of a source, as in `okta`: what its groups are written behind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Box<str>);

/// One source of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConfig {
    /// The name.
    pub name: SourceName,
    /// How it reaches us.
    pub kind: SourceKind,
    /// How old what it says may be; `None`: of any age.
    pub max_age: Option<Duration>,
    /// What its attributes mean.
    pub mapping: Mapping,
    /// Whom we ask, where it is a source that is followed and configured.
    pub upstream: Option<Upstream>,
}

/// Whom we ask, and what is taken from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// Directory servers.
    Ldap(LdapConfig),
    /// An Okta organization.
    Okta(OktaConfig),
    /// A tenant of Entra ID.
    Entra(EntraConfig),
}

/// What the attributes of a source mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Where the Bitbucket username is.
    pub username: UserAttribute,
    /// What is cut off its end; whoever has not this end is nobody to us.
    pub username_suffix: Option<String>,
    /// Where a group's name is.
    pub group: GroupAttribute,
}

/// Attributes that may hold a username.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserAttribute {
    /// `userName`
    #[default]
    UserName,
    /// `externalId`
    ExternalId,
    /// `nickName`
    NickName,
    /// `displayName`
    DisplayName,
    /// The primary one of `emails`, or else the first.
    Emails,
    /// `employeeNumber` of the enterprise extension.
    EmployeeNumber,
}

/// Attributes that may hold a group's name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupAttribute {
    /// `displayName`
    #[default]
    DisplayName,
    /// `externalId`
    ExternalId,
}

impl SourceName {
    /// Reads a name; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        // One rule for both: a group is written behind the name of its source.
        GroupName::parse(&format!("{text}:x"))
            .ok()
            .filter(|group| group.source() == text)
            .map(|_| Self(text.into()))
    }

    /// The source that imports go to where nothing else is said.
    pub fn file() -> Self {
        Self(FILE.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SourceConfig {
    /// A source of which nothing more is said.
    pub fn bare(name: SourceName, kind: SourceKind) -> Self {
        Self { name, kind, max_age: None, mapping: Mapping::default(), upstream: None }
    }
}

impl UserAttribute {
    const ALL: [Self; 6] = [
        Self::UserName,
        Self::ExternalId,
        Self::NickName,
        Self::DisplayName,
        Self::Emails,
        Self::EmployeeNumber,
    ];

    /// The name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::ExternalId => "externalId",
            Self::NickName => "nickName",
            Self::DisplayName => "displayName",
            Self::Emails => "emails",
            Self::EmployeeNumber => "employeeNumber",
        }
    }
}

impl GroupAttribute {
    const ALL: [Self; 2] = [Self::DisplayName, Self::ExternalId];

    /// The name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DisplayName => "displayName",
            Self::ExternalId => "externalId",
        }
    }
}

/// The sources of a configuration. Where none is named there is one, to which files are imported.
pub(super) fn configured(
    sections: BTreeMap<String, SourceSection>,
    directory_max_age: Option<&str>,
) -> Result<Vec<SourceConfig>, ConfigError> {
    let mut sources = sections.into_iter().map(source).collect::<Result<Vec<_>, _>>()?;
    if sources.is_empty() {
        sources.push(SourceConfig::bare(SourceName::file(), SourceKind::File));
    }
    if let Some(max_age) = directory_max_age {
        let fault = |detail: &str| ConfigError::Value { key: "directory.max_age", detail: detail.to_owned() };
        let file = sources.iter_mut().find(|source| source.name.as_str() == FILE);
        let file = file.ok_or_else(|| {
            fault("it is about the source `file`, and there is none: write `max_age` below each `[source.NAME]`")
        })?;
        if file.max_age.is_some() {
            return Err(fault("`source.file.max_age` says the same: keep that one"));
        }
        file.max_age = duration("directory.max_age", Some(max_age))?;
    }
    Ok(sources)
}

/// Makes sure that no source waits for calls where nobody listens.
pub(super) fn without_listener(sources: &[SourceConfig]) -> Result<(), ConfigError> {
    let key = |source: &SourceConfig| match &source.upstream {
        Some(Upstream::Okta(okta)) if okta.hook_secret_file.is_some() => {
            Some("source.NAME.okta.hook_secret_file")
        }
        Some(Upstream::Entra(entra)) if entra.notifications.is_some() => {
            Some("source.NAME.entra.notifications")
        }
        _ => None,
    };
    match sources.iter().find_map(|source| Some((source, key(source)?))) {
        Some((source, key)) => Err(ConfigError::Value {
            key,
            detail: format!("calls for `{}` come to the address of `[scim]`, and there is none", source.name),
        }),
        None => Ok(()),
    }
}

fn source((name, section): (String, SourceSection)) -> Result<SourceConfig, ConfigError> {
    let value = |key: &'static str, detail: String| ConfigError::Value { key, detail };
    let name = SourceName::parse(&name).ok_or_else(|| {
        let detail = format!("`{name}` is no name: it is 1 to 64 lower-case letters, digits, `-` or `_`");
        value("source.NAME", detail)
    })?;
    if name.as_str() == FILE && section.kind != SourceKind::File {
        let detail = "the source `file` is of kind `file`: give this one another name".to_owned();
        return Err(value("source.NAME.kind", detail));
    }
    misplaced(&name, &section)?;
    let one_of = |names: &[&str]| format!("it is one of `{}`", names.join("`, `"));
    let username = match section.username.as_deref() {
        None => UserAttribute::default(),
        Some(text) => UserAttribute::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
            value("source.NAME.username", one_of(&UserAttribute::ALL.map(UserAttribute::as_str)))
        })?,
    };
    let group = match section.group.as_deref() {
        None => GroupAttribute::default(),
        Some(text) => GroupAttribute::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
            value("source.NAME.group", one_of(&GroupAttribute::ALL.map(GroupAttribute::as_str)))
        })?,
    };
    let max_age = duration("source.NAME.max_age", section.max_age.as_deref())?;
    let mapping = Mapping { username, username_suffix: section.username_suffix, group };
    let upstream = match (section.kind, section.ldap, section.okta, section.entra) {
        (SourceKind::Ldap, Some(section), ..) => Some(Upstream::Ldap(ldap::configured(section)?)),
        (SourceKind::Okta, _, Some(section), _) => Some(Upstream::Okta(pull::okta(section)?)),
        (SourceKind::Entra, .., Some(section)) => Some(Upstream::Entra(pull::entra(section)?)),
        (kind, ..) if kind.is_followed() => {
            let detail = format!("say below `[source.{name}.{}]` whom we ask", kind.as_str());
            return Err(value("source.NAME.kind", detail));
        }
        _ => None,
    };
    Ok(SourceConfig { name, kind: section.kind, max_age, mapping, upstream })
}

/// Makes sure that nothing is said that a source of this kind does not have.
fn misplaced(name: &SourceName, section: &SourceSection) -> Result<(), ConfigError> {
    let kind = section.kind;
    let is_file = kind == SourceKind::File;
    let names_attributes = !is_file && kind != SourceKind::Ldap;
    let keys = [
        ("source.NAME.username", section.username.is_some(), names_attributes),
        ("source.NAME.username_suffix", section.username_suffix.is_some(), !is_file),
        ("source.NAME.group", section.group.is_some(), names_attributes),
        ("source.NAME.ldap", section.ldap.is_some(), kind == SourceKind::Ldap),
        ("source.NAME.okta", section.okta.is_some(), kind == SourceKind::Okta),
        ("source.NAME.entra", section.entra.is_some(), kind == SourceKind::Entra),
    ];
    let Some((key, ..)) = keys.into_iter().find(|(_, is_given, belongs)| *is_given && !belongs) else {
        return Ok(());
    };
    let why = match kind {
        SourceKind::File => "a file, in which usernames and groups stand as they are".to_owned(),
        SourceKind::Ldap if key == "source.NAME.username" || key == "source.NAME.group" => {
            "of kind `ldap`: name attributes below `[source.NAME.ldap]`".to_owned()
        }
        _ => format!("of kind `{}`, and this is for another", kind.as_str()),
    };
    Err(ConfigError::Value { key, detail: format!("`{name}` is {why}") })
}
