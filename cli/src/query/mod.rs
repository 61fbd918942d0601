//! Finding entries of a log: by an index where there is one, else by reading all of them. Both find the same.
//!
//! A decision of many refs stands in several entries. It is found by what any of them says, and given once, by its last
//! entry: the decision itself, or the last part where that was never written.

pub mod facet;
pub mod filter;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, ops::Range};

use oam_audit::{
    entry::{DecisionPart, Entry, Event},
    merkle::TreeHash,
    verify::{BLOCK, Pruned, VerifyError},
};

pub use filter::Filter;
use filter::Met;

use crate::{failure::Failure, index::Index, log::SignedLog};

/// An entry that was asked for. It was seen to be what the log's checkpoint signs.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its bytes.
    pub line: Vec<u8>,
    /// What they say.
    pub entry: Entry,
    /// Where its parts stand, directly before it, when it is a decision.
    pub parts: Range<u64>,
}

/// A search under way.
#[derive(Debug)]
pub struct Search {
    log: SignedLog,
    blocks: Blocks,
    filter: Filter,
    pruned: Option<Pruned>,
    /// Where the entries begin that were not looked at yet.
    next: u64,
    /// Those that may be wanted.
    candidates: VecDeque<Range<u64>>,
}

/// Where to look for what, block by block.
#[derive(Debug)]
struct Blocks {
    index: Option<Index>,
    roots: Vec<TreeHash>,
}

impl Blocks {
    /// The entries of a range of one block that may be wanted.
    fn candidates(&mut self, within: &Range<u64>, filter: &Filter) -> VecDeque<Range<u64>> {
        let block = within.start / BLOCK;
        let root = usize::try_from(block).ok().and_then(|block| self.roots.get(block));
        let by_index = match (root, &mut self.index) {
            (Some(root), Some(index)) => index.candidates(block, root, filter),
            _ => None,
        };
        // Without an index, or with one that cannot be read any more.
        let candidates = by_index.unwrap_or_else(|| std::iter::once(within.clone()).collect());
        let clipped = |range: Range<u64>| range.start.max(within.start)..range.end.min(within.end);
        candidates.into_iter().map(clipped).collect()
    }
}

impl Search {
    /// Searches the entries from number `from` on. Without an index all of them are read.
    ///
    /// # Errors
    /// When the log cannot be read, or is not in order.
    pub fn new(
        mut log: SignedLog,
        mut index: Option<Index>,
        filter: Filter,
        from: u64,
        building: &dyn Fn(u64, u64),
    ) -> Result<Self, Failure> {
        let roots = log.block_roots()?;
        let filter = filter.among(log.people().table());
        if let Some(index) = &mut index {
            index.complete(&log, &roots, building)?;
        }
        let (next, blocks) = (from.max(log.first()), Blocks { index, roots });
        let mut search = Self { log, blocks, filter, pruned: None, next, candidates: VecDeque::new() };
        search.pruned = search.allowance()?;
        Ok(search)
    }

    /// What is gone of the log, as it says itself: of that nothing is found.
    #[must_use]
    pub fn pruned(&self) -> Option<&Pruned> {
        self.pruned.as_ref()
    }

    /// Searches the same log for something else, from its first entry on.
    pub fn again(&mut self, filter: Filter) {
        (self.filter, self.next) = (filter.among(self.log.people().table()), self.log.first());
        self.candidates.clear();
    }

    /// The log that is searched.
    pub fn log(&mut self) -> &mut SignedLog {
        &mut self.log
    }

    /// The next entry that is wanted; none where there is no more up to the checkpoint.
    ///
    /// # Errors
    /// When the log cannot be read, or is not in order.
    #[expect(clippy::should_implement_trait, reason = "it may fail, and go on later")]
    pub fn next(&mut self) -> Result<Option<Found>, Failure> {
        while let Some(seq) = self.candidate()? {
            if let Some(found) = self.judge(seq)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Takes the newest checkpoint. Returns whether there is more to search.
    ///
    /// # Errors
    /// When the log did not merely grow.
    pub fn refresh(&mut self) -> Result<bool, Failure> {
        self.log.refresh()
    }

    fn candidate(&mut self) -> Result<Option<u64>, Failure> {
        loop {
            if let Some(range) = self.candidates.front_mut() {
                if let Some(seq) = range.next() {
                    return Ok(Some(seq));
                }
                self.candidates.pop_front();
                continue;
            }
            if self.next >= self.log.size() {
                return Ok(None);
            }
            self.fill();
        }
    }

    /// Finds the candidates of the next block.
    fn fill(&mut self) {
        let end = self.log.size().min((self.next / BLOCK + 1).saturating_mul(BLOCK));
        self.candidates = self.blocks.candidates(&(self.next..end), &self.filter);
        self.next = end;
    }

    /// What allows that entries are gone. The newest entry that tells of it goes furthest, so it is looked for from the end.
    fn allowance(&mut self) -> Result<Option<Pruned>, Failure> {
        let (gone, mut end) = (self.log.first(), self.log.size());
        if gone == 0 {
            return Ok(None);
        }
        let filter = Filter { kind: Some("entries-pruned".into()), ..Filter::default() };
        while end > gone {
            let from = ((end - 1) / BLOCK * BLOCK).max(gone);
            for seq in self.blocks.candidates(&(from..end), &filter).into_iter().rev().flat_map(Iterator::rev)
            {
                if let Event::EntriesPruned(told) = &self.log.entry(seq)?.1.event
                    && let Some(pruned) = Pruned::allowed(gone, seq, told)
                {
                    return Ok(Some(pruned));
                }
            }
            end = from;
        }
        Err(self.log.failed(VerifyError::NotPruned { entries: gone }))
    }

    fn judge(&mut self, seq: u64) -> Result<Option<Found>, Failure> {
        let (line, entry) = self.log.entry(seq)?;
        let before = match &entry.event {
            Event::Decision(decision) => decision.parts,
            Event::DecisionPart(part) if self.is_continued(seq, part)? => return Ok(None),
            Event::DecisionPart(part) => part.part.saturating_sub(1),
            _ => 0,
        };
        // The first of them may be gone.
        let parts = seq.saturating_sub(u64::from(before)).max(self.log.first())..seq;
        let mut met = Met::default();
        self.filter.note(&entry.event, &mut met);
        for part in parts.clone() {
            let (_, part) = self.log.entry(part)?;
            self.filter.note_part(&part.event, &mut met);
        }
        let wanted = self.filter.wants(entry.time, met);
        Ok(wanted.then_some(Found { line, entry, parts }))
    }

    /// Whether the next entry goes on with that decision. At the end of what is signed it may.
    fn is_continued(&mut self, seq: u64, part: &DecisionPart) -> Result<bool, Failure> {
        if seq + 1 >= self.log.size() {
            return Ok(true);
        }
        Ok(continues(part, &self.log.entry(seq + 1)?.1.event))
    }
}

/// Whether an event goes on with the decision of the part before it.
pub(crate) fn continues(part: &DecisionPart, next: &Event) -> bool {
    match next {
        Event::DecisionPart(next) => next.part > 1 && next.decision == part.decision,
        Event::Decision(head) => head.parts > 0 && head.decision == part.decision,
        _ => false,
    }
}
