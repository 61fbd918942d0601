use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::store::durable;

/// How many entries of the log somebody has been told of, or need not be: kept in a file.
#[derive(Debug)]
pub(crate) struct Cursor {
    path: PathBuf,
    entries: u64,
}

impl Cursor {
    /// What the file says, of a log with `end` entries; where there is none, `new`, and where it cannot be understood,
    /// `damaged`.
    pub(crate) fn open(path: &Path, end: u64, new: u64, damaged: u64) -> io::Result<Self> {
        let (entries, is_kept) = match fs::read(path) {
            Ok(text) => {
                match std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse::<u64>().ok()) {
                    // A log that is shorter than it was tells of other things there.
                    Some(entries) => (entries.min(end), entries <= end),
                    None => (damaged, false),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (new, false),
            Err(error) => return Err(error),
        };
        let mut cursor = Self { path: path.to_owned(), entries };
        if !is_kept {
            cursor.set(entries)?;
        }
        Ok(cursor)
    }

    /// How many.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// Notes how many. It is durable when this returns, and what was noted before it otherwise.
    pub(crate) fn set(&mut self, entries: u64) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            durable::make_folder(folder)?;
        }
        let draft = self.path.with_extension("draft");
        let mut file = durable::create(&draft)?;
        writeln!(file, "{entries}")?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        durable::sync_parent(&self.path)?;
        self.entries = entries;
        Ok(())
    }
}

/// A cursor that one task moves while others look at it.
#[derive(Debug)]
pub(crate) struct SharedCursor(Mutex<Cursor>);

impl SharedCursor {
    pub(crate) fn new(cursor: Cursor) -> Self {
        Self(Mutex::new(cursor))
    }

    /// How many entries were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.lock().entries()
    }

    /// Notes how many were taken; why that cannot be done, in words.
    pub(crate) fn take(&self, entries: u64) -> Result<(), String> {
        self.lock().set(entries).map_err(|error| format!("how far it came cannot be noted: {error}"))
    }

    fn lock(&self) -> MutexGuard<'_, Cursor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
