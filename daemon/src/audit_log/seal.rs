//! Behind the requests' back: what is durable in the journal goes into tiles, is signed, and leaves the journal.
//!
//! The journal is the truth. Tiles are derived from it, and can be written again at any time; nothing leaves the journal
//! before its tiles are durable, were read back, and were found to say the same. A step that fails, or is cut off by a
//! crash, is done again from the last full tile.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, PoisonError, mpsc::Receiver, mpsc::RecvTimeoutError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use oam_audit::{
    checkpoint::SignedCheckpoint,
    files::Segment,
    keys::SigningKey,
    merkle::{Frontier, TreeHash},
    tile::{Bundle, BundleError, Edge, Tile, TileKind, WIDTH, encode_hashes},
};

use super::{ReadError, Shared, folder::Folder};

/// The least time between two checkpoints.
const PAUSE: Duration = Duration::from_secs(1);

/// The state of the sealing thread.
#[derive(Debug)]
pub(super) struct Sealer {
    key: SigningKey,
    shared: Arc<Shared>,
    /// The right edge of what is in full tiles.
    written: Edge,
    /// How many entries the newest stored checkpoint covers.
    signed: u64,
    /// Full tiles that may be in the kernel's memory only.
    unsynced: BTreeSet<Tile>,
    /// Last, so that the lock outlives everything else.
    folder: Arc<Folder>,
}

impl Sealer {
    pub(super) fn new(
        folder: Arc<Folder>,
        key: SigningKey,
        written: Edge,
        signed: u64,
        shared: Arc<Shared>,
    ) -> Self {
        Self { key, shared, written, signed, unsynced: BTreeSet::new(), folder }
    }

    /// Starts the thread. It works whenever it is woken, and a last time when nobody can wake it any more.
    pub(super) fn spawn(mut self, wake: Receiver<()>) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("audit-seal".into()).spawn(move || {
            // What a crash interrupted is done again at once.
            let mut done = self.seal_and_tell();
            let mut last = Instant::now();
            while wait(&wake, done) && rest(&wake, last) {
                done = self.seal_and_tell();
                last = Instant::now();
            }
            self.seal_and_tell();
        })
    }

    /// Whether everything is sealed.
    fn seal_and_tell(&mut self) -> bool {
        let before = self.written.clone();
        let result = self.seal();
        if let Err(error) = &result {
            tracing::error!(%error, "audit log: not sealed, will try again");
            if matches!(error, SealError::Changed) {
                self.written = before;
            }
        }
        let trouble = result.as_ref().err().map(ToString::to_string);
        *self.shared.trouble.write().unwrap_or_else(PoisonError::into_inner) = trouble;
        result.is_ok()
    }

    fn seal(&mut self) -> Result<(), SealError> {
        let head = self.shared.head();
        let (edge, rest) = self.write_full(&head)?;
        if edge.frontier() != head {
            return Err(SealError::Changed);
        }
        self.write_partial(&edge, &rest)?;
        self.sign(&head)?;
        self.release()
    }

    /// Writes the tiles that are full, and returns the edge and the entries after the last of them.
    fn write_full(&mut self, head: &Frontier) -> Result<(Edge, Bundle), SealError> {
        let (mut edge, mut bundle) = (self.written.clone(), Bundle::new());
        for entry in self.shared.entries(self.written.size(), head.size()) {
            let entry = entry?;
            bundle.push(&entry)?;
            let full = edge.append(TreeHash::leaf(&entry));
            if bundle.len() < WIDTH {
                continue;
            }
            let entries = Tile::full(TileKind::Entries, edge.size() / WIDTH - 1);
            self.write(entries, bundle.as_bytes())?;
            for (tile, hashes) in full {
                self.write(tile, &encode_hashes(&hashes))?;
            }
            (self.written, bundle) = (edge.clone(), Bundle::new());
        }
        Ok((edge, bundle))
    }

    fn write_partial(&mut self, edge: &Edge, rest: &Bundle) -> Result<(), SealError> {
        if let Some(tile) = Tile::partial(TileKind::Entries, edge.size()) {
            self.write(tile, rest.as_bytes())?;
        }
        for (tile, hashes) in edge.partial() {
            self.write(tile, &encode_hashes(hashes))?;
        }
        Ok(())
    }

    fn write(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), SealError> {
        if tile.is_full() {
            self.unsynced.insert(tile);
        }
        self.folder.write_tile(tile, bytes).map_err(SealError::io("write", tile))
    }

    /// Signs what is in tiles.
    fn sign(&mut self, head: &Frontier) -> Result<(), SealError> {
        if head.size() == self.signed {
            return Ok(());
        }
        let text = SignedCheckpoint::sign(head.size(), head.root(), &self.key).to_string();
        let open = self.shared.checkpoint_file.lock().unwrap_or_else(PoisonError::into_inner);
        self.folder.write_checkpoint(&text).map_err(SealError::io("write", "checkpoint"))?;
        self.signed = head.size();
        self.shared.checkpoint.send_replace(text.into());
        drop(open);
        Ok(())
    }

    /// Lets go of the files of the journal whose entries are all in full tiles, and signed.
    fn release(&mut self) -> Result<(), SealError> {
        loop {
            // Not in the head of the loop: that would hold the places all the while.
            let two = self.shared.places().oldest_two();
            let Some((oldest, next)) = two else { break };
            if next.first > self.written.size().min(self.signed) {
                break;
            }
            self.sync()?;
            self.compare(oldest, next)?;
            self.shared.places_mut().release();
            self.folder.remove_segment(oldest).map_err(SealError::io("remove", oldest))?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SealError> {
        self.folder.sync_tiles(&self.unsynced).map_err(SealError::io("sync", "tile"))?;
        self.unsynced.clear();
        Ok(())
    }

    /// Reads the full tiles over a file of the journal back from the disk, and compares them with it.
    fn compare(&self, oldest: Segment, next: Segment) -> Result<(), SealError> {
        let mut seq = oldest.first;
        while seq < next.first {
            let [entries, leaves] =
                [TileKind::Entries, TileKind::Hashes(0)].map(|kind| Tile::full(kind, seq / WIDTH));
            for tile in [entries, leaves] {
                self.folder.forget_cache(tile).map_err(SealError::io("read back", tile))?;
            }
            let bundle = self.folder.files().bundle(entries).map_err(ReadError::from)?;
            let hashes = self.folder.files().hashes(leaves).map_err(ReadError::from)?;
            let skip = usize::try_from(seq % WIDTH).unwrap_or(usize::MAX);
            let mut stored = bundle.entries().zip(&hashes).skip(skip);
            let end = next.first.min((seq / WIDTH + 1) * WIDTH);
            for entry in self.shared.entries(seq, end) {
                let entry = entry?;
                if stored.next() != Some((entry.as_slice(), &TreeHash::leaf(&entry))) {
                    return Err(SealError::Differs { tile: entries });
                }
                seq += 1;
            }
        }
        Ok(())
    }
}

/// Waits for something to do; false when nobody is left who could have any.
fn wait(wake: &Receiver<()>, done: bool) -> bool {
    if done { wake.recv().is_ok() } else { wake.recv_timeout(PAUSE) != Err(RecvTimeoutError::Disconnected) }
}

/// Lets the rest of the pause pass; false when nobody is left to wait for.
fn rest(wake: &Receiver<()>, last: Instant) -> bool {
    loop {
        let rest = PAUSE.saturating_sub(last.elapsed());
        if rest.is_zero() {
            return true;
        }
        if wake.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected) {
            return false;
        }
    }
}

/// Why entries are not in tiles.
#[derive(Debug, thiserror::Error)]
enum SealError {
    #[error(
        "cannot {doing} `{what}` of the audit log: {source}; free space or repair the disk: it goes on by itself"
    )]
    Io { doing: &'static str, what: String, source: io::Error },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("an entry of the audit log does not fit a tile ({0}); this is a defect, please report it")]
    Bundle(#[from] BundleError),
    #[error(
        "the journal of the audit log is not what this daemon wrote: somebody else changed it; stop the daemon and restore the log from a copy"
    )]
    Changed,
    #[error(
        "`{tile}` of the audit log is not what the journal says; the journal is kept. Check the disk, and who writes to the folder"
    )]
    Differs { tile: Tile },
}

impl SealError {
    fn io(doing: &'static str, what: impl ToString) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, what: what.to_string(), source }
    }
}
