use std::{collections::BTreeMap, io::Cursor};

use super::*;
use crate::tile::encode_hashes;

fn leaf(n: u64) -> TreeHash {
    TreeHash::leaf(&n.to_be_bytes())
}

/// The tiles of a log whose entries are numbers.
fn tiles(size: u64) -> BTreeMap<String, Vec<u8>> {
    let mut edge = Edge::new();
    let mut tiles: Vec<(Tile, Vec<TreeHash>)> = (0..size).flat_map(|n| edge.append(leaf(n))).collect();
    tiles.extend(edge.partial().map(|(tile, hashes)| (tile, hashes.to_vec())));
    tiles.into_iter().map(|(tile, hashes)| (tile.to_string(), encode_hashes(&hashes))).collect()
}

fn files(tiles: &BTreeMap<String, Vec<u8>>) -> Files<impl Fn(&str) -> io::Result<Cursor<Vec<u8>>>> {
    Files::new(|path: &str| tiles.get(path).cloned().map(Cursor::new).ok_or(io::ErrorKind::NotFound.into()))
}

fn root(size: u64) -> TreeHash {
    let mut tree = Frontier::new();
    tree.extend((0..size).map(leaf));
    tree.root()
}

/// From a few tiles the same proofs as from all leaves.
#[test]
fn proofs_come_from_tiles() {
    for size in [1, 2, 7, 255, 256, 257, 511, 512, 1000] {
        let tiles = tiles(size);
        let files = files(&tiles);
        assert_eq!(files.edge(size).unwrap().frontier().root(), root(size));
        for index in [0, 1, 254, 255, 256, 300, 511, 512, size - 1] {
            let proof = files.inclusion(index, size);
            if index >= size {
                assert!(matches!(proof, Err(FileError::Prove(_))));
                continue;
            }
            let proof = proof.unwrap();
            assert_eq!(proof, InclusionProof::build(index, size, (0..size).map(leaf)).unwrap());
            proof.verify(&leaf(index), &root(size)).unwrap();
        }
        for old in [0, 1, 2, 6, 255, 256, 257, 300, size - 1, size].into_iter().filter(|old| *old <= size) {
            let proof = files.consistency(old, size).unwrap();
            assert_eq!(proof, ConsistencyProof::build(old, size, (0..size).map(leaf)).unwrap());
            proof.verify(&root(old), &root(size)).unwrap();
        }
    }
}

#[test]
fn a_full_tile_stands_for_its_parts() {
    let (mut tiles, partial) = (tiles(300), tiles(200));
    let kind = TileKind::Hashes(0);
    let asked = Tile { kind, index: 0, width: 200 };
    assert_eq!(files(&tiles).hashes(asked).unwrap(), files(&partial).hashes(asked).unwrap());
    assert_eq!(files(&tiles).edge(200).unwrap().frontier().root(), root(200));
    assert!(
        matches!(files(&partial).hashes(Tile::full(kind, 0)), Err(FileError::Missing { path }) if path == "tile/0/000")
    );
    tiles.get_mut("tile/0/000").unwrap().truncate(100 * 32);
    assert!(matches!(files(&tiles).hashes(asked), Err(FileError::Tile { width: 200, .. })));
}

#[test]
fn segments_are_named_after_their_first_entry() {
    let segment = Segment { first: 70_000 };
    assert_eq!(segment.to_string(), "journal/00000000000000070000.jsonl");
    assert_eq!(Segment::named("00000000000000070000.jsonl"), Some(segment));
    assert_eq!(Segment::named(&format!("{}.jsonl", u64::MAX)), Some(Segment { first: u64::MAX }));
    for other in [
        "70000.jsonl",
        "0000000000000007000x.jsonl",
        "99999999999999999999.jsonl",
        "+0000000000000070000.jsonl",
        "torn-1",
        "",
    ] {
        assert_eq!(Segment::named(other), None, "{other}");
    }
}
