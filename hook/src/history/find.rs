use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use oam_policy::{ObjectId, RefChange, rule::RefSet};

use super::{
    HistoryAsked,
    chunks::{Chunks, Halt},
    facts,
    seen::Seen,
    trees::Trees,
};
use crate::git::{
    Git, Kind, NewCommits, Objects, Peeled, Tips, Unreadable, changes::changes, commit::Commit,
    foreign::foreign_merges, merge_bases,
};

/// Among how many commits foreign merges are looked for.
const MAX_LINE: usize = 1_000_000;

/// Finds out what is asked, of one history after the other.
pub(super) struct Finder<'a> {
    objects: &'a Objects,
    trees: Trees<'a>,
    is_shallow: bool,
    git: Option<&'a Git>,
    pusher: &'a str,
    covers: &'a [RefSet],
    /// Where the refs of each cover point, once that is known.
    tips: HashMap<usize, Rc<Tips>>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(
        objects: &'a Objects,
        is_shallow: bool,
        git: Option<&'a Git>,
        pusher: &'a str,
        covers: &'a [RefSet],
    ) -> Self {
        Self { objects, trees: Trees::new(objects), is_shallow, git, pusher, covers, tips: HashMap::new() }
    }

    /// Finds out one history.
    pub(super) fn find(&mut self, asked: &HistoryAsked, chunks: &mut Chunks<'_>) -> Result<(), Halt> {
        let update = Update::of(asked.change)?;
        if asked.tip {
            chunks.tip(facts::tip(self.objects, update.new, asked.signatures)?)?;
        }
        if !(asked.paths || asked.files || asked.commits) {
            return Ok(());
        }
        if self.is_shallow {
            return Err(Unreadable::Shallow.into());
        }
        let git = self.git.ok_or_else(|| Unreadable::NoRepository("its refs have to be looked at".into()))?;
        let new = self.objects.peel(update.new)?;
        let bases = if asked.paths { self.bases(git, &update, new)? } else { Vec::new() };
        match new {
            Peeled::Commit(new) => {
                let tree = self.trees.of_commit(new)?;
                let tips = self.tips(git, asked.cover)?;
                let mut telling = self.telling(asked, chunks);
                telling.net(tree, &bases)?;
                // A merge would keep the old tip on the line of first parents.
                let line = update.old.filter(|_| !update.is_merge);
                telling.new_commits(git, &tips, new, line)
            }
            Peeled::Other(tree, Kind::Tree) if !asked.commits => {
                let mut telling = self.telling(asked, chunks);
                telling.compare(tree, &[], Brings::Files)?;
                telling.net(tree, &bases)
            }
            Peeled::Other(id, kind) => Err(Unreadable::NoCommit { id, kind }.into()),
        }
    }

    fn telling<'t, 'c>(
        &'t mut self,
        asked: &'t HistoryAsked,
        chunks: &'t mut Chunks<'c>,
    ) -> Telling<'t, 'a, 'c> {
        Telling { asked, objects: self.objects, trees: &mut self.trees, seen: Seen::default(), chunks }
    }

    /// The trees that the new tip is compared with as a whole; `None` is one with nothing in it.
    fn bases(&mut self, git: &Git, update: &Update, new: Peeled) -> Result<Vec<Option<ObjectId>>, Halt> {
        let Some(old) = update.old else { return Ok(Vec::new()) };
        let old = self.objects.peel(old)?;
        if !update.is_merge {
            return Ok(vec![self.tree_of(old)?]);
        }
        // What has changed since the two went apart: where they have nothing in common, all of it.
        let (Peeled::Commit(old), Peeled::Commit(new)) = (old, new) else { return Ok(vec![None]) };
        let bases = merge_bases(git, old, new)?;
        if bases.is_empty() {
            return Ok(vec![None]);
        }
        let trees = bases.into_iter().map(|base| self.trees.of_commit(base).map(Some));
        Ok(trees.collect::<Result<_, Unreadable>>()?)
    }

    /// Content without a path has no tree.
    fn tree_of(&mut self, peeled: Peeled) -> Result<Option<ObjectId>, Unreadable> {
        match peeled {
            Peeled::Commit(commit) => self.trees.of_commit(commit).map(Some),
            Peeled::Other(tree, Kind::Tree) => Ok(Some(tree)),
            Peeled::Other(..) => Ok(None),
        }
    }

    fn tips(&mut self, git: &Git, cover: usize) -> Result<Rc<Tips>, Halt> {
        if let Some(tips) = self.tips.get(&cover) {
            return Ok(Rc::clone(tips));
        }
        let refs = self.covers.get(cover).ok_or(Unreadable::BrokenOff)?;
        let tips = Rc::new(Tips::matching(git, refs, self.pusher)?);
        self.tips.insert(cover, Rc::clone(&tips));
        Ok(tips)
    }
}

/// An update, as far as histories go.
struct Update {
    old: Option<ObjectId>,
    new: ObjectId,
    /// The merge commit does not exist yet: `new` is what would be merged.
    is_merge: bool,
}

impl Update {
    fn of(change: RefChange) -> Result<Self, Unreadable> {
        match change {
            RefChange::Create { new } => Ok(Self { old: None, new, is_merge: false }),
            RefChange::Move { old, new } => Ok(Self { old: Some(old), new, is_merge: false }),
            RefChange::Merge { onto, from: Some(new) } => Ok(Self { old: Some(onto), new, is_merge: true }),
            RefChange::Merge { from: None, .. } => Err(Unreadable::NothingToMerge),
            RefChange::Delete { .. } => Err(Unreadable::BrokenOff),
        }
    }
}

/// One history that is being told.
struct Telling<'t, 'o, 'c> {
    asked: &'t HistoryAsked,
    objects: &'o Objects,
    trees: &'t mut Trees<'o>,
    seen: Seen,
    chunks: &'t mut Chunks<'c>,
}

impl Telling<'_, '_, '_> {
    /// The difference of a tree and each of the others.
    fn net(&mut self, new: ObjectId, bases: &[Option<ObjectId>]) -> Result<(), Halt> {
        for base in bases {
            self.compare(new, &[*base], Brings::Nothing)?;
        }
        Ok(())
    }

    fn new_commits(
        &mut self,
        git: &Git,
        tips: &Tips,
        new: ObjectId,
        old: Option<ObjectId>,
    ) -> Result<(), Halt> {
        let objects = self.objects;
        // Found out at the first merge.
        let mut foreign: Option<HashSet<ObjectId>> = None;
        let most = self.asked.at_most.and_then(|most| usize::try_from(most.saturating_add(1)).ok());
        for id in NewCommits::new(objects, git, tips, new).take(most.unwrap_or(usize::MAX)) {
            let id = id?;
            self.chunks.breathe()?;
            let raw = objects.commit(id)?;
            let commit = Commit::parse(&raw).map_err(|why| Unreadable::damaged(id, why))?;
            if self.asked.commits {
                if commit.parents.len() > 1 && foreign.is_none() {
                    foreign = Some(foreign_to(objects, git, old, new)?);
                }
                let mut told = facts::commit(id, &commit)?;
                told.foreign = foreign.as_ref().is_some_and(|foreign| foreign.contains(&id));
                told.signed = self.asked.signatures.then(|| facts::signature(id, &raw)).flatten();
                self.chunks.commit(told)?;
            }
            if self.asked.paths || self.asked.files {
                let parents = commit.parents.iter().map(|parent| self.trees.of_commit(*parent).map(Some));
                let parents = parents.collect::<Result<Vec<_>, _>>()?;
                self.compare(commit.tree, &parents, Brings::Files)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, new: ObjectId, others: &[Option<ObjectId>], brings: Brings) -> Result<(), Halt> {
        let Self { asked, objects, trees, seen, chunks } = self;
        let listener = chunks.listener();
        let mut read = |id| if listener.is_closed() { Err(Halt::Over) } else { Ok(trees.read(id)?) };
        changes(Some(new), others, &mut read, &mut |change| {
            let path = change.path.as_bytes();
            if asked.paths && seen.is_new(path) {
                chunks.path(path)?;
            }
            let counts = asked.files && change.is_new_content && brings == Brings::Files;
            if let Some((kind, id)) = change.now.filter(|_| counts) {
                chunks.file(path, facts::size(objects, kind, id)?)?;
            }
            Ok(())
        })
    }
}

/// What a comparison finds besides paths.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Brings {
    Nothing,
    /// The content is new.
    Files,
}

/// The foreign merges among what is new to the ref itself.
fn foreign_to(
    objects: &Objects,
    git: &Git,
    old: Option<ObjectId>,
    new: ObjectId,
) -> Result<HashSet<ObjectId>, Unreadable> {
    let Some(Peeled::Commit(old)) = old.map(|old| objects.peel(old)).transpose()? else {
        return Ok(HashSet::new());
    };
    let mut buffer = Vec::new();
    let tips = Tips::of([old]);
    let links = NewCommits::new(objects, git, &tips, new).take(MAX_LINE.saturating_add(1)).map(|id| {
        let id = id?;
        Ok((id, objects.links(id, &mut buffer)?.parents))
    });
    let commits = links.collect::<Result<Vec<_>, Unreadable>>()?;
    if commits.len() > MAX_LINE {
        return Err(Unreadable::ManyCommits(MAX_LINE));
    }
    Ok(foreign_merges(old, new, &commits))
}
