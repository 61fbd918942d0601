//! The files of a policy.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use oam_proto::{limits, v1::PolicyFile};

use crate::failure::Failure;

/// What a message holds besides the texts: names, lengths, the reason.
const ROOM: usize = 64 * 1024;

/// Reads the policy at `path`: one file, or the `*.toml` files of a folder in order of their names. Hidden files
/// are passed over: they are an editor's.
pub(in crate::command) fn read(path: &Path) -> Result<Vec<PolicyFile>, Failure> {
    let is_folder = fs::metadata(path).map_err(|source| Failure::read(path, source))?.is_dir();
    let paths = if is_folder { within(path)? } else { vec![path.to_owned()] };
    let files = paths.iter().map(|path| read_one(path)).collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = files.iter().map(|file| file.text.len() + file.name.len()).sum();
    if bytes > limits::MESSAGE_BYTES - ROOM {
        return Err(Failure::Usage {
            what: format!("the policy has {bytes} bytes, more than one message to the daemon holds"),
            help: "let the daemon follow the folder itself: see `policy.path` in its configuration",
        });
    }
    Ok(files)
}

fn within(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |source| Failure::read(folder, source);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension() == Some(OsStr::new("toml")) && !hidden && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(failed(io::Error::other("there is no `*.toml` file in it")));
    }
    Ok(paths)
}

fn read_one(path: &Path) -> Result<PolicyFile, Failure> {
    let failed = |source| Failure::read(path, source);
    let not_text = || failed(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"));
    let bytes = fs::read(path).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| not_text())?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(PolicyFile { name, text })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::read;

    #[test]
    fn a_folder_is_its_toml_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(read(path).is_err(), "a folder without a policy is not an empty policy");
        for name in ["b.toml", "a.toml", ".a.toml.swp", ".hidden.toml", "README.md"] {
            fs::write(path.join(name), name).unwrap();
        }
        fs::create_dir(path.join("c.toml")).unwrap();
        let names: Vec<_> = read(path).unwrap().into_iter().map(|file| (file.name, file.text)).collect();
        assert_eq!(names, [("a.toml", "a.toml"), ("b.toml", "b.toml")].map(|(a, b)| (a.into(), b.into())));
        assert_eq!(read(&path.join("b.toml")).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_text_or_too_large_is_refused_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        fs::write(&path, b"\xff").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("not UTF-8"));
        fs::write(&path, "#".repeat(5 * 1024 * 1024)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("more than one message"));
    }
}
