//! The policy changes under a running daemon.

use oam_audit::entry::Event;
use oam_tests::{BareRepo, Daemon, Verdict, WorkingCopy, sample, wait};

fn started() -> (Daemon, BareRepo, WorkingCopy) {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Refused);
    (daemon, repository, work)
}

/// The sample policy with one more right for developers.
fn wider() -> String {
    sample::POLICY.replace(
        r#"refs  = ["refs/heads/feature/**", "#,
        r#"refs  = ["refs/heads/feature/**", "refs/heads/release/**", "#,
    )
}

fn policies_in_force(daemon: &Daemon) -> usize {
    let entries = daemon.audit().entries;
    entries.iter().filter(|entry| matches!(entry.event, Event::PolicyChanged(_))).count()
}

#[test]
fn a_changed_file_is_in_force_without_a_word() {
    let (daemon, _repository, work) = started();
    let before = policies_in_force(&daemon);
    daemon.write_policy(&wider());
    wait::until("the new policy is in force", || (policies_in_force(&daemon) > before).then_some(()));
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Permitted);
}

#[test]
fn a_new_file_in_the_folder_counts_too() {
    let (daemon, _repository, work) = started();
    let before = policies_in_force(&daemon);
    let more = "version = 1\n[[block]]\nid = \"freeze\"\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\n\
                verbs = [\"create\"]\nhelp = \"Nothing new today.\"\n";
    std::fs::write(daemon.policy_folder().join("freeze.toml"), more).unwrap();
    wait::until("the new file is in force", || (policies_in_force(&daemon) > before).then_some(()));
    let output = work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Refused);
    assert!(output.remote().contains("Nothing new today."), "{output:?}");
}

#[test]
fn a_hangup_reads_it_again() {
    let (daemon, _repository, work) = started();
    let before = policies_in_force(&daemon);
    daemon.write_policy(&wider());
    daemon.reload();
    wait::until("the new policy is in force", || (policies_in_force(&daemon) > before).then_some(()));
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Permitted);
    // Reading again what is in force changes nothing, and the daemon lives.
    daemon.reload();
    assert_eq!(work.push(["HEAD:refs/heads/release/2"]).verdict(), Verdict::Permitted);
}

#[test]
fn a_faulty_policy_is_refused_and_the_old_one_stays() {
    let (mut daemon, _repository, work) = started();
    let before = policies_in_force(&daemon);
    let faulty = wider().replace("verbs = [\"create\"]", "verbs = [\"creat\"]");
    daemon.write_policy(&faulty);
    let status = wait::until("the fault is in the status", || {
        let status = daemon.oam(["status"]);
        (status.stdout_text() + &status.stderr_text()).contains("creat").then_some(status)
    });
    let said = status.stdout_text() + &status.stderr_text();
    assert!(said.contains("policy.toml"), "the fault has a place: {status:?}");
    assert_eq!(policies_in_force(&daemon), before);
    let rejected = daemon.audit().entries.iter().any(|entry| matches!(entry.event, Event::PolicyRejected(_)));
    assert!(rejected, "the refusal is recorded");
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Refused);
    assert_eq!(work.push(["HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted);

    // A restart does not make a faulty policy a good one: the last good one stays, and the fault is still told.
    daemon.kill();
    daemon.spawn();
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Refused);
    assert_eq!(work.push(["HEAD:refs/heads/feature/y"]).verdict(), Verdict::Permitted);
    let status = daemon.oam(["status"]);
    assert!((status.stdout_text() + &status.stderr_text()).contains("creat"), "{status:?}");

    // Mended, it is taken.
    daemon.write_policy(&wider());
    wait::until("the mended policy is in force", || {
        (work.push(["HEAD:refs/heads/release/1"]).verdict() == Verdict::Permitted).then_some(())
    });
}

#[test]
fn oam_explains_what_a_push_then_meets() {
    let (daemon, _repository, work) = started();
    let explain = |user: &str, name: &str, verb: &str| daemon.oam(["explain", user, "DEMO/app", name, verb]);
    let permitted = explain("alice", "refs/heads/feature/x", "create");
    assert_eq!(permitted.code, 0, "{permitted:?}");
    assert!(permitted.stdout_text().contains("topic-branches"), "{permitted:?}");
    assert_eq!(work.push(["HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted);
    assert_eq!(explain("alice", "refs/heads/release/1", "create").code, 1);
    assert_eq!(explain("eve", "refs/heads/feature/x", "create").code, 1);
}

/// Whoever opens a pipe to read waits for one who writes: nobody here does.
#[test]
fn a_pipe_among_the_files_holds_up_nobody() {
    let (mut daemon, _repository, work) = started();
    nix::unistd::mkfifo(&daemon.policy_folder().join("z.toml"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    wait::until("the pipe is told", || {
        let status = daemon.oam(["status"]);
        (status.stdout_text() + &status.stderr_text()).contains("z.toml").then_some(())
    });
    assert_eq!(work.push(["HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted);
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Refused);
    let begin = std::time::Instant::now();
    daemon.stop();
    assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{:?}", begin.elapsed());
}
