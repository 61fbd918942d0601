//! By a draft.

use oam_policy::rule::RepositorySet;

use super::{super::Effect, *};

#[tokio::test]
async fn every_verdict_that_changes_is_told_and_no_other() {
    let bench = Bench::new().await;
    bench.push("alice", &["create refs/heads/t/x", "update refs/heads/main", "force refs/heads/main"]).await;
    bench.push("bob", &["delete refs/tags/1", "create refs/heads/release/1"]).await;
    bench.push("dave", &["create refs/heads/t/x"]).await;
    let draft = POLICY
        .replace("id = \"topics\"", "id = \"branches\"")
        .replace("\"refs/heads/t/**\", \"refs/tags/**\"", "\"refs/heads/t/**\", \"refs/heads/release/**\"")
        .replace("[\"create\", \"update\"]", "[\"create\", \"force\"]")
        .replace("mode = \"evaluate\"\n", "");
    let (mut summary, verdicts) = run(bench.by(&draft));
    are(
        &told(&verdicts),
        &[
            "other-grounds create refs/heads/t/x: permitted topics -> permitted branches",
            "newly-refused update refs/heads/main: permitted main -> refused no-grant",
            "newly-permitted force refs/heads/main: refused no-grant -> permitted main",
            "other-grounds delete refs/tags/1: refused blocked/tags-stay -> refused blocked/tags-stay no-grant",
            "newly-permitted create refs/heads/release/1: refused no-grant -> permitted branches",
        ],
    );
    assert_eq!((summary.pushes, summary.refs, summary.unchanged, summary.pushes_changed), (3, 6, 1, 2));
    let groups: Vec<_> = summary.groups().iter().map(|one| (one.examples[0].effect, one.refs)).collect();
    assert_eq!(groups.len(), 5);
    assert!(groups.is_sorted_by_key(|(effect, _)| *effect), "{groups:?}");
    let uses = summary.rules.unwrap().uses();
    let uses: Vec<_> = uses.iter().map(|one| (one.kind, one.id.as_str(), one.decided, one.would)).collect();
    assert_eq!(
        uses,
        [
            ("role", "bot", 0, 0),
            ("role", "developer", 3, 0),
            ("grant", "branches", 2, 0),
            ("grant", "main", 1, 0),
            ("grant", "more", 0, 0),
            ("block", "tags-stay", 1, 0),
        ]
    );
}

#[track_caller]
fn are(found: &[String], expected: &[&str]) {
    assert_eq!(found, expected, "{found:#?}");
}

#[tokio::test]
async fn a_fact_that_was_not_asked_for_is_not_guessed() {
    let bench = Bench::new().await;
    // Whoever may update and force alike is not asked which it was.
    bench.push("alice", &["update refs/heads/t/x", "create refs/heads/t/y"]).await;
    bench.push("alice", &["unreadable refs/heads/main"]).await;
    let draft = POLICY.replacen("\"create\", \"update\", \"force\", \"delete\"", "\"update\"", 1);
    let (summary, verdicts) = run(bench.by(&draft));
    assert_eq!(untold(&summary), [("ancestry-not-recorded", 1)]);
    assert!(summary.untold.keys().all(Untold::is_doubt));
    // The other ref of the same push is told, and what could not be read then still cannot.
    are(&told(&verdicts), &["newly-refused create refs/heads/t/y: permitted topics -> refused no-grant"]);
    assert_eq!((summary.refs, summary.unchanged), (2, 1));
    // A draft that says the same of both ways decides what could not be decided then.
    let (summary, verdicts) = run(bench.by(&POLICY
        .replace("mode = \"evaluate\"\n", "")
        .replace("verbs = [\"create\", \"update\"]", "verbs = [\"create\", \"update\", \"force\"]")));
    are(
        &told(&verdicts),
        &["newly-permitted move refs/heads/main: undecided facts-unreadable -> permitted main"],
    );
    assert_eq!(untold(&summary), []);
}

#[tokio::test]
async fn the_directory_of_then_is_used_as_long_as_it_is_kept() {
    let bench = Bench::keeping(2).await;
    bench.push("alice", &["create refs/heads/main", "create refs/heads/t/1"]).await;
    bench.import(&[("bob", &["s:eng"])]).await;
    let (summary, verdicts) = run(bench.by(POLICY));
    assert_eq!((verdicts.len(), summary.by_directory_then, summary.by_directory_now), (0, 1, 0));

    // By the directory of now she is unknown: that is no doing of the draft.
    let mut replay = bench.by(POLICY);
    replay.directories = Directories::new(bench.live.directory.clone(), true);
    let (summary, verdicts) = run(replay);
    assert_eq!((verdicts.len(), summary.by_directory_now, summary.by_directory_alone), (0, 1, 2));

    // When it is gone, the one of now must do; what the draft does besides is told.
    bench.import(&[("alice", &[])]).await;
    bench.import(&[("alice", &["s:eng"])]).await;
    let draft = POLICY.replace("refs/heads/main", "refs/heads/trunk");
    let (summary, verdicts) = run(bench.by(&draft));
    are(&told(&verdicts), &["newly-refused create refs/heads/main: permitted main -> refused no-grant"]);
    assert!(!verdicts[0].directory_then);
    assert_eq!((summary.by_directory_now, summary.by_directory_alone, summary.unchanged), (1, 0, 1));
}

#[tokio::test]
async fn what_changed_already_is_told_apart_from_what_the_draft_changes() {
    let bench = Bench::new().await;
    bench.push("alice", &["create refs/heads/main", "create refs/heads/t/1"]).await;
    let in_force = POLICY.replace("refs/heads/main", "refs/heads/trunk");
    bench.apply(&in_force).await;
    let draft = in_force.replace("refs/heads/t/**", "refs/heads/u/**");
    let (_, verdicts) = run(bench.by(&draft));
    assert_eq!(verdicts.len(), 2);
    let (summary, verdicts) = run(Replay { against_in_force: true, ..bench.by(&draft) });
    are(&told(&verdicts), &["newly-refused create refs/heads/t/1: permitted topics -> refused no-grant"]);
    assert_eq!(summary.effects, BTreeMap::from([(Effect::NewlyRefused, 1)]));
}

#[tokio::test]
async fn a_push_for_which_there_was_no_directory_says_nothing_of_a_draft() {
    let bench = Bench::new().await;
    let bare = Bench { live: without_directory(&bench).await, _folder: tempfile::tempdir().unwrap() };
    bare.push("alice", &["create refs/heads/main"]).await;
    let (summary, verdicts) = run(bench.by(POLICY));
    assert_eq!((verdicts.len(), untold(&summary)), (0, vec![("undecided-then", 1)]));
    assert!(!summary.untold.keys().any(Untold::is_doubt));
    // By what was in force it comes out as it is recorded.
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), summary.unchanged), (vec![], 1));
}

/// The same daemon before its first import.
async fn without_directory(bench: &Bench) -> Live {
    let folder = tempfile::tempdir().unwrap();
    let opened = Store::open(folder.path()).unwrap();
    let directory = directory::start(opened.store, opened.loaded, Box::new(|_| Ok(()))).unwrap();
    let spooled = Spooled::open(&folder.path().join("spooled")).unwrap();
    let Live { config, policies, audit, .. } = &bench.live;
    let (sources, _) = Sources::open(&config.sources, folder.path(), directory.clone()).await.unwrap();
    let directory = (directory.0, directory.1, Arc::new(sources));
    let privileges = Privileges::open(folder.path().join("privileges"), audit).unwrap();
    Live::new(
        config.clone(),
        Arc::clone(policies),
        directory,
        (audit.clone(), privileges),
        (spooled, Permits::of(audit).unwrap()),
        Vec::new(),
    )
}

#[tokio::test]
async fn only_what_was_asked_for_is_looked_at() {
    let bench = Bench::new().await;
    bench.push("alice", &["create refs/heads/t/1"]).await;
    let between = Timestamp::now();
    bench.push("alice", &["create refs/heads/t/2", "create refs/heads/t/3"]).await;
    let refs = |replay: Replay| run(replay).0.refs;
    assert_eq!(refs(Replay { since: between, ..bench.by(POLICY) }), 2);
    assert_eq!(refs(Replay { until: between, ..bench.by(POLICY) }), 1);
    let on = |pattern: &str| RepositorySet::new([RepositorySet::parse_one(pattern).unwrap()]).ok();
    assert_eq!(refs(Replay { repositories: on("PAY/*"), ..bench.by(POLICY) }), 3);
    assert_eq!(refs(Replay { repositories: on("WEB/*"), ..bench.by(POLICY) }), 0);
    let (summary, _) = run(Replay { uses_since: Some(between), ..bench.replay(Basis::Nothing) });
    let used =
        |id: &str| summary.in_force.clone().unwrap().uses().iter().find(|one| one.id == id).unwrap().decided;
    assert_eq!((summary.pushes, used("topics"), used("developer"), used("main")), (0, 2, 1, 0));
}

#[tokio::test]
async fn it_ends_when_nobody_listens() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        bench.push("carol", &["create refs/heads/t/1"]).await;
    }
    let draft = POLICY.replace("any = [\"s:eng\"]", "service = [\"carol\"]");
    let mut told = 0;
    let mut tell = |step| match step {
        Step::Verdict(_) => {
            told += 1;
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    };
    assert!(bench.by(&draft).run(&mut tell).unwrap().is_none());
    assert_eq!(told, 1);
}
