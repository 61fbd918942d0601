//! The clock of the machine is set back: nothing that was over is in force again.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;

use super::*;

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

fn last(bench: &Bench) -> entry::Decision {
    let line = bench.live.audit.entries(bench.live.audit.size() - 1).unwrap().next().unwrap().unwrap();
    let Event::Decision(decision) = Entry::decode(&line).unwrap().event else { panic!() };
    *decision
}
