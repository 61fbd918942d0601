//! What was undecided since a source of the directory was silent is no doing of a draft.

use std::time::Duration;

use oam_policy::{Evaluation, State, Username, decide, decide::Freshness};

use super::{super::recorded::Joiner, *};
use crate::{
    authorize::record,
    privilege::{Ask, Person as Asking, Wanted},
};

const RULES: &str = r#"
[[role]]
id = "lead"
any = ["s:leads"]
[[grant]]
id = "releases"
to = ["lead"]
on = ["PAY/*"]
refs = ["refs/heads/release/*"]
verbs = ["create"]
[[elevation]]
id = "on-call"
roles = ["lead"]
to = ["developer"]
approved_by = ["developer"]
approvals = 1
max_time = "4h"
"#;

/// Records the last push once more, as it is decided while everything is lost that the source said which alone knows this approver.
pub(super) async fn recorded_without_word_of(bench: &Bench, approver: &str) -> entry::Decision {
    let audit = &bench.live.audit;
    let mut joiner = Joiner::default();
    let entries = audit.entries(0).unwrap().map(|line| audit.read(&line.unwrap()).unwrap());
    let recorded = entries.filter_map(|entry| joiner.take(entry)).last().unwrap();
    let (request, facts) = recorded.question().unwrap();
    let approver: Username = approver.parse().unwrap();
    let lost = Freshness { source: "ad".into(), as_of: None, max_age: None, unheard: None };
    let state = State {
        policy: bench.live.policies.live().map(|live| Arc::clone(&live.policy)),
        snapshot: bench.live.snapshot(),
        approvers: [(approver.key(), [lost].into())].into(),
        ..recorded.held(&request).unwrap()
    };
    let Evaluation::Decided(made) = decide(&state, &request, &facts, recorded.at) else { panic!() };
    let mut decision = recorded.decision.clone();
    decision.outcome = record::outcome(made.outcome());
    decision.reasons = record::reasons(&made);
    decision.updates = record::updates(&request, &made, &facts).collect();
    decision.pull_request.iter_mut().for_each(|one| one.counts = authorize::approvals::counts(&made));
    let batch = crate::audit_log::Batch::new(&Event::Decision(Box::new(decision.clone()))).unwrap();
    audit.append(batch).await.unwrap();
    decision
}

/// Has alice be given a role that bob approves.
async fn elevate(bench: &Bench) {
    let person = |name: &str| Asking { username: name.parse().unwrap(), actor: "test".into() };
    let (on, refs) = (["PAY/api".to_owned()], ["refs/heads/release/*".to_owned()]);
    let wanted = Wanted::Role("lead".parse().unwrap());
    let ask = Ask::new(wanted, &on, &refs, Duration::from_secs(600), "INC-1".into()).unwrap();
    let (privileges, state) = (&bench.live.privileges, bench.live.state());
    let asked = privileges.request(&state, &person("alice"), &ask).await.unwrap();
    privileges.approve(&state, &person("bob"), &asked.id, "").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_elevation_in_doubt_is_no_doing_of_a_draft() {
    let bench = Bench::new().await;
    let policy = format!("{POLICY}{RULES}");
    bench.apply(&policy).await;
    elevate(&bench).await;
    // The log tells to the millisecond when it was decided.
    tokio::time::sleep(Duration::from_millis(2)).await;
    bench.push("alice", &["create refs/heads/release/1", "create refs/heads/t/1"]).await;
    let recorded = recorded_without_word_of(&bench, "bob").await;
    let codes: Vec<_> = recorded.updates[0].reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!((codes, recorded.reasons.len()), (vec!["source-stale"], 0));
    // The other ref of that push, and both as they were decided at first.
    let (summary, verdicts) = run(bench.by(&policy));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![("undecided-then", 1)]));
    assert_eq!(summary.unchanged, 3);
    assert!(!summary.untold.keys().any(Untold::is_doubt));
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![("undecided-then", 2)]));
    assert_eq!(summary.unchanged, 2);
    // What a draft does is told beside what is in force.
    let draft = policy.replace("refs/heads/release/*", "refs/heads/rel/*");
    let (_, verdicts) = run(Replay { against_in_force: true, ..bench.by(&draft) });
    assert_eq!(verdicts.len(), 2);
}
