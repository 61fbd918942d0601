use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use oam_policy::ObjectId;

use super::{
    History, Pair, Unreadable,
    odb::{Commit, parse_commit, tagged},
    walk::{COMMITS_PER_PAIR, Near, Walker},
};
use crate::{environment::Variables, git_dir::Places, testing::Git};

fn places(git: &Git, variables: &[(&str, &str)]) -> Places {
    let mut all = vec![("GIT_DIR", git.dir())];
    all.extend(variables);
    Places::find(&all.into_iter().collect::<Variables>(), Path::new("/")).unwrap()
}

fn near(places: &Places, old: &str, new: &str) -> Near {
    Walker::open(places).is_ancestor(id(old), id(new))
}

fn id(hex: &str) -> ObjectId {
    ObjectId::parse_hex(hex.as_bytes()).unwrap()
}

/// Asks as the conversation does, git child and all.
fn ask(places: Places, variables: &[(&str, &str)], old: &str, new: &str) -> Result<bool, Unreadable> {
    let path = std::env::var("PATH").unwrap();
    let variables: Variables = variables.iter().copied().chain([("PATH", path.as_str())]).collect();
    let history = History::new(Arc::new(places), Arc::new(variables));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut answers = runtime.block_on(history.are_ancestors(vec![Pair { old: id(old), new: id(new) }]));
    answers.pop().unwrap()
}

#[test]
fn straight_and_diverged() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let c = git.commit("c", &[&a]);
    let places = places(&git, &[]);
    assert_eq!(near(&places, &a, &b), Near::Ancestor);
    assert_eq!(near(&places, &b, &b), Near::Ancestor);
    assert_eq!(near(&places, &b, &a), Near::Diverged);
    assert_eq!(near(&places, &b, &c), Near::Diverged);
}

#[test]
fn every_pair_of_a_criss_cross_history_agrees_with_git() {
    let git = Git::init(&[]);
    let mut commits = vec![git.commit("root", &[])];
    // Each commit has one or two parents, chosen all over the history; dates do not ascend.
    for step in 1_usize..24 {
        let first = commits[(step * 7) % commits.len()].clone();
        let second = commits[(step * 5 + 3) % commits.len()].clone();
        let parents: Vec<&str> =
            if step % 3 == 0 || first == second { vec![&first] } else { vec![&first, &second] };
        let date = 1_700_000_000 + (step * 37) % 11 * 1_000;
        let commit = git.commit_at(&format!("{step}"), &parents, date);
        commits.push(commit);
    }
    git.run(&["update-ref", "refs/heads/x", &commits[23]]);
    for packed in [false, true] {
        if packed {
            for (index, commit) in commits.iter().enumerate() {
                git.run(&["update-ref", &format!("refs/heads/{index}"), commit]);
            }
            git.run(&["repack", "-adq"]);
            git.run(&["commit-graph", "write", "--reachable"]);
        }
        let places = places(&git, &[]);
        let mut walker = Walker::open(&places);
        for old in &commits {
            for new in &commits {
                let expected = git.succeeds(&["merge-base", "--is-ancestor", old, new]);
                let expected = if expected { Near::Ancestor } else { Near::Diverged };
                assert_eq!(walker.is_ancestor(id(old), id(new)), expected, "{old} {new}");
            }
        }
    }
}

#[test]
fn tags_are_peeled_and_other_objects_have_no_history() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let tree = git.run(&["rev-parse", &format!("{a}^{{tree}}")]);
    git.run(&["tag", "-am", "x", "one", &a]);
    git.run(&["tag", "-am", "x", "two", "one"]);
    let two = git.run(&["rev-parse", "two"]);
    let places = places(&git, &[]);
    assert_eq!(near(&places, &two, &b), Near::Ancestor);
    assert_eq!(near(&places, &b, &two), Near::Diverged);
    assert_eq!(near(&places, &tree, &b), Near::Diverged);
    assert_eq!(near(&places, &b, &tree), Near::Diverged);
}

#[test]
fn objects_in_quarantine_are_seen_through_the_variables() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let quarantine = git.path("objects/incoming");
    fs::create_dir(&quarantine).unwrap();
    let variables = [
        ("GIT_OBJECT_DIRECTORY", quarantine.to_str().unwrap().to_owned()),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", git.path("objects").to_str().unwrap().to_owned()),
    ];
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let b = git.with(&variables).commit("b", &[&a]);
    assert!(!git.succeeds(&["cat-file", "-e", &b]), "it is in quarantine only");
    assert_eq!(near(&places(&git, &variables), &a, &b), Near::Ancestor);
    assert!(matches!(near(&places(&git, &[]), &a, &b), Near::Unknown(_)));
    // Without any repository, as on Bitbucket.
    let bare: Variables = variables.iter().copied().collect();
    let nowhere = Places::find(&bare, Path::new("/")).unwrap();
    assert_eq!(nowhere.git_dir, None);
    assert_eq!(near(&nowhere, &a, &b), Near::Ancestor);
}

#[test]
fn alternates_of_the_repository_are_followed() {
    let origin = Git::init(&[]);
    let a = origin.commit("a", &[]);
    let fork = Git::init(&[]);
    fs::write(fork.path("objects/info/alternates"), format!("{}\n", origin.path("objects").display()))
        .unwrap();
    let b = fork.commit("b", &[&a]);
    assert_eq!(near(&places(&fork, &[]), &a, &b), Near::Ancestor);
}

#[test]
fn a_missing_object_is_unreadable_and_never_diverged() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let c = git.commit("c", &[&b]);
    let none = "1".repeat(40);
    for (old, new) in [(&none, &b), (&a, &none)] {
        assert!(matches!(near(&places(&git, &[]), old, new), Near::Unknown(_)));
        assert!(matches!(ask(places(&git, &[]), &[], old, new), Err(Unreadable::Failed(_))));
    }
    let (folder, file) = b.split_at(2);
    fs::remove_file(git.path(&format!("objects/{folder}/{file}"))).unwrap();
    assert!(matches!(near(&places(&git, &[]), &a, &c), Near::Unknown(_)));
    assert!(matches!(ask(places(&git, &[]), &[], &a, &c), Err(Unreadable::Failed(_))));
    let nowhere = Places::default();
    assert!(matches!(ask(nowhere, &[], &a, &c), Err(Unreadable::NoRepository(_))));
}

#[test]
fn git_answers_for_sha256() {
    let git = Git::init(&["--object-format=sha256"]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let tree = git.run(&["rev-parse", &format!("{a}^{{tree}}")]);
    let places = || places(&git, &[]);
    assert!(matches!(near(&places(), &a, &b), Near::Unknown(_)));
    assert!(ask(places(), &[], &a, &b).unwrap());
    assert!(!ask(places(), &[], &b, &a).unwrap());
    assert!(!ask(places(), &[], &tree, &b).unwrap());
}

#[test]
fn a_shallow_history_is_gits_to_read() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    fs::write(git.path("shallow"), format!("{b}\n")).unwrap();
    assert!(matches!(near(&places(&git, &[]), &a, &b), Near::Unknown(_)));
    assert!(!ask(places(&git, &[]), &[], &a, &b).unwrap());
}

#[test]
fn replacement_refs_and_grafts_change_nothing() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let lone = git.commit("lone", &[]);
    git.run(&["replace", &lone, &b]);
    fs::write(git.path("info/grafts"), format!("{lone} {b}\n")).unwrap();
    assert!(git.succeeds(&["merge-base", "--is-ancestor", &a, &lone]), "git by itself is fooled");
    assert_eq!(near(&places(&git, &[]), &a, &lone), Near::Diverged);
    let shallow = Places { shallow: true, ..places(&git, &[]) };
    assert!(!ask(shallow, &[], &a, &lone).unwrap(), "nor is the git child");
}

#[test]
fn a_long_history_is_left_to_git() {
    let git = Git::init(&[]);
    let root = git.commit("root", &[]);
    let tip = git.line_of_commits(&root, COMMITS_PER_PAIR + 10);
    assert!(matches!(near(&places(&git, &[]), &root, &tip), Near::Unknown(_)));
    assert!(ask(places(&git, &[]), &[], &root, &tip).unwrap());
    assert!(!ask(places(&git, &[]), &[], &tip, &root).unwrap());
}

#[test]
fn a_path_that_is_not_text_is_left_to_git() {
    use std::os::unix::ffi::OsStringExt as _;
    let places = Places {
        object_dirs: Some(vec![PathBuf::from(std::ffi::OsString::from_vec(b"/\xff".to_vec()))]),
        ..Places::default()
    };
    assert!(matches!(near(&places, &"1".repeat(40), &"2".repeat(40)), Near::Unknown(_)));
}

#[test]
fn raw_commits() {
    let one = "1".repeat(40);
    let two = "2".repeat(40);
    let text = format!(
        "tree {one}\nparent {one}\nparent {two}\nauthor a <a> 5 +0000\ncommitter c > <c> 7 +0000\n\nparent {one}\n"
    );
    let parents = [&one, &two].map(|hex| git2::Oid::from_str(hex).unwrap()).to_vec();
    assert_eq!(parse_commit(text.as_bytes()), Some(Commit { parents: parents.clone(), committed: 7 }));
    // git takes a parent for one only directly behind the tree.
    let late = format!("tree {one}\nauthor a <a> 5 +0000\nparent {one}\ncommitter c <c> 7 +0000\n\n");
    assert_eq!(parse_commit(late.as_bytes()), Some(Commit { parents: vec![], committed: 7 }));
    assert_eq!(parse_commit(b"blob"), None);
    assert_eq!(parse_commit(b"tree x\nparent zz\n"), None);
    assert_eq!(tagged(format!("object {one}\ntype commit\n").as_bytes()), Some(parents[0]));
    assert_eq!(tagged(b"type commit\n"), None);
}

proptest::proptest! {
    #[test]
    fn no_bytes_crash_the_parsers(bytes: Vec<u8>) {
        let _ = (parse_commit(&bytes), tagged(&bytes));
        let _ = parse_commit(&[b"tree x\n", &bytes[..]].concat());
    }
}
