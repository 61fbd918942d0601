//! Logs whose key was rotated, and those that only say so.

use super::*;

/// A rotation: where it stands, the old key, the new one.
type Rotation = (u64, u8, u8);

fn rotated(before: &Checkpoint, (_, from, to): Rotation) -> KeyRotated {
    KeyRotated::new(&key_of(from), &key_of(to), before, "uid 0".into(), "every year".into())
}

/// A log with these rotations, signed with the last key; `edit` changes each before it is written.
fn log(entries: u64, rotations: &[Rotation], edit: impl Fn(&mut KeyRotated)) -> Log {
    let mut log = Log::of(entries, |seq, edge| {
        let Some(rotation) = rotations.iter().find(|rotation| rotation.0 == seq) else { return event(seq) };
        let before = Checkpoint {
            origin: "oam.example.com/node-1".parse().unwrap(),
            size: seq,
            root: edge.frontier().root(),
        };
        let mut rotated = rotated(&before, *rotation);
        edit(&mut rotated);
        EncodedEvent::new(&Event::KeyRotated(rotated)).unwrap()
    });
    let newest = rotations.last().map_or(1, |rotation| rotation.2);
    log.sign(&SignedCheckpoint::sign(entries, log.root(entries), &key_of(newest)));
    log
}

fn signed(log: &Log, size: u64, seed: u8) -> String {
    SignedCheckpoint::sign(size, log.root(size), &key_of(seed)).to_string()
}

fn say(result: Result<Report, VerifyError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn keys_follow_each_other_as_the_log_says() {
    let log = log(768, &[(0, 1, 2), (300, 2, 3), (600, 3, 4)], |_| ());
    for trusted in 1..=4 {
        for threads in [1, 3] {
            let report = log.verify_by(&key_of(trusted), &[], threads).unwrap();
            let keys: Vec<_> = report.keys.iter().map(|one| (one.from, one.key.clone())).collect();
            let key = |seed| key_of(seed).verifier().clone();
            assert_eq!(keys, [(0, key(1)), (1, key(2)), (301, key(3)), (601, key(4))]);
        }
    }
    assert!(say(log.verify_by(&key_of(5), &[], 1)).contains("none of the keys"));
    let kept = |size, seed| log.verify_by(&key_of(1), &[&signed(&log, size, seed)], 1);
    for (size, seed) in
        [(0, 1), (1, 1), (1, 2), (2, 2), (300, 2), (301, 2), (301, 3), (600, 3), (601, 4), (768, 4)]
    {
        kept(size, seed).unwrap_or_else(|error| panic!("{size} by {seed}: {error}"));
    }
    for (size, seed) in [(2, 1), (300, 1), (300, 3), (302, 2), (601, 2), (602, 3), (768, 3), (768, 5)] {
        assert!(say(kept(size, seed)).contains("not signed"), "{size} by {seed}");
    }
}

#[test]
fn a_rotation_beyond_the_checkpoint_is_not_in_force_yet() {
    let mut log = log(768, &[(600, 1, 2)], |_| ());
    log.sign(&SignedCheckpoint::parse(&signed(&log, 768, 1)).unwrap());
    assert!(say(log.verify(1)).contains("not signed"), "the old key signs no more");
}

#[test]
fn what_is_no_rotation_is_seen() {
    let refused = |rotations: &[Rotation], edit: fn(&mut KeyRotated)| {
        let newest = rotations.last().unwrap().2;
        let log = log(768, rotations, edit);
        let texts = [1, 2].map(|threads| say(log.verify_by(&key_of(newest), &[], threads)));
        assert_eq!(texts[0], texts[1]);
        texts[0].clone()
    };
    assert!(refused(&[(9, 1, 2), (20, 2, 1)], |_| ()).contains("was a key of this log before"));
    assert!(refused(&[(9, 1, 2), (20, 1, 3)], |_| ()).contains("is the key by then"), "a retired key speaks");
    assert!(refused(&[(9, 1, 2), (20, 4, 3)], |_| ()).contains("is the key by then"), "a stranger speaks");
    assert!(refused(&[(9, 1, 1)], |_| ()).contains("was a key of this log before"), "to itself");
    let stolen = |rotated: &mut KeyRotated| rotated.previous = key_of(7).verifier().to_string();
    assert!(refused(&[(9, 1, 2)], stolen).contains("entry 9"), "not the old key's word");
    let other = |rotated: &mut KeyRotated| rotated.next = key_of(7).verifier().to_string();
    assert!(refused(&[(9, 1, 2)], other).contains("entry 9"), "to another key");
    // The note of one rotation in the place of another.
    let whole = log(768, &[(9, 1, 2)], |_| ());
    let moved = rotated(
        &Checkpoint { origin: "oam.example.com/node-1".parse().unwrap(), size: 8, root: whole.root(8) },
        (8, 1, 2),
    );
    let log = log(768, &[(9, 1, 2)], |rotated| rotated.note.clone_from(&moved.note));
    assert!(say(log.verify_by(&key_of(2), &[], 1)).contains("another rotation"));
}
