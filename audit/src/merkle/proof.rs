//! Proofs that an entry is in a tree, and that one tree continues another.
//!
//! A proof is a list of roots of subtrees, and each subtree is a range of leaves. So building one has two steps:
//! which ranges (RFC 6962, sections 2.1.1 and 2.1.2), and their roots, in a single pass over the leaves with the
//! memory of one [`Frontier`].

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Frontier, TreeHash};

/// Proof that a leaf stands at an index of a tree (RFC 6962, section 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// The index of the leaf, from 0.
    pub index: u64,
    /// The number of leaves of the tree.
    pub size: u64,
    /// The siblings on the way from the leaf to the root.
    pub path: Vec<TreeHash>,
}

impl InclusionProof {
    /// Builds the proof. `leaves` are the hashes of the log from its start; what is beyond `size` is not read.
    ///
    /// # Errors
    /// When `index` is not below `size`, or there are fewer than `size` leaves.
    pub fn build(
        index: u64,
        size: u64,
        leaves: impl IntoIterator<Item = TreeHash>,
    ) -> Result<Self, ProveError> {
        if index >= size {
            return Err(ProveError::IndexBeyondTree { index, size });
        }
        Ok(Self { index, size, path: subtree_roots(&inclusion_ranges(index, size), size, leaves)? })
    }

    /// Builds the proof from the roots of the subtrees over some ranges of leaves, which `root_of` gives.
    ///
    /// # Errors
    /// When `index` is not below `size`, and whatever `root_of` fails with.
    pub fn assemble<E: From<ProveError>>(
        index: u64,
        size: u64,
        root_of: impl FnMut(Range<u64>) -> Result<TreeHash, E>,
    ) -> Result<Self, E> {
        if index >= size {
            return Err(ProveError::IndexBeyondTree { index, size }.into());
        }
        let path = inclusion_ranges(index, size).into_iter().map(root_of).collect::<Result<_, E>>()?;
        Ok(Self { index, size, path })
    }

    /// Checks that `leaf` stands at `self.index` of the tree of `self.size` leaves whose root is `root` (RFC 9162,
    /// section 2.1.3.2).
    ///
    /// # Errors
    /// When it does not, or the proof cannot be one for that index and size.
    pub fn verify(&self, leaf: &TreeHash, root: &TreeHash) -> Result<(), ProofError> {
        if self.index >= self.size {
            return Err(ProofError::Shape { hashes: self.path.len() });
        }
        let (mut at, mut last, mut hash) = (self.index, self.size - 1, *leaf);
        for sibling in &self.path {
            if last == 0 {
                return Err(ProofError::Shape { hashes: self.path.len() });
            }
            if at % 2 == 1 || at == last {
                hash = TreeHash::node(sibling, &hash);
                skip_lone_levels(&mut at, &mut last);
            } else {
                hash = TreeHash::node(&hash, sibling);
            }
            (at, last) = (at / 2, last / 2);
        }
        finish(last, self.path.len())?;
        same_root("the tree", root, &hash)
    }
}

/// Proof that a tree is the beginning of a larger one (RFC 6962, section 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// The number of leaves of the earlier tree.
    pub old_size: u64,
    /// The number of leaves of the later tree.
    pub size: u64,
    /// The subtrees that both trees, or the later one, are made of.
    pub path: Vec<TreeHash>,
}

impl ConsistencyProof {
    /// Builds the proof. `leaves` are the hashes of the log from its start; what is beyond `size` is not read.
    ///
    /// # Errors
    /// When `old_size` is above `size`, or there are fewer than `size` leaves.
    pub fn build(
        old_size: u64,
        size: u64,
        leaves: impl IntoIterator<Item = TreeHash>,
    ) -> Result<Self, ProveError> {
        if old_size > size {
            return Err(ProveError::TreeShrinks { old_size, size });
        }
        Ok(Self { old_size, size, path: subtree_roots(&consistency_ranges(old_size, size), size, leaves)? })
    }

    /// Builds the proof from the roots of the subtrees over some ranges of leaves, which `root_of` gives.
    ///
    /// # Errors
    /// When `old_size` is above `size`, and whatever `root_of` fails with.
    pub fn assemble<E: From<ProveError>>(
        old_size: u64,
        size: u64,
        root_of: impl FnMut(Range<u64>) -> Result<TreeHash, E>,
    ) -> Result<Self, E> {
        if old_size > size {
            return Err(ProveError::TreeShrinks { old_size, size }.into());
        }
        let path = consistency_ranges(old_size, size).into_iter().map(root_of).collect::<Result<_, E>>()?;
        Ok(Self { old_size, size, path })
    }

    /// Checks that the tree of `self.size` leaves with root `root` begins with the leaves of the tree of
    /// `self.old_size` leaves with root `old_root` (RFC 9162, section 2.1.4.2).
    ///
    /// # Errors
    /// When it does not, or the proof cannot be one for these sizes.
    pub fn verify(&self, old_root: &TreeHash, root: &TreeHash) -> Result<(), ProofError> {
        let shape = ProofError::Shape { hashes: self.path.len() };
        if self.old_size == 0 || self.old_size == self.size {
            // Every tree begins with the empty one and with itself: there is nothing to prove by hashes.
            let known = if self.old_size == 0 { TreeHash::empty() } else { *root };
            return if self.path.is_empty() {
                same_root("the earlier tree", old_root, &known)
            } else {
                Err(shape)
            };
        }
        if self.old_size > self.size {
            return Err(shape);
        }
        let mut path = self.path.iter();
        let (mut at, mut last) = (self.old_size - 1, self.size - 1);
        // An earlier tree that is one complete subtree is itself the start, and is left out of the path.
        let start = if self.old_size.is_power_of_two() { Some(old_root) } else { path.next() };
        let Some(&start) = start else { return Err(shape) };
        let complete = at.trailing_ones();
        (at, last) = (shift(at, complete), shift(last, complete));

        let (mut old_hash, mut hash) = (start, start);
        for subtree in path {
            if last == 0 {
                return Err(shape);
            }
            if at % 2 == 1 || at == last {
                old_hash = TreeHash::node(subtree, &old_hash);
                hash = TreeHash::node(subtree, &hash);
                skip_lone_levels(&mut at, &mut last);
            } else {
                hash = TreeHash::node(&hash, subtree);
            }
            (at, last) = (at / 2, last / 2);
        }
        finish(last, self.path.len())?;
        same_root("the earlier tree", old_root, &old_hash)?;
        same_root("the later tree", root, &hash)
    }
}

/// Climbs past the levels at which the rightmost node has no sibling and so is carried up unchanged.
fn skip_lone_levels(at: &mut u64, last: &mut u64) {
    if at.is_multiple_of(2) {
        let lone = at.trailing_zeros();
        (*at, *last) = (shift(*at, lone), shift(*last, lone));
    }
}

/// A right shift that is zero, and not an overflow, for all 64 bits.
fn shift(number: u64, bits: u32) -> u64 {
    number.checked_shr(bits).unwrap_or(0)
}

/// A path that ends below the root is too short.
fn finish(last: u64, hashes: usize) -> Result<(), ProofError> {
    if last == 0 { Ok(()) } else { Err(ProofError::Shape { hashes }) }
}

fn same_root(tree: &'static str, expected: &TreeHash, computed: &TreeHash) -> Result<(), ProofError> {
    if expected == computed {
        Ok(())
    } else {
        Err(ProofError::Root { tree, expected: *expected, computed: *computed })
    }
}

/// The subtrees of PATH(index, D[size]), in the order of the proof.
fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut tree = 0..size;
    while tree.end - tree.start > 1 {
        let middle = tree.start + left_size(tree.end - tree.start);
        if index < middle {
            ranges.push(middle..tree.end);
            tree.end = middle;
        } else {
            ranges.push(tree.start..middle);
            tree.start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The subtrees of PROOF(old, D[size]), in the order of the proof.
fn consistency_ranges(old: u64, size: u64) -> Vec<Range<u64>> {
    if old == 0 || old == size {
        return Vec::new();
    }
    let mut ranges = Vec::new();
    let mut tree = 0..size;
    while tree.end != old {
        let middle = tree.start + left_size(tree.end - tree.start);
        if old <= middle {
            ranges.push(middle..tree.end);
            tree.end = middle;
        } else {
            ranges.push(tree.start..middle);
            tree.start = middle;
        }
    }
    // The rest is a complete subtree of the earlier tree; whoever holds that tree's root needs no telling if it is
    // all of it.
    if tree.start != 0 {
        ranges.push(tree);
    }
    ranges.reverse();
    ranges
}

/// The size of the left subtree: the largest power of two below `size`, which is at least 2.
fn left_size(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The roots of disjoint ranges of leaves, in the order of the ranges.
fn subtree_roots(
    ranges: &[Range<u64>],
    size: u64,
    leaves: impl IntoIterator<Item = TreeHash>,
) -> Result<Vec<TreeHash>, ProveError> {
    let mut in_log_order: Vec<(usize, &Range<u64>)> = ranges.iter().enumerate().collect();
    in_log_order.sort_by_key(|(_, range)| range.start);

    let mut leaves = leaves.into_iter();
    let mut read = 0;
    let mut roots = Vec::with_capacity(ranges.len());
    for (place, range) in in_log_order {
        let mut subtree = Frontier::new();
        while read < range.end {
            let leaf = leaves.next().ok_or(ProveError::LeavesRanOut { leaves: read, size })?;
            if range.contains(&read) {
                subtree.append(leaf);
            }
            read += 1;
        }
        roots.push((place, subtree.root()));
    }
    roots.sort_by_key(|(place, _)| *place);
    Ok(roots.into_iter().map(|(_, root)| root).collect())
}

/// Why a proof cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The leaf is not in the tree.
    #[error(
        "entry {index} is not in a tree of {size} entries; take a checkpoint that is newer than the entry"
    )]
    IndexBeyondTree {
        /// The index asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The earlier tree is the larger one.
    #[error("a tree of {size} entries cannot continue one of {old_size}; give the smaller checkpoint first")]
    TreeShrinks {
        /// The size of the earlier tree.
        old_size: u64,
        /// The size of the later tree.
        size: u64,
    },
    /// The log is shorter than the tree.
    #[error("log has only {leaves} of the {size} entries of the tree; give the whole log")]
    LeavesRanOut {
        /// How many leaves there were.
        leaves: u64,
        /// The size of the tree.
        size: u64,
    },
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The number of hashes, or the sizes, cannot be right.
    #[error("proof has {hashes} hashes, which is impossible for its sizes; ask for the proof again")]
    Shape {
        /// How many hashes it has.
        hashes: usize,
    },
    /// The hashes lead to another root.
    #[error(
        "proof does not hold: {tree} should have root {expected}, but the proof leads to {computed}; do not trust what it was to prove"
    )]
    Root {
        /// Which tree.
        tree: &'static str,
        /// The root that is known.
        expected: TreeHash,
        /// The root that the proof leads to.
        computed: TreeHash,
    },
}
