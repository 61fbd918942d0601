//! Reading the audit log as an auditor does: with `oam-audit` and the public key, trusting nothing else.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use oam_audit::{
    entry::{Change, Decision, Entry, Event, Outcome, PermittedWhileUnavailable, RefsApplied, Update},
    files::{Files, JOURNAL, Segment},
    keys::VerifierKey,
    lines::{Line, Lines},
    tile::{Tile, TileKind},
    verify::{Journal, Report, verify_files},
};

/// A whole log that was found to be in order.
#[derive(Debug)]
pub struct AuditLog {
    /// What the verification found.
    pub report: Report,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One decision with all its updates, those of its parts included.
#[derive(Debug)]
pub struct Recorded {
    /// The decision.
    pub decision: Decision,
    /// All its updates, in the order of the push.
    pub updates: Vec<Update>,
}

impl AuditLog {
    /// Reads and verifies the log in `folder`. The daemon may be writing at the same time.
    ///
    /// # Panics
    /// When anything about it is wrong.
    pub fn verified(folder: &Path) -> Self {
        let read = |name: &str| {
            fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let key: VerifierKey = read("checkpoint.pub").trim().parse().expect("a verifier key");
        let files = Files::new(|path: &str| File::open(folder.join(path)));
        loop {
            // The checkpoint first: the log has at least what it covers.
            let checkpoint = read("checkpoint");
            let journal = opened_journal(folder);
            match verify_files(&files, journal, &checkpoint, &[], &key, 1) {
                Ok(report) => return Self { entries: entries(folder, report.entries), report },
                // The daemon went on meanwhile, and has replaced what belonged to that checkpoint.
                Err(_) if read("checkpoint") != checkpoint => {}
                Err(error) => panic!("the audit log verifies: {error}"),
            }
        }
    }

    /// All decisions, in the order of the log.
    pub fn decisions(&self) -> Vec<Recorded> {
        let mut updates = Vec::new();
        let mut decisions = Vec::new();
        for entry in &self.entries {
            match &entry.event {
                Event::DecisionPart(part) => {
                    if part.part == 1 {
                        updates.clear();
                    }
                    updates.extend(part.updates.iter().cloned());
                }
                Event::Decision(decision) => {
                    if decision.parts == 0 {
                        updates.clear();
                    }
                    updates.extend(decision.updates.iter().cloned());
                    let updates = std::mem::take(&mut updates);
                    decisions.push(Recorded { decision: (**decision).clone(), updates });
                }
                _ => {}
            }
        }
        decisions
    }

    /// The last decision.
    ///
    /// # Panics
    /// When there is none.
    pub fn last_decision(&self) -> Recorded {
        self.decisions().pop().expect("a decision in the audit log")
    }

    /// The pushes that a hook let through and told of later.
    pub fn permitted_while_unavailable(&self) -> Vec<&PermittedWhileUnavailable> {
        let spooled = self.entries.iter().filter_map(|entry| match &entry.event {
            Event::PermittedWhileUnavailable(spooled) => Some(spooled),
            _ => None,
        });
        spooled.collect()
    }

    /// What hooks reported as applied.
    pub fn applied(&self) -> Vec<&RefsApplied> {
        let applied = self.entries.iter().filter_map(|entry| match &entry.event {
            Event::RefsApplied(applied) => Some(applied),
            _ => None,
        });
        applied.collect()
    }

    /// Whether it was recorded that `name` of `repository` may become `new`.
    pub fn permits(&self, repository: &str, name: &str, new: &str) -> bool {
        self.decisions().iter().any(|one| {
            one.decision.outcome == Outcome::Permitted
                && one.decision.repository == repository
                && one.updates.iter().any(|update| {
                    update.name.as_bytes() == name.as_bytes()
                        && update.outcome == Outcome::Permitted
                        && becomes(&update.change) == Some(new)
                })
        })
    }
}

impl Recorded {
    /// The update of the one ref `name`.
    ///
    /// # Panics
    /// When there is none.
    pub fn update(&self, name: impl AsRef<[u8]>) -> &Update {
        let name = name.as_ref();
        let found = self.updates.iter().find(|update| update.name.as_bytes() == name);
        found.unwrap_or_else(|| panic!("no update of {:?} in {self:?}", name.escape_ascii().to_string()))
    }

    /// The codes of all reasons, of the whole and of each update.
    pub fn reason_codes(&self) -> Vec<&str> {
        let of_updates = self.updates.iter().flat_map(|update| &update.reasons);
        self.decision.reasons.iter().chain(of_updates).map(|reason| reason.code.as_str()).collect()
    }
}

fn becomes(change: &Change) -> Option<&str> {
    match change {
        Change::Create { new } | Change::Move { new, .. } => Some(new),
        Change::Delete { .. } | Change::WouldMerge { .. } => None,
    }
}

/// The files of the journal in the folder of a log, the oldest first.
pub fn segments(folder: &Path) -> Vec<Segment> {
    let names =
        fs::read_dir(folder.join(JOURNAL)).expect("the journal").map(|file| file.unwrap().file_name());
    let mut segments: Vec<_> =
        names.map(|name| Segment::named(name.to_str().unwrap()).expect("a segment")).collect();
    segments.sort();
    segments
}

/// The file of the journal that is written.
pub fn newest_segment(folder: &Path) -> PathBuf {
    folder.join(segments(folder).last().expect("a journal has a file").to_string())
}

fn opened_journal(folder: &Path) -> Journal<File> {
    loop {
        let opened: io::Result<_> = segments(folder)
            .into_iter()
            .map(|segment| Ok((segment, File::open(folder.join(segment.to_string()))?)))
            .collect();
        if let Ok(journal) = opened {
            return journal;
        }
    }
}

/// The first `size` entries of a log that was verified.
fn entries(folder: &Path, size: u64) -> Vec<Entry> {
    let files = Files::new(|path: &str| File::open(folder.join(path)));
    let mut entries = Vec::new();
    // Opened before: what the daemon lets go of is in bundles.
    let journal = opened_journal(folder);
    for index in 0.. {
        let tile = Tile::full(TileKind::Entries, index);
        if files.bytes(tile).expect("a tile").is_none() {
            break;
        }
        let bundle = files.bundle(tile).expect("a verified bundle");
        entries.extend(bundle.entries().map(|entry| Entry::decode(entry).expect("a verified entry")));
    }
    for (segment, file) in journal {
        let (mut lines, mut seq) = (Lines::new(BufReader::new(file)), segment.first);
        while let Some(Line::Whole(line)) = lines.next().expect("reading the journal") {
            if seq == entries.len() as u64 && seq < size {
                entries.push(Entry::decode(line).expect("a verified entry"));
            }
            seq += 1;
        }
    }
    assert!(entries.len() as u64 >= size, "all entries are read");
    entries
}
