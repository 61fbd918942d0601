//! The hook after a push: what git applied is matched with what was decided, and what nobody decided raises an alarm.

use std::{fs, process::Command};

use oam_tests::{
    BareRepo, Bitbucket, Daemon, HookConfig, Run as _, Verdict, WorkingCopy, binaries,
    bitbucket::{RefLine, Trigger, ZERO},
    daemon::Setup,
    sample,
};

struct World {
    daemon: Daemon,
    repository: BareRepo,
    work: WorkingCopy,
}

/// A repository with both hooks, and a first commit that is nowhere yet.
fn started() -> World {
    with(Daemon::start(), "")
}

fn with(daemon: Daemon, more: &str) -> World {
    let config = HookConfig { more: more.into(), ..HookConfig::plain(&daemon, sample::REPOSITORY) };
    let repository = BareRepo::with(&config);
    repository.report_what_is_applied();
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    World { daemon, repository, work }
}

impl World {
    /// For each applied update that was reported: the ref, and what permitted it.
    fn applied(&self) -> Vec<(String, Option<String>)> {
        let audit = self.daemon.audit();
        let updates = audit.applied().into_iter().flat_map(|applied| applied.updates.clone());
        updates.map(|update| (update.name.to_text().into_owned(), update.decision)).collect()
    }

    fn status(&self) -> String {
        self.daemon.oam(["status"]).stdout_text()
    }
}

#[test]
fn what_was_permitted_and_applied_is_known_as_both() {
    let world = started();
    let output = world.work.push(["HEAD:refs/heads/main", "HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Permitted);
    let permitted = world.daemon.audit().last_decision().decision.decision;
    let by = Some(permitted);
    assert_eq!(
        world.applied(),
        [("refs/heads/main".to_owned(), by.clone()), ("refs/heads/feature/x".to_owned(), by)]
    );
    assert!(!world.status().contains("without a decision"), "{}", world.status());

    // What was refused is never applied.
    assert_eq!(world.work.push([":refs/heads/main"]).verdict(), Verdict::Refused);
    assert_eq!(world.applied().len(), 2);
}

#[test]
fn a_change_that_nobody_decided_raises_an_alarm() {
    let http = Setup { config: "[http]\nlisten = \"127.0.0.1:0\"".into(), ..Setup::default() };
    let world = with(Daemon::start_with(&http), "");
    world.repository.without_hook(|| assert!(world.work.push(["HEAD:refs/heads/main"]).accepted()));
    assert!(world.daemon.audit().decisions().is_empty());
    assert_eq!(world.applied(), [("refs/heads/main".to_owned(), None)]);
    let status = world.status();
    assert!(status.contains("1 ref was changed without a decision"), "{status}");
    assert!(status.contains("`refs/heads/main` in DEMO/app by `alice`"), "{status}");
    let metrics = crate::observing::get(&world.daemon, "/metrics").1;
    assert!(metrics.contains("oam_applied_without_decision_total 1"), "{metrics}");
    let tail = world.daemon.oam(["audit", "tail"]).stdout_text();
    assert!(tail.contains("applied WITHOUT A DECISION: DEMO/app alice: create refs/heads/main"), "{tail}");
}

/// Somebody else than whom the decision was about, another commit, or a push that was refused and forced in.
#[test]
fn a_decision_vouches_for_itself_only() {
    let world = started();
    assert_eq!(world.work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    world.work.commit("two");
    assert_eq!(world.work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Refused);
    world.repository.without_hook(|| assert!(world.work.push(["HEAD:refs/heads/release/1"]).accepted()));
    assert_eq!(world.applied()[1..], [("refs/heads/release/1".to_owned(), None)]);
}

#[test]
fn what_was_permitted_before_a_restart_is_remembered() {
    let mut world = started();
    let post = world.repository.path().join("hooks/post-receive");
    fs::rename(&post, post.with_extension("off")).unwrap();
    assert_eq!(world.work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    fs::rename(post.with_extension("off"), &post).unwrap();
    let permitted = world.daemon.audit().last_decision().decision.decision;
    world.daemon.kill();
    world.daemon.spawn();
    let new = world.repository.tip("refs/heads/main").unwrap();
    let mut report = Command::new(post);
    report.current_dir(world.repository.path()).env_clear().env("GIT_DIR", ".").env("REMOTE_USER", "alice");
    report.run_with(format!("{ZERO} {new} refs/heads/main\n").as_bytes()).expect_success("post-receive");
    assert_eq!(world.applied(), [("refs/heads/main".to_owned(), Some(permitted))]);
}

/// While no daemon answers, both the push that was let in and the word that it was applied wait in the spool, in that order.
#[test]
fn what_was_let_in_without_a_check_is_known_when_it_is_told_as_applied() {
    let daemon = Daemon::start();
    let spool = daemon.folder().join("spool");
    fs::create_dir(&spool).unwrap();
    let more = format!(
        "[on_unavailable]\naction = \"open-audited\"\nrefs = [\"refs/heads/feature/**\"]\nspool = \"{}\"\n",
        spool.display()
    );
    let mut world = with(daemon, &more);
    world.daemon.kill();
    assert_eq!(world.work.push(["HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted);
    assert_eq!(fs::read_dir(&spool).unwrap().count(), 2);
    world.daemon.spawn();
    world.work.commit("two");
    assert_eq!(world.work.push(["HEAD:refs/heads/feature/y"]).verdict(), Verdict::Permitted);
    assert_eq!(fs::read_dir(&spool).unwrap().count(), 0);
    let applied = world.applied();
    let of = |name: &str| applied.iter().find(|(known, _)| known == name).unwrap().1.clone().unwrap();
    assert_eq!(of("refs/heads/feature/x"), world.daemon.audit().permitted_while_unavailable()[0].spool);
    assert_eq!(of("refs/heads/feature/y"), world.daemon.audit().last_decision().decision.decision);
    assert!(!world.status().contains("without a decision"));
}

#[test]
fn nobody_is_bothered_with_a_report_that_waits_and_everybody_with_one_that_is_lost() {
    let mut world = started();
    world.daemon.kill();
    world.repository.without_hook(|| {
        let output = world.work.push(["HEAD:refs/heads/main"]);
        assert!(output.accepted());
        assert!(output.remote().contains("Your push is in. Bitbucket OAM could not note that"), "{output:?}");
    });
}

#[test]
fn told_to_report_where_it_should_check_it_lets_nothing_in() {
    let world = started();
    let script = world.repository.folder().join("wrong");
    let hook = world.repository.hook();
    let config = world.repository.path().join("hooks/oam-hook.toml");
    let run = format!(
        "#!/bin/sh\nexec {} --config {} applied\n",
        binaries::path("oam-hook").display(),
        config.display()
    );
    fs::write(&script, run).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, executable).unwrap();
    fs::remove_file(&hook).unwrap();
    world.repository.install(&script);
    let output = world.work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
    assert_eq!(world.repository.tip("refs/heads/main"), None);
}

#[test]
fn bitbucket_registers_it_with_type_post() {
    let world = started();
    let bitbucket = Bitbucket::serving(&world.repository, &HookConfig::of(&world.daemon));
    world.repository.without_hook(|| assert!(world.work.push(["HEAD:refs/heads/main"]).accepted()));
    let new = world.repository.tip("refs/heads/main").unwrap();
    let trigger = Trigger::Push(vec![RefLine::new(ZERO, &new, "refs/heads/feature/x")]);
    assert_eq!(bitbucket.asking("alice", &trigger).run().code, 0);
    let permitted = world.daemon.audit().last_decision().decision.decision;
    let reported = bitbucket.asking("alice", &trigger).set("BB_HOOK_TYPE", "POST").run();
    assert!(reported.code == 0 && reported.stderr_text().is_empty(), "{reported:?}");
    assert_eq!(world.applied()[1..], [("refs/heads/feature/x".to_owned(), Some(permitted))]);
}
