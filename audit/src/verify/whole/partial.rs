//! The tiles that are not full.

use std::io::{self, Read};

use crate::{
    files::{FileError, Files},
    merkle::TreeHash,
    tile::{Bundle, Edge, Tile, TileKind, WIDTH, decode_hashes, encode_hashes},
    verify::VerifyError,
};

/// The tiles that are not full, of one checkpoint, with their bytes where there are any.
pub(super) struct Partial(Vec<(Tile, Option<Vec<u8>>)>);

impl Partial {
    pub(super) fn read<F: Fn(&str) -> io::Result<R>, R: Read>(
        files: &Files<F>,
        size: u64,
    ) -> Result<Self, FileError> {
        let tiles = TileKind::all(size).filter_map(|kind| Tile::partial(kind, size));
        tiles.map(|tile| Ok((tile, files.bytes(tile)?))).collect::<Result<_, _>>().map(Self)
    }

    /// The entries of the last bundle.
    pub(super) fn bundle(&self) -> Result<Option<(Tile, Bundle)>, FileError> {
        let entries = self.0.iter().find(|(tile, _)| tile.kind == TileKind::Entries);
        let Some((tile, Some(bytes))) = entries else { return Ok(None) };
        match Bundle::decode(bytes.clone()) {
            Ok(bundle) => Ok(Some((*tile, bundle))),
            Err(source) => Err(FileError::Bundle { path: tile.to_string(), source }),
        }
    }

    /// That they say the same as the entries do. Each is there, unless its place is taken by a full one by now.
    pub(super) fn compare(&self, at: &(Edge, Bundle), entries: u64) -> Result<(), VerifyError> {
        let (edge, bundle) = at;
        for (tile, bytes) in &self.0 {
            let full = TileKind::count(tile.kind, entries) / WIDTH > tile.index;
            let Some(bytes) = bytes else {
                if full {
                    continue;
                }
                return Err(FileError::Missing { path: tile.to_string() }.into());
            };
            if tile.kind == TileKind::Entries {
                if bytes != bundle.as_bytes() {
                    return Err(VerifyError::Bundle { tile: *tile });
                }
                continue;
            }
            let expected = edge.partial().find(|(expected, _)| expected == tile);
            let expected = expected.map(|(_, hashes)| hashes).unwrap_or_default();
            compare_hashes(*tile, bytes, expected)?;
        }
        Ok(())
    }
}

/// That a tile holds just these hashes.
pub(super) fn compare_hashes(tile: Tile, bytes: &[u8], expected: &[TreeHash]) -> Result<(), VerifyError> {
    if bytes == encode_hashes(expected) {
        return Ok(());
    }
    let found = decode_hashes(bytes).unwrap_or_default();
    let same = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count() as u64;
    let TileKind::Hashes(level) = tile.kind else { return Err(VerifyError::Bundle { tile }) };
    let span = WIDTH.checked_pow(level).unwrap_or(u64::MAX);
    let first = (tile.index * WIDTH + same.min(tile.width - 1)).saturating_mul(span);
    Err(VerifyError::Hashes { tile, first })
}
