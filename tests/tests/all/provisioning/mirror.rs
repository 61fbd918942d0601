//! Protections of the policy as Bitbucket's own branch restrictions, beside the permissions.

use std::process::Stdio;

use oam_audit::entry::ChangeStage;
use oam_tests::{WorkingCopy, bitbucket_server::Global, wait};

use super::{POLICY, World, world_of};

const RULES: &str = r#"
[[role]]
id  = "release"
any = ["okta:release"]

[[block]]
id    = "main-stays"
on    = ["PAY/*"]
refs  = ["refs/heads/main"]
verbs = ["force", "delete"]

[[require]]
id     = "reviewed"
on     = ["PAY/*"]
refs   = ["refs/heads/main"]
via    = "pull-request"
except = ["release"]

[[block]]
id   = "old"
on   = ["WEB/shop"]
refs = ["refs/heads/old"]

[[block]]
id   = "waived"
on   = ["PAY/*"]
refs = ["refs/heads/frozen"]

[[waiver]]
id       = "hotfix"
lifts    = ["waived"]
to       = ["release"]
max_time = "1h"
"#;

const MADE: [&str; 4] = [
    "PAY fast-forward-only BRANCH refs/heads/main",
    "PAY no-deletes BRANCH refs/heads/main",
    "PAY pull-request-only BRANCH refs/heads/main @release",
    "WEB/shop read-only BRANCH refs/heads/old",
];

const CONFIG: &str = "groups = [\"okta\"]\n[bitbucket.mirror]\nat = [\"PAY\", \"WEB/shop\"]";

/// One where others have made a restriction, too.
fn guarded() -> World {
    let world = world_of(&format!("{POLICY}{RULES}"), CONFIG);
    world.server.add_group("release", &["carl"]);
    world.server.restrict_by("PAY/api", "no-deletes", ("BRANCH", "refs/heads/theirs"), &["bob"]);
    world
}

const THEIRS: &str = "PAY/api no-deletes BRANCH refs/heads/theirs bob";

impl World {
    fn put_in_force(&self, policy: &str) {
        let known = || self.daemon.log().matches("policy in force").count();
        let before = known();
        self.daemon.write_policy(policy);
        wait::until("the policy is in force", || (known() > before).then_some(()));
    }
}

/// What is there, and what others made.
fn with_theirs(ours: &[&str]) -> Vec<String> {
    let mut all: Vec<_> = ours.iter().chain(&[THEIRS]).map(|&one| one.to_owned()).collect();
    all.sort();
    all
}

#[test]
fn protections_are_written_as_restrictions_and_kept_so() {
    let world = guarded();
    let plan = world.plan();
    assert!(plan.contains("+ PAY: the restriction no-deletes BRANCH refs/heads/main is made, for everybody (rule `main-stays`)"), "{plan}");
    assert!(plan.contains("`waived` is not mirrored: it may be lifted by the waiver `hotfix`"), "{plan}");
    assert_eq!(world.server.restrictions(), [THEIRS], "a plan changes nothing");
    world.apply().expect_success("oam bitbucket apply");
    assert_eq!(world.server.restrictions(), with_theirs(&MADE));
    assert_eq!(world.planned(), [] as [String; 0]);
    let recorded = world.recorded();
    let made = recorded.iter().filter(|(_, one)| one.step == "restrict" && one.stage == ChangeStage::Begun);
    assert_eq!(made.count(), 4);
    assert!(
        recorded.iter().any(|(_, one)| one.thing.as_deref() == Some("no-deletes BRANCH refs/heads/main"))
    );

    // A careless administrator takes one away, and exempts somebody from another.
    world.server.lift("no-deletes", "refs/heads/main");
    world.server.lift("pull-request-only", "refs/heads/main");
    world.server.restrict_by(
        "PAY",
        "pull-request-only",
        ("BRANCH", "refs/heads/main"),
        &["@release", "boss"],
    );
    let drift = world.oam("drift", &[]).stdout_text();
    assert!(
        drift.contains(
            "PAY: lacks the restriction pull-request-only BRANCH refs/heads/main but for group:release"
        ),
        "{drift}"
    );
    assert_eq!(world.planned().len(), 2, "{:?}", world.planned());
    world.apply().expect_success("mending");
    assert_eq!(world.server.restrictions(), with_theirs(&MADE));
    let drift = world.oam("drift", &[]).stdout_text();
    assert!(!drift.contains("refs/heads/main") && drift.contains("no-deletes on theirs"), "{drift}");
}

#[test]
fn what_no_rule_asks_for_any_more_is_taken_away_at_its_own_place() {
    let world = guarded();
    world.apply().expect_success("oam bitbucket apply");
    let before = world.server.requests().len();
    world.put_in_force(POLICY);
    assert_eq!(
        world.planned().iter().filter(|line| line.contains("is taken away")).count(),
        4,
        "{:?}",
        world.planned()
    );
    let held = world.apply();
    assert_eq!(held.code, 1, "so many at once take `--yes-really`: {held:?}");
    world.oam("apply", &["--yes-really"]).expect_success("taking away");
    assert_eq!(world.server.restrictions(), [THEIRS]);
    let deletes: Vec<_> = world
        .server
        .requests()
        .into_iter()
        .skip(before)
        .filter(|request| request.starts_with("DELETE "))
        .collect();
    let by_repository = deletes.iter().filter(|request| request.contains("/repos/"));
    assert_eq!(
        (deletes.len(), by_repository.count()),
        (4, 1),
        "a project's by way of its project: {deletes:?}"
    );
    assert_eq!(world.planned(), [] as [String; 0]);
}

#[test]
fn whoever_is_killed_while_restricting_leaves_nothing_that_nobody_knows_of() {
    let mut world = guarded();
    // Permissions come first; the second restriction is made, and whoever asked for it is never answered.
    let first = world.planned().iter().filter(|line| !line.contains("restriction")).count();
    world.server.hold_after(first + 1);
    let mut apply = world.command("apply", &[]);
    let mut apply = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait::until("a restriction was made", || (world.changes() == first + 2).then_some(()));
    apply.kill().unwrap();
    apply.wait().unwrap();
    world.server.comes_back();
    world.daemon.kill();
    world.daemon.spawn();
    world.apply().expect_success("what is left");
    assert_eq!(world.server.restrictions(), with_theirs(&MADE));
    // All of them are known as ours.
    world.put_in_force(POLICY);
    world.oam("apply", &["--yes-really"]).expect_success("taking away");
    assert_eq!(world.server.restrictions(), [THEIRS]);
}

const FROZEN: &str = r#"
[[role]]
id      = "machine"
service = ["svc-release"]

[[grant]]
id    = "machine-writes"
to    = ["machine"]
on    = ["PAY/*"]
refs  = ["refs/heads/frozen"]
verbs = ["update"]

[[block]]
id     = "frozen"
on     = ["PAY/*"]
refs   = ["refs/heads/frozen"]
except = ["machine"]

[[block]]
id    = "main-stays"
on    = ["PAY/*"]
refs  = ["refs/heads/main"]
verbs = ["force", "delete"]

[[require]]
id   = "reviewed"
on   = ["PAY/*"]
refs = ["refs/heads/kept"]
via  = "pull-request"
"#;

/// A Bitbucket that runs no hook script any more, and says so to nobody; `PAY/api` has the branches that the rules are about.
fn without_hooks(mirror: &str) -> World {
    let world = world_of(&format!("{POLICY}{FROZEN}"), mirror);
    world.server.add_user("svc-release", Global::Licensed);
    let seed = world.server.working_copy("PAY/api", "root");
    seed.commit("the first");
    assert!(seed.push(["main", "main:frozen", "main:kept"]).accepted());
    world.apply().expect_success("oam bitbucket apply");
    world.server.feature_hook_scripts(false);
    world
}

impl World {
    /// A working copy of `PAY/api` with one commit more than `main` has.
    fn ahead(&self, user: &str) -> WorkingCopy {
        let copy = self.server.working_copy("PAY/api", user);
        copy.git(["fetch", "--quiet", "origin"]);
        copy.git(["reset", "--quiet", "--hard", "origin/main"]);
        copy.commit(&format!("by {user}"));
        copy
    }

    /// Opens a pull request from `topic`, and tells what comes of merging it.
    fn merged_into(&self, target: &str) -> (u16, String) {
        let side = |name: &str| {
            let repository = serde_json::json!({"slug": "api", "project": {"key": "PAY"}});
            serde_json::json!({"id": format!("refs/heads/{name}"), "repository": repository})
        };
        let all = "/projects/PAY/repos/api/pull-requests";
        let asked = serde_json::json!({"title": "x", "fromRef": side("topic"), "toRef": side(target)});
        let (status, opened) = self.server.ask("ada", "POST", all, Some(&asked));
        assert_eq!(status, 201, "{opened}");
        let merge = format!("{all}/{}/merge", opened["id"]);
        let (status, told) = self.server.ask("ada", "POST", &merge, Some(&serde_json::json!({"version": 0})));
        (status, told.to_string())
    }
}

/// What is mirrored is refused by Bitbucket itself where the hook is gone.
#[test]
fn a_second_line_holds_where_no_hook_runs() {
    let world = without_hooks("[bitbucket.mirror]\nat = [\"PAY\"]");
    assert_eq!(
        world.server.restrictions(),
        [
            "PAY fast-forward-only BRANCH refs/heads/main",
            "PAY no-deletes BRANCH refs/heads/main",
            "PAY pull-request-only BRANCH refs/heads/kept",
            "PAY read-only BRANCH refs/heads/frozen svc-release",
        ]
    );
    let ada = world.ahead("ada");
    for (refspec, told) in [
        ("HEAD:frozen", "You are not permitted to update refs/heads/frozen."),
        (":frozen", "You are not permitted to delete refs/heads/frozen."),
        ("HEAD:kept", "Branch refs/heads/kept can only be modified through pull requests."),
        (":main", "You are not permitted to delete refs/heads/main."),
    ] {
        let pushed = ada.push([refspec]);
        assert!(!pushed.accepted() && pushed.remote().contains(told), "{refspec}: {pushed:?}");
    }
    // Everything else goes in, since nobody is asked: it is a second line, and not the first.
    assert!(ada.push(["HEAD:main", "HEAD:topic"]).accepted());
    ada.amend("otherwise");
    let forced = ada.push(["+HEAD:main"]);
    assert!(
        !forced.accepted() && forced.remote().contains("You are not permitted to force refs/heads/main.")
    );
    assert!(ada.push(["+HEAD:topic"]).accepted());
    // Nor in the browser, nor by merging.
    let edit = [("content", "x"), ("branch", "frozen")];
    let (status, told) =
        world.server.ask_by_form("ada", "PUT", "/projects/PAY/repos/api/browse/new.txt", &edit);
    assert!(status == 409 && told.to_string().contains("not permitted to update"), "{status} {told}");
    let (status, told) = world.merged_into("frozen");
    assert!(status == 409 && told.contains("not permitted to merge refs/heads/frozen"), "{status} {told}");
    let (status, told) = world.merged_into("kept");
    assert_eq!(status, 200, "{told}");
    // Whom the rule excepts gets in.
    let service = world.ahead("svc-release").push(["HEAD:frozen"]);
    assert!(service.accepted(), "{service:?}");
}

/// Without a mirror nothing stands in the way where the hook is gone: so it is the mirror that does.
#[test]
fn without_a_mirror_a_hook_that_is_gone_lets_everything_in() {
    let world = without_hooks("");
    assert_eq!(world.server.restrictions(), [] as [String; 0]);
    let pushed = world.ahead("ada").push(["HEAD:frozen", "HEAD:kept", "HEAD:main"]);
    assert!(pushed.accepted(), "{pushed:?}");
}
