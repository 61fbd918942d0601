//! Proofs as texts that are kept, sent and checked without the log.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    entry::{DecodeError, Entry},
    keys::VerifierKey,
    merkle::{ConsistencyProof, InclusionProof, ProofError, TreeHash},
};

/// The first line of a proof of an entry (C2SP tlog-proof).
const TITLE: &str = "c2sp.org/tlog-proof@v1";
/// No proof between two trees of 64 bits has more hashes.
const MAX_HASHES: usize = 64;

/// Proof that an entry is in a log: the entry, its place, and a signed checkpoint (C2SP tlog-proof, with the entry as
/// extra data).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    /// The bytes of the entry.
    pub entry: Vec<u8>,
    /// Its index in the log.
    pub index: u64,
    /// The siblings on the way to the root.
    pub path: Vec<TreeHash>,
    /// The signed checkpoint, with all its signatures.
    pub checkpoint: String,
}

/// Proof that a log has only grown since an earlier checkpoint: what a witness is asked with (C2SP tlog-witness,
/// add-checkpoint).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrowthProof {
    /// How many entries the earlier checkpoint covers.
    pub old_size: u64,
    /// The hashes of the proof.
    pub path: Vec<TreeHash>,
    /// The later checkpoint, with all its signatures.
    pub checkpoint: String,
}

impl EntryProof {
    /// Reads a proof, and believes nothing of it yet.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn parse(text: &str) -> Result<Self, ProofTextError> {
        let rest = line(text, TITLE)?;
        let (extra, rest) = rest.split_once('\n').ok_or(ProofTextError::Cut)?;
        let extra = extra.strip_prefix("extra ").ok_or(ProofTextError::NoEntry)?;
        let entry = STANDARD.decode(extra).map_err(|_| ProofTextError::Line { line: shortened(extra) })?;
        let (index, rest) = numbered(rest, "index")?;
        let (path, checkpoint) = hashes(rest)?;
        Ok(Self { entry, index, path, checkpoint })
    }

    /// The entry, and the checkpoint that it is proved by, once one of `keys` is seen to have signed that.
    ///
    /// # Errors
    /// When the checkpoint is not to be believed, the proof does not hold, or what it proves is no entry of that place.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<(Entry, Checkpoint), ProofTextError> {
        let checkpoint = SignedCheckpoint::parse(&self.checkpoint)?.verify_by_any(keys)?.clone();
        let inclusion = InclusionProof { index: self.index, size: checkpoint.size, path: self.path.clone() };
        inclusion.verify(&TreeHash::leaf(&self.entry), &checkpoint.root)?;
        let entry = Entry::decode(&self.entry)?;
        if entry.seq == self.index {
            Ok((entry, checkpoint))
        } else {
            Err(ProofTextError::Sequence { index: self.index, found: entry.seq })
        }
    }
}

impl std::fmt::Display for EntryProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{TITLE}\nextra {}\nindex {}", STANDARD.encode(&self.entry), self.index)?;
        write_hashes(f, &self.path, &self.checkpoint)
    }
}

impl GrowthProof {
    /// Reads a proof, and believes nothing of it yet.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn parse(text: &str) -> Result<Self, ProofTextError> {
        let (old_size, rest) = numbered(text, "old")?;
        let (path, checkpoint) = hashes(rest)?;
        Ok(Self { old_size, path, checkpoint })
    }

    /// That the tree of `checkpoint`, whose signature was verified, begins with the first `old_size` entries, whose root
    /// is `old`.
    ///
    /// # Errors
    /// When it does not.
    pub fn verify(&self, old: &TreeHash, checkpoint: &Checkpoint) -> Result<(), ProofError> {
        let size = checkpoint.size;
        let proof = ConsistencyProof { old_size: self.old_size, size, path: self.path.clone() };
        proof.verify(old, &checkpoint.root)
    }
}

impl std::fmt::Display for GrowthProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        write_hashes(f, &self.path, &self.checkpoint)
    }
}

fn write_hashes(f: &mut std::fmt::Formatter<'_>, path: &[TreeHash], checkpoint: &str) -> std::fmt::Result {
    for hash in path {
        writeln!(f, "{}", STANDARD.encode(hash.as_bytes()))?;
    }
    write!(f, "\n{checkpoint}")
}

/// What follows a first line that must be just this.
fn line<'a>(text: &'a str, wanted: &str) -> Result<&'a str, ProofTextError> {
    let (first, rest) = text.split_once('\n').ok_or(ProofTextError::Cut)?;
    if first == wanted { Ok(rest) } else { Err(ProofTextError::Line { line: shortened(first) }) }
}

/// A line with a word and a number, and what follows it.
fn numbered<'a>(text: &'a str, word: &str) -> Result<(u64, &'a str), ProofTextError> {
    let (first, rest) = text.split_once('\n').ok_or(ProofTextError::Cut)?;
    let number = first.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '));
    let number =
        number.and_then(|digits| digits.parse::<u64>().ok().filter(|number| number.to_string() == digits));
    number.map(|number| (number, rest)).ok_or_else(|| ProofTextError::Line { line: shortened(first) })
}

/// Lines of hashes up to an empty one, and what follows it.
fn hashes(mut text: &str) -> Result<(Vec<TreeHash>, String), ProofTextError> {
    let mut path = Vec::new();
    loop {
        let (first, rest) = text.split_once('\n').ok_or(ProofTextError::Cut)?;
        text = rest;
        if first.is_empty() {
            return Ok((path, text.to_owned()));
        }
        if path.len() >= MAX_HASHES {
            return Err(ProofTextError::TooMany);
        }
        let bytes = STANDARD.decode(first).ok().and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or_else(|| ProofTextError::Line { line: shortened(first) })?;
        path.push(TreeHash::from_bytes(bytes));
    }
}

fn shortened(line: &str) -> String {
    line.chars().take(80).collect()
}

/// Why a text proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofTextError {
    /// It ends too early.
    #[error("proof is cut off; fetch it again")]
    Cut,
    /// A line is not what belongs there.
    #[error("proof has the line {line:?} where another belongs; fetch it again")]
    Line {
        /// Its beginning.
        line: String,
    },
    /// It does not say what it is about.
    #[error("proof does not hold the entry, in a line `extra`; ask for one that `oam audit prove` wrote")]
    NoEntry,
    /// More hashes than any tree has levels.
    #[error("proof has more than {MAX_HASHES} hashes; fetch it again")]
    TooMany,
    /// Its checkpoint is not one, or not believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The hashes do not lead to the root.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// It begins elsewhere than what was kept.
    #[error(
        "the proof begins with a checkpoint of {stated} entries, and the one that was kept has {kept}; ask for one that begins there"
    )]
    OtherSize {
        /// Where the proof begins.
        stated: u64,
        /// How many entries the kept one has.
        kept: u64,
    },
    /// What stands there is no entry.
    #[error("what the proof proves is not an entry of an audit log: {0}; it is of another log")]
    Decode(#[from] DecodeError),
    /// What stands there says that it stands elsewhere.
    #[error(
        "the entry at index {index} says that it is number {found}: the log was not written by this program"
    )]
    Sequence {
        /// Where it stands.
        index: u64,
        /// What it says.
        found: u64,
    },
}

#[cfg(test)]
mod tests;
