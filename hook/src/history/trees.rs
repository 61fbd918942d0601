use std::{
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use oam_policy::ObjectId;

use crate::git::{Kind, Objects, Unreadable, commit::Commit};

/// How many bytes of trees are kept for the next commits, and how large one of them may be.
const KEPT: usize = 32 << 20;
const LARGEST_KEPT: usize = KEPT / 4;

/// Of how many commits it is remembered what they hold.
const COMMITS: usize = 1 << 16;

/// Reads trees, of which a commit and its parent mostly share many.
pub(super) struct Trees<'o> {
    objects: &'o Objects,
    kept: HashMap<ObjectId, Rc<[u8]>>,
    /// In the order in which they came.
    order: VecDeque<ObjectId>,
    bytes: usize,
    of_commits: HashMap<ObjectId, ObjectId>,
    buffer: Vec<u8>,
}

impl<'o> Trees<'o> {
    pub(super) fn new(objects: &'o Objects) -> Self {
        Self {
            objects,
            kept: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            of_commits: HashMap::new(),
            buffer: Vec::new(),
        }
    }

    /// A raw tree.
    pub(super) fn read(&mut self, id: ObjectId) -> Result<Rc<[u8]>, Unreadable> {
        if let Some(tree) = self.kept.get(&id) {
            return Ok(Rc::clone(tree));
        }
        if is_empty(id) {
            return Ok(Rc::new([]));
        }
        let kind = self.objects.read(id, &mut self.buffer)?;
        if kind != Kind::Tree {
            return Err(Unreadable::not_a(id, kind, Kind::Tree));
        }
        let tree: Rc<[u8]> = Rc::from(self.buffer.as_slice());
        if tree.len() <= LARGEST_KEPT {
            self.keep(id, Rc::clone(&tree));
        }
        Ok(tree)
    }

    /// The tree of a commit.
    pub(super) fn of_commit(&mut self, id: ObjectId) -> Result<ObjectId, Unreadable> {
        if let Some(tree) = self.of_commits.get(&id) {
            return Ok(*tree);
        }
        let kind = self.objects.read(id, &mut self.buffer)?;
        if kind != Kind::Commit {
            return Err(Unreadable::not_a(id, kind, Kind::Commit));
        }
        let tree = Commit::parse(&self.buffer).map_err(|why| Unreadable::damaged(id, why))?.tree;
        self.remember(id, tree);
        Ok(tree)
    }

    /// Remembers the tree of a commit that was read elsewhere.
    pub(super) fn remember(&mut self, commit: ObjectId, tree: ObjectId) {
        if self.of_commits.len() >= COMMITS {
            self.of_commits.clear();
        }
        self.of_commits.insert(commit, tree);
    }

    fn keep(&mut self, id: ObjectId, tree: Rc<[u8]>) {
        self.bytes = self.bytes.saturating_add(tree.len());
        self.kept.insert(id, tree);
        self.order.push_back(id);
        while self.bytes > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            let gone = self.kept.remove(&oldest).map_or(0, |tree| tree.len());
            self.bytes = self.bytes.saturating_sub(gone);
        }
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
