//! Repositories that do not hold all of their history themselves, or tell of another one.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use oam_policy::name::ObjectFormat;

use super::{EVERYTHING, Told, ask, ask_with, cases::commit, cases::moved, cases::paths};
use crate::{
    git::{
        Objects, Unreadable,
        tests::{id, places},
    },
    testing::Git,
};

const MAIN: &[&str] = &["refs/heads/main"];

/// A bare clone of a repository with two commits, made without what `filter` says, and a file that is there once
/// somebody has fetched from its origin.
struct Partial {
    git: Git,
    first: String,
    second: String,
    fetched: PathBuf,
    _origin: Git,
}

impl Partial {
    fn clone(filter: &str) -> Self {
        let origin = Git::init(&[]);
        origin.run(&["config", "uploadpack.allowFilter", "true"]);
        let first = commit(&origin, "x", &[], "src/a", "1");
        let second = commit(&origin, "x", &[&first], "src/a", "2");
        origin.run(&["update-ref", "refs/heads/main", &second]);
        let git = Git::init(&[]);
        let url = format!("file://{}", origin.dir());
        git.run(&["remote", "add", "origin", &url]);
        git.run(&["fetch", "-q", &format!("--filter={filter}"), "origin", "+refs/heads/*:refs/heads/*"]);
        // From now on whoever fetches leaves a trace.
        let (fetched, upload) = (git.path("fetched"), git.path("upload-pack"));
        let script = format!("#!/bin/sh\n: > '{}'\nexec git-upload-pack \"$@\"\n", fetched.display());
        fs::write(&upload, script).unwrap();
        fs::set_permissions(&upload, fs::Permissions::from_mode(0o755)).unwrap();
        git.run(&["config", "remote.origin.uploadpack", upload.to_str().unwrap()]);
        Self { git, first, second, fetched, _origin: origin }
    }

    fn id(&self, name: &str) -> String {
        self._origin.run(&["rev-parse", name])
    }
}

/// A commit without a file, which needs no other tree to be made.
fn upon(git: &Git, parent: &str) -> String {
    git.commit("empty", &[parent])
}

fn left_out(told: &Told, id: &str) -> bool {
    told.unreadable == Unreadable::LeftOut(self::id(id)).to_string()
}

#[test]
fn what_a_partial_clone_left_out_is_undecided_and_never_fetched() {
    // Without blobs all paths are known. What is the content of none of the parents, and was left out, has no size.
    let partial = Partial::clone("blob:none");
    let told = ask(&partial.git, moved(&partial.first, &partial.second), &["refs/heads/none"], EVERYTHING);
    assert_eq!(paths(&told), ["src/a"]);
    assert!(left_out(&told, &partial.id("main:src/a")), "{told:?}");
    let no_files = oam_proto::v1::HistoryNeeded { files: false, ..EVERYTHING };
    let told = ask(&partial.git, moved(&partial.first, &partial.second), &["refs/heads/none"], no_files);
    assert_eq!((told.unreadable.as_str(), told.commits.len()), ("", 2));
    assert!(!partial.fetched.exists());

    // Without trees no path is.
    let partial = Partial::clone("tree:0");
    let new = upon(&partial.git, &partial.second);
    let told = ask(&partial.git, moved(&partial.second, &new), MAIN, EVERYTHING);
    assert!(left_out(&told, &partial.id("main^{tree}")), "{told:?}");
    assert!(told.unreadable.contains("partial clone"), "{told:?}");
    assert!(!partial.fetched.exists());

    // git would have fetched it.
    assert!(partial.git.succeeds(&["cat-file", "-e", "main^{tree}"]));
    assert!(partial.fetched.exists());
}

/// What git answers for the hook, neither is fetched.
#[test]
fn a_git_child_fetches_nothing_either() {
    for old_git in [false, true] {
        let partial = Partial::clone("tree:0");
        let tree = partial.id("main^{tree}");
        let mut command = crate::git_child::command(
            Path::new(partial.git.dir()),
            &crate::environment::Variables::default(),
        );
        command.env("PATH", std::env::var_os("PATH").unwrap()).args(["cat-file", "-e", &tree]);
        if old_git {
            command.env_remove("GIT_NO_LAZY_FETCH");
        }
        assert!(!command.output().unwrap().status.success());
        assert!(!partial.fetched.exists(), "{old_git}");
    }
}

/// The origin of objects may be a partial clone as well.
#[test]
fn a_fork_of_a_partial_clone_says_so_too() {
    let partial = Partial::clone("tree:0");
    let fork = Git::init(&[]);
    let objects = format!("{}\n", partial.git.path("objects").display());
    fs::write(fork.path("objects/info/alternates"), objects).unwrap();
    fork.run(&["update-ref", "refs/heads/main", &partial.second]);
    let new = upon(&fork, &partial.second);
    let told = ask(&fork, moved(&partial.second, &new), MAIN, EVERYTHING);
    assert!(left_out(&told, &partial.id("main^{tree}")), "{told:?}");
}

/// Grafts tell git another history, and a commit-graph the true one. The hook knows the true one only, and while there
/// are grafts it believes no commit-graph: an older git may have written it by them.
#[test]
fn grafts_beside_a_commit_graph_change_nothing() {
    let git = Git::init(&[]);
    let a = commit(&git, "x", &[], "a", "1");
    let b = commit(&git, "x", &[&a], "deploy/prod", "1");
    let c = commit(&git, "x", &[&b], "c", "1");
    let lone = commit(&git, "x", &[], "lone", "1");
    for (name, at) in [("main", &a), ("free", &c), ("lone", &lone)] {
        git.run(&["update-ref", &format!("refs/heads/{name}"), at]);
    }
    git.run(&["commit-graph", "write", "--reachable"]);
    let graphs = |git: &Git| {
        let objects = Objects::open(&places(git, &[])).unwrap();
        objects.graphs(ObjectFormat::Sha1).len()
    };
    // In how many messages it is told is a matter of time.
    let said = || Told { messages: 0, ..ask(&git, moved(&a, &c), MAIN, EVERYTHING) };
    let honest = said();
    assert_eq!(
        (paths(&honest), honest.commits.len(), graphs(&git)),
        (vec!["c".into(), "deploy/prod".into()], 2, 4)
    );

    // `c` directly upon `a`, and `lone` upon all of it.
    fs::write(git.path("info/grafts"), format!("{c} {a}\n{lone} {c}\n")).unwrap();
    assert_eq!(git.run(&["rev-list", "--count", &format!("{a}..{c}")]), "1", "git by itself is fooled");
    assert!(git.succeeds(&["merge-base", "--is-ancestor", &a, &lone]));
    assert_eq!(graphs(&git), 0);
    assert_eq!(said(), honest);
    let objects = Objects::open(&places(&git, &[])).unwrap();
    assert_eq!(objects.links(id(&lone), &mut Vec::new()).unwrap().parents, []);
}

/// When the files below a folder were changed last.
fn written(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(written(&path));
        }
        found.push((path.clone(), path.metadata().unwrap().modified().unwrap()));
    }
    found.sort();
    found
}

fn protect(folder: &Path, mode: u32) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            protect(&path, mode);
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

/// A fork of a fork, as a git server keeps it: what is common lies in folders that belong to others, one behind the
/// other, named relatively or not; a push is in a quarantine before them all.
#[test]
fn a_chain_of_alternates_that_nobody_may_write_to_is_read_through() {
    let [oldest, older, git] = [(); 3].map(|()| Git::init(&[]));
    let alternates = |git: &Git, to: &str| {
        fs::write(git.path("objects/info/alternates"), format!("# shared\n{to}\n")).unwrap();
    };
    let a = commit(&oldest, "x", &[], "a", "1");
    oldest.run(&["update-ref", "refs/heads/main", &a]);
    oldest.run(&["repack", "-adq"]);
    oldest.run(&["commit-graph", "write", "--reachable"]);
    alternates(&older, oldest.path("objects").to_str().unwrap());
    let b = commit(&older, "x", &[&a], "deploy/prod", "1");
    older.run(&["update-ref", "refs/heads/main", &b]);
    older.run(&["repack", "-adlq"]);
    // Relatively to the object folder.
    let name = older.path("").file_name().unwrap().to_str().unwrap().to_owned();
    alternates(&git, &format!("../../{name}/objects"));
    git.run(&["update-ref", "refs/heads/main", &a]);
    git.run(&["update-ref", "refs/heads/free", &b]);
    protect(&oldest.path("objects"), 0o555);
    protect(&older.path("objects"), 0o555);
    let before = [written(&oldest.path("objects")), written(&older.path("objects"))];

    let quarantine = git.path("objects/incoming");
    fs::create_dir(&quarantine).unwrap();
    let (quarantine, objects) =
        (quarantine.to_str().unwrap().to_owned(), git.path("objects").to_str().unwrap().to_owned());
    let variables = [
        ("GIT_QUARANTINE_PATH", quarantine.as_str()),
        ("GIT_OBJECT_DIRECTORY", &quarantine),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects),
    ];
    let c = commit_without_refs(&git.with(&variables), &b, "c");
    assert!(!git.succeeds(&["cat-file", "-e", &c]), "it is in quarantine only");
    let told = ask_with(&git, &variables, moved(&a, &c), MAIN, EVERYTHING);
    assert_eq!((told.unreadable.as_str(), paths(&told)), ("", vec!["c".into(), "deploy/prod".into()]));
    assert_eq!(told.commits.len(), 2);
    let told = ask_with(&git, &variables, moved(&a, &c), &["refs/heads/*"], EVERYTHING);
    assert_eq!(told.commits.len(), 1, "what a branch of the fork has is not new to all of them");
    assert_eq!([written(&oldest.path("objects")), written(&older.path("objects"))], before);
    protect(&oldest.path("objects"), 0o755);
    protect(&older.path("objects"), 0o755);
}

/// A commit with one file more than its parent, made without moving a ref: git lets nobody move any from a quarantine.
fn commit_without_refs(git: &Git, parent: &str, path: &str) -> String {
    let blob = git.store("blob", path.as_bytes());
    let listed = git.run(&["ls-tree", parent]);
    let tree = git.feed_text(&["mktree"], &format!("{listed}\n100644 blob {blob}\t{path}\n"));
    git.run(&["commit-tree", &tree, "-m", path, "-p", parent])
}
