//! Opening a log: look at everything, change nothing, and only then repair the one thing that a crash explains.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, RwLock,
        atomic::AtomicU64,
        mpsc::{self, Receiver},
    },
};

use oam_audit::{
    Name,
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    files::{FileError, Segment},
    keys::{KeyError, SigningKey},
    merkle::TreeHash,
    tile::{Edge, Tile, TileKind, WIDTH},
    verify::{EntryError, VerifyError},
};
use tokio::sync::watch;

use super::{
    Clock, Shared,
    folder::Folder,
    log_file::LogFile,
    people::People,
    places::Places,
    rotate::finish_rotation,
    scan::{Scan, first_fault},
    seal::Sealer,
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

/// Opens the log and starts its writer and its sealer.
pub(super) fn open(
    path: &Path,
    name: &Name,
    clock: Clock,
    queue: Receiver<Request>,
    people: Option<Arc<People>>,
) -> Result<(Arc<Shared>, OpenReport), OpenError> {
    let folder = Folder::lock(path)?;
    let Found { key, signed, checkpoint, segments, begun } = match find(&folder, name)? {
        Some(found) => found,
        None => begin(&folder, name)?,
    };
    let Opened { file, path, edge, places, head, last } = read(&folder, &segments, &checkpoint)?;
    let torn = set_torn_aside(&folder, &file, &path, head.bytes, clock)?;
    // What a crash left in the kernel's cache must be on the disk before it is shown or signed.
    file.sync().map_err(OpenError::io("sync", &path))?;
    folder.adopt(head.segment, &path).map_err(OpenError::io("move to the journal", &path))?;
    let (key, signed) = finish_rotation(&folder, (key, signed), &checkpoint, &last)?;

    let size = head.tree.size();
    let first = folder.files().first_bundle(places.first() / WIDTH)? * WIDTH;
    let shared = Arc::new(Shared {
        folder: folder.path(),
        verifier: key.verifier().clone(),
        first: AtomicU64::new(first),
        size: watch::Sender::new(size),
        head: RwLock::new(head.tree.clone()),
        places: RwLock::new(places),
        checkpoint: watch::Sender::new(signed.to_string().into()),
        checkpoint_file: Mutex::new(true),
        people,
        trouble: RwLock::default(),
        #[cfg(test)]
        faults: Arc::clone(&file.faults),
    });
    let report = OpenReport { size, begun, beyond_checkpoint: size - checkpoint.size, torn };
    let folder = Arc::new(folder);
    let (wake, woken) = mpsc::sync_channel(1);
    let sealer = Sealer::new(Arc::clone(&folder), key, edge, checkpoint.size, Arc::clone(&shared));
    let sealer = sealer.spawn(woken).map_err(OpenError::Thread)?;
    let writer = Writer { file, doubt: None, head, clock, shared: Arc::clone(&shared), wake, sealer, folder };
    writer::spawn(writer, queue).map_err(OpenError::Thread)?;
    Ok((shared, report))
}

/// What is in the folder, its signature verified, its entries not yet read.
struct Found {
    key: SigningKey,
    /// The newest checkpoint with its signatures,
    signed: SignedCheckpoint,
    /// and what it says.
    checkpoint: Checkpoint,
    segments: Vec<(Segment, PathBuf)>,
    begun: bool,
}

/// The log that is there; none if none was ever begun.
///
/// The key is the last thing that a beginning writes. So a key means that there was a log, and all of it must be
/// there: whoever empties a folder but for its key does not get a second history signed with it.
fn find(folder: &Folder, name: &Name) -> Result<Option<Found>, OpenError> {
    let Some(key) = folder.keys().read(name)? else {
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
    let verified = SignedCheckpoint::parse(&text).and_then(|signed| {
        let checkpoint = signed.verify(key.verifier())?.clone();
        Ok((signed, checkpoint))
    });
    let (signed, checkpoint) = verified.map_err(|source| OpenError::Checkpoint { path, source })?;
    Ok(Some(Found { key, signed, checkpoint, segments: folder.segments()?, begun: false }))
}

/// Begins a log. Interrupted anywhere, it begins again the next time.
fn begin(folder: &Folder, name: &Name) -> Result<Found, OpenError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(OpenError::Randomness)?;
    let key = SigningKey::from_seed(name.clone(), &seed);
    let checkpoint = Checkpoint { origin: name.clone(), size: 0, root: TreeHash::empty() };
    let signed = SignedCheckpoint::sign(checkpoint.size, checkpoint.root, &key);

    if folder.segments()?.is_empty() {
        let segment = Segment { first: 0 };
        folder.create_segment(segment).map_err(OpenError::io("create", &folder.segment(segment)))?;
    }
    let segments = folder.segments()?;
    folder.write_checkpoint(&signed.to_string()).map_err(OpenError::io("write", &folder.checkpoint()))?;
    folder.keys().write(&key)?;
    Ok(Found { key, signed, checkpoint, segments, begun: true })
}

/// A log whose journal was read.
struct Opened {
    /// The newest file of the journal, and where it lies.
    file: LogFile,
    path: PathBuf,
    /// The edge of the tiles before the journal.
    edge: Edge,
    places: Places,
    head: Head,
    /// The last entry.
    last: Vec<u8>,
}

/// Reads the journal, from the last full tile before it on, against the checkpoint.
fn read(
    folder: &Folder,
    segments: &[(Segment, PathBuf)],
    checkpoint: &Checkpoint,
) -> Result<Opened, OpenError> {
    let Some(&(first, _)) = segments.first() else {
        return Err(OpenError::JournalMissing { folder: folder.path() });
    };
    let files = folder.files();
    let edge = files.edge(first.first / WIDTH * WIDTH)?;
    if checkpoint.size < edge.size() {
        // An old checkpoint was put back: that is no fault, as long as the log goes on from there.
        let computed = files.edge(checkpoint.size)?.frontier().root();
        if computed != checkpoint.root {
            let (size, signed) = (checkpoint.size, checkpoint.root);
            let source = Box::new(VerifyError::Root { size, signed, computed });
            return Err(OpenError::Damaged { path: folder.path(), source, fault: Fault(None) });
        }
    }
    let mut scan = Scan::after(edge.frontier(), checkpoint);
    let mut places = Places::default();
    if first.first > edge.size() {
        let tile = Tile::full(TileKind::Entries, edge.size() / WIDTH);
        let between = usize::try_from(first.first - edge.size()).unwrap_or(usize::MAX);
        let bundle = files.bundle(tile)?;
        let read = bundle.entries().take(between).try_for_each(|entry| scan.entry(entry));
        read.map_err(|source| damaged(&folder.path().join(tile.to_string()), source, None))?;
    }
    let mut last = None;
    for (segment, path) in segments {
        if segment.first != scan.tree.size() || scan.torn > 0 {
            return Err(OpenError::JournalGap {
                path: path.clone(),
                first: segment.first,
                entries: scan.tree.size(),
            });
        }
        places.begin(*segment);
        let before = scan.tree.clone();
        let file = LogFile::open(path).map_err(OpenError::io("open", path))?;
        let reader = file.reader(0, u64::MAX).map_err(OpenError::io("read", path))?;
        let read = scan.file(reader, |seq, offset| places.note(seq, offset));
        read.map_err(|source| damaged(path, source, Some((&file, *segment))))?;
        last = Some((file, path, *segment, before));
    }
    let Some((file, path, segment, before)) = last else {
        return Err(OpenError::JournalMissing { folder: folder.path() });
    };
    let scan = scan.finish().map_err(|source| damaged(path, source, Some((&file, segment))))?;
    let head = Head { tree: scan.tree, segment, before, bytes: scan.bytes };
    Ok(Opened { file, path: path.clone(), edge, places, head, last: scan.last })
}

/// The root tells that an entry was changed, not which one. Perhaps one betrays itself.
fn damaged(path: &Path, source: VerifyError, read: Option<(&LogFile, Segment)>) -> OpenError {
    let fault = match (&source, read) {
        (VerifyError::Root { .. }, Some((file, segment))) => {
            file.reader(0, u64::MAX).ok().and_then(|reader| first_fault(reader, segment.first))
        }
        _ => None,
    };
    OpenError::Damaged { path: path.to_owned(), source: Box::new(source), fault: Fault(fault) }
}

fn set_torn_aside(
    folder: &Folder,
    file: &LogFile,
    path: &Path,
    whole: u64,
    clock: Clock,
) -> Result<Option<TornTail>, OpenError> {
    let bytes = file.length().map_err(OpenError::io("look at", path))?.saturating_sub(whole);
    if bytes == 0 {
        return Ok(None);
    }
    let name = format!("torn-{}", clock().as_millisecond());
    let set_aside = folder.file(&name);
    copy_torn(folder, file, whole, &name).map_err(OpenError::io("set aside a torn line as", &set_aside))?;
    file.cut(whole).map_err(OpenError::io("cut a torn line off", path))?;
    Ok(Some(TornTail { bytes, set_aside }))
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
    /// There is a key, but no journal.
    #[error("audit log `{}` has no journal, although a log was begun here; restore `journal` from a copy", folder.display())]
    JournalMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// There is a journal, and the one file of a former daemon.
    #[error("audit log has both `{}`, of a former version, and `{}`; find out which of the two is not its own, and set it aside", former.display(), journal.display())]
    TwoJournals {
        /// The one file.
        former: PathBuf,
        /// The folder of the journal.
        journal: PathBuf,
    },
    /// A file of the journal does not go on where the one before it ends.
    #[error("`{}` of the audit log begins with entry {first}, but there are {entries} before it; restore the journal from a copy", path.display())]
    JournalGap {
        /// The file.
        path: PathBuf,
        /// The first entry that it should have.
        first: u64,
        /// How many whole entries there are before it.
        entries: u64,
    },
    /// A tile that is needed to go on is missing or none.
    #[error(transparent)]
    Tiles(#[from] FileError),
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
