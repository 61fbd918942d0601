//! `oam bitbucket install --via external-hooks`: the app runs the hook, and what it runs for others stays.

use oam_tests::{BitbucketServer, Verdict, bitbucket_server::Permission};
use serde_json::json;

use crate::install::bare;

const PRE: &str = "/projects/OTHER/settings/hooks/com.ngs.stash.externalhooks.external-hooks:external-pre-receive-hook/enabled";

fn without(_: &BitbucketServer, _: &str) -> String {
    String::new()
}

#[test]
fn the_app_runs_the_hook_and_is_left_as_it_was() {
    let world = bare(without);
    let by_app = |task: &str, more: &[&str]| match task {
        "install" => world.install(&[&["--via", "external-hooks"][..], more].concat()),
        task => world.oam(task, "root", &[&["--via", "external-hooks"][..], more].concat()),
    };
    let absent = by_app("install", &["--project", "DEMO"]);
    assert_eq!(absent.code, 1, "{absent:?}");
    assert!(absent.stderr_text().contains("External Hooks is not installed"), "{absent:?}");

    world.server.install_external_hooks();
    let work = world.server.working_copy("DEMO/app", "alice");
    work.commit("one");
    assert!(work.push(["HEAD:refs/heads/main"]).accepted());
    let plan = by_app("install", &["--project", "DEMO"]).expect_success("the plan").stdout_text();
    let binary = world.binary().display().to_string();
    assert_eq!(
        plan.replace(&binary, "/usr/bin/oam-hook"),
        "  + DEMO: have External Hooks run `/usr/bin/oam-hook`, as its pre-receive hook\n  \
         + DEMO: have External Hooks run `/usr/bin/oam-hook applied`, as its post-receive hook\n\
         2 steps, none taken: add --apply to take them.\n"
    );
    assert_eq!(world.changes(), [] as [String; 0]);

    by_app("install", &["--project", "DEMO", "--apply"]).expect_success("oam bitbucket install");
    assert_eq!(world.push("alice", "HEAD:refs/heads/release/1").verdict(), Verdict::Refused);
    assert_eq!(world.push("alice", "HEAD:refs/heads/feature/x").verdict(), Verdict::Permitted);
    let audit = world.daemon.audit();
    assert_eq!((audit.decisions().len(), audit.applied().len()), (2, 1));
    let again = by_app("install", &["--project", "DEMO", "--apply"]).expect_success("again").stdout_text();
    assert_eq!(again, "Nothing is to be done. 2 things are as it should be already.\n");
    assert_eq!(world.changes().len(), 2);
    // As for hook scripts, the other project is off.
    let status = by_app("status", &["--binary", &binary]);
    assert_eq!(status.code, 1, "{status:?}");
    assert!(status.stdout_text().contains("DEMO     on   on"), "{}", status.stdout_text());
    assert!(status.stdout_text().contains("OTHER    off  off"), "{}", status.stdout_text());

    by_app("uninstall", &["--apply"]).expect_success("oam bitbucket uninstall");
    assert!(world.push("alice", "HEAD:refs/heads/release/2").accepted());
    let again = by_app("uninstall", &["--apply"]).expect_success("again").stdout_text();
    assert_eq!(again, "Nothing is to be done.\n");
}

#[test]
fn what_the_app_runs_for_others_is_left_alone() {
    let world = bare(without);
    world.server.install_external_hooks();
    world.server.permit("bob", "OTHER", Permission::Admin);
    let (status, _) = world.server.ask("bob", "PUT", PRE, Some(&json!({"exe": "/opt/check-jira"})));
    assert_eq!(status, 200);
    let install = world.install(&["--via", "external-hooks", "--all-projects", "--apply"]);
    assert_eq!(install.code, 1, "{install:?}");
    assert!(
        install.stdout_text().contains("OTHER: the app runs `/opt/check-jira` as its pre-receive hook"),
        "{install:?}"
    );
    let changes = world.changes();
    assert_eq!(
        changes.iter().filter(|change| change.contains("OTHER") && change.contains("pre-receive")).count(),
        1
    );
    world.oam("uninstall", "root", &["--via", "external-hooks", "--apply"]).expect_success("uninstall");
    assert_eq!(
        world
            .changes()
            .iter()
            .filter(|change| change.contains("OTHER") && change.contains("pre-receive"))
            .count(),
        1
    );
    // Where hook scripts are off, what the app runs is off as well: canaries are no less needed.
    world.install(&["--via", "external-hooks", "--project", "DEMO", "--apply"]).expect_success("once more");
    world.server.feature_hook_scripts(false);
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted());
}
