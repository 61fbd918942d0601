//! The one thread that writes: group commit, checkpoints, and what to do when the disk fails.

use std::{
    io,
    sync::{
        Arc, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use oam_audit::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    keys::SigningKey,
    merkle::{Frontier, TreeHash},
    verify::VerifyError,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Appended, Batch, Clock, Extent, Shared, folder::Folder, log_file::LogFile, scan::scan};

/// How much is written at once. What is queued beyond that waits for the next turn.
const GROUP_BYTES: usize = 8 << 20;
/// The least time between two checkpoints, and between two attempts to get a doubtful file back.
const PAUSE: Duration = Duration::from_secs(1);

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    Append(Append),
    Close(oneshot::Sender<()>),
}

/// A batch that waits, and who waits for it.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) batch: Batch,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
    /// Its room in the queue, freed when it is answered.
    pub(super) _room: OwnedSemaphorePermit,
}

/// Why a batch was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The log was closed, or its writer died.
    #[error("audit log is closed; start the daemon again")]
    Closed,
    /// The disk does not take it.
    #[error(
        "audit log cannot {doing} its entries ({source}); free space or repair the disk: it goes on by itself"
    )]
    Storage {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// The disk failed, and what it holds now is not what was stored.
    #[error(
        "audit log is not on the disk as it was stored: {source}; stop the daemon and restore the log from a copy"
    )]
    Damaged {
        /// What is wrong.
        source: Arc<VerifyError>,
    },
}

impl AppendError {
    fn storage(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Storage { doing, source: Arc::new(source) }
    }
}

/// The state of the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    file: LogFile,
    /// Set after a failure of which it is not known what it left on the disk; nothing is written until it is cleared.
    doubt: Option<Doubt>,
    head: Head,
    key: SigningKey,
    clock: Clock,
    /// When a checkpoint was last attempted.
    sign_tried: Option<Instant>,
    shared: Arc<Shared>,
    /// Last, so that the lock outlives everything else.
    folder: Folder,
}

/// How far the log has come.
#[derive(Debug)]
pub(super) struct Head {
    /// The tree over the durable entries.
    pub(super) tree: Frontier,
    /// The bytes of their lines.
    pub(super) bytes: u64,
    /// How many entries the newest stored checkpoint covers.
    pub(super) signed: u64,
}

#[derive(Debug)]
struct Doubt {
    cause: AppendError,
    tried: Instant,
}

/// Starts the thread.
pub(super) fn spawn(writer: Writer, queue: Receiver<Request>) -> io::Result<()> {
    thread::Builder::new().name("audit-log".into()).spawn(move || writer.run(&queue)).map(drop)
}

impl Writer {
    pub(super) fn new(
        folder: Folder,
        file: LogFile,
        key: SigningKey,
        clock: Clock,
        head: Head,
        shared: Arc<Shared>,
    ) -> Self {
        Self { file, doubt: None, head, key, clock, sign_tried: None, shared, folder }
    }

    /// Serves until it is closed or no handle is left.
    fn run(mut self, queue: &Receiver<Request>) {
        let mut closing = None;
        while closing.is_none() {
            match self.wait(queue) {
                Ok(Request::Append(first)) => closing = self.serve(first, queue),
                Ok(Request::Close(done)) => closing = Some(done),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.sign_in().is_some_and(|pause| pause.is_zero()) {
                self.sign();
            }
        }
        self.sign();
        drop(self);
        // Nobody may be waiting any more.
        let _ = closing.map(|done| done.send(()));
    }

    /// The next request, or a timeout when a checkpoint is due first.
    fn wait(&self, queue: &Receiver<Request>) -> Result<Request, RecvTimeoutError> {
        match self.sign_in() {
            Some(pause) => queue.recv_timeout(pause),
            None => queue.recv().map_err(RecvTimeoutError::from),
        }
    }

    /// Stores one group, and answers those who wait. Returns who asked to close, if that came in between.
    fn serve(&mut self, first: Append, queue: &Receiver<Request>) -> Option<oneshot::Sender<()>> {
        let (group, closing) = gather(first, queue);
        let stored = self.store(&group);
        let mut places = stored.as_deref().unwrap_or_default().iter();
        for append in group {
            let answer = match (&stored, places.next()) {
                (Ok(_), Some(&place)) => Ok(place),
                (Err(error), _) => Err(error.clone()),
                (Ok(_), None) => Err(AppendError::Closed),
            };
            // Who went away is not told; the entry stays.
            let _ = append.reply.send(answer);
        }
        closing
    }

    /// Writes a group and makes it durable; only then anything of this writer's state, or of what readers see,
    /// moves on.
    fn store(&mut self, group: &[Append]) -> Result<Vec<Appended>, AppendError> {
        self.settle_doubt()?;
        let mut next = Group { tree: self.head.tree.clone(), start: self.head.bytes, ..Group::default() };
        for append in group {
            next.add(&append.batch, self.key.verifier().name(), self.clock);
        }
        self.write(&next.text)?;
        self.head.tree = next.tree;
        self.head.bytes += next.text.len() as u64;
        self.publish(&next.offsets);
        Ok(next.places)
    }

    fn write(&mut self, text: &[u8]) -> Result<(), AppendError> {
        if let Err(source) = self.file.append(text) {
            let error = AppendError::storage("write")(source);
            tracing::error!(%error, "audit log: write failed");
            // A failed write says nothing against what was stored before: cut, and that is on record again.
            if let Err(source) = self.file.cut(self.head.bytes) {
                self.doubt(AppendError::storage("cut back")(source));
            }
            return Err(error);
        }
        self.file.sync().map_err(|source| {
            let error = AppendError::storage("sync")(source);
            tracing::error!(%error, "audit log: sync failed");
            self.doubt(error.clone());
            error
        })
    }

    fn doubt(&mut self, cause: AppendError) {
        // Not to be retried at once: whoever caused this waits for an answer.
        self.doubt = Some(Doubt { cause, tried: Instant::now() });
    }

    /// After a failed `fdatasync` the kernel may take pages for clean that never reached the disk, so asking again
    /// proves nothing. Only reading the file anew does.
    fn settle_doubt(&mut self) -> Result<(), AppendError> {
        match &self.doubt {
            None => return Ok(()),
            Some(doubt) if doubt.tried.elapsed() < PAUSE => return Err(doubt.cause.clone()),
            Some(_) => {}
        }
        match self.reopen() {
            Ok(file) => {
                tracing::info!(
                    entries = self.head.tree.size(),
                    "audit log: read back from the disk, and whole"
                );
                self.file = file;
                self.doubt = None;
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "audit log: still not usable");
                self.doubt(error.clone());
                Err(error)
            }
        }
    }

    /// Opens the file again, cut to what was acknowledged, and verifies all of it from the disk.
    fn reopen(&self) -> Result<LogFile, AppendError> {
        #[cfg_attr(not(test), expect(unused_mut, reason = "tests carry their faults over"))]
        let mut file = LogFile::open(&self.shared.entries).map_err(AppendError::storage("open"))?;
        #[cfg(test)]
        {
            file.faults = Arc::clone(&self.shared.faults);
        }
        file.cut(self.head.bytes).map_err(AppendError::storage("cut back"))?;
        file.forget_cache().map_err(AppendError::storage("read back"))?;
        let reader = file.reader(0, self.head.bytes).map_err(AppendError::storage("read back"))?;
        let origin = self.key.verifier().name().clone();
        let stored = Checkpoint { origin, size: self.head.tree.size(), root: self.head.tree.root() };
        scan(reader, &stored).map_err(|source| AppendError::Damaged { source: Arc::new(source) })?;
        Ok(file)
    }

    /// Lets readers see what is durable.
    fn publish(&self, offsets: &[u64]) {
        let mut index = self.shared.index.write().unwrap_or_else(PoisonError::into_inner);
        let first = self.head.tree.size() - offsets.len() as u64;
        for (seq, &offset) in (first..).zip(offsets) {
            index.note(seq, offset);
        }
        drop(index);
        self.shared.extent.send_replace(Extent { entries: self.head.tree.size(), bytes: self.head.bytes });
    }

    /// How long until a checkpoint is due; none when the newest covers everything.
    fn sign_in(&self) -> Option<Duration> {
        let wanted = self.head.signed < self.head.tree.size() && self.doubt.is_none();
        wanted.then(|| self.sign_tried.map_or(Duration::ZERO, |tried| PAUSE.saturating_sub(tried.elapsed())))
    }

    /// Signs what is durable. A checkpoint that cannot be stored is tried again: entries do not depend on it.
    fn sign(&mut self) {
        if self.sign_in().is_none() {
            return;
        }
        self.sign_tried = Some(Instant::now());
        let text =
            SignedCheckpoint::sign(self.head.tree.size(), self.head.tree.root(), &self.key).to_string();
        match self.folder.write_checkpoint(&text) {
            Ok(()) => {
                self.head.signed = self.head.tree.size();
                self.shared.checkpoint.send_replace(text.into());
            }
            Err(error) => tracing::warn!(%error, "audit log: checkpoint not stored, will try again"),
        }
    }
}

/// Everything that is queued, up to the size of a group, and whoever asks to close after it.
fn gather(first: Append, queue: &Receiver<Request>) -> (Vec<Append>, Option<oneshot::Sender<()>>) {
    let mut bytes = first.batch.bytes();
    let mut group = vec![first];
    while bytes < GROUP_BYTES {
        match queue.try_recv() {
            Ok(Request::Append(append)) => {
                bytes += append.batch.bytes();
                group.push(append);
            }
            Ok(Request::Close(done)) => return (group, Some(done)),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    (group, None)
}

/// A group in the making.
#[derive(Debug, Default)]
struct Group {
    tree: Frontier,
    /// Where its text will stand in the file.
    start: u64,
    text: Vec<u8>,
    /// Where each entry begins in the file.
    offsets: Vec<u64>,
    /// Where each batch stands in the log.
    places: Vec<Appended>,
}

impl Group {
    fn add(&mut self, batch: &Batch, node: &oam_audit::Name, clock: Clock) {
        let first = self.tree.size();
        let time = clock().into();
        for event in batch.events() {
            let line = self.text.len();
            event.stamp(self.tree.size(), time, node, &mut self.text);
            self.tree.append(TreeHash::leaf(self.text.get(line..).unwrap_or_default()));
            self.text.push(b'\n');
            self.offsets.push(self.start + line as u64);
        }
        self.places.push(Appended { first, last: self.tree.size() - 1 });
    }
}
