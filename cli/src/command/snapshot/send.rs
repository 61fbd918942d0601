//! A file on its way to the daemon, a chunk at a time.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use oam_proto::v1::{ImportOpening, ImportSnapshotRequest, import_snapshot_request::Step};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use crate::failure::Failure;

/// How much of the file one message carries: the most that the wire allows.
const CHUNK: u64 = 1024 * 1024;
/// How many messages wait at most, so that memory is bounded by a few chunks.
const WAITING: usize = 4;

/// What is to be sent.
pub(super) struct Source {
    path: PathBuf,
    reader: Box<dyn Read + Send>,
    /// The size in bytes; `None` when it cannot be known.
    pub(super) size: Option<u64>,
    /// The name for messages.
    pub(super) name: String,
}

/// What the daemon is to do with a file.
pub(super) struct To {
    /// The source that it is of; empty: the daemon knows which.
    pub(super) source: String,
    /// Why, for the audit log.
    pub(super) reason: String,
    /// Only say what would change.
    pub(super) dry_run: bool,
}

impl Source {
    /// Opens `path`; `-` is standard input.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let name = "standard input".to_owned();
            return Ok(Self { path: name.clone().into(), reader: Box::new(io::stdin()), size: None, name });
        }
        let failed = |source| Failure::read(path, source);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        // As it was given, so that the place of a fault can be opened.
        let name = path.to_string_lossy().into_owned();
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Self { path: path.to_owned(), reader: Box::new(file), size, name })
    }

    /// Begins to send. The stream ends once all was sent. If the file fails midway the stream does *not* end, since
    /// that would look like a complete file: the failure arrives instead, and the call is to be dropped.
    pub(super) fn send(self, to: To) -> (ReceiverStream<ImportSnapshotRequest>, Failing) {
        let opening = ImportOpening {
            file_name: self.name.clone(),
            total_bytes: self.size.unwrap_or(0),
            source: to.source,
            reason: to.reason,
            dry_run: to.dry_run,
        };
        let (messages, stream) = mpsc::channel(WAITING);
        let (failed, failing) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            if let Err(failure) = self.send_all(opening, &messages) {
                // The sending half goes along, so that the stream stays open until the call is dropped.
                let _ = failed.send((failure, messages));
            }
        });
        (ReceiverStream::new(stream), Failing(failing))
    }

    fn send_all(
        mut self,
        opening: ImportOpening,
        messages: &mpsc::Sender<ImportSnapshotRequest>,
    ) -> Result<(), Failure> {
        let send = |step| messages.blocking_send(ImportSnapshotRequest { step: Some(step) }).is_ok();
        let mut sent = 0;
        let mut goes_on = send(Step::Opening(opening));
        while goes_on {
            let mut chunk = Vec::new();
            let read = self.reader.by_ref().take(CHUNK).read_to_end(&mut chunk);
            read.map_err(|source| Failure::read(&self.path, source))?;
            if chunk.is_empty() {
                return self.check_size(sent);
            }
            sent += chunk.len() as u64;
            // Nobody listens any more: the daemon has said what it has to say.
            goes_on = send(Step::Chunk(chunk));
        }
        Ok(())
    }

    fn check_size(&self, sent: u64) -> Result<(), Failure> {
        if self.size.is_none_or(|size| size == sent) {
            return Ok(());
        }
        Err(Failure::read(&self.path, io::Error::other("it was changed while it was being read; try again")))
    }
}

/// Tells of a file that failed midway.
pub(super) struct Failing(oneshot::Receiver<(Failure, mpsc::Sender<ImportSnapshotRequest>)>);

impl Failing {
    /// Waits for the failure; forever when there is none.
    pub(super) async fn failed(&mut self) -> (Failure, impl Sized + use<>) {
        match (&mut self.0).await {
            Ok((failure, open)) => (failure, open),
            Err(_) => std::future::pending().await,
        }
    }
}
