//! What `on_unavailable = open-audited` let in without a check: recorded before git is told yes, and kept until a
//! daemon has it in its audit log. One file for each push, `<id>.push`, holding a `SpooledPush`; the ids sort by time.

mod deliver;

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use oam_policy::{RefUpdate, printable::Printable};
use oam_proto::{update_to_wire, v1};
use prost::Message as _;
use thiserror::Error;
use uuid::Uuid;

pub use deliver::{DeliverError, Delivered, deliver};

/// How a record's name ends.
const SUFFIX: &str = "push";

/// Why a push could not be recorded, or the records not be read.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The folder cannot be used.
    #[error("the spool folder `{}` cannot be used: {error}", Printable::new(folder.as_os_str().as_encoded_bytes()))]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody else could have put records there.
    #[error("the spool folder `{}` is not to be trusted: {detail}", Printable::new(folder.as_os_str().as_encoded_bytes()))]
    Untrusted {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
}

impl SpoolError {
    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Folder { .. } => {
                "make that folder for the git server's user (install -d -m 700), on a disk with space"
            }
            Self::Untrusted { .. } => "only root or the git server's own user may own and write that folder",
        }
    }
}

/// A record of a push that goes in now, with an id of its own.
pub fn push(opening: v1::Opening, updates: &[RefUpdate], why: String) -> v1::SpooledPush {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    v1::SpooledPush {
        id: Uuid::now_v7().to_string(),
        host: opening.host.clone(),
        at_micros: i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        opening: Some(opening),
        updates: updates.iter().map(update_to_wire).collect(),
        why,
    }
}

/// Records a push so that it outlives a power cut: written, synced, renamed, and the folder synced.
///
/// # Errors
/// When any of that fails: then the push must not go in.
pub fn record(folder: &Path, push: &v1::SpooledPush) -> Result<(), SpoolError> {
    check(folder)?;
    let unusable = |error| SpoolError::Folder { folder: folder.to_owned(), error };
    write(folder, &push.id, &push.encode_to_vec()).map_err(unusable)
}

fn write(folder: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{id}.tmp"));
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let kept = written.and_then(|()| fs::rename(&unfinished, folder.join(format!("{id}.{SUFFIX}"))));
    if kept.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    kept?;
    File::open(folder)?.sync_all()
}

/// The records in a folder, the oldest first.
///
/// # Errors
/// When the folder cannot be read or trusted.
pub fn waiting(folder: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    check(folder)?;
    let unusable = |error| SpoolError::Folder { folder: folder.to_owned(), error };
    let mut records = Vec::new();
    for entry in fs::read_dir(folder).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        if path.extension().is_some_and(|suffix| suffix == SUFFIX) {
            records.push(path);
        }
    }
    records.sort_unstable();
    Ok(records)
}

fn check(folder: &Path) -> Result<(), SpoolError> {
    let unusable = |error| SpoolError::Folder { folder: folder.to_owned(), error };
    let metadata = fs::metadata(folder).map_err(unusable)?;
    let untrusted = |detail: String| Err(SpoolError::Untrusted { folder: folder.to_owned(), detail });
    if !metadata.is_dir() {
        return untrusted("it is no folder".into());
    }
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != 0 && metadata.uid() != us {
        return untrusted(format!("it belongs to user {}", metadata.uid()));
    }
    if metadata.mode() & 0o002 != 0 {
        return untrusted("everybody can write it".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};
    use oam_proto::v1;
    use prost::Message as _;

    use super::{SpoolError, push, record, waiting};

    fn one() -> v1::SpooledPush {
        let name = RefName::parse(b"refs/heads/\xff").unwrap();
        let update = RefUpdate { name, change: RefChange::Create { new: ObjectId::Sha1([1; 20]) } };
        let opening = v1::Opening { pusher: "alice".into(), ..v1::Opening::default() };
        push(opening, &[update], "nobody was there".into())
    }

    #[test]
    fn what_is_recorded_is_read_back_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let pushes = [one(), one(), one()];
        for push in pushes.iter().rev() {
            record(folder.path(), push).unwrap();
        }
        let read: Vec<_> = waiting(folder.path())
            .unwrap()
            .iter()
            .map(|path| v1::SpooledPush::decode(&*fs::read(path).unwrap()).unwrap())
            .collect();
        assert_eq!(read, pushes);
        let mode = fs::metadata(&waiting(folder.path()).unwrap()[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing unfinished is left");
    }

    #[test]
    fn a_folder_that_is_missing_or_everybodys_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let missing = record(&folder.path().join("none"), &one());
        assert!(matches!(missing, Err(SpoolError::Folder { .. })));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(record(folder.path(), &one()), Err(SpoolError::Untrusted { .. })));
        assert!(matches!(record(Path::new("/dev/null"), &one()), Err(SpoolError::Untrusted { .. })));
    }
}
