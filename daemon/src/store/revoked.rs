//! Revocations as they are stored: a revoked name need not be in the directory, so it is kept as text.

use std::collections::BTreeMap;

use oam_policy::{Snapshot, Username, name::UsernameKey, snapshot::Revocation};

/// The revocations of a snapshot, to be written.
pub(super) fn to_write(snapshot: &Snapshot) -> Vec<(&UsernameKey, &Revocation)> {
    snapshot.revocations().iter().collect()
}

/// The revocations that were read; `None` when one of them names nobody.
pub(super) fn of_read(read: Vec<(String, Revocation)>) -> Option<BTreeMap<UsernameKey, Revocation>> {
    read.into_iter().map(|(name, revocation)| Some((key(&name)?, revocation))).collect()
}

/// The folded name that was written: a name, too, since [`Username`] minds the length of both.
pub(super) fn key(folded: &str) -> Option<UsernameKey> {
    Username::parse(folded).ok().map(|name| name.key())
}
