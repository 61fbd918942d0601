//! The ways in which pull requests are merged, and those that are no merge of one.

use oam_tests::{Verdict, bitbucket_server::Permission};

use super::{Team, push_from};

#[test]
fn every_strategy_is_decided_by_the_pull_request() {
    let team = Team::new();
    for (number, strategy) in ["no-ff", "squash", "ff-only", "rebase-ff-only"].into_iter().enumerate() {
        let (branch, path) = (format!("topic-{number}"), format!("src/{number}"));
        team.push("alice", &branch, &path);
        team.push("alice", &branch, &path);
        let id = team.open("alice", &branch, "main");
        team.approve("bob", id);
        team.merge_by("alice", id, strategy).is_refused("and has 1");
        team.approve("carol", id);
        team.merge_by("alice", id, strategy).is_permitted();
    }
}

#[test]
fn a_fork_is_merged_like_a_branch() {
    let team = Team::new();
    let server = team.server();
    server.add_repository("~alice/app");
    server.permit("alice", "~alice", Permission::Admin);
    server.permit("kim", "~alice", Permission::Read);
    let work = team.copy_of("DEMO/app", "alice");
    work.git(["checkout", "--quiet", "-B", "work", "origin/main"]);
    let tip = work.commit("of a fork");
    let address = work.git(["remote", "get-url", "origin"]).replace("DEMO", "~alice");
    work.git(["remote", "set-url", "origin", &address]);
    assert!(work.push([format!("{tip}:refs/heads/topic")]).accepted());
    let id = team.open_from("alice", ("~alice", "app"), "topic", "main");
    team.approve("bob", id);
    team.look("alice", id).is_refused("and has 1");
    team.approve("carol", id);
    team.look("alice", id).is_permitted();
    team.merge("alice", id).is_permitted();
}

/// What is merged on by itself has no pull request, so nobody has approved it.
#[test]
fn a_cascade_is_approved_by_nobody() {
    let team = Team::new();
    for branch in ["release/1", "next"] {
        assert!(
            team.copy_of("DEMO/app", "alice").push([format!("origin/main:refs/heads/{branch}")]).accepted()
        );
    }
    team.server().cascade("DEMO/app", "release/1", "next");
    team.push("alice", "topic", "src/a");
    let id = team.open("alice", "topic", "release/1");
    team.merge("alice", id).is_refused("it takes 1 approval by the role `developer`, and has 0");
    team.approve("bob", id);
    team.merge("alice", id).is_permitted();
    let audit = team.world.daemon.audit();
    let cascade =
        audit.decisions().into_iter().rfind(|one| one.decision.channel == "merge").expect("a cascade");
    let codes: Vec<_> = cascade.updates[0].reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["approval-missing"]);
    // Bitbucket then asks for a pull request, by which it is merged like any other.
    let (_, next) = team.ask("alice", "GET", &format!("/{}", id + 1), None);
    assert_eq!(next["toRef"]["displayId"], "next", "{next}");
    team.approve("bob", id + 1);
    team.merge("alice", id + 1).is_permitted();
}

/// A page that was looked at, and a merge that was allowed, allow nothing that was pushed since.
#[test]
fn what_is_pushed_meanwhile_is_not_merged() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    let evil = {
        let work = team.copy_of("DEMO/app", "alice");
        let tip = push_from(&work, "elsewhere", "src/evil");
        team.look("alice", id).is_permitted();
        tip
    };
    team.server().meanwhile("DEMO/app", "refs/heads/topic", &evil);
    team.merge("alice", id).is_undecided("it has moved on");
    team.merge("alice", id).is_refused("approved before the last push");
}

/// Nobody gets past a pull request by another way in.
#[test]
fn a_push_and_an_edit_in_the_browser_are_no_pull_request() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    let work = team.copy_of("DEMO/app", "alice");
    let pushed = work.push(["origin/topic:refs/heads/main"]);
    assert_eq!(pushed.verdict(), Verdict::Refused);
    assert!(pushed.remote().contains("[pull-request-required]"), "{pushed:?}");
    let edit = |branch: &str| {
        let path = format!("/projects/DEMO/repos/app/browse/{branch}.txt");
        team.server().ask_by_form("alice", "PUT", &path, &[("content", "x"), ("branch", branch)])
    };
    let (status, answer) = edit("main");
    assert_eq!(status, 409, "{answer}");
    assert!(answer.to_string().contains("pull-request-required"), "{answer}");
    assert_eq!(edit("topic").0, 200);
}
