//! The table of people, which lies beside a log and not in it.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::SystemTime,
};

use oam_audit::people::Table;

use crate::failure::Failure;

/// Where a daemon keeps it, from the folder of the log.
const USUAL: &str = "../people/table";

/// Who is who in a log, as far as the table tells. Without one people are shown as the log names them.
#[derive(Debug, Default)]
pub struct People {
    table: Table,
    read: Option<(PathBuf, Stamp)>,
}

/// By what a file that was changed is known.
type Stamp = (u64, Option<SystemTime>);

impl People {
    /// The table that was given, or that of the daemon whose log lies in `folder`. Returns also why the latter is not used
    /// although it is there.
    ///
    /// # Errors
    /// When the one that was given cannot be read, or either is none.
    pub fn find(given: Option<&Path>, folder: &Path) -> Result<(Self, Option<String>), Failure> {
        let path = given.map_or_else(|| folder.join(USUAL), Path::to_owned);
        match read(&path) {
            Ok(text) => Ok((Self::of(path, &text)?, None)),
            Err(error) if given.is_some() => Err(Failure::read(&path, error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok((Self::default(), None)),
            Err(error) => Ok((Self::default(), Some(format!("`{}`: {error}", path.display())))),
        }
    }

    fn of(path: PathBuf, (text, stamp): &(Vec<u8>, Stamp)) -> Result<Self, Failure> {
        match Table::read(text) {
            Ok((table, _)) => Ok(Self { table, read: Some((path, *stamp)) }),
            Err(error) => Err(Failure::Usage {
                what: format!("`{}` is not a table of people: {error}", path.display()),
                help: "give the file `people/table` of the daemon's state, or one that begins as it does",
            }),
        }
    }

    /// Reads it again where it was changed. One that cannot be read just now stays as it was.
    pub fn refresh(&mut self) {
        let Some((path, stamp)) = &self.read else { return };
        if stamp_of(path).is_ok_and(|now| now != *stamp)
            && let Ok(text) = read(path)
            && let Ok(newer) = Self::of(path.clone(), &text)
        {
            *self = newer;
        }
    }

    /// Who is who.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }
}

fn read(path: &Path) -> io::Result<(Vec<u8>, Stamp)> {
    // Looked at first: what is written meanwhile is read again.
    let stamp = stamp_of(path)?;
    Ok((fs::read(path)?, stamp))
}

fn stamp_of(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified().ok()))
}
