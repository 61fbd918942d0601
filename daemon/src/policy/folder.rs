use std::path::{Path, PathBuf};

use oam_fetch::files::{self, FilesError, Look, Unreadable};
use oam_policy::file::PolicySource;
use thiserror::Error;

use crate::aside::PATIENCE;

/// A policy's files together may be this long, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// How often it is read where it changes meanwhile.
const TRIES: usize = 3;

/// Why a policy cannot be read from its place.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A file or folder that cannot be read, or is none of a policy.
    #[error("policy {0}")]
    Unusable(FilesError),
    /// A folder without a policy file.
    #[error("policy folder `{}` holds no `*.toml` file: write one, or `oam policy apply` one", .0.display())]
    Empty(PathBuf),
    /// As of a mount that hangs.
    #[error("policy `{}` does not answer for {} seconds; it is read when it does", .0.display(), PATIENCE.as_secs())]
    Silent(PathBuf),
    /// Whoever writes it is not done.
    #[error("policy `{}` changes while it is read; it is read again", .0.display())]
    Changing(PathBuf),
}

impl From<FilesError> for ReadError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError { path, what: Unreadable::Empty } => Self::Empty(path),
            error => Self::Unusable(error),
        }
    }
}

/// The files of a policy: `place` itself, or every `*.toml` in it, by name. Hidden files are an editor's; all else that could be
/// meant for a part of the policy is an error.
///
/// # Errors
/// When there is nothing to read, too much, or something that cannot be read.
pub fn read(place: &Path) -> Result<Vec<PolicySource>, ReadError> {
    let files = files::read(place, MAX_BYTES)?;
    Ok(files.into_iter().map(|file| PolicySource { name: file.name, text: file.text }).collect())
}

/// Reads `place` while it stays as it looks: one file of before a change and one of after it are no policy.
pub(super) fn read_still(place: &Path) -> Result<(Look, Vec<PolicySource>), ReadError> {
    still(place, || read(place))
}

fn still<T>(place: &Path, mut read: impl FnMut() -> Result<T, ReadError>) -> Result<(Look, T), ReadError> {
    for _ in 0..TRIES {
        let before = files::look(place);
        let answer = read();
        if files::look(place) == before {
            return answer.map(|answer| (before, answer));
        }
    }
    Err(ReadError::Changing(place.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::{ReadError, TRIES, read, still};

    /// What files are read, and what is refused, is the reader's: see `fetch/src/files`.
    #[test]
    fn nothing_that_may_be_a_part_of_the_policy_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(ReadError::Empty(_))));
        for name in ["b.toml", "A.TOML", ".x.toml"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let names: Vec<_> = read(folder.path()).unwrap().into_iter().map(|source| source.name).collect();
        assert_eq!(names, ["A.TOML", "b.toml"]);
        symlink("gone", folder.path().join("freeze.toml")).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("policy `/") && error.contains("freeze.toml` cannot be read"), "{error}");
        fs::remove_file(folder.path().join("freeze.toml")).unwrap();
        fs::create_dir(folder.path().join("blocks")).unwrap();
        fs::write(folder.path().join("blocks/freeze.toml"), "").unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("blocks/freeze.toml"), "{error}");
    }

    #[test]
    fn what_changes_while_it_is_read_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(folder.path().join("a.toml"), text).unwrap();
        write("");
        let mut reads = 0;
        let (look, read_of) = still(folder.path(), || {
            reads += 1;
            if reads == 1 {
                write("new");
            }
            Ok(reads)
        })
        .unwrap();
        assert_eq!((read_of, look), (2, oam_fetch::files::look(folder.path())));
        let mut reads = 0;
        let changing = still(folder.path(), || {
            reads += 1;
            write(&"x".repeat(10 + reads));
            Ok(())
        });
        assert!(matches!(changing, Err(ReadError::Changing(_))) && reads == TRIES);
    }
}
