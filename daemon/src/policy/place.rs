//! The place where the policy's files are.

use std::{fs, io, sync::Arc};

use oam_fetch::files::{self, Look};
use oam_policy::file::PolicySource;
use tokio::time;

use super::{ApplyError, PolicyManager, ReadError, folder::read_still, history::write_folder};
use crate::{
    aside::{PATIENCE, Seen, aside, patiently},
    config::PolicyPlace,
};

impl PolicyManager {
    /// The files at the policy's place, and how they looked. Those that do not answer hold up nobody for long: changes come one
    /// at a time.
    pub(super) async fn read_place(&self) -> Result<(Look, Vec<PolicySource>), ReadError> {
        let place = self.place.path().to_owned();
        let reading = aside(move || read_still(&place));
        match time::timeout(PATIENCE, reading).await {
            Ok(Ok(files)) => files,
            Ok(Err(_)) | Err(_) => Err(self.silent()),
        }
    }

    /// What is told while the files do not answer.
    pub(super) fn silent(&self) -> ReadError {
        ReadError::Silent(self.place.path().to_owned())
    }

    /// What the files at the policy's place look like from outside. That they do not answer is told as long as it lasts.
    pub(super) async fn look(&self) -> Seen<Look> {
        let place = self.place.path().to_owned();
        let late = || {
            let error = self.silent();
            tracing::error!(%error, "whether the policy has changed cannot be seen; the one in force stays");
            self.trouble.store(Some(Arc::new(error.to_string())));
        };
        patiently(aside(move || files::look(&place)), PATIENCE, late).await
    }

    /// Does nothing where the policy is the administrator's own.
    pub(super) fn write_managed(&self, files: &[PolicySource]) -> Result<(), ApplyError> {
        let PolicyPlace::Managed(path) = &self.place else { return Ok(()) };
        write_folder(path, files).map_err(|source| ApplyError::Write { path: path.clone(), source })
    }

    /// What is not in force must not lie where the next start would load it. Where nothing was there that could be read, what
    /// is in force lies there, or nothing.
    pub(super) fn put_back(&self, before: Option<Vec<PolicySource>>) -> Result<(), ApplyError> {
        match before {
            Some(before) => self.write_managed(&before),
            None if self.live().is_some() => self.restore_managed(),
            None => self.remove_managed(),
        }
    }

    fn remove_managed(&self) -> Result<(), ApplyError> {
        let PolicyPlace::Managed(path) = &self.place else { return Ok(()) };
        match fs::remove_dir_all(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ApplyError::Write { path: path.clone(), source })
            }
            _ => Ok(()),
        }
    }
}

/// What to put back where a change comes to nothing; `None` where there is nothing, or what cannot be read. Of files that do not
/// answer nobody knows: then nothing is written.
pub(super) fn to_put_back(
    read: Result<(Look, Vec<PolicySource>), ReadError>,
) -> Result<Option<Vec<PolicySource>>, ReadError> {
    match read {
        Ok((_, files)) => Ok(Some(files)),
        Err(error @ ReadError::Silent(_)) => Err(error),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::{ReadError, to_put_back};

    #[test]
    fn where_files_are_silent_nothing_is_written() {
        assert!(matches!(to_put_back(Err(ReadError::Silent("p".into()))), Err(ReadError::Silent(_))));
        assert_eq!(to_put_back(Err(ReadError::Empty("p".into()))).unwrap(), None);
        assert_eq!(to_put_back(Ok((Ok(Vec::new()), Vec::new()))).unwrap(), Some(Vec::new()));
    }
}
