use oam_cli::exit::Exit;
use tonic::Code;

use super::{Daemon, Scene};

const POLICY: &str = "version = 1\n";

#[tokio::test]
async fn every_answer_is_json_when_asked() {
    let scene = Scene::start(Daemon::default());
    let policy = scene.write("policy.toml", POLICY);
    for arguments in [
        &["status"][..],
        &["snapshot", "history"],
        &["snapshot", "diff", "1", "2"],
        &["snapshot", "rollback", "1", "--reason", "r"],
        &["user", "show", "ada"],
        &["user", "deactivate", "ada", "--reason", "r"],
        &["user", "reactivate", "ada", "--reason", "r"],
        &["policy", "check", &policy],
        &["policy", "check", "--offline", &policy],
        &["policy", "apply", &policy, "--reason", "r"],
        &["policy", "show"],
        &["policy", "history"],
        &["policy", "rollback", "c0ffee", "--reason", "r"],
    ] {
        let json = [arguments, &["--json"]].concat();
        let ended = scene.oam(&json).await.with(Exit::Ok);
        assert!(ended.json().is_object() && ended.err.is_empty(), "{ended:#?}");
        let people = scene.oam(arguments).await.with(Exit::Ok);
        assert!(people.out.ends_with('\n') && !people.out.contains('\u{1b}'), "{people:#?}");
    }
}

#[tokio::test]
async fn what_was_given_is_what_is_asked() {
    let scene = Scene::start(Daemon::default());
    scene.oam(&["user", "deactivate", "eve", "--reason", " left ", "--even-if-unknown"]).await.with(Exit::Ok);
    scene.oam(&["snapshot", "rollback", "7", "--reason", "r", "--reactivate"]).await.with(Exit::Ok);
    scene
        .oam(&["explain", "ada", "PAY/api", "refs/heads/main", "force", "--at", "2026-12-24T08:00:00Z"])
        .await
        .with(Exit::No);
    insta::assert_snapshot!(scene.daemon.asked().join("\n"), @r#"
    DeactivateUserRequest { username: "eve", reason: "left", even_if_unknown: true }
    RollBackSnapshotRequest { generation: 7, reason: "r", reactivate: true }
    ExplainRequest { username: "ada", repository: "PAY/api", r#ref: [114, 101, 102, 115, 47, 104, 101, 97, 100, 115, 47, 109, 97, 105, 110], verb: "force", at_micros: 1798099200000000 }
    "#);
}

#[tokio::test]
async fn explain_tells_yes_no_and_cannot_say_apart() {
    let question = |user| ["explain", user, "PAY/api", "refs/heads/main", "update"];
    let scene = Scene::start(Daemon { permits: "ada", ..Daemon::default() });
    scene.oam(&question("ada")).await.with(Exit::Ok);
    scene.oam(&question("eve")).await.with(Exit::No);
    let empty = Scene::start(Daemon { empty: true, ..Daemon::default() });
    empty.oam(&question("ada")).await.with(Exit::Undecided);
    empty.oam(&["status"]).await.with(Exit::Undecided);
    let json = scene.oam(&[&question("eve")[..], &["--json"]].concat()).await.json();
    assert_eq!((json["outcome"].as_str(), json["ref"].as_str()), (Some("refused"), Some("refs/heads/main")));
}

#[tokio::test]
async fn the_command_line_is_checked_before_anything_is_asked() {
    let scene = Scene::start(Daemon::default());
    for (arguments, says) in [
        (&["explain", "ada", "PAY/api", "main", "update"][..], "refs/heads/main"),
        (&["explain", "ada", "api", "refs/heads/main", "update"], "PROJECT/slug"),
        (&["explain", "ada", "PAY/api", "refs/heads/main", "read"], "create"),
        (&["user", "deactivate", "ada"], "--reason"),
        (&["user", "deactivate", "ada", "--reason", " "], "audit log"),
        (&["user", "reactivate", "ada"], "--reason"),
        (&["snapshot", "rollback", "3"], "--reason"),
        (&["policy", "apply", "."], "--reason"),
        (&["policy", "rollback", "c0ffee"], "--reason"),
        (&["policy", "check", "."], "*.toml"),
    ] {
        let ended = scene.oam(arguments).await.with(Exit::Usage);
        assert!(ended.err.contains(says), "{says}: {ended:#?}");
    }
    assert_eq!(scene.daemon.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn faults_of_a_policy_are_a_no() {
    let scene = Scene::start(Daemon { finds_faults: true, ..Daemon::default() });
    let policy = scene.write("policy.toml", POLICY);
    scene.oam(&["policy", "check", &policy]).await.with(Exit::No);
    let ended = scene.oam(&["policy", "apply", &policy, "--reason", "r"]).await.with(Exit::No);
    assert!(ended.out.contains("stays as it is"), "{ended:#?}");
    let wrong = scene.write("wrong.toml", "version = 1\n[[grnat]]\n");
    let ended = scene.oam(&["policy", "check", "--offline", &wrong]).await.with(Exit::No);
    assert!(ended.out.contains("wrong.toml:2:3") && ended.out.contains("^^^^^"), "{ended:#?}");
}

#[tokio::test]
async fn a_daemon_that_says_no_is_told_from_one_that_fails() {
    for (code, exit) in [
        (Code::NotFound, Exit::No),
        (Code::FailedPrecondition, Exit::No),
        (Code::Internal, Exit::Undecided),
        (Code::Unavailable, Exit::Unreachable),
        (Code::PermissionDenied, Exit::NotAllowed),
    ] {
        let scene = Scene::start(Daemon { fails: Some(code), ..Daemon::default() });
        let ended = scene.oam(&["user", "show", "ada"]).await.with(exit);
        assert!(ended.out.is_empty() && ended.err.contains("the daemon says \\x1b[2Jno"), "{ended:#?}");
        let json = scene.oam(&["user", "show", "ada", "--json"]).await.with(exit);
        let error: serde_json::Value = serde_json::from_str(&json.err).unwrap();
        assert_eq!(error["exit"].as_u64(), Some(exit.code().into()));
        assert_eq!(error["error"].as_str(), Some("the daemon says \u{1b}[2Jno"));
    }
}
