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
    tile::{Tile, TileKind, WIDTH, subtree_root},
};

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
    let mut first = range.start / WIDTH * WIDTH;
    while first < range.end {
        let (kind, index) = (TileKind::Entries, first / WIDTH);
        let bundle = files.bundle(Tile { kind, index, width: WIDTH.min(size - first) })?;
        let end = size.min(first + WIDTH);
        let numbered = || (first..end).zip(bundle.entries());
        let leaves: Vec<TreeHash> = numbered().map(|(_, entry)| TreeHash::leaf(entry)).collect();
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
        for (seq, line) in numbered().filter(|(seq, _)| range.contains(seq)) {
            entry(entry_at(seq, line)?);
        }
        first += WIDTH;
    }
    Ok(())
}
