//! Raw trees: the paths that differ from every other tree are those of a plain comparison of all files.
//!
//! The input is a list of trees with `%%` between them. The first byte of an entry's id says which of them it names.
//! The first tree is compared with each number of the next ones.
#![no_main]

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use libfuzzer_sys::fuzz_target;
use oam_fuzz::assert_plain;
use oam_hook::git::changes::{BadTree, changes};
use oam_policy::ObjectId;

type Files = BTreeMap<Vec<u8>, (u32, Vec<u8>)>;

/// Stops what would go on for too long: trees that name each other make many paths.
struct Enough(Option<BadTree>);

impl From<BadTree> for Enough {
    fn from(error: BadTree) -> Self {
        Self(Some(error))
    }
}

fn id(tree: usize) -> ObjectId {
    let mut bytes = [1; 20];
    bytes[0] = u8::try_from(tree).unwrap();
    ObjectId::Sha1(bytes)
}

/// All files of a tree, read as simply as can be. `None` where it is none, or has too many.
fn files(trees: &[Vec<u8>], tree: usize, under: &[u8], depth: usize, found: &mut Files) -> Option<()> {
    let mut rest = &trees.get(tree).filter(|_| depth < 6)?[..];
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let mode = u32::from_str_radix(std::str::from_utf8(&rest[..space]).ok()?, 8).ok()?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        let path = [under, rest.get(space + 1..end)?].concat();
        let id = rest.get(end + 1..end + 21)?;
        rest = &rest[end + 21..];
        if mode & 0o170_000 == 0o040_000 {
            files(trees, usize::from(id[0]), &[&path[..], b"/"].concat(), depth + 1, found)?;
        } else {
            let kind = if mode & 0o170_000 == 0o100_000 { mode & 0o170_100 } else { mode & 0o170_000 };
            found.insert(path, (kind, id.to_vec()));
        }
        if found.len() > 200 {
            return None;
        }
    }
    Some(())
}

fuzz_target!(|data: &[u8]| {
    let text: Vec<u8> = data.to_vec();
    let mut trees: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = &text[..];
    while let Some((byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"%%") {
            trees.push(Vec::new());
            rest = after;
        } else {
            trees.last_mut().unwrap().push(*byte);
            rest = after;
        }
    }
    trees.truncate(200);
    let all: Option<Vec<Files>> = (0..trees.len())
        .map(|tree| {
            let mut found = Files::new();
            files(&trees, tree, b"", 0, &mut found).map(|()| found)
        })
        .collect();
    for count in 0..trees.len().min(4) {
        let others: Vec<_> = (1..=count).map(|tree| Some(id(tree))).collect();
        let mut found = BTreeSet::new();
        let mut reads = 0;
        let compared = changes::<Enough>(
            Some(id(0)),
            &others,
            &mut |id| {
                reads += 1;
                let tree = trees.get(usize::from(id.as_bytes()[0])).filter(|_| reads < 10_000);
                tree.map(|tree| Rc::from(&tree[..])).ok_or(Enough(None))
            },
            &mut |change| {
                found.insert(change.path.as_bytes().to_vec());
                Ok(())
            },
        );
        match (compared, &all) {
            (Ok(()), Some(all)) => {
                let nothing = [Files::new()];
                let others = if count == 0 { &nothing } else { &all[1..=count] };
                let paths: BTreeSet<_> = all[0].keys().chain(others[0].keys()).cloned().collect();
                let differs = |path: &Vec<u8>| others.iter().all(|other| other.get(path) != all[0].get(path));
                let expected: BTreeSet<_> = paths.into_iter().filter(differs).collect();
                assert_eq!(found, expected, "{count} others");
            }
            (Err(Enough(Some(error))), _) => assert_plain(&error.to_string()),
            _ => {}
        }
    }
});
