use std::fs;

use oam_audit::{
    checkpoint::SignedCheckpoint,
    entry::{DaemonStarted, Entry, Event},
    keys::SigningKey,
    merkle::{Frontier, TreeHash},
    tile::{Bundle, Edge, encode_hashes},
};
use oam_cli::exit::Exit;

use super::{Daemon, Ended, Scene, oam};

const JOURNAL: &str = "journal/00000000000000000000.jsonl";

fn entry(seq: u64) -> Vec<u8> {
    let time: oam_audit::entry::Time = "2026-11-23T17:21:14.000250Z".parse().unwrap();
    let event = Event::DaemonStarted(DaemonStarted { version: "0.1.0".into(), log_size: seq });
    Entry::new(seq, time, "node-1".parse().unwrap(), event).encode().unwrap()
}

/// A log of three entries whose checkpoint signs the first two, as a daemon keeps it.
struct Log {
    folder: tempfile::TempDir,
    key: String,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed("node-1".parse().unwrap(), &[7; 32]);
        let mut tree = Frontier::new();
        [0, 1].into_iter().for_each(|seq| tree.append(TreeHash::leaf(&entry(seq))));
        let checkpoint = SignedCheckpoint::sign(2, tree.root(), &key).to_string();
        let log = Self { folder, key: key.verifier().to_string() };
        log.write(JOURNAL, &[0, 1, 2].map(|seq| [entry(seq), b"\n".to_vec()].concat()).concat());
        let mut edge = Edge::new();
        let mut bundle = Bundle::new();
        for entry in [entry(0), entry(1)] {
            edge.append(TreeHash::leaf(&entry));
            bundle.push(&entry).unwrap();
        }
        log.write("tile/entries/000.p/2", bundle.as_bytes());
        for (tile, hashes) in edge.partial() {
            log.write(&tile.to_string(), &encode_hashes(hashes));
        }
        log.write("checkpoint", checkpoint.as_bytes());
        log.write("checkpoint.pub", format!("{}\n", log.key).as_bytes());
        log
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    async fn verify(&self, arguments: &[&str]) -> Ended {
        oam(self.folder.path(), &[&["audit", "verify", "--dir", "."], arguments].concat(), b"").await
    }
}

#[tokio::test]
async fn a_log_in_order() {
    let log = Log::new();
    let ended = log.verify(&[]).await.with(Exit::Ok);
    insta::assert_snapshot!(ended.out, @"
    The audit log `.` is in order.
      entries     3
      root        0ae30c0fd2a2496092033704ff5d6ad59ebb922fd935fe667add38d89a20dd8d
      checkpoint  signs the first 2 entries
      log name    node-1
      key         node-1+19699c80+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs
    warning: the key was read from beside the log: whoever can rewrite the log can replace that key too. Keep a copy of it elsewhere, and give it with `--key`.
    warning: the checkpoint was read from beside the log: if both were put back to an older state, this does not show it. Keep checkpoints elsewhere, and give one with `--checkpoint`.
    warning: 1 entry after the checkpoint: no signature vouches for that yet.
    ");
    let json = log.verify(&["--json"]).await.with(Exit::Ok).json();
    assert_eq!((json["entries"].as_u64(), json["checkpoint_size"].as_u64()), (Some(3), Some(2)));
    assert_eq!(json["key_beside_log"].as_bool(), Some(true));
}

#[tokio::test]
async fn what_was_kept_elsewhere_proves_more() {
    let log = Log::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let kept = elsewhere.path().join("key");
    fs::write(&kept, &log.key).unwrap();
    let checkpoint = elsewhere.path().join("checkpoint");
    fs::copy(log.folder.path().join("checkpoint"), &checkpoint).unwrap();
    for key in [kept.to_str().unwrap(), &log.key] {
        let ended =
            log.verify(&["--key", key, "--checkpoint", checkpoint.to_str().unwrap()]).await.with(Exit::Ok);
        assert!(!ended.out.contains("beside the log"), "{ended:#?}");
    }
}

#[tokio::test]
async fn a_log_that_was_tampered_with() {
    let log = Log::new();
    let whole = fs::read(log.folder.path().join(JOURNAL)).unwrap();
    let changed = String::from_utf8(whole).unwrap().replacen("0.1.0", "0.1.1", 1);
    log.write(JOURNAL, changed.as_bytes());
    let ended = log.verify(&[]).await.with(Exit::No);
    assert!(ended.out.contains("not in order") && ended.out.contains("was changed"), "{ended:#?}");
    log.write(JOURNAL, &[entry(0), b"\n".to_vec()].concat());
    let json = log.verify(&["--json"]).await.with(Exit::No).json();
    assert_eq!(json["ok"].as_bool(), Some(false));
    assert!(json["error"].as_str().unwrap().contains("cut off"), "{json}");

    let other = SigningKey::from_seed("node-1".parse().unwrap(), &[8; 32]).verifier().to_string();
    Log::new().verify(&["--key", &other]).await.with(Exit::No);
}

#[tokio::test]
async fn a_log_that_is_not_there_is_no_verdict() {
    let log = Log::new();
    log.verify(&["--key", "missing.pub"]).await.with(Exit::Usage);
    log.write("checkpoint.pub", b"nonsense");
    log.verify(&[]).await.with(Exit::Usage);
    fs::remove_file(log.folder.path().join("checkpoint")).unwrap();
    log.verify(&["--key", &log.key]).await.with(Exit::Usage);
    oam(log.folder.path(), &["audit", "verify"], b"").await.with(Exit::Usage);
}

#[tokio::test]
async fn entries_are_passed_on_byte_by_byte() {
    let entries = vec![entry(0), entry(1)];
    let scene = Scene::start(Daemon { entries: entries.clone(), ..Daemon::default() });
    let raw = scene.oam(&["audit", "tail", "--json"]).await.with(Exit::Ok);
    assert_eq!(
        raw.out.as_bytes(),
        entries.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect::<Vec<_>>()
    );
    let people = scene.oam(&["audit", "tail", "-n", "2", "-f"]).await.with(Exit::Ok);
    assert_eq!(people.out.lines().count(), 2);
    let none = scene.oam(&["audit", "tail", "-n", "0"]).await.with(Exit::Ok);
    assert_eq!(none.out, "");
    scene.oam(&["audit", "tail", "-n", "0", "-f"]).await.with(Exit::Ok);
    insta::assert_snapshot!(scene.daemon.asked().join("\n"), @"
    TailAuditRequest { from: 0, limit: 0, follow: false, last: 10 }
    TailAuditRequest { from: 0, limit: 0, follow: true, last: 2 }
    GetStatusRequest
    TailAuditRequest { from: 2, limit: 0, follow: true, last: 0 }
    ");
}
