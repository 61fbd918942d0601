//! Is one commit an ancestor of another? Found out in this process.
//!
//! Commits outside the commit-graph are read, newest first; a commit within it is searched below without reading
//! any. Where the old commit is not in a graph, nothing in that graph can descend from it, and where it is, nothing at or
//! below its level can.
//!
//! Outside of the graphs, what the old commit itself descends from is walked as well, as far down as the search has
//! come: none of that descends from it. Dates order both walks, and prove nothing.

use std::{
    collections::{BinaryHeap, HashMap},
    rc::Rc,
};

use oam_policy::ObjectId;

use super::{
    graph::{Corrupt, Graphs, Node},
    links::Links,
    marks::{Marks, Seen},
    objects::{Objects, Peeled, oid_of},
    unreadable::Unreadable,
};
use crate::git_dir::Places;

/// How many commits are looked at before anything else.
const NEAR: usize = 20;

/// How many parents the commits may have together that wait to be walked on from: as many lines of history side by side.
const MAX_AHEAD: usize = 500_000;

/// How many commits that were read are kept for the next pair.
const KEPT: usize = 20_000;

/// Walks histories from their newest commits on.
pub(super) struct Walker {
    objects: Objects,
    /// Opened when the first pair needs it; one that is corrupt is dropped for good.
    inside: Option<Inside>,
    read: HashMap<ObjectId, Links>,
    buffer: Vec<u8>,
}

impl Walker {
    pub(super) fn open(places: &Places) -> Result<Self, Unreadable> {
        Ok(Self { objects: Objects::open(places)?, inside: None, read: HashMap::new(), buffer: Vec::new() })
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
        let found = match self.search_anew(&mut inside, old, new) {
            Err(Trouble::Graph(Corrupt)) => {
                self.objects.distrust_graphs();
                inside = Inside::new(self.objects.graphs(old.format()));
                self.search_anew(&mut inside, old, new)
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

    /// Searches, and once more if the packs were opened anew in the middle: places mean something only until then.
    fn search_anew(&mut self, inside: &mut Inside, old: ObjectId, new: ObjectId) -> Result<bool, Trouble> {
        let was_renewed = self.objects.is_renewed();
        let found = Search::over(&self.objects, inside, old, new).and_then(Search::run);
        if self.objects.is_renewed() == was_renewed {
            return found;
        }
        Search::over(&self.objects, inside, old, new).and_then(Search::run)
    }

    fn links(&mut self, id: ObjectId) -> Result<&Links, Unreadable> {
        if !self.read.contains_key(&id) {
            let links = self.objects.links(id, &mut self.buffer)?;
            if self.read.len() >= KEPT {
                self.read.clear();
            }
            self.read.insert(id, links);
        }
        self.read.get(&id).ok_or(Unreadable::BrokenOff)
    }
}

/// One search.
struct Search<'w> {
    objects: &'w Objects,
    inside: &'w mut Inside,
    old: ObjectId,
    new: ObjectId,
    /// What `new` descends from.
    above: Side,
    /// What `old` descends from. None of it descends from `old`.
    below: Side,
    /// How many parents of commits are ahead, with one for each commit.
    ahead: usize,
    buffer: Vec<u8>,
}

/// Commits outside the graphs that one of the two descends from.
#[derive(Default)]
struct Side {
    seen: Seen,
    /// Those to be walked on from, the newest on top.
    ahead: BinaryHeap<Ahead>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Ahead {
    committed: i64,
    id: ObjectId,
    parents: Vec<ObjectId>,
}

impl Ahead {
    fn weight(&self) -> usize {
        self.parents.len().saturating_add(1)
    }
}

impl<'w> Search<'w> {
    fn over(
        objects: &'w Objects,
        inside: &'w mut Inside,
        old: ObjectId,
        new: ObjectId,
    ) -> Result<Self, Trouble> {
        inside.aim_at(&old)?;
        let (above, below) = (Side::default(), Side::default());
        Ok(Self { objects, inside, old, new, above, below, ahead: 0, buffer: Vec::new() })
    }

    fn run(mut self) -> Result<bool, Trouble> {
        if self.meet(self.new)? {
            return Ok(true);
        }
        if self.inside.target.is_none() {
            let old = self.read(self.old)?;
            self.below.ahead.push(old);
        }
        while let Some(newest) = self.above.ahead.peek() {
            if self.below.ahead.peek().is_some_and(|below| below.committed > newest.committed) {
                // It only spares the other walk something: what cannot be read of it need not be known.
                if self.go_on_below().is_err() {
                    self.below.ahead.clear();
                }
            } else if self.go_on_above()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn go_on_above(&mut self) -> Result<bool, Trouble> {
        let Some(commit) = self.above.ahead.pop() else { return Ok(false) };
        self.ahead = self.ahead.saturating_sub(commit.weight());
        if self.below.seen.contains(commit.id, self.objects.place(commit.id)?) {
            return Ok(false);
        }
        for parent in commit.parents {
            if self.meet(parent)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a commit that `new` descends from leads to `old`, as far as that is known at once.
    fn meet(&mut self, id: ObjectId) -> Result<bool, Trouble> {
        if id == self.old {
            return Ok(true);
        }
        if let Some(node) = self.inside.graphs.find(oid_of(&id)?) {
            return Ok(self.inside.reaches(node)?);
        }
        let place = self.objects.place(id)?;
        if !self.below.seen.contains(id, place) && self.above.seen.insert(id, place) {
            let commit = self.read(id)?;
            self.above.ahead.push(commit);
        }
        Ok(false)
    }

    fn go_on_below(&mut self) -> Result<(), Unreadable> {
        let Some(commit) = self.below.ahead.pop() else { return Ok(()) };
        self.ahead = self.ahead.saturating_sub(commit.weight());
        for parent in commit.parents {
            let is_inside = self.inside.graphs.find(oid_of(&parent)?).is_some();
            if !is_inside && self.below.seen.insert(parent, self.objects.place(parent)?) {
                let commit = self.read(parent)?;
                self.below.ahead.push(commit);
            }
        }
        Ok(())
    }

    fn read(&mut self, id: ObjectId) -> Result<Ahead, Unreadable> {
        let Links { committed, parents } = self.objects.links(id, &mut self.buffer)?;
        let commit = Ahead { committed, id, parents };
        self.ahead = self.ahead.saturating_add(commit.weight());
        if self.ahead > MAX_AHEAD { Err(Unreadable::Long) } else { Ok(commit) }
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
