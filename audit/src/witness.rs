//! What a witness does (C2SP tlog-witness): it believes a log's next checkpoint when that continues the last one it
//! saw, and no other.

use crate::{
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    keys::VerifierKey,
    merkle::{ProofError, TreeHash},
    proof::GrowthProof,
};

/// The newest checkpoint of a log that a witness has cosigned: nothing else is kept of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many entries it covers.
    pub size: u64,
    /// Their root.
    pub root: TreeHash,
}

impl Seen {
    /// Of a log that was never seen.
    #[must_use]
    pub fn nothing() -> Self {
        Self { size: 0, root: TreeHash::empty() }
    }
}

/// What a witness thinks of a request: the checkpoint, to be stored and then cosigned.
///
/// `keys` are those that it trusts, of all logs; `seen` is what it has of the log with that name.
///
/// # Errors
/// When it must not cosign it.
pub fn judge(
    request: &GrowthProof,
    keys: &[VerifierKey],
    seen: impl FnOnce(&VerifierKey) -> Seen,
) -> Result<(SignedCheckpoint, Checkpoint), Refusal> {
    let signed = SignedCheckpoint::parse(&request.checkpoint).map_err(Refusal::Malformed)?;
    let mut known = keys.iter().filter(|key| key.name() == signed.claimed_origin()).peekable();
    if known.peek().is_none() {
        return Err(Refusal::UnknownLog);
    }
    let verified = known.find_map(|key| Some((key, signed.verify(key).ok()?.clone())));
    let Some((key, checkpoint)) = verified else { return Err(Refusal::NotSigned) };
    if request.old_size > checkpoint.size {
        return Err(Refusal::Backwards);
    }
    let seen = seen(key);
    if request.old_size != seen.size {
        return Err(Refusal::OtherSize { seen: seen.size });
    }
    if checkpoint.size == seen.size && checkpoint.root != seen.root {
        return Err(Refusal::Fork { size: seen.size });
    }
    request.verify(&seen.root, &checkpoint).map_err(Refusal::Proof)?;
    Ok((signed, checkpoint))
}

/// Why a witness does not cosign.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no checkpoint.
    #[error(transparent)]
    Malformed(CheckpointError),
    /// It does not know that log.
    #[error("this log is not known here; its key must be given to the witness")]
    UnknownLog,
    /// Nobody it trusts has signed.
    #[error("checkpoint is not signed with a key of that log that is known here")]
    NotSigned,
    /// A log does not shrink.
    #[error("the earlier size is above the later one")]
    Backwards,
    /// It has seen another checkpoint last.
    #[error("the last checkpoint that was seen here has {seen} entries")]
    OtherSize {
        /// How many entries it has.
        seen: u64,
    },
    /// Two histories of one log.
    #[error("another root was seen here for {size} entries: the log was rewritten")]
    Fork {
        /// How many entries both have.
        size: u64,
    },
    /// The log does not continue what was seen.
    #[error("the log does not continue what was seen here: {0}")]
    Proof(ProofError),
}

impl Refusal {
    /// The HTTP status that says so.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::Backwards => 400,
            Self::NotSigned => 403,
            Self::UnknownLog => 404,
            Self::OtherSize { .. } | Self::Fork { .. } => 409,
            Self::Proof(_) => 422,
        }
    }
}

#[cfg(test)]
mod tests;
