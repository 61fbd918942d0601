//! Logs whose old entries are gone or compressed, as announced and otherwise.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::entry::{EntriesPruned, PrunedRotation};

/// Where the entry stands that tells of it.
const TOLD: u64 = 768;

fn announcement(before: u64, rotations: Vec<PrunedRotation>) -> EntriesPruned {
    EntriesPruned {
        before,
        keep: "7y".into(),
        older_than: "2026-11-23T17:21:14.000000Z".parse().unwrap(),
        rotations,
    }
}

/// A log of 1,000 entries, of which one allows that those below `before` are gone.
fn log(before: u64) -> Log {
    Log::of(1_000, |seq, _| match seq {
        TOLD => EncodedEvent::new(&Event::EntriesPruned(announcement(before, vec![]))).unwrap(),
        _ => event(seq),
    })
}

fn path(index: u64) -> String {
    Tile::full(TileKind::Entries, index).to_string()
}

fn without(mut log: Log, bundles: std::ops::Range<u64>) -> Log {
    bundles.for_each(|index| drop(log.files.remove(&path(index)).unwrap()));
    log
}

fn compressed(mut log: Log, index: u64) -> Log {
    let bytes = log.files.remove(&path(index)).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes).unwrap();
    log.files.insert(path(index) + ".gz", encoder.finish().unwrap().into());
    log
}

#[test]
fn what_was_announced_may_be_gone() {
    for gone in [1, 2] {
        for threads in [1, 3] {
            let report = without(log(512), 0..gone).verify(threads).unwrap();
            let pruned = report.pruned.unwrap();
            assert_eq!((pruned.entries, pruned.told_by, &*pruned.told.keep), (gone * 256, TOLD, "7y"));
            assert_eq!(report.entries, 1_000);
        }
    }
    assert_eq!(log(512).verify(1).unwrap().pruned, None, "announced, and not done yet");
}

#[test]
fn what_was_not_announced_is_tampering() {
    let say = |log: Log| {
        let texts = [1, 3].map(|threads| log.verify(threads).unwrap_err().to_string());
        assert_eq!(texts[0], texts[1]);
        texts[0].clone()
    };
    assert!(say(without(log(0), 0..1)).contains("no entry that was signed"));
    assert!(say(without(log(256), 0..2)).contains("entries 0 to 512"), "more than was announced");
    assert!(say(without(log(512), 1..2)).contains("is missing"), "from the middle");
    assert!(say(without(log(TOLD + 1), 0..1)).contains("no entry that was signed"), "of what comes after it");
    // An announcement that nobody signed.
    let mut unsigned = without(log(512), 0..1);
    unsigned.sign(&SignedCheckpoint::sign(TOLD, unsigned.root(TOLD), &key()));
    assert!(say(unsigned).contains("no entry that was signed"));
    // Entries and their hashes.
    let mut both = without(log(512), 0..1);
    both.files.remove(&Tile::full(TileKind::Hashes(0), 0).to_string()).unwrap();
    assert!(say(both).contains("is missing"));
    // A hash of what is gone.
    for at in [7, 8_000] {
        let mut edited = without(log(512), 0..1);
        let hashes = Tile::full(TileKind::Hashes(0), 0).to_string();
        let mut bytes = edited.files[&hashes].to_vec();
        bytes[at] ^= 1;
        edited.files.insert(hashes, bytes.into());
        assert!(edited.verify(2).is_err(), "{at}");
    }
}

/// Kept checkpoints go on being compared, also those in the middle of what is gone.
#[test]
fn checkpoints_outlive_the_entries() {
    let log = without(log(512), 0..2);
    let kept = |size: u64, change: u8| {
        let mut root = *log.root(size).as_bytes();
        root[0] ^= change;
        let kept = SignedCheckpoint::sign(size, TreeHash::from_bytes(root), &key()).to_string();
        log.verify_by(&key(), &[&kept], 2)
    };
    for size in [0, 1, 255, 256, 300, 512, 600, 1_000] {
        kept(size, 0).unwrap_or_else(|error| panic!("{size}: {error}"));
        assert!(kept(size, 1).is_err(), "{size}");
    }
}

#[test]
fn rotations_are_followed_through_what_is_gone() {
    let mut first = None;
    let mut log = Log::of(1_000, |seq, edge| {
        let before = Checkpoint {
            origin: "oam.example.com/node-1".parse().unwrap(),
            size: seq,
            root: edge.frontier().root(),
        };
        let rotated =
            |from, to| KeyRotated::new(&key_of(from), &key_of(to), &before, "uid 0".into(), String::new());
        let event = match seq {
            100 => Event::KeyRotated(first.insert(rotated(1, 2)).clone()),
            700 => Event::KeyRotated(rotated(2, 3)),
            TOLD => {
                let rotation = first.clone().unwrap();
                Event::EntriesPruned(announcement(512, vec![PrunedRotation { seq: 100, rotation }]))
            }
            _ => return event(seq),
        };
        EncodedEvent::new(&event).unwrap()
    });
    log.sign(&SignedCheckpoint::sign(1_000, log.root(1_000), &key_of(3)));
    let whole = log.verify_by(&key_of(1), &[], 2).unwrap();
    let log = without(log, 0..2);
    for seed in 1..=3 {
        assert_eq!(log.verify_by(&key_of(seed), &[], 2).unwrap().keys, whole.keys);
    }
    assert_eq!(whole.keys.len(), 3);
}

/// A decision of several entries, of which the first few are gone.
#[test]
fn a_decision_may_be_cut_by_what_is_gone() {
    let large = crate::verify::tests::large_decision("big", 1_000);
    let log = Log::of(1_000, |seq, _| match seq {
        TOLD => EncodedEvent::new(&Event::EntriesPruned(announcement(512, vec![]))).unwrap(),
        255.. if seq - 255 < large.len() as u64 => large[usize::try_from(seq - 255).unwrap()].clone(),
        _ => event(seq),
    });
    log.verify(1).unwrap();
    without(log, 0..1).verify(1).unwrap();
    // Only directly behind what is gone.
    let late = Log::of(1_000, |seq, _| match seq {
        TOLD => EncodedEvent::new(&Event::EntriesPruned(announcement(512, vec![]))).unwrap(),
        257 => large[1].clone(),
        _ => event(seq),
    });
    assert!(without(late, 0..1).verify(1).is_err());
}

#[test]
fn files_may_be_compressed() {
    let log = compressed(compressed(log(512), 0), 2);
    assert_eq!(log.verify(1).unwrap(), self::log(512).verify(1).unwrap());
    let name = path(0) + ".gz";
    let whole = log.files[&name].to_vec();
    let with = |bytes: Vec<u8>| {
        let mut edited = Log { files: log.files.clone(), ..Log::new(0) };
        edited.files.insert(name.clone(), bytes.into());
        edited.verify(1)
    };
    assert!(with(whole[..whole.len() - 1].to_vec()).is_err(), "cut off");
    assert!(with([&whole[..], b"x"].concat()).is_err(), "something behind it");
    assert!(with(Vec::new()).is_err());
    let mut bit = whole.clone();
    bit[whole.len() / 2] ^= 1;
    assert!(with(bit).is_err());
    // A few bytes that are a great many: no more is read than a file of entries can hold.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 20];
    (0..64).for_each(|_| encoder.write_all(&zeros).unwrap());
    assert!(with(encoder.finish().unwrap()).unwrap_err().to_string().contains("should hold 256"));
}
