//! Is one commit an ancestor of another? Found out in this process.
//!
//! Commits outside the commit-graph are read, newest first; a commit within it is searched below without reading
//! any. Where the old commit is not in a graph, nothing in that graph can descend from it, and where it is, nothing at or
//! below its level can.

use std::{
    collections::{BinaryHeap, HashMap, HashSet},
    rc::Rc,
};

use oam_policy::ObjectId;

use super::{
    graph::{Corrupt, Graphs, Node},
    links::Links,
    marks::Marks,
    objects::{Objects, Peeled, oid_of},
    unreadable::Unreadable,
};
use crate::git_dir::Places;

/// How many commits are read for one pair. git reads on where there are more: it is as fast.
pub(super) const COMMITS_PER_PAIR: usize = 2_000;

/// How many commits are looked at before anything else.
const NEAR: usize = 20;

/// How many commits are read for all pairs of a push.
const COMMITS_PER_PUSH: usize = 50_000;

/// How many commits that were read are kept for the next pair.
const KEPT: usize = 20_000;

/// Walks histories from their newest commits on.
pub(super) struct Walker {
    objects: Objects,
    /// Opened when the first pair needs it; one that is corrupt is dropped for good.
    inside: Option<Inside>,
    read: HashMap<ObjectId, Links>,
    left: usize,
    buffer: Vec<u8>,
}

impl Walker {
    pub(super) fn open(places: &Places) -> Result<Self, Unreadable> {
        Ok(Self {
            objects: Objects::open(places)?,
            inside: None,
            read: HashMap::new(),
            left: COMMITS_PER_PUSH,
            buffer: Vec::new(),
        })
    }

    /// Whether `old` is `new` or one of its ancestors.
    pub(super) fn is_ancestor(&mut self, old: ObjectId, new: ObjectId) -> Result<bool, Unreadable> {
        let new = self.objects.peel(new)?;
        // Most pushes are of a commit or two: for those nothing else than what is pushed need be opened.
        if let Peeled::Commit(new) = new
            && self.is_near(old, new)?
        {
            return Ok(true);
        }
        let (Peeled::Commit(old), Peeled::Commit(new)) = (self.objects.peel(old)?, new) else {
            return Ok(false);
        };
        let mut inside = match self.inside.take() {
            Some(inside) => inside,
            None => Inside::new(self.objects.graphs(old.format())),
        };
        let found = match self.search(&mut inside, old, new) {
            Err(Trouble::Graph(Corrupt)) => {
                self.objects.distrust_graphs();
                inside = Inside::new(self.objects.graphs(old.format()));
                self.search(&mut inside, old, new)
            }
            found => found,
        };
        self.inside = Some(inside);
        match found {
            Ok(found) => Ok(found),
            Err(Trouble::Unreadable(why)) => Err(why),
            // There is no graph any more that could be.
            Err(Trouble::Graph(Corrupt)) => Err(Unreadable::BrokenOff),
        }
    }

    /// Whether `old` is found a few first parents behind `new`. What a commit has for a parent is a commit.
    fn is_near(&mut self, old: ObjectId, new: ObjectId) -> Result<bool, Unreadable> {
        let mut at = new;
        for _ in 0..NEAR {
            let parents = &self.links(at)?.parents;
            if parents.contains(&old) {
                return Ok(true);
            }
            // Further than what is pushed, the commit-graph is faster.
            match parents.first().copied() {
                Some(parent) if self.objects.is_first(parent)? => at = parent,
                _ => break,
            }
        }
        Ok(false)
    }

    fn search(&mut self, inside: &mut Inside, old: ObjectId, new: ObjectId) -> Result<bool, Trouble> {
        inside.aim_at(&old)?;
        let mut left = COMMITS_PER_PAIR;
        let mut seen = HashSet::from([new]);
        // Newest first finds a near ancestor soonest. Dates only order the walk: clocks that go wrong change no answer.
        let mut ahead = BinaryHeap::from([(i64::MAX, new)]);
        while let Some((_, id)) = ahead.pop() {
            if id == old {
                return Ok(true);
            }
            if let Some(node) = inside.graphs.find(oid_of(&id)?) {
                if inside.reaches(node)? {
                    return Ok(true);
                }
                continue;
            }
            left = left.checked_sub(1).ok_or(Unreadable::Long)?;
            for parent in self.links(id)?.parents.clone() {
                if seen.insert(parent) {
                    // One in a graph costs nothing, so it is next.
                    let is_inside = parent == old || inside.graphs.find(oid_of(&parent)?).is_some();
                    let committed = if is_inside { i64::MAX } else { self.links(parent)?.committed };
                    ahead.push((committed, parent));
                }
            }
        }
        Ok(false)
    }

    fn links(&mut self, id: ObjectId) -> Result<&Links, Unreadable> {
        if !self.read.contains_key(&id) {
            self.left = self.left.checked_sub(1).ok_or(Unreadable::Long)?;
            let links = self.objects.links(id, &mut self.buffer)?;
            if self.read.len() >= KEPT {
                self.read.clear();
            }
            self.read.insert(id, links);
        }
        self.read.get(&id).ok_or(Unreadable::BrokenOff)
    }
}

/// Why a search found nothing out.
pub(super) enum Trouble {
    Graph(Corrupt),
    Unreadable(Unreadable),
}

impl From<Corrupt> for Trouble {
    fn from(corrupt: Corrupt) -> Self {
        Self::Graph(corrupt)
    }
}

impl From<Unreadable> for Trouble {
    fn from(why: Unreadable) -> Self {
        Self::Unreadable(why)
    }
}

/// The search within the graphs for one commit.
struct Inside {
    graphs: Rc<Graphs>,
    /// The commit that is looked for, and its level.
    target: Option<(Node, u32)>,
    /// Which graphs have it.
    with_target: Vec<bool>,
    seen: Marks,
}

impl Inside {
    fn new(graphs: Rc<Graphs>) -> Self {
        let seen = Marks::new(graphs.len());
        Self { graphs, target: None, with_target: Vec::new(), seen }
    }

    fn aim_at(&mut self, old: &ObjectId) -> Result<(), Trouble> {
        let old = oid_of(old)?;
        self.seen.clear();
        self.with_target = self.graphs.with(old);
        self.target = match self.graphs.find(old) {
            Some(node) => Some((node, self.graphs.level(node)?)),
            None => None,
        };
        Ok(())
    }

    /// Whether the target is `from` or one of its ancestors: depth first, the first parents first.
    fn reaches(&mut self, from: Node) -> Result<bool, Corrupt> {
        let Some((target, lowest)) = self.target else { return Ok(false) };
        if from == target {
            return Ok(true);
        }
        // Levels that do not fit those of the parents are noticed here, before they are relied on.
        let (mut ahead, mut parents) = (vec![from], Vec::new());
        self.graphs.parents(target, &mut parents)?;
        let level = self.graphs.parents(from, &mut parents)?;
        if level <= lowest || !self.has_target(from)? || !self.seen.insert(from) {
            return Ok(false);
        }
        while let Some(node) = ahead.pop() {
            self.graphs.parents(node, &mut parents)?;
            for (parent, level) in parents.drain(..).rev() {
                if parent == target {
                    return Ok(true);
                }
                let is_above = level > lowest && self.has_target(parent)?;
                if is_above && self.seen.insert(parent) {
                    ahead.push(parent);
                }
            }
        }
        Ok(false)
    }

    /// Whether the target is in the same graph as a node.
    fn has_target(&self, node: Node) -> Result<bool, Corrupt> {
        Ok(self.with_target.get(self.graphs.graph(node)?).copied().unwrap_or(false))
    }
}
