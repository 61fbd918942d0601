//! By what was in force then, everything comes out as it is recorded.

use oam_audit::entry;

use super::{
    super::{Basis, Effect},
    *,
};
use crate::audit_log::Batch;

/// Pushes of every kind that the log knows.
async fn pushes(bench: &Bench) -> u64 {
    let many: Vec<_> = (0..3_000).map(|number| format!("create refs/heads/t/{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let mut refs = 0;
    for (user, updates) in [
        ("alice", &["create refs/heads/main", "update refs/heads/main", "force refs/heads/main"][..]),
        (
            "Alice",
            &["update refs/heads/t/x", "force refs/tags/1", "delete refs/tags/1", "create refs/tags/2"],
        ),
        ("svc-ci", &["create refs/heads/t/x", "create refs/heads/main"]),
        ("carol", &["create refs/heads/t/x"]),
        ("dave", &["create refs/heads/t/x", "delete refs/heads/t/y"]),
        ("nobody", &["create refs/heads/t/x"]),
        ("alice", &["unreadable refs/heads/main", "create refs/heads/t/z", "create refs/replace/1"]),
        ("bob", &many),
    ] {
        bench.push(user, updates).await;
        refs += updates.len() as u64;
    }
    bench.push_by(Channel::PullRequestMerge, "alice", &["update refs/heads/main"]).await;
    // Nothing changes by it, and it is not recorded.
    bench.push_by(Channel::PullRequestDryRun, "alice", &["merge refs/heads/main"]).await;
    refs + 1
}

#[tokio::test]
async fn through_changes_of_the_policy_and_of_the_directory() {
    let bench = Bench::new().await;
    let mut refs = pushes(&bench).await;
    bench.import(&[("carol", &["s:eng"])]).await;
    refs += pushes(&bench).await;
    bench.apply(&POLICY.replace("refs/heads/main", "refs/heads/trunk")).await;
    refs += pushes(&bench).await;
    let before = bytes_of(&bench._folder.path().join("audit"));
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!(told(&verdicts), Vec::<String>::new());
    assert_eq!((summary.refs, summary.unchanged, untold(&summary)), (refs, refs, vec![]));
    assert_eq!((summary.pushes, summary.by_directory_then), (27, 27));
    assert_eq!(bytes_of(&bench._folder.path().join("audit")), before, "nothing is recorded by it");
}

#[tokio::test]
async fn a_record_that_was_made_up_is_found() {
    let bench = Bench::new().await;
    bench.push("alice", &["create refs/heads/main"]).await;
    let line = bench.live.audit.entries(bench.live.audit.size() - 1).unwrap().next().unwrap().unwrap();
    let Event::Decision(honest) = Entry::decode(&line).unwrap().event else { panic!() };
    let forged = |forge: &dyn Fn(&mut entry::Decision)| {
        let mut decision = (*honest).clone();
        forge(&mut decision);
        Batch::new(&Event::Decision(Box::new(decision))).unwrap()
    };
    type Forge = (&'static str, Box<dyn Fn(&mut entry::Decision)>);
    let forgeries: Vec<Forge> = vec![
        (
            "push-outcome outcome",
            Box::new(|one| {
                one.outcome = entry::Outcome::Refused;
                one.updates[0].outcome = entry::Outcome::Refused;
            }),
        ),
        ("push-outcome", Box::new(|one| one.outcome = entry::Outcome::Refused)),
        ("grounds", Box::new(|one| one.updates[0].grant = Some("topics".into()))),
        ("verb", Box::new(|one| one.updates[0].verb = None)),
        ("roles", Box::new(|one| one.roles.clear())),
        ("principal-kind", Box::new(|one| one.principal_kind = entry::PrincipalKind::Service)),
        (
            "shadow",
            Box::new(|one| {
                one.updates[0].shadow =
                    vec![entry::Shadow { rule: "x".into(), would: entry::Outcome::Refused }];
            }),
        ),
        ("push-outcome roles outcome", Box::new(|one| one.principal = "carol".into())),
    ];
    for (_, forge) in &forgeries {
        bench.live.audit.append(forged(forge)).await.unwrap();
    }
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    let differs: Vec<_> = verdicts.iter().map(|one| one.differs.join(" ")).collect();
    let expected: Vec<_> = forgeries.iter().map(|(what, _)| *what).collect();
    assert_eq!(differs, expected);
    assert_eq!((summary.unchanged, summary.pushes_changed), (1, 8));
    assert_eq!(summary.effects[&Effect::OtherGrounds], 6);
}

#[tokio::test]
async fn what_is_not_to_be_had_is_not_guessed() {
    let bench = Bench::keeping(2).await;
    bench.push("alice", &["create refs/heads/main", "create refs/heads/t/1"]).await;
    for groups in [&["s:eng"][..], &[], &["s:eng"]] {
        bench.import(&[("alice", groups)]).await;
    }
    bench.push("alice", &["create refs/heads/main"]).await;
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((verdicts.len(), untold(&summary)), (0, vec![("directory-not-kept", 2)]));
    assert_eq!((summary.pushes, summary.unchanged), (1, 1));
    std::fs::remove_dir_all(bench._folder.path().join("policies").join("policy-history")).unwrap();
    let (summary, _) = run(bench.replay(Basis::Recorded));
    assert_eq!(untold(&summary), [("policy-not-kept", 3)]);
}

#[tokio::test]
async fn what_ended_before_it_began_is_no_decision() {
    let bench = Bench::new().await;
    let part = |decision: &str, part, update: &str| {
        let name = update.split_once(' ').unwrap().1;
        let update = entry::Update {
            name: name.into(),
            change: entry::Change::Create { new: "1".repeat(40) },
            verb: Some(entry::Verb::Create),
            fast_forward: None,
            outcome: entry::Outcome::Permitted,
            grant: Some("main".into()),
            privilege: None,
            privileges_beside: Vec::new(),
            waiver: None,
            lifted: Vec::new(),
            ancestry_unreadable: false,
            other_grants: Vec::new(),
            histories: Vec::new(),
            histories_left_out: 0,
            reasons: Vec::new(),
            shadow: Vec::new(),
        };
        let part = entry::DecisionPart { decision: decision.into(), part, updates: vec![update] };
        Batch::new(&Event::DecisionPart(part)).unwrap()
    };
    // A daemon died in the middle of an entry.
    bench.live.audit.append(part("lost", 1, "create refs/heads/main")).await.unwrap();
    bench.push("alice", &["create refs/heads/main"]).await;
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((summary.pushes, verdicts.len(), untold(&summary)), (1, 0, vec![]));
    // A decision whose first part is not there.
    let line = bench.live.audit.entries(bench.live.audit.size() - 1).unwrap().next().unwrap().unwrap();
    let Event::Decision(mut decision) = Entry::decode(&line).unwrap().event else { panic!() };
    (decision.decision, decision.parts, decision.update_count) = ("half".into(), 2, 3);
    bench.live.audit.append(part("half", 2, "create refs/heads/t/2")).await.unwrap();
    bench.live.audit.append(Batch::new(&Event::Decision(decision)).unwrap()).await.unwrap();
    let (summary, _) = run(bench.replay(Basis::Recorded));
    assert_eq!((summary.pushes, untold(&summary)), (1, vec![("incomplete", 3)]));
}
