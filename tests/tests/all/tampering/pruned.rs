//! Old entries that are gone, or compressed: as the log says, and otherwise.

use oam_audit::entry::{EntriesPruned, KeyRotated, PrunedRotation};

use super::{keys::rotated, *};

/// Where the entry stands that allows the first bundle to be gone.
const TOLD: usize = 600;

fn announcement(before: u64) -> Vec<u8> {
    announcing(before, vec![])
}

fn announcing(before: u64, rotations: Vec<PrunedRotation>) -> Vec<u8> {
    let event = Event::EntriesPruned(EntriesPruned {
        before,
        keep: "7y".into(),
        older_than: "2026-11-23T17:21:14.000000Z".parse().unwrap(),
        rotations,
    });
    let time = "2026-11-23T17:21:14.000000Z".parse().unwrap();
    Entry::new(TOLD as u64, time, "test-node".parse().unwrap(), event).encode().unwrap()
}

fn gzip(log: &Forged, index: u64) -> PathBuf {
    Command::new("gzip").arg(log.tile(TileKind::Entries, index)).run().expect_success("gzip");
    log.folder.join(format!("tile/entries/{index:03}.gz"))
}

fn remove(log: &Forged, index: u64) {
    fs::remove_file(log.tile(TileKind::Entries, index)).unwrap();
}

/// What is in order.
const WHOLE: [(&str, Tamper); 4] = [
    ("announced, and still there", |_| ()),
    ("announced, and gone", |log| remove(log, 0)),
    ("compressed", |log| drop(gzip(log, 1))),
    ("gone, and the next compressed", |log| {
        remove(log, 0);
        gzip(log, 1);
    }),
];

/// What is not.
const CASES: [(&str, Tamper); 8] = [
    ("more is gone than was announced", |log| [0, 1].iter().for_each(|index| remove(log, *index))),
    ("another is gone", |log| remove(log, 1)),
    ("gone, and not announced", |log| {
        log.rebuild(|entries| entries[TOLD] = entry(TOLD as u64));
        log.sign(1);
        remove(log, 0);
    }),
    ("announced by an entry that nobody has signed", |log| {
        let mut entries = log.entries.clone();
        log.rebuild(|entries| entries.truncate(TOLD));
        log.sign(1);
        remove(log, 0);
        std::mem::swap(&mut log.entries, &mut entries);
        log.write_journal();
    }),
    ("announced of what comes later", |log| {
        log.rebuild(|entries| entries[TOLD] = announcement(768));
        log.sign(1);
        remove(log, 0);
    }),
    ("a hash of what is gone edited", |log| {
        remove(log, 0);
        log.edit(&log.tile(LEAVES, 0), |bytes| bytes[99] ^= 4);
    }),
    ("compressed, and a byte edited", |log| {
        let path = gzip(log, 1);
        log.edit(&path, |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        });
    }),
    ("other entries compressed in their place", |log| {
        log.bundle(1, |entries| reword(&mut entries[3]));
        gzip(log, 1);
    }),
];

#[test]
fn what_is_gone_must_have_been_announced() {
    let scene = tempfile::tempdir().unwrap();
    let mut entries: Vec<Vec<u8>> = (0..700).map(entry).collect();
    entries[TOLD] = announcement(256);
    let trusted = key(1).verifier().to_string();
    let cases = WHOLE.iter().map(|case| (case, 0)).chain(CASES.iter().map(|case| (case, 1)));
    for (number, ((what, tamper), code)) in cases.enumerate() {
        let folder = scene.path().join(number.to_string());
        for part in ["tile", "journal"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let mut log = Forged { folder, entries: entries.clone(), kept: scene.path().join("kept") };
        log.rebuild(|_| ());
        log.sign(1);
        // From the middle of what will be gone: it is compared all the same.
        log.kept_at(100);
        tamper(&mut log);
        let mut oam = Command::new(binaries::path("oam"));
        oam.args(["audit", "verify", "--key", &trusted, "--dir"]).arg(&log.folder);
        let ours = oam.arg("--checkpoint").arg(&log.kept).run();
        assert_eq!(ours.code, code, "{what}: {ours:?}");
        let theirs = independent::verify_log(&log.folder, &trusted, Some(&log.kept));
        assert!(theirs.is_none_or(|theirs| theirs.code == code), "{what}: theirs");
        if *what == "announced, and gone" {
            let text = ours.stdout_text();
            assert!(text.contains("the first 256 entries are gone") && text.contains("entry 600"), "{text}");
        }
    }
}

/// Where the key was rotated, among what is gone.
const ROTATED: usize = 100;

/// Who kept the first key follows a rotation that is gone by what the announcement says of it, and by nothing less.
#[test]
fn a_rotation_that_is_gone_must_have_been_carried_on() {
    let scene = tempfile::tempdir().unwrap();
    let mut entries: Vec<Vec<u8>> = (0..700).map(entry).collect();
    entries[ROTATED] = rotated(&entries[..ROTATED], &key(1), &key(2));
    let Event::KeyRotated(rotation) = Entry::decode(&entries[ROTATED]).unwrap().event else { panic!() };
    let forged = KeyRotated { previous: key(4).verifier().to_string(), ..rotation.clone() };
    let carried = |rotation: KeyRotated| vec![PrunedRotation { seq: ROTATED as u64, rotation }];
    let moved = vec![PrunedRotation { seq: 101, rotation: rotation.clone() }];
    let trusted = key(1).verifier().to_string();
    for (number, (what, rotations, code)) in [
        ("as it was", carried(rotation), 0),
        ("left out", vec![], 1),
        ("by a stranger", carried(forged), 1),
        ("in another place", moved, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = scene.path().join(number.to_string());
        for part in ["tile", "journal"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let mut log = Forged { folder, entries: entries.clone(), kept: scene.path().join("kept") };
        log.rebuild(|entries| entries[TOLD] = announcing(256, rotations));
        log.sign(2);
        remove(&log, 0);
        let mut oam = Command::new(binaries::path("oam"));
        oam.args(["audit", "verify", "--key", &trusted, "--dir"]).arg(&log.folder);
        let ours = oam.run();
        assert_eq!(ours.code, code, "{what}: {ours:?}");
        let theirs = independent::verify_log(&log.folder, &trusted, None);
        assert!(theirs.is_none_or(|theirs| theirs.code == code), "{what}: theirs");
    }
}
