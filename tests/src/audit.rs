//! Reading the audit log as an auditor does: with `oam-audit` and the public key, trusting nothing else.

use std::{fs, path::Path};

use oam_audit::{
    entry::{Change, Decision, Entry, Event, Outcome, PermittedWhileUnavailable, RefsApplied, Update},
    keys::VerifierKey,
    lines::{Line, Lines},
    verify::{Report, verify_log},
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
        let read = |name: &str| fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The checkpoint first: the log has at least what it covers.
        let checkpoint = String::from_utf8(read("checkpoint")).expect("the checkpoint is text");
        let key = String::from_utf8(read("checkpoint.pub")).expect("the key is text");
        let log = read("entries.jsonl");
        let key: VerifierKey = key.trim().parse().expect("a verifier key");
        let report = verify_log(&log[..], &checkpoint, &key).expect("the audit log verifies");
        let mut lines = Lines::new(&log[..]);
        let mut entries = Vec::new();
        while let Some(Line::Whole(line)) = lines.next().expect("reading from memory") {
            entries.push(Entry::decode(line).expect("a verified entry"));
        }
        Self { report, entries }
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
