//! Another key for the same log: the old one says in the log itself which one it is.

use serde::{Deserialize, Serialize};

use crate::{
    checkpoint::Checkpoint,
    keys::{KeyError, SigningKey, VerifierKey},
    note::{Note, NoteError, SignatureError},
};

/// The first line of what both keys sign. No checkpoint begins like this and goes on as ours does.
const TITLE: &str = "oam.audit/key-rotation/v1";

/// From this entry on, checkpoints are signed with another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRotated {
    /// The key so far.
    pub previous: String,
    /// The key from now on.
    pub next: String,
    /// Who wanted it.
    pub actor: String,
    /// Why, in their words.
    pub reason: String,
    /// A signed note in which both keys name the log, how many entries come before this one, their root, and the next
    /// key.
    pub note: String,
}

impl KeyRotated {
    /// Says that `next` follows `previous` after the entries of `before`.
    #[must_use]
    pub fn new(
        previous: &SigningKey,
        next: &SigningKey,
        before: &Checkpoint,
        actor: String,
        reason: String,
    ) -> Self {
        Self {
            previous: previous.verifier().to_string(),
            next: next.verifier().to_string(),
            actor,
            reason,
            note: Note::sign(statement(before, next.verifier()), previous).and_sign(next).to_string(),
        }
    }

    /// The key so far and the next one, when both have signed this for the place after the entries of `before`.
    ///
    /// # Errors
    /// When one of them has not, or it was for another place.
    pub fn verify(&self, before: &Checkpoint) -> Result<(VerifierKey, VerifierKey), RotationError> {
        let (previous, next): (VerifierKey, VerifierKey) = (self.previous.parse()?, self.next.parse()?);
        let note = Note::parse(&self.note)?;
        note.open(&previous)?;
        note.open(&next)?;
        let of_log = [&previous, &next].iter().all(|key| *key.name() == before.origin);
        if of_log && note.unverified_text() == statement(before, &next) {
            Ok((previous, next))
        } else {
            Err(RotationError::Elsewhere)
        }
    }
}

fn statement(before: &Checkpoint, next: &VerifierKey) -> String {
    format!("{TITLE}\n{}{next}\n", before.to_text())
}

/// Why a key does not follow another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// One of the keys is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What is signed is no note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// One of the two keys has not signed it.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It was signed for another place.
    #[error("both keys signed another rotation: of another log, after other entries, or to another key")]
    Elsewhere,
    /// It is not the turn of the key that speaks.
    #[error("it speaks for `{previous}`, and `{in_force}` is the key by then")]
    NotInForce {
        /// The key that says that another follows.
        previous: String,
        /// The key that signs at that place.
        in_force: String,
    },
    /// A key that was given up does not come back.
    #[error("`{next}` was a key of this log before")]
    Returned {
        /// The key that is said to follow.
        next: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::TreeHash;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed("node-1".parse().unwrap(), &[seed; 32])
    }

    fn before(size: u64, root: TreeHash) -> Checkpoint {
        Checkpoint { origin: "node-1".parse().unwrap(), size, root }
    }

    #[test]
    fn a_key_follows_another_where_both_say_so() {
        let (old, new, root) = (key(1), key(2), TreeHash::leaf(b"x"));
        let there = before(7, root);
        let rotated = KeyRotated::new(&old, &new, &there, "root".into(), "every year".into());
        let verified = rotated.verify(&there).unwrap();
        assert_eq!(verified, (old.verifier().clone(), new.verifier().clone()));
        let refused = |rotated: &KeyRotated| rotated.verify(&there).is_err();
        assert!(rotated.verify(&before(8, root)).is_err(), "another place");
        assert!(rotated.verify(&before(7, TreeHash::empty())).is_err(), "other entries");
        let elsewhere = Checkpoint { origin: "node-2".parse().unwrap(), ..there.clone() };
        assert!(rotated.verify(&elsewhere).is_err(), "another log");
        let text = |seed| key(seed).verifier().to_string();
        assert!(refused(&KeyRotated { previous: text(3), ..rotated.clone() }), "another old key");
        assert!(refused(&KeyRotated { next: text(3), ..rotated.clone() }), "another new key");
        for signer in [&old, &new] {
            let note = Note::sign(statement(&there, new.verifier()), signer).to_string();
            assert!(refused(&KeyRotated { note, ..rotated.clone() }), "only one of them signed");
        }
        let stranger = SigningKey::from_seed("node-2".parse().unwrap(), &[2; 32]);
        assert!(
            refused(&KeyRotated::new(&old, &stranger, &there, String::new(), String::new())),
            "another name"
        );
        assert!(refused(&KeyRotated { note: String::new(), ..rotated }));
    }
}
