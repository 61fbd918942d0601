use std::collections::{BTreeMap, BTreeSet};

use oam_policy::ObjectId;
use proptest::prelude::*;

use super::{
    Raw,
    chance::{plan, write},
    id,
};
use crate::{
    git::{
        changes::{BadTree, changes},
        commit::Commit,
        tree::EntryKind,
    },
    testing::Git,
};

type Paths = BTreeSet<Vec<u8>>;

/// The paths that differ, and of these the ones with new content.
fn compared(raw: &Raw, new: ObjectId, others: &[ObjectId]) -> (Paths, BTreeMap<Vec<u8>, ObjectId>) {
    let (mut paths, mut files) = (Paths::new(), BTreeMap::new());
    let others: Vec<_> = others.iter().copied().map(Some).collect();
    changes::<BadTree>(Some(new), &others, &mut |id| Ok(raw.get(id)), &mut |change| {
        assert!(paths.insert(change.path.as_bytes().to_vec()), "{} comes twice", change.path);
        assert!(change.now.is_some() || !change.is_new_content);
        if let Some((_, id)) = change.now.filter(|_| change.is_new_content) {
            files.insert(change.path.as_bytes().to_vec(), id);
        }
        Ok(())
    })
    .unwrap();
    (paths, files)
}

fn split(output: &[u8]) -> Paths {
    output.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Each path of a commit with what is there, by git.
fn listed(git: &Git, commit: &str) -> BTreeMap<Vec<u8>, (String, String)> {
    let output = git.feed(&["ls-tree", "-r", "-z", "--full-tree", commit], b"");
    split(&output)
        .into_iter()
        .map(|line| {
            let tab = line.iter().position(|byte| *byte == b'\t').unwrap();
            let words = String::from_utf8(line[..tab].to_vec()).unwrap();
            let [mode, _, id] = words.split(' ').collect::<Vec<_>>()[..] else { panic!("{words}") };
            (line[tab + 1..].to_vec(), (mode.replace("100755", "100644"), id.to_owned()))
        })
        .collect()
}

fn check(git: &Git, commits: &[String]) -> Result<(), TestCaseError> {
    let raw = Raw::of(git);
    for name in commits {
        let data = raw.get(id(name));
        let commit = Commit::parse(&data).unwrap();
        let tree = |parent: &ObjectId| Commit::parse(&raw.get(*parent)).unwrap().tree;
        let parents: Vec<_> = commit.parents.iter().map(tree).collect();
        let (paths, files) = compared(&raw, commit.tree, &parents);
        let arguments = ["diff-tree", "-r", "-c", "--root", "--name-only", "-z", "--no-commit-id", name];
        prop_assert_eq!(&paths, &split(&git.feed(&arguments, b"")), "{}", name);

        let now = listed(git, name);
        let then: Vec<_> = commit.parents.iter().map(|parent| listed(git, &parent.to_string())).collect();
        let is_new = |path: &Vec<u8>| then.iter().all(|then| then.get(path) != now.get(path));
        let expected: BTreeMap<_, _> = now
            .iter()
            .filter(|(path, _)| is_new(path))
            .map(|(path, (_, name))| (path.clone(), id(name)))
            .collect();
        prop_assert_eq!(files, expected, "{}", name);
    }
    for pair in commits.windows(2) {
        let [old, new] = pair else { panic!() };
        let tree = |name: &str| Commit::parse(&raw.get(id(name))).unwrap().tree;
        let (paths, _) = compared(&raw, tree(new), &[tree(old)]);
        let expected = git.feed(&["diff-tree", "-r", "--name-only", "-z", old, new], b"");
        prop_assert_eq!(paths, split(&expected), "{} {}", old, new);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn paths_are_those_of_git(plan in plan()) {
        let git = Git::init(&[]);
        let commits = write(&git, &plan);
        check(&git, &commits)?;
    }

    #[test]
    fn with_sha256_as_well(plan in plan()) {
        let git = Git::init(&["--object-format=sha256"]);
        let commits = write(&git, &plan);
        check(&git, &commits)?;
    }
}

#[test]
fn a_mode_is_a_change_and_no_content() {
    let git = Git::init(&[]);
    let blob = git.store("blob", b"x");
    let tree = |mode: &str| {
        id(std::str::from_utf8(&git.feed(&["mktree"], format!("{mode} blob {blob}\ta\n").as_bytes()))
            .unwrap())
    };
    let (plain, executable, link) = (tree("100644"), tree("100755"), tree("120000"));
    let raw = Raw::of(&git);
    let (paths, files) = compared(&raw, executable, &[plain]);
    assert_eq!((paths.len(), files.len()), (1, 0));
    let (paths, files) = compared(&raw, link, &[plain]);
    assert_eq!((paths.len(), files.len()), (1, 1));
    // A merge that takes the content of the one parent and the mode of the other.
    let (paths, files) = compared(&raw, executable, &[plain, link]);
    assert_eq!((paths.len(), files.len()), (1, 0));
}

#[test]
fn a_submodule_is_an_entry_of_its_own() {
    let git = Git::init(&[]);
    let line = format!("160000 commit {}\tsub\n", "1".repeat(40));
    let tree = git.feed(&["mktree", "--missing"], line.as_bytes());
    let raw = Raw::of(&git);
    let mut kinds = Vec::new();
    let tree = Some(id(std::str::from_utf8(&tree).unwrap()));
    changes::<BadTree>(tree, &[], &mut |id| Ok(raw.get(id)), &mut |change| {
        kinds.extend(change.now.map(|(kind, _)| kind));
        Ok(())
    })
    .unwrap();
    assert_eq!(kinds, [EntryKind::Submodule]);
}
