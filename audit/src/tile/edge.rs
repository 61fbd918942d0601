//! The right edge of a tree, in tiles: what it takes to go on writing them.

use crate::merkle::{Frontier, TreeHash};

use super::{HEIGHT, Tile, TileKind, WIDTH, subtree_root};

/// The hashes of the incomplete tile of each level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<TreeHash>>,
}

impl Edge {
    /// That of the tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// That of a tree of `size` leaves, of which `tile` gives the hashes of each tile of level 0 and up that is asked
    /// for: at least as many as its width. It asks for fewer than 256 of each level, however large the tree is. Whether
    /// they are the right ones, only the root tells.
    ///
    /// # Errors
    /// Whatever `tile` fails with.
    pub fn load<E>(size: u64, mut tile: impl FnMut(Tile) -> Result<Vec<TreeHash>, E>) -> Result<Self, E> {
        let mut edge = Self { size, levels: Vec::new() };
        for kind in TileKind::all(size) {
            let TileKind::Hashes(level) = kind else { continue };
            let Some(partial) = Tile::partial(kind, size) else {
                edge.levels.push(Vec::new());
                continue;
            };
            let hashes = match level.checked_sub(1) {
                None => {
                    let mut hashes = tile(partial)?;
                    hashes.truncate(usize::try_from(partial.width).unwrap_or(usize::MAX));
                    hashes
                }
                // Not from its own file, which is replaced all the time, but from the full ones below, which stand.
                Some(below) => {
                    let first = partial.index * WIDTH;
                    let children = (first..first + partial.width)
                        .map(|index| tile(Tile::full(TileKind::Hashes(below), index)));
                    children
                        .map(|child| child.map(|hashes| subtree_root(&hashes)))
                        .collect::<Result<_, E>>()?
                }
            };
            edge.levels.push(hashes);
        }
        Ok(edge)
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf, and gives the tiles that are full by that, from level 0 up.
    pub fn append(&mut self, leaf: TreeHash) -> Vec<(Tile, Vec<TreeHash>)> {
        self.size += 1;
        self.carry(0, leaf)
    }

    /// Appends the leaves of a full tile at once by their root, and gives the tiles that are full by that, from level 1
    /// up. The size so far must be a multiple of [`WIDTH`].
    pub fn append_tile(&mut self, root: TreeHash) -> Vec<(Tile, Vec<TreeHash>)> {
        debug_assert!(self.size.is_multiple_of(WIDTH), "{} leaves", self.size);
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        self.size += WIDTH;
        self.carry(1, root)
    }

    fn carry(&mut self, lowest: u32, hash: TreeHash) -> Vec<(Tile, Vec<TreeHash>)> {
        let mut full = Vec::new();
        let mut carried = Some(hash);
        for level in lowest.. {
            let Some(hash) = carried.take() else { break };
            let count = TileKind::Hashes(level).count(self.size);
            let at = level as usize;
            if self.levels.len() <= at {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(at) else { break };
            hashes.push(hash);
            if hashes.len() as u64 == WIDTH {
                let hashes = std::mem::take(hashes);
                carried = Some(subtree_root(&hashes));
                full.push((Tile::full(TileKind::Hashes(level), count / WIDTH - 1), hashes));
            }
        }
        full
    }

    /// The incomplete tiles.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[TreeHash])> {
        (0..).zip(&self.levels).filter_map(|(level, hashes)| {
            Some((Tile::partial(TileKind::Hashes(level), self.size)?, hashes.as_slice()))
        })
    }

    /// The same edge, as the roots of complete subtrees.
    #[must_use]
    pub fn frontier(&self) -> Frontier {
        let mut tree = Frontier::new();
        let mut levels: Vec<_> = (0..).zip(&self.levels).collect();
        levels.reverse();
        for (level, hashes) in levels {
            hashes.iter().for_each(|&hash| tree.append_subtree(level * HEIGHT, hash));
        }
        tree
    }
}
