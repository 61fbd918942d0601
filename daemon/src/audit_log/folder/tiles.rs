//! Tiles: written whole, and durable when that is asked for.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use oam_audit::{
    files::COMPRESSED,
    tile::{Tile, TileKind},
};
use rustix::fs::Advice;

use super::{Folder, SHARED, create_anew, create_folder, sync_folder};

/// How many files of entries there may be for one tile that is not full: the newest, and one that somebody may just be
/// reading.
const PARTIAL_BUNDLES: usize = 2;

impl Folder {
    /// Writes a tile whole, unless it is there already and says the same. It is not durable by that.
    pub(in crate::audit_log) fn write_tile(&self, tile: Tile, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(tile.to_string());
        match fs::read(&path) {
            Ok(there) if there == bytes => return Ok(()),
            // A crash leaves such a thing, and so does somebody else's hand: the journal knows better.
            Ok(_) => {
                tracing::warn!(%tile, "audit log: a tile is not what the journal says, and is written again");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        let temporary = with_suffix(&path, ".tmp");
        create_anew(&temporary, SHARED)?.write_all(bytes)?;
        fs::rename(&temporary, &path)?;
        tidy(tile, &path)
    }

    /// Makes tiles durable, and their names.
    pub(in crate::audit_log) fn sync_tiles(&self, tiles: &BTreeSet<Tile>) -> io::Result<()> {
        let mut folders = BTreeSet::from([self.path.clone()]);
        for tile in tiles {
            let path = self.path.join(tile.to_string());
            File::open(&path)?.sync_all()?;
            let above = path.ancestors().skip(1).take_while(|folder| *folder != self.path);
            folders.extend(above.map(Path::to_owned));
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }

    /// Asks the kernel to drop its copy of a tile, so that what is read next comes from the disk.
    pub(in crate::audit_log) fn forget_cache(&self, tile: Tile) -> io::Result<()> {
        let file = File::open(self.path.join(tile.to_string()))?;
        Ok(rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?)
    }
}

/// Whether a file of entries is there as it was written.
pub(in crate::audit_log) fn is_plain(folder: &Path, tile: Tile) -> io::Result<bool> {
    folder.join(tile.to_string()).try_exists()
}

/// Compresses a full file of entries. The plain one goes when the other is durable and says the same.
pub(in crate::audit_log) fn compress_bundle(folder: &Path, tile: Tile) -> io::Result<()> {
    let plain = folder.join(tile.to_string());
    let bytes = fs::read(&plain)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes)?;
    let (compressed, temporary) = (with_suffix(&plain, COMPRESSED), with_suffix(&plain, ".gz.tmp"));
    let mut file = create_anew(&temporary, SHARED)?;
    file.write_all(&encoder.finish()?)?;
    file.sync_all()?;
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    let mut read = Vec::new();
    MultiGzDecoder::new(File::open(&temporary)?).take(bytes.len() as u64 + 1).read_to_end(&mut read)?;
    if read != bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "what was compressed reads back otherwise"));
    }
    fs::rename(&temporary, &compressed)?;
    sync_parent(&plain)?;
    fs::remove_file(&plain)?;
    sync_parent(&plain)
}

/// Removes a full file of entries, compressed or not.
pub(in crate::audit_log) fn remove_bundle(folder: &Path, tile: Tile) -> io::Result<()> {
    let plain = folder.join(tile.to_string());
    for path in [&plain, &with_suffix(&plain, COMPRESSED)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_parent(&plain)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Removes what a tile stands for now. Hashes of tiles that are not full stay until they are, since somebody may
/// hold the checkpoint that they belong to; entries are in the larger file as well.
fn tidy(tile: Tile, path: &Path) -> io::Result<()> {
    if tile.is_full() {
        return match fs::remove_dir_all(with_suffix(path, ".p")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let (TileKind::Entries, Some(folder)) = (tile.kind, path.parent()) else { return Ok(()) };
    let mut widths: Vec<u64> = Vec::new();
    for entry in fs::read_dir(folder)? {
        widths.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    widths.sort_unstable_by(|a, b| b.cmp(a));
    widths.iter().skip(PARTIAL_BUNDLES).try_for_each(|width| fs::remove_file(folder.join(width.to_string())))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
