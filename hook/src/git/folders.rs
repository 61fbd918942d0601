//! Object folders, and what lies in them besides objects.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use super::unreadable::{Unreadable, words};

/// How deep alternates may name further alternates. git follows none that lie deeper.
const MAX_NESTING: usize = 5;

/// The folders, and behind each those that its `info/alternates` names, as git follows them: what is relative is so to
/// the folder that names it, and each is taken once.
///
/// # Errors
/// When what is named cannot be read.
pub(super) fn with_alternates(folders: &[PathBuf]) -> Result<Vec<PathBuf>, Unreadable> {
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    for folder in folders {
        let mut ahead = vec![(folder.clone(), 0_usize)];
        while let Some((folder, depth)) = ahead.pop() {
            // A folder that is not there is left as it is called: it has nothing.
            if !seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
                continue;
            }
            if depth < MAX_NESTING {
                let named = alternates(&folder)?.into_iter().rev();
                ahead.extend(named.map(|path| (folder.join(path), depth.saturating_add(1))));
            }
            all.push(folder);
        }
    }
    Ok(all)
}

fn alternates(folder: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let unreadable = |why: String| Unreadable::folder(folder, why);
    match fs::read(folder.join("info/alternates")) {
        Ok(text) => gix_odb::alternate::parse(&text).map_err(|error| unreadable(words(error))),
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(unreadable(words(error))),
    }
}

/// Whether objects may be missing since a clone was made without them: git marks the packs that it got from such a
/// clone's origin, by a file beside each.
pub(super) fn are_partial(folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| {
        // A folder that cannot be listed tells nothing: then what is missing is called just that.
        let mut files = folder.join("pack").read_dir().into_iter().flatten().flatten();
        files.any(|file| Path::new(&file.file_name()).extension().is_some_and(|end| end == "promisor"))
    })
}
