//! A whole log, from its files alone.

use std::{
    io::{self, BufReader, Read},
    thread,
};

use super::{
    Checker, EntryError, Report, VerifyError,
    checker::{Step, entry_at},
};
use crate::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    files::{FileError, Files, Segment},
    keys::VerifierKey,
    lines::{Line, Lines},
    merkle::TreeHash,
    tile::{Bundle, Edge, Tile, TileKind, WIDTH, decode_hashes, encode_hashes, subtree_root},
};

/// How many bundles a thread reads before the next are handed out.
const TURN: u64 = 16;

/// The files of a journal, the oldest first, all of them opened before anything else is read: a daemon lets them go when
/// their entries are in bundles.
pub type Journal<R> = Vec<(Segment, R)>;

/// Checks a log: every entry is canonical and in its place, every decision is complete, the entries that each checkpoint
/// covers are exactly those that `key` signed, and tiles and journal say the same as the entries.
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
    let verified = |text: &str| -> Result<Checkpoint, VerifyError> {
        Ok(SignedCheckpoint::parse(text)?.verify(key)?.clone())
    };
    let newest = verified(newest)?;
    let kept = kept.iter().map(|text| verified(text)).collect::<Result<Vec<_>, _>>()?;
    // First of all: these are replaced by others before long.
    let partial = Partial::read(files, newest.size)?;

    let mut walk = Walk::new(files, &newest, &kept)?;
    walk.bundles(threads)?;
    let torn_tail_bytes = walk.journal(journal, &partial)?;
    let Walk { edge, checker, at_newest, .. } = walk;
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
    })
}

/// The tiles that are not full, of one checkpoint, with their bytes where there are any.
struct Partial(Vec<(Tile, Option<Vec<u8>>)>);

impl Partial {
    fn read<F: Fn(&str) -> io::Result<R>, R: Read>(files: &Files<F>, size: u64) -> Result<Self, FileError> {
        let tiles = TileKind::all(size).filter_map(|kind| Tile::partial(kind, size));
        tiles.map(|tile| Ok((tile, files.bytes(tile)?))).collect::<Result<_, _>>().map(Self)
    }

    /// The entries of the last bundle.
    fn bundle(&self) -> Result<Option<(Tile, Bundle)>, FileError> {
        let entries = self.0.iter().find(|(tile, _)| tile.kind == TileKind::Entries);
        let Some((tile, Some(bytes))) = entries else { return Ok(None) };
        match Bundle::decode(bytes.clone()) {
            Ok(bundle) => Ok(Some((*tile, bundle))),
            Err(source) => Err(FileError::Bundle { path: tile.to_string(), source }),
        }
    }

    /// That they say the same as the entries do. Each is there, unless its place is taken by a full one by now.
    fn compare(&self, at: &(Edge, Bundle), entries: u64) -> Result<(), VerifyError> {
        let (edge, bundle) = at;
        for (tile, bytes) in &self.0 {
            let full = TileKind::count(tile.kind, entries) / WIDTH > tile.index;
            let Some(bytes) = bytes else {
                if full {
                    continue;
                }
                return Err(FileError::Missing { path: tile.to_string() }.into());
            };
            if tile.kind == TileKind::Entries {
                if bytes != bundle.as_bytes() {
                    return Err(VerifyError::Bundle { tile: *tile });
                }
                continue;
            }
            let expected = edge.partial().find(|(expected, _)| expected == tile);
            let expected = expected.map(|(_, hashes)| hashes).unwrap_or_default();
            compare_hashes(*tile, bytes, expected)?;
        }
        Ok(())
    }
}

/// That a tile holds just these hashes.
fn compare_hashes(tile: Tile, bytes: &[u8], expected: &[TreeHash]) -> Result<(), VerifyError> {
    if bytes == encode_hashes(expected) {
        return Ok(());
    }
    let found = decode_hashes(bytes).unwrap_or_default();
    let same = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count() as u64;
    let TileKind::Hashes(level) = tile.kind else { return Err(VerifyError::Bundle { tile }) };
    let span = WIDTH.checked_pow(level).unwrap_or(u64::MAX);
    let first = (tile.index * WIDTH + same.min(tile.width - 1)).saturating_mul(span);
    Err(VerifyError::Hashes { tile, first })
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
}

/// What a thread makes of a bundle.
struct Examined {
    leaves: Vec<TreeHash>,
    root: TreeHash,
    steps: Vec<Step>,
    bundle: Bundle,
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
        };
        walk.check_roots()?;
        Ok(walk)
    }

    /// All full bundles.
    fn bundles(&mut self, threads: usize) -> Result<(), VerifyError> {
        let (files, signed) = (self.files, self.newest.size);
        let threads = threads.max(1) as u64;
        let mut next = 0;
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
        if self.checkpoints.iter().any(within) {
            for ((leaf, step), entry) in leaves.into_iter().zip(&steps).zip(bundle.entries()) {
                self.entry(leaf, step, entry)?;
            }
            return Ok(());
        }
        for step in &steps {
            self.checker.step(step)?;
        }
        let full = self.edge.append_tile(root);
        self.compare_full(full)?;
        self.arrive()
    }

    /// Takes the next entry.
    fn entry(&mut self, leaf: TreeHash, step: &Step, entry: &[u8]) -> Result<(), VerifyError> {
        self.checker.step(step)?;
        let full = self.edge.append(leaf);
        let above = full.into_iter().filter(|(tile, _)| tile.kind != TileKind::Hashes(0)).collect();
        self.compare_full(above)?;
        if self.edge.size().is_multiple_of(WIDTH) {
            self.bundle = Bundle::new();
        } else if self.edge.size() <= self.newest.size {
            // Cannot fail: it has room, and an entry that is too long was refused before.
            let _ = self.bundle.push(entry);
        }
        self.arrive()
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

/// Reads some bundles from index `start` on; none where there are no more.
fn turn<F, R>(files: &Files<F>, start: u64, signed: u64) -> Vec<Result<Option<Examined>, VerifyError>>
where
    F: Fn(&str) -> io::Result<R>,
    R: Read,
{
    let mut turn = Vec::new();
    for index in start..start.saturating_add(TURN) {
        let examined = examine(files, index, signed);
        let last = !matches!(examined, Ok(Some(_)));
        turn.push(examined);
        if last {
            break;
        }
    }
    turn
}

fn examine<F, R>(files: &Files<F>, index: u64, signed: u64) -> Result<Option<Examined>, VerifyError>
where
    F: Fn(&str) -> io::Result<R>,
    R: Read,
{
    let tile = Tile::full(TileKind::Entries, index);
    let Some(bytes) = files.bytes(tile)? else { return Ok(None) };
    let path = tile.to_string();
    let bundle = Bundle::decode(bytes).map_err(|source| FileError::Bundle { path: path.clone(), source })?;
    if bundle.len() != WIDTH {
        return Err(FileError::Tile { path, width: WIDTH }.into());
    }
    let leaves: Vec<_> = bundle.entries().map(TreeHash::leaf).collect();
    let hashes = Tile::full(TileKind::Hashes(0), index);
    match files.bytes(hashes)? {
        Some(bytes) => compare_hashes(hashes, &bytes, &leaves)?,
        None if (index + 1) * WIDTH > signed => {}
        None => return Err(FileError::Missing { path: hashes.to_string() }.into()),
    }
    let mut steps = Vec::with_capacity(leaves.len());
    for (seq, entry) in (index * WIDTH..).zip(bundle.entries()) {
        steps.push(Step::of(&entry_at(seq, entry)?.event));
    }
    Ok(Some(Examined { root: subtree_root(&leaves), leaves, steps, bundle }))
}

#[cfg(test)]
mod tests;
