//! A restart, a crash and a loss are no way around approvals.

use std::fs;

use jiff::Timestamp;

use super::{
    super::{Approval, Proposal, proposals::Proposals},
    Bench, apply, apply_as,
    approval::{approve, digest, guarded, proposed, started},
    contact, policy,
};
use crate::config::PolicyPlace;

fn proposals(bench: &Bench) -> Proposals {
    Proposals::open(bench.folder.path().join("policy-proposals")).unwrap()
}

#[tokio::test]
async fn what_waits_goes_on_waiting_with_its_approvals() {
    let (bench, manager) = started(2).await;
    let two = proposed(&manager, "uid 1", &policy("two")).await;
    approve(&manager, &two, "uid 2").await.unwrap();
    let after = bench.start().await;
    assert_eq!(contact(&after).as_deref(), Some("one"));
    assert_eq!(after.proposals()[0].approved_by(), ["uid 2"]);
    approve(&after, &two, "uid 3").await.unwrap();
    assert_eq!(contact(&after).as_deref(), Some("two"));
}

#[tokio::test]
async fn other_files_at_the_start_wait() {
    let (bench, _) = started(1).await;
    bench.edit(&policy("two"));
    let after = bench.start().await;
    assert_eq!((contact(&after).as_deref(), bench.place()), (Some("one"), guarded("one", 1)));
    let waiting = after.proposals();
    assert_eq!((waiting.len(), waiting[0].author.as_str()), (1, "files"));
    assert_eq!(waiting[0].digest, digest(&policy("two")));
    approve(&after, &waiting[0], "uid 1").await.unwrap();
    assert_eq!(contact(&after).as_deref(), Some("two"));
}

#[tokio::test]
async fn without_a_folder_it_is_written_again() {
    let (bench, _) = started(1).await;
    fs::remove_dir_all(bench.folder.path().join("policy")).unwrap();
    let after = bench.start().await;
    assert_eq!((contact(&after).as_deref(), bench.place()), (Some("one"), guarded("one", 1)));
    assert!(after.proposals().is_empty() && after.trouble().is_none());
}

#[tokio::test]
async fn a_crash_after_the_last_approval_is_made_up_for() {
    let (bench, manager) = started(1).await;
    let two = proposed(&manager, "uid 1", &policy("two")).await;
    // Approved and recorded, and then the power was gone.
    let approval = Approval { by: "uid 2".into(), at: Timestamp::now(), reason: "seen".into() };
    proposals(&bench).update(&Proposal { approvals: vec![approval], ..two }).unwrap();
    let after = bench.start().await;
    assert_eq!((contact(&after).as_deref(), bench.place()), (Some("two"), policy("two")));
    assert_eq!(after.live().unwrap().version.approved_by, ["uid 2"]);
    assert!(after.proposals().is_empty());
    // And in a directory by which its tests fail, it waits for somebody to try again.
    let (bench, manager) = started(1).await;
    let two = proposed(&manager, "uid 1", &policy("two")).await;
    let approval = Approval { by: "uid 2".into(), at: Timestamp::now(), reason: "seen".into() };
    proposals(&bench).update(&Proposal { approvals: vec![approval], ..two.clone() }).unwrap();
    bench.import(&[]).await;
    let after = bench.start().await;
    assert_eq!((contact(&after).as_deref(), after.proposals().len()), (Some("one"), 1));
    bench.import(&["s:eng"]).await;
    approve(&after, &two, "uid 2").await.unwrap();
    assert_eq!(after.live().unwrap().version.approved_by, ["uid 2"], "nobody counts twice");
}

#[tokio::test]
async fn a_crash_after_the_change_leaves_nothing_that_can_be_approved() {
    let (bench, manager) = started(1).await;
    let two = proposed(&manager, "uid 1", &guarded("two", 1)).await;
    let three = proposed(&manager, "uid 1", &guarded("three", 1)).await;
    let files = proposals(&bench).files(three.digest).unwrap();
    approve(&manager, &two, "uid 2").await.unwrap();
    proposals(&bench).add(three, &files).unwrap();
    let skipped = bench.told().len();
    let after = bench.start().await;
    assert_eq!((contact(&after).as_deref(), after.proposals().len()), (Some("two"), 0));
    assert_eq!(bench.kinds_after(skipped), ["changed", "withdrawn"]);
}

/// Whoever loses the files of the policy in force has not lost what it said of its own change.
#[tokio::test]
async fn a_policy_that_cannot_be_read_any_more_still_governs() {
    let (bench, _) = started(1).await;
    let kept = bench.folder.path().join("policy-history").join(digest(&guarded("one", 1)).to_string());
    fs::remove_dir_all(kept).unwrap();
    bench.edit(&policy("two"));
    let after = bench.start().await;
    assert!(after.live().is_none());
    assert_eq!(after.proposals().len(), 1);
    let applied = apply_as("uid 1", &after, &policy("three")).await.unwrap();
    let super::Applied::Proposed { proposal, .. } = applied else { panic!() };
    // The very policy that was in force is no change.
    bench.edit(&guarded("one", 1));
    let after = bench.start().await;
    assert_eq!(contact(&after).as_deref(), Some("one"));
    approve(&after, &proposal, "uid 2").await.unwrap();
    assert_eq!(contact(&after).as_deref(), Some("three"), "it replaces what governs, in force or not");
}

#[tokio::test]
async fn the_configuration_lets_one_policy_pass_and_the_log_tells() {
    let (bench, manager) = started(3).await;
    let two = proposed(&manager, "uid 0", &policy("two")).await;
    let place = || PolicyPlace::Managed(bench.folder.path().join("policy"));
    let other = bench.start_at(place(), Some(digest(&policy("three")))).await;
    assert_eq!(contact(&other).as_deref(), Some("one"), "it names one policy, and no other");
    let after = bench.start_at(place(), Some(two.digest)).await;
    assert_eq!((contact(&after).as_deref(), bench.place()), (Some("two"), policy("two")));
    let told = bench.told().pop().unwrap();
    assert_eq!((told["kind"].as_str(), told["unapproved"].as_bool()), (Some("policy-changed"), Some(true)));
    assert!(after.live().unwrap().version.unapproved);
    assert!(bench.start_at(place(), Some(two.digest)).await.live().unwrap().version.unapproved);
}

#[tokio::test]
async fn without_approvals_all_is_as_it_was() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    apply(&manager, &policy("one")).await.unwrap();
    bench.edit(&policy("two"));
    let after = bench.start().await;
    assert_eq!(contact(&after).as_deref(), Some("two"));
    assert!(after.proposals().is_empty());
}
