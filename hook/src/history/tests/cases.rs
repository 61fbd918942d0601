use std::{fs, sync::Arc};

use oam_policy::{ObjectId, RefChange};
use oam_proto::{limits, v1};

use super::{EVERYTHING, Told, ask, ask_with, create, tell, update};
use crate::{git::tests::id, testing::Git};

const NOTHING: v1::HistoryNeeded = v1::HistoryNeeded {
    update: 0,
    cover: 0,
    paths: false,
    files: false,
    commits: false,
    signatures: false,
    tip: false,
    at_most: 0,
};
const PATHS: v1::HistoryNeeded = v1::HistoryNeeded { paths: true, ..NOTHING };
const COMMITS: v1::HistoryNeeded = v1::HistoryNeeded { commits: true, ..NOTHING };
const ALL: &[&str] = &["refs/heads/**"];

/// A commit with one file more than its first parent has; its id.
pub(super) fn commit(git: &Git, branch: &str, parents: &[&str], path: &str, content: &str) -> String {
    let mut stream =
        format!("commit refs/heads/{branch}\ncommitter c <c@x> 1 +0000\ndata {}\n{path}\n", path.len());
    for (rank, parent) in parents.iter().enumerate() {
        let word = if rank == 0 { "from" } else { "merge" };
        stream.push_str(&format!("{word} {parent}\n"));
    }
    stream.push_str(&format!("M 100644 inline {path}\ndata {}\n{content}\n\n", content.len()));
    git.feed(&["fast-import", "--quiet", "--force"], stream.as_bytes());
    let made = git.run(&["rev-parse", &format!("refs/heads/{branch}")]);
    git.run(&["update-ref", "-d", &format!("refs/heads/{branch}")]);
    made
}

pub(super) fn moved(old: &str, new: &str) -> RefChange {
    RefChange::Move { old: id(old), new: id(new) }
}

pub(super) fn paths(told: &Told) -> Vec<String> {
    let mut paths: Vec<_> =
        told.paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    paths.sort();
    paths
}

#[test]
fn what_is_taken_back_later_is_told_all_the_same() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "a", "1");
    let b = commit(&git, "x", &[&a], "secret", "1");
    let tree = git.run(&["rev-parse", &format!("{a}^{{tree}}")]);
    let c = git.run(&["commit-tree", &tree, "-m", "c", "-p", &b]);
    git.run(&["update-ref", "refs/heads/main", &a]);
    let told = ask(&git, moved(&a, &c), ALL, EVERYTHING);
    assert_eq!(paths(&told), ["secret"]);
    assert_eq!(told.commits.len(), 2);
    // A force back to where it was: nothing is new, and what differs is told.
    git.run(&["update-ref", "refs/heads/main", &b]);
    let told = ask(&git, moved(&b, &a), ALL, EVERYTHING);
    assert_eq!((paths(&told), told.commits.len(), told.files.len()), (vec!["secret".to_owned()], 0, 0));
}

#[test]
fn a_commit_on_a_free_branch_is_new_to_a_covered_one() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "a", "1");
    let b = commit(&git, "x", &[&a], "deploy", "1");
    git.run(&["update-ref", "refs/heads/main", &a]);
    git.run(&["update-ref", "refs/heads/free", &b]);
    for change in [moved(&a, &b), create(id(&b))] {
        assert_eq!(paths(&ask(&git, change, &["refs/heads/main"], PATHS)), ["deploy"]);
    }
    // Nothing is new to all branches, and the net difference is told of an update.
    assert_eq!(paths(&ask(&git, create(id(&b)), ALL, PATHS)), Vec::<String>::new());
    assert_eq!(paths(&ask(&git, moved(&a, &b), ALL, PATHS)), ["deploy"]);
}

#[test]
fn files_with_their_sizes_and_commits_with_all_that_is_asked() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "a", "12345");
    let told = ask(&git, create(id(&a)), ALL, EVERYTHING);
    assert_eq!(told.files, [(b"a".to_vec(), 5)]);
    let expected = v1::Commit {
        id: id(&a).as_bytes().to_vec(),
        subject: b"a".to_vec(),
        author: b"c@x".to_vec(),
        committer: b"c@x".to_vec(),
        ..v1::Commit::default()
    };
    assert_eq!(told.commits, [expected]);
    assert_eq!(told.tip, Some(v1::Tip { kind: "commit".into(), ..v1::Tip::default() }));
    assert_eq!(told.messages, 1);
    let told = ask(&git, create(id(&a)), ALL, NOTHING_BUT_THE_TIP);
    assert!(told.tip.is_some() && told.paths.is_empty() && told.commits.is_empty());
}

const NOTHING_BUT_THE_TIP: v1::HistoryNeeded = v1::HistoryNeeded { tip: true, ..NOTHING };

#[test]
fn signatures_only_where_they_are_asked_for_and_not_beyond_a_size() {
    let git = Git::init(&[]);
    let tree = git.store("tree", b"");
    let signed = |message: &str| {
        let text = format!(
            "tree {tree}\nauthor A <a> 1 +0000\ncommitter C <c> 1 +0000\ngpgsig x\n y\n\n{message}\n"
        );
        git.store("commit", text.as_bytes())
    };
    let plain = ask(&git, create(id(&signed("m"))), ALL, COMMITS);
    assert_eq!(plain.commits[0].signed, None);
    let told = ask(&git, create(id(&signed("m"))), ALL, EVERYTHING);
    let found = told.commits[0].signed.clone().unwrap();
    assert_eq!((found.signature.as_slice(), found.too_large), (&b"x\ny\n"[..], false));
    assert!(found.payload.ends_with(b"\n\nm\n"));
    let told = ask(&git, create(id(&signed(&"m".repeat(300_000)))), ALL, EVERYTHING);
    let found = told.commits[0].signed.clone().unwrap();
    assert!(found.too_large && found.payload.is_empty());
}

#[test]
fn tips_and_what_they_lead_to() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "a", "1");
    let tree = git.run(&["rev-parse", &format!("{a}^{{tree}}")]);
    let blob = git.run(&["rev-parse", &format!("{a}:a")]);
    let armor = "-----BEGIN SSH SIGNATURE-----\nx\n";
    let tag = |target: &str, kind: &str| {
        let text = format!("object {target}\ntype {kind}\ntag x\ntagger T <t@x> 1 +0000\n\nm\n{armor}");
        git.store("tag", text.as_bytes())
    };
    let of_commit = tag(&a, "commit");
    let told = ask(&git, create(id(&tag(&of_commit, "tag"))), ALL, EVERYTHING);
    let tip = told.tip.unwrap();
    assert_eq!(
        (tip.kind.as_str(), tip.peeled.as_str(), tip.tagger.as_slice()),
        ("tag", "commit", &b"t@x"[..])
    );
    assert_eq!(tip.signed.unwrap().signature, armor.as_bytes());
    assert_eq!((told.paths.len(), told.commits.len()), (1, 1));

    // Everything in a tree is new; there are no commits to look at.
    for tip in [tree.clone(), tag(&tree, "tree")] {
        let told = ask(&git, create(id(&tip)), ALL, v1::HistoryNeeded { files: true, ..PATHS });
        assert_eq!((paths(&told), told.files.len(), told.unreadable.as_str()), (vec!["a".to_owned()], 1, ""));
        let told = ask(&git, create(id(&tip)), ALL, COMMITS);
        assert!(told.unreadable.contains("of which the commits cannot be told"), "{}", told.unreadable);
    }
    let empty = git.store("tree", b"");
    assert_eq!(paths(&ask(&git, moved(&a, &empty), ALL, PATHS)), ["a"]);
    // Content has no path.
    for asked in [PATHS, COMMITS, v1::HistoryNeeded { files: true, ..NOTHING }] {
        let told = ask(&git, create(id(&blob)), ALL, asked);
        assert!(told.unreadable.contains("of which commits or paths cannot be told"), "{}", told.unreadable);
    }
    let told = ask(&git, create(id(&blob)), ALL, NOTHING_BUT_THE_TIP);
    assert_eq!(told.tip.unwrap().kind, "blob");
    // In place of something without a path, everything is new.
    assert_eq!(paths(&ask(&git, moved(&blob, &a), ALL, PATHS)), ["a"]);
    // A tag that lies about its target, and tags without end.
    let told = ask(&git, create(id(&tag(&a, "tree"))), ALL, NOTHING_BUT_THE_TIP);
    assert!(told.unreadable.contains("is no commit"), "{}", told.unreadable);
    let mut chain = of_commit;
    for _ in 0..100 {
        chain = tag(&chain, "tag");
    }
    let told = ask(&git, create(id(&chain)), ALL, EVERYTHING);
    assert!(told.unreadable.contains("a tag of a tag of a tag"), "{}", told.unreadable);
}

#[test]
fn a_merge_that_is_looked_at_changes_what_its_side_has_changed() {
    let git = Git::init(&[]);
    let base = commit(&git, "x", &[], "base", "1");
    let main = commit(&git, "x", &[&base], "of-main", "1");
    let topic = commit(&git, "x", &[&base], "of-topic", "1");
    git.run(&["update-ref", "refs/heads/main", &main]);
    let merge = |from: &str| RefChange::Merge { onto: id(&main), from: Some(id(from)) };
    let told = ask(&git, merge(&topic), &["refs/heads/main"], EVERYTHING);
    assert_eq!((paths(&told), told.commits.len()), (vec!["of-topic".to_owned()], 1));
    // Also where the commits are not new.
    git.run(&["update-ref", "refs/heads/topic", &topic]);
    let told = ask(&git, merge(&topic), ALL, EVERYTHING);
    assert_eq!((paths(&told), told.commits.len()), (vec!["of-topic".to_owned()], 0));
    // A topic that was brought up to date is none the worse for it; pushed as `main`, it would be.
    let updated = commit(&git, "x", &[&topic, &main], "of-topic", "2");
    let is_foreign = |change| ask(&git, change, &["refs/heads/main"], COMMITS).commits[0].foreign;
    assert!(!is_foreign(merge(&updated)));
    assert!(is_foreign(moved(&main, &updated)));
    // With another root there is nothing in common.
    let other = commit(&git, "x", &[], "other", "1");
    git.run(&["update-ref", "refs/heads/other", &other]);
    assert_eq!(paths(&ask(&git, merge(&other), ALL, PATHS)), ["other"]);
    let unknown = RefChange::Merge { onto: id(&main), from: None };
    let told = ask(&git, unknown, ALL, PATHS);
    assert_eq!(told.unreadable, "the git server does not say what would be merged");
}

#[test]
fn no_more_commits_than_are_wanted() {
    let git = Git::init(&[]);
    let root = commit(&git, "x", &[], "a", "1");
    let tip = git.line_of_commits(&root, 50);
    git.run(&["update-ref", "-d", "refs/heads/line"]);
    for (at_most, told) in [(1, 2), (10, 11), (50, 51), (51, 51), (u64::MAX, 51)] {
        let asked = v1::HistoryNeeded { at_most, ..COMMITS };
        assert_eq!(ask(&git, create(id(&tip)), ALL, asked).commits.len(), told);
    }
}

#[test]
fn several_histories_are_told_one_after_the_other() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "a", "1");
    let b = commit(&git, "x", &[&a], "b", "1");
    git.run(&["update-ref", "refs/heads/main", &a]);
    git.run(&["update-ref", "refs/heads/u/alice/x", &b]);
    let none = id(&"1".repeat(40));
    let updates = [update(moved(&a, &b)), update(create(none)), update(create(id(&b)))];
    let covers =
        ["refs/heads/main", "refs/heads/u/${user}/*"].map(|refs| v1::Cover { refs: vec![refs.into()] });
    let history = |update, cover| v1::HistoryNeeded { update, cover, ..COMMITS };
    let histories = vec![history(2, 1), history(1, 0), history(0, 0), history(2, 0)];
    let needed = v1::FactsNeeded { histories, covers: covers.into(), ..v1::FactsNeeded::default() };
    let told = tell(&git, &[], &needed, &updates);
    let counts: Vec<_> = told.iter().map(|told| told.commits.len()).collect();
    assert_eq!(counts, [0, 0, 1, 1]);
    // What cannot be read of one says nothing of the others.
    let unreadable: Vec<_> = told.iter().map(|told| !told.unreadable.is_empty()).collect();
    assert_eq!(unreadable, [false, true, false, false]);
}

#[test]
fn what_cannot_be_read_is_unreadable() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "folder/a", "1");
    let b = commit(&git, "x", &[&a], "folder/b", "1");
    git.run(&["update-ref", "refs/heads/main", &a]);
    let read = |change| ask(&git, change, ALL, EVERYTHING).unreadable;
    assert_eq!(read(moved(&a, &b)), "");
    let loose = |id: &str| {
        let (folder, name) = id.split_at(2);
        git.path(&format!("objects/{folder}/{name}"))
    };
    let gone = |id: &str| {
        let path = loose(id);
        let away = git.path("away");
        fs::rename(&path, &away).unwrap();
        let found = read(moved(&a, &b));
        fs::rename(&away, &path).unwrap();
        found
    };
    let names = [
        b.clone(),
        a.clone(),
        format!("{b}^{{tree}}"),
        format!("{a}^{{tree}}"),
        format!("{b}:folder"),
        format!("{b}:folder/b"),
    ];
    // Small imports are unpacked to loose objects.
    for name in names.map(|name| git.run(&["rev-parse", &name])) {
        assert!(gone(&name).contains(&format!("the object {name} is not in the repository")), "{name}");
    }
    // What is no commit where one must be, a malformed one, and a tree that is none.
    let tree = git.run(&["rev-parse", &format!("{a}^{{tree}}")]);
    for (text, because) in [
        (
            format!("tree {a}\nauthor A <a> 1 +0000\ncommitter C <c> 1 +0000\n\nm\n"),
            "it is a commit, where a tree is expected",
        ),
        (
            format!("tree {tree}\nparent {tree}\nauthor A <a> 1 +0000\ncommitter C <c> 1 +0000\n\nm\n"),
            "is a tree, ",
        ),
        (
            format!("tree {tree}\nauthor A <a> 1 +0000\nauthor A <a> 1 +0000\n\nm\n"),
            "it names several authors",
        ),
        (format!("tree {tree}\nauthor A <a>\0 1 +0000\n\nm\n"), "NUL byte"),
    ] {
        let commit = git.store("commit", text.as_bytes());
        let found = read(create(id(&commit)));
        assert!(found.contains(because), "{found}");
    }
}

#[test]
fn a_shallow_repository_has_no_histories() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "a", "1");
    let b = commit(&git, "x", &[&a], "b", "1");
    fs::write(git.path("shallow"), format!("{b}\n")).unwrap();
    let told = ask(&git, create(id(&b)), ALL, EVERYTHING);
    assert_eq!(told.unreadable, "the history is shallow");
    assert!(told.tip.is_some());
}

#[test]
fn objects_in_quarantine_are_seen() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "a", "1");
    git.run(&["update-ref", "refs/heads/main", &a]);
    let quarantine = git.path("objects/tmp_objdir-incoming-x");
    fs::create_dir(&quarantine).unwrap();
    let variables = [
        ("GIT_OBJECT_DIRECTORY", quarantine.to_str().unwrap().to_owned()),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", git.path("objects").to_str().unwrap().to_owned()),
        ("GIT_QUARANTINE_PATH", quarantine.to_str().unwrap().to_owned()),
    ];
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let tree = git.run(&["rev-parse", &format!("{a}^{{tree}}")]);
    let inside = git.with(&variables[..2]);
    let blob = inside.store("blob", b"123456");
    let line = format!("100644 blob {blob}\tnew\n040000 tree {tree}\told\n");
    let tree = String::from_utf8(inside.feed(&["mktree"], line.as_bytes())).unwrap();
    let b = inside.run(&["commit-tree", tree.trim(), "-m", "b", "-p", &a]);
    let told = ask_with(&git, &variables, moved(&a, &b), ALL, EVERYTHING);
    assert_eq!(told.unreadable, "");
    assert_eq!(paths(&told), ["a", "new", "old/a"]);
    assert_eq!(told.files, [(b"new".to_vec(), 6), (b"old/a".to_vec(), 1)]);
}

#[test]
fn a_large_push_goes_in_bounded_messages_and_stops_when_nobody_listens() {
    let git = Git::init(&[]);
    let entries: String = {
        let blob = git.store("blob", b"x");
        (0..10_000).map(|name| format!("100644 blob {blob}\t{name:05}\n")).collect()
    };
    let tree = String::from_utf8(git.feed(&["mktree"], entries.as_bytes())).unwrap();
    let commit = git.run(&["commit-tree", tree.trim(), "-m", "many"]);
    let told = ask(&git, create(id(&commit)), ALL, EVERYTHING);
    assert_eq!((told.paths.len(), told.files.len()), (10_000, 10_000));
    assert!(told.messages >= 20_000 / limits::ITEMS_PER_MESSAGE);
    stops(&git, id(&commit));
}

/// Who takes one message and goes away is not waited for.
fn stops(git: &Git, commit: ObjectId) {
    let covers = vec![v1::Cover { refs: vec!["refs/heads/**".into()] }];
    let needed = v1::FactsNeeded { histories: vec![EVERYTHING], covers, ..v1::FactsNeeded::default() };
    let asked = Arc::new(super::Asked::read(&needed, &[update(create(commit))]).unwrap());
    let places = Arc::new(super::places(git, &[]));
    let nothing: [(&str, &str); 0] = [];
    let histories = super::Histories::new(places, Arc::new(nothing.into_iter().collect()), "alice");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (facts, mut messages) = tokio::sync::mpsc::channel::<v1::Facts>(1);
        let take = async move { assert!(!messages.recv().await.unwrap().last) };
        tokio::join!(histories.tell(&asked, &facts), take);
    });
    // Dropping the runtime waits for the thread.
    drop(runtime);
}
