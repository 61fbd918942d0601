//! Where it cannot be found out who approved: not permitted, not refused, told well, and in time.

use std::time::Duration;

use oam_tests::{Verdict, bitbucket_server::Ailment, daemon::Setup, push::redact, wait};
use serde_json::json;

use super::{POLICY, Team, config};
use crate::install::bare_with;

/// How many commits of a pull request are on one page.
const PER_PAGE: usize = 100;

/// A team with a pull request that everybody approved.
fn approved(more: &str) -> (Team, u64) {
    let team = Team::configured(more);
    let id = team.opened("src/a");
    team.approve("bob", id);
    team.approve("carol", id);
    (team, id)
}

#[test]
fn a_bitbucket_that_cannot_be_asked_refuses_nobody_and_lets_nobody_in() {
    let (team, id) = approved("approvals.within = \"20s\"\napprovals.remember = \"0s\"");
    let ail = |ailment| team.server().ail(ailment);
    for (ailment, says) in [
        (Ailment::Down, "Bitbucket does not answer"),
        (Ailment::Says(200, "<html>Log in</html>".to_owned()), "Bitbucket's answer is not understood"),
        (Ailment::Says(200, "{}".to_owned()), "Bitbucket's answer is not understood"),
        (Ailment::Says(404, String::new()), "Bitbucket does not know it, or does not show it"),
        (Ailment::Says(403, String::new()), "Bitbucket does not take the token"),
        (Ailment::Says(503, String::new()), "Bitbucket answers 503"),
        (Ailment::Says(200, "x".repeat(600 << 10)), "larger than 512 KiB"),
        (Ailment::Says(302, String::new()), "only redirects on the same host"),
        (Ailment::Says(429, String::new()), "Bitbucket limits how often it may be asked"),
    ] {
        ail(ailment.clone());
        for seen in [team.look("alice", id), team.merge("alice", id)] {
            seen.is_undecided("The approvals of the pull request could not be judged");
            assert!(super::flat(&seen.text).contains(says), "{ailment:?}: {}", seen.text);
        }
    }
    // Whoever waits for a merge does not wait for Bitbucket to let up: it is asked once.
    let before = team.lookups();
    team.look("alice", id).is_undecided("Bitbucket limits how often it may be asked");
    assert_eq!(team.lookups(), before + 1);
    ail(Ailment::Down);
    let text = redact(&team.look("alice", id).text);
    insta::assert_snapshot!(text.replace(team.server().url(), "http://bitbucket"), @"

    Merge NOT checked by Bitbucket OAM. This is no refusal.

      refs/heads/main
        The approvals of the pull request could not be judged: reading pull
        request 1 of DEMO/app: Bitbucket does not answer: the other side
        does not speak HTTP as it should: connection closed before message
        completed. [approvals-unknown]
        -> Try again in a minute; nobody need approve again. If it stays so,
           an administrator should look at `oam status`.

    This is not your fault, and nothing was changed. Try again. If it stays
    so, tell your administrators.
    Decision: [id]
    Questions: #platform
    ");
    let status = team.world.daemon.oam(["status"]).stdout_text();
    assert!(status.contains("Who approved pull requests could not be found out last time"), "{status}");
    ail(Ailment::None);
    team.merge("alice", id).is_permitted();
    let status = team.world.daemon.oam(["status"]).stdout_text();
    assert!(!status.contains("Who approved"), "{status}");
    let metrics = crate::observing::get(&team.world.daemon, "/metrics").1;
    assert!(metrics.contains("oam_pull_requests_total{outcome=\"failed\"} 20"), "{metrics}");
}

/// Whom only a source knows that is too old may have left since, and nobody can tell.
#[test]
fn whom_only_an_old_source_knows_approves_nothing_for_sure() {
    let sources = "[source.hr]\nkind = \"file\"\n[source.okta]\nkind = \"file\"\nmax_age = \"4s\"\n";
    let team = Team::of(bare_with(|server, token| Setup {
        policy: POLICY.replace("okta:eng\"]", "okta:eng\", \"hr:eng\"]"),
        directory: None,
        config: config(server, token, "approvals.within = \"20s\"\napprovals.remember = \"0s\"") + sources,
    }));
    let says = |source: &str, names: &[&str]| {
        let group = format!("{source}:eng");
        let person = |name: &&str| json!({"username": name, "emails": [format!("{name}@example.com")], "groups": [group]});
        let users: Vec<_> = names.iter().map(person).collect();
        let file = team.world.folder().join(source);
        std::fs::write(&file, json!({"version": 1, "users": users}).to_string()).unwrap();
        let import = ["snapshot", "import", file.to_str().unwrap(), "--source", source];
        team.world.daemon.oam(import).expect_success("oam snapshot import");
    };
    says("hr", &["alice", "dave"]);
    says("okta", &["bob", "carol"]);
    let id = team.opened("src/a");
    for user in ["bob", "carol"] {
        team.approve(user, id);
    }
    let is_stale = || team.world.daemon.oam(["source", "status", "okta"]).code == 1;
    wait::until("what knows them is too old", || is_stale().then_some(()));
    for seen in [team.look("alice", id), team.merge("alice", id)] {
        seen.is_undecided("may still approve is not known: ");
    }
    // What the other source knows is heard as before.
    team.approve("dave", id);
    team.merge("alice", id).is_undecided("may still approve is not known");
    wait::until("it is heard again", || {
        says("okta", &["bob", "carol"]);
        (team.look("alice", id).verdict() == Verdict::Permitted).then_some(())
    });
}

/// Nobody waits longer than is configured; and a hook that gives up before does not take the daemon for unreachable.
#[test]
fn a_slow_bitbucket_is_waited_for_as_long_as_is_configured() {
    let (team, id) = approved("approvals.within = \"100ms\"");
    team.server().ail(Ailment::Slow(Duration::from_secs(60)));
    team.merge("alice", id).is_undecided("Bitbucket did not answer within 100 ms");
    team.look("alice", id).is_undecided("Bitbucket did not answer within 100 ms");
}

#[test]
fn pages_are_answered_by_what_is_remembered_and_merges_are_not() {
    let (team, id) = approved("approvals.within = \"20s\"\napprovals.remember = \"5m\"");
    team.look("alice", id).is_permitted();
    let commits = || {
        let requests = team.server().requests();
        requests.iter().filter(|request| request.ends_with("/commits")).count()
    };
    let (asked, listed) = (team.lookups(), commits());
    for _ in 0..5 {
        team.look("bob", id).is_permitted();
    }
    assert_eq!(team.lookups(), asked, "Bitbucket is asked for each page");
    // What was taken back shows on the page a little later, and at the merge at once.
    team.think("carol", id, "UNAPPROVED");
    team.look("bob", id).is_permitted();
    team.merge("bob", id).is_refused("and has 1");
    team.look("bob", id).is_refused("and has 1");
    assert_eq!(commits(), listed, "the commits of the same head are asked for again");
    // Another head is nothing that is remembered.
    team.push("alice", "topic", "src/b");
    team.look("bob", id).is_refused("approved before the last push");
    let metrics = crate::observing::get(&team.world.daemon, "/metrics").1;
    assert!(metrics.contains("oam_pull_requests_total{outcome=\"remembered\"}"), "{metrics}");
}

/// Pages are of the commits that there are when each is asked for. Who made the first of them is on neither page where the branch is
/// shorter by the second one, and their own approval would count.
#[test]
fn a_branch_that_moves_between_two_pages_of_its_commits_is_not_judged() {
    let team = Team::new();
    let first = team.push("carol", "topic", "src/a");
    let work = team.copy_of("DEMO/app", "alice");
    work.git(["checkout", "--quiet", "-B", "work", "origin/topic"]);
    for number in 0..PER_PAGE {
        work.git(["commit", "--quiet", "--allow-empty", "--message", &format!("number {number}")]);
    }
    assert!(work.push(["HEAD:refs/heads/topic"]).accepted());
    let id = team.open("alice", "topic", "main");
    for user in ["bob", "carol"] {
        team.approve(user, id);
    }
    team.server().between_pages("DEMO/app", "refs/heads/topic", &first);
    team.merge("alice", id).is_undecided("its branches moved while its commits were read");
    // Where nothing moves all of them are seen.
    let head = work.git(["rev-parse", "HEAD"]);
    assert!(work.push([format!("+{head}:refs/heads/topic")]).accepted());
    team.merge("alice", id).is_refused("`carol` (made a commit of it)");
}

/// Everything else is decided as before where nobody has told the daemon of Bitbucket.
#[test]
fn without_a_bitbucket_only_approvals_are_undecided() {
    let (team, id) = approved("");
    let config = std::fs::read_to_string(team.world.daemon.config_file()).unwrap();
    let without = config.split("[bitbucket]").next().unwrap().to_owned();
    let mut team = team;
    team.world.daemon.stop();
    std::fs::write(team.world.daemon.config_file(), without + "[http]\nlisten = \"off\"\n").unwrap();
    team.world.daemon.spawn();
    team.merge("alice", id).is_undecided("its configuration has no `[bitbucket]`");
    team.push("alice", "topic", "src/c");
}
