//! Files that are there whole, or not at all, after a power failure.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Makes a folder for this user only, if there is none.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    sync_parent(path)
}

/// Opens a file of this user only to be written from its beginning.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Makes the names in a file's folder durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// Moves a damaged file or folder out of the way and tells where it lies now; `None` when there is nothing to keep.
pub(crate) fn set_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    move_aside(path, path)
}

/// Puts the folder `fresh` in the place of `path` in one step, and tells where the one before it is kept.
pub(crate) fn swap(fresh: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
    if fs::symlink_metadata(path).is_err() {
        fs::rename(fresh, path)?;
        sync_parent(path)?;
        return Ok(None);
    }
    renameat_with(CWD, fresh, CWD, path, RenameFlags::EXCHANGE)?;
    sync_parent(path)?;
    move_aside(fresh, path)
}

/// Moves what lies at `from` to where a damaged `path` is kept.
fn move_aside(from: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
    if !holds_anything(from) {
        return Ok(None);
    }
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut millis = since_epoch.as_millis();
    let aside = loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".set-aside-{millis}"));
        let candidate = PathBuf::from(name);
        if fs::symlink_metadata(&candidate).is_err() {
            break candidate;
        }
        millis += 1;
    };
    fs::rename(from, &aside)?;
    sync_parent(path)?;
    Ok(Some(aside))
}

fn holds_anything(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
        }
        Ok(_) => true,
        Err(_) => false,
    }
}
