use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use oam_policy::file::PolicySource;
use thiserror::Error;

/// A policy's files together may be this long, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Why a policy cannot be read from its place.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A file or folder cannot be read.
    #[error("policy `{path}` cannot be read: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A folder without a policy file.
    #[error("policy folder `{0}` holds no `*.toml` file: write one, or `oam policy apply` one")]
    Empty(PathBuf),
    /// More than can be a policy.
    #[error("policy `{path}` is larger than {MAX_BYTES} bytes")]
    TooLarge {
        /// Where.
        path: PathBuf,
    },
}

/// The files of a policy: `place` itself, or every `*.toml` in it, by name. Hidden files are an editor's.
///
/// # Errors
/// When there is nothing to read, or too much.
pub fn read(place: &Path) -> Result<Vec<PolicySource>, ReadError> {
    let mut room = MAX_BYTES;
    let mut sources = Vec::new();
    for path in files(place)? {
        let io = |source| ReadError::Io { path: path.clone(), source };
        let length = fs::metadata(&path).map_err(io)?.len();
        room = room.checked_sub(length).ok_or_else(|| ReadError::TooLarge { path: place.to_owned() })?;
        let text = fs::read_to_string(&path).map_err(io)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sources.push(PolicySource { name, text });
    }
    Ok(sources)
}

fn files(place: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let io = |source| ReadError::Io { path: place.to_owned(), source };
    if !fs::metadata(place).map_err(io)?.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".toml") && !name.starts_with('.') {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(ReadError::Empty(place.to_owned()));
    }
    files.sort();
    Ok(files)
}

/// What a policy's files look like from outside: changes when any of them does. Cheap enough to ask every second.
pub fn fingerprint(place: &Path) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    let Ok(files) = files(place) else { return Vec::new() };
    let look = |path: PathBuf| {
        let metadata = fs::metadata(&path).ok();
        let length = metadata.as_ref().map_or(0, fs::Metadata::len);
        (path, length, metadata.and_then(|metadata| metadata.modified().ok()))
    };
    files.into_iter().map(look).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{ReadError, fingerprint, read};

    #[test]
    fn a_folder_is_read_by_name_and_without_editor_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(ReadError::Empty(_))));
        for (name, text) in
            [("b.toml", "b"), ("a.toml", "a"), (".a.toml.swp", "x"), (".x.toml", "x"), ("README", "x")]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let names: Vec<_> = read(folder.path()).unwrap().into_iter().map(|source| source.name).collect();
        assert_eq!(names, ["a.toml", "b.toml"]);
        assert_eq!(read(&folder.path().join("b.toml")).unwrap().len(), 1);
    }

    #[test]
    fn the_fingerprint_tells_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, "one").unwrap();
        let before = fingerprint(folder.path());
        assert_eq!(before, fingerprint(folder.path()));
        fs::write(&file, "three").unwrap();
        assert_ne!(before, fingerprint(folder.path()));
    }
}
