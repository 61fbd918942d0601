//! A log in a folder, as a daemon leaves it.

use std::{collections::BTreeSet, fs, path::Path};

use jiff::{SignedDuration, Timestamp};
use oam_audit::{
    checkpoint::SignedCheckpoint,
    entry::{
        AskedBy, Change, Decision, EncodedEvent, Event, Outcome, PrincipalKind, Reason, Time, Update, Verb,
        split,
    },
    files::{CHECKPOINT, VERIFIER},
    keys::SigningKey,
    merkle::TreeHash,
    tile::{Bundle, Edge, Tile, TileKind, WIDTH, encode_hashes},
};

pub(crate) const NODE: &str = "oam.example.com/node-1";

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(NODE.parse().unwrap(), &[7; 32])
}

/// 2026-01-01, and so many seconds later.
pub(crate) fn at(seconds: u64) -> Timestamp {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(i64::try_from(seconds).unwrap())
}

/// The log of these events, a second apart.
pub(crate) struct SampleLog {
    pub(crate) lines: Vec<Vec<u8>>,
}

impl SampleLog {
    pub(crate) fn new(events: impl IntoIterator<Item = EncodedEvent>) -> Self {
        let node = NODE.parse().unwrap();
        let stamp = |(seq, event): (u64, EncodedEvent)| {
            let mut line = Vec::new();
            event.stamp(seq, Time::from(at(seq)), &node, &mut line);
            line
        };
        Self { lines: (0..).zip(events).map(stamp).collect() }
    }

    /// Writes the first `size` entries into a folder, with their tiles and a checkpoint.
    pub(crate) fn write(&self, folder: &Path, size: usize) {
        let put = |tile: Tile, bytes: &[u8]| {
            let path = folder.join(tile.to_string());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let (mut edge, mut bundle) = (Edge::new(), Bundle::new());
        for (seq, line) in (0u64..).zip(&self.lines[..size]) {
            bundle.push(line).unwrap();
            for (tile, hashes) in edge.append(TreeHash::leaf(line)) {
                put(tile, &encode_hashes(&hashes));
            }
            if bundle.len() == WIDTH {
                put(Tile::full(TileKind::Entries, seq / WIDTH), bundle.as_bytes());
                bundle = Bundle::new();
            }
        }
        if let Some(tile) = Tile::partial(TileKind::Entries, size as u64) {
            put(tile, bundle.as_bytes());
        }
        edge.partial().for_each(|(tile, hashes)| put(tile, &encode_hashes(hashes)));
        let checkpoint = SignedCheckpoint::sign(size as u64, edge.frontier().root(), &key());
        fs::write(folder.join(CHECKPOINT), checkpoint.to_string()).unwrap();
        fs::write(folder.join(VERIFIER), key().verifier().to_string()).unwrap();
    }
}

/// An id as daemons make them, in order of `number`.
pub(crate) fn id(number: u64) -> String {
    let digits =
        format!("{:032x}", 0x0192_f7d0_0000_7000_8000_0000_0000_0000_u128 + (u128::from(number) << 80));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

pub(crate) fn update(name: &str, refused: Option<(&str, &str)>) -> Update {
    let (outcome, grant) = match refused {
        None => (Outcome::Permitted, Some("main".to_owned())),
        Some(_) => (Outcome::Refused, None),
    };
    Update {
        name: name.into(),
        change: Change::Create { new: "1".repeat(40) },
        verb: Some(Verb::Create),
        fast_forward: None,
        ancestry_unreadable: false,
        other_grants: Vec::new(),
        histories: Vec::new(),
        histories_left_out: 0,
        outcome,
        grant,
        waiver: None,
        privilege: None,
        privileges_beside: Vec::new(),
        lifted: Vec::new(),
        reasons: refused
            .iter()
            .map(|(code, rule)| Reason { code: (*code).to_owned(), rule: Some((*rule).to_owned()) })
            .collect(),
        shadow: Vec::new(),
    }
}

/// The events of one decision.
pub(crate) fn decision(number: u64, user: &str, repository: &str, updates: Vec<Update>) -> Vec<EncodedEvent> {
    let refused = updates.iter().any(|update| update.outcome == Outcome::Refused);
    let head = Decision {
        decision: id(number),
        asked_by: AskedBy::Unix { uid: 1, pid: 2 },
        channel: "push".into(),
        dry_run: false,
        repository: repository.into(),
        principal: user.into(),
        principal_kind: PrincipalKind::User,
        roles: BTreeSet::new(),
        policy: None,
        snapshot: None,
        outcome: if refused { Outcome::Refused } else { Outcome::Permitted },
        reasons: Vec::new(),
        privileges: Vec::new(),
        pull_request: None,
        update_count: 0,
        updates: Vec::new(),
        parts: 0,
        elapsed_us: 1,
    };
    split(head, updates).unwrap().map(Result::unwrap).collect()
}

pub(crate) fn other(event: &Event) -> EncodedEvent {
    EncodedEvent::new(event).unwrap()
}
