//! The one thread that writes: group commit, and what to do when the disk fails.

use std::{
    io,
    sync::{
        Arc, PoisonError,
        mpsc::{Receiver, SyncSender, TryRecvError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use oam_audit::{
    checkpoint::Checkpoint,
    files::Segment,
    merkle::{Frontier, TreeHash},
    verify::VerifyError,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    Appended, Batch, Clock, Shared, folder::Folder, log_file::LogFile, people::PeopleError, scan::Scan,
};

/// How much is written at once. What is queued beyond that waits for the next turn.
const GROUP_BYTES: usize = 8 << 20;
/// How large a file of the journal grows before another begins. Tests have many of them.
const SEGMENT_BYTES: u64 = if cfg!(test) { 32 << 10 } else { 16 << 20 };
/// The least time between two attempts to get a doubtful file back.
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
    /// Who is who cannot be stored, and so nobody may stand in the log by an alias.
    #[error(transparent)]
    People(#[from] Arc<PeopleError>),
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
    pub(super) file: LogFile,
    /// Set after a failure of which it is not known what it left on the disk; nothing is written until it is cleared.
    pub(super) doubt: Option<Doubt>,
    pub(super) head: Head,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
    /// How the sealer is woken, and who it is.
    pub(super) wake: SyncSender<()>,
    pub(super) sealer: JoinHandle<()>,
    /// Last, so that the lock outlives everything else.
    pub(super) folder: Arc<Folder>,
}

/// How far the log has come.
#[derive(Debug)]
pub(super) struct Head {
    /// The tree over the durable entries.
    pub(super) tree: Frontier,
    /// The file of the journal that is written.
    pub(super) segment: Segment,
    /// The tree over the entries before it.
    pub(super) before: Frontier,
    /// The bytes of its lines.
    pub(super) bytes: u64,
}

/// What is not known of the file.
#[derive(Debug)]
pub(super) struct Doubt {
    cause: AppendError,
    tried: Instant,
}

/// Starts the thread.
pub(super) fn spawn(writer: Writer, queue: Receiver<Request>) -> io::Result<()> {
    thread::Builder::new().name("audit-log".into()).spawn(move || writer.run(&queue)).map(drop)
}

impl Writer {
    /// Serves until it is closed or no handle is left.
    fn run(mut self, queue: &Receiver<Request>) {
        let mut closing = None;
        while closing.is_none() {
            match queue.recv() {
                Ok(Request::Append(first)) => closing = self.serve(first, queue),
                Ok(Request::Close(done)) => closing = Some(done),
                Err(_) => break,
            }
        }
        let Self { wake, sealer, folder, shared, .. } = self;
        // Nobody wakes the sealer any more: it seals a last time.
        drop(wake);
        if sealer.join().is_err() {
            tracing::error!("audit log: the thread that seals it died");
        }
        *shared.checkpoint_file.lock().unwrap_or_else(PoisonError::into_inner) = false;
        drop(folder);
        // Nobody may be waiting any more.
        let _ = closing.map(|done| done.send(()));
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
        if let Some(people) = &self.shared.people {
            people.settle().map_err(Arc::new)?;
        }
        self.begin_segment_when_full();
        let mut next = Group { tree: self.head.tree.clone(), start: self.head.bytes, ..Group::default() };
        for append in group {
            next.add(&append.batch, self.shared.verifier.name(), self.clock);
        }
        self.write(&next.text)?;
        self.head.tree = next.tree;
        self.head.bytes += next.text.len() as u64;
        self.publish(&next.offsets);
        Ok(next.places)
    }

    /// Goes on in another file of the journal, so that the old one can be let go. If that is not possible, the old one
    /// grows.
    fn begin_segment_when_full(&mut self) {
        if self.head.bytes < SEGMENT_BYTES {
            return;
        }
        let segment = Segment { first: self.head.tree.size() };
        match self.folder.create_segment(segment) {
            Ok(file) => {
                self.file = self.with_faults(file);
                self.head =
                    Head { tree: self.head.tree.clone(), segment, before: self.head.tree.clone(), bytes: 0 };
                self.shared.places_mut().begin(segment);
            }
            Err(error) => {
                tracing::warn!(%error, %segment, "audit log: the journal grows, no other file can begin");
            }
        }
    }

    /// Tests carry their faults over to each file.
    #[cfg_attr(not(test), expect(unused_mut, clippy::unused_self, reason = "tests carry their faults over"))]
    fn with_faults(&self, mut file: LogFile) -> LogFile {
        #[cfg(test)]
        {
            file.faults = Arc::clone(&self.shared.faults);
        }
        file
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
        let path = self.folder.segment(self.head.segment);
        let file = self.with_faults(LogFile::open(&path).map_err(AppendError::storage("open"))?);
        file.cut(self.head.bytes).map_err(AppendError::storage("cut back"))?;
        file.forget_cache().map_err(AppendError::storage("read back"))?;
        let reader = file.reader(0, self.head.bytes).map_err(AppendError::storage("read back"))?;
        let origin = self.shared.verifier.name().clone();
        let stored = Checkpoint { origin, size: self.head.tree.size(), root: self.head.tree.root() };
        let mut scan = Scan::after(self.head.before.clone(), &stored);
        let read = scan.file(reader, |_, _| ()).and_then(|()| scan.finish());
        read.map_err(|source| AppendError::Damaged { source: Arc::new(source) })?;
        Ok(file)
    }

    /// Lets readers see what is durable, and the sealer work.
    fn publish(&self, offsets: &[u64]) {
        let mut places = self.shared.places_mut();
        let first = self.head.tree.size() - offsets.len() as u64;
        for (seq, &offset) in (first..).zip(offsets) {
            places.note(seq, offset);
        }
        drop(places);
        *self.shared.head.write().unwrap_or_else(PoisonError::into_inner) = self.head.tree.clone();
        self.shared.size.send_replace(self.head.tree.size());
        // One that is awake already looks again.
        let _ = self.wake.try_send(());
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
