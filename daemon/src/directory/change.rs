use std::{fmt, sync::Arc};

use oam_policy::{Username, snapshot::DirectoryError};
use thiserror::Error;

use crate::store::{ArchiveError, Loaded, SaveError};

/// Who changes something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// A source or an administrator, as the daemon knows its callers.
    pub actor: String,
    /// In their words; may be empty.
    pub reason: String,
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Changed {
    /// What was in force before; absent with the first import.
    pub before: Option<Arc<Loaded>>,
    /// What is in force now.
    pub after: Arc<Loaded>,
    /// False when it was so already: then there is no new generation.
    pub changed: bool,
    /// With a rollback: people who were active then and were not just before it.
    pub cut_off_since: Vec<Username>,
}

/// Why a command was not carried out, or not all of it.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// There is nothing to change.
    #[error("there is no directory yet; import one first")]
    NoDirectory,
    /// The directory does not know the user.
    #[error("the directory knows no user `{0}`; check the name, or say that it is meant all the same")]
    UnknownUser(Username),
    /// What was delivered makes no snapshot.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The generation to go back to cannot be read.
    #[error(transparent)]
    Generation(#[from] ArchiveError),
    /// Nothing changed: it could not be recorded first.
    #[error("nothing was changed: it cannot be recorded in the audit log ({0})")]
    NotRecorded(String),
    /// Nothing changed: it could not be made durable.
    #[error("nothing was changed: {0}")]
    NotStored(#[source] SaveError),
    /// Nothing changed: somebody was cut off before, and that is not recorded and stored yet.
    #[error("nothing was changed: an earlier deactivation has to be recorded and stored first ({0})")]
    Behind(StillMissing),
    /// What was taken is taken, and something is still missing; it is tried again until it is done.
    #[error("the user is cut off on this node now, but {0}; it is tried again every second until it is done")]
    InForceBut(StillMissing),
    /// The daemon is ending.
    #[error("the daemon is ending, and takes no more changes; whether this one was made is not known")]
    Ending,
}

/// What is missing of a deactivation that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillMissing {
    /// Why it is not in the audit log.
    pub record: Option<String>,
    /// Why it would not outlive a restart.
    pub store: Option<String>,
}

impl fmt::Display for StillMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.record, &self.store) {
            (None, None) => f.write_str("nothing is missing any more"),
            (Some(record), None) => write!(f, "it is not recorded in the audit log yet ({record})"),
            (None, Some(store)) => write!(f, "it would not outlive a restart yet ({store})"),
            (Some(record), Some(store)) => write!(
                f,
                "it is not recorded in the audit log yet ({record}), and would not outlive a restart yet ({store})"
            ),
        }
    }
}
