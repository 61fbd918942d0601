//! The folder of a log: its lock, its keys, and files that are replaced as a whole.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use oam_audit::files::{CHECKPOINT, Files, Segment};
use rustix::fs::FlockOperation;

use super::open::OpenError;

mod keys;
mod segments;
mod tiles;

pub(super) use keys::KeyFiles;
pub(super) use tiles::{compress_bundle, is_plain, remove_bundle};

const LOCK: &str = "lock";

/// For this user, and to read for its group.
const SHARED: u32 = 0o640;

/// A locked folder. The lock ends with this value, or with the process.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates the folder if it is not there, and takes its lock without waiting.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        create_folder(path).map_err(OpenError::io("create the folder", path))?;
        let file = path.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&file);
        let lock = lock.map_err(OpenError::io("open the lock file", &file))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { folder: path.to_owned() }),
            Err(errno) => Err(OpenError::io("lock", &file)(errno.into())),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Its files, as every reader of a log reads them.
    pub(super) fn files(&self) -> Files<impl Fn(&str) -> io::Result<File>> {
        files(&self.path)
    }

    /// Where a file of the journal lies.
    pub(super) fn segment(&self, segment: Segment) -> PathBuf {
        self.path.join(segment.to_string())
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The text of the newest checkpoint; none when no log was begun here.
    pub(super) fn read_checkpoint(&self) -> Result<Option<String>, OpenError> {
        read_if_there(&self.checkpoint())
    }

    pub(super) fn write_checkpoint(&self, text: &str) -> io::Result<()> {
        write_checkpoint(&self.path, text)
    }

    /// Its keys.
    pub(super) fn keys(&self) -> KeyFiles<'_> {
        KeyFiles(&self.path)
    }

    /// Whether there are entries, or a checkpoint that speaks of some. What an interrupted beginning leaves has
    /// neither.
    pub(super) fn has_history(&self) -> Result<bool, OpenError> {
        for (_, path) in self.segments()? {
            let metadata = path.metadata().map_err(OpenError::io("look at", &path))?;
            if metadata.len() > 0 {
                return Ok(true);
            }
        }
        let size = self.read_checkpoint()?.and_then(|text| text.lines().nth(1).map(str::to_owned));
        Ok(size.is_some_and(|size| size != "0"))
    }

    /// Writes a whole file so that, whatever happens, either the old or the new one is there.
    pub(super) fn replace(&self, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        replace(&self.path, name, bytes, mode)
    }
}

/// Replaces the checkpoint of the log in a folder. Whoever calls this holds the folder, and keeps others from doing so.
pub(super) fn write_checkpoint(folder: &Path, text: &str) -> io::Result<()> {
    replace(folder, CHECKPOINT, text.as_bytes(), SHARED)
}

/// Writes a whole file so that, whatever happens, either the old or the new one is there.
fn replace(folder: &Path, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = folder.join(format!("{name}.tmp"));
    let mut file = create_anew(&temporary, mode)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, folder.join(name))?;
    sync_folder(folder)
}

/// The files of the log in a folder, as every reader of a log reads them.
pub(super) fn files(folder: &Path) -> Files<impl Fn(&str) -> io::Result<File> + use<>> {
    let folder = folder.to_owned();
    Files::new(move |path: &str| File::open(folder.join(path)))
}

/// A new, empty file in the place of whatever a crash left there, which could have another mode.
fn create_anew(path: &Path, mode: u32) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(path)
}

/// Makes names durable: created, renamed, removed.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn read_if_there(path: &Path) -> Result<Option<String>, OpenError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OpenError::io("read", path)(error)),
    }
}
