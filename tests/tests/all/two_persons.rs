//! A policy that wants the approval of others, with real users of the host.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
};

use oam_audit::entry::{Event, PolicyOrigin, WithdrawnCause};
use oam_tests::{BareRepo, Daemon, Finished, Run, Verdict, binaries, daemon::Setup, sample, wait};

const ALICE: u32 = 12_301;
const BOB: u32 = 12_302;
const MALLORY: u32 = 12_303;

/// The sample policy, which another may follow only with one approval.
fn guarded() -> String {
    format!("{}\n[change]\napprovals = 1\n", sample::POLICY)
}

/// The same, with one more right for developers.
fn wider() -> String {
    guarded().replace(
        r#"refs  = ["refs/heads/feature/**", "#,
        r#"refs  = ["refs/heads/feature/**", "refs/heads/release/**", "#,
    )
}

/// A daemon that keeps its policy itself, and that two users besides root may administer. `None`: only root can become
/// somebody else.
fn administered() -> Option<Daemon> {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: administering as another user: only root can become one");
        return None;
    }
    let admins = format!("[admin]\nuids = [{ALICE}, {BOB}]\n");
    let mut daemon = Daemon::start_with(&Setup { policy: guarded(), ..Setup::default() });
    daemon.stop();
    daemon.write_config(&admins);
    let config = fs::read_to_string(daemon.config_file()).unwrap();
    let own: String =
        config.lines().filter(|line| !line.starts_with("path = ")).map(|line| format!("{line}\n")).collect();
    fs::write(daemon.config_file(), own).unwrap();
    daemon.spawn();
    fs::set_permissions(daemon.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(binaries::path("oam"), daemon.folder().join("oam")).unwrap();
    fs::write(daemon.folder().join("wider.toml"), wider()).unwrap();
    Some(daemon)
}

fn oam_as(uid: u32, daemon: &Daemon, arguments: &[&str]) -> Finished {
    let mut oam = Command::new(daemon.folder().join("oam"));
    oam.current_dir(daemon.folder()).env_clear().arg("--socket").arg(daemon.admin_socket()).args(arguments);
    oam.uid(uid).gid(uid).run()
}

fn events(daemon: &Daemon) -> Vec<Event> {
    daemon.audit().entries.into_iter().map(|entry| entry.event).collect()
}

/// The digest of the only policy that waits.
fn waiting(daemon: &Daemon) -> String {
    let list = daemon.oam(["policy", "proposals", "--json"]).expect_success("oam policy proposals");
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list["proposals"].as_array().unwrap().len(), 1, "{list}");
    list["proposals"][0]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn one_proposes_and_another_approves() {
    let Some(mut daemon) = administered() else { return };
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let push = || work.push(["HEAD:refs/heads/release/1"]).verdict();

    let proposed = oam_as(ALICE, &daemon, &["policy", "apply", "wider.toml", "--reason", "releases"]);
    assert_eq!(proposed.code, 6, "{proposed:?}");
    assert!(proposed.stdout_text().contains("not in force: it needs 1 more approval"), "{proposed:?}");
    assert_eq!(push(), Verdict::Refused);
    let digest = waiting(&daemon);
    let approve =
        |daemon: &Daemon, uid| oam_as(uid, daemon, &["policy", "approve", &digest, "--reason", "seen"]);
    let own = approve(&daemon, ALICE);
    assert!(own.code == 1 && own.stderr_text().contains("somebody else must approve"), "{own:?}");
    assert_eq!(approve(&daemon, MALLORY).code, 5);
    let status = daemon.oam(["status"]).stdout_text();
    assert!(status.contains("waits for 1 more approval"), "{status}");

    daemon.kill();
    daemon.spawn();
    assert_eq!(push(), Verdict::Refused);
    let diff = oam_as(BOB, &daemon, &["policy", "diff", "--new", &digest]).expect_success("oam policy diff");
    assert!(diff.stdout_text().contains("refs/heads/release/**"), "{diff:?}");
    approve(&daemon, BOB).expect_success("oam policy approve");
    assert_eq!(push(), Verdict::Permitted);
    let kept = fs::read_to_string(daemon.state().join("policy/wider.toml")).unwrap();
    assert_eq!(kept, wider());

    daemon.stop();
    let told = events(&daemon);
    let author = format!("uid {ALICE}");
    let proposal = told.iter().find_map(|event| match event {
        Event::PolicyProposed(proposed) => Some(proposed),
        _ => None,
    });
    let proposal = proposal.unwrap();
    assert_eq!((&proposal.author, proposal.origin, proposal.needed), (&author, PolicyOrigin::Apply, 1));
    let diff = proposal.diff.as_ref().unwrap();
    assert!(diff.exact && diff.changes > 0 && diff.first[0].contains("refs/heads/release/"), "{diff:?}");
    assert!(
        told.iter()
            .any(|event| matches!(event, Event::PolicyApproved(one) if one.by == format!("uid {BOB}")))
    );
    let changed = told.iter().any(|event| {
        matches!(event, Event::PolicyChanged(one)
            if one.digest == digest && one.author == author && one.approved_by == [format!("uid {BOB}")])
    });
    assert!(changed, "{told:?}");
}

#[test]
fn going_back_takes_two_as_well_and_either_may_say_no() {
    let Some(daemon) = administered() else { return };
    oam_as(ALICE, &daemon, &["policy", "apply", "wider.toml", "--reason", "releases"]);
    let first = waiting(&daemon);
    oam_as(BOB, &daemon, &["policy", "approve", &first, "--reason", "seen"])
        .expect_success("oam policy approve");
    let history = daemon.oam(["policy", "history", "--json"]);
    let history: serde_json::Value = serde_json::from_slice(&history.stdout).unwrap();
    let before = history["policies"][1]["digest"].as_str().unwrap();
    assert_eq!(oam_as(BOB, &daemon, &["policy", "rollback", before, "--reason", "no"]).code, 6);
    assert_eq!(waiting(&daemon), before);
    oam_as(ALICE, &daemon, &["policy", "withdraw", before, "--reason", "we need it"])
        .expect_success("withdraw");
    assert_eq!(oam_as(ALICE, &daemon, &["policy", "approve", before, "--reason", "yes"]).code, 1);
    let withdrawn = events(&daemon).into_iter().any(|event| {
        matches!(event, Event::PolicyWithdrawn(one) if one.cause == WithdrawnCause::Withdrawn && one.by == format!("uid {ALICE}"))
    });
    assert!(withdrawn);
}

#[test]
fn followed_files_wait_whatever_is_done_to_the_daemon() {
    let mut daemon = Daemon::start_with(&Setup { policy: guarded(), ..Setup::default() });
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let push = |name: &str| work.push([format!("HEAD:refs/heads/release/{name}").as_str()]).verdict();
    daemon.write_policy(&wider());
    let waits = |daemon: &Daemon| {
        let status = daemon.oam(["status"]).stdout_text();
        status.contains("proposed by `files`, is not in force").then_some(())
    };
    wait::until("the changed files wait", || waits(&daemon));
    daemon.reload();
    assert_eq!(push("1"), Verdict::Refused);
    daemon.kill();
    daemon.spawn();
    waits(&daemon).expect("they wait after a restart");
    assert_eq!(push("1"), Verdict::Refused);
    let digest = waiting(&daemon);
    daemon.oam(["policy", "approve", &digest, "--reason", "seen"]).expect_success("oam policy approve");
    assert_eq!(push("1"), Verdict::Permitted);
    assert!(waits(&daemon).is_none());
}

#[test]
fn whoever_raises_the_number_is_warned() {
    let daemon = Daemon::start();
    fs::write(daemon.folder().join("guarded.toml"), guarded()).unwrap();
    let checked = daemon.oam(["policy", "check", "guarded.toml"]).expect_success("oam policy check");
    let said = checked.stdout_text();
    assert!(said.contains("raises `approvals` from 0 to 1"), "{said}");
    assert!(
        said.contains("nobody could change the policy any more"),
        "one user administers this daemon: {said}"
    );
    daemon.write_policy(&guarded());
    wait::until("it is in force", || {
        daemon.oam(["status"]).stdout_text().contains("needs 1 approval by others").then_some(())
    });
    let again = daemon.oam(["policy", "check", "guarded.toml"]).stdout_text();
    assert!(!again.contains("raises"), "{again}");
}
