use std::collections::BTreeSet;

use oam_policy::RefChange;
use proptest::prelude::*;

use super::{EVERYTHING, ask, create};
use crate::{
    git::tests::{
        chance::{plan, write},
        id,
    },
    testing::Git,
};

fn split(output: &[u8]) -> BTreeSet<Vec<u8>> {
    output.split(|byte| *byte == 0).filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect()
}

/// The new files of a commit by git: what is in it and in no parent, with its size.
fn new_files(git: &Git, commit: &str) -> BTreeSet<(Vec<u8>, u64)> {
    let listed = |commit: &str| split(&git.feed(&["ls-tree", "-r", "-z", "--full-tree", "-l", commit], b""));
    // Executable or not is no other content.
    let plain = |line: &Vec<u8>| String::from_utf8_lossy(line).replacen("100755", "100644", 1);
    let parents = git.run(&["rev-list", "--parents", "-1", commit]);
    let then: BTreeSet<String> =
        parents.split(' ').skip(1).flat_map(listed).map(|line| plain(&line)).collect();
    let new = listed(commit).into_iter().filter(|line| !then.contains(&plain(line)));
    new.map(|line| {
        let tab = line.iter().position(|byte| *byte == b'\t').unwrap();
        let size = String::from_utf8(line[..tab].to_vec()).unwrap();
        (line[tab + 1..].to_vec(), size.split_whitespace().last().unwrap().parse().unwrap_or(0))
    })
    .collect()
}

fn check(git: &Git, old: Option<&String>, new: &str, hidden: &[String]) -> Result<(), TestCaseError> {
    for (place, hidden) in hidden.iter().enumerate() {
        git.run(&["update-ref", &format!("refs/covered/{place}"), hidden]);
    }
    let change = match old {
        Some(old) => RefChange::Move { old: id(old), new: id(new) },
        None => create(id(new)),
    };
    let told = ask(git, change, &["refs/covered/*"], EVERYTHING);
    prop_assert_eq!(&told.unreadable, "");

    let mut arguments = vec!["rev-list", new, "--not"];
    arguments.extend(hidden.iter().map(String::as_str));
    let expected = git.run(&arguments);
    let expected: BTreeSet<&str> = expected.split_whitespace().collect();
    let found: Vec<String> = told.commits.iter().map(|commit| hex(&commit.id)).collect();
    prop_assert_eq!(found.len(), expected.len());
    prop_assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected.clone());

    let mut paths: BTreeSet<Vec<u8>> = expected
        .iter()
        .flat_map(|commit| {
            let arguments =
                ["diff-tree", "-r", "-c", "--root", "--name-only", "-z", "--no-commit-id", commit];
            split(&git.feed(&arguments, b""))
        })
        .collect();
    if let Some(old) = old {
        paths.extend(split(&git.feed(&["diff-tree", "-r", "--name-only", "-z", old, new], b"")));
    }
    prop_assert_eq!(told.paths.len(), paths.len(), "none is told twice");
    prop_assert_eq!(told.paths.into_iter().collect::<BTreeSet<_>>(), paths);

    let files: BTreeSet<_> = expected.iter().flat_map(|commit| new_files(git, commit)).collect();
    prop_assert_eq!(told.files.into_iter().collect::<BTreeSet<_>>(), files);

    let foreign: BTreeSet<String> =
        told.commits.iter().filter(|commit| commit.foreign).map(|commit| hex(&commit.id)).collect();
    prop_assert_eq!(foreign, foreign_by_definition(git, old, new, &expected));
    Ok(())
}

/// The merges on the line of first parents that have the old tip behind, unless it is on that line.
fn foreign_by_definition(
    git: &Git,
    old: Option<&String>,
    new: &str,
    among: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let Some(old) = old else { return BTreeSet::new() };
    let line = git.run(&["rev-list", "--first-parent", new]);
    if line.split_whitespace().any(|id| id == old) {
        return BTreeSet::new();
    }
    line.split_whitespace()
        .filter(|id| among.contains(id))
        .filter(|id| git.run(&["rev-list", "--parents", "-1", id]).split(' ').count() > 2)
        .filter(|id| git.succeeds(&["merge-base", "--is-ancestor", old, id]))
        .map(ToOwned::to_owned)
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_history_is_that_of_git(
        plan in plan(),
        sha256: bool,
        packed: bool,
        old: Option<prop::sample::Index>,
        hidden in proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let git = Git::init(if sha256 { &["--object-format=sha256"] } else { &[] });
        let commits = write(&git, &plan);
        if packed {
            git.run(&["repack", "-adq"]);
            git.run(&["commit-graph", "write", "--reachable"]);
        }
        let hidden: Vec<_> = hidden.iter().map(|index| index.get(&commits).clone()).collect();
        let old = old.map(|index| index.get(&commits));
        check(&git, old, commits.last().unwrap(), &hidden)?;
    }
}
