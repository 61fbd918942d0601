//! Branch restrictions, and what everybody may do: Bitbucket's own rules beside the policy.

use oam_fetch::Method;
use oam_policy::printable::Printable;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    client::{Ask, Bitbucket},
    error::Error,
    mirror::Mirrored,
    permission::Place,
    project,
};

/// Where branch restrictions lie.
const RESTRICTIONS: &str = "/rest/branch-permissions/latest";

/// The type of a list of them.
const BULK: &str = "application/vnd.atl.bitbucket.bulk+json";

/// A branch restriction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restriction {
    /// Bitbucket's number of it.
    pub id: u64,
    /// What it forbids, as in `read-only`.
    pub kind: String,
    /// On which refs.
    pub matcher: Matcher,
    /// Users to whom it does not apply.
    pub users: Vec<String>,
    /// Groups to whom it does not apply.
    pub groups: Vec<String>,
    /// Access keys to which it does not apply.
    pub access_keys: Vec<ExemptKey>,
}

/// What a restriction forbids, as far as it is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forbids {
    /// `read-only`: every change.
    Changes,
    /// `no-deletes`
    Deletes,
    /// `fast-forward-only`: rewriting history.
    Rewrites,
    /// `pull-request-only`: changes without a pull request.
    DirectChanges,
    /// `no-creates`
    Creates,
}

/// Which refs a restriction is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Matcher {
    /// How it tells.
    pub kind: MatcherKind,
    /// By what.
    pub id: String,
    /// The same for people.
    pub shown: String,
}

/// How a restriction tells which refs it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MatcherKind {
    /// It is about all of them.
    AnyRef,
    /// By the full name of a branch.
    Branch,
    /// By a pattern.
    Pattern,
    /// By a category of the branching model, such as `RELEASE`.
    ModelCategory,
    /// By a branch of the branching model: `development` or `production`.
    ModelBranch,
    /// In a way that is not known here.
    Other(String),
}

/// An SSH key of a project or a repository to which a restriction does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExemptKey {
    /// Bitbucket's number of it.
    pub id: u64,
    /// What it is called.
    #[serde(default)]
    pub label: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: u64,
    #[serde(rename = "type")]
    kind: String,
    scope: Scope,
    matcher: MatcherWire,
    #[serde(default)]
    users: Vec<Named>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    access_keys: Vec<AccessKeyWire>,
}

#[derive(Debug, Deserialize)]
struct Scope {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MatcherWire {
    display_id: Option<String>,
    id: String,
    #[serde(rename = "type")]
    kind: MatcherType,
}

#[derive(Debug, Deserialize)]
struct MatcherType {
    id: String,
}

#[derive(Debug, Deserialize)]
struct AccessKeyWire {
    key: ExemptKey,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

impl Bitbucket {
    /// The branch restrictions of a place; of a repository, only its own. The list of a repository has those of its project,
    /// too, and whoever deletes one there deletes it for the whole project: nothing here does.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn restrictions(&self, place: &Place) -> Result<Vec<Restriction>, Error> {
        let scope = match place {
            Place::Project(_) => "PROJECT",
            Place::Repository(_) => "REPOSITORY",
        };
        let doing = format!("reading the branch restrictions of {place}");
        let all: Vec<Wire> = self.list(Ask::get(doing, path(place))).await?;
        Ok(all.into_iter().filter(|one| one.scope.kind == scope).map(Restriction::from).collect())
    }

    /// Makes a restriction, in the stead of one of the same kind on the same refs of that place; `slugs` are of its users.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn restrict(&self, place: &Place, wanted: &Mirrored, slugs: &[&str]) -> Result<(), Error> {
        let doing = format!("restricting {} at {place}", Printable::new(&wanted.thing()));
        let Matcher { kind, id, shown } = &wanted.matcher;
        let kind = kind.as_str();
        // One alone is a list, too: so Bitbucket goes by the kind and the refs, and makes no second one.
        let body = json!([{
            "type": wanted.kind,
            "matcher": {"id": id, "displayId": shown, "type": {"id": kind, "name": kind}, "active": true},
            "userSlugs": slugs,
            "groupNames": wanted.groups,
            "accessKeyIds": [],
        }]);
        self.done(Ask::by(Method::POST, doing, path(place)).json_as(BULK, &body)).await
    }

    /// Takes away a restriction of that very place. By way of a repository, one of its project would be taken from the whole
    /// project: so the number must be of one that was found in the place's own list.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn lift(&self, place: &Place, id: u64) -> Result<(), Error> {
        let own = self.restrictions(place).await?;
        // It may have become another's since.
        if !own.iter().any(|one| one.id == id) {
            return Ok(());
        }
        let doing = format!("taking away restriction {id} at {place}");
        self.done(Ask::by(Method::DELETE, doing, format!("{}/{id}", path(place)))).await
    }
}

fn path(place: &Place) -> String {
    let path = match place {
        Place::Project(key) => format!("{RESTRICTIONS}/projects/{key}"),
        Place::Repository(repository) => project::repository_path(RESTRICTIONS, repository),
    };
    format!("{path}/restrictions")
}

impl Restriction {
    /// What it forbids; `None`: it is of a kind that is not known here.
    pub fn forbids(&self) -> Option<Forbids> {
        Forbids::ALL.into_iter().find(|forbids| forbids.as_str() == self.kind)
    }
}

impl Forbids {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Changes, Self::Deletes, Self::Rewrites, Self::DirectChanges, Self::Creates];

    /// Bitbucket's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "read-only",
            Self::Deletes => "no-deletes",
            Self::Rewrites => "fast-forward-only",
            Self::DirectChanges => "pull-request-only",
            Self::Creates => "no-creates",
        }
    }
}

impl MatcherKind {
    /// Those that are known here.
    pub const KNOWN: [Self; 5] =
        [Self::AnyRef, Self::Branch, Self::Pattern, Self::ModelCategory, Self::ModelBranch];

    /// Bitbucket's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::AnyRef => "ANY_REF",
            Self::Branch => "BRANCH",
            Self::Pattern => "PATTERN",
            Self::ModelCategory => "MODEL_CATEGORY",
            Self::ModelBranch => "MODEL_BRANCH",
            Self::Other(name) => name,
        }
    }

    /// Whether the branching model of each repository says which refs it is about.
    pub fn needs_model(&self) -> bool {
        matches!(self, Self::ModelCategory | Self::ModelBranch)
    }
}

impl From<Wire> for Restriction {
    fn from(wire: Wire) -> Self {
        let Wire { id, kind, scope: _, matcher, users, groups, access_keys } = wire;
        Self {
            id,
            kind,
            matcher: matcher.into(),
            users: users.into_iter().map(|user| user.name).collect(),
            groups,
            access_keys: access_keys.into_iter().map(|one| one.key).collect(),
        }
    }
}

impl From<MatcherWire> for Matcher {
    fn from(wire: MatcherWire) -> Self {
        let MatcherWire { display_id, id, kind: MatcherType { id: kind } } = wire;
        let known = MatcherKind::KNOWN.into_iter().find(|known| known.as_str() == kind);
        let shown = display_id.unwrap_or_else(|| id.clone());
        Self { kind: known.unwrap_or(MatcherKind::Other(kind)), id, shown }
    }
}
