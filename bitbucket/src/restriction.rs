//! Branch restrictions, and what everybody may do: Bitbucket's own rules beside the policy.

use oam_policy::Repository;
use serde::{Deserialize, Serialize};

use crate::{
    ProjectKey,
    client::{Ask, Bitbucket},
    error::Error,
    permission::{Level, Place},
    project,
};

/// Where branch restrictions lie.
const RESTRICTIONS: &str = "/rest/branch-permissions/latest";

/// A branch restriction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restriction {
    /// Bitbucket's number of it.
    pub id: u64,
    /// What it forbids, as in `read-only`.
    pub kind: String,
    /// On which refs, for people.
    pub on: String,
    /// Users to whom it does not apply.
    pub users: Vec<String>,
    /// Groups to whom it does not apply.
    pub groups: Vec<String>,
    /// How many access keys it does not apply to.
    pub access_keys: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: u64,
    #[serde(rename = "type")]
    kind: String,
    scope: Scope,
    matcher: Matcher,
    #[serde(default)]
    users: Vec<Named>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    access_keys: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Scope {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    display_id: Option<String>,
    id: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Permitted {
    permitted: bool,
}

impl Bitbucket {
    /// The branch restrictions of a place; of a repository, only its own. The list of a repository has those of its project,
    /// too, and whoever deletes one there deletes it for the whole project: nothing here does.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn restrictions(&self, place: &Place) -> Result<Vec<Restriction>, Error> {
        let (path, scope) = match place {
            Place::Project(key) => (format!("{RESTRICTIONS}/projects/{key}"), "PROJECT"),
            Place::Repository(repository) => (repository_restrictions(repository), "REPOSITORY"),
        };
        let doing = format!("reading the branch restrictions of {place}");
        let all: Vec<Wire> = self.list(Ask::get(doing, format!("{path}/restrictions"))).await?;
        Ok(all.into_iter().filter(|one| one.scope.kind == scope).map(Restriction::from).collect())
    }

    /// The most that everybody who is signed in may do in a project.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn default_permission(&self, project: &ProjectKey) -> Result<Option<Level>, Error> {
        for (level, name) in
            [(Level::Admin, "PROJECT_ADMIN"), (Level::Write, "PROJECT_WRITE"), (Level::Read, "PROJECT_READ")]
        {
            let doing = format!("reading what everybody may do in {project}");
            let path = format!("{}/permissions/{name}/all", project::path(project));
            if self.read::<Permitted>(Ask::get(doing, path)).await?.permitted {
                return Ok(Some(level));
            }
        }
        Ok(None)
    }
}

fn repository_restrictions(repository: &Repository) -> String {
    project::repository_path(RESTRICTIONS, repository)
}

impl From<Wire> for Restriction {
    fn from(wire: Wire) -> Self {
        let Wire { id, kind, scope: _, matcher, users, groups, access_keys } = wire;
        Self {
            id,
            kind,
            on: matcher.display_id.unwrap_or(matcher.id),
            users: users.into_iter().map(|user| user.name).collect(),
            groups,
            access_keys: access_keys.len(),
        }
    }
}
