//! What somebody may do who has a key of a log that has another one by now, or who says that they have.

use oam_audit::{checkpoint::Checkpoint, entry::KeyRotated};

use super::*;

/// Where the key of the honest log was rotated, from the first to the second.
const ROTATED: usize = 500;

pub(super) fn rotated(entries: &[Vec<u8>], from: &SigningKey, to: &SigningKey) -> Vec<u8> {
    let mut tree = Frontier::new();
    tree.extend(entries.iter().map(|entry| TreeHash::leaf(entry)));
    let before = Checkpoint { origin: "test-node".parse().unwrap(), size: tree.size(), root: tree.root() };
    let event = Event::KeyRotated(KeyRotated::new(from, to, &before, "uid 0".into(), "every year".into()));
    numbered(entries.len(), event)
}

fn numbered(seq: usize, event: Event) -> Vec<u8> {
    let time = "2026-11-23T17:21:14.000000Z".parse().unwrap();
    Entry::new(seq as u64, time, "test-node".parse().unwrap(), event).encode().unwrap()
}

/// Changes the rotation, and everything after it with it.
fn edit(entries: &mut [Vec<u8>], edit: impl FnOnce(&mut KeyRotated)) {
    let Event::KeyRotated(mut rotation) = Entry::decode(&entries[ROTATED]).unwrap().event else { panic!() };
    edit(&mut rotation);
    entries[ROTATED] = numbered(ROTATED, Event::KeyRotated(rotation));
}

const CASES: [(&str, Tamper); 9] = [
    ("the old key signs what came after it was given up", |log| log.sign(1)),
    ("a fork behind the rotation, signed with the old key", |log| {
        log.rebuild(|entries| reword(&mut entries[600]));
        log.sign(1);
    }),
    ("the rotation taken out, the rest renumbered, signed with the old key", |log| {
        log.kept_at(ROTATED);
        log.rebuild(|entries| drop(entries.remove(ROTATED)));
        log.renumber();
        log.sign(3);
    }),
    ("another key put into the rotation, and that one signs", |log| {
        log.kept_at(ROTATED);
        let mine = key(3).verifier().to_string();
        log.rebuild(|entries| edit(entries, |rotation| rotation.next = mine));
        log.sign(3);
    }),
    ("a rotation that the old key did not sign", |log| {
        log.kept_at(ROTATED);
        log.rebuild(|entries| {
            let forged = rotated(&entries[..ROTATED], &key(4), &key(3));
            let Event::KeyRotated(forged) = Entry::decode(&forged).unwrap().event else { panic!() };
            let old = key(1).verifier().to_string();
            edit(entries, |rotation| *rotation = KeyRotated { previous: old, ..forged });
        });
        log.sign(3);
    }),
    ("a stranger rotates", |log| {
        log.kept_at(ROTATED);
        log.rebuild(|entries| {
            entries.truncate(ROTATED);
            entries.push(rotated(entries, &key(4), &key(3)));
        });
        log.sign(3);
    }),
    ("the old key rotates once more, to one of the forger's", |log| {
        log.kept_at(600);
        log.rebuild(|entries| entries.push(rotated(entries, &key(1), &key(3))));
        log.sign(3);
    }),
    ("the key rotates back to the old one", |log| {
        log.kept_at(600);
        log.rebuild(|entries| entries.push(rotated(entries, &key(2), &key(1))));
        log.sign(1);
    }),
    ("the rotation moved to another place", |log| {
        log.kept_at(ROTATED);
        log.rebuild(|entries| {
            entries.truncate(ROTATED + 1);
            entries.insert(ROTATED, entry(ROTATED as u64));
        });
        log.renumber();
        log.sign(2);
    }),
];

#[test]
fn whatever_is_forged_of_keys_is_seen() {
    let scene = tempfile::tempdir().unwrap();
    let mut entries: Vec<Vec<u8>> = (0..ROTATED as u64).map(entry).collect();
    entries.push(rotated(&entries, &key(1), &key(2)));
    entries.extend((entries.len() as u64..700).map(entry));
    let kept = scene.path().join("kept");
    let [first, second] = [1, 2].map(|seed| key(seed).verifier().to_string());
    let judged = |log: &Forged, trusted: &str| {
        let mut oam = Command::new(binaries::path("oam"));
        oam.args(["audit", "verify", "--key", trusted, "--dir"]).arg(&log.folder);
        oam.arg("--checkpoint").arg(&log.kept);
        (oam.run(), independent::verify_log(&log.folder, trusted, Some(&log.kept)))
    };
    for (number, (what, tamper)) in CASES.into_iter().enumerate() {
        let folder = scene.path().join(number.to_string());
        for part in ["tile", "journal"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let mut log = Forged { folder, entries: entries.clone(), kept: kept.clone() };
        log.rebuild(|_| ());
        log.sign(2);
        log.kept_at(ROTATED);
        for trusted in [&first, &second] {
            let (ours, theirs) = judged(&log, trusted);
            assert!(ours.success(), "whole before: {ours:?}");
            assert!(theirs.is_none_or(|theirs| theirs.success()), "whole before");
        }
        tamper(&mut log);
        let (ours, theirs) = judged(&log, &first);
        assert_eq!(ours.code, 1, "{what}: {ours:?}");
        assert!(ours.stdout_text().contains("not in order"), "{what}: {ours:?}");
        assert!(theirs.is_none_or(|theirs| theirs.code == 1), "{what}: theirs");
    }
}
