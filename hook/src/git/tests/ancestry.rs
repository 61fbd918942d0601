use std::{fs, path::Path, sync::Arc};

use super::{id, places};
use crate::{
    environment::Variables,
    git::{
        Unreadable,
        ancestry::{History, Pair},
        walk::Walker,
    },
    git_dir::Places,
    testing::Git,
};

/// What this process finds out by itself.
fn near(places: &Places, old: &str, new: &str) -> Result<bool, Unreadable> {
    Walker::open(places)?.is_ancestor(id(old), id(new))
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
    assert!(near(&places, &a, &b).unwrap());
    assert!(near(&places, &b, &b).unwrap());
    assert!(!near(&places, &b, &a).unwrap());
    assert!(!near(&places, &b, &c).unwrap());
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
        let mut walker = Walker::open(&places).unwrap();
        for old in &commits {
            for new in &commits {
                let expected = git.succeeds(&["merge-base", "--is-ancestor", old, new]);
                assert_eq!(walker.is_ancestor(id(old), id(new)).unwrap(), expected, "{old} {new}");
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
    assert!(near(&places, &two, &b).unwrap());
    assert!(!near(&places, &b, &two).unwrap());
    assert!(!near(&places, &tree, &b).unwrap());
    assert!(!near(&places, &b, &tree).unwrap());
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
    assert!(near(&places(&git, &variables), &a, &b).unwrap());
    // Without any repository, as on Bitbucket.
    let bare: Variables = variables.iter().copied().collect();
    let nowhere = Places::find(&bare, Path::new("/")).unwrap();
    assert_eq!(nowhere.git_dir, None);
    assert!(near(&nowhere, &a, &b).unwrap());
}

#[test]
fn alternates_of_the_repository_are_followed() {
    let origin = Git::init(&[]);
    let a = origin.commit("a", &[]);
    let fork = Git::init(&[]);
    fs::write(fork.path("objects/info/alternates"), format!("{}\n", origin.path("objects").display()))
        .unwrap();
    let b = fork.commit("b", &[&a]);
    assert!(near(&places(&fork, &[]), &a, &b).unwrap());
}

#[test]
fn a_missing_object_is_unreadable_and_never_diverged() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let c = git.commit("c", &[&b]);
    let none = "1".repeat(40);
    for (old, new) in [(&none, &b), (&a, &none)] {
        assert!(
            matches!(near(&places(&git, &[]), old, new), Err(Unreadable::Missing(id)) if id == self::id(&none))
        );
        assert!(matches!(ask(places(&git, &[]), &[], old, new), Err(Unreadable::Missing(_))));
    }
    let (folder, file) = b.split_at(2);
    fs::remove_file(git.path(&format!("objects/{folder}/{file}"))).unwrap();
    let missing = id(&b);
    assert!(matches!(near(&places(&git, &[]), &a, &c), Err(Unreadable::Missing(id)) if id == missing));
    assert!(matches!(ask(places(&git, &[]), &[], &a, &c), Err(Unreadable::Missing(_))));
    let nowhere = Places::default();
    assert!(matches!(ask(nowhere, &[], &a, &c), Err(Unreadable::NoRepository(_))));
}

#[test]
fn sha256_is_read_as_well() {
    let git = Git::init(&["--object-format=sha256"]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let tree = git.run(&["rev-parse", &format!("{a}^{{tree}}")]);
    let places = places(&git, &[]);
    assert!(near(&places, &a, &b).unwrap());
    assert!(!near(&places, &b, &a).unwrap());
    assert!(!near(&places, &tree, &b).unwrap());
    let sha1 = "1".repeat(40);
    assert!(matches!(near(&places, &a, &sha1), Err(Unreadable::Missing(_))), "there are no such ids here");
}

#[test]
fn a_shallow_history_proves_only_what_is_in_it() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let c = git.commit("c", &[&b]);
    let other = git.commit("other", &[]);
    fs::write(git.path("shallow"), format!("{b}\n")).unwrap();
    let (folder, file) = a.split_at(2);
    fs::remove_file(git.path(&format!("objects/{folder}/{file}"))).unwrap();
    assert!(ask(places(&git, &[]), &[], &b, &c).unwrap());
    assert!(matches!(ask(places(&git, &[]), &[], &other, &c), Err(Unreadable::Shallow)));
    let tip = git.line_of_commits(&c, 2_000);
    assert!(ask(places(&git, &[]), &[], &c, &tip).unwrap());
    assert!(matches!(ask(places(&git, &[]), &[], &other, &tip), Err(Unreadable::Shallow)));
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
    assert!(!near(&places(&git, &[]), &a, &lone).unwrap());
    let shallow = Places { shallow: true, ..places(&git, &[]) };
    assert!(!ask(shallow, &[], &a, &lone).unwrap(), "nor is the git child");
}

#[test]
fn a_long_history_needs_neither_graph_nor_git() {
    let git = Git::init(&[]);
    let root = git.commit("root", &[]);
    let tip = git.line_of_commits(&root, 2_000);
    assert!(near(&places(&git, &[]), &root, &tip).unwrap());
    assert!(!near(&places(&git, &[]), &tip, &root).unwrap());
}
