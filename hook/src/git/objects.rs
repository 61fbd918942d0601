//! Objects, read in this process.
//!
//! Object *folders* are opened, each for itself, and never a repository: so the quarantine's variables are ours to
//! honour, Bitbucket's missing `GIT_DIR` does no harm, and neither replacement refs nor grafts nor anybody's
//! configuration come into play. Packs, multi-pack-indexes, loose objects and `info/alternates` are all known. What the
//! files mean, gitoxide knows.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

use gix_hash::oid;
use oam_policy::{ObjectId, name::ObjectFormat};

use super::{
    folders::are_partial,
    graph::Graphs,
    links::{self, Links},
    recent::Recent,
    stores::{Store, Stores},
    unreadable::{Unreadable, words},
};
use crate::git_dir::Places;

/// The largest commit or tag that is read. One with 10,000 parents has 710 kB.
pub const MAX_COMMIT: u64 = 4 << 20;

/// The largest tree that is read: about a million entries.
pub const MAX_TREE: u64 = 64 << 20;

/// How much memory commits may take that were read: each is wanted as a child, as itself, and as a parent.
const COMMITS: usize = 2 << 20;

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

/// An object's kind and content, held by several.
pub type Shared = (Kind, Rc<[u8]>);

/// What an id names, tags peeled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peeled {
    /// A commit.
    Commit(ObjectId),
    /// A tree or a blob, which have no history.
    Other(ObjectId, Kind),
}

/// The objects of the repository and of the push. For one thread.
pub struct Objects {
    places: Places,
    /// Opened by the first id: it tells the repository's hash function.
    stores: RefCell<Option<Rc<Stores>>>,
    /// Whether they were opened once more, since something was missing.
    renewed: Cell<bool>,
    /// Opened when a walk needs them.
    graphs: RefCell<Option<Rc<Graphs>>>,
    commits: RefCell<Recent<ObjectId, Rc<[u8]>>>,
    /// What is read before it is shared.
    scratch: RefCell<Vec<u8>>,
}

/// Where an object is, for as long as nothing is opened anew: in a pack, by its folder and its place among all that is
/// packed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: usize,
    pub(super) at: usize,
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
            commits: RefCell::new(Recent::new(COMMITS)),
            scratch: RefCell::default(),
        })
    }

    /// Reads a commit, a tree or a tag into `buffer`.
    ///
    /// # Errors
    /// When it is not there, is damaged, a blob, or larger than [`MAX_COMMIT`] or [`MAX_TREE`].
    pub fn read(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Result<Kind, Unreadable> {
        let found = self.find(id, |store, oid| {
            let kind = match store.packs.find(oid)? {
                Some(found) => Some(found.read(buffer)?),
                None => store.loose.try_find(oid, buffer).map_err(words)?.map(|data| data.kind.into()),
            };
            Ok(kind.map(|kind| (kind, buffer.len() as u64)))
        });
        self.bounded(id, found)
    }

    /// Reads a commit, a tree or a tag that is to be kept.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn share(&self, id: ObjectId) -> Result<Shared, Unreadable> {
        let mut scratch = self.scratch.borrow_mut();
        let mut data = None;
        let found = self.find(id, |store, oid| {
            let found = match store.packs.find(oid)? {
                Some(found) => Some(found.share(&mut scratch)?),
                None => {
                    let found = store.loose.try_find(oid, &mut scratch).map_err(words)?;
                    found.map(|found| (found.kind.into(), Rc::from(found.data)))
                }
            };
            Ok(found.map(|(kind, found)| (kind, data.insert(found).len() as u64)))
        });
        drop(scratch);
        let kind = self.bounded(id, found)?;
        data.map(|data| (kind, data)).ok_or(Unreadable::BrokenOff)
    }

    fn bounded(&self, id: ObjectId, found: Result<(Kind, u64), Unreadable>) -> Result<Kind, Unreadable> {
        let (kind, size) = match found {
            // Whatever is beyond the decoder's own limit is not decoded, and only its header tells what it is.
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
        self.find(id, |store, oid| match store.packs.find(oid)? {
            Some(found) => found.header().map(Some),
            None => {
                let header = store.loose.try_header(oid).map_err(words)?;
                Ok(header.map(|(size, kind)| (kind.into(), size)))
            }
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

    /// A raw commit.
    ///
    /// # Errors
    /// When it cannot be read, or is no commit.
    pub fn commit(&self, id: ObjectId) -> Result<Rc<[u8]>, Unreadable> {
        if let Some(commit) = self.commits.borrow_mut().get(id) {
            return Ok(Rc::clone(commit));
        }
        let commit = match self.share(id)? {
            (Kind::Commit, commit) => commit,
            (kind, _) => return Err(Unreadable::not_a(id, kind, Kind::Commit)),
        };
        self.commits.borrow_mut().put(id, Rc::clone(&commit));
        Ok(commit)
    }

    /// The parents and the date of a commit that is read once.
    ///
    /// # Errors
    /// When it cannot be read, or is no commit.
    pub fn links(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Result<Links, Unreadable> {
        match self.read(id, buffer)? {
            Kind::Commit => links_of(id, buffer),
            kind => Err(Unreadable::not_a(id, kind, Kind::Commit)),
        }
    }

    /// The same of a commit that is wanted once more soon.
    pub(super) fn kept_links(&self, id: ObjectId) -> Result<Links, Unreadable> {
        links_of(id, &self.commit(id)?)
    }

    /// Where an object is, if it is in a pack.
    ///
    /// # Errors
    /// When it is nowhere.
    pub(super) fn place(&self, id: ObjectId) -> Result<Option<Place>, Unreadable> {
        let mut folder = 0_usize;
        self.find(id, |store, oid| {
            let found = match store.packs.find(oid)? {
                Some(found) => Some(Some(found.place)),
                None => store.has_loose(oid)?.then_some(None),
            };
            folder = folder.saturating_add(usize::from(found.is_none()));
            Ok(found)
        })
        .map(|found| found.map(|at| Place { folder, at }))
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
        let before =
            self.stores(id)?.find(1.., |store| store.has(oid).map_err(|why| Unreadable::damaged(id, why)));
        Ok(before?.is_none())
    }

    /// Whether an object is in the first folder: that of a quarantine, if there is one.
    pub(super) fn is_first(&self, id: ObjectId) -> Result<bool, Unreadable> {
        let oid = oid_of(&id)?;
        let look = |store: &Store| store.has(oid).map_err(|why| Unreadable::damaged(id, why));
        Ok(self.places.quarantined && self.stores(id)?.find(..1, look)?.is_some())
    }

    /// Whether the packs were opened anew: then no [`Place`] of before means anything.
    pub(super) fn is_renewed(&self) -> bool {
        self.renewed.get()
    }

    /// Whether history may be cut off.
    pub(super) fn is_shallow(&self) -> bool {
        self.places.shallow
    }

    /// The commit-graphs of the object folders.
    pub(crate) fn graphs(&self, format: ObjectFormat) -> Rc<Graphs> {
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
                return Err(self.missing(id));
            }
            self.stores.replace(None);
        }
    }

    /// Why an object is not there.
    fn missing(&self, id: ObjectId) -> Unreadable {
        match self.stores(id) {
            Ok(stores) if are_partial(&stores.folders) => Unreadable::LeftOut(id),
            _ => Unreadable::Missing(id),
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

fn links_of(id: ObjectId, commit: &[u8]) -> Result<Links, Unreadable> {
    links::parse(commit).ok_or_else(|| Unreadable::damaged(id, "the commit is malformed"))
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
