use std::{fmt, str::FromStr};

use oam_policy::{Repository, printable::Printable};
use serde::Deserialize;

use crate::{
    client::{API, Ask, Bitbucket},
    error::{Error, Problem},
};

/// A project's key, as in `PAY`; one person's own project begins with `~`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProjectKey(Box<str>);

/// Why a text is no project's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no project's key: it is 1 to 128 letters, digits, `-`, `_`, `.` or `~`")]
pub struct ProjectKeyError(String);

impl ProjectKey {
    /// As Bitbucket writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one person's own.
    pub fn is_of_person(&self) -> bool {
        self.0.starts_with('~')
    }

    /// The project of a repository.
    pub fn of(repository: &Repository) -> Self {
        let (project, _) = repository.as_str().split_once('/').unwrap_or_default();
        Self(project.into())
    }
}

impl FromStr for ProjectKey {
    type Err = ProjectKeyError;

    fn from_str(text: &str) -> Result<Self, ProjectKeyError> {
        // What may stand in a repository's name, which is checked there.
        match Repository::parse(&format!("{text}/x")) {
            Ok(_) => Ok(Self(text.into())),
            Err(_) => Err(ProjectKeyError(Printable::new(text).to_string())),
        }
    }
}

impl fmt::Display for ProjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Deserialize)]
struct Project {
    key: String,
}

#[derive(Debug, Deserialize)]
struct Slug {
    slug: String,
}

/// Where a project's part of the API lies.
pub(crate) fn path(project: &ProjectKey) -> String {
    format!("{API}/projects/{project}")
}

/// Where a repository's part of the API lies, below `api`.
pub(crate) fn repository_path(api: &str, repository: &Repository) -> String {
    let (project, slug) = repository.as_str().split_once('/').unwrap_or_default();
    format!("{api}/projects/{project}/repos/{slug}")
}

impl Bitbucket {
    /// All projects that the token's user is shown.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn projects(&self) -> Result<Vec<ProjectKey>, Error> {
        let ask = || Ask::get("reading the projects", format!("{API}/projects"));
        let projects: Vec<Project> = self.list(ask()).await?;
        let key = |project: Project| {
            project.key.parse::<ProjectKey>().map_err(|e| ask().failed(Problem::Strange(e.to_string())))
        };
        projects.into_iter().map(key).collect()
    }

    /// The same keys as Bitbucket writes them.
    ///
    /// # Errors
    /// When there is no such project, or that cannot be read.
    pub async fn known(&self, wanted: Vec<ProjectKey>) -> Result<Vec<ProjectKey>, Error> {
        let all = self.projects().await?;
        let same = |one: &&ProjectKey, key: &ProjectKey| one.as_str().eq_ignore_ascii_case(key.as_str());
        let known = |key: ProjectKey| {
            let found = all.iter().find(|one| same(one, &key)).cloned();
            let ask = Ask::get(format!("looking for the project {key}"), "");
            found.ok_or_else(|| ask.failed(Problem::NotFound(String::new())))
        };
        wanted.into_iter().map(known).collect()
    }

    /// The repositories of a project.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn repositories(&self, project: &ProjectKey) -> Result<Vec<Repository>, Error> {
        let doing = format!("reading the repositories of {project}");
        let ask = || Ask::get(doing.clone(), format!("{}/repos", path(project)));
        let slugs: Vec<Slug> = self.list(ask()).await?;
        let repository = |Slug { slug }| {
            let parsed = Repository::parse(&format!("{project}/{slug}"));
            parsed.map_err(|error| ask().failed(Problem::Strange(error.to_string())))
        };
        slugs.into_iter().map(repository).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::ProjectKey;

    #[test]
    fn a_key_goes_into_a_path_as_it_is() {
        for good in ["PAY", "~alice", "A_B-1"] {
            assert_eq!(good.parse::<ProjectKey>().unwrap().as_str(), good);
        }
        for bad in ["", "A/B", "..", "A B", "A?x", "%2e", "\u{1b}"] {
            let parsed = bad.parse::<ProjectKey>();
            assert!(parsed.is_err(), "{bad:?}: {parsed:?}");
        }
    }
}
