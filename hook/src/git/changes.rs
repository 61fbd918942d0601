//! Which paths of a tree differ from every one of a number of other trees.
//!
//! With one other tree that is the plain difference of the two, with the trees of a merge's parents what the merge
//! itself changes (as `git diff-tree -c` has it), with none all there is. Renames are a removal and an addition. Nothing
//! is normalised: names are bytes.
//!
//! All trees are gone through side by side, in their common order. What is the same as in any of the others is not
//! looked into, so the cost is that of the difference. Only the raw trees on the way from the top are held.

use std::{cell::Cell, cmp::Ordering, rc::Rc};

use oam_policy::{ObjectId, name::TreePath};
use thiserror::Error;

use super::{
    Malformed,
    tree::{Entries, Entry, EntryKind, WrongSide, id_of},
};

/// How deep folders may lie within each other.
pub const MAX_DEPTH: usize = 4_096;

/// How many bytes of trees are held at once.
pub const MAX_HELD: usize = 256 * 1024 * 1024;

/// A path that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The path.
    pub path: &'a TreePath,
    /// What is there now; `None`: nothing any more.
    pub now: Option<(EntryKind, ObjectId)>,
    /// Whether none of the others has this very content there.
    pub is_new_content: bool,
}

/// Why trees cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadTree {
    /// It is no tree.
    #[error("the tree {tree} is malformed: {what}")]
    Malformed {
        /// Which.
        tree: ObjectId,
        /// What is wrong.
        what: Malformed,
    },
    /// A path in it is none.
    #[error("a path in the tree {tree} is not judged: {what}")]
    Path {
        /// In which.
        tree: ObjectId,
        /// What is wrong.
        what: oam_policy::name::TreePathError,
    },
    /// Folders in folders in folders.
    #[error("the tree {tree} lies {MAX_DEPTH} folders deep")]
    TooDeep {
        /// Which.
        tree: ObjectId,
    },
    /// More than is held at once.
    #[error("the trees with {tree} take more than {} MiB of memory", MAX_HELD >> 20)]
    TooLarge {
        /// The last one.
        tree: ObjectId,
    },
}

/// Visits each path at which `new` differs from every tree of `others`; `None` stands for a tree with nothing in it.
/// Without others, everything in `new` is visited. `read` gives the content of trees.
///
/// # Errors
/// What `read` and `visit` say, and whatever leaves open which paths differ.
pub fn changes<E: From<BadTree>>(
    new: Option<ObjectId>,
    others: &[Option<ObjectId>],
    read: &mut dyn FnMut(ObjectId) -> Result<Rc<[u8]>, E>,
    visit: &mut dyn FnMut(Change<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let nothing = [None];
    let others = if others.is_empty() { &nothing } else { others };
    let mut comparison = Comparison { read, visit, path: Vec::new(), held: 0 };
    let mut levels = Vec::new();
    if !others.contains(&new) {
        levels.push(comparison.open(new, others, 0)?);
    }
    while let Some(level) = levels.last_mut() {
        match comparison.step(level)? {
            Step::On => {}
            Step::Out => {
                comparison.held = comparison.held.saturating_sub(level.size());
                levels.pop();
            }
            Step::Into(new, others) if levels.len() < MAX_DEPTH => {
                let level = comparison.open(new, &others, comparison.path.len())?;
                levels.push(level);
            }
            Step::Into(new, others) => {
                let tree = new.or_else(|| others.into_iter().flatten().next());
                return tree.map_or(Ok(()), |tree| Err(BadTree::TooDeep { tree }.into()));
            }
        }
    }
    Ok(())
}

struct Comparison<'a, E> {
    read: &'a mut dyn FnMut(ObjectId) -> Result<Rc<[u8]>, E>,
    visit: &'a mut dyn FnMut(Change<'_>) -> Result<(), E>,
    /// The folder that is gone through, with `/` at its end, and what stood behind it last.
    path: Vec<u8>,
    held: usize,
}

/// A folder, in each of the trees.
struct Level {
    new: Side,
    others: Vec<Side>,
    /// How long its path is.
    path: usize,
}

/// A folder in one of the trees.
struct Side {
    tree: Option<ObjectId>,
    entries: Option<Entries>,
    /// Whether it has the entry that is looked at.
    has_it: Cell<bool>,
}

/// What comes next.
enum Step {
    /// The next entry.
    On,
    /// A folder that differs.
    Into(Option<ObjectId>, Vec<Option<ObjectId>>),
    /// There is nothing more here.
    Out,
}

impl Level {
    fn size(&self) -> usize {
        let sides = std::iter::once(&self.new).chain(&self.others);
        sides.filter_map(|side| side.entries.as_ref()).map(Entries::size).sum()
    }

    /// Passes by what is the same in both, where there is one other.
    fn pass_alike(&mut self) -> Result<(), BadTree> {
        let [other] = &mut self.others[..] else { return Ok(()) };
        let (Some(ours), Some(theirs)) = (&mut self.new.entries, &mut other.entries) else { return Ok(()) };
        let (tree, what) = match ours.pass_alike(theirs) {
            Ok(()) => return Ok(()),
            Err(WrongSide::This(what)) => (self.new.tree, what),
            Err(WrongSide::Other(what)) => (other.tree, what),
        };
        tree.map_or(Ok(()), |tree| Err(BadTree::Malformed { tree, what }))
    }

    /// The side whose entry comes first. All sides are gone through to their ends: only then is it known that each was in
    /// order, and nothing passed by.
    fn first(&self) -> Option<&Side> {
        let sides = std::iter::once(&self.new).chain(&self.others);
        let sides = sides.filter_map(|side| side.entry().map(|entry| (side, entry)));
        let first =
            sides.reduce(|best, next| if next.1.order(&best.1) == Ordering::Less { next } else { best });
        first.map(|(side, _)| side)
    }
}

impl Side {
    fn entry(&self) -> Option<Entry<'_>> {
        self.entries.as_ref().and_then(Entries::entry)
    }

    /// The entry, if it stands at the same place in the order as `other`.
    fn entry_at(&self, other: &Entry<'_>) -> Option<Entry<'_>> {
        self.entry().filter(|entry| entry.order(other) == Ordering::Equal)
    }

    fn advance(&mut self) -> Result<(), BadTree> {
        let (Some(entries), Some(tree)) = (&mut self.entries, self.tree) else { return Ok(()) };
        entries.advance().map_err(|what| BadTree::Malformed { tree, what })
    }
}

impl<E: From<BadTree>> Comparison<'_, E> {
    fn open(&mut self, new: Option<ObjectId>, others: &[Option<ObjectId>], path: usize) -> Result<Level, E> {
        let new = self.side(new)?;
        let others = others.iter().map(|tree| self.side(*tree)).collect::<Result<_, E>>()?;
        Ok(Level { new, others, path })
    }

    fn side(&mut self, tree: Option<ObjectId>) -> Result<Side, E> {
        let Some(id) = tree else { return Ok(Side { tree, entries: None, has_it: Cell::new(false) }) };
        let data = (self.read)(id)?;
        self.held = self.held.saturating_add(data.len());
        if self.held > MAX_HELD {
            return Err(BadTree::TooLarge { tree: id }.into());
        }
        let entries = Entries::of(data, id.format()).map_err(|what| BadTree::Malformed { tree: id, what })?;
        Ok(Side { tree, entries: Some(entries), has_it: Cell::new(false) })
    }

    /// Takes the next entry of a folder, on whichever sides it is.
    fn step(&mut self, level: &mut Level) -> Result<Step, E> {
        level.pass_alike()?;
        let Some(first) = level.first() else { return Ok(Step::Out) };
        let (Some(key), Some(tree)) = (first.entry(), first.tree) else { return Ok(Step::Out) };
        let now = level.new.entry_at(&key);
        let mut is_same = false;
        for side in &level.others {
            let then = side.entry_at(&key);
            side.has_it.set(then.is_some());
            is_same |= match (&then, &now) {
                (Some(then), Some(now)) => then.names_the_same(now),
                (then, now) => then.is_none() && now.is_none(),
            };
        }
        let mut step = Step::On;
        if !is_same {
            self.path.truncate(level.path);
            self.path.extend_from_slice(key.name);
            step = if key.kind == EntryKind::Tree {
                self.path.push(b'/');
                if self.path.len() > TreePath::MAX_LEN {
                    let what = oam_policy::name::TreePathError::TooLong;
                    return Err(BadTree::Path { tree, what }.into());
                }
                into(level, &key).map_err(|what| BadTree::Malformed { tree, what })?
            } else {
                self.tell(level, &key, tree)?;
                Step::On
            };
        }
        if now.is_some() {
            level.new.advance()?;
        }
        for side in level.others.iter_mut().filter(|side| side.has_it.get()) {
            side.advance()?;
        }
        Ok(step)
    }

    fn tell(&mut self, level: &Level, key: &Entry<'_>, tree: ObjectId) -> Result<(), E> {
        let path = TreePath::parse(&self.path).map_err(|what| BadTree::Path { tree, what })?;
        let now = level.new.entry_at(key);
        let has_it = |side: &Side| {
            side.entry_at(key)
                .zip(now)
                .is_some_and(|(then, now)| then.id == now.id && then.kind.is_like(now.kind))
        };
        let is_new_content = now.is_some() && !level.others.iter().any(has_it);
        let now = now.map(|now| id_of(now.id).map(|id| (now.kind, id))).transpose();
        let now = now.map_err(|what| BadTree::Malformed { tree, what })?;
        (self.visit)(Change { path: &path, now, is_new_content })
    }
}

/// A folder that differs from all. The same one is not compared with twice.
fn into(level: &Level, key: &Entry<'_>) -> Result<Step, Malformed> {
    let tree = |side: &Side| side.entry_at(key).map(|entry| id_of(entry.id)).transpose();
    let mut others: Vec<_> = level.others.iter().map(tree).collect::<Result<_, _>>()?;
    others.sort_unstable_by(|one, other| {
        one.as_ref().map(ObjectId::as_bytes).cmp(&other.as_ref().map(ObjectId::as_bytes))
    });
    others.dedup();
    Ok(Step::Into(tree(&level.new)?, others))
}
