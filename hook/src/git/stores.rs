//! The object folders of a repository, each opened when those before it do not have an object.

use std::{
    cell::OnceCell,
    ops::RangeBounds,
    path::{Path, PathBuf},
};

use gix_hash::oid;
use gix_odb::loose;
use oam_policy::name::ObjectFormat;

use super::{
    Unreadable,
    folders::with_alternates,
    objects::{MAX_TREE, hash_of},
    packs::Packs,
    unreadable::words,
};
use crate::git_dir::Places;

/// All of them.
pub(super) struct Stores {
    pub(super) format: ObjectFormat,
    /// All folders that there are, that of a quarantine first.
    pub(super) folders: Vec<PathBuf>,
    /// One for each of them; opened when those before it do not have an object.
    all: Vec<OnceCell<Store>>,
}

/// One of them.
pub(super) struct Store {
    pub(super) packs: Packs,
    pub(super) loose: loose::Store,
}

impl Stores {
    pub(super) fn of(places: &Places, format: ObjectFormat) -> Result<Self, Unreadable> {
        let folders = places.object_dirs.as_ref().ok_or(Unreadable::NoFolders)?;
        let folders = with_alternates(folders)?.into_iter().enumerate();
        // git goes on without alternates that are not there. What would be in them is missing.
        let folders = folders.filter(|(place, folder)| *place == 0 || folder.is_dir());
        let folders: Vec<_> = folders.map(|(_, folder)| folder).collect();
        let all = folders.iter().map(|_| OnceCell::new()).collect();
        Ok(Self { format, folders, all })
    }

    /// Looks into some of them, until an object is found.
    pub(super) fn find<T>(
        &self,
        which: impl RangeBounds<usize>,
        mut look: impl FnMut(&Store) -> Result<Option<T>, Unreadable>,
    ) -> Result<Option<T>, Unreadable> {
        for (place, (folder, store)) in self.folders.iter().zip(&self.all).enumerate() {
            if !which.contains(&place) {
                continue;
            }
            let store = match store.get() {
                Some(store) => store,
                None => {
                    let opened = Store::open(folder, self.format)?;
                    store.get_or_init(|| opened)
                }
            };
            if let Some(found) = look(store)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl Store {
    fn open(folder: &Path, format: ObjectFormat) -> Result<Self, Unreadable> {
        let format = hash_of(format);
        let packs = Packs::list(folder, format).map_err(|error| Unreadable::folder(folder, words(error)))?;
        let limits =
            loose::Options { alloc_limit_bytes: usize::try_from(MAX_TREE).ok(), ..loose::Options::default() };
        Ok(Self { packs, loose: loose::Store::at_opts(folder, format, limits) })
    }

    /// Whether it has an object in a file of its own. What may not be looked at is not taken for absent.
    pub(super) fn has_loose(&self, id: &oid) -> Result<bool, String> {
        self.loose.object_path(id).try_exists().map_err(words)
    }

    /// Whether it has an object.
    pub(super) fn has(&self, id: &oid) -> Result<Option<()>, String> {
        Ok((self.packs.find(id)?.is_some() || self.has_loose(id)?).then_some(()))
    }
}
