//! The main job: one push, permitted, refused or undecided, and what the developer reads.

use oam_audit::entry::{Outcome, Verb};
use oam_tests::{BareRepo, Daemon, HookConfig, PushOutput, Verdict, WorkingCopy};

/// A guarded repository with one commit on `main` and `v1`, and alice's working copy of it.
fn started() -> (Daemon, BareRepo, WorkingCopy) {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let first = work.push(["HEAD:refs/heads/main", "HEAD:refs/tags/v1"]);
    assert_eq!(first.verdict(), Verdict::Permitted, "{first:?}");
    (daemon, repository, work)
}

/// With git's mark before it, a line fits a terminal of 80 columns, and shows nothing but itself.
fn assert_readable(output: &PushOutput) {
    for line in output.remote_lines() {
        assert!("remote: ".len() + line.chars().count() <= 80, "too wide: {line}");
        assert!(!line.chars().any(char::is_control), "control characters: {line:?}");
    }
}

#[test]
fn a_permitted_push_goes_in_and_is_recorded() {
    let (daemon, repository, work) = started();
    let one = work.git(["rev-parse", "HEAD"]);
    let two = work.commit("two");
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
    assert_eq!(output.remote(), "", "a permitted push is quiet");
    assert_eq!(repository.tip("refs/heads/main"), Some(two.clone()));

    let log = daemon.audit();
    assert!(log.permits("DEMO/app", "refs/heads/main", &one), "the creation is recorded");
    let last = log.last_decision();
    assert_eq!(last.decision.principal, "alice");
    assert_eq!(last.decision.outcome, Outcome::Permitted);
    assert!(last.decision.roles.contains("developer"));
    let update = last.update("refs/heads/main");
    assert_eq!((update.verb, update.fast_forward), (Some(Verb::Update), Some(true)));
    assert_eq!(update.grant.as_deref(), Some("main"));
}

#[test]
fn a_branch_of_ones_own_may_be_rewritten_and_deleted() {
    let (_daemon, repository, work) = started();
    work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/u/alice/x"]).verdict(), Verdict::Permitted);
    let amended = work.amend("two, better");
    assert_eq!(work.push(["+HEAD:refs/heads/u/alice/x"]).verdict(), Verdict::Permitted);
    assert_eq!(repository.tip("refs/heads/u/alice/x"), Some(amended));
    assert_eq!(work.push([":refs/heads/u/alice/x"]).verdict(), Verdict::Permitted);
    assert_eq!(repository.tip("refs/heads/u/alice/x"), None);
    assert_eq!(work.push(["HEAD:refs/heads/u/bob/x"]).verdict(), Verdict::Refused, "it is bob's");
}

#[test]
fn rewriting_main_is_refused() {
    let (daemon, repository, work) = started();
    let one = repository.tip("refs/heads/main");
    work.amend("another one");
    let output = work.push(["+HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.tip("refs/heads/main"), one);
    assert_readable(&output);
    insta::assert_snapshot!(output.redacted(), @r"

    Push refused by Bitbucket OAM.

      refs/heads/main
        No rule lets you force-push it. [no-grant]
        -> You may update it without rewriting history: fetch, rebase or
           merge onto it, and push again. Somebody with the role `keeper`
           may force-push it.

    You are alice (role: developer) in DEMO/app. Nothing was changed.
    Decision: [id]
    Questions: #platform
    ");

    let last = daemon.audit().last_decision();
    assert_eq!(last.decision.outcome, Outcome::Refused);
    assert_eq!(last.update("refs/heads/main").fast_forward, Some(false));
    assert_eq!(last.reason_codes(), ["no-grant"]);
    assert!(output.remote().contains(&last.decision.decision), "the id in the message finds the entry");
}

#[test]
fn deleting_main_is_refused() {
    let (daemon, repository, work) = started();
    let output = work.push([":refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert!(repository.tip("refs/heads/main").is_some());
    assert_readable(&output);
    insta::assert_snapshot!(output.redacted(), @r"

    Push refused by Bitbucket OAM.

      refs/heads/main
        No rule lets you delete it. [no-grant]
        -> You may create or update it. Somebody with the role `keeper` may
           delete it.

    You are alice (role: developer) in DEMO/app. Nothing was changed.
    Decision: [id]
    Questions: #platform
    ");
    assert_eq!(daemon.audit().last_decision().update("refs/heads/main").verb, Some(Verb::Delete));
}

#[test]
fn moving_a_tag_is_refused_even_forwards() {
    let (daemon, repository, work) = started();
    let v1 = repository.tip("refs/tags/v1");
    work.commit("two");
    let output = work.push(["+HEAD:refs/tags/v1"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.tip("refs/tags/v1"), v1);
    assert_readable(&output);
    insta::assert_snapshot!(output.redacted(), @r"

    Push refused by Bitbucket OAM.

      refs/tags/v1
        Moving it (force) is blocked by rule `tags-are-forever`. [blocked]
        -> Releases are built from tags. Make a new one, such as v1.0.1. It
           binds everybody, administrators too.
        No rule lets you move it. [no-grant]

    You are alice (role: developer) in DEMO/app. Nothing was changed.
    Decision: [id]
    Questions: #platform
    ");
    assert_eq!(daemon.audit().last_decision().update("refs/tags/v1").verb, Some(Verb::Force));
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_nothing_goes_in() {
    let (daemon, repository, work) = started();
    let before = repository.refs();
    work.commit("two");
    let output = work.push([
        "HEAD:refs/heads/main",
        "HEAD:refs/heads/release/1",
        "HEAD:refs/heads/feature/fine",
        ":refs/tags/v1",
    ]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.refs(), before, "a push stands or falls as a whole");
    assert_readable(&output);
    insta::assert_snapshot!(output.redacted(), @r"

    Push refused by Bitbucket OAM: 2 of 4 refs may not change.

      refs/tags/v1
        Deleting it is blocked by rule `tags-are-forever`. [blocked]
        -> Releases are built from tags. Make a new one, such as v1.0.1. It
           binds everybody, administrators too.
        No rule lets you delete it. [no-grant]

      refs/heads/release/1
        No rule lets you create it. [no-grant]
        -> Somebody with the role `keeper` or `release-manager` may create
           it.

    You are alice (role: developer) in DEMO/app. Nothing was changed.
    Decision: [id]
    Questions: #platform
    ");
    let last = daemon.audit().last_decision();
    assert_eq!(last.decision.update_count, 4);
    assert_eq!(last.update("refs/heads/feature/fine").outcome, Outcome::Permitted);
}

#[test]
fn somebody_whom_nobody_knows_is_refused() {
    let (daemon, repository, _) = started();
    let work = repository.working_copy().pushing_as("eve");
    work.commit("mine");
    let output = work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_readable(&output);
    insta::assert_snapshot!(output.redacted(), @r"

    Push refused by Bitbucket OAM.

      `eve` is neither in the company directory nor a known service account.
      [unknown-principal]
      -> New here: your account may not have arrived yet; ask an
         administrator. An access key or token: push as yourself, or have
         the policy name this account in a role's `service` list.

    You are eve (no role) in DEMO/app. Nothing was changed.
    Decision: [id]
    Questions: #platform
    ");
    assert_eq!(daemon.audit().last_decision().reason_codes(), ["unknown-principal"]);
}

#[test]
fn somebody_who_left_is_refused() {
    let (daemon, repository, _) = started();
    let work = repository.working_copy().pushing_as("gone");
    work.commit("mine");
    let output = work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(daemon.audit().last_decision().reason_codes(), ["account-disabled"]);
}

#[test]
fn a_deactivated_user_is_refused_on_the_very_next_push() {
    let (daemon, repository, work) = started();
    let two = work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    daemon.deactivate("ALICE").expect_success("oam user deactivate, in any case of letters");
    work.commit("three");
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.tip("refs/heads/main"), Some(two));
    assert_readable(&output);
    insta::assert_snapshot!(output.redacted(), @r"

    Push refused by Bitbucket OAM.

      The account `alice` was cut off by an administrator on [time]. [revoked]
      -> Ask an administrator of your Bitbucket why, and to lift it.

    You are alice (role: developer) in DEMO/app. Nothing was changed.
    Decision: [id]
    Questions: #platform
    ");
}

#[test]
fn without_a_daemon_nothing_is_decided_and_nothing_goes_in() {
    let (mut daemon, repository, work) = started();
    let one = repository.tip("refs/heads/main");
    work.commit("two");
    daemon.kill();
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
    assert_eq!(repository.tip("refs/heads/main"), one);
    assert_readable(&output);
    insta::assert_snapshot!(output.redacted(), @r"

    Push NOT checked by Bitbucket OAM. This is no refusal.

      No Bitbucket OAM daemon could be asked
      (`unix:[temporary]/hook.sock`: Connection refused (os error
      111)).

    This is not your fault, and nothing was changed. Push again. If it stays
    so, tell your administrators:
      See that `oamd` runs, and that the hook's `endpoints` are where it
      listens.
    ");

    daemon.spawn();
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted, "as soon as it is back");
}

#[test]
fn before_the_first_import_nothing_is_decided() {
    let daemon = Daemon::start_with(&oam_tests::daemon::Setup {
        directory: None,
        ..oam_tests::daemon::Setup::default()
    });
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let output = work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
    assert_readable(&output);
    insta::assert_snapshot!(output.redacted(), @r"

    Push NOT checked by Bitbucket OAM. This is no refusal.

      The directory of users is not loaded, so nobody can be recognised.
      [snapshot-missing]
      -> An administrator loads it with `oam snapshot import`; `oam status`
         says why there is none.

    This is not your fault, and nothing was changed. Push again. If it stays
    so, tell your administrators.
    Decision: [id]
    Questions: #platform
    ");
}

#[test]
fn who_does_not_say_who_they_are_is_not_let_in() {
    let (_daemon, repository, _) = started();
    let work = repository.working_copy();
    work.commit("mine");
    let output = work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
    assert!(output.remote().contains("REMOTE_USER"), "{output:?}");
    // What Bitbucket would say counts for nothing outside Bitbucket.
    let forged = repository.working_copy().with("BB_USER_NAME", "kim").with("BB_HOOK_TRIGGER_ID", "push");
    forged.commit("forged");
    assert_eq!(forged.push(["HEAD:refs/heads/feature/x"]).verdict(), Verdict::Undecided);
}

#[test]
fn a_hook_without_its_configuration_lets_nothing_in() {
    let (_daemon, repository, work) = started();
    work.commit("two");
    std::fs::remove_file(repository.path().join("hooks/oam-hook.toml")).unwrap();
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
}

#[test]
fn the_hook_may_be_a_copy() {
    let (_daemon, repository, work) = started();
    let hook = std::fs::canonicalize(repository.hook()).unwrap();
    std::fs::remove_file(repository.hook()).unwrap();
    std::fs::copy(hook, repository.hook()).unwrap();
    work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    work.amend("else");
    assert_eq!(work.push(["+HEAD:refs/heads/main"]).verdict(), Verdict::Refused);
}

#[test]
fn the_repository_is_named_by_its_path() {
    let daemon = Daemon::start();
    let repository = BareRepo::unguarded();
    let project = repository.folder().join("srv/DEMO");
    std::fs::create_dir_all(&project).unwrap();
    std::fs::rename(repository.path(), project.join("app.git")).unwrap();
    std::os::unix::fs::symlink(project.join("app.git"), repository.path()).unwrap();
    let plain = format!(
        "principal_env = \"REMOTE_USER\"\nrepositories = \"{}\"",
        repository.folder().join("srv").display()
    );
    repository.configure_hook(&HookConfig { plain: Some(plain), ..HookConfig::of(&daemon) });
    repository.install(&oam_tests::binaries::path("oam-hook"));
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
    assert_eq!(daemon.audit().last_decision().decision.repository, "DEMO/app");
}
