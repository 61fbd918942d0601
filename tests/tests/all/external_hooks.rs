//! `oam bitbucket install --via external-hooks`: the app runs the hook, and what it runs for others is left alone.

use std::os::unix::fs::symlink;

use oam_tests::{
    BitbucketServer, Finished, Verdict, binaries, bitbucket_server::Permission, push::verdict_in,
};
use serde_json::{Value, json};

use crate::install::{World, bare};

const PRE: &str = "/projects/OTHER/settings/hooks/com.ngs.stash.externalhooks.external-hooks:external-pre-receive-hook/enabled";

fn without(_: &BitbucketServer, _: &str) -> String {
    String::new()
}

impl World {
    fn by_app(&self, task: &str, more: &[&str]) -> Finished {
        self.oam(task, "root", &[&["--via", "external-hooks"][..], more].concat())
    }

    /// Opens a pull request of alice's from one branch to another; gives its number.
    fn open(&self, from: &str, to: &str) -> u64 {
        let side = |name: &str| json!({"id": format!("refs/heads/{name}"), "repository": {"slug": "app", "project": {"key": "DEMO"}}});
        let body = json!({"title": "x", "fromRef": side(from), "toRef": side(to)});
        let (status, opened) = self.pull_request("POST", "", Some(&body));
        assert_eq!(status, 201, "{opened}");
        opened["id"].as_u64().unwrap()
    }

    /// Presses the button; gives the status, and what those show who say no.
    fn merge(&self, id: u64) -> (u16, String) {
        let (status, answer) = self.pull_request("POST", &format!("/{id}/merge?version=0"), Some(&json!({})));
        (status, answer["errors"][0]["vetoes"][0]["detailedMessage"].as_str().unwrap_or_default().to_owned())
    }

    fn pull_request(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.server.ask("alice", method, &format!("/projects/DEMO/repos/app/pull-requests{path}"), body)
    }

    fn tip(&self, branch: &str) -> String {
        let work = self.server.working_copy("DEMO/app", "alice");
        work.git(["ls-remote", "origin", &format!("refs/heads/{branch}")])
    }
}

#[test]
fn the_app_runs_the_hook_and_is_left_as_it_was() {
    let world = bare(without);
    let absent = world.by_app("install", &["--project", "DEMO"]);
    assert_eq!(absent.code, 1, "{absent:?}");
    assert!(absent.stderr_text().contains("External Hooks is not installed"), "{absent:?}");

    world.server.install_external_hooks(world.folder());
    let work = world.server.working_copy("DEMO/app", "alice");
    work.commit("one");
    assert!(work.push(["HEAD:refs/heads/main"]).accepted());
    let plan = world.by_app("install", &["--project", "DEMO"]).expect_success("the plan").stdout_text();
    assert_eq!(
        plan,
        "  + DEMO: have External Hooks run `oam-hook`, as its pre-receive hook\n  \
         + DEMO: have External Hooks run `oam-hook`, as its merge-check hook\n  \
         + DEMO: have External Hooks run `oam-hook applied`, as its post-receive hook\n\
         3 steps, none taken: add --apply to take them.\n"
    );
    assert_eq!(world.changes(), [] as [String; 0]);

    world.by_app("install", &["--project", "DEMO", "--apply"]).expect_success("oam bitbucket install");
    assert_eq!(world.push("alice", "HEAD:refs/heads/release/1").verdict(), Verdict::Refused);
    assert_eq!(world.push("alice", "HEAD:refs/heads/feature/x").verdict(), Verdict::Permitted);
    let audit = world.daemon.audit();
    assert_eq!((audit.decisions().len(), audit.applied().len()), (2, 1));
    let again =
        world.by_app("install", &["--project", "DEMO", "--apply"]).expect_success("again").stdout_text();
    assert_eq!(again, "Nothing is to be done. 3 things are as it should be already.\n");
    assert_eq!(world.changes().len(), 3);
    // As for hook scripts, the other project is off.
    let status = world.by_app("status", &[]);
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.stdout_text().contains("DEMO     on   on"), "{}", status.stdout_text());
    assert!(status.stdout_text().contains("OTHER    -    -"), "{}", status.stdout_text());

    world.by_app("uninstall", &["--apply"]).expect_success("oam bitbucket uninstall");
    assert!(world.push("alice", "HEAD:refs/heads/release/2").accepted());
    let again = world.by_app("uninstall", &["--apply"]).expect_success("again").stdout_text();
    assert_eq!(again, "Nothing is to be done.\n");
}

/// The app has a hook of its own for merges of pull requests: without it the button bypasses every freeze and every approval.
#[test]
fn what_may_not_be_pushed_may_not_be_merged_either() {
    let world = bare(without);
    world.server.install_external_hooks(world.folder());
    for branch in ["release/9", "feature/x", "feature/y"] {
        assert!(
            world.push("alice", &format!("HEAD:refs/heads/{branch}")).accepted(),
            "nothing is checked yet"
        );
    }
    world.by_app("install", &["--project", "DEMO", "--apply"]).expect_success("oam bitbucket install");
    let before = world.tip("release/9");
    let id = world.open("feature/x", "release/9");
    let (status, looked) = world.pull_request("GET", &format!("/{id}/merge"), None);
    assert_eq!((status, &looked["canMerge"]), (200, &json!(false)), "{looked}");
    let (status, told) = world.merge(id);
    assert_eq!((status, verdict_in(&told)), (409, Some(Verdict::Refused)), "{told}");
    assert_eq!(world.tip("release/9"), before);
    let refused = world.daemon.audit();
    let channels: Vec<_> = refused.decisions().iter().map(|one| one.decision.channel.clone()).collect();
    assert_eq!(channels, ["pull-request-merge"]);

    // What may be merged is, and is known as applied. Where Bitbucket merges on from there by itself, the app runs nothing.
    world.server.cascade("DEMO/app", "feature/y", "release/9");
    assert_eq!(world.merge(world.open("feature/x", "feature/y")), (200, String::new()));
    let audit = world.daemon.audit();
    assert_eq!((audit.decisions().len(), audit.applied().len()), (2, 1));
    assert_ne!(world.tip("release/9"), before, "the guide says that cascades are not checked by the app");
}

#[test]
fn what_the_app_runs_for_others_is_left_alone() {
    let world = bare(without);
    world.server.install_external_hooks(world.folder());
    symlink(binaries::path("oam-hook"), world.folder().join("check-jira")).unwrap();
    world.server.permit("bob", "OTHER", Permission::Admin);
    let enable = |body: Value| world.server.ask("bob", "PUT", PRE, Some(&body)).0;
    // In a cluster the app takes nothing by its whole path, and nothing that is not there.
    assert_eq!(enable(json!({"exe": "/usr/bin/true"})), 400);
    assert_eq!(enable(json!({"exe": "check-nothing", "safe_path": true})), 400);
    assert_eq!(enable(json!({"exe": "check-jira", "safe_path": true})), 200);
    let install = world.by_app("install", &["--all-projects", "--apply"]);
    assert_eq!(install.code, 1, "{install:?}");
    assert!(
        install.stdout_text().contains("OTHER: the app runs `check-jira` as its pre-receive hook"),
        "{install:?}"
    );
    let theirs = || {
        let is_it = |change: &&String| change.contains("OTHER") && change.contains("pre-receive");
        world.changes().iter().filter(is_it).count()
    };
    assert_eq!(theirs(), 3);
    let uninstall = world.by_app("uninstall", &["--apply"]).expect_success("uninstall").stdout_text();
    assert!(
        uninstall.contains("OTHER: the app runs `check-jira`") && uninstall.contains("--safe-path"),
        "{uninstall}"
    );
    assert_eq!(theirs(), 3);
    // Where hook scripts are off, what the app runs is off as well: canaries are no less needed.
    world.by_app("install", &["--project", "DEMO", "--apply"]).expect_success("once more");
    world.server.feature_hook_scripts(false);
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted());
}

#[test]
fn ours_by_another_name_is_taken_away_where_it_is_named_and_no_whole_path_is_tried() {
    let world = bare(without);
    world.server.install_external_hooks(world.folder());
    symlink(binaries::path("oam-hook"), world.folder().join("guard")).unwrap();
    world
        .by_app("install", &["--project", "DEMO", "--safe-path", "guard", "--apply"])
        .expect_success("install");
    let left = world.by_app("uninstall", &["--apply"]).expect_success("without its name").stdout_text();
    assert_eq!(left.matches("DEMO: the app runs `guard`").count(), 3, "{left}");
    let named = world.by_app("uninstall", &["--safe-path", "guard", "--apply"]).expect_success("by its name");
    assert!(named.stdout_text().contains("3 steps done."), "{named:?}");
    let path = world.by_app("install", &["--project", "DEMO", "--binary", "/usr/bin/oam-hook"]);
    assert_eq!(path.code, 2, "{path:?}");
    assert!(path.stderr_text().contains("--safe-path"), "{path:?}");
}

/// Whoever administers one repository can have it say something else than its project, and the hook is gone there.
#[test]
fn a_repository_that_says_otherwise_than_its_project_is_told() {
    let world = bare(without);
    world.server.install_external_hooks(world.folder());
    symlink("/usr/bin/true", world.folder().join("check-nothing")).unwrap();
    world.by_app("install", &["--project", "DEMO", "--apply"]).expect_success("oam bitbucket install");
    assert!(!world.push("alice", "HEAD:refs/heads/release/1").accepted());
    world.by_app("status", &[]).expect_success("all is as it was installed");
    world.server.permit_in("bob", "DEMO/app", Permission::Admin);
    let set = |method: &str, kind: &str, end: &str, body: Option<Value>| {
        let key = format!("com.ngs.stash.externalhooks.external-hooks:external-{kind}-hook");
        let path = format!("/projects/DEMO/repos/app/settings/hooks/{key}{end}");
        world.server.ask("bob", method, &path, body.as_ref()).0
    };
    assert_eq!(set("DELETE", "pre-receive", "/enabled", None), 200);
    let other = json!({"exe": "check-nothing", "safe_path": true});
    assert_eq!(set("PUT", "merge-check", "/enabled", Some(other)), 200);
    assert!(world.push("alice", "HEAD:refs/heads/release/1").accepted(), "nobody is asked any more");
    let told = world.by_app("status", &[]);
    let text = told.stdout_text();
    for line in [
        "DEMO/app: is set otherwise than its project in External Hooks, and has the pre-receive hook off",
        "DEMO/app: is set otherwise than its project in External Hooks, and has `check-nothing` run as its merge-check hook",
    ] {
        assert!(told.code == 1 && text.contains(line), "{line}: {told:?}");
    }
    // The search for drift tells it, too, whatever becomes of the rest: here nobody keeps permissions.
    let drift = world.oam("drift", "root", &[]);
    assert!(drift.stdout_text().contains("DEMO/app: is set otherwise than its project"), "{drift:?}");
    assert!(drift.stderr_text().contains("permissions in Bitbucket are not kept"), "{drift:?}");
    // What a repository says as its project does is no other word.
    let same = json!({"exe": "oam-hook", "safe_path": true});
    assert_eq!(set("PUT", "pre-receive", "/enabled", Some(same)), 200);
    assert_eq!(set("DELETE", "merge-check", "", None), 204);
    world.by_app("status", &[]).expect_success("it is as good");
    assert!(!world.push("alice", "HEAD:refs/heads/release/2").accepted());
}

/// For all projects one file is noted: another one for one more would be an alarm for the first.
#[test]
fn one_more_project_gets_no_other_file() {
    let world = bare(without);
    world.server.install_external_hooks(world.folder());
    symlink(binaries::path("oam-hook"), world.folder().join("guard")).unwrap();
    world.by_app("install", &["--project", "DEMO", "--apply"]).expect_success("the first");
    let before = world.changes();
    let other = ["--project", "OTHER", "--safe-path", "guard", "--apply"];
    let refused = world.by_app("install", &other);
    assert_eq!((refused.code, world.changes()), (2, before), "{refused:?}");
    let told = "for DEMO the app runs the hook as `oam-hook`, and all projects have the same file";
    assert!(refused.stderr_text().contains(told), "{refused:?}");
    world.by_app("status", &[]).expect_success("nothing is an alarm");
    let both = ["--project", "DEMO", "--project", "OTHER", "--safe-path", "guard", "--apply"];
    world.by_app("install", &both).expect_success("for all of them at once");
    world.by_app("status", &["--safe-path", "guard"]).expect_success("nothing is an alarm");
}
