//! Reading along: only what is durable, wherever it lies by now.

use std::{
    fs::File,
    io::{self, BufReader, Seek, SeekFrom},
    path::PathBuf,
    sync::Arc,
    vec,
};

use jiff::Timestamp;
use oam_audit::{
    entry::Time,
    files::{FileError, Segment},
    lines::{Line, Lines},
    tile::{Tile, TileKind, WIDTH},
};
use serde::Deserialize;

use super::{AuditLog, Shared, folder, places::Found};

/// The entries from some sequence number on, as the bytes of their lines without line feeds. It ends with what was
/// durable when it was made; it blocks on the disk.
#[derive(Debug)]
pub struct Entries {
    shared: Arc<Shared>,
    next: u64,
    end: u64,
    /// Those that were read and not yet given: at most a bundle's worth.
    page: vec::IntoIter<Vec<u8>>,
}

impl AuditLog {
    /// The entries from sequence number `from` on, or from the first that was not pruned; none when there are no such
    /// entries yet. It blocks on the disk.
    ///
    /// # Errors
    /// When the first of them cannot be read.
    pub fn entries(&self, from: u64) -> Result<Entries, ReadError> {
        let mut entries = self.shared.entries(from.max(self.first()), self.size());
        entries.read_page()?;
        Ok(entries)
    }

    /// Where the entries of `time` and later begin: a few dozen of them are looked at. Where the clock was set back, it
    /// is the place where it passed `time` once. It blocks on the disk.
    ///
    /// # Errors
    /// When a file cannot be read, or an entry that is looked at is none.
    pub fn first_since(&self, time: Timestamp) -> Result<u64, ReadError> {
        let (mut earlier, mut later) = (self.first(), self.size());
        while earlier < later {
            let middle = earlier + (later - earlier) / 2;
            if self.time_of(middle)? < time {
                earlier = middle + 1;
            } else {
                later = middle;
            }
        }
        Ok(earlier)
    }

    fn time_of(&self, seq: u64) -> Result<Timestamp, ReadError> {
        let changed = || ReadError::Changed { path: self.shared.folder.clone() };
        let line = self.entries(seq)?.next().ok_or_else(changed)??;
        dated(&line).ok_or_else(changed)
    }

    /// Up to `limit` entries from sequence number `from` on. The disk is read on a thread for blocking work.
    ///
    /// # Errors
    /// When a file cannot be read, or the runtime is going down.
    pub async fn tail(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let log = self.clone();
        let read = move || log.entries(from)?.take(limit).collect();
        tokio::task::spawn_blocking(read).await.map_err(|_| ReadError::Stopping)?
    }
}

impl Shared {
    /// The entries from `from` up to `end`, which must be durable.
    pub(super) fn entries(self: &Arc<Self>, from: u64, end: u64) -> Entries {
        Entries { shared: Arc::clone(self), next: from, end, page: Vec::new().into_iter() }
    }

    /// Some entries from `from` on, at least one and none beyond the bundle that it belongs to.
    fn page(&self, from: u64, end: u64) -> Result<Vec<Vec<u8>>, ReadError> {
        let end = end.min((from / WIDTH + 1).saturating_mul(WIDTH));
        loop {
            let found = self.places().find(from);
            let Found::Journal { segment, start, offset, end: until } = found else {
                return self.bundle_page(from, end);
            };
            match self.journal_page(segment, (start, offset), from..end.min(until)) {
                // It went into bundles between the look and the reading.
                Err(ReadError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && self.places().find(from) != found => {}
                page => return page,
            }
        }
    }

    fn bundle_page(&self, from: u64, end: u64) -> Result<Vec<Vec<u8>>, ReadError> {
        let tile = Tile::full(TileKind::Entries, from / WIDTH);
        let bundle = folder::files(&self.folder).bundle(tile)?;
        let numbered = (from / WIDTH * WIDTH..).zip(bundle.entries());
        let wanted = numbered.filter(|(seq, _)| (from..end).contains(seq));
        Ok(wanted.map(|(_, entry)| entry.to_vec()).collect())
    }

    fn journal_page(
        &self,
        segment: Segment,
        (start, offset): (u64, u64),
        wanted: std::ops::Range<u64>,
    ) -> Result<Vec<Vec<u8>>, ReadError> {
        let path = self.folder.join(segment.to_string());
        let failed = |source| ReadError::Io { path: path.clone(), source };
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file));
        let mut page = Vec::new();
        for seq in start..wanted.end {
            match lines.next().map_err(failed)? {
                Some(Line::Whole(line)) if seq >= wanted.start => page.push(line.to_vec()),
                Some(Line::Whole(_)) => {}
                Some(Line::Torn(_) | Line::TooLong(_)) | None => {
                    return Err(ReadError::Changed { path });
                }
            }
        }
        Ok(page)
    }
}

/// What every entry says of itself, whatever it tells.
#[derive(Deserialize)]
struct Dated {
    time: Time,
}

/// When an entry was made, whatever it is about; `None` for what is none.
pub(crate) fn dated(line: &[u8]) -> Option<Timestamp> {
    serde_json::from_slice::<Dated>(line).ok().map(|dated| dated.time.timestamp())
}

impl Entries {
    /// Reads some more, if there are any.
    fn read_page(&mut self) -> Result<(), ReadError> {
        if self.next >= self.end {
            return Ok(());
        }
        let page = self.shared.page(self.next, self.end)?;
        if page.is_empty() {
            return Err(ReadError::Changed { path: self.shared.folder.clone() });
        }
        self.next += page.len() as u64;
        self.page = page.into_iter();
        Ok(())
    }
}

impl Iterator for Entries {
    type Item = Result<Vec<u8>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(entry) = self.page.next() {
            return Some(Ok(entry));
        }
        match self.read_page() {
            Ok(()) => self.page.next().map(Ok),
            Err(error) => {
                self.next = self.end;
                Some(Err(error))
            }
        }
    }
}

/// Why entries cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refuses.
    #[error("cannot read `{}` of the audit log: {source}; check its owner and its permissions", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// A tile cannot be read, or is none.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not what this daemon wrote.
    #[error("`{}` of the audit log was changed by somebody else; stop the daemon and verify the log", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// There is nobody left to read.
    #[error("audit log is not read: the daemon is stopping")]
    Stopping,
}
