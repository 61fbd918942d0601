//! Merges that Bitbucket makes by itself, as soon as nobody says no any more, for whoever asked for it ("auto-merge").

use oam_tests::Verdict;

use super::{Team, directory};

#[test]
fn it_is_merged_once_it_may_be_and_not_before() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.auto_merge("alice", id).is_refused("and has 0");
    team.approve("bob", id);
    team.auto_merge("alice", id).is_refused("and has 1");
    team.approve("carol", id);
    team.auto_merge("alice", id).is_permitted();
    let audit = team.world.daemon.audit();
    let merged = audit.decisions().into_iter().rfind(|one| one.decision.channel == "pull-request-merge");
    let merged = merged.expect("a merge").decision;
    assert_eq!(merged.principal, "alice");
    assert_eq!(merged.pull_request.expect("its approvals").counts[0].given, 2);
}

/// Bitbucket looks as a page does, once, when somebody approves: what a page was told a moment before must not say no then.
#[test]
fn what_a_page_was_told_before_the_last_approval_holds_up_nothing() {
    let team = Team::configured("approvals.within = \"20s\"\napprovals.remember = \"5m\"");
    let id = team.opened("src/a");
    team.look("alice", id).is_refused("and has 0");
    team.approve("bob", id);
    team.look("bob", id).is_refused("and has 1");
    team.approve("carol", id);
    team.auto_merge("alice", id).is_permitted();
}

/// It is decided by what is so then, and not when somebody asked for it.
#[test]
fn who_asked_for_it_must_still_be_there_and_so_must_those_who_approved() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    team.look("alice", id).is_permitted();
    team.think("carol", id, "UNAPPROVED");
    team.auto_merge("alice", id).is_refused("and has 1");
    team.approve("carol", id);
    team.world.daemon.import(&directory(&["bob"]));
    team.auto_merge("alice", id).is_refused("`bob` (not active any more)");
    team.world.daemon.import(&directory(&["alice"]));
    team.auto_merge("alice", id).says(Verdict::Refused, "account-disabled", "`alice`");
    team.world.daemon.import(&directory(&[]));
    let evil = team.push("alice", "elsewhere", "src/evil");
    team.server().meanwhile("DEMO/app", "refs/heads/topic", &evil);
    team.auto_merge("alice", id).is_undecided("it has moved on");
    team.auto_merge("alice", id).is_refused("approved before the last push");
}

/// Whom Bitbucket names to the hook is not documented. Should it be a user of its own, or nobody, nothing goes in.
#[test]
fn whomever_it_is_told_of_nobody_gets_more_by_it() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    team.auto_merge("system", id).says(Verdict::Refused, "unknown-principal", "`system`");
    let nobody = team.auto_merge("", id);
    assert_eq!(nobody.verdict(), Verdict::Undecided, "{}", nobody.text);
    team.auto_merge("alice", id).is_permitted();
}
