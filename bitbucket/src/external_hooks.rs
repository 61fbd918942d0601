//! The app External Hooks: a second way in, with one executable for each of its hooks and each project.
//!
//! What makes each of them run follows from the app's own defaults (`DefaultSettings.java`, as of 13.1): a merge of a pull request
//! is no business of its pre-receive hook, but of its merge check, and merges without a pull request are nobody's.

use oam_fetch::Method;
use oam_policy::Repository;
use serde::{Deserialize, Serialize};

use crate::{
    client::{API, Ask, Bitbucket},
    error::{Error, Problem},
    project::{self, ProjectKey},
};

/// What the keys of its hooks begin with.
const APP: &str = "com.ngs.stash.externalhooks.external-hooks";

/// The app's hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppHookKind {
    /// Before pushes, edits in the browser, and branches and tags that are made or deleted there.
    PreReceive,
    /// Before merges of pull requests, and when somebody looks whether one could be merged.
    MergeCheck,
    /// After all of these.
    PostReceive,
}

/// What the app runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executable {
    /// The file: with `safe_path` below `external-hooks` in Bitbucket's shared home, else its whole path.
    pub exe: String,
    /// Its arguments, with CRLF between them.
    #[serde(default)]
    pub params: String,
    /// Whether it lies in the shared home. On Data Center the app takes nothing else.
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

/// One of the app's hooks that a repository sets itself, in the stead of its project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAppHook {
    /// Which.
    pub kind: AppHookKind,
    /// As it is set.
    pub hook: AppHook,
}

/// One of a repository's hooks, whatever app it is of.
#[derive(Debug, Deserialize)]
struct Listed {
    details: Details,
    #[serde(flatten)]
    hook: Hook,
}

#[derive(Debug, Deserialize)]
struct Details {
    key: String,
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

impl AppHookKind {
    /// Every one; what checks before what only reports.
    pub const ALL: [Self; 3] = [Self::PreReceive, Self::MergeCheck, Self::PostReceive];

    /// The app's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreReceive => "pre-receive",
            Self::MergeCheck => "merge-check",
            Self::PostReceive => "post-receive",
        }
    }

    /// By what key Bitbucket knows it.
    fn key(self) -> String {
        format!("{APP}:external-{}-hook", self.as_str())
    }

    /// Whether it runs before changes, and can refuse them.
    pub const fn checks(self) -> bool {
        match self {
            Self::PreReceive | Self::MergeCheck => true,
            Self::PostReceive => false,
        }
    }
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
    pub async fn app_hook(&self, project: &ProjectKey, kind: AppHookKind) -> Result<Option<AppHook>, Error> {
        let doing = format!("reading what External Hooks runs for {project}");
        let hook: Hook = match self.read(Ask::get(doing.clone(), path(project, kind))).await {
            Ok(hook) => hook,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let executable = self.executable(doing, &path(project, kind)).await?;
        let is_own = hook.scope.is_none_or(|scope| scope.kind == "PROJECT");
        Ok(Some(AppHook { is_on: hook.enabled && is_own, executable }))
    }

    /// What is set for one of the app's hooks at a path, if that was ever said.
    async fn executable(&self, doing: String, path: &str) -> Result<Option<Executable>, Error> {
        let ask = Ask::get(doing, format!("{path}/settings"));
        let told = self.bytes(&ask).await?;
        // Where nothing was ever set the answer is empty.
        if told.is_empty() {
            return Ok(None);
        }
        let read =
            serde_json::from_slice(&told).map_err(|error| ask.failed(Problem::Strange(error.to_string())));
        read.map(Some)
    }

    /// The app's hooks that a repository sets itself: one request, and one more for each that it does.
    ///
    /// # Errors
    /// When that cannot be read.
    pub async fn app_hooks_of(&self, repository: &Repository) -> Result<Vec<OwnAppHook>, Error> {
        let doing = format!("reading what External Hooks runs for {repository}");
        let path = format!("{}/settings/hooks", project::repository_path(API, repository));
        let mut own = Vec::new();
        for Listed { details, hook } in self.list::<Listed>(Ask::get(doing.clone(), path.clone())).await? {
            let kind = AppHookKind::ALL.into_iter().find(|kind| details.key == kind.key());
            let is_own = hook.scope.is_some_and(|scope| scope.kind == "REPOSITORY");
            let Some(kind) = kind.filter(|_| is_own) else { continue };
            let executable = self.executable(doing.clone(), &format!("{path}/{}", kind.key())).await?;
            own.push(OwnAppHook { kind, hook: AppHook { is_on: hook.enabled, executable } });
        }
        Ok(own)
    }

    /// Has the app run this for a project, in the stead of anything else.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn enable_app_hook(
        &self,
        project: &ProjectKey,
        kind: AppHookKind,
        executable: &Executable,
    ) -> Result<(), Error> {
        let doing = format!("having External Hooks run the hook for {project}");
        let path = format!("{}/enabled", path(project, kind));
        self.done(Ask::by(Method::PUT, doing, path).json(executable)).await
    }

    /// Has the app run nothing any more for a project.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn disable_app_hook(&self, project: &ProjectKey, kind: AppHookKind) -> Result<(), Error> {
        let doing = format!("having External Hooks run nothing for {project}");
        let path = format!("{}/enabled", path(project, kind));
        self.done(Ask::by(Method::DELETE, doing, path)).await
    }
}

fn path(project: &ProjectKey, kind: AppHookKind) -> String {
    format!("{}/settings/hooks/{}", project::path(project), kind.key())
}
