//! Old entries were let go: said before it is done.

use serde::{Deserialize, Serialize};

use super::{KeyRotated, Time};

/// Entries that are old enough are removed from here on. Their hashes stay, and so does every proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesPruned {
    /// All entries below this number may be gone.
    pub before: u64,
    /// How long entries are kept, as it was configured.
    pub keep: String,
    /// Nothing was removed that was not older than this.
    pub older_than: Time,
    /// The rotations of the key among them, since whoever verifies the rest needs those.
    pub rotations: Vec<PrunedRotation>,
}

/// A rotation of the key that is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrunedRotation {
    /// The number of its entry.
    pub seq: u64,
    /// What it said.
    pub rotation: KeyRotated,
}
