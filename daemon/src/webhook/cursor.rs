use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::store::durable;

/// How many entries of the log somebody has been told of, or need not be.
#[derive(Debug)]
pub(super) struct Cursor {
    path: PathBuf,
    entries: u64,
}

impl Cursor {
    /// What the file says; where there is none, or it cannot be understood, `end`. Nothing is told twice for that: what
    /// is lost is told of nobody, and is in the log.
    pub(super) fn open(path: &Path, end: u64) -> io::Result<Self> {
        let kept = match fs::read_to_string(path) {
            Ok(text) => text.trim().parse::<u64>().ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut cursor = Self { path: path.to_owned(), entries: end };
        match kept {
            // A log that is shorter than it was tells of other things there.
            Some(entries) => cursor.entries = entries.min(end),
            None => cursor.set(end)?,
        }
        Ok(cursor)
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn set(&mut self, entries: u64) -> io::Result<()> {
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
