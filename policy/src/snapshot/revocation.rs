use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hash_text;

/// Somebody was cut off by command. It outlives every import and rollback until it is lifted by command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom, as the daemon knows its callers.
    pub by: String,
    /// Why, in the caller's words.
    pub reason: String,
}

impl Revocation {
    pub(super) fn hash_into(&self, hasher: &mut Sha256) {
        hasher.update(self.at.as_microsecond().to_be_bytes());
        hash_text(hasher, &self.by);
        hash_text(hasher, &self.reason);
    }
}
