use std::collections::BTreeSet;

use super::{Bench, people};
use crate::store::ArchiveError;

#[test]
fn old_generations_and_their_blobs_go() {
    let state = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(state.path());
    for count in 0..30 {
        bench.import(&people(20 + count)).unwrap();
    }
    let blobs = |bench: &Bench| bench.store.shelving.archive.as_ref().unwrap().blob_count();
    let infos = bench.store.history().list();
    let generations: Vec<u64> = infos.iter().map(|info| info.version.generation).collect();
    assert_eq!(generations, (23..=30).rev().collect::<Vec<_>>());
    assert!(matches!(bench.store.history().load(22), Err(ArchiveError::NotKept(22))));
    // Exactly what the kept generations consist of.
    let mut needed = BTreeSet::new();
    for info in &infos {
        let loaded = bench.store.history().load(info.version.generation).unwrap();
        assert_eq!(loaded.snapshot.version(), info.version);
        needed.extend(loaded.snapshot.shards().iter().map(|shard| shard.digest()));
    }
    let before = blobs(&bench);
    assert_eq!(before, needed.len() + 2, "shards, one table of groups, no revocations");
    drop(bench);
    let bench = Bench::open(state.path());
    assert_eq!(blobs(&bench), before, "nothing was left over, and nothing needed went");
    let recovery = super::files(&state.path().join("recovery"));
    assert_eq!(recovery.len(), 2, "one base and one journal: {recovery:?}");
}

#[test]
fn cutting_one_person_off_writes_little() {
    let state = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(state.path());
    bench.import(&people(50_000)).unwrap();
    let blobs = |bench: &Bench| bench.store.shelving.archive.as_ref().unwrap().blob_count();
    let base = state.path().join(format!("recovery/base-{:020}", 1));
    let journal = state.path().join(format!("recovery/journal-{:020}", 1));
    let blobs_before = blobs(&bench);
    bench.revoke("user-49999").unwrap();
    assert_eq!(blobs(&bench) - blobs_before, 1, "the revocations, and none of the shards");
    let record = journal.metadata().unwrap().len();
    assert!((1..1024).contains(&record), "one record: {record} bytes");
    assert_eq!(super::files(&state.path().join("recovery")), [base, journal], "no other base");
    assert!(!bench.is_active("user-49999"));
    let newest = bench.snapshot().version();
    drop(bench);
    assert_eq!(Bench::open(state.path()).snapshot().version(), newest);
}

#[test]
fn a_long_journal_is_ended_by_a_base() {
    let state = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(state.path());
    bench.store.recovery.set_max_records(3);
    bench.import(&people(5)).unwrap();
    for _ in 0..4 {
        bench.revoke("user-1").unwrap();
        bench.lift("user-1").unwrap();
    }
    let names: Vec<_> = super::files(&state.path().join("recovery"))
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, [format!("base-{:020}", 9), format!("journal-{:020}", 9)]);
    drop(bench);
    std::fs::remove_dir_all(state.path().join("store")).unwrap();
    let bench = Bench::open(state.path());
    assert_eq!(bench.snapshot().version().generation, 9);
}

/// Nobody who changes something waits for it, and nobody who looks misses anything.
#[test]
fn what_waits_to_be_shelved_can_be_looked_at_and_gone_back_to() {
    let state = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(state.path());
    bench.import(&people(20)).unwrap();
    bench.shelves = false;
    let mut versions = vec![bench.snapshot().version()];
    let history = bench.store.history();
    for number in 1..20 {
        bench.revoke(&format!("user-{number}")).unwrap();
        versions.push(bench.snapshot().version());
        let listed: Vec<_> = history.list().iter().rev().map(|info| info.version).collect();
        assert_eq!(listed, versions);
        let loaded = history.load(versions[number / 2].generation).unwrap();
        assert_eq!(loaded.snapshot.version(), versions[number / 2]);
        assert_eq!(bench.store.is_to_be_shelved(), number >= 16, "{number} wait");
    }
    assert!(bench.store.is_behind());
    let stored = || bench.store.shelving.archive.as_ref().unwrap().shelf().infos().len();
    assert_eq!(stored(), 1);
    bench.store.shelve();
    assert!(!bench.store.is_behind() && !bench.store.is_to_be_shelved());
    // As many as are kept.
    let listed: Vec<_> = history.list().iter().rev().map(|info| info.version).collect();
    assert_eq!(listed, versions[12..]);
    for version in &listed {
        assert_eq!(history.load(version.generation).unwrap().snapshot.version(), *version);
    }
    // So much at once need not wait in memory.
    bench.import(&people(30)).unwrap();
    assert!(bench.store.is_to_be_shelved());
    let newest = bench.snapshot().version();
    drop(bench);
    let bench = Bench::open(state.path());
    assert_eq!((bench.snapshot().version(), bench.report), (newest, super::OpenReport::default()));
}
