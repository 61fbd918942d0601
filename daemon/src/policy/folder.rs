use std::path::{Path, PathBuf};

use oam_fetch::files::{self, FilesError, Unreadable};
use oam_policy::file::PolicySource;
use thiserror::Error;

use crate::aside::PATIENCE;

/// A policy's files together may be this long, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::{ReadError, read};

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
}
