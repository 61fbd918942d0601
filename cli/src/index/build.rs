//! Making a file of an index from the entries of its block.

use oam_audit::{
    entry::{DecisionPart, Entry, Event},
    files::FileError,
    merkle::TreeHash,
    tile::{Bundle, Tile, TileKind, WIDTH, subtree_root},
    verify::{BLOCK, VerifyError},
};

use super::{
    block::{Content, NOTHING},
    gone,
};
use crate::{
    log::signed::LogFiles,
    query::{continues, facet::of_event},
};

/// Reads entries, and makes sure that they are the ones with these roots.
pub(super) struct Builder<'a> {
    files: &'a LogFiles,
    roots: &'a [TreeHash],
    /// The first entry that is there.
    first: u64,
}

/// A decision of which only parts were read: where the last one stands, and what they say.
struct Open {
    part: DecisionPart,
    seq: u64,
    terms: Vec<u64>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(files: &'a LogFiles, roots: &'a [TreeHash], first: u64) -> Self {
        Self { files, roots, first }
    }

    /// The bytes of a file. What the parts of a decision say is noted where it ends.
    pub(super) fn block(&self, number: u64) -> Result<Vec<u8>, VerifyError> {
        let block = number * BLOCK..(number + 1) * BLOCK;
        let root = self.root(number).ok_or(FileError::Missing { path: format!("block {number}") })?;
        let mut content = Content::default();
        let start = block.start.max(self.first);
        content.spans.resize(gone(self.first, number), NOTHING);
        let mut open: Option<Open> = None;
        let mut next = self.beginning(start)?;
        while next < block.end {
            let bundle = self.bundle(next / WIDTH)?;
            let mut span = NOTHING;
            for (seq, line) in
                (next / WIDTH * WIDTH..).zip(bundle.entries()).skip_while(|(seq, _)| *seq < next)
            {
                let entry = read(seq, line)?;
                let at = entry.time.timestamp().as_microsecond();
                span = (span.0.min(at), span.1.max(at));
                let mut note = |seq: u64, terms: Vec<u64>| {
                    if let Ok(place) = u16::try_from(seq.wrapping_sub(block.start)) {
                        content.records.extend(terms.into_iter().map(|term| (term, place)));
                    }
                };
                let mut terms = Vec::new();
                match open.take() {
                    Some(open) if continues(&open.part, &entry.event) => terms = open.terms,
                    Some(ended) => note(ended.seq, ended.terms),
                    None => {}
                }
                of_event(&entry.event, &mut |facet| terms.extend(facet.term()));
                match entry.event {
                    Event::DecisionPart(part) => {
                        let part = DecisionPart { updates: Vec::new(), ..part };
                        open = Some(Open { part, seq, terms });
                    }
                    _ => note(seq, terms),
                }
            }
            if block.contains(&next) {
                content.spans.push(span);
            }
            next = (next / WIDTH + 1) * WIDTH;
        }
        // It may end here, or go on in the next block: whoever looks there will see.
        if let Some(Open { seq, terms, .. }) = open
            && let Ok(place) = u16::try_from(seq.wrapping_sub(block.start))
        {
            content.records.extend(terms.into_iter().map(|term| (term, place)));
        }
        Ok(content.encode(root))
    }

    /// Where the decision begins that an entry belongs to, the first one of a block that is there.
    fn beginning(&self, first: u64) -> Result<u64, VerifyError> {
        let bundle = self.bundle(first / WIDTH)?;
        let before =
            match bundle.entries().next().map(|line| read(first, line)).transpose()?.map(|entry| entry.event)
            {
                Some(Event::Decision(decision)) => decision.parts,
                Some(Event::DecisionPart(part)) => part.part.saturating_sub(1),
                _ => 0,
            };
        Ok(first.saturating_sub(u64::from(before)).max(self.first))
    }

    fn bundle(&self, index: u64) -> Result<Bundle, VerifyError> {
        let above = Tile::full(TileKind::Hashes(1), index / WIDTH);
        let hashes = self.files.hashes(above)?;
        let first = index * WIDTH;
        if self.root(index / WIDTH) != Some(&subtree_root(&hashes)) {
            return Err(VerifyError::Hashes { tile: above, first: index / WIDTH * BLOCK });
        }
        let tile = Tile::full(TileKind::Entries, index);
        let bundle = self.files.bundle(tile)?;
        let leaves: Vec<_> = bundle.entries().map(TreeHash::leaf).collect();
        let place = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
        if hashes.get(place) == Some(&subtree_root(&leaves)) {
            Ok(bundle)
        } else {
            Err(VerifyError::Hashes { tile: Tile::full(TileKind::Hashes(0), index), first })
        }
    }

    fn root(&self, number: u64) -> Option<&TreeHash> {
        self.roots.get(usize::try_from(number).ok()?)
    }
}

/// An entry that was signed. Whether it is written as it should be, whoever prints it makes sure.
fn read(seq: u64, line: &[u8]) -> Result<Entry, VerifyError> {
    match serde_json::from_slice::<Entry>(line) {
        Ok(entry) if entry.seq == seq => Ok(entry),
        // Says what is wrong.
        _ => oam_audit::verify::read_entry(seq, line),
    }
}
