//! Some entries of a log, without the rest of it.

use std::{
    io::{self, Read},
    ops::Range,
};

use super::{VerifyError, checker::entry_at};
use crate::{
    checkpoint::Checkpoint,
    entry::Entry,
    files::Files,
    merkle::{InclusionProof, TreeHash},
    tile::{Bundle, HEIGHT, Tile, TileKind, WIDTH, subtree_root},
};

/// How many entries are below one hash of level 2: what an index of a log is cut into.
pub const BLOCK: u64 = WIDTH * WIDTH;

/// Entries of one bundle that were seen to be among those that a checkpoint signs.
#[derive(Debug, Clone)]
pub struct SignedBundle {
    first: u64,
    end: u64,
    bundle: Bundle,
}

impl SignedBundle {
    /// Reads the bundle that the entry `seq` is in, and checks it: its entries are those that `checkpoint`, whose signature
    /// was verified, signs in that place. It reads a few tiles of hashes besides.
    ///
    /// # Errors
    /// When a file is missing, or the hashes do not lead to the root; when the entry is beyond the checkpoint.
    pub fn read<F, R>(files: &Files<F>, checkpoint: &Checkpoint, seq: u64) -> Result<Self, VerifyError>
    where
        F: Fn(&str) -> io::Result<R>,
        R: Read,
    {
        let size = checkpoint.size;
        if seq >= size {
            return Err(VerifyError::Short {
                entries: size,
                signed: seq.saturating_add(1),
                torn_tail_bytes: 0,
            });
        }
        let (kind, index) = (TileKind::Entries, seq / WIDTH);
        let first = index * WIDTH;
        let end = size.min(first.saturating_add(WIDTH));
        let bundle = files.bundle(Tile { kind, index, width: end - first })?;
        let leaves: Vec<TreeHash> =
            (first..end).zip(bundle.entries()).map(|(_, entry)| TreeHash::leaf(entry)).collect();
        // What is in this bundle comes from the entries, not from a tile: so the one proof holds for all of them.
        let inside = |part: &Range<u64>| {
            let within = part.start >= first && part.end <= end;
            let at = |seq: u64| usize::try_from(seq - first).ok();
            within.then(|| leaves.get(at(part.start)?..at(part.end)?)).flatten().map(subtree_root)
        };
        let proof = InclusionProof::assemble(first, size, |part| match inside(&part) {
            Some(root) => Ok(root),
            None => files.range_root(&part, size),
        })?;
        let leaf = leaves.first().copied().unwrap_or_else(TreeHash::empty);
        proof.verify(&leaf, &checkpoint.root).map_err(|source| VerifyError::Proof { first, source })?;
        Ok(Self { first, end, bundle })
    }

    /// Which entries it has.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.first..self.end
    }

    /// Their bytes, with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        (self.first..self.end).zip(self.bundle.entries())
    }
}

/// Checks the entries of a range: each is canonical, in its place, and among those that `checkpoint`, whose signature
/// was verified, signs. It reads the bundles that they are in and a few tiles of hashes for each.
///
/// # Errors
/// When a file is missing, an entry is none, or the hashes do not lead to the root; when the range goes beyond the
/// checkpoint.
pub fn verify_range<F, R>(
    files: &Files<F>,
    checkpoint: &Checkpoint,
    range: Range<u64>,
    mut entry: impl FnMut(Entry),
) -> Result<(), VerifyError>
where
    F: Fn(&str) -> io::Result<R>,
    R: Read,
{
    let size = checkpoint.size;
    if range.end > size {
        return Err(VerifyError::Short { entries: size, signed: range.end, torn_tail_bytes: 0 });
    }
    let mut next = range.start;
    while next < range.end {
        let bundle = SignedBundle::read(files, checkpoint, next)?;
        for (seq, line) in bundle.lines().filter(|(seq, _)| range.contains(seq)) {
            entry(entry_at(seq, line)?);
        }
        next = bundle.end;
    }
    Ok(())
}

/// Reads the entry that stands at `seq`.
///
/// # Errors
/// When it is not canonical, or says that it stands elsewhere.
pub fn read_entry(seq: u64, line: &[u8]) -> Result<Entry, VerifyError> {
    Ok(entry_at(seq, line)?)
}

/// The roots over every whole [`BLOCK`] of a log, seen to be those that `checkpoint`, whose signature was verified, signs.
///
/// # Errors
/// When a tile is missing, or they do not lead to the root.
pub fn block_roots<F, R>(files: &Files<F>, checkpoint: &Checkpoint) -> Result<Vec<TreeHash>, VerifyError>
where
    F: Fn(&str) -> io::Result<R>,
    R: Read,
{
    const LEVEL: u32 = 2;
    let (size, kind) = (checkpoint.size, TileKind::Hashes(LEVEL));
    let count = kind.count(size);
    let mut roots = Vec::new();
    let mut index = 0;
    while index * WIDTH < count {
        let width = WIDTH.min(count - index * WIDTH);
        roots.extend(files.hashes(Tile { kind, index, width })?);
        index += 1;
    }
    let mut tree = crate::merkle::Frontier::new();
    for root in &roots {
        tree.append_subtree(LEVEL * HEIGHT, *root);
    }
    files.append_range(&mut tree, &(count * BLOCK..size), size)?;
    let computed = tree.root();
    if computed == checkpoint.root {
        Ok(roots)
    } else {
        Err(VerifyError::Root { size, signed: checkpoint.root, computed })
    }
}
