use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use thiserror::Error;

use super::{
    clock::{Clock, TimeOfDay},
    disk::{self, Saved},
    set::Set,
};
use crate::audit_log::{AuditLog, ReadError, dated};

/// Why it cannot be told what people have for a while.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file.
    #[error("what people have for a while, `{path}`: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The audit log.
    #[error("what people have for a while is in the audit log: {0}")]
    Log(#[from] ReadError),
}

/// What was found at the start.
pub(super) struct Opened {
    pub(super) set: Set,
    pub(super) clock: Clock,
    /// What somebody should know.
    pub(super) found: Option<String>,
}

/// The set as the log tells it, read from where the file ends. It blocks on the disk.
pub(super) fn open(path: &Path, log: &AuditLog, time_of_day: TimeOfDay) -> Result<Opened, OpenError> {
    let saved = disk::read(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let size = log.size();
    let lost = saved.as_ref().filter(|saved| saved.entries > size).map(|saved| {
        format!(
            "The audit log has {size} entries, and had {}: what people have for a while is as it was then.",
            saved.entries
        )
    });
    let Saved { entries, mut seen, mut set } =
        saved.unwrap_or(Saved { entries: 0, seen: Timestamp::MIN, set: Set::default() });
    let from = entries.min(size).max(log.first());
    for (number, line) in (from..).zip(log.entries(from)?) {
        let line = line?;
        if let Some(at) = dated(&line) {
            seen = seen.max(at);
        }
        if is_about_privileges(&line)
            && let Ok(entry) = log.read(&line)
        {
            set.apply(number, &entry.event, entry.time.timestamp());
        }
    }
    let clock = Clock::since(seen, time_of_day);
    set.forget(clock.of_the_machine());
    Ok(Opened { set, clock, found: lost })
}

/// Most entries are decisions, which take long to decode.
pub(super) fn is_about_privileges(line: &[u8]) -> bool {
    const KIND: &[u8] = br#""event":{"kind":"privilege-"#;
    line.windows(KIND.len()).any(|window| window == KIND)
}
