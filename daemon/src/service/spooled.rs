use std::{
    collections::BTreeSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The ids of the pushes that hooks let through on their own and that are in the audit log, so that a delivery whose
/// answer was lost is not recorded again. One id a line.
#[derive(Debug)]
pub struct Spooled {
    file: PathBuf,
    ids: Mutex<BTreeSet<String>>,
}

impl Spooled {
    /// Reads the ids in `file`, if it is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(file: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let ids = text.lines().map(str::to_owned).collect();
        Ok(Self { file: file.to_owned(), ids: Mutex::new(ids) })
    }

    /// Whether `id` is not in the log yet.
    pub fn is_new(&self, id: &str) -> bool {
        !self.ids.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Notes that `id` is in the log. Were the note lost, the worst is a second entry with the same id.
    pub fn recorded(&self, id: &str) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        if let Err(error) = self.append(id) {
            tracing::warn!(%error, file = %self.file.display(), "a delivered push could not be noted");
        }
    }

    fn append(&self, id: &str) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.file)?;
        file.write_all(format!("{id}\n").as_bytes())?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::Spooled;

    #[test]
    fn what_was_recorded_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spooled");
        let spooled = Spooled::open(&file).unwrap();
        assert!(spooled.is_new("one"));
        spooled.recorded("one");
        let again = Spooled::open(&file).unwrap();
        assert!(!again.is_new("one") && again.is_new("two"));
    }
}
