//! What somebody switches off after the hook was installed, and what comes since: canaries prove one trigger of eight, and these are
//! the others.

use std::fs;

use oam_audit::entry::Event;
use oam_tests::{
    BitbucketServer, Verdict,
    bitbucket_server::{Global, Permission},
};
use serde_json::json;

use crate::install::{World, bare};

fn kept(server: &BitbucketServer, token: &str) -> String {
    format!(
        "[bitbucket]\nurl = \"{}\"\ntoken_file = \"{token}\"\nnetwork = \"loopback\"\n\
         [bitbucket.canary]\nevery = \"24h\"\nalarm_after = \"24h\"\n\
         [bitbucket.provisioning]\naccount = \"root\"\nignore = [\"DEMO\", \"OTHER\", \"NEW\"]\n\
         [http]\nlisten = \"127.0.0.1:0\"\n",
        server.url()
    )
}

impl World {
    /// What is told of the hook, with the daemon told as well.
    fn found(&self) -> Vec<String> {
        let drift = self.oam("drift", "root", &["--tell", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&drift.stdout_text()).expect("drift as JSON");
        let all = json["findings"].as_array().expect("findings");
        let text = |one: &serde_json::Value, name: &str| one[name].as_str().unwrap_or("-").to_owned();
        let hooks = all.iter().filter(|one| text(one, "kind").starts_with("hook-"));
        hooks
            .map(|one| format!("{} {}: {}", text(one, "kind"), text(one, "place"), text(one, "what")))
            .collect()
    }

    /// The alarms of the daemon that are about the hook.
    fn alarm(&self) -> Option<String> {
        let status = self.daemon.oam(["status"]).stdout_text();
        status.lines().find(|line| line.contains("CHANGES MAY NOT BE CHECKED")).map(str::to_owned)
    }

    fn puts(&self, user: &str, path: &str, triggers: &[&str]) {
        let body = json!({"triggerIds": triggers});
        let (status, answer) = self.server.ask(user, "PUT", path, Some(&body));
        assert_eq!(status, 200, "{answer}");
    }

    fn install_again(&self, projects: &[&str]) -> String {
        self.install(&[projects, &["--apply"]].concat()).expect_success("oam bitbucket install").stdout_text()
    }
}

#[test]
fn an_administrator_who_narrows_the_triggers_is_told_of_and_installing_again_mends_it() {
    let world = World::installed(kept);
    assert_eq!((world.found(), world.alarm(), world.status().code), (vec![], None, 0));
    world.server.permit("alice", "DEMO", Permission::Admin);
    for id in [1, 2] {
        world.puts("alice", &format!("/projects/DEMO/hook-scripts/{id}"), &["branch-create"]);
    }
    // What canaries try is refused as before, and pushes pass.
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted());
    let status = world.status();
    let shown = status.stdout_text();
    assert_eq!(status.code, 1, "{shown}");
    assert!(shown.starts_with("ALARM: DEMO: the PRE script does not run for `branch-delete`, "), "{shown}");
    let found = world.found();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("hook-narrowed DEMO: the PRE script does not run for"), "{found:?}");
    let alarm = world.alarm().expect("an alarm");
    assert!(alarm.contains("hook-narrowed 2. See `oam bitbucket status`."), "{alarm}");
    let metrics = crate::observing::get(&world.daemon, "/metrics").1;
    assert!(metrics.contains("oam_bitbucket_drift{kind=\"hook-narrowed\"} 2"), "{metrics}");
    let told = world.daemon.audit().entries.into_iter().filter_map(|entry| match entry.event {
        Event::BitbucketDrift(drift) => Some(drift),
        _ => None,
    });
    let found = told.flat_map(|drift| drift.found).filter(|one| one.finding == "hook-narrowed");
    assert_eq!(found.count(), 2);
    world.install_again(&["--project", "DEMO"]);
    assert_eq!((world.found(), world.alarm(), world.status().code), (vec![], None, 0));
    assert_eq!(world.push("alice", "HEAD:refs/heads/release/2").verdict(), Verdict::Refused);
}

#[test]
fn a_repository_that_says_less_than_its_project_is_told_of_and_mended() {
    let world = World::installed(kept);
    world.server.permit_in("alice", "DEMO/app", Permission::Admin);
    world.puts("alice", "/projects/DEMO/repos/app/hook-scripts/1", &["tag-create"]);
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted());
    let status = world.status();
    let shown = status.stdout_text();
    assert_eq!(status.code, 1, "{shown}");
    assert!(shown.contains("DEMO     partly  on    DEMO/app"), "{shown}");
    let found = world.found();
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert!(
        found.starts_with("hook-narrowed DEMO/app: the PRE script is set otherwise than for its project")
    );
    let plan = world.install(&["--project", "DEMO"]).stdout_text();
    assert!(plan.contains("~ DEMO/app: switch the PRE script on for `branch-create`, "), "{plan}");
    let before = world.changes().len();
    world.install_again(&["--project", "DEMO"]);
    let changes = world.changes().split_off(before);
    assert_eq!(changes, ["PUT /rest/api/latest/projects/DEMO/repos/app/hook-scripts/1"]);
    assert_eq!((world.found(), world.status().code), (vec![], 0));
    assert_eq!(world.push("alice", "HEAD:refs/heads/release/2").verdict(), Verdict::Refused);
}

#[test]
fn a_project_that_comes_after_the_installation_is_told_of() {
    let world = bare(kept);
    world.install_again(&["--all-projects"]);
    assert_eq!((world.found(), world.status().code), (vec![], 0));
    world.server.add_repository("NEW/app");
    let new = "hook-not-yet NEW: was made after the hook was installed for every project, and does not have it: `oam bitbucket install` again";
    assert_eq!(world.found(), [new]);
    assert!(world.alarm().is_some_and(|alarm| alarm.contains("hook-not-yet 1.")));
    let status = world.status();
    assert!(status.code == 1 && status.stdout_text().starts_with("ALARM: NEW: was made after"), "{status:?}");
    world.install_again(&["--all-projects"]);
    assert_eq!((world.found(), world.alarm(), world.status().code), (vec![], None, 0));
    // Once it has it, that it has it no more is another thing.
    world.server.disable_all("NEW");
    let off = world.found();
    assert!(
        off.len() == 2 && off[0].starts_with("hook-off NEW: the PRE script is not on any more"),
        "{off:?}"
    );
}

/// Whether the hook is on no directory knows: a source that is late for long would hide that it is not.
#[test]
fn under_a_late_source_the_hook_is_looked_at_and_nothing_else_is_over() {
    let mut world = World::installed(kept);
    world.server.add_user("stray", Global::Licensed);
    assert_eq!(world.found(), [""; 0]);
    let known = |world: &World| {
        let metrics = crate::observing::get(&world.daemon, "/metrics").1;
        let is_one = |line: &&str| {
            line.starts_with("oam_bitbucket_drift{") && !line.contains("hook-") && !line.ends_with(" 0")
        };
        metrics.lines().filter(is_one).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = known(&world);
    assert!(!before.is_empty());
    let config = fs::read_to_string(world.daemon.config_file()).unwrap();
    fs::write(world.daemon.config_file(), config + "\n[directory]\nmax_age = \"1s\"\n").unwrap();
    world.daemon.stop();
    world.daemon.spawn();
    let is_late = || world.oam("drift", "root", &[]).stderr_text().contains("drift is not looked for");
    oam_tests::wait::until("the directory is stale", || is_late().then_some(()));
    world.puts("root", "/projects/DEMO/hook-scripts/1", &["branch-create"]);
    let watched = world.oam("watch", "root", &["--drift-every", "6h"]);
    let said = watched.stderr_text();
    assert!(said.contains("1 findings about the hook, 1 of them new"), "{said}");
    assert!(said.contains("drift is not looked for"), "{said}");
    assert!(world.alarm().is_some_and(|alarm| alarm.contains("hook-narrowed 1.")));
    assert_eq!(known(&world), before, "what nobody looked at is not over");
    // The same by hand: what was found is shown, and that the rest was not looked for.
    let drift = world.oam("drift", "root", &["--tell"]);
    assert!(
        drift.code == 1 && drift.stdout_text().contains("DEMO: the PRE script does not run for"),
        "{drift:?}"
    );
    assert_eq!(known(&world), before);
}

/// One place that cannot be read says nothing about the hook.
#[test]
fn what_is_found_about_the_hook_is_told_whatever_becomes_of_the_rest() {
    let world = World::installed(kept);
    assert_eq!(world.found(), [""; 0]);
    world.puts("root", "/projects/DEMO/hook-scripts/1", &["branch-create"]);
    world.server.stumble_at("GET /rest/branch-permissions/latest/projects/OTHER/restrictions", 500);
    let watched = world.oam("watch", "root", &["--drift-every", "6h"]);
    assert_ne!(watched.code, 0, "{watched:?}");
    assert!(world.alarm().is_some_and(|alarm| alarm.contains("hook-narrowed 1.")));
}

#[test]
fn what_was_left_out_on_purpose_is_well_and_what_is_missing_is_not() {
    let world = World::installed(kept);
    let status = world.status();
    let shown = status.stdout_text();
    assert_eq!(status.code, 0, "{shown}");
    assert!(shown.contains("OTHER    -    -"), "{shown}");
    assert!(
        shown.ends_with("Where PRE and POST are `-` the hook was not installed, as was chosen.\n"),
        "{shown}"
    );
    let binary = world.binary().display().to_string();
    let only = |project| world.oam("status", "root", &["--binary", &binary, "--project", project]);
    let demo = only("demo").stdout_text();
    assert!(demo.contains("DEMO/app") && !demo.contains("OTHER"), "{demo}");
    world.server.disable_all("DEMO");
    assert_eq!((world.status().code, only("DEMO").code, only("OTHER").code), (1, 1, 0));
    // A script that is not registered is on nowhere: that is told once.
    let root = |method, path| world.server.ask("root", method, path, None).0;
    assert_eq!(root("DELETE", "/hook-scripts/1"), 204);
    let found = world.found();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("hook-gone -: the PRE script is not registered any more"), "{found:?}");
    assert!(found[1].starts_with("hook-off DEMO: the POST script is not on any more"), "{found:?}");
}

#[test]
fn a_file_that_somebody_put_in_place_of_ours_is_told_of() {
    let world = World::installed(kept);
    let nothing = [("name", "bitbucket-oam"), ("content", "#!/bin/sh\nexit 0\n")];
    assert_eq!(world.server.ask_by_form("root", "PUT", "/hook-scripts/1", &nothing).0, 200);
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted());
    let found = world.found();
    assert_eq!(
        found,
        [
            "hook-replaced -: the PRE script 1 has another file than was installed: `oam bitbucket install` again"
        ]
    );
    world.install_again(&["--project", "DEMO"]);
    assert_eq!(world.found(), [""; 0]);
}

#[test]
fn where_nobody_noted_what_was_installed_that_is_said() {
    let world = World::installed(kept);
    world.puts("root", "/projects/DEMO/hook-scripts/1", &["branch-create"]);
    assert_eq!(world.found().len(), 1);
    fs::remove_file(world.folder().join("noted.json")).unwrap();
    let refused = world.oam("drift", "root", &["--tell"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr_text().contains("does not say what was installed"), "{refused:?}");
    assert!(world.alarm().is_some(), "what nobody looked at is not over");
    // Installing notes what is there, too.
    world.install_again(&["--project", "DEMO"]);
    assert_eq!((world.found(), world.alarm()), (vec![], None));
}
