//! How the log writes what a verdict rested on of new commits.

use std::io;

use oam_audit::entry::{
    History,
    history::{Commit, End, Listed, Named, NewFile, Signature, Text, Tip},
};
use oam_policy::{
    RefName,
    facts::{self, Facts, HistoryKnown, Identity, Learnt, Listing, Nth, SignatureState, UpdateIndex},
    reason::SignatureFault,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// How much is written for one update, in bytes: it must fit an entry, beside the update itself.
const UPDATE_BYTES: usize = 32 << 10;

/// How much is written for one decision, in bytes.
const DECISION_BYTES: usize = 1 << 20;

/// How much the digest of a list takes, with all that is beside it.
const SUMMARY_BYTES: usize = 200;

/// What is left for what decisions rest on.
pub(super) struct Room {
    left: usize,
}

impl Room {
    pub(super) fn of_decision() -> Self {
        Self { left: DECISION_BYTES }
    }

    /// What the verdict on one update rested on; and how many histories find no room at all. A long name takes from the
    /// room: in JSON it may be twice as long.
    pub(super) fn histories(
        &mut self,
        facts: &Facts,
        index: UpdateIndex,
        name: &RefName,
    ) -> (Vec<History>, u64) {
        let (mut written, mut left_out) = (Vec::new(), 0);
        let mut room = UPDATE_BYTES.saturating_sub(2 * name.as_bytes().len());
        for known in facts.histories(index) {
            let patterns: usize = known.cover.patterns().iter().map(json_bytes).sum();
            let least = patterns + 3 * SUMMARY_BYTES;
            if least > room {
                left_out += 1;
                continue;
            }
            room -= least;
            written.push(history(known, &mut Budget { update: &mut room, decision: &mut self.left }));
        }
        (written, left_out)
    }
}

/// What may still be written.
struct Budget<'a> {
    update: &'a mut usize,
    decision: &'a mut usize,
}

impl Budget<'_> {
    fn left(&self) -> usize {
        (*self.update).min(*self.decision)
    }

    fn spend(&mut self, bytes: usize) {
        *self.update = self.update.saturating_sub(bytes);
        *self.decision = self.decision.saturating_sub(bytes);
    }
}

fn history(known: HistoryKnown<'_>, budget: &mut Budget<'_>) -> History {
    History {
        refs: known.cover.patterns().to_vec(),
        paths: known.paths.map(|paths| listed(paths, budget, |path| Text::from(path.as_bytes()))),
        files: known.files.map(|files| {
            listed(files, budget, |file| NewFile { path: file.path.as_bytes().into(), size: file.size })
        }),
        commits: known.commits.map(|commits| listed(commits, budget, commit)),
        signatures: known.signed,
        tip: known.tip.map(tip),
    }
}

/// A whole list, where it is held and there is room for it.
fn listed<T: Ord, E: Serialize>(
    listing: &Listing<T>,
    budget: &mut Budget<'_>,
    entry: impl Fn(&T) -> E,
) -> Listed<E> {
    let end = match listing.end() {
        facts::End::Complete => End::Complete,
        facts::End::Open => End::Open,
        facts::End::Unreadable(_) => End::Unreadable,
    };
    let without = Listed { told: listing.told(), end, all: None, sha256: None };
    if !listing.is_kept_whole() {
        return without;
    }
    let mut json = Hashed { sha256: Sha256::new(), bytes: 0 };
    let (mut all, most) = (Vec::new(), budget.left());
    json.add(b"[");
    for (nth, item) in listing.kept().enumerate() {
        if nth > 0 {
            json.add(b",");
        }
        let written = entry(item);
        json.write(&written);
        if json.bytes < most {
            all.push(written);
        }
    }
    json.add(b"]");
    if json.bytes <= most {
        budget.spend(json.bytes);
        return Listed { all: Some(all), ..without };
    }
    Listed { sha256: Some(hex::encode(json.sha256.finalize())), ..without }
}

fn commit(nth: &Nth) -> Commit {
    let facts::Commit { id, subject, signed_off, author, committer, parents, foreign, signature } =
        &nth.commit;
    Commit {
        id: id.to_string(),
        subject: subject.as_slice().into(),
        author: named(author),
        committer: named(committer),
        parents: *parents as u64,
        signed_off: *signed_off,
        foreign: *foreign,
        signature: worth(signature),
    }
}

fn worth(signature: &SignatureState) -> Signature {
    match signature {
        SignatureState::Absent => Signature::Absent,
        SignatureState::Good { by } => Signature::Good { by: by.as_str().to_owned() },
        SignatureState::GoodByAddress { address } => {
            Signature::GoodByAddress { address: address.to_string() }
        }
        SignatureState::Bad { cause, why } => {
            Signature::Bad { cause: SignatureFault::Bad(*cause).code().to_owned(), why: why.clone() }
        }
        // In a question that nobody has pushed, and nobody records.
        SignatureState::GoodByCommitter => Signature::Absent,
    }
}

fn tip(known: &Learnt<facts::Tip>) -> Tip {
    match known {
        Ok(facts::Tip::Tag { tagger, signature }) => {
            Tip::Tag { tagger: named(tagger), signature: worth(signature) }
        }
        Ok(facts::Tip::Other) => Tip::Other,
        Err(_) => Tip::Unreadable,
    }
}

fn named(who: &Identity) -> Named {
    match who {
        Identity::Email(email) => Named::Email(email.to_string()),
        Identity::NoEmail(shown) => Named::NoEmail(shown.to_string()),
        // In a question that nobody has pushed, and nobody records.
        Identity::Pusher | Identity::Stranger => Named::NoEmail(String::new()),
    }
}

/// JSON that is counted and digested, and not kept.
struct Hashed {
    sha256: Sha256,
    bytes: usize,
}

impl Hashed {
    fn add(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.bytes += bytes.len();
    }

    fn write(&mut self, value: &impl Serialize) {
        // Texts and numbers cannot fail to be written to memory.
        let _ = serde_json::to_writer(self, value);
    }
}

impl io::Write for &mut Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn json_bytes(value: &String) -> usize {
    let mut json = Hashed { sha256: Sha256::new(), bytes: 0 };
    json.write(value);
    json.bytes + 1
}
