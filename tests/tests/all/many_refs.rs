//! Pushes of one ref and of very many. Sizes of one push, never a load on anything but this machine.

use oam_audit::entry::{Outcome, Verb};
use oam_tests::{BareRepo, Daemon, Verdict, WorkingCopy};

use crate::soak;

fn started() -> (Daemon, BareRepo, WorkingCopy) {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    (daemon, repository, work)
}

/// To branches that anybody in the team may create and update, and nobody rewrite.
const MANY: &str = "refs/many/*:refs/heads/shared/*";
const MANY_FORCED: &str = "+refs/many/*:refs/heads/shared/*";

/// Creates `count` branches, updates them, and then tries to rewrite them.
fn created_updated_and_not_rewritten(count: usize) {
    let (daemon, repository, work) = started();
    work.name_many("HEAD", count);
    let created = work.push([MANY]);
    assert_eq!(created.verdict(), Verdict::Permitted, "{created:?}");
    assert_eq!(repository.refs().len(), count);

    work.commit("two");
    work.name_many("HEAD", count);
    let updated = work.push([MANY]);
    assert_eq!(updated.verdict(), Verdict::Permitted, "{updated:?}");
    let last = daemon.audit().last_decision();
    assert_eq!(last.updates.len(), count);
    assert!(last.updates.iter().all(|update| update.verb == Some(Verb::Update)
        && update.fast_forward == Some(true)
        && update.outcome == Outcome::Permitted));

    let before = repository.refs();
    work.amend("two, rewritten");
    work.name_many("HEAD", count);
    let forced = work.push([MANY_FORCED]);
    assert_eq!(forced.verdict(), Verdict::Refused, "{forced:?}");
    assert_eq!(repository.refs(), before);
    let last = daemon.audit().last_decision();
    assert_eq!(last.decision.update_count, u64::try_from(count).unwrap());
    assert!(last.updates.iter().all(|update| update.verb == Some(Verb::Force)));
    assert!(forced.remote_lines().len() < 150, "a person reads this: {forced:?}");
}

#[test]
fn one_ref() {
    created_updated_and_not_rewritten(1);
}

#[test]
fn a_hundred_refs() {
    created_updated_and_not_rewritten(100);
}

#[test]
fn ten_thousand_refs() {
    created_updated_and_not_rewritten(10_000);
}

#[test]
fn a_hundred_thousand_refs() {
    if !soak() {
        eprintln!("SKIPPED: a push of 100,000 refs: set OAM_SOAK=1");
        return;
    }
    created_updated_and_not_rewritten(100_000);
}

#[test]
fn one_bad_ref_among_thousands_is_found() {
    let (daemon, repository, work) = started();
    work.name_many("HEAD", 5_000);
    let output = work.push([MANY, "HEAD:refs/heads/release/sneaked-in"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert!(repository.refs().is_empty());
    assert!(output.remote().contains("refs/heads/release/sneaked-in"), "{output:?}");
    let last = daemon.audit().last_decision();
    assert_eq!(last.decision.update_count, 5_001);
    let refused = last.updates.iter().filter(|update| update.outcome == Outcome::Refused);
    assert_eq!(refused.count(), 1);
}
