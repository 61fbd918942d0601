//! Objects, read in this process with gitoxide's object database.
//!
//! Each object *folder* is opened as a database of its own, never a repository: so the quarantine's variables are ours to
//! honour, Bitbucket's missing `GIT_DIR` does no harm, and neither replacement refs nor grafts nor anybody's
//! configuration come into play. Packs, multi-pack-indexes, loose objects and `info/alternates` are all known to it.

use std::{
    cell::{Cell, OnceCell, RefCell},
    fmt,
    ops::RangeBounds,
    path::{Path, PathBuf},
    rc::Rc,
};

use gix_hash::oid;
use gix_object::Find as _;
use gix_odb::{Header as _, store::init::Slots};
use gix_pack::cache::lru::MemoryCappedHashmap;
use oam_policy::{ObjectId, name::ObjectFormat, printable::Printable};

use super::{
    graph::Graphs,
    links::{self, Links},
    unreadable::{Unreadable, words},
};
use crate::git_dir::Places;

/// The largest commit or tag that is read. One with 10,000 parents has 710 kB.
pub const MAX_COMMIT: u64 = 4 << 20;

/// The largest tree that is read: about a million entries.
pub const MAX_TREE: u64 = 64 << 20;

/// How much memory the deltas' bases may take for each object folder.
const PACK_CACHE: usize = 16 << 20;

/// How many tags of tags are followed.
const MAX_TAGS: usize = 16;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A file's content.
    Blob,
    /// An annotated tag.
    Tag,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        })
    }
}

impl From<gix_object::Kind> for Kind {
    fn from(kind: gix_object::Kind) -> Self {
        match kind {
            gix_object::Kind::Commit => Self::Commit,
            gix_object::Kind::Tree => Self::Tree,
            gix_object::Kind::Blob => Self::Blob,
            gix_object::Kind::Tag => Self::Tag,
        }
    }
}

impl Kind {
    /// How many bytes of such an object are read; none of a blob.
    fn most(self) -> u64 {
        match self {
            Self::Commit | Self::Tag => MAX_COMMIT,
            Self::Tree => MAX_TREE,
            Self::Blob => 0,
        }
    }
}

/// What an id names, tags peeled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peeled {
    /// A commit.
    Commit(ObjectId),
    /// A tree or a blob, which have no history.
    Other(ObjectId, Kind),
}

type Store = gix_odb::Handle;

/// The objects of the repository and of the push. For one thread.
pub struct Objects {
    places: Places,
    /// Opened by the first id: it tells the repository's hash function.
    stores: RefCell<Option<Rc<Stores>>>,
    /// Whether they were opened once more, since something was missing.
    renewed: Cell<bool>,
    /// Opened when a walk needs them.
    graphs: RefCell<Option<Rc<Graphs>>>,
}

struct Stores {
    format: ObjectFormat,
    /// One for each folder that is there, that of a quarantine first; opened when those before it do not have an object.
    all: Vec<(PathBuf, OnceCell<Store>)>,
}

impl Objects {
    /// The objects in `places`. Nothing is opened before something is read.
    ///
    /// # Errors
    /// When it is not known where they are.
    pub fn open(places: &Places) -> Result<Self, Unreadable> {
        if places.object_dirs.is_none() {
            return Err(Unreadable::NoFolders);
        }
        Ok(Self {
            places: places.clone(),
            stores: RefCell::new(None),
            renewed: Cell::new(false),
            graphs: RefCell::new(None),
        })
    }

    /// Reads a commit, a tree or a tag into `buffer`.
    ///
    /// # Errors
    /// When it is not there, is damaged, a blob, or larger than [`MAX_COMMIT`] or [`MAX_TREE`].
    pub fn read(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Result<Kind, Unreadable> {
        let found = self.find(id, |store, oid| {
            let found = store.try_find(oid, buffer).map_err(words)?;
            Ok(found.map(|data| (Kind::from(data.kind), data.data.len() as u64)))
        });
        let (kind, size) = match found {
            // Whatever is beyond the database's own limit is not decoded, and only its header tells what it is.
            Err(Unreadable::Damaged { .. }) => match self.size(id) {
                Ok((kind, size)) if size > kind.most() => (kind, size),
                _ => return found.map(|(kind, _)| kind),
            },
            found => found?,
        };
        let most = kind.most();
        if size > most {
            return Err(Unreadable::TooLarge { id, kind, size, most });
        }
        Ok(kind)
    }

    /// What an object is and how long, by its header.
    ///
    /// # Errors
    /// When it is not there, or is damaged.
    pub fn size(&self, id: ObjectId) -> Result<(Kind, u64), Unreadable> {
        self.find(id, |store, oid| {
            let header = store.try_header(oid).map_err(words)?;
            Ok(header.map(|header| (header.kind().into(), header.size())))
        })
    }

    /// What an id names, tags peeled.
    ///
    /// # Errors
    /// When one of the objects cannot be read.
    pub fn peel(&self, id: ObjectId) -> Result<Peeled, Unreadable> {
        let mut buffer = Vec::new();
        let mut at = id;
        for _ in 0..=MAX_TAGS {
            match self.size(at)?.0 {
                Kind::Commit => return Ok(Peeled::Commit(at)),
                Kind::Tag => {
                    self.read(at, &mut buffer)?;
                    at = links::tagged(&buffer)
                        .ok_or_else(|| Unreadable::damaged(at, "the tag is malformed"))?;
                }
                kind => return Ok(Peeled::Other(at, kind)),
            }
        }
        Err(Unreadable::Tags(id))
    }

    /// The parents and the date of a commit.
    ///
    /// # Errors
    /// When it cannot be read, or is no commit.
    pub fn links(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Result<Links, Unreadable> {
        match self.read(id, buffer)? {
            Kind::Commit => {
                links::parse(buffer).ok_or_else(|| Unreadable::damaged(id, "the commit is malformed"))
            }
            kind => Err(Unreadable::damaged(id, format_args!("it is a {kind}, where a commit is expected"))),
        }
    }

    /// Whether an object came with this push and was not in the repository before: no ref can have reached it.
    ///
    /// # Errors
    /// When the repository cannot be searched.
    pub(super) fn is_pushed(&self, id: ObjectId) -> Result<bool, Unreadable> {
        if !self.places.quarantined {
            return Ok(false);
        }
        let oid = oid_of(&id)?;
        let before = self
            .stores(id)?
            .find(1.., |store| store.try_header(oid).map_err(|error| Unreadable::damaged(id, error)));
        Ok(before?.is_none())
    }

    /// Whether an object is in the first folder: that of a quarantine, if there is one.
    pub(super) fn is_first(&self, id: ObjectId) -> Result<bool, Unreadable> {
        let oid = oid_of(&id)?;
        let look = |store: &Store| store.try_header(oid).map_err(|error| Unreadable::damaged(id, error));
        Ok(self.places.quarantined && self.stores(id)?.find(..1, look)?.is_some())
    }

    /// Whether history may be cut off.
    pub(super) fn is_shallow(&self) -> bool {
        self.places.shallow
    }

    /// The commit-graphs of the object folders.
    pub(super) fn graphs(&self, format: ObjectFormat) -> Rc<Graphs> {
        let mut graphs = self.graphs.borrow_mut();
        Rc::clone(graphs.get_or_insert_with(|| Rc::new(Graphs::open(&self.places, format))))
    }

    /// One of the commit-graphs turned out to be corrupt: none is used any more.
    pub(super) fn distrust_graphs(&self) {
        self.graphs.replace(Some(Rc::new(Graphs::default())));
    }

    /// Looks into one folder after the other. What is in none is looked for once more: a repack may have moved it.
    fn find<T>(
        &self,
        id: ObjectId,
        mut look: impl FnMut(&Store, &oid) -> Result<Option<T>, String>,
    ) -> Result<T, Unreadable> {
        let oid = oid_of(&id)?;
        loop {
            let found = self
                .stores(id)?
                .find(.., |store| look(store, oid).map_err(|why| Unreadable::Damaged { id, why }));
            if let Some(found) = found? {
                return Ok(found);
            }
            if self.renewed.replace(true) {
                return Err(Unreadable::Missing(id));
            }
            self.stores.replace(None);
        }
    }

    fn stores(&self, id: ObjectId) -> Result<Rc<Stores>, Unreadable> {
        let mut stores = self.stores.borrow_mut();
        let opened = match &*stores {
            Some(opened) => Rc::clone(opened),
            None => Rc::clone(stores.insert(Rc::new(Stores::of(&self.places, id.format())?))),
        };
        // Of the other hash function there is nothing.
        if opened.format == id.format() { Ok(opened) } else { Err(Unreadable::Missing(id)) }
    }
}

impl Stores {
    fn of(places: &Places, format: ObjectFormat) -> Result<Self, Unreadable> {
        let folders = places.object_dirs.as_ref().ok_or(Unreadable::NoFolders)?;
        // git goes on without alternates that are not there. What would be in them is missing.
        let there = folders.iter().enumerate().filter(|(place, folder)| *place == 0 || folder.is_dir());
        let all = there.map(|(_, folder)| (folder.clone(), OnceCell::new())).collect();
        Ok(Self { format, all })
    }

    /// Looks into some of them, until an object is found.
    fn find<T>(
        &self,
        which: impl RangeBounds<usize>,
        mut look: impl FnMut(&Store) -> Result<Option<T>, Unreadable>,
    ) -> Result<Option<T>, Unreadable> {
        for (place, (folder, store)) in self.all.iter().enumerate() {
            if !which.contains(&place) {
                continue;
            }
            let store = match store.get() {
                Some(store) => store,
                None => {
                    let opened = open(folder, self.format)?;
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

fn open(folder: &Path, format: ObjectFormat) -> Result<Store, Unreadable> {
    let options = gix_odb::store::init::Options {
        slots: Slots::default(),
        use_multi_pack_index: true,
        alloc_limit_bytes: usize::try_from(MAX_TREE).ok(),
        current_dir: Some(PathBuf::from("/")),
        ..Default::default()
    };
    let mut store = gix_odb::at_opts(folder, hash_of(format), None, options).map_err(|error| {
        let folder = Printable::new(folder.as_os_str().as_encoded_bytes()).to_string();
        Unreadable::Folder { folder, why: words(error) }
    })?;
    store.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(PACK_CACHE)));
    // Else each object that is in another folder would have this one listed again.
    store.refresh_never();
    Ok(store)
}

pub(super) fn hash_of(format: ObjectFormat) -> gix_hash::Kind {
    match format {
        ObjectFormat::Sha1 => gix_hash::Kind::Sha1,
        ObjectFormat::Sha256 => gix_hash::Kind::Sha256,
    }
}

pub(super) fn oid_of(id: &ObjectId) -> Result<&oid, Unreadable> {
    oid::try_from_bytes(id.as_bytes()).map_err(|error| Unreadable::damaged(*id, error))
}
