use jiff::Timestamp;
use oam_audit::entry::SnapshotCause;
use oam_policy::{Snapshot, SnapshotVersion};
use serde::{Deserialize, Serialize};

/// A snapshot, and how it came to be.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The directory.
    pub snapshot: Snapshot,
    /// How it came to be.
    pub info: SnapshotInfo,
}

/// How a generation came to be, and how much it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    /// Which.
    pub version: SnapshotVersion,
    /// When its source last said that this is how things are.
    pub as_of: Timestamp,
    /// How much it holds.
    pub counts: Counts,
    /// What made it.
    pub cause: Cause,
    /// Who made it: a source or an administrator.
    pub actor: String,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// When it was made.
    pub changed_at: Timestamp,
}

/// How much a snapshot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Users, active or not.
    pub users: u64,
    /// Users who may act.
    pub active_users: u64,
    /// Groups.
    pub groups: u64,
    /// Pairs of a user and a group.
    pub memberships: u64,
    /// People cut off by command, also those whom the directory does not know.
    pub revocations: u64,
}

/// What made a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// A file was imported.
    Import,
    /// An administrator went back.
    Rollback,
    /// A user was cut off.
    UserDeactivated,
    /// A user was let back in.
    UserReactivated,
    /// A source told of a change.
    Source,
}

impl Counts {
    /// Counts what a snapshot holds. It looks at every user.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut counts = Self {
            groups: snapshot.groups().len() as u64,
            revocations: snapshot.revocations().len() as u64,
            ..Self::default()
        };
        for user in snapshot.users() {
            counts.users += 1;
            counts.active_users += u64::from(user.is_active());
            counts.memberships += user.groups().count() as u64;
        }
        counts
    }
}

impl Cause {
    /// The stable name of the cause, as in `user-deactivated`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Rollback => "rollback",
            Self::UserDeactivated => "user-deactivated",
            Self::UserReactivated => "user-reactivated",
            Self::Source => "source",
        }
    }
}

impl From<Cause> for SnapshotCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Import => Self::Import,
            Cause::Rollback => Self::Rollback,
            Cause::UserDeactivated => Self::UserDeactivated,
            Cause::UserReactivated => Self::UserReactivated,
            Cause::Source => Self::Source,
        }
    }
}
