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
        &["policy", "test", &policy],
        &["policy", "test", "--offline", &policy],
        &["policy", "apply", &policy, "--reason", "r"],
        &["policy", "show"],
        &["policy", "history"],
        &["policy", "rollback", "c0ffee", "--reason", "r"],
        &["policy", "proposals"],
        &["policy", "approve", "c0ffee", "--reason", "r"],
        &["policy", "withdraw", "c0ffee", "--reason", "r"],
        &["grant", "list"],
        &["grant", "show", "7k2m9x"],
        &["grant", "approve", "7k2m9x"],
        &["grant", "deny", "7k2m9x", "--reason", "r"],
        &["grant", "revoke", "7k2m9x", "--reason", "r"],
        &["breakglass", "report", "7k2m9x"],
        &["breakglass", "sign-off", "7k2m9x", "--reason", "r"],
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
    ExplainRequest { username: "ada", repository: "PAY/api", r#ref: [114, 101, 102, 115, 47, 104, 101, 97, 100, 115, 47, 109, 97, 105, 110], verb: "force", at_micros: 1798099200000000, roles: [], policy: [], generation: 0, channel: "push", circumstances: Some(Circumstances { paths_given: false, paths: [], approved_by: [], waivers: [], commit_flaws: [], commits: None, tag: "signed", commit_message: None, commit_blob: 0 }) }
    "#);
    let question = ["explain", "ada", "PAY/api", "refs/heads/main", "update"];
    let said = ["--message", "A-1 fix", "--blob", "7"];
    scene.oam(&[&question[..], &said].concat()).await.with(Exit::No);
    let asked = scene.daemon.asked().join("\n");
    assert!(asked.contains(r#"commit_message: Some("A-1 fix"), commit_blob: 7"#), "{asked}");
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
        (&["policy", "approve", "c0ffee"], "--reason"),
        (&["policy", "withdraw", "c0ffee"], "--reason"),
        (&["policy", "check", "."], "*.toml"),
        (&["grant", "approve", "7K"], "letters and digits"),
        (&["grant", "deny", "7k2m9x"], "--reason"),
        (&["grant", "request", "--role", "r", "--on", "A/b", "--refs", "refs/heads/x", "--for", "5"], "30m"),
        (&["breakglass"], "RULE"),
        (&["breakglass", "freeze"], "--on"),
        (&["breakglass", "sign-off", "7k2m9x"], "--reason"),
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
    scene.oam(&["policy", "test", &policy]).await.with(Exit::No);
    let test = "version = 1\n[[test]]\nas = []\npush = \"create PAY/api refs/heads/x\"\nexpect = ";
    let passes = scene.write("passes.toml", format!("{test}\"refused:no-grant\"\n"));
    let ended = scene.oam(&["policy", "test", "--offline", &passes]).await.with(Exit::Ok);
    assert!(ended.out.contains("1 test passed"), "{ended:#?}");
    let fails = scene.write("fails.toml", format!("{test}\"permitted\"\n"));
    let ended = scene.oam(&["policy", "test", "--offline", &fails]).await.with(Exit::No);
    assert!(ended.out.contains("fails.toml:2:1") && ended.out.contains("1 failed"), "{ended:#?}");
    scene.oam(&["policy", "check", "--offline", &fails]).await.with(Exit::No);
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

#[tokio::test]
async fn a_policy_diff_is_all_faulty_or_cut_off() {
    let scene = Scene::start(Daemon::default());
    let policy = scene.write("policy.toml", POLICY);
    let ended = scene.oam(&["policy", "diff", &policy, "--old", "beef", "--json"]).await.with(Exit::Ok);
    let lines: Vec<serde_json::Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["effect"].as_str(), lines[1]["exact"].as_bool()), (Some("loses"), Some(true)));
    assert!(scene.daemon.asked()[0].contains("old: \"beef\""));
    scene.oam(&["policy", "diff", "--new", "beef"]).await.with(Exit::Ok);
    scene.oam(&["policy", "diff"]).await.with(Exit::Usage);

    let faulty = Scene::start(Daemon { finds_faults: true, ..Daemon::default() });
    let policy = faulty.write("policy.toml", POLICY);
    faulty.oam(&["policy", "diff", &policy]).await.with(Exit::No);

    let cut_off = Scene::start(Daemon { empty: true, ..Daemon::default() });
    let policy = cut_off.write("policy.toml", POLICY);
    cut_off.oam(&["policy", "diff", &policy]).await.with(Exit::Undecided);
}

#[tokio::test]
async fn what_waits_is_neither_done_nor_refused() {
    let scene = Scene::start(Daemon::default());
    let ended = scene.oam(&["policy", "approve", "beef", "--reason", "r"]).await.with(Exit::Waits);
    assert!(
        ended.out.contains("not in force") && ended.out.contains("oam policy approve beef"),
        "{ended:#?}"
    );
    let json =
        scene.oam(&["policy", "approve", "beef", "--reason", "r", "--json"]).await.with(Exit::Waits).json();
    assert_eq!((json["changed"].as_bool(), json["proposal"]["needed"].as_u64()), (Some(false), Some(2)));
    scene.oam(&["policy", "approve", "c0ffee", "--reason", "r"]).await.with(Exit::Ok);
}

#[tokio::test]
async fn what_is_asked_for_waits_for_others() {
    let scene = Scene::start(Daemon::default());
    let place = ["--on", "PAY/api", "--refs", "refs/heads/main", "--for", "1h 30m", "--reason", " INC-1 "];
    let grant = [&["grant", "request", "--role", "lead"][..], &place[..]].concat();
    let ended = scene.oam(&grant).await.with(Exit::Waits);
    assert!(ended.out.contains("waits for 1 more approval"), "{ended:#?}");
    assert!(ended.out.contains("oam grant approve 7k2m9x"), "{ended:#?}");
    let glass = [&["breakglass", "freeze", "reviewed"][..], &place[..], &["--json"]].concat();
    assert_eq!(scene.oam(&glass).await.with(Exit::Waits).json()["stage"], "waiting");
    let asked = scene.daemon.asked();
    assert!(asked[0].contains("seconds: 5400, reason: \"INC-1\", wanted: Some(Role(\"lead\"))"), "{asked:?}");
    assert!(
        asked[1].contains(r#"wanted: Some(Lift(RulesToLift { rules: ["freeze", "reviewed"] }))"#),
        "{asked:?}"
    );
}
