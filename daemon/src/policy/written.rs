//! Folders of policy files that appear whole or not at all, and can be taken back.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use oam_policy::file::PolicySource;

/// A folder that was written. What it replaced lies beside it until one of the two is let go.
#[derive(Debug)]
#[must_use]
pub(super) struct Written {
    place: PathBuf,
    replaced: Option<PathBuf>,
}

impl Written {
    /// Writes `files` into the folder `place`, which then has nothing else.
    pub(super) fn to(place: &Path, files: &[PolicySource]) -> io::Result<Self> {
        let mut draft = place.as_os_str().to_owned();
        draft.push(".draft");
        let draft = PathBuf::from(draft);
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(|error| left_over(&draft, &error))?;
        }
        fs::create_dir_all(&draft)?;
        for file in files {
            // A policy file's name is one component: see `file_name` in the services.
            let mut written = fs::File::create_new(draft.join(&file.name))?;
            written.write_all(file.text.as_bytes())?;
            written.sync_all()?;
        }
        fs::File::open(&draft)?.sync_all()?;
        let is_first = !place.exists();
        if is_first {
            fs::rename(&draft, place)?;
        } else {
            exchange(&draft, place)?;
        }
        let written = Self { place: place.to_owned(), replaced: (!is_first).then_some(draft) };
        match written.sync() {
            Ok(()) => Ok(written),
            Err(error) => {
                written.take_back()?;
                Err(error)
            }
        }
    }

    /// Lets go what it replaced.
    pub(super) fn keep(self) -> io::Result<()> {
        self.replaced.map_or(Ok(()), fs::remove_dir_all)
    }

    /// Puts back what it replaced, whatever that is, also where nobody could read it.
    pub(super) fn take_back(self) -> io::Result<()> {
        let Some(replaced) = &self.replaced else {
            fs::remove_dir_all(&self.place)?;
            return self.sync();
        };
        exchange(replaced, &self.place)?;
        self.sync()?;
        fs::remove_dir_all(replaced).map_err(|error| left_over(replaced, &error))
    }

    fn sync(&self) -> io::Result<()> {
        self.place.parent().map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
    }
}

/// Writes `files` into the folder `place`, instead of what was there.
pub(super) fn write_folder(place: &Path, files: &[PolicySource]) -> io::Result<()> {
    Written::to(place, files)?.keep()
}

/// What is beside the folder now, and in the way of the next one.
fn left_over(draft: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}` cannot be removed: {error}", draft.display()))
}

/// In one step.
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    let here = rustix::fs::CWD;
    Ok(rustix::fs::renameat_with(here, one, here, other, rustix::fs::RenameFlags::EXCHANGE)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::read, PolicySource, Written, write_folder};

    fn file(name: &str) -> PolicySource {
        PolicySource { name: name.into(), text: name.into() }
    }

    #[test]
    fn a_folder_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("policy");
        write_folder(&place, &[file("a.toml"), file("b.toml")]).unwrap();
        // As a crash would leave one.
        fs::create_dir(folder.path().join("policy.draft")).unwrap();
        fs::write(folder.path().join("policy.draft/d.toml"), "").unwrap();
        write_folder(&place, &[file("c.toml")]).unwrap();
        assert_eq!(read(&place).unwrap(), [file("c.toml")]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("policy");
        Written::to(&place, &[file("a.toml")]).unwrap().take_back().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // As of a folder of notes, which makes the whole of it unreadable.
        fs::create_dir_all(place.join("notes.toml")).unwrap();
        fs::write(place.join("notes.toml/why"), "mine").unwrap();
        Written::to(&place, &[file("a.toml")]).unwrap().take_back().unwrap();
        assert_eq!(fs::read_to_string(place.join("notes.toml/why")).unwrap(), "mine");
        assert_eq!(
            (fs::read_dir(&place).unwrap().count(), fs::read_dir(folder.path()).unwrap().count()),
            (1, 1)
        );
    }
}
