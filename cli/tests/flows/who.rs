use oam_cli::exit::Exit;
use oam_proto::v1::{self, who_response::Step};

use super::{Scene, admin::Daemon};

const QUESTION: [&str; 4] = ["who", "PAY/api", "refs/heads/main", "update"];

/// What a daemon answers: two people by one grant, in two messages, and a service by another.
pub(crate) fn answer(daemon: &Daemon, drafted: bool) -> Vec<v1::WhoResponse> {
    let fault = v1::Fault { message: "it is wrong".into(), ..v1::Fault::default() };
    let reason =
        v1::Reason { code: "policy-missing".into(), summary: "No policy.".into(), ..Default::default() };
    let can = |grant: &str, total, username: &str, service| {
        let principals = vec![v1::WhoPrincipal { username: username.into(), service }];
        Step::Can(v1::WhoCan {
            grant: grant.into(),
            role: "developer".into(),
            total,
            principals,
            privilege: String::new(),
        })
    };
    let steps = if drafted && daemon.finds_faults {
        vec![Step::Faults(v1::Faults { faults: vec![fault], total: 1 })]
    } else if daemon.empty {
        let commit_taken = !daemon.old;
        vec![Step::Opening(v1::WhoOpening { undecided: vec![reason], commit_taken, ..Default::default() })]
    } else {
        let stopped = v1::WhoStopped {
            grant: "main".into(),
            role: "auditor".into(),
            rules: vec!["freeze".into()],
            count: 3,
        };
        let commit_taken = !daemon.old;
        let opening = v1::WhoOpening { users: 2, services: 1, commit_taken, ..Default::default() };
        let all = [
            Step::Opening(opening),
            can("main", 2, "ada", false),
            can("main", 2, "eve", false),
            can("topic", 1, "svc-ci", true),
            Step::Stopped(stopped),
        ];
        // A daemon that goes away in the middle.
        let come = if daemon.permits == "half" { 2 } else { all.len() };
        all.into_iter().take(come).collect()
    };
    steps.into_iter().map(|step| v1::WhoResponse { step: Some(step) }).collect()
}

#[tokio::test]
async fn people_are_told_by_grant_and_programs_line_by_line() {
    let scene = Scene::start(Daemon::default());
    insta::assert_snapshot!(scene.oam(&QUESTION).await.with(Exit::Ok).out, @"
    2 users and 1 service principal can update `refs/heads/main` in PAY/api
      policy     none
      directory  none

    By the grant `main`, through the role `developer`: 2
      ada
      eve

    By the grant `topic`, through the role `developer`: 1
      svc-ci (service)

    These could, and a rule stops them:
    GRANT  ROLE     STOPPED BY  PEOPLE
    main   auditor  freeze      3
    ");
    let json = scene.oam(&[&QUESTION[..], &["--json"]].concat()).await.with(Exit::Ok);
    insta::assert_snapshot!(json.out, @r#"
    {"item":"count","users":2,"services":1,"repository":"PAY/api","ref":"refs/heads/main","verb":"update","policy":null,"snapshot":null,"unclear":0,"unclear_for_want_of":null,"undecided":0,"undecided_because":[],"supposing":[]}
    {"item":"can","username":"ada","kind":"user","grant":"main","role":"developer","privilege":null}
    {"item":"can","username":"eve","kind":"user","grant":"main","role":"developer","privilege":null}
    {"item":"can","username":"svc-ci","kind":"service","grant":"topic","role":"developer","privilege":null}
    {"item":"stopped","grant":"main","role":"auditor","rules":["freeze"],"count":3}
    "#);
}

/// What it answers is not about what was asked, and is not told.
#[tokio::test]
async fn a_daemon_that_does_not_hear_of_a_commit_answers_nothing() {
    let explain = ["explain", "ada", "PAY/api", "refs/heads/main", "update"];
    for question in [&explain[..], &QUESTION] {
        for said in [["--message", "bad"], ["--blob", "7"]] {
            let asked = [question, &said[..]].concat();
            Scene::start(Daemon { permits: "ada", ..Daemon::default() }).oam(&asked).await.with(Exit::Ok);
            let old = Scene::start(Daemon { old: true, permits: "ada", ..Daemon::default() });
            let ended = old.oam(&asked).await.with(Exit::Undecided);
            assert!(ended.out.is_empty() && ended.err.contains("`oam status`"), "{ended:#?}");
            old.oam(question).await.with(Exit::Ok);
        }
    }
}

#[tokio::test]
async fn nobody_and_not_known_are_told_apart() {
    let empty = Scene::start(Daemon { empty: true, ..Daemon::default() });
    let ended = empty.oam(&QUESTION).await.with(Exit::Undecided);
    assert!(
        ended.out.starts_with("undecided: who can update") && ended.out.contains("No policy."),
        "{ended:#?}"
    );
    let half = Scene::start(Daemon { permits: "half", ..Daemon::default() });
    half.oam(&QUESTION).await.with(Exit::Undecided);
}

#[tokio::test]
async fn a_draft_is_sent_along_and_its_faults_are_a_no() {
    let scene = Scene::start(Daemon { finds_faults: true, ..Daemon::default() });
    let draft = scene.write("draft.toml", "version = 1\n");
    let with = ["--policy", &draft, "--snapshot", "7", "--channel", "merge", "--at", "2026-12-24T08:00:00Z"];
    let ended = scene.oam(&[&QUESTION[..], &with].concat()).await.with(Exit::No);
    assert!(ended.out.contains("it is wrong"), "{ended:#?}");
    let json = scene.oam(&[&QUESTION[..], &with, &["--json"]].concat()).await.with(Exit::No).json();
    assert_eq!(json["faults"][0]["message"], "it is wrong");
    let asked = scene.daemon.asked();
    insta::assert_snapshot!(asked[0], @r#"WhoRequest { repository: "PAY/api", r#ref: [114, 101, 102, 115, 47, 104, 101, 97, 100, 115, 47, 109, 97, 105, 110], verb: "update", at_micros: 1798099200000000, policy: [PolicyFile { name: "draft.toml", text: "version = 1\n" }], generation: 7, channel: "merge", circumstances: Some(Circumstances { paths_given: false, paths: [], approved_by: [], waivers: [], commit_flaws: [], commits: None, tag: "signed", commit_message: None, commit_blob: 0 }) }"#);
    scene.oam(&[&QUESTION[..], &["--policy", "missing"]].concat()).await.with(Exit::Usage);
}

#[tokio::test]
async fn explain_by_roles_asks_about_nobody_in_particular() {
    let scene = Scene::start(Daemon { finds_faults: true, permits: "ada", ..Daemon::default() });
    let draft = scene.write("draft.toml", "version = 1\n");
    let question = ["PAY/api", "refs/heads/main", "update"];
    let by_roles = [&["explain", "--as", "developer,auditor"], &question[..]].concat();
    scene.oam(&by_roles).await.with(Exit::No);
    insta::assert_snapshot!(scene.daemon.asked().join("\n"), @r#"ExplainRequest { username: "", repository: "PAY/api", r#ref: [114, 101, 102, 115, 47, 104, 101, 97, 100, 115, 47, 109, 97, 105, 110], verb: "update", at_micros: 0, roles: ["developer", "auditor"], policy: [], generation: 0, channel: "push", circumstances: Some(Circumstances { paths_given: false, paths: [], approved_by: [], waivers: [], commit_flaws: [], commits: None, tag: "signed", commit_message: None, commit_blob: 0 }) }"#);
    let ended = scene.oam(&[&by_roles[..], &["--policy", &draft]].concat()).await.with(Exit::No);
    assert!(ended.out.contains("it is wrong"), "{ended:#?}");
    for wrong in [
        &[&["explain", "ada", "--as", "developer"], &question[..]].concat()[..],
        &[&["explain"], &question[..]].concat(),
        &[&["explain", "ada", "--channel", "by-foot"], &question[..]].concat(),
        &[&["explain", "ada", "--snapshot", "0"], &question[..]].concat(),
    ] {
        scene.oam(wrong).await.with(Exit::Usage);
    }
}
