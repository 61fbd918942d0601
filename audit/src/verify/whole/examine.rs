//! Bundles by themselves, on several threads.

use std::io::{self, Read};

use super::compare_hashes;
use crate::{
    files::{FileError, Files},
    merkle::TreeHash,
    tile::{Bundle, Tile, TileKind, WIDTH, subtree_root},
    verify::{
        VerifyError,
        checker::{Step, entry_at},
    },
};

/// How many bundles a thread reads before the next are handed out.
pub(super) const TURN: u64 = 16;

/// What a thread makes of a bundle.
pub(super) struct Examined {
    pub(super) leaves: Vec<TreeHash>,
    pub(super) root: TreeHash,
    pub(super) steps: Vec<Step>,
    pub(super) bundle: Bundle,
}

/// Reads some bundles from index `start` on; none where there are no more.
pub(super) fn turn<F, R>(
    files: &Files<F>,
    start: u64,
    signed: u64,
) -> Vec<Result<Option<Examined>, VerifyError>>
where
    F: Fn(&str) -> io::Result<R>,
    R: Read,
{
    let mut turn = Vec::new();
    for index in start..start.saturating_add(TURN) {
        let examined = examine(files, index, signed);
        let last = !matches!(examined, Ok(Some(_)));
        turn.push(examined);
        if last {
            break;
        }
    }
    turn
}

fn examine<F, R>(files: &Files<F>, index: u64, signed: u64) -> Result<Option<Examined>, VerifyError>
where
    F: Fn(&str) -> io::Result<R>,
    R: Read,
{
    let tile = Tile::full(TileKind::Entries, index);
    let Some(bytes) = files.bytes(tile)? else { return Ok(None) };
    let path = tile.to_string();
    let bundle = Bundle::decode(bytes).map_err(|source| FileError::Bundle { path: path.clone(), source })?;
    if bundle.len() != WIDTH {
        return Err(FileError::Tile { path, width: WIDTH }.into());
    }
    let leaves: Vec<_> = bundle.entries().map(TreeHash::leaf).collect();
    let hashes = Tile::full(TileKind::Hashes(0), index);
    match files.bytes(hashes)? {
        Some(bytes) => compare_hashes(hashes, &bytes, &leaves)?,
        None if (index + 1) * WIDTH > signed => {}
        None => return Err(FileError::Missing { path: hashes.to_string() }.into()),
    }
    let mut steps = Vec::with_capacity(leaves.len());
    for (seq, entry) in (index * WIDTH..).zip(bundle.entries()) {
        steps.push(Step::of(&entry_at(seq, entry)?.event));
    }
    Ok(Some(Examined { root: subtree_root(&leaves), leaves, steps, bundle }))
}
