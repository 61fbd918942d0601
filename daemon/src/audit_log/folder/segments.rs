//! The files of the journal.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use oam_audit::files::{JOURNAL, Segment};

use super::{Folder, create_folder, sync_folder};
use crate::audit_log::{log_file::LogFile, open::OpenError};

/// The one file of all entries, of a daemon before there were tiles: it is a journal whose first entry is number 0.
const FORMER: &str = "entries.jsonl";

impl Folder {
    /// The files of the journal, the oldest first, with their paths.
    pub(in crate::audit_log) fn segments(&self) -> Result<Vec<(Segment, PathBuf)>, OpenError> {
        let journal = self.path.join(JOURNAL);
        let names = names_in(&journal).map_err(OpenError::io("list", &journal))?;
        let mut segments: Vec<_> = names
            .iter()
            .filter_map(|name| Segment::named(name))
            .map(|segment| (segment, self.segment(segment)))
            .collect();
        segments.sort();
        let former = self.path.join(FORMER);
        match (former.try_exists().map_err(OpenError::io("look at", &former))?, segments.is_empty()) {
            (true, true) => segments.push((Segment { first: 0 }, former)),
            (true, false) => return Err(OpenError::TwoJournals { former, journal }),
            (false, _) => {}
        }
        Ok(segments)
    }

    /// Creates a file of the journal, durably.
    pub(in crate::audit_log) fn create_segment(&self, segment: Segment) -> io::Result<LogFile> {
        let journal = self.path.join(JOURNAL);
        create_folder(&journal)?;
        let file = LogFile::create(&self.segment(segment))?;
        sync_folder(&journal)?;
        sync_folder(&self.path)?;
        Ok(file)
    }

    /// Makes the one file of a former daemon the journal; nothing happens to one that is in its place.
    pub(in crate::audit_log) fn adopt(&self, segment: Segment, path: &Path) -> io::Result<()> {
        let place = self.segment(segment);
        if path == place {
            return Ok(());
        }
        let journal = self.path.join(JOURNAL);
        create_folder(&journal)?;
        fs::rename(path, &place)?;
        sync_folder(&journal)?;
        sync_folder(&self.path)
    }

    /// Removes a file whose entries are in bundles.
    pub(in crate::audit_log) fn remove_segment(&self, segment: Segment) -> io::Result<()> {
        fs::remove_file(self.segment(segment))?;
        sync_folder(&self.path.join(JOURNAL))
    }
}

/// The names in a folder; none where there is no folder.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
