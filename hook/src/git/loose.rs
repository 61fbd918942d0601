//! Refs in files of their own.

use std::{
    collections::HashSet,
    fs,
    io::ErrorKind,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use oam_policy::{ObjectId, RefName};

use super::{Unreadable, refs::folder};
use crate::{git_dir::path_of, symref::loose_file};

/// How far git follows one symbolic ref to the next.
const MAX_DEPTH: usize = 5;

/// How deep folders of refs are looked into; a name of [`RefName::MAX_LEN`] bytes could have thousands.
const MAX_FOLDERS: usize = 200;

/// The loose refs that were found.
pub(super) struct Loose<'g> {
    git_dir: &'g Path,
    /// What they point to.
    pub(super) ids: Vec<ObjectId>,
    /// What they are called: a packed ref of that name is an older one.
    pub(super) names: HashSet<Vec<u8>>,
    /// What symbolic refs point to that is not loose.
    pub(super) targets: HashSet<Vec<u8>>,
}

impl<'g> Loose<'g> {
    pub(super) fn new(git_dir: &'g Path) -> Self {
        Self { git_dir, ids: Vec::new(), names: HashSet::new(), targets: HashSet::new() }
    }

    /// Takes those of which the full name begins with a prefix and is wanted.
    pub(super) fn walk(
        &mut self,
        prefix: &str,
        is_wanted: &mut impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Unreadable> {
        let mut ahead = vec![(PathBuf::from(folder(prefix)), 0_usize)];
        while let Some((folder, depth)) = ahead.pop() {
            let name = |path: &Path| path.as_os_str().as_bytes().to_vec();
            let unreadable = |error| Unreadable::bad_ref(&name(&folder), error);
            let entries = match fs::read_dir(self.git_dir.join(&folder)) {
                Ok(entries) => entries,
                // Gone since, or never there.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(error) => return Err(unreadable(error)),
            };
            for entry in entries {
                let entry = entry.map_err(unreadable)?;
                let below = folder.join(entry.file_name());
                if !agree(below.as_os_str().as_bytes(), prefix.as_bytes()) {
                    continue;
                }
                // Only of a folder: a link may be git's oldest kind of symbolic ref.
                if entry.file_type().map_err(unreadable)?.is_dir() {
                    if depth >= MAX_FOLDERS {
                        return Err(Unreadable::bad_ref(&name(&below), "the folders are too deep"));
                    }
                    ahead.push((below, depth.saturating_add(1)));
                    continue;
                }
                let below = name(&below);
                if is_wanted(&below) {
                    self.take(below)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, name: Vec<u8>) -> Result<(), Unreadable> {
        let mut at = name.clone();
        for _ in 0..=MAX_DEPTH {
            let Some(content) = self.read(&at)? else {
                // A symbolic ref to what is packed, or to nothing yet; or the ref has been packed or deleted just now.
                self.targets.insert(at);
                return Ok(());
            };
            match content.strip_prefix(b"ref:") {
                Some(target) => {
                    let target = target.trim_ascii();
                    if RefName::parse(target).is_err() {
                        return Err(Unreadable::bad_ref(&name, "it is a symbolic ref to what is no ref"));
                    }
                    at = target.to_vec();
                }
                None => {
                    let id = content.get(..hex_length(&content)).unwrap_or_default();
                    let id = ObjectId::parse_hex(id)
                        .map_err(|_| Unreadable::bad_ref(&name, "its file names no object"))?;
                    self.ids.push(id);
                    self.names.insert(name);
                    return Ok(());
                }
            }
        }
        Err(Unreadable::bad_ref(&name, "it is a chain of symbolic refs"))
    }

    fn read(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Unreadable> {
        loose_file(&self.git_dir.join(path_of(name))).map_err(|error| Unreadable::bad_ref(name, error))
    }
}

/// Whether one begins with the other.
fn agree(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}

/// As for git, white space or the end follows the id, and then whatever may be.
fn hex_length(content: &[u8]) -> usize {
    content.iter().position(u8::is_ascii_whitespace).unwrap_or(content.len())
}
