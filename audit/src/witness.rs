//! What a witness does (C2SP tlog-witness): it believes a log's next checkpoint when that continues the last one it
//! saw, and no other.

use crate::{
    Name,
    checkpoint::{CheckpointError, SignedCheckpoint},
    keys::VerifierKey,
    merkle::{ProofError, TreeHash},
    proof::GrowthProof,
};

/// The newest checkpoint of a log that a witness has cosigned: nothing else is kept of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How many entries it covers.
    pub size: u64,
    /// Their root.
    pub root: TreeHash,
    /// The key that signed it; none of a log that was never seen.
    pub key: Option<VerifierKey>,
}

impl Seen {
    /// Of a log that was never seen.
    #[must_use]
    pub fn nothing() -> Self {
        Self { size: 0, root: TreeHash::empty(), key: None }
    }

    /// Of a log whose last checkpoint was this; none when no key of that log has signed it. Where several have, the last
    /// of them counts.
    #[must_use]
    pub fn of(signed: &SignedCheckpoint, keys: &[VerifierKey]) -> Option<Self> {
        keys.iter().rev().filter(|key| key.name() == signed.claimed_origin()).find_map(|key| {
            let checkpoint = signed.verify(key).ok()?;
            Some(Self { size: checkpoint.size, root: checkpoint.root, key: Some(key.clone()) })
        })
    }
}

/// What a witness thinks of a request: the checkpoint to be cosigned, and what is to be remembered before that.
///
/// `keys` are those that it trusts, of all logs. Where there are several of one log, each follows the one before it: as
/// soon as a checkpoint is signed with a later one, an earlier one is of no use any more. `seen` is what it has of the log
/// with that name.
///
/// # Errors
/// When it must not cosign it.
pub fn judge(
    request: &GrowthProof,
    keys: &[VerifierKey],
    seen: impl FnOnce(&Name) -> Seen,
) -> Result<(SignedCheckpoint, Seen), Refusal> {
    let signed = SignedCheckpoint::parse(&request.checkpoint).map_err(Refusal::Malformed)?;
    if !keys.iter().any(|key| key.name() == signed.claimed_origin()) {
        return Err(Refusal::UnknownLog);
    }
    let new = Seen::of(&signed, keys).ok_or(Refusal::NotSigned)?;
    if request.old_size > new.size {
        return Err(Refusal::Backwards);
    }
    let seen = seen(signed.claimed_origin());
    let place = |key: &Option<VerifierKey>| keys.iter().position(|known| Some(known) == key.as_ref());
    if place(&new.key) < place(&seen.key) {
        return Err(Refusal::Retired);
    }
    if request.old_size != seen.size {
        return Err(Refusal::OtherSize { seen: seen.size });
    }
    if new.size == seen.size && new.root != seen.root {
        return Err(Refusal::Fork { size: seen.size });
    }
    request.verify(&seen.root, signed.unverified()).map_err(Refusal::Proof)?;
    Ok((signed, new))
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
    /// The key was replaced by another.
    #[error("checkpoint is signed with a key that this log has given up: another one has signed since")]
    Retired,
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
            Self::NotSigned | Self::Retired => 403,
            Self::UnknownLog => 404,
            Self::OtherSize { .. } | Self::Fork { .. } => 409,
            Self::Proof(_) => 422,
        }
    }
}

#[cfg(test)]
mod tests;
