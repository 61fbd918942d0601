//! Reading the journal: what it takes to go on writing it and to find an entry in it.

use std::io::BufRead;

use oam_audit::{
    checkpoint::Checkpoint,
    lines::{Line, Lines},
    merkle::{Frontier, TreeHash},
    verify::{Checker, EntryError, VerifyError},
};

/// Reads the files of a journal, one after the other, against the checkpoint of its log.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    checkpoint: &'a Checkpoint,
    checker: Checker,
    /// The tree over what was read, and what came before.
    pub(super) tree: Frontier,
    /// The last entry that was read.
    pub(super) last: Vec<u8>,
    /// The bytes of the whole lines of the last file.
    pub(super) bytes: u64,
    /// The bytes after them.
    pub(super) torn: u64,
}

impl<'a> Scan<'a> {
    /// For what follows the entries of `tree`.
    ///
    /// The entries that the checkpoint covers are only hashed: equal roots say that they are what this node signed, and
    /// that is several times faster than reading them. What comes after is read as strictly as an auditor would.
    pub(super) fn after(tree: Frontier, checkpoint: &'a Checkpoint) -> Self {
        let checker = Checker::after(checkpoint.size.max(tree.size()));
        Self { checkpoint, checker, tree, last: Vec::new(), bytes: 0, torn: 0 }
    }

    /// Reads a whole file, and tells where each entry begins in it.
    pub(super) fn file(
        &mut self,
        log: impl BufRead,
        mut note: impl FnMut(u64, u64),
    ) -> Result<(), VerifyError> {
        (self.bytes, self.torn) = (0, 0);
        let mut lines = Lines::new(log);
        loop {
            let index = self.tree.size();
            match lines.next().map_err(|source| VerifyError::Read { index, source })? {
                Some(Line::Whole(line)) => {
                    note(index, self.bytes);
                    self.entry(line)?;
                    self.bytes += line.len() as u64 + 1;
                }
                Some(Line::TooLong(bytes)) => return Err(EntryError::TooLong { index, bytes }.into()),
                Some(Line::Torn(bytes)) => self.torn = bytes,
                None => return Ok(()),
            }
        }
    }

    /// Takes the next entry.
    pub(super) fn entry(&mut self, line: &[u8]) -> Result<(), VerifyError> {
        self.check_root()?;
        if self.tree.size() >= self.checkpoint.size {
            self.checker.check(line)?;
        }
        self.tree.append(TreeHash::leaf(line));
        line.clone_into(&mut self.last);
        Ok(())
    }

    /// That everything is there which the checkpoint covers, and as it was signed.
    pub(super) fn finish(self) -> Result<Self, VerifyError> {
        self.check_root()?;
        let (entries, signed) = (self.tree.size(), self.checkpoint.size);
        if entries < signed {
            return Err(VerifyError::Short { entries, signed, torn_tail_bytes: self.torn });
        }
        Ok(self)
    }

    /// Compares the roots when the tree has the size of the checkpoint.
    fn check_root(&self) -> Result<(), VerifyError> {
        let (computed, signed) = (self.tree.root(), self.checkpoint.root);
        if self.tree.size() != self.checkpoint.size || computed == signed {
            Ok(())
        } else {
            Err(VerifyError::Root { size: self.checkpoint.size, signed, computed })
        }
    }
}

/// The first entry from number `first` on that is wrong by itself, for a log whose root is not the one that was signed.
/// There may be none: whoever changed an entry may have kept it well formed.
pub(super) fn first_fault(log: impl BufRead, first: u64) -> Option<EntryError> {
    let mut checker = Checker::after(first);
    let mut lines = Lines::new(log);
    while let Ok(Some(Line::Whole(line))) = lines.next() {
        match checker.check(line) {
            Ok(_) => {}
            Err(
                fault
                @ (EntryError::Decode { .. } | EntryError::Sequence { .. } | EntryError::TooLong { .. }),
            ) => {
                return Some(fault);
            }
            // It may have begun before what is read here.
            Err(_) => return None,
        }
    }
    None
}
