//! A whole log, from its files alone.

use std::{
    io::{self, BufReader, Read},
    thread,
};

use super::{
    Checker, EntryError, Report, VerifyError,
    checker::{Step, entry_at},
    keys::Chain,
    pruned::Announced,
};
use crate::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    entry::KeyRotated,
    files::{FileError, Files, Segment},
    keys::VerifierKey,
    lines::{Line, Lines},
    merkle::TreeHash,
    tile::{Bundle, Edge, Tile, TileKind, WIDTH, decode_hashes},
};

mod examine;
mod partial;

use examine::{Examined, TURN, turn};
use partial::{Partial, compare_hashes};

/// The files of a journal, the oldest first, all of them opened before anything else is read: a daemon lets them go when
/// their entries are in bundles.
pub type Journal<R> = Vec<(Segment, R)>;

/// Checks a log: every entry is canonical and in its place, every decision is complete, the entries that each checkpoint
/// covers are exactly those that the log's key of that time signed, and tiles and journal say the same as the entries.
/// Which key follows which, entries say, signed with both; `key` must be one of them.
///
/// `newest` is the log's own checkpoint, to be read before the journal is opened: the tiles that are not full belong to
/// it. `kept` are others. It trusts nothing but `key`. A checkpoint cannot tell of entries that were cut off after it:
/// compare with one that was kept elsewhere. It uses `threads` threads, and the memory of some bundles for each.
///
/// # Errors
/// The first thing that is wrong, with the index of the entry.
pub fn verify_files<F, R>(
    files: &Files<F>,
    journal: Journal<R>,
    newest: &str,
    kept: &[&str],
    key: &VerifierKey,
    threads: usize,
) -> Result<Report, VerifyError>
where
    F: Fn(&str) -> io::Result<R> + Sync,
    R: Read,
{
    let signed = SignedCheckpoint::parse(newest)?;
    let kept_signed = kept.iter().map(|text| SignedCheckpoint::parse(text)).collect::<Result<Vec<_>, _>>()?;
    // Which key must have signed them, the log itself tells: it is looked at before anything is said of it.
    let newest = signed.unverified().clone();
    let kept: Vec<Checkpoint> = kept_signed.iter().map(|signed| signed.unverified().clone()).collect();
    // First of all: these are replaced by others before long.
    let partial = Partial::read(files, newest.size)?;

    let mut walk = Walk::new(files, &newest, &kept)?;
    walk.pruned()?;
    walk.bundles(threads)?;
    let torn_tail_bytes = walk.journal(journal, &partial)?;
    let Walk { edge, checker, at_newest, gone, announced, rotations, .. } = walk;
    let mut chain = Chain::default();
    for (size, rotation) in announced.rotations(gone) {
        let root = files.edge(size)?.frontier().root();
        chain.rotate(rotation, &Checkpoint { origin: newest.origin.clone(), size, root })?;
    }
    for (before, rotation) in &rotations {
        chain.rotate(rotation, before)?;
    }
    let pruned = announced.allowing(gone)?;
    let keys = chain.trusting(key)?;
    for signed in kept_signed.iter().chain([&signed]) {
        keys.verify(signed)?;
    }
    let (tree, entries) = (edge.frontier(), edge.size());
    for signed in kept.iter().chain([&newest]).map(|checkpoint| checkpoint.size) {
        if entries < signed {
            return Err(VerifyError::Short { entries, signed, torn_tail_bytes });
        }
    }
    partial.compare(&at_newest, entries)?;
    Ok(Report {
        entries,
        beyond_checkpoint: entries - kept.iter().map(|kept| kept.size).fold(newest.size, u64::max),
        root: tree.root(),
        torn_tail_bytes,
        abandoned_parts: checker.abandoned(),
        keys: keys.0,
        pruned,
    })
}

/// The way through a log, entry by entry or bundle by bundle.
struct Walk<'a, F> {
    files: &'a Files<F>,
    newest: &'a Checkpoint,
    checkpoints: Vec<&'a Checkpoint>,
    edge: Edge,
    checker: Checker,
    /// The entries since the last full bundle, while the newest checkpoint is still ahead.
    bundle: Bundle,
    /// What the tiles of the newest checkpoint should hold.
    at_newest: (Edge, Bundle),
    /// How many entries are gone, from the first on.
    gone: u64,
    /// What entries say of that.
    announced: Announced,
    /// The rotations of the key, each after the entries of a checkpoint.
    rotations: Vec<(Checkpoint, Box<KeyRotated>)>,
}

impl<'a, F, R> Walk<'a, F>
where
    F: Fn(&str) -> io::Result<R> + Sync,
    R: Read,
{
    fn new(files: &'a Files<F>, newest: &'a Checkpoint, kept: &'a [Checkpoint]) -> Result<Self, VerifyError> {
        let walk = Self {
            files,
            newest,
            checkpoints: kept.iter().chain([newest]).collect(),
            edge: Edge::new(),
            checker: Checker::new(),
            bundle: Bundle::new(),
            at_newest: (Edge::new(), Bundle::new()),
            gone: 0,
            announced: Announced::default(),
            rotations: Vec::new(),
        };
        walk.check_roots()?;
        Ok(walk)
    }

    /// Passes over the entries that are gone, by their hashes. Whether that is as it should be, later entries tell.
    fn pruned(&mut self) -> Result<(), VerifyError> {
        for index in 0..self.newest.size / WIDTH {
            if self.files.has_bundle(index)? {
                break;
            }
            let tile = Tile::full(TileKind::Hashes(0), index);
            let Some(leaves) = self.files.bytes(tile)?.as_deref().and_then(decode_hashes) else { break };
            if leaves.len() as u64 != WIDTH {
                return Err(FileError::Tile { path: tile.to_string(), width: WIDTH }.into());
            }
            for leaf in leaves {
                let full = self.edge.append(leaf);
                self.compare_above(full)?;
                self.arrive()?;
            }
            self.gone = self.edge.size();
            self.checker = Checker::after_pruned(self.gone);
        }
        Ok(())
    }

    /// All full bundles.
    fn bundles(&mut self, threads: usize) -> Result<(), VerifyError> {
        let (files, signed) = (self.files, self.newest.size);
        let threads = threads.max(1) as u64;
        let mut next = self.gone / WIDTH;
        loop {
            let turns: Vec<_> = thread::scope(|scope| {
                let starts = (0..threads).map(|thread| next + thread * TURN);
                let turns = starts.map(|start| scope.spawn(move || turn(files, start, signed)));
                let turns: Vec<_> = turns.collect();
                turns.into_iter().map(|turn| turn.join().unwrap_or_else(|_| vec![Err(died(next))])).collect()
            });
            for examined in turns.into_iter().flatten() {
                match examined? {
                    Some(examined) => self.bundle(examined)?,
                    None => return self.all_signed(next),
                }
                next += 1;
            }
        }
    }

    /// That there are all the bundles that the newest checkpoint tells of.
    fn all_signed(&self, index: u64) -> Result<(), VerifyError> {
        if index >= self.newest.size / WIDTH {
            return Ok(());
        }
        Err(FileError::Missing { path: Tile::full(TileKind::Entries, index).to_string() }.into())
    }

    fn bundle(&mut self, examined: Examined) -> Result<(), VerifyError> {
        let Examined { leaves, root, steps, bundle } = examined;
        let (start, end) = (self.edge.size(), self.edge.size() + WIDTH);
        let within = |checkpoint: &&Checkpoint| (start + 1..end).contains(&checkpoint.size);
        let told = steps.iter().any(|step| matches!(step, Step::Rotated(_)));
        if told || self.checkpoints.iter().any(within) {
            for ((leaf, step), entry) in leaves.into_iter().zip(&steps).zip(bundle.entries()) {
                self.entry(leaf, step, entry)?;
            }
            return Ok(());
        }
        for (seq, step) in (start..).zip(&steps) {
            self.note(seq, step);
            self.checker.step(step)?;
        }
        let full = self.edge.append_tile(root);
        self.compare_full(full)?;
        self.arrive()
    }

    /// Takes the next entry.
    fn entry(&mut self, leaf: TreeHash, step: &Step, entry: &[u8]) -> Result<(), VerifyError> {
        let size = self.edge.size();
        if let Step::Rotated(rotated) = step {
            let before =
                Checkpoint { origin: self.newest.origin.clone(), size, root: self.edge.frontier().root() };
            self.rotations.push((before, rotated.clone()));
        }
        self.note(size, step);
        self.checker.step(step)?;
        let full = self.edge.append(leaf);
        self.compare_above(full)?;
        if self.edge.size().is_multiple_of(WIDTH) {
            self.bundle = Bundle::new();
        } else if self.edge.size() <= self.newest.size {
            // Cannot fail: it has room, and an entry that is too long was refused before.
            let _ = self.bundle.push(entry);
        }
        self.arrive()
    }

    /// Takes note of what a signed entry says of entries that are gone.
    fn note(&mut self, seq: u64, step: &Step) {
        if let (Step::Pruned(pruned), true) = (step, seq < self.newest.size) {
            self.announced.note(seq, pruned);
        }
    }

    fn arrive(&mut self) -> Result<(), VerifyError> {
        self.check_roots()?;
        if self.edge.size() == self.newest.size {
            self.at_newest = (self.edge.clone(), std::mem::take(&mut self.bundle));
        }
        Ok(())
    }

    fn check_roots(&self) -> Result<(), VerifyError> {
        let size = self.edge.size();
        let mut computed = None;
        for checkpoint in self.checkpoints.iter().filter(|checkpoint| checkpoint.size == size) {
            let computed = *computed.get_or_insert_with(|| self.edge.frontier().root());
            if computed != checkpoint.root {
                return Err(VerifyError::Root { size, signed: checkpoint.root, computed });
            }
        }
        Ok(())
    }

    /// [`Walk::compare_full`] of all but the leaves, which are known already.
    fn compare_above(&self, full: Vec<(Tile, Vec<TreeHash>)>) -> Result<(), VerifyError> {
        self.compare_full(full.into_iter().filter(|(tile, _)| tile.kind != TileKind::Hashes(0)).collect())
    }

    /// That the tiles above the leaves are what the entries say. Beyond the newest checkpoint one may be missing yet.
    fn compare_full(&self, full: Vec<(Tile, Vec<TreeHash>)>) -> Result<(), VerifyError> {
        for (tile, hashes) in full {
            match self.files.bytes(tile)? {
                Some(bytes) => compare_hashes(tile, &bytes, &hashes)?,
                None if self.edge.size() > self.newest.size => {}
                None => return Err(FileError::Missing { path: tile.to_string() }.into()),
            }
        }
        Ok(())
    }

    /// What follows the full bundles: from the journal, or, where there is none, from the last bundle. Returns the bytes
    /// of half a line at its end.
    fn journal(&mut self, journal: Journal<R>, partial: &Partial) -> Result<u64, VerifyError> {
        if journal.is_empty() {
            if let Some((tile, bundle)) = partial.bundle()?
                && tile.index * WIDTH == self.edge.size()
            {
                for entry in bundle.entries() {
                    self.read(entry)?;
                }
            }
            return Ok(0);
        }
        let mut torn = 0;
        let mut next = None;
        for (segment, file) in journal {
            let at = next.unwrap_or(segment.first);
            if segment.first > self.edge.size() {
                return Err(VerifyError::Gap { from: self.edge.size(), to: segment.first });
            }
            if torn > 0 || segment.first != at {
                return Err(VerifyError::Gap { from: at.min(segment.first), to: at.max(segment.first) });
            }
            let (end, rest) = self.segment(segment, file)?;
            (next, torn) = (Some(end), rest);
        }
        Ok(torn)
    }

    fn segment(&mut self, segment: Segment, file: R) -> Result<(u64, u64), VerifyError> {
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file));
        let (mut index, mut torn) = (segment.first, 0);
        let mut tile: Option<(u64, Vec<TreeHash>)> = None;
        loop {
            match lines.next().map_err(|source| VerifyError::Read { index, source })? {
                Some(Line::Whole(line)) if index < self.edge.size() => {
                    // It is in a bundle, which was compared with these hashes.
                    let place = index / WIDTH;
                    if tile.as_ref().is_none_or(|(read, _)| *read != place) {
                        let hashes = self.files.hashes(Tile::full(TileKind::Hashes(0), place))?;
                        tile = Some((place, hashes));
                    }
                    let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
                    let stored = tile.as_ref().and_then(|(_, hashes)| hashes.get(at));
                    if stored != Some(&TreeHash::leaf(line)) {
                        return Err(VerifyError::Journal { index });
                    }
                    index += 1;
                }
                Some(Line::Whole(line)) => {
                    self.read(line)?;
                    index += 1;
                }
                Some(Line::TooLong(bytes)) => return Err(EntryError::TooLong { index, bytes }.into()),
                Some(Line::Torn(bytes)) => torn = bytes,
                None => return Ok((index, torn)),
            }
        }
    }

    fn read(&mut self, line: &[u8]) -> Result<(), VerifyError> {
        let entry = entry_at(self.edge.size(), line)?;
        self.entry(TreeHash::leaf(line), &Step::of(&entry.event), line)
    }
}

/// A thread cannot end like this unless there is a defect; then nothing is said of the log.
fn died(bundle: u64) -> VerifyError {
    VerifyError::Read { index: bundle * WIDTH, source: io::Error::other("a thread that read it died") }
}

#[cfg(test)]
mod tests;
