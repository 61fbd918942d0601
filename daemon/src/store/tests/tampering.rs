//! Content that sled finds in order, and that is not what was stored.

use std::path::Path;

use super::{Bench, OpenReport, people, quick_folder};

/// Changes what lies in a sled that is not in use, and expects that the next start notices and heals it.
fn expect_noticed(what: &str, tamper: impl FnOnce(&sled::Db)) {
    let state = quick_folder();
    let mut bench = Bench::open(state.path());
    bench.import(&people(30)).unwrap();
    bench.revoke("user-1").unwrap();
    bench.revoke("user-2").unwrap();
    let newest = bench.snapshot().version();
    drop(bench);
    change(state.path(), tamper);
    let bench = Bench::open(state.path());
    assert_eq!(bench.snapshot().version(), newest, "{what}");
    assert_eq!(bench.report.healed.iter().map(|healed| healed.what).collect::<Vec<_>>(), ["store"], "{what}");
    drop(bench);
    assert_eq!(Bench::open(state.path()).report, OpenReport::default(), "{what}");
}

fn change(state: &Path, tamper: impl FnOnce(&sled::Db)) {
    let db = open_when_free(&state.join("store"));
    tamper(&db);
    db.flush().unwrap();
}

/// sled lets go of its lock a little after the last handle is dropped.
fn open_when_free(store: &Path) -> sled::Db {
    let open = || sled::Config::new().path(store).flush_every_ms(None).open();
    for _ in 0..500 {
        if let Ok(db) = open() {
            return db;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    open().unwrap()
}

/// The pairs of one kind, ascending by key.
fn pairs(db: &sled::Db, kind: u8) -> Vec<(sled::IVec, sled::IVec)> {
    db.scan_prefix([kind]).map(Result::unwrap).collect()
}

#[test]
fn a_shard_in_the_place_of_another() {
    expect_noticed("shards", |db| {
        let shards = pairs(db, b's');
        let (first, second) = (&shards[0], &shards[1]);
        db.insert(&first.0, &second.1).unwrap();
    });
}

#[test]
fn older_revocations_in_the_place_of_the_newest() {
    expect_noticed("revocations", |db| {
        let revocations = pairs(db, b'r');
        assert_eq!(revocations.len(), 3);
        for (key, _) in &revocations {
            // The shortest of them: nobody is cut off.
            let none = revocations.iter().map(|(_, bytes)| bytes).min_by_key(|bytes| bytes.len()).unwrap();
            db.insert(key, none).unwrap();
        }
    });
}

#[test]
fn a_missing_blob() {
    for kind in [b's', b'g', b'r'] {
        expect_noticed("a blob", |db| {
            for (key, _) in pairs(db, kind) {
                db.remove(key).unwrap();
            }
        });
    }
}

#[test]
fn an_older_manifest_in_the_place_of_the_newest() {
    expect_noticed("manifests", |db| {
        let manifests = pairs(db, b'm');
        db.insert(&manifests[2].0, &manifests[0].1).unwrap();
    });
    expect_noticed("the newest manifest", |db| {
        let manifests = pairs(db, b'm');
        db.remove(&manifests[2].0).unwrap();
    });
}

#[test]
fn another_author_in_the_history() {
    expect_noticed("the actor", |db| {
        let (key, bytes) = pairs(db, b'm').pop().unwrap();
        db.insert(key, replaced(&bytes, b"tester", b"nobody")).unwrap();
    });
}

#[test]
fn another_detail_of_a_user() {
    expect_noticed("an e-mail address", |db| {
        let shards = pairs(db, b's');
        let (key, bytes) = &shards[0];
        db.insert(key, replaced(bytes, b"@example.com", b"@example.org")).unwrap();
    });
}

/// Bytes in which one word has become another of the same length.
fn replaced(bytes: &[u8], word: &[u8], other: &[u8]) -> Vec<u8> {
    let at = bytes.windows(word.len()).position(|window| window == word).unwrap();
    [&bytes[..at], other, &bytes[at + word.len()..]].concat()
}

#[test]
fn a_job_that_panics_or_hangs_reaches_nobody() {
    use crate::store::guarded::{Fault, guarded_within};
    let second = std::time::Duration::from_secs(1);
    let panicked = guarded_within(second, || -> u8 { panic!("corrupt\npage") });
    assert!(matches!(panicked, Err(Fault::Panicked(message)) if message == "corrupt"));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let hung = guarded_within(second / 20, move || held.recv());
    assert!(matches!(hung, Err(Fault::Hung(_))));
    drop(release);
    assert!(matches!(guarded_within(second, || 7), Ok(7)));
}
