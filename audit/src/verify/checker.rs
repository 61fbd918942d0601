//! Entries, one after the other.

use crate::entry::{DecodeError, EntriesPruned, Entry, Event, KeyRotated, MAX_ENTRY_BYTES};

/// Checks entries one after the other: canonical, numbered without a gap, decisions complete. It does not look at
/// hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checker {
    next: u64,
    open: Option<OpenDecision>,
    abandoned: u64,
    /// Whether what comes next may be the end of a decision whose beginning was pruned.
    cut: bool,
}

/// What the order of entries depends on in one of them.
#[derive(Debug)]
pub(super) enum Step {
    /// Some updates of a decision that is to come.
    Part { decision: String, part: u32, updates: u64 },
    /// A decision, and what it says of the parts before it.
    Head { decision: String, parts: u32, updates: u64, stated: u64 },
    /// Another key signs from the next entry on.
    Rotated(Box<KeyRotated>),
    /// Entries before it may be gone.
    Pruned(Box<EntriesPruned>),
    /// Anything else.
    Other,
}

impl Step {
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::DecisionPart(part) => Self::Part {
                decision: part.decision.clone(),
                part: part.part,
                updates: part.updates.len() as u64,
            },
            Event::Decision(head) => Self::Head {
                decision: head.decision.clone(),
                parts: head.parts,
                updates: head.updates.len() as u64,
                stated: head.update_count,
            },
            Event::KeyRotated(rotated) => Self::Rotated(Box::new(rotated.clone())),
            Event::EntriesPruned(pruned) => Self::Pruned(Box::new(pruned.clone())),
            _ => Self::Other,
        }
    }
}

/// Reads the entry that stands at `index`.
pub(super) fn entry_at(index: u64, line: &[u8]) -> Result<Entry, EntryError> {
    let entry = Entry::decode(line).map_err(|source| EntryError::Decode { index, source })?;
    if entry.seq == index { Ok(entry) } else { Err(EntryError::Sequence { index, found: entry.seq }) }
}

/// A decision of which only parts were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OpenDecision {
    decision: String,
    parts: u32,
    updates: u64,
}

impl Checker {
    /// For a log from its first entry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For what follows the first `entries` of a log, when those end in no unfinished decision.
    #[must_use]
    pub fn after(entries: u64) -> Self {
        Self { next: entries, ..Self::default() }
    }

    /// For what follows the first `entries` of a log, which are gone.
    pub(super) fn after_pruned(entries: u64) -> Self {
        Self { next: entries, cut: true, ..Self::default() }
    }

    /// Checks the next line, given without its line feed.
    ///
    /// # Errors
    /// What is wrong with it. The checker is of no use after that.
    pub fn check(&mut self, line: &[u8]) -> Result<Entry, EntryError> {
        let entry = entry_at(self.next, line)?;
        self.step(&Step::of(&entry.event))?;
        Ok(entry)
    }

    /// Goes past the next entry, which was found to be one, and in its place.
    pub(super) fn step(&mut self, step: &Step) -> Result<(), EntryError> {
        // Only the first few may be such an end.
        let of_pruned =
            self.cut && matches!(step, Step::Part { part: 2.., .. } | Step::Head { parts: 1.., .. });
        self.cut = of_pruned && matches!(step, Step::Part { .. });
        if !of_pruned {
            self.follow(self.next, step)?;
        }
        self.next += 1;
        Ok(())
    }

    /// How many parts were left without the decision they belong to.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned + self.open.as_ref().map_or(0, |open| u64::from(open.parts))
    }

    fn follow(&mut self, index: u64, step: &Step) -> Result<(), EntryError> {
        let open = self.open.take();
        match step {
            Step::Part { decision, part, updates } => {
                let before = match open {
                    Some(open) if *part != 1 && open.decision == *decision => open,
                    other => {
                        self.abandon(other);
                        OpenDecision { decision: decision.clone(), parts: 0, updates: 0 }
                    }
                };
                if Some(*part) != before.parts.checked_add(1) {
                    return Err(EntryError::PartGap {
                        index,
                        decision: decision.clone(),
                        expected: before.parts.saturating_add(1),
                        found: *part,
                    });
                }
                self.open = Some(OpenDecision { parts: *part, updates: before.updates + updates, ..before });
                Ok(())
            }
            Step::Head { decision, parts, updates, stated } => {
                let before = match open {
                    Some(open) if *parts > 0 && open.decision == *decision => (open.parts, open.updates),
                    other => {
                        self.abandon(other);
                        (0, 0)
                    }
                };
                let found = before.1 + updates;
                if before.0 == *parts && found == *stated {
                    return Ok(());
                }
                Err(EntryError::Incomplete(Box::new(IncompleteDecision {
                    index,
                    decision: decision.clone(),
                    parts: (before.0, *parts),
                    updates: (found, *stated),
                })))
            }
            Step::Rotated(_) | Step::Pruned(_) | Step::Other => {
                self.abandon(open);
                Ok(())
            }
        }
    }

    fn abandon(&mut self, open: Option<OpenDecision>) {
        self.abandoned += open.map_or(0, |open| u64::from(open.parts));
    }
}

/// What is wrong with one entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// It is longer than an entry can be.
    #[error(
        "entry {index} has {bytes} bytes, and an entry has at most {MAX_ENTRY_BYTES}; compare with a copy of the log"
    )]
    TooLong {
        /// The entry, from 0.
        index: u64,
        /// How long it is.
        bytes: u64,
    },
    /// It is not an entry.
    #[error("entry {index} is not one: {source}; compare with a copy of the log")]
    Decode {
        /// The entry, from 0.
        index: u64,
        /// What is wrong.
        source: DecodeError,
    },
    /// It stands in another's place.
    #[error(
        "entry {index} is numbered {found}: entries were removed, repeated or moved; compare with a copy of the log"
    )]
    Sequence {
        /// Where it stands, from 0.
        index: u64,
        /// What it says.
        found: u64,
    },
    /// A part does not follow the one before.
    #[error(
        "entry {index} is part {found} of decision `{decision}`, where part {expected} belongs; compare with a copy of the log"
    )]
    PartGap {
        /// The entry, from 0.
        index: u64,
        /// The decision.
        decision: String,
        /// The part that should come.
        expected: u32,
        /// The part that came.
        found: u32,
    },
    /// A decision lacks parts or updates.
    #[error(transparent)]
    Incomplete(Box<IncompleteDecision>),
}

/// A decision that is not all there. Pairs are (found, stated).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "entry {index}: decision `{decision}` follows {} of {} parts and holds {} of {} updates; compare with a copy of the log",
    .parts.0, .parts.1, .updates.0, .updates.1
)]
pub struct IncompleteDecision {
    /// The entry, from 0.
    pub index: u64,
    /// The decision.
    pub decision: String,
    /// Its parts.
    pub parts: (u32, u32),
    /// Its updates.
    pub updates: (u64, u64),
}
