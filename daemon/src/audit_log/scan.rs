//! Reading a whole log: what it takes to go on writing it and to find an entry in it.

use std::io::BufRead;

use oam_audit::{
    checkpoint::Checkpoint,
    lines::{Line, Lines},
    merkle::{Frontier, TreeHash},
    verify::{Checker, EntryError, VerifyError},
};

/// What a log that is in order amounts to.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) tree: Frontier,
    pub(super) index: Index,
    /// The bytes of whole lines.
    pub(super) bytes: u64,
    /// The bytes after them.
    pub(super) torn: u64,
}

/// Reads a log against its own checkpoint.
///
/// The entries that the checkpoint covers are only hashed: equal roots say that they are what this node signed, and
/// that is several times faster than reading them. What comes after is read as strictly as an auditor would.
pub(super) fn scan(log: impl BufRead, checkpoint: &Checkpoint) -> Result<Scan, VerifyError> {
    let mut scan = Scan { tree: Frontier::new(), index: Index::default(), bytes: 0, torn: 0 };
    let mut checker = Checker::after(checkpoint.size);
    let mut lines = Lines::new(log);
    loop {
        let index = scan.tree.size();
        if index == checkpoint.size {
            check_root(&scan.tree, checkpoint)?;
        }
        match lines.next().map_err(|source| VerifyError::Read { index, source })? {
            Some(Line::Whole(line)) => {
                if index >= checkpoint.size {
                    checker.check(line)?;
                }
                scan.index.note(index, scan.bytes);
                scan.tree.append(TreeHash::leaf(line));
                scan.bytes += line.len() as u64 + 1;
            }
            Some(Line::TooLong(bytes)) => return Err(EntryError::TooLong { index, bytes }.into()),
            Some(Line::Torn(bytes)) => scan.torn = bytes,
            None => break,
        }
    }
    let entries = scan.tree.size();
    if entries < checkpoint.size {
        return Err(VerifyError::Short { entries, signed: checkpoint.size, torn_tail_bytes: scan.torn });
    }
    Ok(scan)
}

fn check_root(tree: &Frontier, checkpoint: &Checkpoint) -> Result<(), VerifyError> {
    let computed = tree.root();
    if computed == checkpoint.root {
        Ok(())
    } else {
        Err(VerifyError::Root { size: checkpoint.size, signed: checkpoint.root, computed })
    }
}

/// The first entry that is wrong by itself, for a log whose root is not the one that was signed. There may be none:
/// whoever changed an entry may have kept it well formed.
pub(super) fn first_fault(log: impl BufRead) -> Option<EntryError> {
    let mut checker = Checker::new();
    let mut lines = Lines::new(log);
    while let Ok(Some(Line::Whole(line))) = lines.next() {
        if let Err(fault) = checker.check(line) {
            return Some(fault);
        }
    }
    None
}

/// Where every 256th entry begins.
#[derive(Debug, Default)]
pub(super) struct Index(Vec<u64>);

impl Index {
    const STRIDE: u64 = 256;

    /// Takes note of where an entry begins. Entries come in order.
    pub(super) fn note(&mut self, seq: u64, offset: u64) {
        if seq.is_multiple_of(Self::STRIDE) {
            self.0.push(offset);
        }
    }

    /// The nearest entry at or before `seq` whose place is known, and that place in bytes.
    pub(super) fn before(&self, seq: u64) -> (u64, u64) {
        let slot = seq / Self::STRIDE;
        match usize::try_from(slot).ok().and_then(|slot| self.0.get(slot)) {
            Some(&offset) => (slot * Self::STRIDE, offset),
            None => (0, 0),
        }
    }
}
