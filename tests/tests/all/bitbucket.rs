//! The hook as Bitbucket runs it: every trigger, its variables, and what happens when one is missing.

use oam_audit::entry::Outcome;
use oam_tests::{
    BareRepo, Bitbucket, Daemon, Finished, HookConfig, Verdict, WorkingCopy,
    bitbucket::{Asking, Merge, RefLine, Trigger, ZERO},
    push::verdict_in,
};

const PERMITTED: i32 = 0;
const REFUSED: i32 = 1;
const UNDECIDED: i32 = 75;

/// A repository with `main` at `one`, and new commits in quarantine: `two` upon it, and `beside` beside it.
struct World {
    daemon: Daemon,
    repository: BareRepo,
    _work: WorkingCopy,
    bitbucket: Bitbucket,
    one: String,
    two: String,
    beside: String,
}

fn started() -> World {
    let daemon = Daemon::start();
    let repository = BareRepo::unguarded();
    let work = repository.working_copy();
    work.commit("zero");
    let one = work.commit("one");
    work.push(["HEAD:refs/heads/main", "HEAD:refs/heads/feature/x", "HEAD:refs/tags/v1"]);
    let two = work.commit("two");
    work.git(["checkout", "--quiet", "--detach", "HEAD~2"]);
    let beside = work.commit("beside");
    let mut bitbucket = Bitbucket::serving(&repository, &HookConfig::of(&daemon));
    bitbucket.quarantine(&work, &two, &[&one]);
    bitbucket.quarantine(&work, &beside, &[&one]);
    World { daemon, repository, _work: work, bitbucket, one, two, beside }
}

impl World {
    fn asking(&self, user: &str, trigger: &Trigger) -> Asking {
        self.bitbucket.asking(user, trigger)
    }

    fn line(old: &str, new: &str, name: &str) -> RefLine {
        RefLine::new(old, new, name)
    }

    fn merge(&self) -> Merge {
        Merge {
            from: "feature/x".into(),
            from_hash: self.two.clone(),
            to: "main".into(),
            to_hash: self.one.clone(),
            merge_hash: self.two.clone(),
        }
    }
}

#[track_caller]
fn assert_code(done: &Finished, code: i32) {
    assert_eq!(done.code, code, "{done:?}");
    assert_eq!(done.stdout, b"", "everything for people goes to standard error");
    let said = verdict_in(&done.stderr_text());
    match code {
        PERMITTED => assert_eq!(said, None, "{done:?}"),
        REFUSED => assert_eq!(said, Some(Verdict::Refused), "{done:?}"),
        _ => assert_eq!(said, Some(Verdict::Undecided), "{done:?}"),
    }
}

#[test]
fn every_trigger_is_decided() {
    let world = started();
    let World { one, two, beside, .. } = &world;
    let line = World::line;
    let away = |merge: Merge, to: &str| Merge { to: to.into(), ..merge };
    let mut recorded = 0;
    let rewound = Merge { merge_hash: beside.clone(), ..world.merge() };
    for (trigger, code) in [
        (Trigger::Push(vec![line(one, two, "refs/heads/main")]), PERMITTED),
        (Trigger::Push(vec![line(one, beside, "refs/heads/main")]), REFUSED),
        (Trigger::Push(vec![line(one, ZERO, "refs/heads/main")]), REFUSED),
        (Trigger::Push(vec![line(ZERO, two, "refs/tags/v2"), line(one, two, "refs/heads/main")]), PERMITTED),
        (Trigger::Push(vec![line(one, two, "refs/heads/main"), line(one, ZERO, "refs/tags/v1")]), REFUSED),
        (Trigger::BranchCreate(line(ZERO, one, "refs/heads/feature/new")), PERMITTED),
        (Trigger::BranchCreate(line(ZERO, one, "refs/heads/release/1")), REFUSED),
        (Trigger::BranchDelete(line(one, ZERO, "refs/heads/feature/x")), PERMITTED),
        (Trigger::BranchDelete(line(one, ZERO, "refs/heads/main")), REFUSED),
        (Trigger::TagCreate(line(ZERO, one, "refs/tags/v2")), PERMITTED),
        (Trigger::TagDelete(line(one, ZERO, "refs/tags/v1")), REFUSED),
        (Trigger::FileEdit(line(one, two, "refs/heads/main")), PERMITTED),
        (Trigger::FileEdit(line(one, two, "refs/heads/release/1")), REFUSED),
        (Trigger::PullRequestMerge(world.merge()), PERMITTED),
        (Trigger::PullRequestMerge(away(world.merge(), "release/1")), REFUSED),
        (Trigger::PullRequestMerge(rewound), REFUSED),
        (Trigger::PullRequestDryRun(world.merge()), PERMITTED),
        (Trigger::PullRequestDryRun(away(world.merge(), "release/1")), REFUSED),
        (Trigger::CascadeMerge(world.merge()), PERMITTED),
        (Trigger::CascadeMerge(away(world.merge(), "release/1")), REFUSED),
    ] {
        let done = world.asking("alice", &trigger).run();
        assert!(done.code == code, "{trigger:?}: {done:?}");
        assert_code(&done, code);
        let decisions = world.daemon.audit().decisions();
        if matches!(trigger, Trigger::PullRequestDryRun(_)) {
            assert_eq!(decisions.len(), recorded, "looking at a pull request is no push: {trigger:?}");
            continue;
        }
        recorded += 1;
        assert_eq!(decisions.len(), recorded, "{trigger:?}");
        let last = &decisions[recorded - 1];
        assert_eq!((last.decision.channel.as_str(), last.decision.dry_run), (trigger.id(), false));
        let outcome = if code == PERMITTED { Outcome::Permitted } else { Outcome::Refused };
        assert_eq!(last.decision.outcome, outcome, "{trigger:?}");
    }
}

#[test]
fn whoever_may_everything_in_bitbucket_may_no_more_here() {
    let world = started();
    let trigger = Trigger::Push(vec![World::line(&world.one, &world.two, "refs/heads/main")]);
    let mut asking = world.asking("mallory", &trigger);
    assert_code(&asking.set("BB_USER_PERMISSION", "SYS_ADMIN").run(), REFUSED);
}

#[test]
fn the_names_of_a_pull_requests_author_are_not_the_pushers() {
    let world = started();
    let merge = Merge { to: "release/1".into(), ..world.merge() };
    // bob, who may, wrote it; alice, who may not, merges it.
    assert_code(&world.asking("alice", &Trigger::PullRequestMerge(merge.clone())).run(), REFUSED);
    assert_code(&world.asking("bob", &Trigger::PullRequestMerge(merge)).run(), PERMITTED);
}

#[test]
fn a_variable_that_matters_is_not_guessed() {
    let world = started();
    let line = World::line(&world.one, &world.two, "refs/heads/main");
    let push = Trigger::Push(vec![line]);
    for missing in ["BB_HOOK_TYPE", "BB_IS_DRY_RUN", "BB_PROJECT_KEY", "BB_REPO_SLUG", "BB_USER_NAME"] {
        let done = world.asking("alice", &push).unset(missing).run();
        assert_code(&done, UNDECIDED);
        assert!(done.stderr_text().contains(missing), "{missing}: {done:?}");
        assert_code(&world.asking("alice", &push).set(missing, "").run(), UNDECIDED);
    }
    assert_code(&world.asking("alice", &push).set("BB_HOOK_TRIGGER_ID", "branch-rename").run(), UNDECIDED);
    let dry = Trigger::PullRequestDryRun(world.merge());
    for missing in ["BB_TO_REF", "BB_TO_HASH"] {
        assert_code(&world.asking("alice", &dry).unset(missing).run(), UNDECIDED);
    }
    let every: Vec<_> = world.asking("alice", &push).variables().map(str::to_owned).collect();
    let mut nothing = world.asking("alice", &push);
    for name in &every {
        nothing.unset(name);
    }
    assert_code(&nothing.run(), UNDECIDED);
    assert!(world.daemon.audit().decisions().is_empty(), "the daemon was asked nothing");
}

#[test]
fn a_variable_that_does_not_matter_may_be_missing() {
    let world = started();
    let push = Trigger::Push(vec![World::line(&world.one, &world.two, "refs/heads/main")]);
    let mut asking = world.asking("alice", &push);
    for name in [
        "PATH",
        "BB_BASE_URL",
        "BB_REPO_CLONE_SSH",
        "BB_REPO_CLONE_HTTP",
        "BB_USER_EMAIL",
        "BB_USER_DISPLAY_NAME",
        "BB_USER_PERMISSION",
        "BB_REPO_IS_FORK",
        "BB_REPO_IS_PUBLIC",
    ] {
        asking.unset(name);
    }
    assert_code(&asking.run(), PERMITTED);
}

#[test]
fn standard_input_is_read_strictly() {
    let world = started();
    let push = Trigger::Push(Vec::new());
    let World { one, two, .. } = &world;
    let short = &one[..39];
    for input in [
        String::new(),
        "\n".into(),
        format!("{one} {two} refs/heads/main"),
        format!("{one} {two}\n"),
        format!("{one} {two} \n"),
        format!("{one}  {two} refs/heads/main\n"),
        format!("{one}\t{two}\trefs/heads/main\n"),
        format!("{short} {two} refs/heads/main\n"),
        format!("{} {two} refs/heads/main\n", one.replace(|c: char| c.is_ascii_digit(), "g")),
        format!("{ZERO} {ZERO} refs/heads/main\n"),
        format!("{one} {two} main\n"),
        format!("{one} {two} refs/heads/a..b\n"),
        format!("{one} {two} refs/heads/main\r\n"),
        format!("{one} {two} refs/heads/main\n\n"),
        format!("{one} {two} refs/heads/main\nrubbish\n"),
    ] {
        let done = world.asking("alice", &push).input(input.as_bytes()).run();
        assert!(done.code == UNDECIDED, "{input:?}: {done:?}");
        assert_code(&done, UNDECIDED);
    }
}

#[test]
fn a_dry_run_reads_nothing() {
    let world = started();
    let dry = Trigger::PullRequestDryRun(world.merge());
    // Nobody would ever feed it; if somebody does, it still counts for nothing.
    let fed = format!("{} {ZERO} refs/heads/main\n", world.one);
    assert_code(&world.asking("alice", &dry).input(fed.as_bytes()).run(), PERMITTED);
    assert!(world.daemon.audit().decisions().is_empty());
}

#[test]
fn without_the_objects_what_hangs_on_them_is_undecided() {
    let world = started();
    let push = |old: &str, new: &str, name: &str| {
        let mut asking = world.asking("alice", &Trigger::Push(vec![World::line(old, new, name)]));
        asking.unset("GIT_OBJECT_DIRECTORY").unset("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        asking.unset("GIT_QUARANTINE_PATH").run()
    };
    let World { one, two, .. } = &world;
    assert_code(&push(one, two, "refs/heads/main"), UNDECIDED);
    assert_code(&push(one, two, "refs/heads/feature/x"), PERMITTED);
    assert_code(&push(ZERO, two, "refs/heads/main"), PERMITTED);
    assert_code(&push(one, two, "refs/heads/release/1"), REFUSED);
    let missing = "1234567890123456789012345678901234567890";
    let trigger = Trigger::Push(vec![World::line(one, missing, "refs/heads/main")]);
    assert_code(&world.asking("alice", &trigger).run(), UNDECIDED);
}

#[test]
fn the_hook_may_run_anywhere() {
    let world = started();
    let push = Trigger::Push(vec![World::line(&world.one, &world.two, "refs/heads/main")]);
    for folder in ["/", "/proc", world.repository.path().to_str().unwrap()] {
        assert_code(&world.asking("alice", &push).within(folder.as_ref()).run(), PERMITTED);
    }
    let mut with_git_dir = world.asking("alice", &push);
    with_git_dir.set("GIT_DIR", world.repository.path().to_str().unwrap());
    assert_code(&with_git_dir.run(), PERMITTED);
}

/// Mesh and Bitbucket may run the hook with `GIT_DIR=.` within the repository.
#[test]
fn a_relative_git_dir_is_followed() {
    let world = started();
    let push = Trigger::Push(vec![World::line(&world.one, &world.beside, "refs/heads/main")]);
    let mut asking = world.asking("alice", &push);
    asking.set("GIT_DIR", ".").within(&world.repository.path());
    assert_code(&asking.run(), REFUSED);
}

#[test]
fn the_external_hooks_app_is_understood() {
    let world = started();
    let push = Trigger::Push(vec![World::line(&world.one, &world.two, "refs/heads/main")]);
    let mut newer = world.asking("alice", &push);
    newer.unset("BB_HOOK_TRIGGER_ID").unset("BB_HOOK_TYPE").unset("BB_IS_DRY_RUN");
    assert_code(&newer.run(), PERMITTED);
    let mut older = newer.clone();
    older.unset("BB_USER_NAME").unset("BB_PROJECT_KEY").unset("BB_REPO_SLUG");
    older.set("STASH_USER_NAME", "mallory").set("STASH_PROJECT_KEY", "DEMO").set("STASH_REPO_NAME", "app");
    assert_code(&older.run(), REFUSED);
}
