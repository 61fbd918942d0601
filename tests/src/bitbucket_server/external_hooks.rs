//! The app External Hooks: one executable for each of its hooks and each project. It is not there unless it is installed.

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
    state::Permission,
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
    /// What is run for a project by a trigger and a type of hook script.
    pub(crate) fn runs(&self, project: &str, trigger: &str, kind: &str) -> impl Iterator<Item = &Executable> {
        let due = HOOKS.iter().filter(move |(_, which, triggers)| {
            *which == kind && triggers.iter().any(|some| some.contains(&trigger))
        });
        due.filter_map(move |(hook, ..)| {
            let setting = self.hooks.get(&(project.to_owned(), *hook))?;
            setting.executable.as_ref().filter(|_| setting.is_on)
        })
    }
}

/// `GET …/settings/hooks/{key}`
pub(crate) fn get(ask: &Ask<'_>, project: &str, key: &str) -> Answered {
    ask.only(&[])?;
    ask.need(project, Permission::Admin)?;
    let (name, setting) = known(ask, project, key)?;
    let is_configured = setting.executable.is_some();
    Ok(Answer::json(
        200,
        &json!({
            "details": {"key": format!("{APP}{name}"), "name": name, "type": "PRE_RECEIVE", "version": "12.1.0"},
            "enabled": setting.is_on,
            "configured": is_configured,
            "scope": {"type": "PROJECT", "resourceId": 1},
        }),
    ))
}

/// `GET …/settings/hooks/{key}/settings`: nothing at all where nothing was ever set.
pub(crate) fn settings(ask: &Ask<'_>, project: &str, key: &str) -> Answered {
    ask.only(&[])?;
    ask.need(project, Permission::Admin)?;
    let (_, setting) = known(ask, project, key)?;
    Ok(match setting.executable {
        Some(one) => {
            Answer::json(200, &json!({"exe": one.exe, "params": one.params, "safe_path": one.safe_path}))
        }
        None => Answer::none(),
    })
}

/// `PUT …/settings/hooks/{key}/enabled`
pub(crate) fn enable(ask: &Ask<'_>, project: &str, key: &str) -> Answered {
    ask.need(project, Permission::Admin)?;
    let (name, _) = known(ask, project, key)?;
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
    set(ask, project, name, Setting { is_on: true, executable: Some(executable) });
    get(ask, project, key)
}

/// `DELETE …/settings/hooks/{key}/enabled`: the settings stay.
pub(crate) fn disable(ask: &Ask<'_>, project: &str, key: &str) -> Answered {
    ask.only(&[])?;
    ask.need(project, Permission::Admin)?;
    let (name, setting) = known(ask, project, key)?;
    set(ask, project, name, Setting { is_on: false, ..setting });
    get(ask, project, key)
}

fn set(ask: &Ask<'_>, project: &str, name: &'static str, setting: Setting) {
    let mut state = ask.shared.state();
    state.app.get_or_insert_default().hooks.insert((project.to_owned(), name), setting);
}

fn known(ask: &Ask<'_>, project: &str, key: &str) -> Result<(&'static str, Setting), Answer> {
    let name = key
        .strip_prefix(APP)
        .and_then(|name| HOOKS.iter().find(|(hook, ..)| *hook == name))
        .map(|(hook, ..)| *hook);
    let state = ask.shared.state();
    match (name, &state.app) {
        (Some(name), Some(app)) => {
            Ok((name, app.hooks.get(&(project.to_owned(), name)).cloned().unwrap_or_default()))
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
