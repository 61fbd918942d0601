use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, hash_map::Entry},
    rc::Rc,
    vec,
};

use oam_policy::ObjectId;

use super::{
    Unreadable,
    graph::{Corrupt, Graphs, Node},
    marks::Marks,
    objects::{Objects, Peeled, oid_of},
    refs::Tips,
    walk::Trouble,
};

/// How many commits outside the commit-graph are read.
const MAX_READ: usize = 50_000;

/// Which side reaches a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// One of the commits in question.
    Asked,
    /// One of the tips: so it is not new.
    Hidden,
}

/// Walks from the commits in question and from the tips, until it is known which of the former the latter do not reach.
pub(super) struct Paint<'o> {
    objects: &'o Objects,
    graphs: &'o Graphs,
    /// How many commits are asked for and not known to be hidden.
    open: usize,
    outside: HashMap<ObjectId, Outside>,
    /// Outside the graphs, the newest on top; of one date, the one that was found first.
    by_date: BinaryHeap<(i64, Reverse<usize>, ObjectId)>,
    /// Those in question outside the graphs, as they were met.
    met: Vec<ObjectId>,
    asked: Marks,
    hidden: Marks,
    /// Within the graphs, the highest level on top.
    by_level: BinaryHeap<(u32, Node)>,
    buffer: Vec<u8>,
}

struct Outside {
    committed: i64,
    found: usize,
    parents: Vec<ObjectId>,
    asked: bool,
    hidden: bool,
}

/// The commits that are new, in their order. Those of a graph are held as what they are there: a million takes 4 MB.
#[derive(Default)]
pub(super) struct Settled {
    outside: vec::IntoIter<ObjectId>,
    inside: vec::IntoIter<Node>,
    graphs: Rc<Graphs>,
}

impl Settled {
    fn of(outside: Vec<ObjectId>, inside: Vec<Node>, graphs: Rc<Graphs>) -> Self {
        Self { outside: outside.into_iter(), inside: inside.into_iter(), graphs }
    }

    /// Those that are listed already.
    pub(super) fn listed(ids: Vec<ObjectId>) -> Self {
        Self { outside: ids.into_iter(), ..Self::default() }
    }

    /// The next one.
    ///
    /// # Errors
    /// When a graph does not say which it is.
    pub(super) fn next(&mut self) -> Result<Option<ObjectId>, Unreadable> {
        if let Some(id) = self.outside.next() {
            return Ok(Some(id));
        }
        let id = self.inside.next().map(|node| self.graphs.id(node));
        id.transpose().map_err(|Corrupt| Unreadable::BrokenOff)
    }
}

impl<'o> Paint<'o> {
    /// The commits that `asked` reach and no tip does.
    pub(super) fn settle(objects: &Objects, tips: &Tips, asked: &[ObjectId]) -> Result<Settled, Unreadable> {
        let Some(first) = asked.first() else { return Ok(Settled::default()) };
        let graphs = objects.graphs(first.format());
        match Paint::over(objects, &graphs).run(tips, asked) {
            Ok((outside, inside)) => Ok(Settled::of(outside, inside, Rc::clone(&graphs))),
            Err(Trouble::Unreadable(why)) => Err(why),
            Err(Trouble::Graph(Corrupt)) => {
                objects.distrust_graphs();
                match Paint::over(objects, &Graphs::default()).run(tips, asked) {
                    Ok((outside, _)) => Ok(Settled::listed(outside)),
                    Err(Trouble::Unreadable(why)) => Err(why),
                    // There is no graph any more that could be.
                    Err(Trouble::Graph(Corrupt)) => Err(Unreadable::BrokenOff),
                }
            }
        }
    }

    fn over(objects: &'o Objects, graphs: &'o Graphs) -> Self {
        Self {
            objects,
            graphs,
            open: 0,
            outside: HashMap::new(),
            by_date: BinaryHeap::new(),
            met: Vec::new(),
            asked: Marks::new(graphs.len()),
            hidden: Marks::new(graphs.len()),
            by_level: BinaryHeap::new(),
            buffer: Vec::new(),
        }
    }

    fn run(mut self, tips: &Tips, asked: &[ObjectId]) -> Result<(Vec<ObjectId>, Vec<Node>), Trouble> {
        for id in asked {
            self.reach(*id, Side::Asked)?;
        }
        for tip in tips.ids() {
            self.reach_tip(*tip)?;
        }
        self.walk_outside()?;
        let outside = self.new_outside();
        let inside = self.walk_inside()?;
        Ok((outside, inside))
    }

    /// Outside of the graphs nothing tells which commits are above others: all of it is walked.
    fn walk_outside(&mut self) -> Result<(), Trouble> {
        while let Some((_, _, id)) = self.by_date.pop() {
            if self.open == 0 {
                break;
            }
            let Some(outside) = self.outside.get(&id) else { continue };
            let side = if outside.hidden { Side::Hidden } else { Side::Asked };
            if side == Side::Asked {
                self.met.push(id);
            }
            for parent in outside.parents.clone() {
                self.reach(parent, side)?;
            }
        }
        Ok(())
    }

    /// What is new outside of the graphs, once all of that is walked.
    fn new_outside(&mut self) -> Vec<ObjectId> {
        if self.open == 0 {
            return Vec::new();
        }
        let is_hidden = |id: &ObjectId| self.outside.get(id).is_none_or(|outside| outside.hidden);
        let new: Vec<_> = self.met.iter().copied().filter(|id| !is_hidden(id)).collect();
        self.open = self.open.saturating_sub(new.len());
        new
    }

    /// Within the graphs a commit is met after all that are above it, so that it is known which sides reach it.
    fn walk_inside(&mut self) -> Result<Vec<Node>, Trouble> {
        let (mut new, mut parents) = (Vec::new(), Vec::new());
        while self.open > 0 {
            let Some((_, node)) = self.by_level.pop() else { break };
            self.graphs.parents(node, &mut parents)?;
            let side = if self.hidden.contains(node) { Side::Hidden } else { Side::Asked };
            if side == Side::Asked {
                new.push(node);
                self.open = self.open.saturating_sub(1);
            }
            for (parent, level) in parents.drain(..) {
                self.reach_inside(parent, level, side);
            }
        }
        Ok(new)
    }

    /// A tip may be a tag, or no commit at all.
    fn reach_tip(&mut self, tip: ObjectId) -> Result<(), Trouble> {
        if self.open == 0 {
            return Ok(());
        }
        if self.graphs.find(oid_of(&tip)?).is_some() || self.outside.contains_key(&tip) {
            return self.reach(tip, Side::Hidden);
        }
        match self.objects.peel(tip)? {
            Peeled::Commit(commit) => self.reach(commit, Side::Hidden),
            Peeled::Other(..) => Ok(()),
        }
    }

    fn reach(&mut self, id: ObjectId, side: Side) -> Result<(), Trouble> {
        if let Some(node) = self.graphs.find(oid_of(&id)?) {
            let level = self.graphs.level(node)?;
            self.reach_inside(node, level, side);
            return Ok(());
        }
        let count = self.outside.len();
        let outside = match self.outside.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if count >= MAX_READ => return Err(Unreadable::Long.into()),
            Entry::Vacant(unknown) => {
                let links = self.objects.links(id, &mut self.buffer)?;
                unknown.insert(Outside {
                    committed: links.committed,
                    found: count,
                    parents: links.parents,
                    asked: false,
                    hidden: false,
                })
            }
        };
        let was_open = outside.asked && !outside.hidden;
        let mark = match side {
            Side::Asked => &mut outside.asked,
            Side::Hidden => &mut outside.hidden,
        };
        if !std::mem::replace(mark, true) {
            // Its parents are reached once more when it turns out to be hidden.
            self.by_date.push((outside.committed, Reverse(outside.found), id));
        }
        let is_open = outside.asked && !outside.hidden;
        self.count(was_open, is_open);
        Ok(())
    }

    fn reach_inside(&mut self, node: Node, level: u32, side: Side) {
        let (asked, hidden) = (self.asked.contains(node), self.hidden.contains(node));
        if !asked && !hidden {
            self.by_level.push((level, node));
        }
        match side {
            Side::Asked => self.asked.insert(node),
            Side::Hidden => self.hidden.insert(node),
        };
        let is_open = self.asked.contains(node) && !self.hidden.contains(node);
        self.count(asked && !hidden, is_open);
    }

    fn count(&mut self, was_open: bool, is_open: bool) {
        match (was_open, is_open) {
            (false, true) => self.open = self.open.saturating_add(1),
            (true, false) => self.open = self.open.saturating_sub(1),
            _ => {}
        }
    }
}
