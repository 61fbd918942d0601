//! Which key signs which checkpoint, as the log itself tells.

use std::collections::BTreeSet;

use super::VerifyError;
use crate::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    entry::{KeyRotated, RotationError},
    keys::VerifierKey,
};

/// A key of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInForce {
    /// How many entries a checkpoint has at least that it signs.
    pub from: u64,
    /// The key.
    pub key: VerifierKey,
}

/// The keys of a log as its entries name them, one after the other.
#[derive(Debug, Default)]
pub(super) struct Chain {
    keys: Vec<KeyInForce>,
    known: BTreeSet<String>,
}

impl Chain {
    /// Takes note of the entry after those of `before`, which says that another key follows.
    pub(super) fn rotate(&mut self, rotated: &KeyRotated, before: &Checkpoint) -> Result<(), VerifyError> {
        let index = before.size;
        self.follow(rotated, before).map_err(|source| VerifyError::Rotation { index, source })
    }

    fn follow(&mut self, rotated: &KeyRotated, before: &Checkpoint) -> Result<(), RotationError> {
        let (previous, next) = rotated.verify(before)?;
        match self.keys.last() {
            Some(last) if last.key != previous => {
                let (previous, in_force) = (previous.to_string(), last.key.to_string());
                return Err(RotationError::NotInForce { previous, in_force });
            }
            Some(_) => {}
            None => {
                self.known.insert(previous.to_string());
                self.keys.push(KeyInForce { from: 0, key: previous });
            }
        }
        if !self.known.insert(next.to_string()) {
            return Err(RotationError::Returned { next: next.to_string() });
        }
        self.keys.push(KeyInForce { from: before.size + 1, key: next });
        Ok(())
    }

    /// The keys, of which `trusted` must be one.
    pub(super) fn trusting(self, trusted: &VerifierKey) -> Result<Keys, VerifyError> {
        if self.keys.is_empty() {
            return Ok(Keys(vec![KeyInForce { from: 0, key: trusted.clone() }]));
        }
        if self.keys.iter().any(|one| one.key == *trusted) {
            return Ok(Keys(self.keys));
        }
        Err(VerifyError::KeyUnknown { trusted: trusted.to_string() })
    }
}

/// The keys of a log, one of which is trusted, and each of which was named by the one before it.
#[derive(Debug)]
pub(super) struct Keys(pub(super) Vec<KeyInForce>);

impl Keys {
    /// That the key of its time has signed a checkpoint. One that ends with a rotation may be by the old or the new key:
    /// it is the last that the old one signs, and the first that the new one does.
    pub(super) fn verify(&self, signed: &SignedCheckpoint) -> Result<(), VerifyError> {
        let size = signed.unverified().size;
        let after = self.0.partition_point(|one| one.from <= size);
        let mut in_force = self.0.get(..after).unwrap_or_default().iter().rev();
        let newest = in_force.next().ok_or(VerifyError::NoKey)?;
        let verified = signed.verify(&newest.key);
        if let (Err(_), Some(before), true) = (&verified, in_force.next(), newest.from == size) {
            signed.verify(&before.key)?;
            return Ok(());
        }
        verified?;
        Ok(())
    }
}
