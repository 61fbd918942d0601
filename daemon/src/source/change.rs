use jiff::Timestamp;
use oam_policy::Username;
use serde::{Deserialize, Serialize};

use super::{Listed, StoredGroup, StoredUser};

/// What a source said at one moment: what is kept of it, in its journal, as one whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What. Nothing: that things are still so.
    pub changes: Vec<Change>,
}

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Everybody and every group, as a file lists them.
    List(Listed),
    /// A user as they are now.
    PutUser(StoredUser),
    /// A user is gone.
    DropUser(Box<str>),
    /// A group as it is now, but for its members.
    PutGroup(StoredGroup),
    /// A group's members are others.
    TouchGroup {
        /// The group.
        group: Box<str>,
        /// When.
        at: Timestamp,
    },
    /// A group is gone.
    DropGroup(Box<str>),
    /// Users come into a group.
    Join {
        /// The group.
        group: Box<str>,
        /// The users.
        users: Vec<Box<str>>,
    },
    /// Users go out of a group.
    Leave {
        /// The group.
        group: Box<str>,
        /// The users.
        users: Vec<Box<str>>,
    },
    /// That a name was known once is forgotten.
    Forget(Username),
    /// What was lost was told again, all of it.
    Complete,
}

impl Change {
    /// Whether it can be told without looking further that it gives nobody anything.
    pub(super) fn only_takes(&self) -> bool {
        match self {
            Self::PutUser(user) => !user.is_active(),
            Self::DropUser(_) | Self::TouchGroup { .. } | Self::DropGroup(_) | Self::Leave { .. } => true,
            Self::List(_) | Self::PutGroup(_) | Self::Join { .. } | Self::Forget(_) | Self::Complete => false,
        }
    }
}
