use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
    sync::Arc,
    time::Instant,
};

use sha2::{Digest as _, Sha256};

use super::*;
use crate::{
    entry::{AdminDenied, EncodedEvent, Event, KeyRotated, Time},
    keys::SigningKey,
    tile::encode_hashes,
};

mod pruned;
mod rotations;

fn key() -> SigningKey {
    key_of(1)
}

fn key_of(seed: u8) -> SigningKey {
    SigningKey::from_seed("oam.example.com/node-1".parse().unwrap(), &[seed; 32])
}

/// A file in memory.
type Bytes = Cursor<Arc<[u8]>>;

/// A log in memory: its files, and the checkpoint at its end.
struct Log {
    files: BTreeMap<String, Arc<[u8]>>,
    bytes: u64,
    entries: u64,
}

/// One event that is about as long as that of a push of one ref.
fn event(n: u64) -> EncodedEvent {
    let actor = format!("actor-{n}-{}", "x".repeat(500));
    EncodedEvent::new(&Event::AdminDenied(AdminDenied { actor, call: "x".into(), times: 1 })).unwrap()
}

impl Log {
    fn new(entries: u64) -> Self {
        Self::of(entries, |seq, _| event(seq % 1000))
    }

    /// Of what `event` says for each place, which is told the tree before it.
    fn of(entries: u64, mut event: impl FnMut(u64, &Edge) -> EncodedEvent) -> Self {
        let time: Time = "2026-11-23T17:21:14.000000Z".parse().unwrap();
        let node = "oam.example.com/node-1".parse().unwrap();
        let (mut edge, mut bundle) = (Edge::new(), Bundle::new());
        let mut log = Self { files: BTreeMap::new(), bytes: 0, entries };
        let mut line = Vec::new();
        for seq in 0..entries {
            line.clear();
            event(seq, &edge).stamp(seq, time, &node, &mut line);
            log.bytes += line.len() as u64;
            bundle.push(&line).unwrap();
            let full = edge.append(TreeHash::leaf(&line));
            if bundle.len() == WIDTH {
                log.put(Tile::full(TileKind::Entries, seq / WIDTH), bundle.as_bytes());
                bundle = Bundle::new();
            }
            full.iter().for_each(|(tile, hashes)| log.put(*tile, &encode_hashes(hashes)));
        }
        if let Some(tile) = Tile::partial(TileKind::Entries, entries) {
            log.put(tile, bundle.as_bytes());
        }
        edge.partial().for_each(|(tile, hashes)| log.put(tile, &encode_hashes(hashes)));
        log.sign(&SignedCheckpoint::sign(entries, edge.frontier().root(), &key()));
        log
    }

    fn files(&self) -> Files<impl Fn(&str) -> io::Result<Bytes>> {
        let open = |path: &str| self.files.get(path).map(|bytes| Cursor::new(Arc::clone(bytes)));
        Files::new(move |path: &str| open(path).ok_or_else(|| io::ErrorKind::NotFound.into()))
    }

    /// That of its first entries.
    fn root(&self, size: u64) -> TreeHash {
        self.files().edge(size).unwrap().frontier().root()
    }

    fn sign(&mut self, checkpoint: &SignedCheckpoint) {
        self.files.insert("checkpoint".into(), checkpoint.to_string().as_bytes().into());
    }

    fn put(&mut self, tile: Tile, bytes: &[u8]) {
        self.files.insert(tile.to_string(), bytes.into());
    }

    fn verify(&self, threads: usize) -> Result<Report, VerifyError> {
        self.verify_by(&key(), &[], threads)
    }

    fn verify_by(&self, key: &SigningKey, kept: &[&str], threads: usize) -> Result<Report, VerifyError> {
        let open = |path: &str| match self.files.get(path) {
            Some(bytes) => Ok(Cursor::new(Arc::clone(bytes))),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let files = Files::new(open);
        let mut checkpoint = String::new();
        files.open("checkpoint").unwrap().read_to_string(&mut checkpoint).unwrap();
        verify_files(&files, Vec::new(), &checkpoint, kept, key.verifier(), threads)
    }
}

#[test]
fn logs_of_any_size_are_whole_from_their_tiles() {
    for size in [0, 1, 255, 256, 257, 511, 512, 1_500] {
        let log = Log::new(size);
        let reports: Vec<Report> = [1, 2, 5].map(|threads| log.verify(threads).unwrap()).into();
        assert_eq!((reports[0].entries, reports[0].beyond_checkpoint), (size, 0));
        assert!(reports.iter().all(|report| *report == reports[0]), "{size}");
    }
}

/// Every tile counts, and none may be missing.
#[test]
fn every_file_is_looked_at() {
    let whole = Log::new(600);
    for path in whole.files.keys().filter(|path| path.starts_with("tile/")) {
        let mut log = Log { files: whole.files.clone(), ..Log::new(0) };
        let mut bytes = log.files[path].to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        log.files.insert(path.clone(), bytes.into());
        assert!(log.verify(2).is_err(), "{path} edited");
        log.files.remove(path);
        assert!(log.verify(2).is_err(), "{path} removed");
    }
}

/// `cargo test --release -p oam-audit -- --ignored --nocapture a_million_in_tiles`
#[test]
#[ignore = "a measurement"]
fn a_million_in_tiles() {
    let log = Log::new(1_000_000);
    let start = Instant::now();
    let mut plain = Sha256::new();
    log.files.values().for_each(|bytes| plain.update(bytes));
    let hash = plain.finalize();
    let plain = start.elapsed();
    println!(
        "{} entries, {} MB; plain SHA-256 of all files {plain:?} ({hash:x?})",
        log.entries,
        log.bytes / 1_000_000
    );
    for threads in [1, 2] {
        let start = Instant::now();
        log.verify(threads).unwrap();
        let took = start.elapsed();
        println!("{threads} threads: {took:?}, {:.1} times plain", took.as_secs_f64() / plain.as_secs_f64());
    }
}
