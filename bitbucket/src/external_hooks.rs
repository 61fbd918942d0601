//! The app External Hooks: a second way in, with one executable for each of its hooks and each project.

use oam_fetch::Method;
use serde::{Deserialize, Serialize};

use crate::{
    When,
    client::{Ask, Bitbucket},
    error::{Error, Problem},
    project::{self, ProjectKey},
};

/// What the keys of its hooks begin with.
const APP: &str = "com.ngs.stash.externalhooks.external-hooks";

/// What the app runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executable {
    /// The file: its whole path, or with `safe_path` below `external-hooks` in Bitbucket's shared home.
    pub exe: String,
    /// Its arguments, with CRLF between them.
    #[serde(default)]
    pub params: String,
    /// Whether it lies in the shared home.
    #[serde(default)]
    pub safe_path: bool,
}

/// One of the app's hooks, for one project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppHook {
    /// Whether it is switched on.
    pub is_on: bool,
    /// What it runs, if that was ever said.
    pub executable: Option<Executable>,
}

#[derive(Debug, Deserialize)]
struct Hook {
    enabled: bool,
    #[serde(default)]
    scope: Option<Scope>,
}

#[derive(Debug, Deserialize)]
struct Scope {
    #[serde(rename = "type")]
    kind: String,
}

impl Executable {
    /// The file without its folder.
    pub fn file(&self) -> &str {
        self.exe.rsplit('/').next().unwrap_or_default()
    }
}

impl Bitbucket {
    /// One of the app's hooks, as a project has it; `None` when Bitbucket knows no such hook, since the app is not there.
    ///
    /// # Errors
    /// When that cannot be read.
    pub async fn app_hook(&self, project: &ProjectKey, when: When) -> Result<Option<AppHook>, Error> {
        let doing = format!("reading what External Hooks runs for {project}");
        let hook: Hook = match self.read(Ask::get(doing.clone(), path(project, when))).await {
            Ok(hook) => hook,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let ask = Ask::get(doing, format!("{}/settings", path(project, when)));
        let told = self.bytes(&ask).await?;
        // Where nothing was ever set the answer is empty.
        let executable = match told.is_empty() {
            true => None,
            false => Some(
                serde_json::from_slice(&told)
                    .map_err(|error| ask.failed(Problem::Strange(error.to_string())))?,
            ),
        };
        let is_own = hook.scope.is_none_or(|scope| scope.kind == "PROJECT");
        Ok(Some(AppHook { is_on: hook.enabled && is_own, executable }))
    }

    /// Has the app run this for a project, in the stead of anything else.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn enable_app_hook(
        &self,
        project: &ProjectKey,
        when: When,
        executable: &Executable,
    ) -> Result<(), Error> {
        let doing = format!("having External Hooks run the hook for {project}");
        let path = format!("{}/enabled", path(project, when));
        self.done(Ask::by(Method::PUT, doing, path).json(executable)).await
    }

    /// Has the app run nothing any more for a project.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn disable_app_hook(&self, project: &ProjectKey, when: When) -> Result<(), Error> {
        let doing = format!("having External Hooks run nothing for {project}");
        let path = format!("{}/enabled", path(project, when));
        self.done(Ask::by(Method::DELETE, doing, path)).await
    }
}

fn path(project: &ProjectKey, when: When) -> String {
    let hook = match when {
        When::Before => "external-pre-receive-hook",
        When::After => "external-post-receive-hook",
    };
    format!("{}/settings/hooks/{APP}:{hook}", project::path(project))
}
