//! The newest generation that was acknowledged, kept outside of sled: what an older copy is told apart by.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    thread,
};

use oam_policy::{Digest, SnapshotVersion};

use super::durable;

const TITLE: &str = "oam-floor-v1";
/// More than any floor needs; a file beyond it is not read.
const MAX_BYTES: u64 = 1024;
/// Below every generation.
const NEW: SnapshotVersion = SnapshotVersion { generation: 0, digest: Digest::from_bytes([0; 32]) };

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is none.
    Absent,
    /// There is one, and it cannot be read: why.
    Damaged(String),
    /// Nothing was ever acknowledged.
    New,
    /// No generation below this one may ever be in force again.
    Known(SnapshotVersion),
}

/// A floor that is on the disk beside the one in force, and takes its place at once.
#[derive(Debug)]
pub(crate) struct Floor {
    draft: PathBuf,
    path: PathBuf,
}

impl Floor {
    /// Writes the next floor beside the file.
    pub(crate) fn prepare(path: &Path, version: SnapshotVersion) -> io::Result<Self> {
        let draft = path.with_extension("draft");
        let mut file = durable::create(&draft)?;
        file.write_all(text(version).as_bytes())?;
        file.sync_all()?;
        Ok(Self { draft, path: path.to_owned() })
    }

    /// [`Self::prepare`], while something else is written that the next floor speaks of: the disk is waited for once. Tells of
    /// what went wrong with either, and first of that.
    pub(crate) fn prepare_while<T>(
        path: &Path,
        version: SnapshotVersion,
        write: impl FnOnce() -> T,
    ) -> (io::Result<Self>, T) {
        thread::scope(|scope| {
            let prepare = thread::Builder::new().name("floor".into());
            let prepared = prepare.spawn_scoped(scope, || Self::prepare(path, version));
            let written = write();
            let prepared = match prepared {
                Ok(prepared) => prepared.join().unwrap_or_else(|_| Err(io::Error::other("a thread crashed"))),
                // No thread can be had: one after the other, then.
                Err(_) => Self::prepare(path, version),
            };
            (prepared, written)
        })
    }

    /// Puts it in force. Durable only after [`sync`].
    pub(crate) fn raise(self) -> io::Result<()> {
        fs::rename(&self.draft, &self.path)
    }
}

/// Makes the floor that was raised durable.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    durable::sync_parent(path)
}

/// Writes the floor, durably.
pub(crate) fn write(path: &Path, version: SnapshotVersion) -> io::Result<()> {
    Floor::prepare(path, version)?.raise()?;
    sync(path)
}

/// Writes the floor of a store in which nothing was acknowledged yet. With it, what a crash leaves of the very first
/// generation is no damage.
pub(crate) fn write_new(path: &Path) -> io::Result<()> {
    write(path, NEW)
}

/// Reads the floor.
///
/// # Errors
/// When the file is there but the system does not let it be read.
pub(crate) fn read(path: &Path) -> io::Result<Found> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() || metadata.len() > MAX_BYTES => {
            return Ok(Found::Damaged("it is no small file".into()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    }
    let bytes = fs::read(path)?;
    Ok(match parse(&bytes) {
        Some(NEW) => Found::New,
        Some(version) => Found::Known(version),
        None => Found::Damaged("its checksum does not match".into()),
    })
}

fn text(version: SnapshotVersion) -> String {
    let body = format!("{TITLE}\ngeneration {}\ndigest {}\n", version.generation, version.digest);
    let sum = Digest::of(body.as_bytes());
    format!("{body}sum {sum}\n")
}

/// Reads exactly what [`text`] writes.
fn parse(bytes: &[u8]) -> Option<SnapshotVersion> {
    let written = str::from_utf8(bytes).ok()?;
    let mut lines = written.lines().skip(1);
    let generation = lines.next()?.strip_prefix("generation ")?.parse().ok()?;
    let digest = lines.next()?.strip_prefix("digest ")?.parse().ok()?;
    let version = SnapshotVersion { generation, digest };
    (text(version) == written).then_some(version)
}

#[cfg(test)]
mod tests {
    use oam_policy::{Digest, SnapshotVersion};

    use super::{parse, text};

    #[test]
    fn any_other_byte_is_noticed() {
        let version = SnapshotVersion { generation: 1_234_567, digest: Digest::of(b"content") };
        let good = text(version).into_bytes();
        assert_eq!(parse(&good), Some(version));
        for position in 0..good.len() {
            assert_eq!(parse(&good[..position]), None, "cut to {position}");
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[position] ^= 1 << bit;
                assert_eq!(parse(&bad), None, "byte {position}, bit {bit}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(parse(&bytes), None);
        }

        #[test]
        fn round_trip(generation: u64, content: Vec<u8>) {
            let version = SnapshotVersion { generation, digest: Digest::of(&content) };
            proptest::prop_assert_eq!(parse(text(version).as_bytes()), Some(version));
        }
    }
}
