use std::rc::Rc;

use oam_policy::ObjectId;

use crate::git::{Kind, Objects, Recent, Unreadable, commit::Commit};

/// How many bytes of trees are kept for the next commits.
const KEPT: usize = 16 << 20;

/// Reads trees, of which a commit and its parent mostly share many.
pub(super) struct Trees<'o> {
    objects: &'o Objects,
    kept: Recent<ObjectId, Rc<[u8]>>,
}

impl<'o> Trees<'o> {
    pub(super) fn new(objects: &'o Objects) -> Self {
        Self { objects, kept: Recent::new(KEPT) }
    }

    /// A raw tree.
    pub(super) fn read(&mut self, id: ObjectId) -> Result<Rc<[u8]>, Unreadable> {
        if let Some(tree) = self.kept.get(id) {
            return Ok(Rc::clone(tree));
        }
        if is_empty(id) {
            return Ok(Rc::new([]));
        }
        let (kind, tree) = self.objects.share(id)?;
        if kind != Kind::Tree {
            return Err(Unreadable::not_a(id, kind, Kind::Tree));
        }
        self.kept.put(id, Rc::clone(&tree));
        Ok(tree)
    }

    /// The tree of a commit.
    pub(super) fn of_commit(&self, id: ObjectId) -> Result<ObjectId, Unreadable> {
        let commit = self.objects.commit(id)?;
        Commit::tree_of(&commit).map_err(|why| Unreadable::damaged(id, why))
    }
}

/// The id of the tree with nothing in it, which git knows without having it.
fn is_empty(id: ObjectId) -> bool {
    match id {
        ObjectId::Sha1(bytes) => bytes == *b"\x4b\x82\x5d\xc6\x42\xcb\x6e\xb9\xa0\x60\xe5\x4b\xf8\xd6\x92\x88\xfb\xee\x49\x04",
        ObjectId::Sha256(bytes) => {
            bytes
                == *b"\x6e\xf1\x9b\x41\x22\x5c\x53\x69\xf1\xc1\x04\xd4\x5d\x8d\x85\xef\xa9\xb0\x57\xb5\x3b\x14\xb4\xb9\xb9\x39\xdd\x74\xde\xcc\x53\x21"
        }
    }
}
