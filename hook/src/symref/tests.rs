use std::{fs, os::unix::fs::symlink};

use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};

use super::{SymrefError, resolve};
use crate::{environment::Variables, testing::Git};

fn create(name: &str) -> RefUpdate {
    let new = ObjectId::Sha1([1; 20]);
    RefUpdate { name: RefName::parse(name.as_bytes()).unwrap(), change: RefChange::Create { new } }
}

fn resolved(git: &Git, names: &[&str]) -> Result<Vec<String>, SymrefError> {
    let path = std::env::var("PATH").unwrap();
    let variables: Variables = [("PATH", path)].into_iter().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let updates = names.iter().map(|name| create(name)).collect();
    let updates = runtime.block_on(resolve(updates, &git.path(""), &variables))?;
    assert!(updates.iter().all(|update| update.change == create("refs/x").change));
    Ok(updates.iter().map(|update| update.name.to_string()).collect())
}

/// The same questions of both kinds of ref storage.
fn each_storage(check: impl Fn(&Git)) {
    check(&Git::init(&[]));
    check(&Git::init(&["--ref-format=reftable"]));
}

#[test]
fn an_alias_moves_its_target_too() {
    each_storage(|git| {
        let commit = git.commit("a", &[]);
        git.run(&["update-ref", "refs/heads/main", &commit]);
        git.run(&["symbolic-ref", "refs/heads/current", "refs/heads/main"]);
        git.run(&["symbolic-ref", "refs/heads/newest", "refs/heads/current"]);
        let check = |names: &[&str], expected: &[&str]| assert_eq!(resolved(git, names).unwrap(), expected);
        check(&["refs/heads/main"], &["refs/heads/main"]);
        check(&["refs/heads/none", "refs/heads/main/sub"], &["refs/heads/none", "refs/heads/main/sub"]);
        check(&["refs/heads/current"], &["refs/heads/current", "refs/heads/main"]);
        check(
            &["refs/heads/newest", "refs/heads/x"],
            &["refs/heads/newest", "refs/heads/x", "refs/heads/current", "refs/heads/main"],
        );
        check(&["refs/heads/current", "refs/heads/main"], &["refs/heads/current", "refs/heads/main"]);
        git.run(&["pack-refs", "--all"]);
        check(&["refs/heads/main"], &["refs/heads/main"]);
        check(&["refs/heads/current"], &["refs/heads/current", "refs/heads/main"]);
    });
}

#[test]
fn an_alias_of_something_that_is_not_there_yet() {
    each_storage(|git| {
        git.run(&["symbolic-ref", "refs/heads/current", "refs/heads/main"]);
        assert_eq!(
            resolved(git, &["refs/heads/current"]).unwrap(),
            ["refs/heads/current", "refs/heads/main"]
        );
        assert_eq!(resolved(git, &["refs/heads/x"]).unwrap(), ["refs/heads/x"]);
    });
}

#[test]
fn what_git_cannot_say_is_not_passed_over() {
    let git = Git::init(&["--ref-format=reftable"]);
    let names: Vec<_> = (0..201).map(|index| format!("refs/heads/{index}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert!(matches!(resolved(&git, &names), Err(SymrefError::TooMany { count: 201 })));
    fs::remove_file(git.path("HEAD")).unwrap();
    assert!(matches!(resolved(&git, &["refs/heads/x"]), Err(SymrefError::Failed(_))));
}

#[test]
fn rings_links_and_nonsense() {
    let git = Git::init(&[]);
    let heads = git.path("refs/heads");
    fs::write(heads.join("ring"), "ref: refs/heads/ring\n").unwrap();
    fs::write(heads.join("nonsense"), "ref: ../../etc/passwd\n").unwrap();
    fs::write(heads.join("head"), "ref: HEAD\n").unwrap();
    symlink("refs/heads/main", heads.join("link")).unwrap();
    symlink("/etc/passwd", heads.join("away")).unwrap();
    assert!(matches!(resolved(&git, &["refs/heads/ring"]), Err(SymrefError::Depth { .. })));
    for name in ["refs/heads/nonsense", "refs/heads/head", "refs/heads/away"] {
        assert!(matches!(resolved(&git, &[name]), Err(SymrefError::Target { .. })), "{name}");
    }
    assert_eq!(resolved(&git, &["refs/heads/link"]).unwrap(), ["refs/heads/link", "refs/heads/main"]);
    let long = format!("refs/heads/{}", "x".repeat(4_000));
    assert_eq!(resolved(&git, &[&long]).unwrap(), [long]);
}

#[test]
fn names_are_bytes_on_disk_too() {
    use std::os::unix::ffi::OsStrExt as _;
    let git = Git::init(&[]);
    let file = git.path("refs/heads").join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::write(file, "ref: refs/heads/main\n").unwrap();
    let name = RefName::parse(b"refs/heads/\xff").unwrap();
    assert_eq!(super::loose_target(&git.path(""), &name).unwrap().unwrap().as_bytes(), b"refs/heads/main");
}
