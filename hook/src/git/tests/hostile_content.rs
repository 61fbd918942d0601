//! Hostile objects of our own reading: trees, commits and tags that nobody would make in earnest.

use std::{cell::Cell, collections::HashMap, io::Write as _, rc::Rc};

use oam_policy::ObjectId;

use crate::git::{
    changes::{BadTree, MAX_DEPTH, changes},
    commit::Commit,
};

fn id(name: usize) -> ObjectId {
    let mut bytes = [1; 20];
    bytes[..8].copy_from_slice(&(name as u64).to_be_bytes());
    ObjectId::Sha1(bytes)
}

/// A tree of one entry.
fn one(mode: &str, name: &str, id: ObjectId) -> Vec<u8> {
    [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.as_bytes()].concat()
}

fn count(
    trees: &HashMap<ObjectId, Rc<[u8]>>,
    new: ObjectId,
    others: &[Option<ObjectId>],
) -> Result<usize, BadTree> {
    let mut found = 0;
    changes::<BadTree>(Some(new), others, &mut |id| Ok(Rc::clone(&trees[&id])), &mut |_| {
        found += 1;
        Ok(())
    })?;
    Ok(found)
}

/// Folders in folders, and a file in the last.
fn nest(depth: usize, name: &str) -> HashMap<ObjectId, Rc<[u8]>> {
    let folder = |level| (id(level), Rc::from(one("40000", name, id(level + 1))));
    let mut trees: HashMap<_, _> = (1..depth).map(folder).collect();
    trees.insert(id(depth), Rc::from(one("100644", "f", id(depth + 1))));
    trees
}

#[test]
fn deep_folders_are_bounded_and_do_not_overflow() {
    assert_eq!(count(&nest(MAX_DEPTH, "a"), id(1), &[]), Ok(1));
    let too_deep = count(&nest(MAX_DEPTH + 1, "a"), id(1), &[]);
    assert_eq!(too_deep, Err(BadTree::TooDeep { tree: id(MAX_DEPTH + 1) }));
    let long = count(&nest(100, &"a".repeat(200)), id(1), &[]);
    assert!(matches!(long, Err(BadTree::Path { .. })), "{long:?}");
    // The same one below itself, as nobody can make it.
    let itself = HashMap::from([(id(1), Rc::from(one("40000", "a", id(1))))]);
    assert!(matches!(count(&itself, id(1), &[]), Err(BadTree::TooDeep { .. })));
}

#[test]
fn a_tree_with_a_million_entries_is_gone_through_side_by_side() {
    let entries = |changed: usize| -> Rc<[u8]> {
        let mut entries = Vec::with_capacity(36_000_000);
        for name in 0..1_000_000 {
            let id = id(if name == changed { 7 } else { 8 });
            write!(entries, "100644 {name:07}\0").unwrap();
            entries.extend_from_slice(id.as_bytes());
        }
        entries.into()
    };
    let trees = HashMap::from([(id(1), entries(3)), (id(2), entries(999_999))]);
    assert_eq!(count(&trees, id(1), &[Some(id(2))]), Ok(2));
}

#[test]
fn what_is_held_at_once_is_bounded() {
    let name = |index: usize| format!("{index:0200}");
    let big: Rc<[u8]> = (0..50_000).flat_map(|index| one("40000", &name(index), id(2))).collect();
    // Deeper and deeper, each level being as large.
    let read = Cell::new(0);
    let found = changes::<BadTree>(
        Some(id(1)),
        &[],
        &mut |_| {
            read.set(read.get() + big.len());
            Ok(Rc::clone(&big))
        },
        &mut |_| Ok(()),
    );
    assert!(matches!(found, Err(BadTree::TooLarge { .. })), "{found:?}");
    assert!(read.get() <= crate::git::changes::MAX_HELD + big.len());
}

#[test]
fn the_same_folders_are_read_once_however_many_parents_have_them() {
    let mut trees = HashMap::from([
        (id(1), Rc::from(one("40000", "a", id(2)))),
        (id(2), Rc::from(one("100644", "f", id(3)))),
    ]);
    trees.insert(id(5), Rc::from(one("100644", "f", id(6))));
    // 10,000 parents; in each of them, `a` is the same other folder.
    for parent in 0..10_000 {
        let entries = [one("40000", "a", id(5)), one("100644", "b", id(parent + 100))].concat();
        trees.insert(id(parent + 100_000), Rc::from(entries));
    }
    let parents: Vec<_> = (0..10_000).map(|parent| Some(id(parent + 100_000))).collect();
    let reads = Cell::new(0);
    let mut paths = Vec::new();
    changes::<BadTree>(
        Some(id(1)),
        &parents,
        &mut |id| {
            reads.set(reads.get() + 1);
            Ok(Rc::clone(&trees[&id]))
        },
        &mut |change| {
            paths.push(change.path.to_string());
            Ok(())
        },
    )
    .unwrap();
    assert_eq!(paths, ["a/f", "b"]);
    assert_eq!(reads.get(), 10_001 + 2);
}

#[test]
fn a_malformed_tree_is_named() {
    let trees = HashMap::from([
        (id(1), Rc::from(one("40000", "a", id(2)))),
        (id(2), Rc::from([one("100644", "b", id(3)), one("100644", "a", id(3))].concat())),
    ]);
    let found = count(&trees, id(1), &[]).unwrap_err();
    assert_eq!(found.to_string(), format!("the tree {} is malformed: its entries are not in order", id(2)));
}

/// Else what it holds besides would count as absent, and its removal as none.
#[test]
fn a_tree_out_of_order_is_found_out_whichever_it_is() {
    let file = |name| one("100644", name, id(9));
    let trees = HashMap::from([
        (id(1), Rc::from(file("a"))),
        (id(2), Rc::from([file("a"), file("z"), file("b")].concat())),
        (id(3), Rc::from([file("a"), file("b")].concat())),
        (id(4), Rc::from([])),
    ]);
    for others in [[2, 3], [3, 2], [2, 4], [4, 2]] {
        let found = count(&trees, id(1), &others.map(|other| Some(id(other)))).unwrap_err();
        assert!(found.to_string().starts_with(&format!("the tree {} is malformed", id(2))), "{found}");
    }
}

#[test]
fn a_commit_with_ten_thousand_parents_and_huge_headers() {
    let parents: String = (1..=10_000).map(|parent| format!("parent {}\n", id(parent))).collect();
    let huge = format!("gpgsig {}\n", " x\n".repeat(1_000_000));
    let text = format!("tree {}\n{parents}author A <a> 1 +0000\n{huge}\n\n{}", id(1), "x".repeat(1_000_000));
    let commit = Commit::parse(text.as_bytes()).unwrap();
    assert_eq!(commit.parents.len(), 10_000);
    assert_eq!(commit.makers().unwrap().author, b"a");
    assert_eq!(commit.subject().len(), 1_000);
}

proptest::proptest! {
    #[test]
    fn no_bytes_crash_the_comparison(new: Vec<u8>, old: Vec<u8>) {
        let trees = HashMap::from([(id(1), Rc::from(new)), (id(2), Rc::from(old))]);
        let read = |found: Result<usize, BadTree>| found.is_ok();
        read(count(&trees, id(1), &[Some(id(2))]));
        read(count(&trees, id(1), &[]));
    }
}
