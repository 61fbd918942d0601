//! What nobody would make in earnest, and what time does to files: an error, in bounds, and never a wrong answer.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use super::{id, new_commits::new_commits, places};
use crate::{
    git::{Kind, Objects, Unreadable, objects, walk::Walker},
    testing::Git,
};

/// Writes an object as it is, whatever it is.
fn write(git: &Git, kind: &str, content: &str) -> String {
    git.feed_text(&["hash-object", "-t", kind, "--literally", "-w", "--stdin"], content)
}

fn empty_tree(git: &Git) -> String {
    git.feed_text(&["mktree"], "")
}

#[test]
fn what_is_too_large_is_told_by_its_header() {
    let git = Git::init(&[]);
    let tree = empty_tree(&git);
    let head = format!("tree {tree}\nauthor c <c> 1 +0000\ncommitter c <c> 1 +0000\n\n");
    let fits = write(&git, "commit", &format!("{head}{}", "x".repeat(1 << 20)));
    let large = write(&git, "commit", &format!("{head}{}", "x".repeat(5 << 20)));
    let huge = write(&git, "commit", &format!("{head}{}", "x".repeat(70 << 20)));
    let blob = write(&git, "blob", "content");
    for packed in [false, true] {
        if packed {
            for (name, id) in [("a", &fits), ("b", &large), ("c", &huge)] {
                git.run(&["update-ref", &format!("refs/x/{name}"), id]);
            }
            git.run(&["repack", "-adkq", "--window=0"]);
        }
        let objects = Objects::open(&places(&git, &[])).unwrap();
        let mut buffer = Vec::new();
        assert_eq!(objects.read(id(&fits), &mut buffer).unwrap(), Kind::Commit);
        for large in [&large, &huge] {
            let said = objects.read(id(large), &mut buffer).unwrap_err();
            assert!(matches!(said, Unreadable::TooLarge { kind: Kind::Commit, .. }), "{said}");
        }
        assert!(buffer.capacity() as u64 <= objects::MAX_TREE + (1 << 20), "{}", buffer.capacity());
        let said = objects.read(id(&blob), &mut buffer).unwrap_err();
        assert!(matches!(said, Unreadable::TooLarge { kind: Kind::Blob, size: 7, .. }), "{said}");
        assert_eq!(objects.size(id(&huge)).unwrap(), (Kind::Commit, head.len() as u64 + (70 << 20)));
    }
}

#[test]
fn ten_thousand_parents_and_tags_of_tags() {
    let git = Git::init(&[]);
    let tree = empty_tree(&git);
    let a = git.commit("a", &[]);
    let parents: String = (0..10_000).map(|_| format!("parent {a}\n")).collect();
    let wide = format!("tree {tree}\n{parents}author c <c> 1 +0000\ncommitter c <c> 1 +0000\n\nx\n");
    let wide = write(&git, "commit", &wide);
    let mut walker = Walker::open(&places(&git, &[])).unwrap();
    assert!(walker.is_ancestor(id(&a), id(&wide)).unwrap());
    assert!(!walker.is_ancestor(id(&wide), id(&a)).unwrap());
    assert_eq!(new_commits(&places(&git, &[]), &wide, &["refs/**"]).unwrap().len(), 2);
    let mut tag = (a.clone(), "commit");
    for depth in 1..=20 {
        let text = format!("object {}\ntype {}\ntag x\ntagger c <c> 1 +0000\n\nx\n", tag.0, tag.1);
        tag = (write(&git, "tag", &text), "tag");
        let found = walker.is_ancestor(id(&tag.0), id(&wide));
        match depth {
            1..=16 => assert!(found.unwrap()),
            _ => assert!(matches!(found, Err(Unreadable::Tags(_)))),
        }
    }
}

/// Each commit is within its limit, and all of them together are not held.
#[test]
fn many_wide_commits_side_by_side_are_left_to_git() {
    let git = Git::init(&[]);
    let tree = empty_tree(&git);
    let (a, other) = (git.commit("a", &[]), git.commit("other", &[]));
    let parents = format!("parent {a}\n").repeat(10_000);
    let who = "author c <c> 1 +0000\ncommitter c <c> 1 +0000\n";
    let wide: String = (0..60)
        .map(|number| write(&git, "commit", &format!("tree {tree}\n{parents}{who}\n{number}\n")))
        .map(|id| format!("parent {id}\n"))
        .collect();
    let top = write(&git, "commit", &format!("tree {tree}\n{wide}{who}\ntop\n"));
    let mut walker = Walker::open(&places(&git, &[])).unwrap();
    assert!(matches!(walker.is_ancestor(id(&other), id(&top)), Err(Unreadable::Long)));
    assert!(walker.is_ancestor(id(&a), id(&other)).is_ok_and(|found| !found), "and the next pair is walked");
}

#[test]
fn malformed_commits_and_what_is_none() {
    let git = Git::init(&[]);
    let tree = empty_tree(&git);
    let a = git.commit("a", &[]);
    let gone = "1".repeat(40);
    let who = "author c <c> 1 +0000\ncommitter c <c> 1 +0000\n\nx\n";
    let mut walker = Walker::open(&places(&git, &[])).unwrap();
    for text in [
        String::new(),
        "tree".into(),
        format!("tree {tree}\nparent xyz\n{who}"),
        format!("tree {tree}\nparent {tree}\n{who}"),
        format!("tree {tree}\nparent {gone}\n{who}"),
        format!("tree {tree}\nparent {}\n{who}", "0".repeat(40)),
    ] {
        let bad = write(&git, "commit", &text);
        let said = walker.is_ancestor(id(&a), id(&bad));
        assert!(matches!(said, Err(Unreadable::Damaged { .. } | Unreadable::Missing(_))), "{text}: {said:?}");
        assert!(new_commits(&places(&git, &[]), &bad, &["refs/**"]).is_err(), "{text}");
    }
}

/// Flips bytes all over a file, and asks each time: an answer is the right one, or there is none.
fn flip(git: &Git, file: &std::path::Path, check: impl Fn() -> Option<bool>) {
    let whole = fs::read(file).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    for step in 0..whole.len().min(150) {
        let mut damaged = whole.clone();
        let place = step * whole.len() / whole.len().min(150);
        damaged[place] ^= 1 << (step % 8);
        fs::write(file, &damaged).unwrap();
        assert_ne!(check(), Some(false), "byte {place} of {}", file.display());
    }
    for length in [0, 1, 10, whole.len() / 2, whole.len() - 1] {
        fs::write(file, &whole[..length]).unwrap();
        assert_ne!(check(), Some(false), "cut off at {length}");
    }
    fs::write(file, whole).unwrap();
    assert_eq!(check(), Some(true));
    drop(git.run(&["fsck"]));
}

#[test]
fn damaged_packs_are_unreadable_and_never_a_no() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let tip = git.line_of_commits(&a, 20);
    git.run(&["update-ref", "refs/heads/a", &a]);
    git.run(&["repack", "-adq"]);
    let check = || Walker::open(&places(&git, &[])).unwrap().is_ancestor(id(&a), id(&tip)).ok();
    for entry in fs::read_dir(git.path("objects/pack")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|kind| kind == "pack" || kind == "idx") {
            flip(&git, &file, check);
        }
    }
}

/// The bytes of a commit-graph that git itself trusts: ids, parents and levels. What contradicts itself must be noticed;
/// what is cut off or has a header that cannot be must not be used.
#[test]
fn a_commit_graph_that_is_none_is_not_used() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let tip = git.line_of_commits(&a, 20);
    git.run(&["commit-graph", "write", "--reachable"]);
    let file = git.path("objects/info/commit-graph");
    let whole = fs::read(&file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let check = |what: &str| {
        let mut walker = Walker::open(&places(&git, &[])).unwrap();
        let ahead = walker.is_ancestor(id(&a), id(&tip)).unwrap();
        let behind = walker.is_ancestor(id(&tip), id(&a)).unwrap();
        let new = new_commits(&places(&git, &[]), &tip, &["refs/none"]).unwrap().len();
        assert!(ahead && !behind, "{what}: {ahead} {behind}");
        assert_eq!(new, 21, "{what}");
    };
    check("whole");
    // The header and the table of chunks.
    for place in 0..8 + 12 * 5 {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        fs::write(&file, &damaged).unwrap();
        check(&format!("byte {place}"));
    }
    for length in (0..whole.len()).step_by(37) {
        fs::write(&file, &whole[..length]).unwrap();
        check(&format!("cut off at {length}"));
    }
    // Every level 0, as git once wrote them; then all the same; then beyond what can be counted.
    let data = whole.windows(4).position(|name| name == b"CDAT").unwrap() + 4;
    let data = usize::try_from(u64::from_be_bytes(whole[data..data + 8].try_into().unwrap())).unwrap();
    for level in [0_u32, 5, 0x3fff_ffff] {
        let mut changed = whole.clone();
        for commit in 0..21 {
            let at = data + commit * 36 + 28;
            let rest = u32::from_be_bytes(changed[at..at + 4].try_into().unwrap()) & 3;
            changed[at..at + 4].copy_from_slice(&((level << 2) | rest).to_be_bytes());
        }
        fs::write(&file, &changed).unwrap();
        check(&format!("level {level}"));
    }
}

#[test]
fn a_chain_with_a_foreign_base_is_not_used() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let graph = |tip: &str| {
        git.run(&["update-ref", "refs/heads/line", tip]);
        git.run(&["commit-graph", "write", "--reachable", "--split=no-merge"]);
    };
    let b = git.line_of_commits(&a, 5);
    graph(&b);
    let c = git.line_of_commits(&b, 5);
    graph(&c);
    let folder = git.path("objects/info/commit-graphs");
    let list = fs::read_to_string(folder.join("commit-graph-chain")).unwrap();
    let files: Vec<&str> = list.lines().collect();
    assert_eq!(files.len(), 2);
    fs::set_permissions(folder.join("commit-graph-chain"), fs::Permissions::from_mode(0o644)).unwrap();
    for chain in
        [list.clone(), format!("{}\n{}\n", files[1], files[0]), format!("{}\n", files[1]), "x\n".into()]
    {
        fs::write(folder.join("commit-graph-chain"), chain).unwrap();
        let mut walker = Walker::open(&places(&git, &[])).unwrap();
        assert!(walker.is_ancestor(id(&a), id(&c)).unwrap());
        assert!(!walker.is_ancestor(id(&c), id(&b)).unwrap());
        assert_eq!(new_commits(&places(&git, &[]), &c, &["refs/none"]).unwrap().len(), 11);
    }
}

/// What receive-pack leaves in quarantine while its hook runs, be it loose or a pack, is seen, and is new.
#[test]
fn a_real_quarantine_is_seen() {
    for (format, unpack) in [("sha1", "100"), ("sha1", "1"), ("sha256", "1")] {
        let server = Git::init(&[&format!("--object-format={format}")]);
        let client = Git::init(&[&format!("--object-format={format}")]);
        server.run(&["config", "receive.unpackLimit", unpack]);
        let push = |refs: &[&str]| {
            let git = Command::new("git")
                .args(["push", "-q", server.dir()])
                .args(refs)
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap())
                .env("GIT_DIR", client.dir())
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("HOME", client.dir())
                .output()
                .unwrap();
            assert!(git.status.success(), "{git:?}");
        };
        let a = client.commit("a", &[]);
        let b = client.commit("b", &[&a]);
        push(&[&format!("{b}:refs/heads/main"), &format!("{a}:refs/heads/old")]);
        // The hook keeps what is in quarantine, and what it is told of it.
        let hook = server.path("hooks/pre-receive");
        fs::create_dir_all(server.path("hooks")).unwrap();
        fs::write(&hook, "#!/bin/sh\ncp -a \"$GIT_QUARANTINE_PATH\" kept && env > told\n").unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let d = client.line_of_commits(&b, 4);
        let other = client.commit("other", &[&a]);
        push(&[&format!("{d}:refs/heads/main"), &format!("{other}:refs/heads/other")]);
        server.run(&["update-ref", "refs/heads/main", &b]);
        server.run(&["update-ref", "-d", "refs/heads/other"]);
        let told = fs::read_to_string(server.path("told")).unwrap();
        let told = |name: &str| {
            told.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap().to_owned()
        };
        assert_eq!(told("GIT_OBJECT_DIRECTORY"), told("GIT_QUARANTINE_PATH"));
        let kept = server.path("kept").to_str().unwrap().to_owned();
        let alternates = told("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        let variables = [
            ("GIT_OBJECT_DIRECTORY", kept.as_str()),
            ("GIT_QUARANTINE_PATH", kept.as_str()),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates.as_str()),
        ];
        // The repository as it is while the hook runs: what was pushed is nowhere else.
        for id in [&d, &other] {
            let (folder, file) = id.split_at(2);
            let _ = fs::remove_file(server.path(&format!("objects/{folder}/{file}")));
        }
        server.run(&["repack", "-adq"]);
        server.run(&["prune-packed"]);
        let places = places(&server, &variables);
        assert!(places.quarantined);
        assert!(!server.succeeds(&["cat-file", "-e", &d]), "it is in quarantine only");
        let mut walker = Walker::open(&places).unwrap();
        assert!(walker.is_ancestor(id(&b), id(&d)).unwrap());
        assert!(!walker.is_ancestor(id(&b), id(&other)).unwrap());
        assert_eq!(new_commits(&places, &d, &["refs/heads/**"]).unwrap().len(), 4);
        assert_eq!(
            new_commits(&places, &d, &["refs/heads/old"]).unwrap().len(),
            5,
            "and what is new to that ref"
        );
        // What it stands upon was there before, and is reached from `main`, though no tip.
        assert_eq!(new_commits(&places, &other, &["refs/heads/main"]).unwrap(), std::slice::from_ref(&other));
    }
}
