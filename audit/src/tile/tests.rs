use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn leaf(n: u64) -> TreeHash {
    TreeHash::leaf(&n.to_be_bytes())
}

#[test]
fn paths_are_those_of_the_specification() {
    let full = |kind, index| Tile::full(kind, index).to_string();
    assert_eq!(full(TileKind::Hashes(0), 0), "tile/0/000");
    assert_eq!(full(TileKind::Hashes(3), 999), "tile/3/999");
    assert_eq!(full(TileKind::Entries, 1000), "tile/entries/x001/000");
    assert_eq!(full(TileKind::Entries, 1_234_067), "tile/entries/x001/x234/067");
    // The example of the specification: a tree of 70,000 entries.
    let partial = |kind| Tile::partial(kind, 70_000).unwrap().to_string();
    assert_eq!(partial(TileKind::Entries), "tile/entries/273.p/112");
    assert_eq!(partial(TileKind::Hashes(0)), "tile/0/273.p/112");
    assert_eq!(partial(TileKind::Hashes(1)), "tile/1/001.p/17");
    assert_eq!(partial(TileKind::Hashes(2)), "tile/2/000.p/1");
    assert_eq!(TileKind::all(70_000).count(), 4);
    assert_eq!(TileKind::all(0).count(), 0);
    assert_eq!(Tile::partial(TileKind::Hashes(0), 256), None);
    assert_eq!(TileKind::Hashes(9).count(u64::MAX), 0);
}

#[test]
fn bundles_hold_entries_and_nothing_else() {
    let mut bundle = Bundle::new();
    let entries = [&b"a"[..], b"", &[b'x'; MAX]];
    entries.iter().for_each(|entry| bundle.push(entry).unwrap());
    let bytes = bundle.as_bytes().to_vec();
    assert_eq!(&bytes[..5], b"\0\x01a\0\0");
    let read = Bundle::decode(bytes.clone()).unwrap();
    assert_eq!((&read, read.entries().collect::<Vec<_>>()), (&bundle, entries.to_vec()));
    for cut in 1..bytes.len() {
        let whole = [3, 5].contains(&cut);
        assert_eq!(Bundle::decode(bytes[..cut].to_vec()).is_ok(), whole, "{cut}");
    }
    assert_eq!(bundle.push(&[0; MAX + 1]), Err(BundleError::TooLong { bytes: MAX + 1 }));
    assert_eq!(Bundle::decode(vec![0; 514]), Err(BundleError::TooMany));
    let mut full = Bundle::decode(vec![0; 512]).unwrap();
    assert_eq!(full.push(b""), Err(BundleError::TooMany));
}

const MAX: usize = crate::entry::MAX_ENTRY_BYTES;

#[test]
fn an_edge_is_the_frontier_and_is_loaded_from_tiles() {
    let (mut edge, mut tree) = (Edge::new(), Frontier::new());
    let mut tiles = BTreeMap::new();
    for n in 0..=65_800 {
        if n % 4096 < 2 || n % 4096 == 4095 || n > 65_790 || (500..520).contains(&n) {
            assert_eq!(edge.frontier(), tree, "{n}");
            let partial: Vec<_> = edge.partial().map(|(tile, hashes)| (tile, hashes.to_vec())).collect();
            assert!(partial.iter().all(|(tile, hashes)| tile.width == hashes.len() as u64));
            tiles.extend(partial);
            let loaded = Edge::load(n, |tile| tiles.get(&tile).cloned().ok_or(tile)).unwrap();
            assert_eq!(loaded, edge, "{n}");
        }
        tree.append(leaf(n));
        tiles.extend(edge.append(leaf(n)));
    }
    let full =
        |level| tiles.keys().filter(|tile| tile.kind == TileKind::Hashes(level) && tile.is_full()).count();
    assert_eq!((full(0), full(1), full(2)), (257, 1, 0));
    let missing = Edge::load(512, |tile| if tile.index == 1 { Err(tile) } else { Ok(tiles[&tile].clone()) });
    assert_eq!(missing, Err(Tile::full(TileKind::Hashes(0), 1)));

    // A tile at a time comes to the same.
    let (mut by_tile, mut by_leaf) = (Edge::new(), Edge::new());
    for index in 0..258 {
        let hashes = &tiles[&Tile::full(TileKind::Hashes(0), index % 257)];
        let by_leaf = hashes.iter().flat_map(|&hash| by_leaf.append(hash)).collect::<Vec<_>>();
        assert_eq!(by_tile.append_tile(subtree_root(hashes)), by_leaf[1..], "{index}");
    }
    assert_eq!(by_tile, by_leaf);
}

#[test]
fn hashes_are_whole() {
    let hashes = [leaf(1), leaf(2)];
    let bytes = encode_hashes(&hashes);
    assert_eq!(decode_hashes(&bytes).unwrap(), hashes);
    assert_eq!(decode_hashes(&bytes[..63]), None);
    assert_eq!(decode_hashes(&[]), None);
    assert_eq!(decode_hashes(&[0; 257 * 32]), None);
}

proptest! {
    #[test]
    fn whatever_is_read_as_a_bundle_is_written_so(bytes in prop::collection::vec(0u8..4, 0..600)) {
        if let Ok(bundle) = Bundle::decode(bytes.clone()) {
            let mut again = Bundle::new();
            for entry in bundle.entries() {
                again.push(entry).unwrap();
            }
            prop_assert_eq!(again.as_bytes(), bytes);
        }
    }
}
