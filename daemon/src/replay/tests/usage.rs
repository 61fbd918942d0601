//! How often each rule was used, and what is not known of that.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;

use super::{
    long::{decisions, repeat},
    set_back::{ask, for_a_while, lease},
    *,
};
use crate::{audit_log::Keeping, privilege::Wanted};

/// How many refs each rule decided that decided any, by id.
fn decided(summary: &Summary) -> BTreeMap<String, u64> {
    let uses = summary.in_force.clone().unwrap().uses().into_iter();
    uses.filter(|one| one.decided > 0).map(|one| (one.id, one.decided)).collect()
}

fn are(uses: &[(&str, u64)]) -> BTreeMap<String, u64> {
    uses.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect()
}

/// The uses of the policy in force since this moment, and nothing else.
fn since(bench: &Bench, moment: Timestamp) -> Replay {
    Replay { uses_since: Some(moment), since: moment, ..bench.replay(Basis::Nothing) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_told_when_the_log_begins_that_lost_what_was_used_before() {
    let bench = Bench::new().await;
    bench.push("alice", &["create refs/heads/t/x"]).await;
    let (whole, _) = run(since(&bench, Timestamp::UNIX_EPOCH));
    assert_eq!(decided(&whole), are(&[("developer", 1), ("topics", 1)]));
    bench.push("alice", &["update refs/heads/main"]).await;
    let main = decisions(&bench.live.audit).pop().unwrap();
    repeat(&bench.live.audit, &[main], 2_000).await;
    bench.live.audit.close().await;

    // What is sealed leaves the journal, and what is old then goes.
    let open = || {
        let (folder, node) = (bench._folder.path().join("audit"), "node".parse().unwrap());
        AuditLog::open_with(&folder, &node, Timestamp::now, None).unwrap().0
    };
    open().close().await;
    let log = open();
    let keeping = Keeping { keep: Some("1d".parse().unwrap()), ..Keeping::default() };
    let later = Timestamp::now() + SignedDuration::from_hours(24 * 4);
    log.keep_once(&keeping, u64::MAX, later).await.unwrap();
    assert!(log.first() > 0);

    let (summary, _) = run(Replay { audit: log.clone(), ..since(&bench, Timestamp::UNIX_EPOCH) });
    let first = Entry::decode(&log.entries(0).unwrap().next().unwrap().unwrap()).unwrap();
    assert_eq!(summary.log_begins, Some(first.time.timestamp()));
    assert!(summary.log_begins > whole.log_begins);
    assert_eq!(decided(&summary).keys().collect::<Vec<_>>(), ["developer", "main"]);
    assert_eq!(untold(&summary), []);
    log.close().await;
}

#[tokio::test]
async fn of_a_log_that_goes_further_back_no_beginning_is_told() {
    static AHEAD: AtomicI64 = AtomicI64::new(0);
    fn machine() -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(AHEAD.load(Ordering::SeqCst))
    }
    let bench = Bench::by_clock(100, PeopleForm::Names, machine).await;
    bench.push("alice", &["create refs/heads/t/x"]).await;
    let of_all = run(since(&bench, Timestamp::UNIX_EPOCH)).0.log_begins;
    assert!(of_all.is_some());
    AHEAD.store(48, Ordering::SeqCst);
    bench.push("alice", &["create refs/heads/main"]).await;
    let (summary, _) = run(since(&bench, machine() - SignedDuration::from_hours(1)));
    assert_eq!((summary.log_begins, decided(&summary)), (None, are(&[("developer", 1), ("main", 1)])));
}

#[tokio::test]
async fn what_somebody_had_for_a_while_counts_for_the_rule_that_they_had_it_by() {
    let bench = Bench::new().await;
    bench.apply(&for_a_while(Timestamp::now() + SignedDuration::from_hours(24))).await;
    bench.push("bob", &["create refs/heads/t/x"]).await;
    ask(&bench, "alice", Wanted::Lift(["freeze".parse().unwrap()].into()), "refs/heads/t/*").await;
    ask(&bench, "bob", Wanted::Role("lead".parse().unwrap()), "refs/heads/release/*").await;
    lease(&bench, Timestamp::now(), "refs/heads/release/2").await;
    // What nobody pushed by is not used yet.
    let before = decided(&run(since(&bench, Timestamp::UNIX_EPOCH)).0);
    assert_eq!(before, are(&[("all", 1), ("freeze", 1)]));
    for (user, updates) in [
        ("alice", &["create refs/heads/t/x", "create refs/heads/t/y"][..]),
        ("bob", &["create refs/heads/release/1"]),
        ("svc-release", &["create refs/heads/release/2"]),
    ] {
        bench.push(user, updates).await;
    }
    let (summary, _) = run(since(&bench, Timestamp::UNIX_EPOCH));
    let expected = are(&[
        ("all", 3),
        ("api", 1),
        ("freeze", 1),
        ("on-call", 1),
        ("releases", 2),
        ("thaw", 2),
        ("topics", 2),
    ]);
    assert_eq!(decided(&summary), expected);
    let kinds = summary.in_force.clone().unwrap().uses().into_iter().map(|one| one.kind);
    assert_eq!(kinds.rev().take(3).collect::<Vec<_>>(), ["workload", "elevation", "waiver"]);
    // A draft that decides them again uses its own of the same ids.
    let text = for_a_while(Timestamp::now() + SignedDuration::from_hours(24));
    let by_draft = run(bench.by(&text)).0.rules.unwrap().uses();
    let of = |id: &str| by_draft.iter().find(|one| one.id == id).unwrap().decided;
    assert_eq!((of("api"), of("on-call"), of("thaw")), (1, 1, 2));
}

#[tokio::test]
async fn what_was_used_after_the_last_push_that_is_decided_again_is_used() {
    let bench = Bench::new().await;
    let until = Timestamp::now();
    bench.push("alice", &["create refs/heads/t/x"]).await;
    let (summary, _) = run(Replay { until, uses_since: Some(Timestamp::UNIX_EPOCH), ..bench.by(POLICY) });
    assert_eq!((summary.pushes, decided(&summary)), (0, are(&[("developer", 1), ("topics", 1)])));
}

#[tokio::test]
async fn a_grant_that_gives_what_shows_in_no_push_is_told_apart() {
    let bench = Bench::new().await;
    let readers = "[[grant]]\nid = \"readers\"\nto = [\"developer\"]\non = [\"**\"]\nverbs = [\"read\"]\n";
    bench.apply(&format!("{POLICY}{readers}")).await;
    let uses = run(since(&bench, Timestamp::UNIX_EPOCH)).0.in_force.unwrap().uses().into_iter();
    let beside: Vec<_> = uses.filter(|one| one.beside_pushes).map(|one| one.id).collect();
    assert_eq!(beside, ["readers"]);
}
