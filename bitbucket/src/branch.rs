use oam_fetch::Method;
use oam_policy::{ObjectId, RefName, Repository};
use serde::Deserialize;
use serde_json::json;

use crate::{
    client::{API, Ask, BRANCHES, Bitbucket},
    error::{Error, Problem},
    project::repository_path,
};

/// A branch and what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its full name.
    pub name: RefName,
    /// Its tip.
    pub tip: ObjectId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    latest_commit: String,
}

impl Bitbucket {
    /// Some branch of a repository; `None` where it has no commit yet.
    ///
    /// # Errors
    /// When none can be read.
    pub async fn any_branch(&self, repository: &Repository) -> Result<Option<Branch>, Error> {
        let doing = format!("looking for a branch of {repository}");
        let ask = || Ask::get(doing.clone(), format!("{}/branches", repository_path(API, repository)));
        let first: Option<Wire> = self.first(ask()).await?;
        first.as_ref().map(Branch::of).transpose().map_err(|problem| ask().failed(problem))
    }

    /// A branch by its full name, if it is there.
    ///
    /// # Errors
    /// When that cannot be read.
    pub async fn branch(&self, repository: &Repository, name: &RefName) -> Result<Option<Branch>, Error> {
        let (shown, short) = (String::from_utf8_lossy(name.as_bytes()), short(name));
        let doing = format!("looking for `{shown}` in {repository}");
        let ask = || Ask::get(doing.clone(), format!("{}/branches", repository_path(API, repository)));
        let found: Vec<Wire> = self.list(ask().with("filterText", &short)).await?;
        // The filter is by parts of names.
        let exact = found.into_iter().find(|branch| branch.id.as_bytes() == name.as_bytes());
        exact.as_ref().map(Branch::of).transpose().map_err(|problem| ask().failed(problem))
    }

    /// Makes a branch.
    ///
    /// # Errors
    /// When Bitbucket does not: also when a hook says no.
    pub async fn create_branch(&self, repository: &Repository, branch: &Branch) -> Result<(), Error> {
        let short = short(&branch.name);
        let doing = format!("creating the branch `{short}` in {repository}");
        let path = format!("{}/branches", repository_path(API, repository));
        let body = json!({"name": short, "startPoint": branch.tip.to_string()});
        self.done(Ask::by(Method::POST, doing, path).json(&body)).await
    }

    /// Deletes a branch, where it still names what is told.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn delete_branch(&self, repository: &Repository, branch: &Branch) -> Result<(), Error> {
        let name = String::from_utf8_lossy(branch.name.as_bytes());
        let doing = format!("deleting `{name}` in {repository}");
        let path = format!("{}/branches", repository_path(BRANCHES, repository));
        let body = json!({"name": name, "endPoint": branch.tip.to_string(), "dryRun": false});
        self.done(Ask::by(Method::DELETE, doing, path).json(&body)).await
    }
}

impl Branch {
    fn of(wire: &Wire) -> Result<Self, Problem> {
        let strange = |what: String| Problem::Strange(what);
        let name = RefName::parse(wire.id.as_bytes()).map_err(|error| strange(error.to_string()))?;
        let tip = ObjectId::parse_hex(wire.latest_commit.as_bytes());
        Ok(Self { name, tip: tip.map_err(|error| strange(error.to_string()))? })
    }
}

/// A branch's name without `refs/heads/`, as Bitbucket wants it where it makes one.
fn short(name: &RefName) -> String {
    let text = String::from_utf8_lossy(name.as_bytes());
    text.strip_prefix("refs/heads/").unwrap_or(&text).to_owned()
}
