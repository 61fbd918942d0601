//! Checking a log against signed checkpoints.

use std::io::{self, BufRead};

use crate::{
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    entry::{EntriesPruned, RotationError},
    files::FileError,
    keys::VerifierKey,
    lines::{Line, Lines},
    merkle::{Frontier, ProofError, TreeHash},
    tile::Tile,
};

mod checker;
mod keys;
mod pruned;
mod range;
mod whole;

pub use checker::{Checker, EntryError, IncompleteDecision};
pub use keys::KeyInForce;
pub use range::{BLOCK, SignedBundle, block_roots, read_entry, verify_range};
pub use whole::{Journal, verify_files};

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
    /// Its keys, the oldest first, one of which was trusted: each was named by the one before it.
    pub keys: Vec<KeyInForce>,
    /// What was removed, as the log itself says; none when all entries are there.
    pub pruned: Option<Pruned>,
}

/// Entries that are gone, and what allowed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// How many, from the first on.
    pub entries: u64,
    /// The number of the entry that told of it before,
    pub told_by: u64,
    /// and what it says.
    pub told: EntriesPruned,
}

/// Checks a log in one file, as daemons kept it before there were tiles: every entry is canonical and in its place, every decision is complete, and the entries that the
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
        keys: vec![KeyInForce { from: 0, key: key.clone() }],
        pruned: None,
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
    /// A file of the log is missing, or is not what it should be.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tile of hashes is not that of the entries.
    #[error(
        "`{tile}` does not hold the hashes of the entries {first} and following: it was changed, or one of them was; compare with a copy of the log"
    )]
    Hashes {
        /// The tile.
        tile: Tile,
        /// The first entry that differs, or that the first hash that differs stands for.
        first: u64,
    },
    /// A file of entries that are in another as well holds others.
    #[error(
        "`{tile}` holds other entries than the rest of the log has there; compare with a copy of the log"
    )]
    Bundle {
        /// The tile.
        tile: Tile,
    },
    /// The journal says something else than the files of entries.
    #[error(
        "entry {index} of the journal is not the one that stands in the files of entries: one of the two was changed; compare with a copy of the log"
    )]
    Journal {
        /// The entry, from 0.
        index: u64,
    },
    /// The hashes of some entries do not lead to the root.
    #[error("the entries {first} and following are not those that were signed: {source}")]
    Proof {
        /// The first entry of the bundle.
        first: u64,
        /// What the proof says.
        source: ProofError,
    },
    /// A key is said to follow another, and does not.
    #[error(
        "entry {index} says that another key signs from there on, and that is not so: {source}; do not trust the log, and find out who had the key"
    )]
    Rotation {
        /// The entry, from 0.
        index: u64,
        /// What is wrong.
        source: RotationError,
    },
    /// The key that is trusted is none of the log's.
    #[error(
        "`{trusted}` is none of the keys of this log: it is another log, or was put back to a time before that key; compare with a copy of the log"
    )]
    KeyUnknown {
        /// The key.
        trusted: String,
    },
    /// There is no key for a checkpoint of that size.
    #[error("log has no key for a checkpoint of that size; this is a defect, please report it")]
    NoKey,
    /// Entries are gone, and the log does not say so.
    #[error(
        "entries 0 to {entries} were removed, and no entry that was signed tells of it: it was not the daemon that pruned them; restore the log from a copy and find out who did"
    )]
    NotPruned {
        /// The first that is there.
        entries: u64,
    },
    /// Entries are nowhere.
    #[error(
        "log has entries {from} to {to} neither in files of entries nor in its journal: they were removed; restore the log from a copy and find out who did"
    )]
    Gap {
        /// The first of them.
        from: u64,
        /// The first that is there again.
        to: u64,
    },
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

#[cfg(test)]
mod tests;
