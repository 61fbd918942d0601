//! A log as files (C2SP tlog-tiles): hashes and entries in tiles of 256, each under a path that says what it holds.

mod bundle;
mod edge;
mod path;
#[cfg(test)]
mod tests;

pub use bundle::{Bundle, BundleError};
pub use edge::Edge;
pub use path::{Tile, TileKind};

use crate::merkle::{Frontier, TreeHash};

/// How many hashes, or entries, a full tile holds.
pub const WIDTH: u64 = 256;
/// The levels of hashes that a full tile stands for: two to the power of this is [`WIDTH`].
pub const HEIGHT: u32 = 8;

/// How many bytes a hash has.
const HASH_BYTES: usize = 32;

/// The bytes of a tile of hashes.
#[must_use]
pub fn encode_hashes(hashes: &[TreeHash]) -> Vec<u8> {
    hashes.iter().flat_map(TreeHash::as_bytes).copied().collect()
}

/// The hashes of a tile; none when its length is not that of whole hashes, or there are more than a tile holds.
#[must_use]
pub fn decode_hashes(bytes: &[u8]) -> Option<Vec<TreeHash>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    let fits = rest.is_empty() && !hashes.is_empty() && hashes.len() as u64 <= WIDTH;
    fits.then(|| hashes.iter().copied().map(TreeHash::from_bytes).collect())
}

/// The root of the subtree over some hashes that stand side by side in a tile.
#[must_use]
pub fn subtree_root(hashes: &[TreeHash]) -> TreeHash {
    let mut tree = Frontier::new();
    tree.extend(hashes.iter().copied());
    tree.root()
}
