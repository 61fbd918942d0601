//! A whole log: its size, verifying it, starting on it, and how it grows.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use oam_audit::{
    files::{CHECKPOINT, Files, JOURNAL, Segment, VERIFIER},
    keys::VerifierKey,
    verify::{Report, verify_files},
};
use oam_daemon::audit_log::{AuditLog, Batch};
use sha2::{Digest as _, Sha256};

use crate::{entry, memory};

/// How many entries are appended at once here.
const BATCH: u64 = 500;

fn open(folder: &Path) -> AuditLog {
    AuditLog::open(folder, &"bench".parse().unwrap()).unwrap().0
}

async fn append(log: &AuditLog, from: u64, entries: u64) -> Duration {
    let mut took = Duration::ZERO;
    for first in (from..from + entries).step_by(BATCH as usize) {
        let batch: Batch = entry::batches(log, first, BATCH);
        let start = Instant::now();
        log.append(batch).await.unwrap();
        took += start.elapsed();
    }
    took
}

/// Writes a log of so many entries, and verifies it.
pub(crate) async fn run(entries: u64) {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    append(&log, 0, entries).await;
    log.close().await;
    let (tiles, journal) = (bytes(&folder.path().join("tile")), bytes(&folder.path().join(JOURNAL)));
    println!("\n{entries} entries of ordinary pushes");
    println!(
        "  size: {} bytes an entry in tiles ({} MiB in all, of which hashes {} bytes an entry); the journal {} MiB",
        tiles / entries,
        tiles >> 20,
        (tiles - bytes(&folder.path().join("tile/entries"))) / entries,
        journal >> 20
    );
    let start = Instant::now();
    hash_all(&folder.path().join("tile"));
    let plain = start.elapsed();
    println!("  SHA-256 of all files, one thread: {plain:.2?}");
    for threads in [1, thread::available_parallelism().map_or(1, usize::from)] {
        memory::forget_peak();
        let (before, start) = (memory::resident(), Instant::now());
        let report = verify(folder.path(), threads);
        let took = start.elapsed();
        assert_eq!(report.entries, entries);
        println!(
            "  verified by {threads} thread(s): {took:.2?}, {:.1} × plain; memory {} MiB, {before} MiB of it before",
            took.as_secs_f64() / plain.as_secs_f64(),
            memory::peak(),
        );
    }
}

/// Writes ten times a tenth of so many entries, and starts on them each time.
pub(crate) async fn growth(entries: u64) {
    let folder = tempfile::tempdir().unwrap();
    let round = entries / 10;
    println!("\ngrowing to {entries} entries: for each of ten rounds");
    println!("      entries   appended in   an entry   sealed after   start   one of them read   memory");
    for n in 0..10 {
        let log = open(folder.path());
        let appended = append(&log, n * round, round).await;
        let memory = memory::resident();
        let start = Instant::now();
        log.close().await;
        let sealed = start.elapsed();
        let start = Instant::now();
        let log = open(folder.path());
        let started = start.elapsed();
        let start = Instant::now();
        assert_eq!(log.entries(n * round / 2).unwrap().take(1).count(), 1);
        let read = start.elapsed();
        assert_eq!(log.size(), (n + 1) * round);
        log.close().await;
        println!(
            "  {:>11} {appended:>13.2?} {:>7.1} µs {sealed:>14.2?} {started:>7.1?} {read:>18.1?} {memory:>4} MiB",
            (n + 1) * round,
            appended.as_secs_f64() * 1e6 / round as f64,
        );
    }
    println!("  {} MiB on the disk", bytes(folder.path()) >> 20);
}

fn verify(folder: &Path, threads: usize) -> Report {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let key: VerifierKey = read(VERIFIER).trim().parse().unwrap();
    let names = fs::read_dir(folder.join(JOURNAL)).unwrap().map(|file| file.unwrap().file_name());
    let mut segments: Vec<_> = names.map(|name| Segment::named(name.to_str().unwrap()).unwrap()).collect();
    segments.sort();
    let files = Files::new(|path: &str| File::open(folder.join(path)));
    let journal = segments.iter().map(|one| (*one, files.open(&one.to_string()).unwrap())).collect();
    verify_files(&files, journal, &read(CHECKPOINT), &[], &key, threads).unwrap()
}

fn walk(folder: &Path, each: &mut impl FnMut(&Path)) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() { walk(&path, each) } else { each(&path) }
    }
}

fn bytes(folder: &Path) -> u64 {
    let mut sum = 0;
    walk(folder, &mut |path| sum += path.metadata().unwrap().len());
    sum
}

fn hash_all(folder: &Path) {
    let (mut hash, mut buffer) = (Sha256::new(), Vec::new());
    walk(folder, &mut |path| {
        buffer.clear();
        File::open(path).unwrap().read_to_end(&mut buffer).unwrap();
        hash.update(&buffer);
    });
    std::hint::black_box(hash.finalize());
}
