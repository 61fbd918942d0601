//! Whose approvals count.

use std::fs;

use oam_audit::entry::{Said, WeighedApproval};
use oam_tests::{push::redact, wait};

use super::{Team, directory, push_from};

#[test]
fn enough_approvals_are_enough_and_fewer_are_told() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.look("alice", id).is_refused("it takes 2 approvals by the role `developer`, and has 0");
    team.approve("bob", id);
    let page = team.look("bob", id);
    insta::assert_snapshot!(redact(&page.text), @"

    Merge refused by Bitbucket OAM.

      refs/heads/main
        By rule `reviewed`, it takes 2 approvals by the role `developer`,
        and has 1. [approval-missing]
        -> Have somebody with the role `developer` approve the pull request,
           and merge it then.

    You are bob (role: developer) in DEMO/app.
    Decision: [id]
    Questions: #platform
    ");
    team.merge("bob", id).is_refused("it takes 2 approvals by the role `developer`, and has 1");
    team.approve("carol", id);
    team.look("mallory", id).says(oam_tests::Verdict::Refused, "unknown-principal", "`mallory`");
    team.look("alice", id).is_permitted();
    // A page changes nothing, and is not recorded; a merge is.
    assert_eq!(recorded(&team), ["refused pull-request-merge"]);
    team.merge("alice", id).is_permitted();
    assert_eq!(recorded(&team), ["refused pull-request-merge", "permitted pull-request-merge"]);
}

fn recorded(team: &Team) -> Vec<String> {
    let audit = team.world.daemon.audit();
    let of_main = |one: &oam_tests::audit::Recorded| {
        one.updates.iter().any(|update| update.name.as_bytes() == b"refs/heads/main")
    };
    let told = |one: oam_tests::audit::Recorded| {
        let outcome = format!("{:?}", one.decision.outcome).to_lowercase();
        format!("{outcome} {}", one.decision.channel)
    };
    audit.decisions().into_iter().filter(of_main).map(told).collect()
}

#[test]
fn a_push_makes_approvals_old_until_they_are_given_again() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    team.look("alice", id).is_permitted();
    team.push("alice", "topic", "src/b");
    let page = team.look("alice", id);
    insta::assert_snapshot!(redact(&page.text), @"

    Merge refused by Bitbucket OAM.

      refs/heads/main
        By rule `reviewed`, it takes 2 approvals by the role `developer`,
        and has 0. [approval-missing]
        -> 2 approvals do not count: `bob` (approved before the last push),
           `carol` (approved before the last push). Have 2 people with the
           role `developer` approve the pull request, and merge it then.

    You are alice (role: developer) in DEMO/app.
    Decision: [id]
    Questions: #platform
    ");
    team.merge("alice", id)
        .is_refused("`bob` (approved before the last push), `carol` (approved before the last push)");
    team.approve("bob", id);
    team.merge("alice", id).is_refused("1 approval does not count: `carol` (approved before the last push)");
    team.approve("carol", id);
    team.merge("alice", id).is_permitted();
}

#[test]
fn who_takes_it_back_or_wants_work_does_not_approve() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.approve("bob", id);
    for status in ["UNAPPROVED", "NEEDS_WORK"] {
        team.approve("carol", id);
        team.look("alice", id).is_permitted();
        team.think("carol", id, status);
        team.merge("alice", id).is_refused("and has 1");
    }
}

/// The log has who approved, of what, and what it was worth; so that it can be asked, and decided again.
#[test]
fn the_approvals_that_a_merge_rested_on_are_in_the_log() {
    let team = Team::new();
    let before = team.push("alice", "topic", "deploy/a");
    let id = team.open("alice", "topic", "main");
    team.approve("bob", id);
    team.push("alice", "topic", "deploy/b");
    for user in ["carol", "dave", "rita"] {
        team.approve(user, id);
    }
    team.merge("alice", id).is_permitted();
    let audit = team.world.daemon.audit();
    let decisions = audit.decisions();
    let merged = decisions.iter().find(|one| one.decision.channel == "pull-request-merge").unwrap();
    let recorded = merged.decision.pull_request.as_ref().unwrap();
    let Said::Known { author, approvals, committers } = &recorded.said else { panic!("{recorded:?}") };
    let head = recorded.head.clone().unwrap();
    assert_eq!((recorded.number, author.as_str()), (Some(id), "alice"));
    assert_eq!(committers.all.as_deref(), Some(&["alice@example.com".to_owned()][..]));
    let approved: Vec<_> =
        approvals.all.iter().flatten().map(|one| (one.by.as_str(), one.commit.clone().unwrap())).collect();
    let of_head = |by| (by, head.clone());
    assert_eq!(approved, [("bob", before), of_head("carol"), of_head("dave"), of_head("rita")]);
    let worth: Vec<_> = recorded
        .counts
        .iter()
        .map(|count| {
            let of = |one: &WeighedApproval| format!("{} {}", one.by, one.worth);
            let all: Vec<_> = count.approvals.all.iter().flatten().map(of).collect();
            format!("{} {} of {}: {}", count.role, count.given, count.needed, all.join(", "))
        })
        .collect();
    assert_eq!(
        worth,
        [
            "developer 2 of 2: bob outdated, carol counts, dave counts, rita without-role",
            "release-manager 1 of 1: bob without-role, carol without-role, dave without-role, rita counts"
        ]
    );
    let oam = |arguments: &[&str]| team.world.daemon.oam(arguments);
    let tail = oam(&["audit", "tail"]).stdout_text();
    assert!(
        tail.contains("(pull request 1: approved by carol, dave, rita; not counted: bob (outdated))"),
        "{tail}"
    );
    // Who approved is found by their name.
    let folder = team.world.daemon.state().join("audit").display().to_string();
    wait::until("what she approved is signed, and found", || {
        let of_rita = oam(&["audit", "query", "--dir", &folder, "--user", "rita", "--format", "csv"])
            .expect_success("oam audit query");
        of_rita.stdout_text().contains("pull-request-merge").then_some(())
    });
    // It is decided again by the same, and under a draft.
    let again = oam(&["policy", "replay", "--recorded"]);
    assert_eq!(again.code, 0, "{again:?}");
    let draft = team.world.daemon.folder().join("draft.toml");
    fs::write(&draft, super::POLICY.replace("count = 2", "count = 3")).unwrap();
    let under = oam(&["policy", "replay", draft.to_str().unwrap()]);
    assert_eq!(under.code, 1, "{under:?}");
    assert!(under.stdout_text().contains("approval-missing"), "{under:?}");
}

/// Bitbucket lets no author approve. If it did, or does under another name in some way, that would not count.
#[test]
fn nobody_approves_what_they_made_themselves() {
    let team = Team::new();
    team.push("alice", "topic", "src/a");
    team.push("carol", "topic", "src/b");
    let id = team.open("alice", "topic", "main");
    team.approve("bob", id);
    team.approve("carol", id);
    team.merge("bob", id).is_refused("1 approval does not count: `carol` (made a commit of it)");
    team.approve("dave", id);
    team.merge("bob", id).is_permitted();
}

/// Nor does whoever opened it approve it, where all commits are by others.
#[test]
fn who_opened_it_does_not_approve_it() {
    let team = Team::new();
    let tip = team.push("carol", "topic", "src/a");
    let id = team.open("alice", "topic", "main");
    team.approve("bob", id);
    team.server().note_approval("DEMO/app", id, "alice", &tip);
    team.merge("bob", id).is_refused("1 approval does not count: `alice` (opened the pull request)");
    team.approve("dave", id);
    team.merge("bob", id).is_permitted();
}

/// A commit by an address that is nobody's may be by anybody: then it is not known whether approvals count, and told so.
#[test]
fn an_address_that_is_nobodys_hides_nobody() {
    let team = Team::new();
    let hidden = "c@private.example";
    let work = team.copy_of("DEMO/app", "carol");
    let work = work.with("GIT_AUTHOR_EMAIL", hidden).with("GIT_COMMITTER_EMAIL", hidden);
    push_from(&work, "topic", "src/a");
    let id = team.open("alice", "topic", "main");
    team.approve("bob", id);
    // Not even with it would there be enough.
    team.merge("bob", id).is_refused("and has 1 of which nobody can tell whether it counts");
    team.approve("carol", id);
    let page = team.look("bob", id);
    page.is_undecided(
        "a commit is by `c@private.example`, an address that the company directory has of nobody",
    );
    insta::assert_snapshot!(redact(&page.text), @"

    Merge NOT checked by Bitbucket OAM. This is no refusal.

      refs/heads/main
        The approvals of the pull request could not be judged: a commit is
        by `c@private.example`, an address that the company directory has of
        nobody, so one of those who approved may have made it.
        [approvals-unknown]
        -> Its author commits again with an address that the directory has
           of them, or whoever keeps the directory adds this one. Nobody
           need approve again where the directory does.

    This is not your fault, and nothing was changed. Try again. If it stays
    so, tell your administrators.
    Decision: [id]
    Questions: #platform
    ");
    // Known as hers, it is hers.
    let known =
        directory(&[]).replace("\"carol@example.com\"", "\"carol@example.com\", \"C@private.example\"");
    team.world.daemon.import(&known);
    team.merge("bob", id).is_refused("`carol` (made a commit of it)");
}

#[test]
fn some_paths_take_one_more_approval() {
    let team = Team::new();
    let id = team.opened("deploy/prod.yaml");
    team.approve("bob", id);
    team.approve("carol", id);
    let page = team.look("alice", id);
    page.is_refused("1 approval by the role `release-manager` for `deploy/prod.yaml`, and has 0");
    insta::assert_snapshot!(redact(&page.text), @"

    Merge refused by Bitbucket OAM.

      refs/heads/main
        By rule `reviewed`, it takes 1 approval by the role
        `release-manager` for `deploy/prod.yaml`, and has 0.
        [approval-missing]
        -> 2 approvals do not count: `bob` (does not hold the role), `carol`
           (does not hold the role). Have somebody with the role
           `release-manager` approve the pull request, and merge it then.

    You are alice (role: developer) in DEMO/app.
    Decision: [id]
    Questions: #platform
    ");
    team.merge("alice", id).is_refused("`bob` (does not hold the role), `carol` (does not hold the role)");
    team.approve("rita", id);
    team.merge("alice", id).is_permitted();
}

#[test]
fn who_loses_the_role_upstream_has_not_approved_any_more() {
    // Also where the page is answered by what Bitbucket said before.
    let team = Team::configured("approvals.within = \"20s\"\napprovals.remember = \"5m\"");
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    team.look("alice", id).is_permitted();
    let asked = team.lookups();
    team.world.daemon.import(&directory(&["carol"]));
    team.look("alice", id).is_refused("1 approval does not count: `carol` (not active any more)");
    team.merge("alice", id).is_refused("`carol` (not active any more)");
    team.world.daemon.import(&directory(&[]));
    team.look("alice", id).is_permitted();
    team.world.daemon.deactivate("bob").expect_success("oam user deactivate");
    team.look("alice", id).is_refused("`bob` (not active any more)");
    // The merge asked, and so did each page that was told no; and two of the pages' own requests look like it.
    assert_eq!(team.lookups() - asked, 5);
}

/// Names fold, and a name is all that counts: a renamed user is who the directory knows by the new name, or nobody.
#[test]
fn a_renamed_user_is_whom_the_directory_knows_by_that_name() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    team.server().rename("carol", "CAROL");
    team.look("alice", id).is_permitted();
    team.server().rename("CAROL", "caroline");
    team.merge("alice", id).is_refused("`caroline` (not in the company directory)");
    let renamed = directory(&["carol"]).replace("\"dave\"", "\"caroline\"");
    team.world.daemon.import(&renamed);
    team.merge("alice", id).is_permitted();
}

/// The token is that of a service account, and replaced without a restart.
#[test]
fn another_token_takes_effect_at_once() {
    let team = Team::new();
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    let file = team.world.token_file();
    team.server().revoke(fs::read_to_string(&file).unwrap().trim());
    let merged = team.merge("alice", id);
    merged.is_undecided("Bitbucket does not take the token, or its user may not do that");
    assert!(!merged.text.contains("BBDC"), "a token is printed: {}", merged.text);
    fs::write(&file, team.server().token("kim")).unwrap();
    team.merge("alice", id).is_permitted();
}
