//! Opening a log: look at everything, change nothing, and only then repair the one thing that a crash explains.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, RwLock, mpsc::Receiver},
};

use oam_audit::{
    Name,
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    keys::{KeyError, SigningKey},
    merkle::TreeHash,
    verify::{EntryError, VerifyError},
};
use tokio::sync::watch;

use super::{
    Clock, Extent, Shared,
    folder::Folder,
    log_file::LogFile,
    scan::{Scan, first_fault, scan},
    writer::{self, Head, Request, Writer},
};

/// What was found when the log was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// How many entries it has.
    pub size: u64,
    /// Whether it was begun just now.
    pub begun: bool,
    /// How many entries no checkpoint had covered yet. More than a few seconds' worth means that the daemon did not
    /// end in good order.
    pub beyond_checkpoint: u64,
    /// Half a line at the end, set aside.
    pub torn: Option<TornTail>,
}

/// Half a line that a crash left, now in a file of its own. Nobody was answered on its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// How many bytes.
    pub bytes: u64,
    /// Where they are kept.
    pub set_aside: PathBuf,
}

/// Opens the log and starts its writer.
pub(super) fn open(
    path: &Path,
    name: &Name,
    clock: Clock,
    queue: Receiver<Request>,
) -> Result<(Arc<Shared>, OpenReport), OpenError> {
    let folder = Folder::lock(path)?;
    let Found { key, checkpoint, file, begun } = match find(&folder, name)? {
        Some(found) => found,
        None => begin(&folder, name)?,
    };
    let entries = folder.entries();
    let scan = read(&file, &checkpoint, &entries)?;
    let torn = set_torn_aside(&folder, &file, &scan, clock)?;
    // What a crash left in the kernel's cache must be on the disk before it is shown or signed.
    file.sync().map_err(OpenError::io("sync", &entries))?;

    let extent = Extent { entries: scan.tree.size(), bytes: scan.bytes };
    let signed = SignedCheckpoint::sign(checkpoint.size, checkpoint.root, &key);
    let shared = Arc::new(Shared {
        entries,
        verifier: key.verifier().clone(),
        extent: watch::Sender::new(extent),
        index: RwLock::new(scan.index),
        checkpoint: watch::Sender::new(signed.to_string().into()),
        #[cfg(test)]
        faults: Arc::clone(&file.faults),
    });
    let report =
        OpenReport { size: extent.entries, begun, beyond_checkpoint: extent.entries - checkpoint.size, torn };
    let head = Head { tree: scan.tree, bytes: scan.bytes, signed: checkpoint.size };
    let writer = Writer::new(folder, file, key, clock, head, Arc::clone(&shared));
    writer::spawn(writer, queue).map_err(OpenError::Thread)?;
    Ok((shared, report))
}

/// What is in the folder, its signature verified, its entries not yet read.
struct Found {
    key: SigningKey,
    checkpoint: Checkpoint,
    file: LogFile,
    begun: bool,
}

/// The log that is there; none if none was ever begun.
///
/// The key is the last thing that a beginning writes. So a key means that there was a log, and all of it must be
/// there: whoever empties a folder but for its key does not get a second history signed with it.
fn find(folder: &Folder, name: &Name) -> Result<Option<Found>, OpenError> {
    let Some(key) = folder.read_key(name)? else {
        return if folder.has_history()? {
            Err(OpenError::KeyMissing { folder: folder.path() })
        } else {
            Ok(None)
        };
    };
    let path = folder.checkpoint();
    let Some(text) = folder.read_checkpoint()? else {
        return Err(OpenError::CheckpointMissing { path });
    };
    let verified = SignedCheckpoint::parse(&text).and_then(|signed| signed.verify(key.verifier()).cloned());
    let checkpoint = verified.map_err(|source| OpenError::Checkpoint { path, source })?;
    let entries = folder.entries();
    let file = LogFile::open(&entries).map_err(OpenError::io("open", &entries))?;
    Ok(Some(Found { key, checkpoint, file, begun: false }))
}

/// Begins a log. Interrupted anywhere, it begins again the next time.
fn begin(folder: &Folder, name: &Name) -> Result<Found, OpenError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(OpenError::Randomness)?;
    let key = SigningKey::from_seed(name.clone(), &seed);
    let checkpoint = Checkpoint { origin: name.clone(), size: 0, root: TreeHash::empty() };
    let signed = SignedCheckpoint::sign(checkpoint.size, checkpoint.root, &key);

    let entries = folder.entries();
    let file = LogFile::create(&entries).map_err(OpenError::io("create", &entries))?;
    folder.write_checkpoint(&signed.to_string()).map_err(OpenError::io("write", &folder.checkpoint()))?;
    folder.write_key(&key)?;
    Ok(Found { key, checkpoint, file, begun: true })
}

fn read(file: &LogFile, checkpoint: &Checkpoint, path: &Path) -> Result<Scan, OpenError> {
    let reader = || file.reader(0, u64::MAX).map_err(OpenError::io("read", path));
    scan(reader()?, checkpoint).map_err(|source| {
        // The root tells that an entry was changed, not which one. Perhaps one betrays itself.
        let altered = matches!(source, VerifyError::Root { .. });
        let fault = if altered { reader().ok().and_then(first_fault) } else { None };
        OpenError::Damaged { path: path.to_owned(), source: Box::new(source), fault: Fault(fault) }
    })
}

fn set_torn_aside(
    folder: &Folder,
    file: &LogFile,
    scan: &Scan,
    clock: Clock,
) -> Result<Option<TornTail>, OpenError> {
    if scan.torn == 0 {
        return Ok(None);
    }
    let name = format!("torn-{}", clock().as_millisecond());
    let set_aside = folder.file(&name);
    copy_torn(folder, file, scan.bytes, &name)
        .map_err(OpenError::io("set aside a torn line as", &set_aside))?;
    file.cut(scan.bytes).map_err(OpenError::io("cut a torn line off", &folder.entries()))?;
    Ok(Some(TornTail { bytes: scan.torn, set_aside }))
}

fn copy_torn(folder: &Folder, file: &LogFile, start: u64, name: &str) -> io::Result<()> {
    let mut torn = Vec::new();
    file.reader(start, u64::MAX)?.read_to_end(&mut torn)?;
    folder.replace(name, &torn, 0o640)
}

/// Why the log is not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system refuses.
    #[error("cannot {doing} `{}` of the audit log: {source}; check its owner, its permissions and the free space", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Somebody else writes here.
    #[error("audit log `{}` is in use by another daemon; stop that one, or give this one a folder of its own", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The system has no randomness for a key.
    #[error(
        "cannot make a key for the audit log: the system has no randomness: {0}; check what the process is allowed to call"
    )]
    Randomness(#[source] getrandom::Error),
    /// There is a log, but not its key.
    #[error("audit log `{}` has no `checkpoint.key`; restore it, or set the whole folder aside to begin a new log", folder.display())]
    KeyMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// The key file is not one.
    #[error("`{}` is not a signing key: {source}; restore it from a copy", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
    /// Others may have read the key.
    #[error("`{}` can be read by others (mode {mode:03o}); if nobody has, `chmod 600` it, else begin a new log in another folder", path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The log has another name.
    #[error("`{}` is the key of the log `{found}`, not of `{wanted}`; a log keeps its name: set the old one, or begin a new log in another folder", path.display())]
    KeyName {
        /// The file.
        path: PathBuf,
        /// The name of the log that is there.
        found: Name,
        /// The name that was asked for.
        wanted: Name,
    },
    /// The published key belongs to another secret.
    #[error("`{}` does not belong to `checkpoint.key`; find out which of the two was replaced, and restore it", path.display())]
    VerifierDiffers {
        /// The file.
        path: PathBuf,
    },
    /// There is a key, but no checkpoint.
    #[error("`{}` is missing, although a log was begun here; restore it from a copy or from whoever keeps your checkpoints", path.display())]
    CheckpointMissing {
        /// The file.
        path: PathBuf,
    },
    /// The checkpoint is not to be believed.
    #[error("`{}` is not to be trusted: {source}; restore it from a copy or from whoever keeps your checkpoints", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: CheckpointError,
    },
    /// The entries are not in order.
    #[error("audit log `{}` is damaged and was left as it is: {source}{fault}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<VerifyError>,
        /// The entry that gives itself away, if one does.
        fault: Fault,
    },
    /// The writer cannot be started.
    #[error("cannot start the writer of the audit log: {0}; check the limit on threads")]
    Thread(#[source] io::Error),
}

/// The first entry that is wrong by itself, as an addition to a message.
#[derive(Debug)]
pub struct Fault(pub Option<EntryError>);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(fault) => write!(f, "; {fault}"),
            None => Ok(()),
        }
    }
}

impl OpenError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
