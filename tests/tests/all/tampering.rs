//! Every way to change a log that somebody may think of, each seen by our verifier, and by one that is not ours as far
//! as that one looks: it knows tiles, hashes and signatures, and neither our entries nor our journal.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oam_audit::{
    checkpoint::SignedCheckpoint,
    entry::{AdminDenied, Entry, Event},
    keys::SigningKey,
    merkle::{Frontier, TreeHash},
    tile::{Bundle, Edge, Tile, TileKind, encode_hashes},
};
use oam_tests::{Daemon, Run, audit, binaries, independent};

mod keys;
mod pruned;

/// How many entries the log of the former version has.
const FORMER: u64 = 700;
/// Of which entry on the journal still tells.
const JOURNAL: u64 = 500;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("test-node".parse().unwrap(), &[seed; 32])
}

fn entry(seq: u64) -> Vec<u8> {
    let event = Event::AdminDenied(AdminDenied { actor: format!("actor-{seq}"), call: "x".into(), times: 1 });
    let time = "2026-11-23T17:21:14.000000Z".parse().unwrap();
    Entry::new(seq, time, "test-node".parse().unwrap(), event).encode().unwrap()
}

/// A log in one file, as daemons kept it before there were tiles.
fn write_former(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let entries: Vec<Vec<u8>> = (0..FORMER).map(entry).collect();
    let lines: Vec<u8> = entries.iter().flat_map(|entry| [entry, &b"\n"[..]].concat()).collect();
    fs::write(folder.join("entries.jsonl"), lines).unwrap();
    fs::write(folder.join("checkpoint"), sign(&entries, &key(1))).unwrap();
    fs::write(folder.join("checkpoint.pub"), format!("{}\n", key(1).verifier())).unwrap();
    let secret = folder.join("checkpoint.key");
    fs::write(&secret, key(1).expose_secret_text()).unwrap();
    fs::set_permissions(secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn sign(entries: &[Vec<u8>], key: &SigningKey) -> String {
    let mut tree = Frontier::new();
    tree.extend(entries.iter().map(|entry| TreeHash::leaf(entry)));
    SignedCheckpoint::sign(tree.size(), tree.root(), key).to_string()
}

/// The folder of a log in the hands of a forger, who knows all of this program, and what an auditor has kept elsewhere.
struct Forged {
    folder: PathBuf,
    entries: Vec<Vec<u8>>,
    /// The checkpoint that the auditor kept.
    kept: PathBuf,
}

impl Forged {
    fn path(&self, tile: Tile) -> PathBuf {
        self.folder.join(tile.to_string())
    }

    /// The full tile, or the one that is not full in its place.
    fn tile(&self, kind: TileKind, index: u64) -> PathBuf {
        let size = self.entries.len() as u64;
        let partial = Tile::partial(kind, size).filter(|tile| tile.index == index);
        self.path(partial.unwrap_or_else(|| Tile::full(kind, index)))
    }

    fn edit(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
        assert!(path.starts_with(&self.folder), "a file of this log");
        let mut bytes = fs::read(path).unwrap();
        let before = bytes.clone();
        edit(&mut bytes);
        assert_ne!(before, bytes, "something is changed");
        fs::write(path, bytes).unwrap();
    }

    /// Changes the entries of one bundle, and nothing else.
    fn bundle(&self, index: u64, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
        self.edit(&self.tile(TileKind::Entries, index), |bytes| {
            let mut entries: Vec<Vec<u8>> =
                Bundle::decode(bytes.clone()).unwrap().entries().map(<[u8]>::to_vec).collect();
            edit(&mut entries);
            *bytes = entries.iter().flat_map(|entry| prefixed(entry)).collect();
        });
    }

    fn hash(&self, kind: TileKind, index: u64, at: usize, hash: TreeHash) {
        self.edit(&self.tile(kind, index), |bytes| bytes[at * 32..][..32].copy_from_slice(hash.as_bytes()));
    }

    /// Makes everything but the checkpoint say these entries.
    fn rebuild(&mut self, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
        edit(&mut self.entries);
        fs::remove_dir_all(self.folder.join("tile")).unwrap();
        let mut edge = Edge::new();
        let write = |tile: Tile, bytes: &[u8]| {
            let path = self.folder.join(tile.to_string());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        for (index, bundle) in (0..).zip(self.entries.chunks(256)) {
            for (tile, hashes) in bundle.iter().flat_map(|entry| edge.append(TreeHash::leaf(entry))) {
                write(tile, &encode_hashes(&hashes));
            }
            let bytes: Vec<u8> = bundle.iter().flat_map(|entry| prefixed(entry)).collect();
            write(Tile { kind: TileKind::Entries, index, width: bundle.len() as u64 }, &bytes);
        }
        edge.partial().for_each(|(tile, hashes)| write(tile, &encode_hashes(hashes)));
        self.write_journal();
    }

    fn write_journal(&self) {
        fs::remove_dir_all(self.folder.join("journal")).unwrap();
        fs::create_dir(self.folder.join("journal")).unwrap();
        let first = JOURNAL.min(self.entries.len() as u64);
        let tail = &self.entries[usize::try_from(first).unwrap()..];
        let lines: Vec<u8> = tail.iter().flat_map(|entry| [entry, &b"\n"[..]].concat()).collect();
        fs::write(self.folder.join(format!("journal/{first:020}.jsonl")), lines).unwrap();
    }

    fn renumber(&mut self) {
        self.rebuild(|entries| {
            for (seq, line) in (0..).zip(entries) {
                let Entry { time, node, event, .. } = Entry::decode(line).unwrap();
                *line = Entry::new(seq, time, node, event).encode().unwrap();
            }
        });
    }

    fn sign(&self, seed: u8) {
        fs::write(self.folder.join("checkpoint"), sign(&self.entries, &key(seed))).unwrap();
    }

    /// What an auditor kept who came by at this size.
    fn kept_at(&self, size: usize) {
        fs::write(&self.kept, sign(&self.entries[..size], &key(1))).unwrap();
    }

    fn journal(&self) -> PathBuf {
        audit::newest_segment(&self.folder)
    }
}

fn prefixed(entry: &[u8]) -> Vec<u8> {
    [&u16::try_from(entry.len()).unwrap().to_be_bytes()[..], entry].concat()
}

fn reword(entry: &mut Vec<u8>) {
    let text = String::from_utf8(entry.clone()).unwrap();
    *entry = text.replacen("actor", "octar", 1).into_bytes();
}

/// One way to tamper, and whether the verifier that is not ours looks there.
type Case = (&'static str, Tamper, bool);

/// What a forger does.
type Tamper = fn(&mut Forged);

const LEAVES: TileKind = TileKind::Hashes(0);
const ABOVE: TileKind = TileKind::Hashes(1);

const CASES: [Case; 36] = [
    ("an entry edited", |log| log.bundle(0, |entries| reword(&mut entries[7])), true),
    ("the last entry edited", |log| log.bundle(2, |entries| *entries.last_mut().unwrap() = entry(9)), true),
    ("an entry made empty", |log| log.bundle(1, |entries| entries[3].clear()), true),
    ("an entry deleted", |log| log.bundle(1, |entries| drop(entries.remove(3))), true),
    ("an entry repeated", |log| log.bundle(1, |entries| entries[4] = entries[3].clone()), true),
    ("two entries swapped", |log| log.bundle(1, |entries| entries.swap(3, 4)), true),
    ("entries reversed", |log| log.bundle(0, |entries| entries.reverse()), true),
    ("an entry added to a full bundle", |log| log.bundle(0, |entries| entries.push(entry(1))), true),
    (
        "a bundle cut off by a byte",
        |log| log.edit(&log.tile(TileKind::Entries, 1), |bytes| bytes.truncate(bytes.len() - 1)),
        true,
    ),
    ("a bundle made empty", |log| log.edit(&log.tile(TileKind::Entries, 1), Vec::clear), true),
    ("a bundle removed", |log| fs::remove_file(log.tile(TileKind::Entries, 1)).unwrap(), true),
    ("the last bundle removed", |log| fs::remove_file(log.tile(TileKind::Entries, 2)).unwrap(), true),
    (
        "two bundles swapped",
        |log| {
            let [a, b] = [0, 1].map(|index| fs::read(log.tile(TileKind::Entries, index)).unwrap());
            fs::write(log.tile(TileKind::Entries, 0), b).unwrap();
            fs::write(log.tile(TileKind::Entries, 1), a).unwrap();
        },
        true,
    ),
    ("a bit of a hash flipped", |log| log.edit(&log.tile(LEAVES, 0), |bytes| bytes[99] ^= 4), true),
    (
        "a bit of a hash in the last tile flipped",
        |log| log.edit(&log.tile(LEAVES, 2), |bytes| bytes[99] ^= 4),
        true,
    ),
    ("a bit of a hash above flipped", |log| log.edit(&log.tile(ABOVE, 0), |bytes| bytes[9] ^= 4), true),
    ("a tile of hashes cut off", |log| log.edit(&log.tile(LEAVES, 1), |bytes| bytes.truncate(8160)), true),
    ("a tile of hashes removed", |log| fs::remove_file(log.tile(LEAVES, 1)).unwrap(), true),
    ("the last tile of hashes removed", |log| fs::remove_file(log.tile(LEAVES, 2)).unwrap(), true),
    ("the tile of hashes above removed", |log| fs::remove_file(log.tile(ABOVE, 0)).unwrap(), true),
    (
        "an entry and its hash edited",
        |log| {
            let mut other = entry(260);
            reword(&mut other);
            log.hash(LEAVES, 1, 4, TreeHash::leaf(&other));
            log.bundle(1, |entries| entries[4] = other);
        },
        true,
    ),
    (
        "an entry edited wherever it stands, and all hashes",
        |log| log.rebuild(|entries| reword(&mut entries[7])),
        true,
    ),
    (
        "that, signed with the stolen key",
        |log| {
            log.kept_at(700);
            log.rebuild(|entries| reword(&mut entries[7]));
            log.sign(1);
        },
        true,
    ),
    (
        "that, signed with a new key of the same name",
        |log| {
            log.rebuild(|entries| reword(&mut entries[7]));
            log.sign(2);
            fs::write(log.folder.join("checkpoint.pub"), key(2).verifier().to_string()).unwrap();
        },
        true,
    ),
    (
        "an entry deleted, the rest renumbered, signed with the stolen key",
        |log| {
            log.kept_at(300);
            log.rebuild(|entries| drop(entries.remove(3)));
            log.renumber();
            log.sign(1);
        },
        true,
    ),
    (
        "an entry inserted, the rest renumbered, signed with the stolen key",
        |log| {
            log.kept_at(300);
            log.rebuild(|entries| entries.insert(3, entry(3)));
            log.renumber();
            log.sign(1);
        },
        true,
    ),
    (
        "two entries exchanged for each other, renumbered, signed with the stolen key",
        |log| {
            log.kept_at(300);
            log.rebuild(|entries| entries.swap(3, 4));
            log.renumber();
            log.sign(1);
        },
        true,
    ),
    (
        "a fork of the same size, signed with the stolen key",
        |log| {
            log.kept_at(log.entries.len());
            log.rebuild(|entries| reword(&mut entries[650]));
            log.sign(1);
        },
        true,
    ),
    (
        "put back to an older state, checkpoint and all",
        |log| {
            log.kept_at(log.entries.len());
            log.rebuild(|entries| entries.truncate(600));
            log.sign(1);
        },
        true,
    ),
    ("cut off behind the checkpoint's back", |log| log.rebuild(|entries| entries.truncate(690)), true),
    (
        "the size in the checkpoint edited",
        |log| log.edit(&log.folder.join("checkpoint"), |bytes| bytes[10] ^= 1),
        true,
    ),
    (
        "the checkpoint of another log",
        |log| {
            let other = SigningKey::from_seed("other-node".parse().unwrap(), &[1; 32]);
            fs::write(log.folder.join("checkpoint"), sign(&log.entries, &other)).unwrap();
        },
        true,
    ),
    ("the journal edited", |log| log.edit(&log.journal(), |bytes| bytes[200] ^= 1), false),
    (
        "the journal begins later",
        |log| fs::rename(log.journal(), log.folder.join(format!("journal/{:020}.jsonl", 600))).unwrap(),
        false,
    ),
    (
        "an entry in other than its one form, signed with the stolen key",
        |log| {
            log.kept_at(300);
            log.rebuild(|entries| entries[400].insert(1, b' '));
            log.sign(1);
        },
        false,
    ),
    (
        "an entry that says another number, signed with the stolen key",
        |log| {
            log.kept_at(300);
            log.rebuild(|entries| entries[400] = entry(401));
            log.sign(1);
        },
        false,
    ),
];

#[test]
fn whatever_is_tampered_with_is_seen() {
    let mut daemon = Daemon::start();
    daemon.stop();
    let folder = daemon.state().join("audit");
    fs::remove_dir_all(&folder).unwrap();
    write_former(&folder);
    daemon.spawn();
    // It serves, so it has heard of signals too.
    assert!(daemon.oam(["status"]).stdout_text().contains("test-node"));
    daemon.stop();
    let log = audit::AuditLog::verified(&folder);
    assert!(log.entries.len() as u64 > FORMER, "it goes on where the former one ended");
    let entries: Vec<Vec<u8>> = log.entries.iter().map(|entry| entry.encode().unwrap()).collect();
    assert_eq!(entries[..700], (0..FORMER).map(entry).collect::<Vec<_>>(), "entry by entry");

    let base = daemon.folder().join("base");
    fs::rename(&folder, &base).unwrap();
    let trusted = key(1).verifier().to_string();
    let kept = daemon.folder().join("kept");
    let forged = |name: &str| Forged {
        folder: daemon.folder().join(name),
        entries: entries.clone(),
        kept: kept.clone(),
    };
    // As after some weeks: the journal has let go of what was first.
    Forged { folder: base.clone(), ..forged("") }.write_journal();

    let judged = |log: &Forged| {
        let mut oam = Command::new(binaries::path("oam"));
        oam.args(["audit", "verify", "--key", &trusted, "--dir"]).arg(&log.folder);
        oam.arg("--checkpoint").arg(&log.kept);
        (oam.run(), independent::verify_log(&log.folder, &trusted, Some(&log.kept)))
    };
    for (number, (what, tamper, looks)) in CASES.into_iter().enumerate() {
        let mut log = forged(&number.to_string());
        log.kept_at(700);
        Command::new("cp").arg("-a").arg(&base).arg(&log.folder).run().expect_success("cp");
        let (ours, theirs) = judged(&log);
        assert!(ours.success(), "whole before: {ours:?}");
        assert!(theirs.is_none_or(|theirs| theirs.success()), "whole before");

        tamper(&mut log);
        let (ours, theirs) = judged(&log);
        assert_eq!(ours.code, 1, "{what}: {ours:?}");
        assert!(ours.stdout_text().contains("not in order"), "{what}: {ours:?}");
        if let Some(theirs) = theirs {
            assert_eq!(theirs.code, i32::from(looks), "{what}: {theirs:?}\n{ours:?}");
        }
        fs::remove_dir_all(&log.folder).unwrap();
    }
}
