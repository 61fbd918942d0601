//! The files of a policy.

use std::{io, path::Path};

use oam_fetch::files::{self, FilesError, Unreadable};
use oam_proto::{limits, v1::PolicyFile};

use crate::failure::Failure;

/// What a message holds besides the texts: names, lengths, the reason.
const ROOM: usize = 64 * 1024;
/// How many bytes the texts and names may have.
const MOST: usize = limits::MESSAGE_BYTES - ROOM;

/// Reads the policy at `path`: one file, or the `*.toml` files of a folder in order of their names, as a daemon that follows it
/// would. Hidden files are passed over: they are an editor's. All else that could be meant for a part of the policy is an error.
pub(in crate::command) fn read(path: &Path) -> Result<Vec<PolicyFile>, Failure> {
    let files = files::read(path, MOST as u64).map_err(failure)?;
    if files.iter().map(|file| file.text.len() + file.name.len()).sum::<usize>() > MOST {
        return Err(too_large());
    }
    Ok(files.into_iter().map(|file| PolicyFile { name: file.name, text: file.text }).collect())
}

fn failure(error: FilesError) -> Failure {
    match error {
        FilesError { what: Unreadable::TooLarge(_), .. } => too_large(),
        FilesError { path, what: Unreadable::Io(source) } => Failure::read(&path, source),
        FilesError { path, what } => Failure::read(&path, io::Error::other(what)),
    }
}

fn too_large() -> Failure {
    Failure::Usage {
        what: format!("the policy has more than {MOST} bytes, more than one message to the daemon holds"),
        help: "let the daemon follow the folder itself: see `policy.path` in its configuration",
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::{MOST, read};

    /// What files are read, and what is refused, is the reader's: see `fetch/src/files`.
    #[test]
    fn a_folder_is_its_toml_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(read(path).is_err(), "a folder without a policy is not an empty policy");
        for name in ["b.toml", "A.TOML", ".a.toml.swp", ".hidden.toml", "README.md"] {
            fs::write(path.join(name), name).unwrap();
        }
        let names: Vec<_> = read(path).unwrap().into_iter().map(|file| (file.name, file.text)).collect();
        assert_eq!(names, [("A.TOML", "A.TOML"), ("b.toml", "b.toml")].map(|(a, b)| (a.into(), b.into())));
        assert_eq!(read(&path.join("b.toml")).unwrap().len(), 1);
    }

    /// A daemon would read it, or refuse it: what is checked here is what is followed there.
    #[test]
    fn what_may_be_a_part_of_the_policy_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("a.toml"), "").unwrap();
        let refused = |name: &str| {
            let error = read(path).unwrap_err().to_string();
            assert!(error.contains(&format!("/{name}`")), "{error}");
        };
        fs::create_dir(path.join("c.toml")).unwrap();
        refused("c.toml");
        fs::remove_dir(path.join("c.toml")).unwrap();
        symlink("gone", path.join("freeze.toml")).unwrap();
        refused("freeze.toml");
        fs::remove_file(path.join("freeze.toml")).unwrap();
        fs::create_dir_all(path.join("fp/blocks")).unwrap();
        assert_eq!(read(path).unwrap().len(), 1);
        fs::write(path.join("fp/blocks/freeze.toml"), "").unwrap();
        refused("fp/blocks/freeze.toml");
    }

    #[test]
    fn what_is_no_text_too_large_or_endless_is_refused_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        fs::write(&path, b"a = 1\nb\xff").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("not UTF-8 text: see line 2, column 2"));
        fs::write(&path, "#".repeat(5 * 1024 * 1024)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("more than one message"));
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("it is a device"));
        // Names count, too: these alone are more than the room that is kept for them.
        fs::write(&path, "#".repeat(MOST - 10)).unwrap();
        fs::write(folder.path().join("a-longer-name.toml"), "").unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("more than one message"));
    }
}
