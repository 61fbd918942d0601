use std::sync::Arc;

use oam_policy::rule::RefSet;

use super::{id, places};
use crate::{
    environment::Variables,
    git::{Git, NewCommits, Objects, Tips, Unreadable},
    git_dir::Places,
    testing,
};

pub(super) fn set(patterns: &[&str]) -> RefSet {
    RefSet::new(patterns.iter().map(|pattern| RefSet::parse_one(pattern).unwrap())).unwrap()
}

fn git(places: &Places) -> Git {
    let path = std::env::var("PATH").unwrap();
    let variables: Variables = [("PATH", path)].into_iter().collect();
    let (git, leash) = Git::new(places.git_dir.as_deref().unwrap(), Arc::new(variables));
    std::mem::forget(leash);
    git
}

/// The tips of what `patterns` match for `alice`.
pub(super) fn tips(places: &Places, patterns: &[&str]) -> Result<Tips, Unreadable> {
    Tips::matching(&git(places), &set(patterns), "alice")
}

/// The commits that `new` brings to refs of these patterns, in their order.
pub(super) fn new_commits(places: &Places, new: &str, patterns: &[&str]) -> Result<Vec<String>, Unreadable> {
    let objects = Objects::open(places)?;
    let tips = tips(places, patterns)?;
    let git = git(places);
    NewCommits::new(&objects, &git, &tips, id(new)).map(|new| new.map(|id| id.to_string())).collect()
}

#[test]
fn what_is_on_a_matching_ref_is_not_new() {
    let git = testing::Git::init(&[]);
    let a = git.commit("a", &[]);
    let b = git.commit("b", &[&a]);
    let c = git.commit("c", &[&b]);
    git.run(&["update-ref", "refs/heads/main", &a]);
    git.run(&["update-ref", "refs/heads/feature/x", &b]);
    for packed in [false, true] {
        if packed {
            git.run(&["pack-refs", "--all"]);
        }
        let places = places(&git, &[]);
        let new = |patterns: &[&str]| new_commits(&places, &c, patterns).unwrap();
        assert_eq!(new(&["refs/heads/main"]), [c.clone(), b.clone()]);
        assert_eq!(new(&["refs/heads/**"]), std::slice::from_ref(&c));
        assert_eq!(new(&["refs/heads/**", "!refs/heads/feature/*"]), [c.clone(), b.clone()]);
        assert_eq!(new(&["re:refs/heads/feature/[a-x]"]), std::slice::from_ref(&c));
        assert_eq!(new(&["refs/tags/**"]), [c.clone(), b.clone(), a.clone()]);
        assert!(new_commits(&places, &a, &["refs/heads/**"]).unwrap().is_empty());
    }
}
