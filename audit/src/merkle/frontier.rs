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
        // Like a carry in binary addition: every one-bit at the low end is a complete subtree that this leaf completes
        // to one of twice the size.
        let mut subtree = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                subtree = TreeHash::node(&left, &subtree);
            }
        }
        self.peaks.push(subtree);
        self.size += 1;
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
