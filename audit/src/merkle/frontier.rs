//! The right edge of a growing tree.

use super::TreeHash;

/// As much of a tree as it takes to append to it and to know its root: one hash for each bit set in its size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// The roots of the complete subtrees, the largest (leftmost) first.
    peaks: Vec<TreeHash>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash, see [`TreeHash::leaf`].
    pub fn append(&mut self, leaf: TreeHash) {
        self.append_subtree(0, leaf);
    }

    /// Appends two to the power of `height` leaves at once by the root of the subtree over them. The size so far must be
    /// a multiple of that number, and `height` below 64.
    pub fn append_subtree(&mut self, height: u32, root: TreeHash) {
        let leaves = 1u64.checked_shl(height).unwrap_or(0);
        debug_assert!(
            leaves != 0 && self.size.is_multiple_of(leaves),
            "{} leaves, height {height}",
            self.size
        );
        // Like a carry in binary addition: every one-bit from there on is a complete subtree that this one completes
        // to one of twice the size.
        let mut subtree = root;
        for _ in 0..self.size.checked_shr(height).unwrap_or(0).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                subtree = TreeHash::node(&left, &subtree);
            }
        }
        self.peaks.push(subtree);
        self.size += leaves;
    }

    /// The root of the tree (RFC 6962, section 2.1).
    #[must_use]
    pub fn root(&self) -> TreeHash {
        let joined = self.peaks.iter().copied().rev().reduce(|right, left| TreeHash::node(&left, &right));
        joined.unwrap_or_else(TreeHash::empty)
    }
}

impl Extend<TreeHash> for Frontier {
    fn extend<I: IntoIterator<Item = TreeHash>>(&mut self, leaves: I) {
        for leaf in leaves {
            self.append(leaf);
        }
    }
}
