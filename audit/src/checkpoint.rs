//! The head of a log, signed (C2SP tlog-checkpoint).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

pub use crate::note::{NoteError, SignatureError};

mod cosignature;

use crate::{
    Name, NameError,
    keys::{SigningKey, VerifierKey},
    merkle::TreeHash,
    note::Note,
};

/// What a log vouches for: its first `size` entries have this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: Name,
    /// How many entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: TreeHash,
}

impl Checkpoint {
    /// The three lines that are signed.
    pub(crate) fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    fn from_text(text: &str) -> Result<Self, CheckpointError> {
        // We never write extension lines, and could not audit what they say: a fourth line is refused.
        let lines: Vec<&str> = text.split_terminator('\n').collect();
        let [origin, size, root] = lines.as_slice() else {
            return Err(CheckpointError::Lines { found: lines.len() });
        };
        let number = size.parse().map_err(|_| CheckpointError::Size { text: (*size).to_owned() })?;
        let bytes = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = bytes.ok_or_else(|| CheckpointError::Root { text: (*root).to_owned() })?;
        let checkpoint = Self { origin: origin.parse()?, size: number, root: TreeHash::from_bytes(root) };
        // `parse` also takes `+7` and `007`.
        if checkpoint.to_text() == text {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::Size { text: (*size).to_owned() })
        }
    }
}

/// A checkpoint with its signatures. What it says can be had only by verifying it. Printed as its note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    claimed: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Signs the head of the log that `key` speaks for: `root` of its first `size` entries.
    ///
    /// Whoever calls this must never sign two roots that no consistency proof joins.
    #[must_use]
    pub fn sign(size: u64, root: TreeHash, key: &SigningKey) -> Self {
        let claimed = Checkpoint { origin: key.verifier().name().clone(), size, root };
        let note = Note::sign(claimed.to_text(), key);
        Self { claimed, note }
    }

    /// The same, signed with another key of the log as well.
    #[must_use]
    pub fn and_sign(self, key: &SigningKey) -> Self {
        Self { claimed: self.claimed, note: self.note.and_sign(key) }
    }

    /// Reads a checkpoint, and believes nothing of it yet.
    ///
    /// # Errors
    /// When it is not a signed note with exactly the three lines of a checkpoint.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(text)?;
        Ok(Self { claimed: Checkpoint::from_text(note.unverified_text())?, note })
    }

    /// The log that it says it is of, not to be believed.
    #[must_use]
    pub fn claimed_origin(&self) -> &Name {
        &self.claimed.origin
    }

    /// What it says before anybody has looked who signed it, not to be believed.
    #[must_use]
    pub fn unverified(&self) -> &Checkpoint {
        &self.claimed
    }

    /// Whether both say the same, whoever has signed them.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.claimed == other.claimed
    }

    /// What the checkpoint says, once `key` is seen to have signed it for its own log.
    ///
    /// # Errors
    /// When `key` did not sign it, signed other text, or does not speak for its origin.
    pub fn verify(&self, key: &VerifierKey) -> Result<&Checkpoint, CheckpointError> {
        self.note.open(key)?;
        if self.claimed.origin == *key.name() {
            Ok(&self.claimed)
        } else {
            Err(CheckpointError::Origin { origin: self.claimed.origin.clone(), key: key.to_string() })
        }
    }

    /// [`SignedCheckpoint::verify`] with whichever of these keys has signed it.
    ///
    /// # Errors
    /// When none of them has: what is wrong with the signature of the first.
    pub fn verify_by_any(&self, keys: &[VerifierKey]) -> Result<&Checkpoint, CheckpointError> {
        let mut verified = keys.iter().map(|key| self.verify(key));
        match verified.next().unwrap_or(Err(CheckpointError::NoKey)) {
            Err(error) => verified.find_map(Result::ok).ok_or(error),
            ok => ok,
        }
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

/// Why a checkpoint is not one, or is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is not a signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// It has other than three lines.
    #[error("checkpoint has {found} lines of text; it should have three: origin, size and root")]
    Lines {
        /// How many it has.
        found: usize,
    },
    /// The first line is not the name of a log.
    #[error("checkpoint has no valid origin: {0}")]
    OriginName(#[from] NameError),
    /// The second line is not a number as checkpoints write it.
    #[error("checkpoint has the size {text:?}; it should be a decimal number without leading zeros")]
    Size {
        /// What stood there.
        text: String,
    },
    /// The third line is not a hash.
    #[error("checkpoint has the root {text:?}; it should be 32 bytes in standard base64")]
    Root {
        /// What stood there.
        text: String,
    },
    /// The trusted key did not sign it.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// There is none to look for.
    #[error("no key was given that could have signed the checkpoint")]
    NoKey,
    /// The key signed for a log that is not its own.
    #[error("checkpoint is for the log `{origin}`, but was signed with `{key}`; give the key of that log")]
    Origin {
        /// The log it is for.
        origin: Name,
        /// The key that signed it.
        key: String,
    },
}

#[cfg(test)]
mod tests;
