//! The signed entries of a log, from files alone: each is seen to be signed before it is shown.

use std::{
    collections::HashMap,
    fs,
    io::{self, Cursor, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use oam_audit::{
    checkpoint::{Checkpoint, CheckpointError, SignatureError, SignedCheckpoint},
    entry::Entry,
    files::{CHECKPOINT, FileError, Files, VERIFIER},
    keys::VerifierKey,
    merkle::TreeHash,
    tile::WIDTH,
    verify::{SignedBundle, VerifyError, block_roots, read_entry},
};

use super::{LogFolder, People};
use crate::failure::Failure;

/// How often a log is looked at again that was written on meanwhile.
const ATTEMPTS: u32 = 5;
/// No file of a log is longer than a bundle of the longest entries.
const LARGEST: u64 = 32 << 20;
/// How many full tiles of hashes are kept in memory: 16 MiB.
const KEPT_TILES: usize = 2_048;

/// The files of a log. Full tiles of hashes never change, and are read once.
pub type LogFiles = Files<Box<dyn Fn(&str) -> io::Result<Cursor<Arc<[u8]>>> + Send + Sync>>;

/// A log up to its checkpoint. What comes after that is not shown: nothing vouches for it yet.
pub struct SignedLog {
    folder: LogFolder,
    key: VerifierKey,
    checkpoint: Checkpoint,
    files: LogFiles,
    /// The first entry that is there: those before it are gone.
    first: u64,
    people: People,
    /// The bundle that was read last.
    last: Option<Arc<SignedBundle>>,
}

impl std::fmt::Debug for SignedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedLog").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SignedLog {
    /// Opens the log in the folder that was given, or the first of the usual ones, by the key that was given, or the one
    /// beside it.
    ///
    /// # Errors
    /// When there is none, or its checkpoint is not to be believed.
    pub fn open(dir: Option<&Path>, key: Option<&str>) -> Result<Self, Failure> {
        let folder = LogFolder::find(dir)?;
        let key = self::key(key, folder.path())?;
        let checkpoint = checkpoint(&folder, &key)?;
        let files = files(folder.path());
        let mut log =
            Self { folder, key, checkpoint, files, first: 0, people: People::default(), last: None };
        let first = log.files.first_bundle(log.size() / WIDTH).map_err(|error| log.failed(error.into()))?;
        log.first = first * WIDTH;
        Ok(log)
    }

    /// The same, with the names of people where it has aliases.
    #[must_use]
    pub fn with_people(self, people: People) -> Self {
        Self { people, ..self }
    }

    /// Who is who.
    #[must_use]
    pub fn people(&self) -> &People {
        &self.people
    }

    /// How many entries are signed.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The first entry that is there. Whether those before it may be gone, [`crate::query::Search::pruned`] tells.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The key that its checkpoint was verified with.
    #[must_use]
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The root of the tree over the signed entries.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        self.checkpoint.root
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &LogFiles {
        &self.files
    }

    /// The roots over its whole blocks, seen to be signed.
    ///
    /// # Errors
    /// When they are not, or cannot be read.
    pub fn block_roots(&mut self) -> Result<Vec<TreeHash>, Failure> {
        self.attempt(|log| block_roots(&log.files, &log.checkpoint))
    }

    /// The bundle that an entry is in.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was signed.
    pub fn bundle(&mut self, seq: u64) -> Result<Arc<SignedBundle>, Failure> {
        if let Some(last) = self.last.as_ref().filter(|last| last.range().contains(&seq)) {
            return Ok(Arc::clone(last));
        }
        let bundle = Arc::new(self.attempt(|log| SignedBundle::read(&log.files, &log.checkpoint, seq))?);
        self.last = Some(Arc::clone(&bundle));
        Ok(bundle)
    }

    /// An entry and its bytes. The bytes are those of the log; the entry has the names of people who are known.
    ///
    /// # Errors
    /// When it cannot be read, is not what was signed, or is none that this version knows.
    pub fn entry(&mut self, seq: u64) -> Result<(Vec<u8>, Entry), Failure> {
        let bundle = self.bundle(seq)?;
        let line = bundle.lines().find(|(at, _)| *at == seq).map(|(_, line)| line.to_vec());
        let line = line.unwrap_or_default();
        let mut entry = read_entry(seq, &line).map_err(|error| self.failed(error))?;
        self.people.table().open_entry(&mut entry);
        Ok((line, entry))
    }

    /// Takes the newest checkpoint, and makes sure that the log only grew. Returns whether it did.
    ///
    /// # Errors
    /// When the log was put back or rewritten, or cannot be read.
    pub fn refresh(&mut self) -> Result<bool, Failure> {
        for _ in 0..ATTEMPTS {
            let newest = checkpoint(&self.folder, &self.key)?;
            if newest == self.checkpoint {
                return Ok(false);
            }
            let grew = self.files.consistency(self.checkpoint.size, newest.size);
            match grew {
                // The daemon replaced tiles that were not full, and has signed another one.
                Err(FileError::Missing { .. }) => {}
                Err(error) => return Err(self.failed(error.into())),
                Ok(proof) => {
                    proof.verify(&self.checkpoint.root, &newest.root).map_err(|source| {
                        Failure::log(self.path(), format!("it does not continue what it was: {source}"))
                    })?;
                    self.checkpoint = newest;
                    self.people.refresh();
                    self.last = None;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Does what reads files, again where a running daemon has replaced some of them meanwhile.
    fn attempt<T>(&mut self, read: impl Fn(&Self) -> Result<T, VerifyError>) -> Result<T, Failure> {
        for _ in 1..ATTEMPTS {
            match read(self) {
                Err(VerifyError::File(FileError::Missing { .. })) if self.refresh()? => {}
                done => return done.map_err(|error| self.failed(error)),
            }
        }
        read(self).map_err(|error| self.failed(error))
    }

    /// A log that cannot be read is told apart from one that is not in order.
    pub(crate) fn failed(&self, error: VerifyError) -> Failure {
        match error {
            VerifyError::Read { source, .. } => Failure::read(self.path(), source),
            VerifyError::File(FileError::Io { path, source }) => {
                Failure::read(&self.path().join(path), source)
            }
            error => Failure::log(self.path(), error.to_string()),
        }
    }
}

/// The key: given as text, in a file that was given, or beside the log.
pub(crate) fn key(given: Option<&str>, folder: &Path) -> Result<VerifierKey, Failure> {
    if let Some(key) = given.and_then(|text| text.trim().parse().ok()) {
        return Ok(key);
    }
    let path = given.map_or_else(|| folder.join(VERIFIER), PathBuf::from);
    let text = fs::read_to_string(&path).map_err(|source| Failure::read(&path, source))?;
    text.trim().parse().map_err(|error: oam_audit::keys::KeyError| Failure::Usage {
        what: format!("`{}`: {error}", crate::output::shown(path.as_os_str().as_encoded_bytes())),
        help: "give the text that the daemon wrote to `checkpoint.pub`, or a file with it",
    })
}

fn checkpoint(folder: &LogFolder, key: &VerifierKey) -> Result<Checkpoint, Failure> {
    let path = folder.path().join(CHECKPOINT);
    let text = fs::read_to_string(&path).map_err(|source| Failure::read(&path, source))?;
    let signed = SignedCheckpoint::parse(&text).and_then(|signed| Ok(signed.verify(key)?.clone()));
    signed.map_err(|error| {
        let missing = matches!(error, CheckpointError::Signature(SignatureError::Missing { .. }));
        let rotated = if missing {
            ". If it was given another key since, `oam audit verify` with yours tells which"
        } else {
            ""
        };
        Failure::log(folder.path(), format!("{error}{rotated}"))
    })
}

fn files(folder: &Path) -> LogFiles {
    let folder = folder.to_owned();
    let kept: Mutex<HashMap<String, Arc<[u8]>>> = Mutex::default();
    Files::new(Box::new(move |path: &str| {
        let of_hashes = path.starts_with("tile/") && !path.starts_with("tile/entries/");
        let stays = of_hashes && !path.contains(".p/");
        let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
        if stays && let Some(bytes) = lock().get(path) {
            return Ok(Cursor::new(Arc::clone(bytes)));
        }
        let mut bytes = Vec::new();
        fs::File::open(folder.join(path))?.take(LARGEST).read_to_end(&mut bytes)?;
        let bytes: Arc<[u8]> = bytes.into();
        if stays {
            let mut kept = lock();
            if kept.len() >= KEPT_TILES {
                kept.clear();
            }
            kept.insert(path.to_owned(), Arc::clone(&bytes));
        }
        Ok(Cursor::new(bytes))
    }))
}
