//! The real hook, as a process, against a daemon that follows a script.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    thread,
};

use common::{A, B, Script, Setting, Z, bitbucket, one_move, permit, refuse};
use oam_proto::v1;
use tonic::Code;

#[test]
fn permitted_and_silent() {
    let setting = Setting::plain();
    setting.serve("oam.sock", Script::Permit);
    setting
        .push(format!("{Z} {A} refs/heads/x\n{A} {B} refs/heads/y\n{B} {Z} refs/heads/z\n"))
        .assert_permitted();
    let heard = setting.heard();
    let opening = &heard.openings[0];
    assert_eq!((opening.repository.as_str(), opening.pusher.as_str()), ("PAY/api", "alice"));
    assert_eq!(opening.channel(), v1::Channel::Push);
    assert_eq!(opening.hook_version, env!("CARGO_PKG_VERSION"));
    assert!(!opening.host.is_empty());
    let names: Vec<_> = heard.updates.iter().map(|update| update.name.as_slice()).collect();
    assert_eq!(names, [b"refs/heads/x", b"refs/heads/y", b"refs/heads/z"]);
}

#[test]
fn a_daemon_that_is_at_work_is_waited_for() {
    let setting = Setting::plain();
    setting.serve("oam.sock", Script::WorkThenPermit);
    setting.push(one_move()).assert_permitted();
}

#[test]
fn refused_in_the_daemons_words() {
    let setting = Setting::plain();
    setting.serve("oam.sock", Script::Decide(refuse(0)));
    let ran = setting.push(one_move());
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.text, @r"
    Push refused by Bitbucket OAM.

      refs/heads/main
        No rule lets you. [no-grant]

    You are alice (no role) in PAY/api. Nothing was changed.
    Decision: 0192
    ");
}

#[test]
fn undecided_by_the_daemon_is_not_refused() {
    let setting = Setting::plain();
    let reason =
        v1::Reason { code: "policy-missing".into(), summary: "No policy.".into(), ..Default::default() };
    let outcome = v1::Outcome::Undecided as i32;
    setting.serve("oam.sock", Script::Decide(v1::Decision { outcome, reasons: vec![reason], ..permit(0) }));
    setting.push(one_move()).assert_undecided("No policy. [policy-missing]");
}

#[test]
fn a_big_push_goes_in_batches() {
    let setting = Setting::new("endpoints = [\"unix:DIR/oam.sock\"]\ndeadline = \"60s\"\n");
    setting.serve("oam.sock", Script::Permit);
    let text: String = (0..5_001).map(|index| format!("{Z} {A} refs/heads/{index}\n")).collect();
    setting.push(text).assert_permitted();
    let heard = setting.heard();
    assert_eq!((heard.updates.len(), heard.batches), (5_001, 3));
    assert_eq!(heard.updates[5_000].name, b"refs/heads/5000");
}

#[test]
fn what_is_no_decision_permits_nothing() {
    for (script, because) in [
        (Script::Decide(v1::Decision { outcome: 0, ..permit(0) }), "without an outcome"),
        (
            Script::Decide(v1::Decision { outcome: 77, ..permit(0) }),
            "outcome that this hook does not know (77)",
        ),
        (Script::Decide(v1::Decision { decision_id: String::new(), ..permit(0) }), "without an id"),
        (Script::Decide(v1::Decision { refs_not_permitted: 1, ..permit(0) }), "objected to it at once"),
        (Script::Decide(permit(7)), "decided on 7 refs, where 1 were asked about"),
        (Script::Decide(v1::Decision { refs: Vec::new(), ..refuse(0) }), "without a reason"),
        (Script::Empty, "a message that this hook does not know"),
        (Script::End, "ended the conversation without a decision"),
        (Script::Fail(Code::Internal), "answered with the error Internal: an \\x1b[31merror"),
        (Script::Fail(Code::PermissionDenied), "answered with the error PermissionDenied"),
        (Script::AskThen(vec![]), "asked for facts without saying which"),
        (Script::AskThen(vec![0, 0]), "asked for facts in no order"),
        (Script::AskThen(vec![5]), "the ancestry of update 5, which moves no ref"),
        (Script::AskForever, "again and again"),
    ] {
        let setting = Setting::plain();
        setting.serve("oam.sock", script);
        setting.push(one_move()).assert_undecided(because);
    }
}

#[test]
fn a_daemon_that_says_nothing_is_left_at_the_deadline() {
    let setting = Setting::new("endpoints = [\"unix:DIR/oam.sock\"]\ndeadline = \"300ms\"\n");
    setting.serve("oam.sock", Script::Hang);
    setting.push(one_move()).assert_undecided("no Bitbucket OAM daemon decided within 300 ms.");
}

#[test]
fn a_socket_that_nobody_serves_does_not_eat_the_deadline() {
    let setting =
        Setting::new("endpoints = [\"unix:DIR/mute.sock\", \"unix:DIR/oam.sock\"]\ndeadline = \"6s\"\n");
    // It takes connections into its backlog, and never a word.
    let _mute = UnixListener::bind(setting.path("mute.sock")).unwrap();
    fs::set_permissions(setting.path("mute.sock"), fs::Permissions::from_mode(0o600)).unwrap();
    setting.serve("oam.sock", Script::Permit);
    setting.push(one_move()).assert_permitted();
}

#[test]
fn nobody_there() {
    let setting = Setting::plain();
    setting.push(one_move()).assert_undecided("No such file or directory");
    drop(UnixListener::bind(setting.path("oam.sock")).unwrap());
    fs::set_permissions(setting.path("oam.sock"), fs::Permissions::from_mode(0o600)).unwrap();
    setting.push(one_move()).assert_undecided("Connection refused");
}

#[test]
fn the_next_endpoint_is_asked() {
    let two = "endpoints = [\"unix:DIR/first.sock\", \"unix:DIR/second.sock\"]\n";
    let absent = Setting::new(two);
    absent.serve("second.sock", Script::Permit);
    absent.push(one_move()).assert_permitted();

    let unavailable = Setting::new(two);
    unavailable.serve("first.sock", Script::Fail(Code::Unavailable));
    unavailable.serve("second.sock", Script::Permit);
    unavailable.push(one_move()).assert_permitted();
    assert_eq!(unavailable.heard().openings.len(), 2);

    // A refusal is an answer: nobody else is asked for a better one.
    let refused = Setting::new(two);
    refused.serve("first.sock", Script::Decide(refuse(0)));
    refused.serve("second.sock", Script::Permit);
    assert_eq!(refused.push(one_move()).code, 1);

    let broken = Setting::new(two);
    broken.serve("first.sock", Script::Fail(Code::Internal));
    broken.serve("second.sock", Script::Permit);
    broken.push(one_move()).assert_undecided("first.sock` answered with the error Internal");
}

#[test]
fn a_daemon_that_dies_in_the_middle_is_passed_over() {
    let setting =
        Setting::new("endpoints = [\"unix:DIR/first.sock\", \"unix:DIR/second.sock\"]\ndeadline = \"60s\"\n");
    // It takes the call and closes the connection.
    let dying = UnixListener::bind(setting.path("first.sock")).unwrap();
    fs::set_permissions(setting.path("first.sock"), fs::Permissions::from_mode(0o600)).unwrap();
    let dead = thread::spawn(move || {
        let (mut stream, _) = dying.accept().unwrap();
        let mut greeting = [0; 24];
        std::io::Read::read_exact(&mut stream, &mut greeting).unwrap();
    });
    setting.serve("second.sock", Script::Permit);
    setting.push(one_move()).assert_permitted();
    dead.join().unwrap();
}

#[test]
fn garbage_is_no_answer() {
    let setting = Setting::plain();
    let listener = UnixListener::bind(setting.path("oam.sock")).unwrap();
    fs::set_permissions(setting.path("oam.sock"), fs::Permissions::from_mode(0o600)).unwrap();
    let garbage = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = std::io::Write::write_all(&mut stream, &b"HTTP/1.1 200 OK\r\n\r\npermitted\n".repeat(20));
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
    });
    setting.push(one_move()).assert_undecided("Bitbucket OAM daemon");
    garbage.join().unwrap();
}

#[test]
fn a_socket_that_could_be_somebody_elses() {
    let setting = Setting::plain();
    setting.serve("oam.sock", Script::Permit);
    let mode =
        |mode| fs::set_permissions(setting.path("oam.sock"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o662);
    setting.push(one_move()).assert_undecided("not to be trusted: everybody can write it");
    mode(0o660);
    setting.push(one_move()).assert_permitted();
    fs::rename(setting.path("oam.sock"), setting.path("real.sock")).unwrap();
    std::os::unix::fs::symlink("real.sock", setting.path("oam.sock")).unwrap();
    setting.push(one_move()).assert_undecided("it is no socket");
    fs::remove_file(setting.path("oam.sock")).unwrap();
    fs::rename(setting.path("real.sock"), setting.path("oam.sock")).unwrap();
    // Only root can give files away.
    if std::os::unix::fs::chown(setting.path("oam.sock"), Some(4_242), None).is_ok() {
        setting.push(one_move()).assert_undecided("it belongs to user 4242");
        setting.configure("endpoints = [\"unix:DIR/oam.sock\"]\nsocket_owners = [4242]\n");
        setting.push(one_move()).assert_permitted();
    }
}

#[test]
fn bad_input_is_not_even_asked_about() {
    let setting = Setting::plain();
    setting.serve("oam.sock", Script::Permit);
    setting.push("").assert_undecided("git named no ref");
    setting.push("nonsense\u{1b}\n").assert_undecided("line 1 of what git sent is malformed");
    setting.push(format!("{}{A} {B} HEAD\n", one_move())).assert_undecided("line 2");
    setting.run(&[], one_move()).assert_undecided("none of the variables");
    setting
        .run_in(setting.folder.path(), &bitbucket(), &["x"], one_move())
        .assert_undecided("unknown argument `x`");
    let mut variables = bitbucket();
    variables.push(("GIT_NAMESPACE", "x"));
    setting.run(&variables, one_move()).assert_undecided("GIT_NAMESPACE");
    setting.configure("endpoint = 1\n");
    setting.push(one_move()).assert_undecided("unknown field `endpoint`");
    assert!(setting.heard().openings.is_empty());
}

#[test]
fn a_dry_run_reads_no_input() {
    let setting = Setting::plain();
    setting.serve("oam.sock", Script::Permit);
    let mut variables = bitbucket();
    variables.extend([
        ("BB_HOOK_TRIGGER_ID", "pull-request-merge"),
        ("BB_IS_DRY_RUN", "true"),
        ("BB_TO_REF", "main"),
        ("BB_TO_HASH", A),
        ("BB_FROM_HASH", B),
    ]);
    setting.run(&variables, "this is no push").assert_permitted();
    let heard = setting.heard();
    assert_eq!(heard.openings[0].channel(), v1::Channel::PullRequestDryRun);
    assert_eq!(heard.updates[0].name, b"refs/heads/main");
    assert!(matches!(heard.updates[0].change, Some(v1::ref_update::Change::Merge(_))));
}

#[test]
fn plain_mode_believes_no_bitbucket_variable() {
    let setting = Setting::new(
        "endpoints = [\"unix:DIR/oam.sock\"]\n[plain]\nprincipal_env = \"REMOTE_USER\"\nrepository = \"DEMO/app\"\n",
    );
    setting.serve("oam.sock", Script::Permit);
    let mut variables = bitbucket();
    setting.run(&variables, one_move()).assert_undecided("`REMOTE_USER` is not set");
    variables.push(("REMOTE_USER", "bob"));
    setting.run(&variables, one_move()).assert_permitted();
    let opening = &setting.heard().openings[0];
    assert_eq!((opening.repository.as_str(), opening.pusher.as_str()), ("DEMO/app", "bob"));
}

#[test]
fn version_and_help() {
    let setting = Setting::plain();
    let ran = setting.run_in(setting.folder.path(), &[], &["--version"], "");
    assert_eq!((ran.code, ran.output), (0, format!("oam-hook {}\n", env!("CARGO_PKG_VERSION"))));
    let ran = setting.run_in(setting.folder.path(), &[], &["--help"], "");
    assert!(ran.code == 0 && ran.output.contains("Usage: oam-hook"));
}
