//! Which commits does a push bring to a set of refs? Those reachable from the new tip, and from none of the refs' tips
//! as they are before the push.
//!
//! **First** what came with this very push and was not there before: no ref can have reached it, so it is new, whatever
//! the refs are. For most pushes that is all: behind it comes a commit that is a tip.
//!
//! **Then**, for what was there before, both sides are walked: from those commits, and from the tips. In the commit-graph
//! in the order of levels, so that everything above a commit is known when it is met, and no further than to the lowest
//! one in question. Outside of it dates order the walk, and prove nothing: the tips' side is walked to its end there,
//! unless everything in question is found on it before.
//!
//! **At last**, where that is long and there is no commit-graph, `git rev-list` is asked.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
};

use oam_policy::ObjectId;

use super::{
    Unreadable,
    child::Git,
    objects::{Objects, Peeled},
    paint::{Paint, Settled},
    refs::Tips,
};

/// How many new commits are held in memory that were in the repository before.
const MAX_NEW: usize = 4_000_000;

/// The new commits, each once: newest first as far as that is defined. Ends after an error.
pub struct NewCommits<'o> {
    objects: &'o Objects,
    git: &'o Git,
    tips: &'o Tips,
    /// Commits that came with the push, yet to be told of, by date.
    pushed: BinaryHeap<Found>,
    seen: HashSet<ObjectId>,
    /// Commits that were there before.
    candidates: Vec<ObjectId>,
    stage: Stage,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    committed: i64,
    /// Of one date, the one that was found first.
    found: Reverse<usize>,
    id: ObjectId,
    parents: Vec<ObjectId>,
}

enum Stage {
    Start(ObjectId),
    Pushed,
    Painted(Settled),
    Done,
}

impl<'o> NewCommits<'o> {
    /// The commits that `new` brings to refs with these tips. A tag is peeled; what is no commit brings none.
    pub fn new(objects: &'o Objects, git: &'o Git, tips: &'o Tips, new: ObjectId) -> Self {
        Self {
            objects,
            git,
            tips,
            pushed: BinaryHeap::new(),
            seen: HashSet::new(),
            candidates: Vec::new(),
            stage: Stage::Start(new),
        }
    }

    fn step(&mut self) -> Result<Option<ObjectId>, Unreadable> {
        loop {
            match &mut self.stage {
                Stage::Start(new) => {
                    let new = *new;
                    self.stage = Stage::Pushed;
                    if let Peeled::Commit(commit) = self.objects.peel(new)? {
                        self.meet(commit)?;
                    }
                }
                Stage::Pushed => match self.pushed.pop() {
                    Some(found) => {
                        for parent in found.parents {
                            self.meet(parent)?;
                        }
                        return Ok(Some(found.id));
                    }
                    None => {
                        let candidates = std::mem::take(&mut self.candidates);
                        self.stage = Stage::Painted(self.settle(&candidates)?);
                    }
                },
                Stage::Painted(new) => return new.next(),
                Stage::Done => return Ok(None),
            }
        }
    }

    /// Which of the commits that were there before, and of their ancestors, are new.
    fn settle(&self, candidates: &[ObjectId]) -> Result<Settled, Unreadable> {
        match Paint::settle(self.objects, self.tips, candidates) {
            Err(why) if why.is_gits_to_try() && !self.objects.is_shallow() => self.ask_git(candidates),
            Err(Unreadable::Missing(_)) if self.objects.is_shallow() => Err(Unreadable::Shallow),
            settled => settled,
        }
    }

    fn ask_git(&self, candidates: &[ObjectId]) -> Result<Settled, Unreadable> {
        let asked = candidates.iter().map(ObjectId::to_string);
        let hidden = self.tips.ids().iter().map(|tip| format!("^{tip}"));
        let mut new = Vec::new();
        self.git.each_line(&["rev-list", "--stdin"], asked.chain(hidden), |line| {
            let id = ObjectId::parse_hex(line).map_err(|error| Unreadable::Failed(error.to_string()))?;
            if new.len() >= MAX_NEW {
                return Err(Unreadable::Long);
            }
            new.push(id);
            Ok(())
        })?;
        Ok(Settled::listed(new))
    }

    fn meet(&mut self, id: ObjectId) -> Result<(), Unreadable> {
        if !self.seen.insert(id) || self.tips.contains(id) {
            return Ok(());
        }
        if self.objects.is_pushed(id)? {
            let links = self.objects.kept_links(id)?;
            let found = Reverse(self.seen.len());
            self.pushed.push(Found { committed: links.committed, found, id, parents: links.parents });
        } else {
            self.candidates.push(id);
        }
        Ok(())
    }
}

impl Iterator for NewCommits<'_> {
    type Item = Result<ObjectId, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.stage = Stage::Done;
        }
        step.transpose()
    }
}
