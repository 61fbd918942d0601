//! Recorded pushes, decided again: real git, the real hook, the real log.

use oam_tests::{BareRepo, Daemon, Finished, Verdict, sample};

/// Pushes of several people, permitted and refused, with and without a look at the history.
fn pushed() -> (Daemon, BareRepo) {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let alice = repository.working_copy().pushing_as("alice");
    alice.commit("one");
    assert_eq!(
        alice.push(["HEAD:refs/heads/main", "HEAD:refs/heads/feature/x"]).verdict(),
        Verdict::Permitted
    );
    alice.commit("two");
    assert_eq!(alice.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    alice.amend("another two");
    assert_eq!(alice.push(["+HEAD:refs/heads/main"]).verdict(), Verdict::Refused);
    assert_eq!(alice.push(["+HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted);
    assert_eq!(alice.push(["HEAD:refs/tags/v1"]).verdict(), Verdict::Permitted);
    assert_eq!(alice.push([":refs/tags/v1"]).verdict(), Verdict::Refused);
    for (user, verdict) in
        [("mallory", Verdict::Refused), ("gone", Verdict::Refused), ("kim", Verdict::Permitted)]
    {
        let work = repository.working_copy().pushing_as(user);
        work.commit("mine");
        assert_eq!(work.push([format!("HEAD:refs/heads/feature/{user}")]).verdict(), verdict);
    }
    (daemon, repository)
}

fn replay(daemon: &Daemon, policy: &str, more: &[&str]) -> Finished {
    let draft = daemon.folder().join("draft.toml");
    std::fs::write(&draft, policy).unwrap();
    daemon.oam([&["policy", "replay", draft.to_str().unwrap(), "--json"], more].concat())
}

/// The lines of an answer that are items of a kind.
fn items(answer: &Finished, kind: &str) -> Vec<serde_json::Value> {
    let text = answer.stdout_text();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|item| item["item"] == kind).collect()
}

#[test]
fn under_the_same_policy_nothing_changes() {
    let (daemon, _repository) = pushed();
    let same = replay(&daemon, sample::POLICY, &[]);
    assert_eq!(same.code, 0, "{same:?}");
    let done = &items(&same, "done")[0];
    assert_eq!((done["pushes"].as_u64(), done["refs"].as_u64()), (Some(9), Some(10)), "{same:?}");
    assert_eq!((done["unchanged"].as_u64(), done["by_directory_then"].as_u64()), (Some(10), Some(9)));
    let decided = |id: &str| {
        let rules = done["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["id"] == id).unwrap()["decided"].as_u64().unwrap()
    };
    // The same, as the log has it and as it is decided again.
    assert_eq!(done["rules"], done["in_force_rules"]);
    assert_eq!((decided("topic-branches"), decided("main"), decided("tags-are-forever")), (2, 2, 1));
    assert_eq!((decided("everything"), decided("releases")), (1, 0));
}

#[test]
fn what_was_decided_then_comes_out_so_again() {
    let (mut daemon, repository) = pushed();
    daemon.deactivate("alice").expect_success("oam user deactivate");
    let bob = repository.working_copy().pushing_as("bob");
    bob.commit("mine");
    daemon.kill();
    daemon.spawn();
    assert_eq!(bob.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Permitted);
    let again = daemon.oam(["policy", "replay", "--recorded", "--json"]);
    assert_eq!(again.code, 0, "{again:?}");
    let done = &items(&again, "done")[0];
    assert_eq!((done["pushes"].as_u64(), done["unchanged"].as_u64()), (Some(10), Some(11)), "{again:?}");
    assert_eq!(done["untold"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_draft_shows_whom_it_would_have_met() {
    let (daemon, _repository) = pushed();
    let draft = sample::POLICY
        .replace(r#"refs  = ["refs/heads/main"]"#, r#"refs  = ["refs/heads/trunk"]"#)
        .replace("[\"create\", \"update\", \"force\", \"delete\"]", "[\"create\", \"update\"]");
    let changed = replay(&daemon, &draft, &["--all"]);
    assert_eq!(changed.code, 1, "{changed:?}");
    let told: Vec<_> = items(&changed, "verdict")
        .iter()
        .map(|one| {
            format!("{} {} {} {}", one["effect"], one["username"], one["verb"], one["ref"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        told,
        ["newly-refused alice create refs/heads/main", "newly-refused alice update refs/heads/main",],
        "{changed:?}"
    );
    // That alice might update and force `feature/x` alike was known without a look at the history.
    let untold = &items(&changed, "done")[0]["untold"];
    assert_eq!(
        (untold[0]["code"].as_str(), untold[0]["refs"].as_u64()),
        (Some("ancestry-not-recorded"), Some(1))
    );
    assert_eq!(untold.as_array().map(Vec::len), Some(1));

    // What cannot be told is not taken for unchanged.
    let narrower =
        sample::POLICY.replace("[\"create\", \"update\", \"force\", \"delete\"]", "[\"create\", \"update\"]");
    let unknown = replay(&daemon, &narrower, &[]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
    // A faulty draft is a fault, and a log without such pushes has nothing to tell.
    assert_eq!(replay(&daemon, "version = 1\n[[grant]]\n", &[]).code, 1);
    assert_eq!(replay(&daemon, &draft, &["--repo", "OTHER/*"]).code, 0);
}
