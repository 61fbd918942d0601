//! Hook scripts: registering them, and switching them on.

use std::{collections::BTreeSet, fmt};

use oam_fetch::Method;
use oam_policy::{Channel, Repository};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    client::{API, Ask, Bitbucket},
    error::Error,
    permission::Place,
    project::{self, ProjectKey},
};

/// The number under which Bitbucket keeps a hook script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScriptId(pub u64);

/// When a hook script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum When {
    /// Before a change, which it may refuse.
    #[serde(rename = "PRE")]
    Before,
    /// After it.
    #[serde(rename = "POST")]
    After,
}

/// A hook script as Bitbucket keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Script {
    /// Its number.
    pub id: ScriptId,
    /// Its name, which people read when it says no.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// When it runs.
    #[serde(rename = "type")]
    pub when: When,
}

/// A hook script that is switched on somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enabled {
    /// Which.
    pub script: Script,
    /// What makes it run, by Bitbucket's names.
    pub trigger_ids: BTreeSet<String>,
    /// Where that is said, where Bitbucket tells.
    #[serde(default)]
    pub scope: Option<Scope>,
}

/// Where something is said: in a project, or in one repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Scope {
    /// By Bitbucket's name: `PROJECT` or `REPOSITORY`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A hook script to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// When it runs.
    pub when: When,
    /// The file itself.
    pub content: String,
}

impl When {
    /// Both, in the order in which they run.
    pub const ALL: [Self; 2] = [Self::Before, Self::After];

    /// Bitbucket's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "PRE",
            Self::After => "POST",
        }
    }
}

/// Every trigger that Bitbucket has, by its name.
pub fn triggers() -> BTreeSet<String> {
    let all = Channel::ALL.into_iter().filter(|channel| !channel.is_dry_run());
    all.map(|channel| channel.as_str().to_owned()).collect()
}

impl Upload {
    /// The SHA-256 of the file, in hexadecimal.
    pub fn digest(&self) -> String {
        digest(self.content.as_bytes())
    }
}

/// The SHA-256 of a file, in hexadecimal.
pub fn digest(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

impl Bitbucket {
    /// A hook script, if there is one with this number.
    ///
    /// # Errors
    /// When that cannot be read.
    pub async fn script(&self, id: ScriptId) -> Result<Option<Script>, Error> {
        let ask = Ask::get(format!("reading the hook script {id}"), format!("{API}/hook-scripts/{id}"));
        match self.read(ask).await {
            Ok(script) => Ok(Some(script)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The file of a hook script.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn script_content(&self, id: ScriptId) -> Result<Vec<u8>, Error> {
        let path = format!("{API}/hook-scripts/{id}/content");
        self.bytes(&Ask::get(format!("reading the file of the hook script {id}"), path)).await
    }

    /// Registers a hook script. It runs nowhere yet.
    ///
    /// # Errors
    /// When Bitbucket does not take it.
    pub async fn upload_script(&self, upload: &Upload) -> Result<Script, Error> {
        let doing = format!("uploading the hook script `{}`", upload.name);
        let ask = Ask::by(Method::POST, doing, format!("{API}/hook-scripts"));
        self.read(ask.form(upload, &[("type", upload.when.as_str())])).await
    }

    /// Replaces the file of a hook script. It goes on running wherever it is switched on.
    ///
    /// # Errors
    /// When Bitbucket does not take it.
    pub async fn replace_script(&self, id: ScriptId, upload: &Upload) -> Result<Script, Error> {
        let doing = format!("replacing the hook script {id}");
        let ask = Ask::by(Method::PUT, doing, format!("{API}/hook-scripts/{id}"));
        self.read(ask.form(upload, &[])).await
    }

    /// Deletes a hook script, and with it every place where it is switched on.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn delete_script(&self, id: ScriptId) -> Result<(), Error> {
        let path = format!("{API}/hook-scripts/{id}");
        self.done(Ask::by(Method::DELETE, format!("deleting the hook script {id}"), path)).await
    }

    /// The hook scripts that are switched on for a project.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn enabled_scripts(&self, project: &ProjectKey) -> Result<Vec<Enabled>, Error> {
        let path = format!("{}/hook-scripts", project::path(project));
        self.list(Ask::get(format!("reading the hook scripts of {project}"), path)).await
    }

    /// The hook scripts of which a repository says itself when they run, whatever its project says.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn own_scripts(&self, repository: &Repository) -> Result<Vec<Enabled>, Error> {
        let path = format!("{}/hook-scripts", project::repository_path(API, repository));
        let ask = Ask::get(format!("reading the hook scripts of {repository}"), path);
        let inherited = |one: &Enabled| one.scope.as_ref().is_some_and(|scope| scope.kind == "PROJECT");
        let all: Vec<Enabled> = self.list(ask).await?;
        Ok(all.into_iter().filter(|one| !inherited(one)).collect())
    }

    /// Switches a hook script on for a place, for every trigger that there is.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn enable_script(&self, place: &Place, id: ScriptId) -> Result<(), Error> {
        let doing = format!("switching the hook script {id} on for {place}");
        let path = format!("{}/hook-scripts/{id}", place.api());
        let body = json!({"triggerIds": triggers()});
        self.done(Ask::by(Method::PUT, doing, path).json(&body)).await
    }

    /// Switches a hook script off for a project.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn disable_script(&self, project: &ProjectKey, id: ScriptId) -> Result<(), Error> {
        let doing = format!("switching the hook script {id} off for {project}");
        let path = format!("{}/hook-scripts/{id}", project::path(project));
        self.done(Ask::by(Method::DELETE, doing, path)).await
    }
}

impl Ask {
    fn form(self, upload: &Upload, more: &[(&str, &str)]) -> Self {
        let mut fields = vec![("name", upload.name.as_str()), ("description", upload.description.as_str())];
        fields.extend_from_slice(more);
        // The file cannot hold its own digest.
        let boundary = format!("oam-{}", upload.digest());
        self.multipart(&boundary, &fields, ("content", "oam.sh", upload.content.as_bytes()))
    }
}

impl fmt::Display for ScriptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
