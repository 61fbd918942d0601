//! Reading along: only what is durable.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Take},
    path::PathBuf,
    sync::PoisonError,
};

use jiff::Timestamp;
use oam_audit::{
    entry::Time,
    lines::{Line, Lines},
};
use serde::Deserialize;

use super::AuditLog;

/// The entries from some sequence number on, as the bytes of their lines without line feeds. It ends with what was
/// durable when it was made; it blocks on the disk.
#[derive(Debug)]
pub struct Entries {
    lines: Option<Lines<Take<BufReader<File>>>>,
    path: PathBuf,
}

impl AuditLog {
    /// The entries from sequence number `from` on; none when there are no such entries yet. It blocks on the disk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn entries(&self, from: u64) -> Result<Entries, ReadError> {
        let path = self.shared.entries.clone();
        let extent = self.extent();
        if from >= extent.entries {
            return Ok(Entries { lines: None, path });
        }
        let (start, offset) = self.shared.index.read().unwrap_or_else(PoisonError::into_inner).before(from);
        let open = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            Ok(BufReader::with_capacity(1 << 16, file).take(extent.bytes - offset))
        };
        let reader = open().map_err(|source| ReadError::Io { path: path.clone(), source })?;
        let mut entries = Entries { lines: Some(Lines::new(reader)), path };
        for skipped in (start..from).map(|_| entries.next()) {
            skipped.transpose()?;
        }
        Ok(entries)
    }

    /// Where the entries of `time` and later begin: a few dozen of them are looked at. Where the clock was set back, it
    /// is the place where it passed `time` once. It blocks on the disk.
    ///
    /// # Errors
    /// When the file cannot be read, or an entry that is looked at is none.
    pub fn first_since(&self, time: Timestamp) -> Result<u64, ReadError> {
        let (mut earlier, mut later) = (0, self.size());
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
        let changed = || ReadError::Changed { path: self.shared.entries.clone() };
        let line = self.entries(seq)?.next().ok_or_else(changed)??;
        let dated: Dated = serde_json::from_slice(&line).map_err(|_| changed())?;
        Ok(dated.time.timestamp())
    }

    /// Up to `limit` entries from sequence number `from` on. The disk is read on a thread for blocking work.
    ///
    /// # Errors
    /// When the file cannot be read, or the runtime is going down.
    pub async fn tail(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let log = self.clone();
        let read = move || log.entries(from)?.take(limit).collect();
        tokio::task::spawn_blocking(read).await.map_err(|_| ReadError::Stopping)?
    }
}

/// What every entry says of itself, whatever it tells.
#[derive(Deserialize)]
struct Dated {
    time: Time,
}

impl Iterator for Entries {
    type Item = Result<Vec<u8>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.lines.as_mut()?.next() {
            Ok(Some(Line::Whole(line))) => Some(Ok(line.to_vec())),
            Ok(None) => None,
            Ok(Some(Line::Torn(_) | Line::TooLong(_))) => {
                Some(Err(ReadError::Changed { path: self.path.clone() }))
            }
            Err(source) => Some(Err(ReadError::Io { path: self.path.clone(), source })),
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
