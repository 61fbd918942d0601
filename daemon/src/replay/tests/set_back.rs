//! The clock of the machine is set back: nothing that was over is in force again, and what is given meanwhile counts.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::{
    oidc::WorkloadToken,
    privilege::{Ask, LeaseAsk, Person as Asking, Wanted},
};

static BEHIND: AtomicI64 = AtomicI64::new(0);

fn machine() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(BEHIND.load(Ordering::SeqCst))
}

fn set_back(hours: i64) {
    BEHIND.store(hours, Ordering::SeqCst);
}

/// Until when alice may, and since when tags are frozen.
fn policy(moment: Timestamp) -> String {
    format!(
        r#"version = 1
[[role]]
id = "all"
any = ["s:eng"]
[[grant]]
id = "for-now"
user = "alice"
on = ["PAY/*"]
refs = ["refs/heads/*"]
verbs = ["create"]
approved_by = "lea"
expires = {moment}
[[grant]]
id = "tags"
to = ["all"]
on = ["PAY/*"]
refs = ["refs/tags/*"]
verbs = ["create"]
[[block]]
id = "freeze"
on = ["**"]
refs = ["refs/tags/*"]
from = {moment}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_grant_that_was_over_nor_a_ref_that_was_frozen_is_open_again() {
    let bench = Bench::by_clock(100, PeopleForm::Names, machine).await;
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let ago = |hours| now - SignedDuration::from_hours(hours);
    bench.apply(&policy(ago(24))).await;
    let pushes = async || {
        let mut permitted = Vec::new();
        for (user, update) in
            [("alice", "create refs/heads/x"), ("bob", "create refs/tags/v1"), ("bob", "create refs/heads/y")]
        {
            bench.push(user, &[update]).await;
            permitted.push(last(&bench).outcome == entry::Outcome::Permitted);
        }
        permitted
    };
    assert_eq!(pushes().await, [false, false, false]);
    set_back(48);
    assert_eq!(pushes().await, [false, false, false], "what was over is over");
    // What is so by both is so.
    bench.apply(&policy(now + SignedDuration::from_hours(24))).await;
    assert_eq!(pushes().await, [true, true, false]);
    // Each is decided again as it was.
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), summary.unchanged, untold(&summary)), (vec![], 9, vec![]));
}

/// What people and jobs can have for a while; and since when one ref is frozen.
pub(super) fn for_a_while(moment: Timestamp) -> String {
    format!(
        r#"version = 1
[[role]]
id = "all"
any = ["s:eng"]
[[role]]
id = "lead"
any = ["s:leads"]
[[role]]
id = "release-bot"
max_lease = "15m"
[[grant]]
id = "topics"
to = ["all"]
on = ["PAY/*"]
refs = ["refs/heads/t/*"]
verbs = ["create"]
[[grant]]
id = "releases"
to = ["lead", "release-bot"]
on = ["PAY/*"]
refs = ["refs/heads/release/*"]
verbs = ["create"]
[[block]]
id = "freeze"
on = ["**"]
refs = ["refs/heads/t/*"]
[[block]]
id = "freeze-of-old"
on = ["**"]
refs = ["refs/heads/release/old"]
from = {moment}
[[waiver]]
id = "thaw"
lifts = ["freeze"]
to = ["all"]
max_time = "30m"
[[elevation]]
id = "on-call"
roles = ["lead"]
to = ["all"]
max_time = "4h"
[[workload]]
id = "api"
profile = "generic"
issuer = "https://ci"
claims = {{ project = "7" }}
principal = "svc-release"
roles = ["release-bot"]
on = ["PAY/*"]
refs = ["refs/heads/release/*"]
"#
    )
}

/// Asks for what nobody need approve, for ten minutes.
pub(super) async fn ask(bench: &Bench, name: &str, wanted: Wanted, refs: &str) {
    let person = Asking { username: name.parse().unwrap(), actor: "test".into() };
    let (on, refs) = (["PAY/api".to_owned()], [refs.to_owned()]);
    let ask = Ask::new(wanted, &on, &refs, Duration::from_secs(600), "INC-1".into()).unwrap();
    bench.live.privileges.request(&bench.live.state(), &person, &ask).await.unwrap();
}

/// Leases a ref for a job, whose token was issued at this moment.
pub(super) async fn lease(bench: &Bench, issued: Timestamp, name: &str) {
    let expires = issued + SignedDuration::from_hours(1);
    let token = WorkloadToken::sample("https://ci", "a", expires, &json!({"project": "7"})).issued_at(issued);
    let ask = LeaseAsk {
        repository: "PAY/api".parse().unwrap(),
        refs: vec![RefName::parse(name.as_bytes()).unwrap()],
        verbs: None,
        role: None,
        commit: None,
        paths: None,
        by_token: false,
        uses: None,
        length: None,
    };
    bench.live.privileges.lease(&bench.live.state(), &token, &ask).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_while_the_clock_is_behind_counts() {
    // Of its own: tests may run beside each other.
    static HOURS: AtomicI64 = AtomicI64::new(0);
    fn machine() -> Timestamp {
        Timestamp::now() - SignedDuration::from_hours(HOURS.load(Ordering::SeqCst))
    }
    let bench = Bench::by_clock(100, PeopleForm::Names, machine).await;
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    bench.apply(&for_a_while(now - SignedDuration::from_hours(24))).await;
    bench.push("alice", &["create refs/heads/t/x"]).await;
    HOURS.store(48, Ordering::SeqCst);
    ask(&bench, "alice", Wanted::Lift(["freeze".parse().unwrap()].into()), "refs/heads/t/x").await;
    ask(&bench, "bob", Wanted::Role("lead".parse().unwrap()), "refs/heads/release/*").await;
    lease(&bench, machine(), "refs/heads/release/2").await;
    for (user, update) in [
        ("alice", "create refs/heads/t/x"),
        ("bob", "create refs/heads/release/1"),
        ("svc-release", "create refs/heads/release/2"),
        ("bob", "create refs/heads/release/old"),
    ] {
        bench.push(user, &[update]).await;
    }
    let codes = |one: entry::Update| one.reasons.into_iter().map(|reason| reason.code).collect::<Vec<_>>();
    let came_of_it = decisions(&bench).into_iter().map(|one| {
        let codes: Vec<_> = one.updates.into_iter().flat_map(codes).collect();
        (one.outcome, codes.join(" "))
    });
    use entry::Outcome::{Permitted, Refused};
    let permitted = || (Permitted, String::new());
    let blocked = || (Refused, "blocked".to_owned());
    assert_eq!(
        came_of_it.collect::<Vec<_>>(),
        [blocked(), permitted(), permitted(), permitted(), blocked()],
        "of the last, what was given is none of the reasons"
    );
    // Each is decided again as it was.
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), summary.unchanged, untold(&summary)), (vec![], 5, vec![]));
}

fn decisions(bench: &Bench) -> Vec<entry::Decision> {
    let lines = bench.live.audit.entries(0).unwrap();
    let events = lines.map(|line| Entry::decode(&line.unwrap()).unwrap().event);
    let decisions = events.filter_map(|event| match event {
        Event::Decision(decision) => Some(*decision),
        _ => None,
    });
    decisions.collect()
}

fn last(bench: &Bench) -> entry::Decision {
    let line = bench.live.audit.entries(bench.live.audit.size() - 1).unwrap().next().unwrap().unwrap();
    let Event::Decision(decision) = Entry::decode(&line).unwrap().event else { panic!() };
    *decision
}
