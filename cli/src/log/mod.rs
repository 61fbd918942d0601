//! The folder of an audit log, read without any daemon.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use oam_audit::{
    files::{CHECKPOINT, Files, JOURNAL, Segment},
    verify::Journal,
};

use crate::failure::Failure;

pub mod people;
pub mod signed;

pub use people::People;
pub use signed::SignedLog;

/// Where a daemon keeps its log, in the order in which they are tried.
const USUAL_FOLDERS: [&str; 2] = ["/var/lib/oam/audit", "./oam-state/audit"];
/// The one file of all entries, of a daemon before there were tiles.
const FORMER: &str = "entries.jsonl";

/// The folder of a log.
#[derive(Debug, Clone)]
pub struct LogFolder(PathBuf);

impl LogFolder {
    /// The one that was given, or the first of the usual ones that there is.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(given: Option<&Path>) -> Result<Self, Failure> {
        let mut usual = USUAL_FOLDERS.iter().map(PathBuf::from);
        let found = match given {
            Some(folder) => Some(folder.to_owned()),
            None => usual.find(|folder| folder.join(CHECKPOINT).exists()),
        };
        found.map(Self).ok_or_else(|| Failure::Usage {
            what: format!("there is no audit log in {}", USUAL_FOLDERS.join(" or ")),
            help: "say where it lies with `--dir DIR`; `oam status` shows the state folder that it is in",
        })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> Files<impl Fn(&str) -> io::Result<File> + Sync + use<>> {
        let folder = self.0.clone();
        Files::new(move |path: &str| File::open(folder.join(path)))
    }

    /// Its journal, opened. To be called after the checkpoint was read, and before anything of tiles is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn journal(&self) -> Result<Journal<File>, Failure> {
        loop {
            let opened: io::Result<Journal<File>> = self
                .segments()?
                .into_iter()
                .map(|segment| Ok((segment, File::open(self.0.join(segment.to_string()))?)))
                .collect();
            match opened {
                Ok(journal) => return Ok(journal),
                // The daemon let one go between the look and the opening.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Failure::read(&self.0.join(JOURNAL), error)),
            }
        }
    }

    fn segments(&self) -> Result<Vec<Segment>, Failure> {
        let folder = self.0.join(JOURNAL);
        let names = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names.map_err(|source| Failure::read(&folder, source))?,
        };
        let mut segments = Vec::new();
        for name in names {
            let name = name.map_err(|source| Failure::read(&folder, source))?.file_name();
            segments.extend(name.to_str().and_then(Segment::named));
        }
        segments.sort();
        Ok(segments)
    }

    /// The one file of all entries, when the log is that of a daemon before there were tiles.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn former(&self) -> Result<Option<File>, Failure> {
        let path = self.0.join(FORMER);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::read(&path, error)),
        }
    }
}
