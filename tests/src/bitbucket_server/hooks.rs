//! Hook scripts, as Bitbucket runs them: for changes by REST from here, and for pushes from git's own hooks.

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Shared, answer::Answer, enforced, state::Permission};
use crate::{
    Run as _,
    http::{self, Request},
};

/// A change of one repository's refs that was asked for by REST.
pub(crate) struct Change<'a> {
    pub(crate) trigger: &'static str,
    pub(crate) user: &'a str,
    pub(crate) key: &'a str,
    pub(crate) slug: &'a str,
    /// What scripts read.
    pub(crate) lines: &'a str,
    /// The variables that scripts are given besides, or otherwise: those of merges.
    pub(crate) more: &'a [(String, String)],
}

/// A script that said no.
pub(crate) struct Veto {
    pub(crate) script: String,
    pub(crate) output: String,
}

/// What is to be run.
struct Due {
    name: String,
    file: PathBuf,
    arguments: Vec<String>,
    /// Whether the app External Hooks runs it, which adds variables of its own.
    by_app: bool,
}

impl Change<'_> {
    /// Makes the change by a git command, if no script says no.
    pub(crate) fn apply(&self, shared: &Shared, command: &[&str]) -> Result<(), Answer> {
        self.make(shared, command).map_err(|Veto { script, output }| {
            let message = format!("{script} declined\n{output}");
            Answer::error(409, &message, "hook.repository.RepositoryHookVetoedException")
        })
    }

    /// The same, with the script that says no.
    pub(crate) fn make(&self, shared: &Shared, command: &[&str]) -> Result<(), Veto> {
        if let Some(veto) = self.vetoed(shared) {
            return Err(veto);
        }
        super::branches::git(shared, self.key, self.slug, command).expect_success("git update-ref");
        for due in due(shared, (self.key, self.slug), self.trigger, "POST") {
            let _ = self.run(shared, &due, "POST");
        }
        Ok(())
    }

    /// The first script that says no, or else the restriction of a branch, where nothing else is done.
    pub(crate) fn vetoed(&self, shared: &Shared) -> Option<Veto> {
        let by_script = due(shared, (self.key, self.slug), self.trigger, "PRE").into_iter().find_map(|due| {
            self.run(shared, &due, "PRE").err().map(|output| Veto { script: due.name, output })
        });
        by_script.or_else(|| enforced::veto(shared, self))
    }

    fn run(&self, shared: &Shared, due: &Due, kind: &str) -> Result<(), String> {
        if !due.file.is_file() {
            return Err("the file of the script is missing".to_owned());
        }
        let objects = repository(shared, self.key, self.slug).join("objects");
        let mut script = Command::new(&due.file);
        script.args(&due.arguments);
        script.current_dir(shared.folder.path().join("anywhere")).env_clear();
        script.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("BB_HOOK_TYPE", kind);
        script.envs(variables(shared, self.user, self.key, self.slug, self.trigger));
        script.envs(self.more.iter().map(|(name, value)| (name, value)));
        if due.by_app {
            script.envs([
                ("STASH_USER_NAME", self.user),
                ("STASH_PROJECT_KEY", self.key),
                ("STASH_REPO_NAME", self.slug),
            ]);
        }
        script.env("GIT_OBJECT_DIRECTORY", objects);
        let done = script.run_with(self.lines.as_bytes());
        if done.success() { Ok(()) } else { Err(done.stdout_text() + &done.stderr_text()) }
    }
}

/// The variables that every script is given, but for its type.
fn variables(shared: &Shared, user: &str, key: &str, slug: &str, trigger: &str) -> Vec<(String, String)> {
    let base = &shared.base;
    let lower = format!("{}/{slug}", key.to_lowercase());
    [
        ("BB_HOOK_TRIGGER_ID", trigger.to_owned()),
        ("BB_IS_DRY_RUN", "false".to_owned()),
        ("BB_PROJECT_KEY", key.to_owned()),
        ("BB_REPO_SLUG", slug.to_owned()),
        ("BB_REPO_IS_FORK", "false".to_owned()),
        ("BB_REPO_IS_PUBLIC", "false".to_owned()),
        ("BB_BASE_URL", base.clone()),
        ("BB_REPO_CLONE_SSH", format!("ssh://git@127.0.0.1:7999/{lower}.git")),
        ("BB_REPO_CLONE_HTTP", format!("{base}/scm/{lower}.git")),
        ("BB_USER_NAME", user.to_owned()),
        ("BB_USER_DISPLAY_NAME", "Somebody With A Name".to_owned()),
        ("BB_USER_EMAIL", String::new()),
        ("BB_USER_PERMISSION", shared.state().highest(user, key).to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The scripts that are switched on for this; none where no script is run at all.
fn due(shared: &Shared, (key, slug): (&str, &str), trigger: &str, kind: &str) -> Vec<Due> {
    let state = shared.state();
    if !state.hook_scripts_run {
        return Vec::new();
    }
    let runs = state.projects[key].runs(slug);
    let enabled = runs.iter().filter(|(_, triggers)| triggers.contains(trigger));
    let scripts = enabled.map(|(id, _)| (*id, &state.scripts[id])).filter(|(_, script)| script.kind == kind);
    let own = scripts.map(|(id, script)| Due {
        name: script.name.clone(),
        file: file(shared, id),
        arguments: Vec::new(),
        by_app: false,
    });
    // The app has Bitbucket's hook scripts run what it is told to run.
    let app = state.app.iter().flat_map(|app| app.runs((key, slug), trigger, kind)).map(|executable| Due {
        name: executable.name.to_owned(),
        file: shared.below_external_hooks(&executable.exe),
        arguments: executable.params.split("\r\n").filter(|one| !one.is_empty()).map(str::to_owned).collect(),
        by_app: true,
    });
    own.chain(app).collect()
}

pub(crate) fn file(shared: &Shared, id: u64) -> PathBuf {
    shared.scripts().join(format!("{id}-0"))
}

pub(crate) fn repository(shared: &Shared, key: &str, slug: &str) -> PathBuf {
    shared.repositories().join(format!("{key}/{slug}.git"))
}

/// Writes git's own hooks into a repository that is about to be pushed to, so that what is switched on now is run.
fn write_those_of(shared: &Shared, key: &str, slug: &str) {
    let hooks = repository(shared, key, slug).join("hooks");
    for (name, kind) in [("pre-receive", "PRE"), ("post-receive", "POST")] {
        write(&hooks, name, &git_hook(shared, kind, &due(shared, (key, slug), "push", kind)));
    }
}

/// A shell script that runs the scripts, each with Bitbucket's variables and none of git's but the quarantine's, and then what
/// restrictions of branches say of this push.
fn git_hook(shared: &Shared, kind: &str, due: &[Due]) -> String {
    let anywhere = shared.folder.path().join("anywhere").display().to_string();
    let mut text =
        String::from("#!/bin/sh\nlines=$(mktemp)\ntrap 'rm -f \"$lines\"' EXIT\ncat > \"$lines\"\n");
    text.push_str("objects=${GIT_OBJECT_DIRECTORY:-$PWD/objects}\n");
    let names = variables(shared, "", "", "", "push");
    let bitbucket: String = names.iter().map(|(name, _)| format!("{name}=\"${name}\" ")).collect();
    let refuse = if kind == "PRE" { "exit 1" } else { ":" };
    for Due { name, file, arguments, by_app } in due {
        let script = file.display();
        let arguments: String = arguments.iter().map(|one| format!(" '{one}'")).collect();
        let of_app = if *by_app {
            "STASH_USER_NAME=\"$BB_USER_NAME\" STASH_PROJECT_KEY=\"$BB_PROJECT_KEY\" STASH_REPO_NAME=\"$BB_REPO_SLUG\" "
        } else {
            ""
        };
        text.push_str(&format!(
            "(cd '{anywhere}' && env -i PATH=/usr/local/bin:/usr/bin:/bin {bitbucket} {of_app} BB_HOOK_TYPE={kind} \
             GIT_OBJECT_DIRECTORY=\"$objects\" \
             ${{GIT_QUARANTINE_PATH:+GIT_QUARANTINE_PATH=\"$GIT_QUARANTINE_PATH\"}} \
             ${{GIT_ALTERNATE_OBJECT_DIRECTORIES:+GIT_ALTERNATE_OBJECT_DIRECTORIES=\"$GIT_ALTERNATE_OBJECT_DIRECTORIES\"}} \
             '{script}'{arguments} < \"$lines\") || {{ echo '{name} declined' >&2; {refuse}; }}\n"
        ));
    }
    if kind == "PRE" {
        text.push_str(&format!("eval \"${}\"\n", enforced::SAID));
    }
    text + "exit 0\n"
}

/// Whole or not at all: a push may be running it.
fn write(folder: &Path, name: &str, text: &str) {
    let draft = folder.join(format!("{name}.draft-{:?}", std::thread::current().id()));
    let mut file = fs::File::create(&draft).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    drop(file);
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(draft, folder.join(name)).unwrap();
}

/// git over HTTP, for those who may.
pub(crate) fn serve_git(
    mut connection: &TcpStream,
    shared: &Shared,
    request: &Request,
) -> std::io::Result<()> {
    let Some(user) = request.user() else {
        let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"Atlassian Bitbucket\"\r\n";
        return write!(connection, "{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let path = request.path.clone();
    let (key, rest) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let (slug, _) = rest.split_once(".git").unwrap_or_default();
    let writes = request.path.ends_with("/git-receive-pack") || request.query.contains("git-receive-pack");
    let least = if writes { Permission::Write } else { Permission::Read };
    if shared.state().permission_in(&user, key, slug) < Some(least) {
        return write!(
            connection,
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let mut variables = variables(shared, &user, key, slug, "push");
    if request.path.ends_with("/git-receive-pack") {
        write_those_of(shared, key, slug);
        let restricted = enforced::of_push(shared, &user, (key, slug), request);
        variables.push((enforced::SAID.to_owned(), restricted));
    }
    http::send_cgi(connection, &request.run_backend(&shared.git, &shared.repositories(), &user, &variables))
}
