use jiff::Timestamp;
use oam_policy::{
    Snapshot,
    name::UsernameKey,
    snapshot::{Amendment, Revocation},
};

/// What sets a generation apart from the one before it: what the journal keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Anything: the whole snapshot is kept.
    Whole,
    /// Somebody was cut off.
    Revoke(UsernameKey, Revocation),
    /// Somebody was let back in.
    Lift(UsernameKey),
    /// The source confirmed the directory unchanged, at this time.
    Confirm(Timestamp),
    /// Sources told of single people.
    Amend(Amendment),
}

impl Change {
    /// The next snapshot after `before`; `None` when there is no such step from there.
    pub(super) fn apply(self, before: &Snapshot) -> Option<Snapshot> {
        match self {
            Self::Whole => None,
            Self::Revoke(user, revocation) => Some(before.revoke(&user, revocation)),
            Self::Lift(user) => before.lift_revocation(&user),
            Self::Confirm(as_of) => Some(before.confirm(as_of)),
            Self::Amend(amendment) => Some(before.amend(&amendment)),
        }
    }
}
