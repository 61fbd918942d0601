//! What is replayed of a log with aliases, before and after somebody was erased.

use std::collections::BTreeMap;

use super::{histories::change, *};

#[tokio::test]
async fn what_was_erased_is_untold_and_changes_no_verdict() {
    let bench = Bench::with(100, PeopleForm::Aliases).await.under_rules().await;
    let emails = || vec!["alice@example.com".to_owned()];
    bench.import_all(&[("alice", &["s:eng"]), ("bob", &["s:eng"])], emails).await;
    bench.create_by("alice", "refs/heads/t/x", &change()).await;
    // What bob pushes is alice's work.
    bench.create_by("bob", "refs/heads/t/y", &change()).await;
    bench.push("bob", &["create refs/tags/v1"]).await;
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![]));
    assert_eq!(summary.unchanged, 3);

    bench.live.audit.people().unwrap().forget(&["alice".into()]).unwrap();
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!(told(&verdicts), Vec::<String>::new(), "nothing is taken for another verdict");
    let codes: BTreeMap<_, _> = untold(&summary).into_iter().collect();
    assert_eq!(codes, BTreeMap::from([("commits-not-recorded", 1), ("erased", 1)]));
    assert_eq!(summary.unchanged, 1);
}
