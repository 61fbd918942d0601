//! A policy that wants approvals is replaced only with them.

use oam_audit::entry::PolicyOrigin;
use oam_policy::{Digest, file::parse};

use super::{
    super::{
        Applied, ApplyError, Approval, Change, Known, PolicyManager, Proposal, ProposalError,
        proposals::Proposals,
    },
    Bench, apply, apply_as, contact, files, policy,
};
use crate::config::PolicyPlace;

const ALICE: &str = "uid 1";
const BOB: &str = "uid 2";
const CAROL: &str = "uid 3";

pub(super) fn guarded(contact: &str, approvals: u8) -> String {
    format!("{}\n[change]\napprovals = {approvals}\n", policy(contact))
}

pub(super) fn digest(text: &str) -> Digest {
    parse(&files(text)).unwrap().digest()
}

/// A daemon whose policy in force, `one`, wants so many approvals.
pub(super) async fn started(approvals: u8) -> (Bench, PolicyManager) {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    apply(&manager, &guarded("one", approvals)).await.unwrap();
    assert_eq!(contact(&manager).as_deref(), Some("one"), "what is in force before wants none");
    (bench, manager)
}

pub(super) async fn proposed(manager: &PolicyManager, author: &str, text: &str) -> Proposal {
    match apply_as(author, manager, text).await.unwrap() {
        Applied::Proposed { proposal, .. } => proposal,
        Applied::InForce { .. } => panic!("it is in force"),
    }
}

pub(super) async fn approve(
    manager: &PolicyManager,
    proposal: &Proposal,
    by: &str,
) -> Result<Applied, ProposalError> {
    manager.approve(&proposal.digest.short(), by.into(), "seen".into()).await
}

#[tokio::test]
async fn it_waits_for_others() {
    let (bench, manager) = started(2).await;
    let skipped = bench.told().len();
    // The draft wants none: the policy in force governs.
    let two = proposed(&manager, ALICE, &policy("two")).await;
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    assert_eq!(bench.place(), guarded("one", 2), "what lies there is what is in force");
    assert!(matches!(approve(&manager, &two, ALICE).await, Err(ProposalError::Own(_))));
    assert!(matches!(approve(&manager, &two, BOB).await.unwrap(), Applied::Proposed { .. }));
    assert!(matches!(approve(&manager, &two, BOB).await, Err(ProposalError::Twice(_))));
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    assert!(matches!(approve(&manager, &two, CAROL).await.unwrap(), Applied::InForce { changed: true, .. }));
    assert_eq!(contact(&manager).as_deref(), Some("two"));
    assert_eq!(bench.place(), policy("two"));
    assert!(manager.proposals().is_empty());
    assert_eq!(bench.kinds_after(skipped), ["proposed", "approved", "approved", "changed"]);
    let told = bench.told();
    let (waits, changed) = (&told[skipped], told.last().unwrap());
    assert_eq!((waits["author"].as_str(), waits["needed"].as_u64()), (Some(ALICE), Some(2)));
    assert_eq!(waits["diff"]["first"][0].as_str(), Some("approvals that the next policy needs: 0, before 2"));
    assert_eq!(changed["approved_by"], serde_json::json!([BOB, CAROL]));
    assert_eq!((changed["author"].as_str(), changed["reason"].as_str()), (Some(ALICE), Some("r")));
    assert_eq!(manager.live().unwrap().version.approved_by, [BOB, CAROL]);
    // What is in force now wants none.
    apply_as(ALICE, &manager, &policy("three")).await.unwrap();
    assert_eq!(contact(&manager).as_deref(), Some("three"));
}

#[tokio::test]
async fn there_is_one_proposal_of_a_policy_and_others_are_outdated_by_it() {
    let (bench, manager) = started(1).await;
    let two = proposed(&manager, ALICE, &guarded("two", 1)).await;
    let three = proposed(&manager, BOB, &guarded("three", 1)).await;
    assert_eq!(
        proposed(&manager, BOB, &guarded("two", 1)).await,
        two,
        "whoever says it again, it is the first one's"
    );
    assert_eq!(manager.proposals().len(), 2);
    let skipped = bench.told().len();
    approve(&manager, &two, BOB).await.unwrap();
    assert!(manager.proposals().is_empty());
    assert_eq!(bench.kinds_after(skipped), ["approved", "changed", "withdrawn"]);
    let withdrawn = bench.told().pop().unwrap();
    assert_eq!(withdrawn["cause"].as_str(), Some("outdated"));
    assert_eq!(withdrawn["digest"].as_str(), Some(three.digest.to_string().as_str()));
    assert!(matches!(approve(&manager, &three, ALICE).await, Err(ProposalError::Unknown(_))));
}

#[tokio::test]
async fn going_back_waits_as_well() {
    let (_bench, manager) = started(1).await;
    let starter = manager.history().versions().unwrap().remove(0);
    let (_, old) = manager.history().find(&starter.digest.to_string()).unwrap();
    let change = Change { origin: PolicyOrigin::Rollback, author: ALICE.into(), reason: "r".into() };
    let Applied::Proposed { proposal, .. } = manager.apply(&old, change).await.unwrap() else { panic!() };
    assert_eq!((proposal.origin, proposal.digest), (PolicyOrigin::Rollback, starter.digest));
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    approve(&manager, &proposal, BOB).await.unwrap();
    assert_eq!(manager.live().unwrap().version.origin, PolicyOrigin::Rollback);
}

#[tokio::test]
async fn its_tests_are_run_when_it_would_come_into_force() {
    let (bench, manager) = started(1).await;
    let two = proposed(&manager, ALICE, &guarded("two", 1)).await;
    bench.import(&[]).await;
    let skipped = bench.told().len();
    let failed = approve(&manager, &two, BOB).await;
    assert!(matches!(failed, Err(ProposalError::Apply(ApplyError::Faulty(_)))), "{failed:?}");
    assert_eq!(manager.proposals().first(), Some(&two), "it waits on, and the approval does not count");
    assert_eq!(bench.kinds_after(skipped), ["rejected"]);
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    bench.import(&["s:eng"]).await;
    approve(&manager, &two, BOB).await.unwrap();
    assert_eq!(contact(&manager).as_deref(), Some("two"));
}

#[tokio::test]
async fn what_lies_there_is_what_was_proposed_or_it_is_not_taken() {
    let (bench, manager) = started(1).await;
    let two = proposed(&manager, ALICE, &guarded("two", 1)).await;
    let kept = bench.folder.path().join("policy-proposals").join(two.digest.to_string()).join("policy.toml");
    std::fs::write(kept, policy("evil")).unwrap();
    assert!(matches!(approve(&manager, &two, BOB).await, Err(ProposalError::Damaged)));
    assert_eq!(contact(&manager).as_deref(), Some("one"));
}

#[tokio::test]
async fn what_is_withdrawn_comes_into_force_no_more() {
    let (bench, manager) = started(1).await;
    let two = proposed(&manager, ALICE, &guarded("two", 1)).await;
    assert!(matches!(manager.find(&two.digest.short()).unwrap().0, Known::Proposal(_)));
    manager.withdraw(&two.digest.short(), BOB.into(), "no".into()).await.unwrap();
    assert!(matches!(approve(&manager, &two, BOB).await, Err(ProposalError::Unknown(_))));
    let told = bench.told().pop().unwrap();
    assert_eq!((told["cause"].as_str(), told["by"].as_str()), (Some("withdrawn"), Some(BOB)));
    assert!(manager.find(&two.digest.short()).is_err());
}

#[tokio::test]
async fn tests_and_comments_are_nobody_elses_business() {
    let (bench, manager) = started(1).await;
    let said = format!("# said better\n{}", guarded("one", 1));
    let applied = apply_as(ALICE, &manager, &said).await.unwrap();
    assert!(matches!(applied, Applied::InForce { changed: false, .. }));
    assert_eq!(bench.place(), said);
    // And so it is when a daemon puts back what is in force.
    bench.edit(&guarded("two", 1));
    manager.reload(PolicyOrigin::File).await.unwrap();
    assert_eq!(bench.place(), said);
}

#[tokio::test]
async fn an_edit_in_the_managed_folder_waits_and_is_taken_out_of_there() {
    let (bench, manager) = started(1).await;
    bench.edit(&guarded("two", 1));
    let applied = manager.reload(PolicyOrigin::File).await.unwrap();
    let Applied::Proposed { proposal, .. } = applied else { panic!() };
    assert_eq!(proposal.author, "files");
    assert_eq!((contact(&manager).as_deref(), bench.place()), (Some("one"), guarded("one", 1)));
    // The daemon sees its own hand, which withdraws nothing.
    manager.reload(PolicyOrigin::File).await.unwrap();
    approve(&manager, &proposal, ALICE).await.unwrap();
    assert_eq!((contact(&manager).as_deref(), bench.place()), (Some("two"), guarded("two", 1)));
}

#[tokio::test]
async fn followed_files_propose_what_they_say_and_nothing_else() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    std::fs::create_dir(bench.folder.path().join("policy")).unwrap();
    bench.edit(&guarded("one", 1));
    let place = PolicyPlace::Followed(bench.folder.path().join("policy"));
    let manager = bench.start_at(place.clone(), None).await;
    assert_eq!(contact(&manager).as_deref(), Some("one"), "the first policy ever replaces none");
    bench.edit(&guarded("two", 1));
    manager.reload(PolicyOrigin::File).await.unwrap();
    bench.edit(&guarded("three", 1));
    manager.reload(PolicyOrigin::File).await.unwrap();
    manager.reload(PolicyOrigin::File).await.unwrap();
    let waiting = manager.proposals();
    assert_eq!(waiting.iter().map(|one| one.digest).collect::<Vec<_>>(), [digest(&guarded("three", 1))]);
    assert_eq!(bench.told().pop().unwrap()["kind"].as_str(), Some("policy-proposed"), "once");
    assert_eq!(bench.place(), guarded("three", 1), "the files are the administrator's");
    let skipped = bench.told().len();
    // A restart is no way around, and forgets nothing.
    let manager = bench.start_at(place, None).await;
    assert_eq!((contact(&manager).as_deref(), manager.proposals()), (Some("one"), waiting.clone()));
    assert_eq!(bench.kinds_after(skipped), ["changed"]);
    manager.withdraw(&waiting[0].digest.short(), ALICE.into(), "no".into()).await.unwrap();
    assert!(manager.trouble().unwrap().contains("withdrew"));
    manager.reload(PolicyOrigin::File).await.unwrap();
    approve(&manager, &waiting[0], ALICE).await.unwrap();
    assert_eq!((contact(&manager).as_deref(), manager.trouble()), (Some("three"), None));
}

/// Bob approves and is dismissed. What he wanted is not what anybody who is left wants.
#[tokio::test]
async fn who_is_gone_meanwhile_does_not_count() {
    let (bench, manager) = started(2).await;
    let two = proposed(&manager, ALICE, &policy("two")).await;
    approve(&manager, &two, "corp:42 (bob)").await.unwrap();
    bench.import(&["s:eng"]).await;
    bench.cut_off("bob").await;
    let after = approve(&manager, &two, CAROL).await.unwrap();
    let Applied::Proposed { proposal, .. } = after else { panic!("it is in force by somebody who is gone") };
    assert_eq!(proposal.approved_by(), [CAROL]);
    // Nor after a restart.
    let after = bench.start().await;
    assert_eq!(contact(&after).as_deref(), Some("one"));
    approve(&after, &two, "uid 4").await.unwrap();
    assert_eq!(contact(&after).as_deref(), Some("two"));
    assert_eq!(after.live().unwrap().version.approved_by, [CAROL, "uid 4"]);
}

#[tokio::test]
async fn an_approval_that_was_the_last_counts_no_more_at_a_start_when_they_are_gone() {
    let (bench, manager) = started(1).await;
    let two = proposed(&manager, ALICE, &policy("two")).await;
    let approval = Approval { by: "corp:42 (bob)".into(), at: jiff::Timestamp::now(), reason: "seen".into() };
    let waiting = Proposals::open(bench.folder.path().join("policy-proposals")).unwrap();
    waiting.update(&Proposal { approvals: vec![approval], ..two }).unwrap();
    bench.cut_off("bob").await;
    assert_eq!(contact(&bench.start().await).as_deref(), Some("one"));
}

/// Alice leads, approves, and leads no more. That she may not approve now is not made good by that she could.
#[tokio::test]
async fn who_administers_no_more_does_not_count() {
    let (bench, manager) = started(2).await;
    bench.import(&["s:eng", "s:leads"]).await;
    let two = proposed(&manager, ALICE, &policy("two")).await;
    approve(&manager, &two, "okta:7 (alice)").await.unwrap();
    assert!(matches!(approve(&manager, &two, "okta:7 (alice)").await, Err(ProposalError::Twice(_))));
    bench.import(&["s:eng"]).await;
    let after = approve(&manager, &two, CAROL).await.unwrap();
    let Applied::Proposed { proposal, .. } = after else { panic!("it is in force by who may not approve") };
    assert_eq!(proposal.approved_by(), [CAROL]);
    approve(&manager, &two, "corp:42 (bob)").await.unwrap();
    assert_eq!(manager.live().unwrap().version.approved_by, [CAROL, "corp:42 (bob)"]);
}
