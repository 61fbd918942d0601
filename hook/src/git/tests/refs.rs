use std::fs;

use super::{id, new_commits::tips, places};
use crate::{git::Unreadable, testing::Git};

/// The tips of the refs of these patterns, sorted.
fn found(git: &Git, patterns: &[&str]) -> Vec<String> {
    tips(&places(git, &[]), patterns).unwrap().ids().iter().map(ToString::to_string).collect()
}

fn sorted(ids: &[&str]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn loose_packed_and_both_at_once() {
    let git = Git::init(&[]);
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|message| git.commit(message, &[]));
    for (name, id) in [("heads/main", &a), ("heads/old", &b), ("pull-requests/7/from", &c), ("tags/v1", &d)] {
        git.run(&["update-ref", &format!("refs/{name}"), id]);
    }
    git.run(&["pack-refs", "--all"]);
    git.run(&["update-ref", "refs/heads/old", &c]);
    git.run(&["update-ref", "refs/heads/u/alice/x", &d]);
    assert_eq!(found(&git, &["refs/heads/main"]), sorted(&[&a]));
    assert_eq!(found(&git, &["refs/heads/old"]), sorted(&[&c]), "the packed one is older");
    assert_eq!(found(&git, &["refs/heads/u/${user}/**"]), sorted(&[&d]));
    assert_eq!(found(&git, &["refs/heads/u/bob/**"]), sorted(&[]));
    assert_eq!(found(&git, &["refs/pull-requests/**"]), sorted(&[&c]), "whether git shows it or not");
    assert_eq!(found(&git, &["refs/**", "!refs/tags/**", "!refs/heads/u/**"]), sorted(&[&a, &c]));
    assert_eq!(found(&git, &["re:refs/(heads|tags)/[mv].*"]), sorted(&[&a, &d]));
    assert_eq!(found(&git, &["refs/{heads,tags}/*"]), sorted(&[&a, &c, &d]));
}

#[test]
fn symbolic_refs_lead_to_tips() {
    for format in ["files", "reftable"] {
        let git = Git::init(&[&format!("--ref-format={format}")]);
        let [a, b] = ["a", "b"].map(|message| git.commit(message, &[]));
        git.run(&["update-ref", "refs/heads/main", &a]);
        git.run(&["update-ref", "refs/heads/other", &b]);
        git.run(&["pack-refs", "--all"]);
        git.run(&["symbolic-ref", "refs/heads/alias/one", "refs/heads/main"]);
        git.run(&["symbolic-ref", "refs/heads/alias/two", "refs/heads/alias/one"]);
        git.run(&["symbolic-ref", "refs/heads/alias/unborn", "refs/heads/none"]);
        assert_eq!(found(&git, &["refs/heads/alias/two"]), sorted(&[&a]), "{format}");
        assert_eq!(found(&git, &["refs/heads/alias/**"]), sorted(&[&a]), "{format}");
        assert_eq!(found(&git, &["refs/heads/*"]), sorted(&[&a, &b]), "{format}");
    }
}

#[test]
fn annotated_tags_lead_to_commits() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    git.run(&["tag", "-am", "x", "v1", &a]);
    let tag = git.run(&["rev-parse", "v1"]);
    assert_eq!(found(&git, &["refs/tags/*"]), sorted(&[&tag]), "not looked into before it must be");
    git.run(&["pack-refs", "--all"]);
    assert_eq!(found(&git, &["refs/tags/*"]), sorted(&[&a]), "`packed-refs` says what is in it");
}

#[test]
fn a_broken_ref_that_matches_is_unreadable_and_named() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    git.run(&["update-ref", "refs/heads/main", &a]);
    let chain = (0..9).map(|step| (format!("chain/{step}"), format!("ref: refs/heads/chain/{}\n", step + 1)));
    let broken = [
        ("empty", String::new()),
        ("zero", format!("{}\n", "0".repeat(40))),
        ("short", "0123\n".into()),
        ("nowhere", "ref: ../../etc/passwd\n".into()),
        ("ring", "ref: refs/heads/ring\n".into()),
    ];
    let broken = broken.into_iter().map(|(name, text)| (name.to_owned(), text)).chain(chain.take(1));
    let chain = (1..9).map(|step| (step, format!("ref: refs/heads/chain/{}\n", step + 1)));
    fs::create_dir_all(git.path("refs/heads/chain")).unwrap();
    for (step, text) in chain {
        fs::write(git.path(&format!("refs/heads/chain/{step}")), text).unwrap();
    }
    for (name, text) in broken {
        let full = format!("refs/heads/{name}");
        fs::write(git.path(&full), text).unwrap();
        let places = places(&git, &[]);
        let said = tips(&places, &["refs/heads/**", "!refs/heads/chain/{1,2,3,4,5,6,7,8}"]).unwrap_err();
        assert!(matches!(&said, Unreadable::Ref { name, .. } if *name == full), "{said}");
        assert!(tips(&places, &["refs/heads/main"]).is_ok(), "it does not match {name}");
        fs::remove_file(git.path(&full)).unwrap();
    }
    // What git takes for no ref is none: a lock, a name that no ref can have.
    fs::write(git.path("refs/heads/main.lock"), "").unwrap();
    fs::write(git.path("refs/heads/a b"), "").unwrap();
    assert_eq!(found(&git, &["refs/heads/*"]), sorted(&[&a]));
}

#[test]
fn a_tip_that_is_not_there_is_unreadable_only_when_it_must_be_read() {
    let git = Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let gone = "1".repeat(40);
    fs::write(git.path("refs/heads/broken"), format!("{gone}\n")).unwrap();
    git.run(&["update-ref", "refs/heads/main", &b]);
    let new = |new: &str| super::new_commits::new_commits(&places(&git, &[]), new, &["refs/heads/*"]);
    assert!(new(&b).unwrap().is_empty(), "a ref points there");
    let said = new(&a).unwrap_err();
    assert!(matches!(said, Unreadable::Missing(missing) if missing == id(&gone)), "{said}");
}
