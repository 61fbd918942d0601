//! What a witness remembers: the last checkpoint of each log, and its own key.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use oam_audit::{
    Name,
    checkpoint::SignedCheckpoint,
    keys::{CosigningKey, VerifierKey},
    merkle::TreeHash,
    witness::Seen,
};

use rustix::fs::FlockOperation;

use crate::failure::Failure;

const KEY: &str = "witness.key";
const VERIFIER: &str = "witness.pub";
const LOCK: &str = "lock";
/// For this user only.
const SECRET: u32 = 0o600;
const SHARED: u32 = 0o644;

/// The folder of a witness, locked, and what is in it.
#[derive(Debug)]
pub(super) struct Memory {
    folder: PathBuf,
    seen: Mutex<BTreeMap<Name, Seen>>,
    _lock: File,
}

/// What was seen, while nobody else can change it.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    folder: &'a Path,
    seen: MutexGuard<'a, BTreeMap<Name, Seen>>,
}

impl Memory {
    /// Opens or begins it. What it has of a log must be signed with one of the keys given for that.
    pub(super) fn open(folder: &Path, logs: &[VerifierKey]) -> Result<Self, Failure> {
        let create = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        create.map_err(|source| Failure::write(folder, source))?;
        let path = folder.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(SECRET).open(&path);
        let lock = lock.map_err(|source| Failure::write(&path, source))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Failure::Usage {
                    what: format!(
                        "`{}` is in use by another witness",
                        crate::output::shown(folder.as_os_str().as_encoded_bytes())
                    ),
                    help: "stop that one, or give this one a folder of its own",
                });
            }
            Err(errno) => return Err(Failure::write(&path, errno.into())),
        }
        let mut seen = BTreeMap::new();
        for key in logs {
            if let Some(found) = read_seen(folder, key.name(), logs)? {
                seen.insert(key.name().clone(), found);
            }
        }
        Ok(Self { folder: folder.to_owned(), seen: Mutex::new(seen), _lock: lock })
    }

    /// The key of the witness with this name; made when there is none.
    pub(super) fn key(&self, name: &Name) -> Result<CosigningKey, Failure> {
        let path = self.folder.join(KEY);
        let key: CosigningKey = match fs::read_to_string(&path) {
            Ok(text) => {
                text.trim().parse().map_err(|error: oam_audit::keys::KeyError| unusable(&path, &error))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed).map_err(|error| unusable(&path, &error))?;
                let key = CosigningKey::from_seed(name.clone(), &seed);
                let text = format!("{}\n", key.expose_secret_text());
                replace(&path, text.as_bytes(), SECRET).map_err(|source| Failure::write(&path, source))?;
                key
            }
            Err(source) => return Err(Failure::read(&path, source)),
        };
        if key.verifier().name() != name {
            return Err(unusable(&path, &format!("it is the key of `{}`", key.verifier().name())));
        }
        let public = self.folder.join(VERIFIER);
        let text = format!("{}\n", key.verifier());
        replace(&public, text.as_bytes(), SHARED).map_err(|source| Failure::write(&public, source))?;
        Ok(key)
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { folder: &self.folder, seen }
    }
}

impl Locked<'_> {
    /// The last checkpoint of a log.
    pub(super) fn of(&self, log: &Name) -> Seen {
        self.seen.get(log).cloned().unwrap_or_else(Seen::nothing)
    }

    /// Makes a checkpoint the last one of a log, durably.
    pub(super) fn store(&mut self, log: &Name, seen: Seen, text: &str) -> io::Result<()> {
        replace(&place(self.folder, log), text.as_bytes(), SHARED)?;
        self.seen.insert(log.clone(), seen);
        Ok(())
    }
}

/// The file of a log: its name may hold slashes, so it is its hash.
fn place(folder: &Path, log: &Name) -> PathBuf {
    folder.join(format!("{}.checkpoint", TreeHash::leaf(log.as_str().as_bytes())))
}

fn read_seen(folder: &Path, log: &Name, keys: &[VerifierKey]) -> Result<Option<Seen>, Failure> {
    let path = place(folder, log);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|source| Failure::read(&path, source))?,
    };
    let signed = SignedCheckpoint::parse(&text).map_err(|error| unusable(&path, &error))?;
    match Seen::of(&signed, keys).filter(|_| signed.claimed_origin() == log) {
        Some(seen) => Ok(Some(seen)),
        None => Err(unusable(&path, &format!("no key that was given for `{log}` has signed it"))),
    }
}

fn unusable(path: &Path, error: &impl ToString) -> Failure {
    Failure::Usage {
        what: format!(
            "`{}`: {}",
            crate::output::shown(path.as_os_str().as_encoded_bytes()),
            error.to_string()
        ),
        help: "a witness must not forget: restore the file from a copy, and find out what happened to it",
    }
}

/// Writes a whole file so that, whatever happens, either the old or the new one is there.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
