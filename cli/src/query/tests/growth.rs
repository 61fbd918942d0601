//! A log of millions of entries: what a query costs follows what it finds. Run with `OAM_SOAK=1` in release.

use std::{env, fs, path::Path, time::Instant};

use oam_audit::{
    checkpoint::SignedCheckpoint,
    entry::Time,
    files::{CHECKPOINT, VERIFIER},
    merkle::TreeHash,
    tile::{Bundle, Edge, Tile, TileKind, WIDTH, encode_hashes},
};

use super::{
    Filter, Index, Search, SignedLog,
    sample::{NODE, at, decision, id, key, update},
};

/// One of so many entries is about the rare user.
const RARE: u64 = 100_000;

/// Writes a log as a daemon leaves it, without holding it.
fn write(folder: &Path, entries: u64) {
    let node = NODE.parse().unwrap();
    let put = |tile: Tile, bytes: &[u8]| {
        let path = folder.join(tile.to_string());
        if fs::write(&path, bytes).is_err() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    };
    let (mut edge, mut bundle, mut line) = (Edge::new(), Bundle::new(), Vec::new());
    for seq in 0..entries {
        let user = if seq % RARE == 7 { "rare".to_owned() } else { format!("user{}", seq % 5_000) };
        let name = format!("refs/heads/feature/{}", seq % 20_011);
        let refused = (seq % 50 == 0).then_some(("no-grant", "main"));
        let events = decision(seq, &user, &format!("PAY/r{}", seq % 300), vec![update(&name, refused)]);
        line.clear();
        events[0].stamp(seq, Time::from(at(seq)), &node, &mut line);
        bundle.push(&line).unwrap();
        edge.append(TreeHash::leaf(&line))
            .iter()
            .for_each(|(tile, hashes)| put(*tile, &encode_hashes(hashes)));
        if bundle.len() == WIDTH {
            put(Tile::full(TileKind::Entries, seq / WIDTH), bundle.as_bytes());
            bundle = Bundle::new();
        }
    }
    if let Some(tile) = Tile::partial(TileKind::Entries, entries) {
        put(tile, bundle.as_bytes());
    }
    edge.partial().for_each(|(tile, hashes)| put(tile, &encode_hashes(hashes)));
    let checkpoint = SignedCheckpoint::sign(entries, edge.frontier().root(), &key());
    fs::write(folder.join(CHECKPOINT), checkpoint.to_string()).unwrap();
    fs::write(folder.join(VERIFIER), key().verifier().to_string()).unwrap();
}

#[test]
fn a_query_costs_what_it_finds() {
    if env::var_os("OAM_SOAK").is_none() {
        eprintln!("SKIPPED: a log of millions of entries takes minutes; OAM_SOAK=1 runs it");
        return;
    }
    let entries = env::var("OAM_SOAK_ENTRIES").map_or(1_000_000, |count| count.parse().unwrap());
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let begun = Instant::now();
    write(folder.path(), entries);
    eprintln!("{entries} entries written in {:?}", begun.elapsed());
    let search = |filter: Filter| {
        let begun = Instant::now();
        let log = SignedLog::open(Some(folder.path()), None).unwrap();
        let index = Index::open(Some(index.path()), log.key()).unwrap();
        let mut search = Search::new(log, Some(index), filter, 0, &|_, _| ()).unwrap();
        let mut count = 0;
        while search.next().unwrap().is_some() {
            count += 1;
        }
        (count, begun.elapsed())
    };
    let nobody = Filter { user: Some("nobody".into()), ..Filter::default() };
    eprintln!("index made: {:?}", search(nobody.clone()).1);
    let size: u64 = fs::read_dir(fs::read_dir(index.path()).unwrap().next().unwrap().unwrap().path())
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    eprintln!("index: {} bytes an entry", size / entries);
    let rare = Filter { user: Some("rare".into()), ..Filter::default() };
    let one = Filter { decision: Some(id(entries / 2)), ..Filter::default() };
    let user = Filter { user: Some("user7".into()), ..Filter::default() };
    let hour =
        Filter { since: Some(at(entries / 2)), until: Some(at(entries / 2 + 3_600)), ..Filter::default() };
    for (what, filter, expected) in [
        ("nobody", nobody, 0),
        ("one decision", one, 1),
        ("a rare user", rare, entries / RARE),
        // Some of their entries are those of the rare one.
        ("a user", user, entries / 5_000 - entries / RARE),
        ("an hour", hour, 3_600),
    ] {
        let (count, took) = search(filter);
        eprintln!("{what}: {count} in {took:?}");
        assert_eq!(count, expected, "{what}");
    }
}
