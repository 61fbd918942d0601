//! What this process finds out is what git itself would, for histories by chance and however they are held.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    histories::{Held, History, LAYOUTS, Layout, histories},
    id,
    new_commits::{new_commits, tips},
    places,
};
use crate::git::{Kind, Objects, walk::Walker};

/// How many histories are tried for each layout.
fn cases() -> ProptestConfig {
    let soak = std::env::var_os("OAM_SOAK").is_some();
    ProptestConfig { cases: if soak { 200 } else { 4 }, max_shrink_iters: 60, ..ProptestConfig::default() }
}

const COVERS: [&[&str]; 6] = [
    &["refs/heads/**"],
    &["refs/heads/0", "refs/tags/**"],
    &["refs/heads/**", "!refs/heads/feature/**"],
    &["refs/heads/feature/{1,2,3}/x"],
    &["re:refs/tags/made/[0-9]+"],
    &["refs/heads/*"],
];

fn is_covered(name: &str, cover: &[&str]) -> bool {
    let name = oam_policy::RefName::parse(name.as_bytes()).unwrap();
    super::new_commits::set(cover).matches(&name, "alice")
}

fn check_ancestry(history: &History, held: &Held) {
    let places = places(&held.git, &[]);
    let mut walker = Walker::open(&places).unwrap();
    for (new, new_id) in held.ids.iter().enumerate() {
        let reach = history.reach(new);
        for (old, old_id) in held.ids.iter().enumerate() {
            let found = walker.is_ancestor(id(old_id), id(new_id)).unwrap();
            assert_eq!(found, reach.contains(&old), "{old_id} as an ancestor of {new_id}");
        }
    }
}

fn check_new_commits(history: &History, held: &Held) {
    let places = places(&held.git, &[]);
    for cover in COVERS {
        let covered: Vec<_> = held.refs.iter().filter(|(name, _)| is_covered(name, cover)).collect();
        let hidden: BTreeSet<usize> = covered.iter().flat_map(|(_, at)| history.reach(*at)).collect();
        for (new, new_id) in held.ids.iter().enumerate() {
            let expected: BTreeSet<_> =
                history.reach(new).difference(&hidden).map(|at| held.ids[*at].clone()).collect();
            let found = new_commits(&places, new_id, cover).unwrap();
            assert_eq!(found.len(), expected.len(), "each once");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{new_id} under {cover:?}");
        }
        let found = tips(&places, cover).unwrap();
        assert!(found.ids().len() <= covered.len());
    }
}

/// The model of the history is git's own.
fn check_model(history: &History, held: &Held) {
    let (new, old) = (held.ids.len() - 1, held.ids.len() / 2);
    let git = |arguments: &[&str]| held.git.run(arguments);
    let names: Vec<&str> = held.refs.iter().map(|(name, _)| name.as_str()).collect();
    let listed = git(&[&["rev-list", held.ids[new].as_str(), "--not"], &names[..]].concat());
    let hidden: BTreeSet<usize> = held.refs.iter().flat_map(|(_, at)| history.reach(*at)).collect();
    let expected: BTreeSet<_> =
        history.reach(new).difference(&hidden).map(|at| held.ids[*at].as_str()).collect();
    assert_eq!(listed.lines().collect::<BTreeSet<_>>(), expected);
    let is_ancestor = held.git.succeeds(&["merge-base", "--is-ancestor", &held.ids[old], &held.ids[new]]);
    assert_eq!(is_ancestor, history.reach(new).contains(&old));
}

/// libgit2 reads the same; it knows SHA-1 only.
fn check_objects(held: &Held) {
    let odb = git2::Odb::new().unwrap();
    odb.add_disk_alternate(held.git.path("objects").to_str().unwrap()).unwrap();
    let objects = Objects::open(&places(&held.git, &[])).unwrap();
    let mut buffer = Vec::new();
    for commit in &held.ids {
        let tree = held.git.run(&["rev-parse", &format!("{commit}^{{tree}}")]);
        for (text, kind) in [(commit, Kind::Commit), (&tree, Kind::Tree)] {
            let theirs = odb.read(git2::Oid::from_str(text).unwrap()).unwrap();
            assert_eq!(objects.read(id(text), &mut buffer).unwrap(), kind);
            assert_eq!(buffer, theirs.data());
            assert_eq!(objects.size(id(text)).unwrap(), (kind, theirs.len() as u64));
        }
    }
}

fn check(history: &History, layout: Layout) {
    let held = history.hold(layout);
    if held.ids[0].len() == 40 {
        check_objects(&held);
    }
    check_model(history, &held);
    check_ancestry(history, &held);
    check_new_commits(history, &held);
}

macro_rules! laws {
    ($($name:ident: $layout:ident),* $(,)?) => {
        proptest! {
            #![proptest_config(cases())]
            $(#[test]
            fn $name(history in histories()) {
                assert!(LAYOUTS.contains(&Layout::$layout));
                check(&history, Layout::$layout);
            })*
        }
    };
}

laws! {
    loose: Loose,
    packed: Packed,
    several_packs_with_one_index_and_a_bitmap: MultiPackIndex,
    a_commit_graph: Graph,
    an_old_commit_graph: OldGraph,
    a_chain_of_commit_graphs: GraphChain,
    a_commit_graph_of_levels_only: GraphVersion1,
    a_chain_of_both_kinds: GraphMixed,
    sha256: Sha256,
    sha256_with_a_commit_graph: Sha256Graph,
    a_reftable: Reftable,
    objects_in_another_repository: Alternates,
}
