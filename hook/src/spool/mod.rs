//! What no daemon could be told, kept until one has it in its audit log; one file each, whose ids sort by time.
//!
//! `<id>.push` holds a `SpooledPush`: what `on_unavailable = open-audited` let in without a check, recorded before git is told
//! yes. `<id>.applied` holds an `AppliedPush`: what git applied.

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

/// What is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A push that was let in without a check.
    Unchecked(v1::SpooledPush),
    /// A push that was applied.
    Applied(v1::AppliedPush),
}

impl Record {
    /// How the name of an unchecked push ends.
    const UNCHECKED: &str = "push";
    /// How the name of an applied push ends.
    const APPLIED: &str = "applied";

    fn file_name(&self) -> String {
        match self {
            Self::Unchecked(push) => format!("{}.{}", push.id, Self::UNCHECKED),
            Self::Applied(push) => format!("{}.{}", push.id, Self::APPLIED),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Unchecked(push) => push.encode_to_vec(),
            Self::Applied(push) => push.encode_to_vec(),
        }
    }

    /// What a file of that name holds; `None`: it is no record.
    fn decode(path: &Path, bytes: &[u8]) -> Option<Self> {
        match path.extension()?.to_str()? {
            Self::UNCHECKED => v1::SpooledPush::decode(bytes).ok().map(Self::Unchecked),
            Self::APPLIED => v1::AppliedPush::decode(bytes).ok().map(Self::Applied),
            _ => None,
        }
    }

    fn is_named_so(path: &Path) -> bool {
        path.extension().is_some_and(|suffix| suffix == Self::UNCHECKED || suffix == Self::APPLIED)
    }
}

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
    v1::SpooledPush {
        id: Uuid::now_v7().to_string(),
        host: opening.host.clone(),
        at_micros: now_micros(),
        opening: Some(opening),
        updates: updates.iter().map(update_to_wire).collect(),
        why,
    }
}

/// A record of updates that were applied just now, with an id of its own.
pub fn applied(opening: v1::Opening, updates: Vec<v1::RefUpdate>) -> v1::AppliedPush {
    let id = Uuid::now_v7().to_string();
    v1::AppliedPush { id, at_micros: now_micros(), opening: Some(opening), updates }
}

fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Keeps a record so that it outlives a power cut: written, synced, renamed, and the folder synced.
///
/// # Errors
/// When any of that fails: then an unchecked push must not go in.
pub fn keep(folder: &Path, record: &Record) -> Result<(), SpoolError> {
    check(folder)?;
    let unusable = |error| SpoolError::Folder { folder: folder.to_owned(), error };
    write(folder, &record.file_name(), &record.encode()).map_err(unusable)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.tmp"));
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let kept = written.and_then(|()| fs::rename(&unfinished, folder.join(name)));
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
        if Record::is_named_so(&path) {
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

    use super::{Record, SpoolError, applied, keep, push, waiting};
    use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};
    use oam_proto::v1;

    fn one() -> Record {
        let name = RefName::parse(b"refs/heads/\xff").unwrap();
        let update = RefUpdate { name, change: RefChange::Create { new: ObjectId::Sha1([1; 20]) } };
        let opening = v1::Opening { pusher: "alice".into(), ..v1::Opening::default() };
        Record::Unchecked(push(opening, &[update], "nobody was there".into()))
    }

    #[test]
    fn what_is_recorded_is_read_back_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let records = [one(), Record::Applied(applied(v1::Opening::default(), Vec::new())), one()];
        for record in records.iter().rev() {
            keep(folder.path(), record).unwrap();
        }
        let read: Vec<_> = waiting(folder.path())
            .unwrap()
            .iter()
            .map(|path| Record::decode(path, &fs::read(path).unwrap()).unwrap())
            .collect();
        assert_eq!(read, records);
        let mode = fs::metadata(&waiting(folder.path()).unwrap()[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing unfinished is left");
    }

    #[test]
    fn a_folder_that_is_missing_or_everybodys_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let missing = keep(&folder.path().join("none"), &one());
        assert!(matches!(missing, Err(SpoolError::Folder { .. })));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(keep(folder.path(), &one()), Err(SpoolError::Untrusted { .. })));
        assert!(matches!(keep(Path::new("/dev/null"), &one()), Err(SpoolError::Untrusted { .. })));
    }
}
