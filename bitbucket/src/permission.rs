//! Who may do what in projects and repositories, as Bitbucket has it.

use std::{collections::BTreeMap, fmt, str::FromStr};

use oam_fetch::Method;
use oam_policy::{Repository, entitle::Right, printable::Printable};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    ProjectKey,
    client::{API, Ask, Bitbucket},
    error::{Error, Problem},
    project,
};

/// What somebody may do; each level has all that those before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Read.
    Read,
    /// Write.
    Write,
    /// Write, and make repositories: in projects only. It is never given, and may be there.
    Create,
    /// Administer.
    Admin,
}

/// Where permissions are given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A project: all its repositories.
    Project(ProjectKey),
    /// One repository.
    Repository(Repository),
}

/// Who has a permission: a user or a group. Bitbucket takes names in any case for the same.
#[derive(Debug, Clone)]
pub struct Holder {
    kind: HolderKind,
    name: Box<str>,
    key: Box<str>,
}

/// What kind of holder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HolderKind {
    /// A group.
    Group,
    /// A user.
    User,
}

/// Why a text names no place or no holder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither {1}")]
pub struct NameError(String, &'static str);

/// The permissions of a place.
pub type Permissions = BTreeMap<Holder, Level>;

impl Level {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Create, Self::Admin];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Create => "create",
            Self::Admin => "admin",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// As Bitbucket calls it at a place.
    fn at(self, place: &Place) -> &'static str {
        match (place, self) {
            (Place::Project(_), Self::Read) => "PROJECT_READ",
            (Place::Project(_), Self::Write) => "PROJECT_WRITE",
            (Place::Project(_), Self::Admin) => "PROJECT_ADMIN",
            (_, Self::Create) => "REPO_CREATE",
            (Place::Repository(_), Self::Read) => "REPO_READ",
            (Place::Repository(_), Self::Write) => "REPO_WRITE",
            (Place::Repository(_), Self::Admin) => "REPO_ADMIN",
        }
    }

    fn read(name: &str, place: &Place) -> Result<Self, Problem> {
        let known = Self::ALL.into_iter().find(|level| level.at(place) == name);
        known.ok_or_else(|| Problem::Strange(format!("the permission `{}`", Printable::new(name))))
    }
}

impl From<Right> for Level {
    fn from(right: Right) -> Self {
        match right {
            Right::Read => Self::Read,
            Right::Write => Self::Write,
            Right::Admin => Self::Admin,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Place {
    /// The project that it is, or lies in.
    pub fn project(&self) -> ProjectKey {
        match self {
            Self::Project(project) => project.clone(),
            Self::Repository(repository) => ProjectKey::of(repository),
        }
    }

    /// Whether `other` is this, or lies in it.
    pub fn holds(&self, other: &Self) -> bool {
        match self {
            Self::Project(project) => project.as_str().eq_ignore_ascii_case(other.project().as_str()),
            Self::Repository(_) => self == other,
        }
    }

    /// Where its part of the API lies.
    pub(crate) fn api(&self) -> String {
        match self {
            Self::Project(project) => project::path(project),
            Self::Repository(repository) => project::repository_path(API, repository),
        }
    }

    fn path(&self) -> String {
        format!("{}/permissions", self.api())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(project) => project.fmt(f),
            Self::Repository(repository) => repository.fmt(f),
        }
    }
}

impl FromStr for Place {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let place = match text.contains('/') {
            true => Repository::parse(text).ok().map(Self::Repository),
            false => text.parse().ok().map(Self::Project),
        };
        let wanted = "a project's key nor `PROJECT/slug`";
        place.ok_or_else(|| NameError(Printable::new(text).to_string(), wanted))
    }
}

impl Holder {
    /// How long a name may be, in bytes.
    const LONGEST: usize = 255;

    /// A user or a group; `None` when no such name can be: it is empty, too long, or has control characters.
    pub fn new(kind: HolderKind, name: &str) -> Option<Self> {
        let usable = (1..=Self::LONGEST).contains(&name.len()) && !name.chars().any(char::is_control);
        usable.then(|| Self { kind, name: name.into(), key: name.to_lowercase().into() })
    }

    /// A user.
    pub fn user(name: &str) -> Option<Self> {
        Self::new(HolderKind::User, name)
    }

    /// A group.
    pub fn group(name: &str) -> Option<Self> {
        Self::new(HolderKind::Group, name)
    }

    /// A user or a group.
    pub fn kind(&self) -> HolderKind {
        self.kind
    }

    /// The name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For people, safe to be printed.
    fn shown(&self) -> String {
        Printable::new(&self.to_string()).to_string()
    }

    /// The name of the user that it is.
    pub fn as_user(&self) -> Option<&str> {
        (self.kind == HolderKind::User).then_some(&*self.name)
    }
}

impl HolderKind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::User => "user",
        }
    }

    /// The last part of the path of its permissions.
    const fn collection(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::User => "users",
        }
    }
}

impl PartialEq for Holder {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.key) == (other.kind, &other.key)
    }
}

impl Eq for Holder {}

impl PartialOrd for Holder {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Holder {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.kind, &self.key).cmp(&(other.kind, &other.key))
    }
}

/// `user:ada` or `group:eng`: exactly, so that it can be read again. Whoever prints it for people escapes it.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.name)
    }
}

impl FromStr for Holder {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let holder = text.split_once(':').and_then(|(kind, name)| match kind {
            "user" => Self::user(name),
            "group" => Self::group(name),
            _ => None,
        });
        holder.ok_or_else(|| NameError(Printable::new(text).to_string(), "`user:NAME` nor `group:NAME`"))
    }
}

/// Written as texts.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(Place, Holder, ProjectKey);

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Permitted {
    user: Option<Named>,
    group: Option<Named>,
    permission: String,
}

impl Bitbucket {
    /// What users and groups may do at a place, as far as it is given right there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn permissions(&self, place: &Place) -> Result<Permissions, Error> {
        let mut all = Permissions::new();
        for kind in [HolderKind::Group, HolderKind::User] {
            let doing = format!("reading what {} may do in {place}", kind.collection());
            let path = format!("{}/{}", place.path(), kind.collection());
            let ask = || Ask::get(doing.clone(), path.clone());
            for one in self.list::<Permitted>(ask()).await? {
                let (holder, level) = read(one, kind, place).map_err(|problem| ask().failed(problem))?;
                all.insert(holder, level);
            }
        }
        Ok(all)
    }

    /// What one user or group may do at a place, as far as it is given right there. `expected`: whether they are expected to have
    /// something. Then the whole list is read where Bitbucket finds nothing by the name, which may lie in how it looks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn permission_of(
        &self,
        place: &Place,
        holder: &Holder,
        expected: bool,
    ) -> Result<Option<Level>, Error> {
        let doing = format!("reading what {} may do in {place}", holder.shown());
        let path = format!("{}/{}", place.path(), holder.kind.collection());
        let ask = Ask::get(doing.clone(), path.clone()).with("filter", &holder.name);
        for ask in [Some(ask), expected.then(|| Ask::get(doing.clone(), path))].into_iter().flatten() {
            for one in self.list::<Permitted>(ask).await? {
                let read = read(one, holder.kind, place);
                let (found, level) = read.map_err(|problem| Ask::get(doing.clone(), "").failed(problem))?;
                if found == *holder {
                    return Ok(Some(level));
                }
            }
        }
        Ok(None)
    }

    /// Gives a user or a group a permission at a place, in the stead of any other there.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn permit(&self, place: &Place, holder: &Holder, level: Level) -> Result<(), Error> {
        let doing = format!("giving {} {level} in {place}", holder.shown());
        let ask = Ask::by(Method::PUT, doing, format!("{}/{}", place.path(), holder.kind.collection()));
        self.done(ask.with("name", &holder.name).with("permission", level.at(place))).await
    }

    /// Takes what a user or a group may do at a place.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn revoke(&self, place: &Place, holder: &Holder) -> Result<(), Error> {
        let doing = format!("taking what {} may do in {place}", holder.shown());
        let ask = Ask::by(Method::DELETE, doing, format!("{}/{}", place.path(), holder.kind.collection()));
        self.done(ask.with("name", &holder.name)).await
    }
}

fn read(one: Permitted, kind: HolderKind, place: &Place) -> Result<(Holder, Level), Problem> {
    let level = Level::read(&one.permission, place)?;
    let named = match kind {
        HolderKind::User => one.user,
        HolderKind::Group => one.group,
    };
    let holder = named.and_then(|named| Holder::new(kind, &named.name));
    Ok((holder.ok_or_else(|| Problem::Strange("a permission of nobody".to_owned()))?, level))
}

#[cfg(test)]
mod tests {
    use super::{Holder, Level, Place};

    #[test]
    fn holders_are_the_same_in_any_case_and_users_are_no_groups() {
        let holder = |text: &str| text.parse::<Holder>().unwrap();
        assert_eq!(holder("user:Ada"), holder("user:aDA"));
        assert_ne!(holder("user:ada"), holder("group:ada"));
        assert_eq!(holder("group:a:b").name(), "a:b");
        for bad in ["ada", "user:", "role:ada", "user:a\nb"] {
            assert!(bad.parse::<Holder>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_project_holds_its_repositories() {
        let place = |text: &str| text.parse::<Place>().unwrap();
        assert!(place("pay").holds(&place("PAY/api")) && place("PAY").holds(&place("PAY")));
        assert!(place("PAY/api").holds(&place("PAY/api")));
        for other in ["PAYX", "PAYX/api", "WEB/pay"] {
            assert!(!place("PAY").holds(&place(other)), "{other}");
        }
        assert!(!place("PAY/api").holds(&place("PAY")));
        for bad in ["", "a b", "a/b/c", "../x"] {
            assert!(bad.parse::<Place>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_permission_that_is_not_known_is_no_permission() {
        let place = "PAY".parse::<Place>().unwrap();
        assert_eq!(Level::read("REPO_CREATE", &place).unwrap(), Level::Create);
        assert_eq!(Level::read("PROJECT_WRITE", &place).unwrap(), Level::Write);
        assert!(Level::read("REPO_WRITE", &place).is_err() && Level::read("PROJECT_OWN", &place).is_err());
        assert!(Level::Read < Level::Write && Level::Write < Level::Create && Level::Create < Level::Admin);
    }
}
