//! Which tile, and where it lies.

use std::fmt;

use super::{HEIGHT, WIDTH};

/// One tile. Printed as its path in the folder of a log, such as `tile/0/x001/x234/067.p/12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub kind: TileKind,
    /// Its index among those of its kind, from 0.
    pub index: u64,
    /// How many hashes or entries it holds: [`WIDTH`] when it is full.
    pub width: u64,
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of one level: 0 has those of entries, and each above has the roots of full tiles of the one below.
    Hashes(u32),
    /// The entries themselves.
    Entries,
}

impl Tile {
    /// A full tile.
    #[must_use]
    pub fn full(kind: TileKind, index: u64) -> Self {
        Self { kind, index, width: WIDTH }
    }

    /// The incomplete tile at the right edge of a tree of `size` entries; none where that ends with a full one.
    #[must_use]
    pub fn partial(kind: TileKind, size: u64) -> Option<Self> {
        let count = kind.count(size);
        let width = count % WIDTH;
        (width > 0).then_some(Self { kind, index: count / WIDTH, width })
    }

    /// Whether it is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }
}

impl TileKind {
    /// How many hashes, or entries, of this kind a tree of `size` entries has.
    #[must_use]
    pub fn count(self, size: u64) -> u64 {
        match self {
            Self::Hashes(level) => size.checked_shr(level.saturating_mul(HEIGHT)).unwrap_or(0),
            Self::Entries => size,
        }
    }

    /// The kinds of tiles that a tree of `size` entries has, entries first and then from the leaves up.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let levels = (0..).map(Self::Hashes).take_while(move |level| level.count(size) > 0);
        (size > 0).then_some(Self::Entries).into_iter().chain(levels)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut high = Vec::new();
        let mut rest = self.index / 1000;
        while rest > 0 {
            high.push(rest % 1000);
            rest /= 1000;
        }
        for part in high.iter().rev() {
            write!(f, "x{part:03}/")?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}
