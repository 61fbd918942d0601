//! `oam bitbucket`: the hook is installed in a Bitbucket that behaves as the documentation says, by REST and nothing else.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use oam_tests::{
    BitbucketServer, Daemon, Finished, HookConfig, Verdict, binaries,
    bitbucket_server::{Global, Permission},
    daemon::Setup,
    temporary,
};
use tempfile::TempDir;

/// A Bitbucket with a project `DEMO`, a daemon that guards it, and the hook at its fixed path.
pub(crate) struct World {
    pub(crate) server: BitbucketServer,
    pub(crate) daemon: Daemon,
    folder: TempDir,
}

/// One that has just been set up: nothing is installed.
pub(crate) fn bare(config: impl FnOnce(&BitbucketServer, &str) -> String) -> World {
    bare_with(|server, token| Setup { config: config(server, token), ..Setup::default() })
}

/// The same, with a policy and people of its own.
pub(crate) fn bare_with(setup: impl FnOnce(&BitbucketServer, &str) -> Setup) -> World {
    let (server, folder) = (BitbucketServer::start(), temporary::folder());
    for user in ["alice", "bob", "kim"] {
        server.add_user(user, Global::Licensed);
    }
    server.add_repository("DEMO/app");
    server.add_repository("OTHER/app");
    for (user, project) in [("alice", "DEMO"), ("bob", "DEMO"), ("kim", "DEMO")] {
        server.permit(user, project, Permission::Write);
    }
    for user in ["root", "kim"] {
        fs::write(folder.path().join(user), server.token(user)).unwrap();
    }
    let setup = setup(&server, folder.path().join("kim").to_str().unwrap());
    let daemon = Daemon::start_with(&setup);
    symlink(binaries::path("oam-hook"), folder.path().join("oam-hook")).unwrap();
    fs::write(folder.path().join("oam-hook.toml"), HookConfig::of(&daemon).to_toml()).unwrap();
    World { server, daemon, folder }
}

impl World {
    /// With the hook installed for `DEMO`, and a first commit in it.
    pub(crate) fn installed(config: impl FnOnce(&BitbucketServer, &str) -> String) -> Self {
        bare(config).ready()
    }

    /// The same world, with the hook installed and a first commit.
    pub(crate) fn ready(self) -> Self {
        let work = self.server.working_copy("DEMO/app", "alice");
        work.commit("one");
        assert!(work.push(["HEAD:refs/heads/main"]).accepted());
        self.install(&["--project", "DEMO", "--apply"]).expect_success("oam bitbucket install");
        self
    }

    /// The file with the daemon's token.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.folder.path().join("kim")
    }

    /// Where the hook, its configuration and the tokens lie.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn binary(&self) -> PathBuf {
        self.folder.path().join("oam-hook")
    }

    pub(crate) fn oam(&self, task: &str, token: &str, more: &[&str]) -> Finished {
        let (token, noted) = (self.folder.path().join(token), self.folder.path().join("noted.json"));
        let fixed = ["bitbucket", task, "--url", self.server.url(), "--network", "loopback"];
        let named = ["--token-file", token.to_str().unwrap(), "--noted", noted.to_str().unwrap()];
        self.daemon.oam(fixed.iter().chain(&named).chain(more))
    }

    pub(crate) fn install(&self, more: &[&str]) -> Finished {
        let binary = self.binary().display().to_string();
        self.oam("install", "root", &[&["--binary", &binary][..], more].concat())
    }

    pub(crate) fn status(&self) -> Finished {
        let binary = self.binary().display().to_string();
        self.oam("status", "root", &["--binary", &binary])
    }

    pub(crate) fn push(&self, user: &str, refspec: &str) -> oam_tests::PushOutput {
        let work = self.server.working_copy("DEMO/app", user);
        work.commit("one");
        work.push([refspec])
    }

    /// What was changed in Bitbucket so far.
    pub(crate) fn changes(&self) -> Vec<String> {
        let requests = self.server.requests();
        requests.into_iter().filter(|request| !request.starts_with("GET ")).collect()
    }
}

fn without(_: &BitbucketServer, _: &str) -> String {
    String::new()
}

#[test]
fn the_steps_are_shown_and_then_taken_and_nothing_is_left_to_do() {
    let world = bare(without);
    let plan = world.install(&["--project", "demo"]).expect_success("the plan").stdout_text();
    insta::assert_snapshot!(plan, @"
      + register the hook script `bitbucket-oam` (PRE)
      + register the hook script `bitbucket-oam-applied` (POST)
      + DEMO: switch the PRE script on, for 8 triggers
      + DEMO: switch the POST script on, for 8 triggers
    4 steps, none taken: add --apply to take them.
    ");
    assert_eq!(world.changes(), [] as [String; 0]);
    assert!(world.push("mallory", "HEAD:refs/heads/main").git.stderr_text().contains("403"));
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted(), "nothing is checked yet");

    world.install(&["--project", "DEMO", "--apply"]).expect_success("oam bitbucket install");
    assert_eq!(world.changes().len(), 4, "{:?}", world.changes());
    assert_eq!(world.push("alice", "HEAD:refs/heads/release/2").verdict(), Verdict::Refused);
    assert_eq!(world.push("alice", "HEAD:refs/heads/feature/x").verdict(), Verdict::Permitted);
    // Both scripts ran: what was permitted is known as applied, too.
    let audit = world.daemon.audit();
    assert_eq!((audit.decisions().len(), audit.applied().len()), (2, 1));
    assert!(audit.applied()[0].updates[0].decision.is_some());
    // The other project is as it was, and as was chosen.
    let status = world.status();
    assert!(status.code == 0 && status.stdout_text().contains("OTHER    -    -"), "{status:?}");

    let again = world.install(&["--project", "DEMO", "--apply"]).expect_success("again").stdout_text();
    assert_eq!(again, "Nothing is to be done. 4 things are as it should be already.\n");
    assert_eq!(world.changes().len(), 4);
}

#[test]
fn an_upgrade_keeps_the_numbers_and_leaves_no_gap() {
    let world = World::installed(without);
    let noted = || {
        let text = fs::read_to_string(world.folder.path().join("noted.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["scripts"].clone()
    };
    let before = noted();
    symlink(binaries::path("oam-hook"), world.folder.path().join("hook-2")).unwrap();
    let binary = world.folder.path().join("hook-2").display().to_string();
    let upgrade = world.oam("install", "root", &["--binary", &binary, "--project", "DEMO", "--apply"]);
    upgrade.expect_success("the upgrade");
    let changes = world.changes().split_off(4);
    assert_eq!(changes, ["PUT /rest/api/latest/hook-scripts/1", "PUT /rest/api/latest/hook-scripts/2"]);
    assert_eq!(noted(), before);
    assert_eq!(world.push("alice", "HEAD:refs/heads/release/1").verdict(), Verdict::Refused);
}

#[test]
fn scripts_whose_numbers_are_lost_are_found_where_they_are_on() {
    let world = World::installed(without);
    fs::remove_file(world.folder.path().join("noted.json")).unwrap();
    let again = world.install(&["--project", "DEMO", "--apply"]).expect_success("again").stdout_text();
    assert!(again.starts_with("Nothing is to be done."), "{again}");
    // The file of another Bitbucket is not taken for ours.
    let elsewhere = r#"{"url": "https://elsewhere.example", "scripts": {"before": 1, "after": 2}}"#;
    fs::write(world.folder.path().join("noted.json"), elsewhere).unwrap();
    let other = world.install(&["--project", "DEMO", "--apply"]);
    assert_eq!(other.code, 2, "{other:?}");
    assert!(other.stderr_text().contains("another Bitbucket"), "{other:?}");
}

#[test]
fn uninstalling_takes_away_what_was_installed_and_nothing_else() {
    let world = World::installed(without);
    let plan = world.oam("uninstall", "root", &[]).expect_success("the plan").stdout_text();
    insta::assert_snapshot!(plan, @"
      - DEMO: switch the PRE script off
      - DEMO: switch the POST script off
      - delete the hook script 1 (PRE)
      - delete the hook script 2 (POST)
    4 steps, none taken: add --apply to take them.
    ");
    world.oam("uninstall", "root", &["--apply"]).expect_success("oam bitbucket uninstall");
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted());
    let again = world.oam("uninstall", "root", &["--apply"]).expect_success("again").stdout_text();
    assert_eq!(again, "Nothing is to be done.\n");
}

/// Whoever lost the numbers and installed once more has two of each.
#[test]
fn uninstalling_leaves_nothing_of_ours_behind_whatever_was_noted() {
    let world = World::installed(without);
    let noted = world.folder.path().join("noted.json");
    fs::remove_file(&noted).unwrap();
    world.install(&["--project", "OTHER", "--apply"]).expect_success("another installation");
    let plan = world.oam("uninstall", "root", &[]).expect_success("the plan").stdout_text();
    insta::assert_snapshot!(plan, @"
      - DEMO: switch the PRE script off
      - DEMO: switch the POST script off
      - OTHER: switch the PRE script off
      - OTHER: switch the POST script off
      - delete the hook script 1 (PRE)
      - delete the hook script 2 (POST)
      - delete the hook script 3 (PRE)
      - delete the hook script 4 (POST)
    8 steps, none taken: add --apply to take them.
    ");
    world.oam("uninstall", "root", &["--apply"]).expect_success("oam bitbucket uninstall");
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted());
    fs::remove_file(&noted).unwrap();
    let again = world.oam("uninstall", "root", &["--apply"]).expect_success("again");
    assert_eq!(again.stdout_text(), "Nothing is to be done.\n");
    assert!(again.stderr_text().contains("No numbers are noted"), "{again:?}");
}

#[test]
fn what_may_not_be_done_is_told_and_what_was_done_stays() {
    let world = bare(without);
    let denied = world.oam("install", "kim", &["--project", "DEMO", "--apply"]);
    assert_eq!(denied.code, 5, "{denied:?}");
    assert!(denied.stderr_text().contains("DEMO"), "{denied:?}");
    assert!(!denied.stderr_text().contains("BBDC"), "a token is printed: {denied:?}");
    assert_eq!(world.changes(), [] as [String; 0]);

    let nowhere = world.install(&["--project", "NOPE", "--apply"]);
    assert_eq!(nowhere.code, 1, "{nowhere:?}");
    assert!(nowhere.stderr_text().contains("NOPE"), "{nowhere:?}");

    // It is waited where Bitbucket limits how often it may be asked.
    world.server.limit_rate(2);
    world.install(&["--project", "DEMO", "--apply"]).expect_success("a slow installation");

    world.server.answers(false);
    let silent = world.install(&["--project", "DEMO"]);
    assert_eq!(silent.code, 4, "{silent:?}");
}

#[test]
fn a_script_whose_file_is_missing_refuses_everything() {
    let world = World::installed(without);
    assert_eq!(world.push("alice", "HEAD:refs/heads/feature/x").verdict(), Verdict::Permitted);
    world.server.lose_files();
    assert!(!world.push("alice", "HEAD:refs/heads/feature/y").accepted());
}
