use oam_cli::exit::Exit;
use oam_proto::v1::{self, ReplayBy, replay_policy_response::Step};

use super::{Scene, admin::Daemon};

const NOON: i64 = 1_795_454_474_000_000;

fn judgement(grant: &str, reasons: &[(&str, &str)]) -> Option<v1::ReplayJudgement> {
    let reason =
        |(code, rule): &(&str, &str)| v1::ReplayReason { code: (*code).into(), rule: (*rule).into() };
    let outcome = if reasons.is_empty() { "permitted" } else { "refused" };
    Some(v1::ReplayJudgement {
        outcome: outcome.into(),
        grant: grant.into(),
        waiver: String::new(),
        reasons: reasons.iter().map(reason).collect(),
    })
}

fn verdict(username: &str, directory_then: bool) -> v1::ReplayVerdict {
    v1::ReplayVerdict {
        decision: "019b0000-0000-7000-8000-000000000001".into(),
        at_micros: NOON,
        username: username.into(),
        repository: "PAY/api".into(),
        channel: "push".into(),
        r#ref: b"refs/heads/main".to_vec(),
        verb: "update".into(),
        effect: "newly-refused".into(),
        before: judgement("main", &[]),
        after: judgement("", &[("blocked", "freeze"), ("no-grant", "")]),
        generation: 12,
        directory_then,
        differs: Vec::new(),
    }
}

fn rule(kind: &str, id: &str, decided: u64) -> v1::RuleUse {
    let last_micros = if decided > 0 { NOON } else { 0 };
    v1::RuleUse { kind: kind.into(), id: id.into(), decided, last_micros, ..v1::RuleUse::default() }
}

/// What a daemon answers: two pushes that a draft refuses, unless nobody is permitted anything.
pub(crate) fn answer(daemon: &Daemon, asked: &v1::ReplayPolicyRequest) -> Vec<v1::ReplayPolicyResponse> {
    let fault = v1::Fault { message: "it is wrong".into(), ..v1::Fault::default() };
    let untold = |code: &str, doubt| v1::ReplayUntold {
        code: code.into(),
        why: format!("{code}, in words"),
        doubt,
        refs: 2,
        pushes: 1,
        examples: vec!["019b0000-0000-7000-8000-000000000009".into()],
    };
    let changes = daemon.permits != "nobody";
    let verdicts = [verdict("ada", true), verdict("eve", false)];
    let group = v1::ReplayGroup {
        effect: "newly-refused".into(),
        before: judgement("main", &[]),
        after: judgement("", &[("blocked", "freeze"), ("no-grant", "")]),
        refs: 7,
        pushes: 5,
        examples: verdicts.to_vec(),
    };
    let mut done = v1::ReplayDone {
        policy: "c0ffee00".repeat(8),
        in_force: "beef".repeat(16),
        in_force_since_micros: NOON,
        since_micros: NOON,
        pushes: 1_000,
        refs: 1_010,
        unchanged: 1_003,
        newly_refused: 7,
        pushes_changed: 5,
        by_directory_alone: 3,
        by_directory_then: 900,
        by_directory_now: 100,
        generation_now: 14,
        untold: vec![untold("ancestry-not-recorded", true), untold("undecided-then", false)],
        rules: vec![rule("role", "developer", 9), rule("grant", "main", 1_003), rule("block", "freeze", 0)],
        in_force_rules: vec![
            rule("role", "auditor", 0),
            rule("grant", "main", 1_010),
            rule("grant", "old", 0),
        ],
        in_force_rules_since_micros: NOON - 1,
        ..v1::ReplayDone::default()
    };
    if !changes {
        done = v1::ReplayDone {
            untold: done.untold.split_off(1),
            unchanged: 1_010,
            ..v1::ReplayDone::default()
        };
    }
    let each = if asked.each && changes { verdicts.map(Step::Verdict).to_vec() } else { Vec::new() };
    let groups =
        if changes && asked.by() == ReplayBy::Policy { vec![Step::Group(group)] } else { Vec::new() };
    let opening = Step::Opening(v1::ReplayOpening { entries: 9, ..v1::ReplayOpening::default() });
    let progress = Step::Progress(v1::ReplayProgress { entries: 3, total: 9 });
    let steps = if daemon.finds_faults {
        vec![Step::Faults(v1::Faults { faults: vec![fault], total: 1 })]
    } else {
        // A daemon that goes away before it has summed up.
        let end = if daemon.empty { vec![] } else { vec![Step::Done(done)] };
        [vec![opening, progress], each, groups, end].concat()
    };
    steps.into_iter().map(|step| v1::ReplayPolicyResponse { step: Some(step) }).collect()
}

#[tokio::test]
async fn verdicts_that_change_are_told_in_groups_and_are_a_no() {
    let scene = Scene::start(Daemon::default());
    let draft = scene.write("draft.toml", "version = 1\n");
    let ended = scene.oam(&["policy", "replay", &draft]).await.with(Exit::No);
    insta::assert_snapshot!(ended.out, @"
    newly refused: 7 refs in 5 pushes
        before  permitted by `main`
        after   refused: blocked by `freeze`, no-grant
        2026-11-23T17:21:14Z ada: update refs/heads/main in PAY/api (019b0000-0000-7000-8000-000000000001)
        2026-11-23T17:21:14Z eve: update refs/heads/main in PAY/api, by the directory of now (019b0000-0000-7000-8000-000000000001)
        and 5 more: see --all

    Decided again by policy c0ffee00c0ff, since 2026-11-23T17:21:14Z: 1,000 pushes, 1,010 refs
      unchanged  1,003 refs
      changed    7 newly refused; in 5 pushes
      not told   2 refs in 1 push: ancestry-not-recorded, in words, such as 019b0000-0000-7000-8000-000000000009
      left out   2 refs in 1 push: undecided-then, in words, such as 019b0000-0000-7000-8000-000000000009
      directory  that of then for 900 pushes, that of now (14) for 100 pushes; 3 refs come out otherwise for that alone, and are not counted as changed

    What its rules would have decided
    KIND   ID         DECIDED  WOULD HAVE  LAST
    grant  main       1,003    -           2026-11-23T17:21:14Z
    role   developer  9        -           2026-11-23T17:21:14Z
    Nothing would be decided by block `freeze`.

    Rules in force that decided nothing since 2026-11-23T17:21:13Z: grant `old`.
    Roles that nobody held who pushed: `auditor`.
    The policy is in force since 2026-11-23T17:21:14Z only; a rule may be as young.
    ");
    let all = scene.oam(&["policy", "replay", &draft, "--all"]).await.with(Exit::No);
    insta::assert_snapshot!(all.out.split_once("\nDecided").unwrap().0, @"
    newly refused: 2026-11-23T17:21:14Z ada: update refs/heads/main in PAY/api (019b0000-0000-7000-8000-000000000001)
        before  permitted by `main`
        after   refused: blocked by `freeze`, no-grant
    newly refused: 2026-11-23T17:21:14Z eve: update refs/heads/main in PAY/api, by the directory of now (019b0000-0000-7000-8000-000000000001)
        before  permitted by `main`
        after   refused: blocked by `freeze`, no-grant
    newly refused: 7 refs in 5 pushes
        before  permitted by `main`
        after   refused: blocked by `freeze`, no-grant
    ");
    let json = scene.oam(&["policy", "replay", &draft, "--all", "--json"]).await.with(Exit::No);
    insta::assert_snapshot!(json.out, @r#"
    {"item":"verdict","decision":"019b0000-0000-7000-8000-000000000001","time":"2026-11-23T17:21:14.000000Z","username":"ada","repository":"PAY/api","channel":"push","ref":"refs/heads/main","verb":"update","effect":"newly-refused","before":{"outcome":"permitted","grant":"main","waiver":null,"reasons":[]},"after":{"outcome":"refused","grant":null,"waiver":null,"reasons":[{"code":"blocked","rule":"freeze"},{"code":"no-grant","rule":null}]},"generation":12,"directory":"then","differs":[]}
    {"item":"verdict","decision":"019b0000-0000-7000-8000-000000000001","time":"2026-11-23T17:21:14.000000Z","username":"eve","repository":"PAY/api","channel":"push","ref":"refs/heads/main","verb":"update","effect":"newly-refused","before":{"outcome":"permitted","grant":"main","waiver":null,"reasons":[]},"after":{"outcome":"refused","grant":null,"waiver":null,"reasons":[{"code":"blocked","rule":"freeze"},{"code":"no-grant","rule":null}]},"generation":12,"directory":"now","differs":[]}
    {"item":"group","effect":"newly-refused","before":{"outcome":"permitted","grant":"main","waiver":null,"reasons":[]},"after":{"outcome":"refused","grant":null,"waiver":null,"reasons":[{"code":"blocked","rule":"freeze"},{"code":"no-grant","rule":null}]},"refs":7,"pushes":5,"examples":[{"decision":"019b0000-0000-7000-8000-000000000001","time":"2026-11-23T17:21:14.000000Z","username":"ada","repository":"PAY/api","channel":"push","ref":"refs/heads/main","verb":"update","effect":"newly-refused","before":{"outcome":"permitted","grant":"main","waiver":null,"reasons":[]},"after":{"outcome":"refused","grant":null,"waiver":null,"reasons":[{"code":"blocked","rule":"freeze"},{"code":"no-grant","rule":null}]},"generation":12,"directory":"then","differs":[]},{"decision":"019b0000-0000-7000-8000-000000000001","time":"2026-11-23T17:21:14.000000Z","username":"eve","repository":"PAY/api","channel":"push","ref":"refs/heads/main","verb":"update","effect":"newly-refused","before":{"outcome":"permitted","grant":"main","waiver":null,"reasons":[]},"after":{"outcome":"refused","grant":null,"waiver":null,"reasons":[{"code":"blocked","rule":"freeze"},{"code":"no-grant","rule":null}]},"generation":12,"directory":"now","differs":[]}]}
    {"item":"done","policy":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","in_force":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","since":"2026-11-23T17:21:14.000000Z","until":null,"pushes":1000,"refs":1010,"unchanged":1003,"newly_permitted":0,"newly_refused":7,"newly_undecided":0,"other_grounds":0,"pushes_changed":5,"by_directory_alone":3,"by_directory_then":900,"by_directory_now":100,"refs_not_grouped":0,"untold":[{"code":"ancestry-not-recorded","why":"ancestry-not-recorded, in words","doubt":true,"refs":2,"pushes":1,"examples":["019b0000-0000-7000-8000-000000000009"]},{"code":"undecided-then","why":"undecided-then, in words","doubt":false,"refs":2,"pushes":1,"examples":["019b0000-0000-7000-8000-000000000009"]}],"rules":[{"kind":"role","id":"developer","evaluate_only":false,"decided":9,"would":0,"last":"2026-11-23T17:21:14.000000Z","beside_pushes":false},{"kind":"grant","id":"main","evaluate_only":false,"decided":1003,"would":0,"last":"2026-11-23T17:21:14.000000Z","beside_pushes":false},{"kind":"block","id":"freeze","evaluate_only":false,"decided":0,"would":0,"last":null,"beside_pushes":false}],"in_force_rules":[{"kind":"role","id":"auditor","evaluate_only":false,"decided":0,"would":0,"last":null,"beside_pushes":false},{"kind":"grant","id":"main","evaluate_only":false,"decided":1010,"would":0,"last":"2026-11-23T17:21:14.000000Z","beside_pushes":false},{"kind":"grant","id":"old","evaluate_only":false,"decided":0,"would":0,"last":null,"beside_pushes":false}],"in_force_rules_since":"2026-11-23T17:21:13.999999Z","log_begins":null}
    "#);
}

#[tokio::test]
async fn nothing_changes_and_not_known_are_told_apart() {
    let scene = Scene::start(Daemon { permits: "nobody", ..Daemon::default() });
    let draft = scene.write("draft.toml", "version = 1\n");
    scene.oam(&["policy", "replay", &draft]).await.with(Exit::Ok);
    let cut_off = Scene::start(Daemon { empty: true, ..Daemon::default() });
    let draft = cut_off.write("draft.toml", "version = 1\n");
    cut_off.oam(&["policy", "replay", &draft]).await.with(Exit::Undecided);
    cut_off.oam(&["policy", "usage"]).await.with(Exit::Undecided);
    let faulty = Scene::start(Daemon { finds_faults: true, ..Daemon::default() });
    let draft = faulty.write("draft.toml", "version = 1\n");
    let ended = faulty.oam(&["policy", "replay", &draft]).await.with(Exit::No);
    assert!(ended.out.contains("it is wrong"), "{ended:#?}");
}

#[tokio::test]
async fn what_is_asked_for_is_what_is_wanted() {
    let scene = Scene::start(Daemon::default());
    let draft = scene.write("draft.toml", "version = 1\n");
    let long = [
        "policy",
        "replay",
        &draft,
        "--since",
        "2026-01-01T00:00:00Z",
        "--until",
        "2026-02-01T00:00:00Z",
        "--repo",
        "PAY/*",
        "--repo",
        "!PAY/old",
        "--directory",
        "now",
        "--against",
        "in-force",
        "--unused-since",
        "2025-01-01T00:00:00Z",
        "--all",
    ];
    scene.oam(&long).await.with(Exit::No);
    scene.oam(&["policy", "replay", "--recorded", "--since", "2026-01-01T00:00:00Z"]).await.with(Exit::No);
    scene
        .oam(&[
            "policy",
            "replay",
            "--digest",
            "c0ffee",
            "--since",
            "2026-01-01T00:00:00Z",
            "--unused-since",
            "2026-01-01T00:00:00Z",
        ])
        .await
        .with(Exit::No);
    insta::assert_snapshot!(scene.daemon.asked().join("\n"), @r#"
    ReplayPolicyRequest { by: Policy, files: [PolicyFile { name: "draft.toml", text: "version = 1\n" }], digest: "", since_micros: 1767225600000000, until_micros: 1769904000000000, repositories: ["PAY/*", "!PAY/old"], directory_now: true, against_in_force: true, each: true, uses_since_micros: 1735689600000000 }
    ReplayPolicyRequest { by: Recorded, files: [], digest: "", since_micros: 1767225600000000, until_micros: 0, repositories: [], directory_now: false, against_in_force: false, each: false, uses_since_micros: 0 }
    ReplayPolicyRequest { by: Policy, files: [], digest: "c0ffee", since_micros: 1767225600000000, until_micros: 0, repositories: [], directory_now: false, against_in_force: false, each: false, uses_since_micros: 1767225600000000 }
    "#);
    for wrong in [
        &["policy", "replay"][..],
        &["policy", "replay", &draft, "--recorded"],
        &["policy", "replay", &draft, "--digest", "c0ffee"],
        &["policy", "replay", "--recorded", "--against", "in-force"],
        &["policy", "replay", &draft, "--since", "yesterday"],
        &["policy", "replay", "missing.toml"],
    ] {
        scene.oam(wrong).await.with(Exit::Usage);
    }
}

#[tokio::test]
async fn rules_that_nobody_uses_are_named() {
    let scene = Scene::start(Daemon::default());
    let ended = scene.oam(&["policy", "usage"]).await.with(Exit::Ok);
    insta::assert_snapshot!(ended.out, @"
    Uses of the rules of policy beefbeefbeef since 2026-11-23T17:21:13Z
    KIND   ID    DECIDED  WOULD HAVE  LAST
    grant  main  1,010    -           2026-11-23T17:21:14Z

    Rules in force that decided nothing since 2026-11-23T17:21:13Z: grant `old`.
    Roles that nobody held who pushed: `auditor`.
    The policy is in force since 2026-11-23T17:21:14Z only; a rule may be as young.
    Not counted, or not as a whole: 1 entry: ancestry-not-recorded, in words, such as 019b0000-0000-7000-8000-000000000009.
    ");

    let json = scene.oam(&["policy", "usage", "--json"]).await.with(Exit::Ok).json();
    assert_eq!(json["rules"][2]["id"], "old");
    assert_eq!((json["rules"][2]["decided"].as_u64(), json["rules"][2]["last"].as_str()), (Some(0), None));
}
