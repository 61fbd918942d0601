//! Checking a whole log against a signed checkpoint.

use std::io::{self, BufRead};

use crate::{
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    entry::{DecodeError, Entry, Event, MAX_ENTRY_BYTES},
    keys::VerifierKey,
    lines::{Line, Lines},
    merkle::{Frontier, TreeHash},
};

/// What a log that is in order consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many entries it has.
    pub entries: u64,
    /// How many of them came after the checkpoint, so that nothing yet vouches for them.
    pub beyond_checkpoint: u64,
    /// The root of the tree over all of them.
    pub root: TreeHash,
    /// Bytes after the last line feed: a line that was being written. Nothing vouches for them either.
    pub torn_tail_bytes: u64,
    /// Parts of decisions whose end was never written, because the node died; those pushes were never answered.
    pub abandoned_parts: u64,
}

/// Checks a log: every entry is canonical and in its place, every decision is complete, and the entries that the
/// checkpoint covers are exactly those that `key` signed.
///
/// One pass, in the memory of a few lines. It trusts nothing but `key`. A checkpoint cannot tell of entries that
/// were cut off after it: compare with one that was kept elsewhere.
///
/// # Errors
/// The first thing that is wrong, with the index of the entry.
pub fn verify_log(log: impl BufRead, checkpoint: &str, key: &VerifierKey) -> Result<Report, VerifyError> {
    let signed = SignedCheckpoint::parse(checkpoint)?;
    let checkpoint = signed.verify(key)?;

    let mut tree = Frontier::new();
    let mut checker = Checker::new();
    let mut torn_tail_bytes = 0;
    check_root(&tree, checkpoint)?;
    let mut lines = Lines::new(log);
    loop {
        let index = tree.size();
        match lines.next().map_err(|source| VerifyError::Read { index, source })? {
            Some(Line::Whole(line)) => {
                checker.check(line)?;
                tree.append(TreeHash::leaf(line));
                check_root(&tree, checkpoint)?;
            }
            Some(Line::TooLong(bytes)) => return Err(EntryError::TooLong { index, bytes }.into()),
            Some(Line::Torn(bytes)) => torn_tail_bytes = bytes,
            None => break,
        }
    }
    let entries = tree.size();
    let beyond_checkpoint = entries.checked_sub(checkpoint.size).ok_or(VerifyError::Short {
        entries,
        signed: checkpoint.size,
        torn_tail_bytes,
    })?;
    Ok(Report {
        entries,
        beyond_checkpoint,
        root: tree.root(),
        torn_tail_bytes,
        abandoned_parts: checker.abandoned(),
    })
}

/// Compares the roots when the tree has the size of the checkpoint.
fn check_root(tree: &Frontier, checkpoint: &Checkpoint) -> Result<(), VerifyError> {
    if tree.size() != checkpoint.size {
        return Ok(());
    }
    let computed = tree.root();
    if computed == checkpoint.root {
        Ok(())
    } else {
        Err(VerifyError::Root { size: checkpoint.size, signed: checkpoint.root, computed })
    }
}

/// Checks entries one after the other: canonical, numbered without a gap, decisions complete. It does not look at
/// hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checker {
    next: u64,
    open: Option<OpenDecision>,
    abandoned: u64,
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

    /// Checks the next line, given without its line feed.
    ///
    /// # Errors
    /// What is wrong with it. The checker is of no use after that.
    pub fn check(&mut self, line: &[u8]) -> Result<Entry, EntryError> {
        let index = self.next;
        let entry = Entry::decode(line).map_err(|source| EntryError::Decode { index, source })?;
        if entry.seq != index {
            return Err(EntryError::Sequence { index, found: entry.seq });
        }
        self.follow(index, &entry.event)?;
        self.next += 1;
        Ok(entry)
    }

    /// How many parts were left without the decision they belong to.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned + self.open.as_ref().map_or(0, |open| u64::from(open.parts))
    }

    fn follow(&mut self, index: u64, event: &Event) -> Result<(), EntryError> {
        let open = self.open.take();
        match event {
            Event::DecisionPart(part) => {
                let before = match open {
                    Some(open) if part.part != 1 && open.decision == part.decision => open,
                    other => {
                        self.abandon(other);
                        OpenDecision { decision: part.decision.clone(), parts: 0, updates: 0 }
                    }
                };
                if Some(part.part) != before.parts.checked_add(1) {
                    let decision = part.decision.clone();
                    return Err(EntryError::PartGap {
                        index,
                        decision,
                        expected: before.parts.saturating_add(1),
                        found: part.part,
                    });
                }
                let updates = before.updates + part.updates.len() as u64;
                self.open = Some(OpenDecision { parts: part.part, updates, ..before });
                Ok(())
            }
            Event::Decision(head) => {
                let (parts, updates) = match open {
                    Some(open) if head.parts > 0 && open.decision == head.decision => {
                        (open.parts, open.updates)
                    }
                    other => {
                        self.abandon(other);
                        (0, 0)
                    }
                };
                let updates = updates + head.updates.len() as u64;
                if parts == head.parts && updates == head.update_count {
                    return Ok(());
                }
                Err(EntryError::Incomplete(Box::new(IncompleteDecision {
                    index,
                    decision: head.decision.clone(),
                    parts: (parts, head.parts),
                    updates: (updates, head.update_count),
                })))
            }
            _ => {
                self.abandon(open);
                Ok(())
            }
        }
    }

    fn abandon(&mut self, open: Option<OpenDecision>) {
        self.abandoned += open.map_or(0, |open| u64::from(open.parts));
    }
}

/// Why a log is not in order.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log could not be read.
    #[error("log cannot be read at entry {index}: {source}; check the medium and try again")]
    Read {
        /// The entry, from 0.
        index: u64,
        /// What the reader says.
        source: io::Error,
    },
    /// The checkpoint is not one, or is not believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// An entry is wrong by itself.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Entries that were signed are gone.
    #[error(
        "log has {entries} entries and {torn_tail_bytes} bytes of a torn line, but its checkpoint covers {signed}: entries were cut off; restore the log from a copy and find out who removed them"
    )]
    Short {
        /// How many there are.
        entries: u64,
        /// How many were signed.
        signed: u64,
        /// The bytes after the last line feed.
        torn_tail_bytes: u64,
    },
    /// The entries are not those that were signed.
    #[error(
        "the first {size} entries of the log have root {computed}, but the checkpoint signs {signed}: an entry was changed; compare with a copy to find which"
    )]
    Root {
        /// How many entries the checkpoint covers.
        size: u64,
        /// The root it signs.
        signed: TreeHash,
        /// The root of the entries.
        computed: TreeHash,
    },
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

#[cfg(test)]
mod tests;
