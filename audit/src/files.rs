//! The files of a log, read by whatever opens them: a folder, an archive, a test.

use std::{
    io::{self, Read},
    ops::Range,
};

use flate2::read::MultiGzDecoder;

use crate::{
    merkle::{ConsistencyProof, Frontier, InclusionProof, ProveError, TreeHash},
    tile::{Bundle, BundleError, Edge, HEIGHT, Tile, TileKind, WIDTH, decode_hashes, subtree_root},
};

mod journal;
#[cfg(test)]
mod tests;

pub use journal::{JOURNAL, Segment};

/// The newest signed checkpoint, in the folder of a log.
pub const CHECKPOINT: &str = "checkpoint";
/// The key that it is verified with.
pub const VERIFIER: &str = "checkpoint.pub";

/// What the name of a compressed file of entries ends in.
pub const COMPRESSED: &str = ".gz";

/// The largest file of a full tile: 256 of the longest entries, each after its length.
const LARGEST: u64 = WIDTH * (2 + crate::entry::MAX_ENTRY_BYTES as u64);

/// The files of one log, by their paths in its folder.
#[derive(Debug, Clone)]
pub struct Files<F> {
    open: F,
}

impl<F: Fn(&str) -> io::Result<R>, R: Read> Files<F> {
    /// Those that `open` opens.
    pub fn new(open: F) -> Self {
        Self { open }
    }

    /// Opens one.
    ///
    /// # Errors
    /// When it is not there, or the system refuses.
    pub fn open(&self, path: &str) -> Result<R, FileError> {
        (self.open)(path).map_err(FileError::open(path))
    }

    /// The bytes of a tile, or none when there is no such file. One of entries may be compressed.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is larger than any tile.
    pub fn bytes(&self, tile: Tile) -> Result<Option<Vec<u8>>, FileError> {
        let path = tile.to_string();
        if let Some(file) = self.open_if_there(&path)? {
            return bounded(file, path, tile.width).map(Some);
        }
        if tile.kind != TileKind::Entries || !tile.is_full() {
            return Ok(None);
        }
        let path = path + COMPRESSED;
        let Some(file) = self.open_if_there(&path)? else { return Ok(None) };
        bounded(MultiGzDecoder::new(file), path, tile.width).map(Some).map_err(FileError::of_compressed)
    }

    /// Whether there is a full file of entries, compressed or not.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn has_bundle(&self, index: u64) -> Result<bool, FileError> {
        let path = Tile::full(TileKind::Entries, index).to_string();
        Ok(self.open_if_there(&path)?.is_some() || self.open_if_there(&(path + COMPRESSED))?.is_some())
    }

    /// The first of so many full files of entries that is there: the oldest are pruned first. A few of them are looked at.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn first_bundle(&self, bundles: u64) -> Result<u64, FileError> {
        let (mut from, mut to) = (0, bundles);
        while from < to {
            let middle = from + (to - from) / 2;
            if self.has_bundle(middle)? { to = middle } else { from = middle + 1 }
        }
        Ok(from)
    }

    fn open_if_there(&self, path: &str) -> Result<Option<R>, FileError> {
        match (self.open)(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => file.map(Some).map_err(FileError::open(path)),
        }
    }

    /// The hashes of a tile, exactly as many as its width: from its own file, or from that of the full tile that has
    /// taken its place. Whether they are the right ones, only the root tells.
    ///
    /// # Errors
    /// When neither is there, or holds what it should.
    pub fn hashes(&self, tile: Tile) -> Result<Vec<TreeHash>, FileError> {
        let width = usize::try_from(tile.width).unwrap_or(usize::MAX);
        let (path, bytes) = self.bytes_or_full(tile)?;
        let mut hashes = decode_hashes(&bytes).filter(|hashes| hashes.len() >= width);
        if let Some(hashes) = &mut hashes {
            hashes.truncate(width);
        }
        hashes.ok_or(FileError::Tile { path, width: tile.width })
    }

    /// The entries of a tile, at least as many as its width: as [`Files::hashes`].
    ///
    /// # Errors
    /// As [`Files::hashes`].
    pub fn bundle(&self, tile: Tile) -> Result<Bundle, FileError> {
        let (path, bytes) = self.bytes_or_full(tile)?;
        match Bundle::decode(bytes) {
            Ok(bundle) if bundle.len() >= tile.width => Ok(bundle),
            Ok(_) => Err(FileError::Tile { path, width: tile.width }),
            Err(source) => Err(FileError::Bundle { path, source }),
        }
    }

    fn bytes_or_full(&self, tile: Tile) -> Result<(String, Vec<u8>), FileError> {
        let full = Tile::full(tile.kind, tile.index);
        for candidate in [tile, full] {
            if let Some(bytes) = self.bytes(candidate)? {
                return Ok((candidate.to_string(), bytes));
            }
        }
        Err(FileError::Missing { path: tile.to_string() })
    }

    /// The right edge of the tree of the first `size` entries.
    ///
    /// # Errors
    /// When a tile is missing, or holds too little.
    pub fn edge(&self, size: u64) -> Result<Edge, FileError> {
        Edge::load(size, |tile| self.hashes(tile))
    }

    /// Proof that an entry is among the first `size`.
    ///
    /// # Errors
    /// When it is not, or a tile is missing.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<InclusionProof, FileError> {
        InclusionProof::assemble(index, size, |range| self.range_root(&range, size))
    }

    /// Proof that the first `size` entries begin with the first `old_size`.
    ///
    /// # Errors
    /// When `old_size` is the larger one, or a tile is missing.
    pub fn consistency(&self, old_size: u64, size: u64) -> Result<ConsistencyProof, FileError> {
        ConsistencyProof::assemble(old_size, size, |range| self.range_root(&range, size))
    }

    /// The root over a range of entries as proofs need them, whose start is a multiple of a power of two that is not
    /// below its length.
    pub(crate) fn range_root(&self, range: &Range<u64>, size: u64) -> Result<TreeHash, FileError> {
        let mut tree = Frontier::new();
        self.append_range(&mut tree, range, size)?;
        Ok(tree.root())
    }

    /// Appends the entries of a range by the hashes in tiles. What `tree` has already must be a multiple of each power of
    /// two that is appended at once.
    pub(crate) fn append_range(
        &self,
        tree: &mut Frontier,
        range: &Range<u64>,
        size: u64,
    ) -> Result<(), FileError> {
        let mut at = range.start;
        while at < range.end {
            // The largest complete subtree that begins here and fits, and the hashes of a tile that make it up.
            let height = (range.end - at).ilog2().min(if at == 0 { u64::BITS } else { at.trailing_zeros() });
            let kind = TileKind::Hashes(height / HEIGHT);
            let (first, count) = (kind.count(at), 1 << (height % HEIGHT));
            let index = first / WIDTH;
            let width = (kind.count(size) - index * WIDTH).min(WIDTH);
            let hashes = self.hashes(Tile { kind, index, width })?;
            let (skip, count) = (usize::try_from(first % WIDTH), usize::try_from(count));
            let hashes = hashes.get(skip.unwrap_or(usize::MAX)..).unwrap_or_default();
            let hashes = hashes.get(..count.unwrap_or(usize::MAX));
            let hashes = hashes
                .ok_or_else(|| FileError::Tile { path: Tile { kind, index, width }.to_string(), width })?;
            tree.append_subtree(height, subtree_root(hashes));
            at += 1 << height;
        }
        Ok(())
    }
}

/// What a file holds, if that is no more than a tile can.
fn bounded(file: impl Read, path: String, width: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(FileError::open(&path))?;
    if bytes.len() as u64 > LARGEST { Err(FileError::Tile { path, width }) } else { Ok(bytes) }
}

/// Why the files of a log do not serve.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read `{path}` of the log: {source}; check its owner, its permissions and the medium")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is not there.
    #[error(
        "`{path}` of the log is missing; entries that were pruned are gone for good, anything else restore from a copy, or let the daemon write it again from its journal"
    )]
    Missing {
        /// The file.
        path: String,
    },
    /// It holds other than so many hashes or entries.
    #[error("`{path}` of the log should hold {width} hashes or entries and does not; restore it from a copy")]
    Tile {
        /// The file.
        path: String,
        /// How many it should hold.
        width: u64,
    },
    /// It is not a file of entries.
    #[error("`{path}` of the log is not a file of entries: {source}; restore it from a copy")]
    Bundle {
        /// The file.
        path: String,
        /// What is wrong.
        source: BundleError,
    },
    /// It is not what was compressed.
    #[error("`{path}` of the log is not what was compressed there: {source}; restore it from a copy")]
    Compressed {
        /// The file.
        path: String,
        /// What is wrong.
        source: io::Error,
    },
    /// What was to be proved is not so.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

impl FileError {
    /// What decoding says of bytes is no fault of the medium.
    fn of_compressed(self) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match self {
            Self::Io { path, source }
                if [InvalidData, InvalidInput, UnexpectedEof].contains(&source.kind()) =>
            {
                Self::Compressed { path, source }
            }
            other => other,
        }
    }

    /// The error of opening or reading the file at `path`.
    pub fn open(path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Io { path, source },
        }
    }
}
