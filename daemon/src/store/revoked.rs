//! Revocations as they are stored: a revoked name need not be in the directory, so it is kept as text.

use std::collections::BTreeMap;

use oam_policy::{Snapshot, Username, name::UsernameKey, printable::Printable, snapshot::Revocation};

use super::SaveError;

/// The revocations of a snapshot, to be written.
pub(super) fn to_write(snapshot: &Snapshot) -> Vec<(&UsernameKey, &Revocation)> {
    snapshot.revocations().iter().collect()
}

/// The revocations that were read; `None` when one of them names nobody.
pub(super) fn of_read(read: Vec<(String, Revocation)>) -> Option<BTreeMap<UsernameKey, Revocation>> {
    read.into_iter().map(|(name, revocation)| Some((key(&name)?, revocation))).collect()
}

/// The folded name that was written.
pub(super) fn key(folded: &str) -> Option<UsernameKey> {
    Username::parse(folded).ok().map(|name| name.key())
}

/// Makes sure that what is about to be stored can be read back: a name near the limit of 255 bytes may be longer
/// than that once it is folded.
pub(super) fn check_readable(snapshot: &Snapshot) -> Result<(), SaveError> {
    let unreadable = |user: &&UsernameKey| key(user.as_str()).as_ref() != Some(*user);
    match snapshot.revocations().keys().find(unreadable) {
        None => Ok(()),
        Some(user) => Err(SaveError::Unreadable(Printable::new(user.as_str()).to_string())),
    }
}
