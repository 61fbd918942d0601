//! An index of a log: where to look for what. It can be made again from the log at any time, and is never believed.
//!
//! It lies in a folder of whoever asks, not in that of the log: one that came along with a log could leave out what
//! somebody wants to hide. For each block of 65,536 signed entries it has one file (`block`) that names the root over
//! them, as it follows from the signed checkpoint. A file of another root, or one whose checksums do not hold, is
//! made anew. What it points to is read from the log, seen to be signed, and looked at again: an index makes a search
//! quick, and says nothing.

mod block;
mod build;

use std::{
    collections::HashMap,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use oam_audit::{
    keys::VerifierKey,
    merkle::TreeHash,
    tile::{HEIGHT, WIDTH},
    verify::{BLOCK, VerifyError},
};
use sha2::{Digest as _, Sha256};

use self::{block::Block, build::Builder};
use crate::{failure::Failure, log::SignedLog, query::Filter};

/// The folder of an index.
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    open: HashMap<u64, Block>,
    /// The first entry of the log that is there.
    first: u64,
}

impl Index {
    /// The index of the log with that key, in a folder that is this user's own; it is made where there is none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(given: Option<&Path>, key: &VerifierKey) -> io::Result<Self> {
        let home = match given {
            Some(folder) => folder.to_owned(),
            None => usual_folder().ok_or(io::ErrorKind::NotFound)?,
        };
        let name: String =
            Sha256::digest(key.to_string()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let folder = home.join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, open: HashMap::new(), first: 0 })
    }

    /// Makes the files that are missing or do not serve. `told` learns how many of how many entries are in the index.
    ///
    /// # Errors
    /// When the log cannot be read, or is not in order. That a file cannot be written is no error: it is done without.
    pub fn complete(
        &mut self,
        log: &SignedLog,
        roots: &[TreeHash],
        told: &dyn Fn(u64, u64),
    ) -> Result<(), Failure> {
        self.first = log.first();
        let missing: Vec<u64> = (0u64..)
            .zip(roots)
            .filter(|(number, root)| {
                gone(self.first, *number) < BUNDLES && self.block(*number, root).is_none()
            })
            .map(|(number, _)| number)
            .collect();
        let builder = Builder::new(log.files(), roots, log.first());
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None::<VerifyError>));
        let work = |told: &dyn Fn(u64, u64)| {
            while let Some(number) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = build_one(&self.folder, &builder, *number) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    next.store(missing.len(), Ordering::Relaxed);
                }
                let done = next.load(Ordering::Relaxed).min(missing.len()) as u64;
                told(done.saturating_mul(BLOCK), missing.len() as u64 * BLOCK);
            }
        };
        thread::scope(|scope| {
            let more = thread::available_parallelism().map_or(1, usize::from).min(missing.len());
            for _ in 1..more {
                scope.spawn(|| work(&|_, _| ()));
            }
            work(told);
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(error) => Err(log.failed(error)),
        }
    }

    /// The entries of a block that may be wanted; none when this cannot tell.
    pub fn candidates(&mut self, number: u64, root: &TreeHash, filter: &Filter) -> Option<Vec<Range<u64>>> {
        let found = self.block(number, root)?.find(filter);
        if found.is_err() {
            // Noticed now only: the next search makes it anew.
            self.open.remove(&number);
            let _ = fs::remove_file(self.path(number));
        }
        let first = number * BLOCK;
        Some(found.ok()?.into_iter().map(|range| first + range.start..first + range.end).collect())
    }

    /// A file that serves for the block with that root: it tells of all its bundles that are there.
    fn block(&mut self, number: u64, root: &TreeHash) -> Option<&mut Block> {
        let gone = gone(self.first, number);
        let serves = |block: &Block| block.is_of(root) && block.untold() <= gone;
        if !self.open.get(&number).is_some_and(serves) {
            let block = Block::open(&self.path(number)).ok().filter(serves)?;
            self.open.insert(number, block);
        }
        self.open.get_mut(&number)
    }

    fn path(&self, number: u64) -> PathBuf {
        path(&self.folder, number)
    }
}

/// How many bundles of a block are gone from a log whose first entry that is there is `first`.
fn gone(first: u64, number: u64) -> usize {
    usize::try_from(first.saturating_sub(number * BLOCK) / WIDTH).unwrap_or(usize::MAX).min(BUNDLES)
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}"))
}

/// Makes one file. It appears whole or not at all; what a crash leaves of it is noticed by its checksums.
fn build_one(folder: &Path, builder: &Builder<'_>, number: u64) -> Result<(), VerifyError> {
    let bytes = builder.block(number)?;
    let draft = folder.join(format!(".{number:012}.{}", std::process::id()));
    let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path(folder, number)));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    Ok(())
}

/// `$XDG_CACHE_HOME/oam/audit-index`, or where that usually is.
fn usual_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    cache.is_absolute().then(|| cache.join("oam/audit-index"))
}

/// How many bundles a block has.
const BUNDLES: usize = 1 << HEIGHT;
