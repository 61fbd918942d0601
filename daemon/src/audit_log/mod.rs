//! The audit log on disk: every entry durable before anyone is answered.
//!
//! In flow [`Batch`]es of events from the services; out flow their sequence numbers once they are on the disk,
//! the entries to whoever reads along, and a signed checkpoint. One thread writes. It takes everything that is
//! queued, writes it at once, calls `fdatasync` once, and answers all: so the price of durability is shared, and
//! sequence numbers and times need no lock.
//!
//! Another thread works behind the requests' back (`seal`): what is durable goes into tiles of 256 entries, a signed
//! checkpoint tells of them, and then it leaves the journal. So starting reads the journal and a few tiles, however
//! long the log is.
//!
//! A folder holds one log:
//!
//! | file | what it is |
//! |---|---|
//! | `journal/<first>.jsonl` | the newest entries, one a line, only ever appended to: what makes an entry durable |
//! | `tile/entries/…` | all entries but the newest, 256 a file (C2SP tlog-tiles); old ones compressed, or pruned |
//! | `tile/0/…`, `tile/1/…`, … | the hashes of the tree over them |
//! | `checkpoint` | the newest signed checkpoint, replaced as a whole |
//! | `checkpoint.key` | the signing key, for this user only |
//! | `checkpoint.pub` | the key to verify with, to be published |
//! | `lock` | held while a daemon uses the folder |
//! | `torn-<unix ms>` | half a line that a crash left, set aside at the next start |
//!
//! It must never acknowledge what is not durable, show a reader what is not durable, sign two histories, or change
//! a log that it does not find in order. An entry may be on the disk although its writer was never answered (the
//! power went in between): the log says what was decided, not what was heard.

mod batch;
mod cosign;
mod folder;
mod keep;
mod log_file;
mod open;
pub mod people;
mod places;
mod read;
mod rotate;
#[cfg(test)]
pub(crate) mod sample;
mod scan;
mod seal;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use jiff::Timestamp;
use oam_audit::{
    Name,
    checkpoint::SignedCheckpoint,
    entry::{Decision, DecodeError, EncodeError, Entry, Event, Update},
    keys::VerifierKey,
    merkle::Frontier,
};
use people::People;
use places::Places;
use tokio::sync::{Semaphore, oneshot, watch};

pub use batch::Batch;
pub use cosign::CosignError;
pub use keep::{Age, AgeError, KeepError, Keeping, Kept};
pub use open::{Fault, OpenError, OpenReport, TornTail};
pub(crate) use read::dated;
pub use read::{Entries, ReadError};
pub use rotate::{RotateError, rotate};
pub use writer::AppendError;
use writer::{Append, Request};

/// Where the time of entries comes from.
pub type Clock = fn() -> Timestamp;

/// How many bytes of events may wait for the writer. Who comes later waits for room.
const QUEUE_BYTES: u32 = 64 << 20;

/// A handle to the open log. Clones share it; [`AuditLog::close`] ends it for all.
#[derive(Clone, Debug)]
pub struct AuditLog {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Request>,
    room: Arc<Semaphore>,
}

/// What the writer and the sealer tell the readers, and each other.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    verifier: VerifierKey,
    /// The first entry that was not removed.
    first: AtomicU64,
    /// How many entries are durable.
    size: watch::Sender<u64>,
    /// The tree over the durable entries.
    head: RwLock<Frontier>,
    places: RwLock<Places>,
    checkpoint: watch::Sender<Arc<str>>,
    /// Held while the file `checkpoint` is replaced; true while the folder is this log's.
    checkpoint_file: Mutex<bool>,
    /// Who is who; none where people stand in entries by name, and always did.
    people: Option<Arc<People>>,
    /// Why entries are not sealed.
    trouble: RwLock<Option<String>>,
    #[cfg(test)]
    faults: Arc<log_file::Faults>,
}

impl Shared {
    fn head(&self) -> Frontier {
        self.head.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn places(&self) -> RwLockReadGuard<'_, Places> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn places_mut(&self) -> RwLockWriteGuard<'_, Places> {
        self.places.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a batch stands in the log: from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The sequence number of its first entry.
    pub first: u64,
    /// The sequence number of its last entry.
    pub last: u64,
}

impl AuditLog {
    /// Opens the log in `folder`, or begins one there, by the clock of this machine. It reads the journal, and of what
    /// is in tiles only a few, so it blocks for a moment. The one file of entries of a former daemon is read as a
    /// whole, once.
    ///
    /// `name` is the origin of its checkpoints and the node of its entries, and can never change.
    ///
    /// # Errors
    /// When another daemon has the folder, or anything in it is not in order. Nothing is changed then.
    pub fn open(folder: &Path, name: &Name) -> Result<(Self, OpenReport), OpenError> {
        Self::open_with_clock(folder, name, Timestamp::now)
    }

    /// [`AuditLog::open`] with another clock.
    ///
    /// # Errors
    /// As [`AuditLog::open`].
    pub fn open_with_clock(
        folder: &Path,
        name: &Name,
        clock: Clock,
    ) -> Result<(Self, OpenReport), OpenError> {
        Self::open_with(folder, name, clock, None)
    }

    /// [`AuditLog::open`] with another clock, and with the table of people where there is one.
    ///
    /// # Errors
    /// As [`AuditLog::open`].
    pub fn open_with(
        folder: &Path,
        name: &Name,
        clock: Clock,
        people: Option<Arc<People>>,
    ) -> Result<(Self, OpenReport), OpenError> {
        let (queue, requests) = mpsc::channel();
        let (shared, report) = open::open(folder, name, clock, requests, people)?;
        let room = Arc::new(Semaphore::new(QUEUE_BYTES as usize));
        Ok((Self { shared, queue, room }, report))
    }

    /// A batch of one event, in the bytes in which it will stand here.
    ///
    /// # Errors
    /// When it does not fit an entry, or somebody whom it names cannot be given an alias.
    pub fn batch(&self, event: &Event) -> Result<Batch, EncodeError> {
        Batch::empty(self.shared.people.clone()).and(event)
    }

    /// A decision of any size, see [`oam_audit::entry::split`].
    ///
    /// # Errors
    /// When its head, or one of its updates, does not fit an entry, or somebody whom it names cannot be given an alias.
    pub fn decision(
        &self,
        head: Decision,
        updates: impl IntoIterator<Item = Update>,
    ) -> Result<Batch, EncodeError> {
        Batch::empty(self.shared.people.clone()).and_decision(head, updates)
    }

    /// What a line of this log says, with the names of those who are known by aliases.
    ///
    /// # Errors
    /// When it is no entry.
    pub fn read(&self, line: &[u8]) -> Result<Entry, DecodeError> {
        match &self.shared.people {
            Some(people) => people.read(line),
            None => Entry::decode(line),
        }
    }

    /// A line of this log for people: the entry with the names of those who are known by aliases. What is no entry, or has
    /// no room for the names, is given as it is.
    #[must_use]
    pub fn for_people(&self, line: Vec<u8>) -> Vec<u8> {
        match &self.shared.people {
            Some(people) => people.read(&line).ok().and_then(|entry| entry.encode().ok()).unwrap_or(line),
            None => line,
        }
    }

    /// The table of people, where there is one.
    #[must_use]
    pub fn people(&self) -> Option<&Arc<People>> {
        self.shared.people.as_ref()
    }

    /// Appends a batch, its entries side by side, and returns when they are durable. It waits while too much is
    /// queued. Dropping the future does not take back what is queued already.
    ///
    /// # Errors
    /// When the batch could not be stored; then no part of it is in the log. Or when the log was closed, or its
    /// writer died, and it is not known whether it was stored.
    pub async fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        // A batch larger than the whole queue waits until it is alone in it.
        let bytes = u32::try_from(batch.bytes()).unwrap_or(QUEUE_BYTES).min(QUEUE_BYTES);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| AppendError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let request = Request::Append(Append { batch, reply, _room: room });
        self.queue.send(request).map_err(|_| AppendError::Closed)?;
        answer.await.map_err(|_| AppendError::Closed)?
    }

    /// Writes what is queued, signs a last checkpoint, ends the writer and frees the folder. Every later append
    /// fails. Closing twice is no error.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Request::Close(done)).is_ok() {
            // An error means that the writer is gone already, which is what is wanted.
            let _ = closed.await;
        }
    }

    /// How many entries are durable now.
    #[must_use]
    pub fn size(&self) -> u64 {
        *self.shared.size.borrow()
    }

    /// The first entry that is still there: those before it were pruned.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.shared.first.load(Ordering::Acquire)
    }

    /// Tells of every growth, for those who follow the log: how many entries are durable.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.shared.size.subscribe()
    }

    /// Why entries are durable, but neither in tiles nor signed; none when that is in order.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest signed checkpoint, as the text of its note.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<str> {
        Arc::clone(&self.shared.checkpoint.borrow())
    }

    /// How many entries are signed: the newest checkpoint covers them.
    #[must_use]
    pub fn signed(&self) -> u64 {
        self.covered_by(&self.checkpoint())
    }

    /// How many entries a checkpoint of this log covers; none when it is none.
    pub(crate) fn covered_by(&self, checkpoint: &str) -> u64 {
        let signed = SignedCheckpoint::parse(checkpoint);
        signed
            .and_then(|signed| signed.verify(self.verifier()).map(|checkpoint| checkpoint.size))
            .unwrap_or(0)
    }

    /// The key that its checkpoints are verified with.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.shared.verifier
    }
}
