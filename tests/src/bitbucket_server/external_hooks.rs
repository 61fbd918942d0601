//! The app External Hooks: one executable for each of its hooks and each project, or each repository that says so itself. It is
//! not there unless it is installed.

use std::{
    collections::BTreeMap,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    BitbucketServer, Shared,
    answer::Answer,
    ask::{Answered, Ask},
};

/// What the keys of its hooks begin with.
const APP: &str = "com.ngs.stash.externalhooks.external-hooks:";
/// What its hooks are for, where it knows of refs that others change: everything but merges, of which it knows nothing else
/// than those of pull requests.
const CHANGES: [&str; 6] =
    ["push", "file-edit", "tag-create", "tag-delete", "branch-create", "branch-delete"];
const MERGES: [&str; 1] = ["pull-request-merge"];

/// Its hooks, by which type of hook script each is run, and what makes it run unless an administrator said otherwise.
const HOOKS: [(&str, &str, &[&[&str]]); 3] = [
    ("external-pre-receive-hook", "PRE", &[&CHANGES]),
    ("external-post-receive-hook", "POST", &[&CHANGES, &MERGES]),
    ("external-merge-check-hook", "PRE", &[&MERGES]),
];

/// The app, as it is set up.
#[derive(Debug, Default)]
pub(crate) struct App {
    hooks: BTreeMap<(String, &'static str), Setting>,
}

#[derive(Debug, Clone, Default)]
struct Setting {
    is_on: bool,
    executable: Option<Executable>,
}

/// What one of its hooks runs.
#[derive(Debug, Clone)]
pub(crate) struct Executable {
    pub(crate) name: &'static str,
    pub(crate) exe: String,
    pub(crate) params: String,
    pub(crate) safe_path: bool,
}

impl App {
    /// What is run for a repository by a trigger and a type of hook script.
    pub(crate) fn runs(
        &self,
        (project, slug): (&str, &str),
        trigger: &str,
        kind: &str,
    ) -> impl Iterator<Item = &Executable> {
        let due = HOOKS.iter().filter(move |(_, which, triggers)| {
            *which == kind && triggers.iter().any(|some| some.contains(&trigger))
        });
        due.filter_map(move |(hook, ..)| {
            let (setting, _) = self.setting(At { project, slug: Some(slug) }, hook)?;
            setting.executable.as_ref().filter(|_| setting.is_on)
        })
    }
}

/// A project, or a repository of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) project: &'a str,
    pub(crate) slug: Option<&'a str>,
}

impl At<'_> {
    fn admit(self, ask: &Ask<'_>) -> Result<(), Answer> {
        super::restrictions::admit(ask, self.project, self.slug)
    }

    /// As settings are kept.
    fn place(self) -> String {
        self.slug.map_or(self.project.to_owned(), |slug| format!("{}/{slug}", self.project))
    }
}

impl App {
    /// What a place says itself, or else what its project says; and whose word that is.
    fn setting(&self, at: At<'_>, hook: &'static str) -> Option<(&Setting, &'static str)> {
        let own = self.hooks.get(&(at.place(), hook));
        let own = own.map(|setting| (setting, if at.slug.is_some() { "REPOSITORY" } else { "PROJECT" }));
        own.or_else(|| Some((self.hooks.get(&(at.project.to_owned(), hook))?, "PROJECT")))
    }
}

fn shown(name: &str, setting: &Setting, scope: &str) -> Value {
    json!({
        "details": {"key": format!("{APP}{name}"), "name": name, "type": "PRE_RECEIVE", "version": "12.1.0"},
        "enabled": setting.is_on,
        "configured": setting.executable.is_some(),
        "scope": {"type": scope, "resourceId": 1},
    })
}

/// `GET …/settings/hooks/{key}`
pub(crate) fn get(ask: &Ask<'_>, at: At<'_>, key: &str) -> Answered {
    ask.only(&[])?;
    at.admit(ask)?;
    let (name, setting, scope) = known(ask, at, key)?;
    Ok(Answer::json(200, &shown(name, &setting, scope)))
}

/// `GET …/settings/hooks`: every hook that there is, with whose word counts for each.
pub(crate) fn list(ask: &Ask<'_>, at: At<'_>) -> Answered {
    ask.only(&["start", "limit", "type"])?;
    at.admit(ask)?;
    let mut all = vec![json!({
        "details": {"key": "com.atlassian.bitbucket.server.bitbucket-bundled-hooks:force-push-hook", "name": "Reject Force Push"},
        "enabled": false, "configured": false, "scope": {"type": "PROJECT", "resourceId": 1},
    })];
    if ask.shared.state().app.is_some() {
        for (hook, ..) in HOOKS {
            let (name, setting, scope) = known(ask, at, &format!("{APP}{hook}"))?;
            all.push(shown(name, &setting, scope));
        }
    }
    ask.page(&all)
}

/// `GET …/settings/hooks/{key}/settings`: nothing at all where nothing was ever set.
pub(crate) fn settings(ask: &Ask<'_>, at: At<'_>, key: &str) -> Answered {
    ask.only(&[])?;
    at.admit(ask)?;
    let (_, setting, _) = known(ask, at, key)?;
    Ok(match setting.executable {
        Some(one) => {
            Answer::json(200, &json!({"exe": one.exe, "params": one.params, "safe_path": one.safe_path}))
        }
        None => Answer::none(),
    })
}

/// `PUT …/settings/hooks/{key}/enabled`
pub(crate) fn enable(ask: &Ask<'_>, at: At<'_>, key: &str) -> Answered {
    at.admit(ask)?;
    let (name, ..) = known(ask, at, key)?;
    let object = ask.object(&["exe", "params", "safe_path"])?;
    let text = |field: &str| object.get(field).and_then(Value::as_str).map(str::to_owned);
    let exe = text("exe").filter(|exe| !exe.is_empty());
    let refused = |why: &str| Answer::error(400, why, "setting.SettingsValidationException");
    let exe = exe.ok_or_else(|| refused("exe"))?;
    let safe_path = object.get("safe_path") == Some(&Value::Bool(true));
    // Data Center is always a cluster.
    if !safe_path {
        return Err(refused("exe: in a cluster the safe mode is a must"));
    }
    let file = ask.shared.below_external_hooks(&exe);
    if !file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0) {
        return Err(refused("exe: no such executable"));
    }
    let executable = Executable { name, exe, params: text("params").unwrap_or_default(), safe_path };
    set(ask, at, name, Setting { is_on: true, executable: Some(executable) });
    get(ask, at, key)
}

/// `DELETE …/settings/hooks/{key}/enabled`: the settings stay.
pub(crate) fn disable(ask: &Ask<'_>, at: At<'_>, key: &str) -> Answered {
    ask.only(&[])?;
    at.admit(ask)?;
    let (name, setting, _) = known(ask, at, key)?;
    set(ask, at, name, Setting { is_on: false, ..setting });
    get(ask, at, key)
}

/// `DELETE …/settings/hooks/{key}`: a repository says nothing itself any more.
pub(crate) fn inherit(ask: &Ask<'_>, at: At<'_>, key: &str) -> Answered {
    ask.only(&[])?;
    at.admit(ask)?;
    let (name, ..) = known(ask, at, key)?;
    ask.shared.state().app.get_or_insert_default().hooks.remove(&(at.place(), name));
    Ok(Answer::none())
}

fn set(ask: &Ask<'_>, at: At<'_>, name: &'static str, setting: Setting) {
    let mut state = ask.shared.state();
    state.app.get_or_insert_default().hooks.insert((at.place(), name), setting);
}

fn known(ask: &Ask<'_>, at: At<'_>, key: &str) -> Result<(&'static str, Setting, &'static str), Answer> {
    let name = key
        .strip_prefix(APP)
        .and_then(|name| HOOKS.iter().find(|(hook, ..)| *hook == name))
        .map(|(hook, ..)| *hook);
    let state = ask.shared.state();
    match (name, &state.app) {
        (Some(name), Some(app)) => {
            let (setting, scope) = app
                .setting(at, name)
                .map(|(setting, scope)| (setting.clone(), scope))
                .unwrap_or((Setting::default(), "PROJECT"));
            Ok((name, setting, scope))
        }
        _ => Err(Answer::error(
            404,
            &format!("There is no hook {key}"),
            "hook.repository.NoSuchRepositoryHookException",
        )),
    }
}

impl Shared {
    /// A file below `external-hooks` in the shared home.
    pub(crate) fn below_external_hooks(&self, name: &str) -> PathBuf {
        self.folder.path().join("external-hooks").join(name).components().collect()
    }
}

impl BitbucketServer {
    /// Installs the app External Hooks. What lies in `folder` is what it can run.
    pub fn install_external_hooks(&self, folder: &Path) {
        self.shared.state().app.get_or_insert_default();
        symlink(folder, self.shared.below_external_hooks("")).unwrap();
    }
}
