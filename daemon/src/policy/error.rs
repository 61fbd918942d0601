use std::{io, path::PathBuf};

use oam_audit::entry::EncodeError;
use oam_policy::fault::Faults;
use thiserror::Error;

use super::{HistoryError, ReadError};
use crate::audit_log::AppendError;

/// Why a policy was not put in force. The one before it still is.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// It has faults.
    #[error("{0}")]
    Faulty(Faults),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The administrator keeps the policy somewhere else.
    #[error("this daemon follows the policy in `{0}`: change it there, and it is loaded by itself")]
    Followed(PathBuf),
    /// It cannot be kept.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// It cannot be written to its place.
    #[error("policy `{path}` cannot be written: {source}")]
    Write {
        /// Where.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// It would have to wait, and too many do.
    #[error("{0} policies wait for approval already: withdraw some with `oam policy withdraw`")]
    TooManyWait(usize),
    /// Reading and testing it broke off.
    #[error("it could not be read and tested: {0}")]
    BrokeOff(#[from] tokio::task::JoinError),
    /// A change that is not recorded is not made.
    #[error("the change could not be recorded, so it was not made: {0}")]
    Audit(#[from] AppendError),
    /// An entry that tells of the change would be too long.
    #[error("the change cannot be recorded, so it was not made: {0}")]
    Entry(#[from] EncodeError),
}

/// Why a proposal was not approved or withdrawn.
#[derive(Debug, Error)]
pub enum ProposalError {
    /// None begins with these digits.
    #[error("no proposed policy begins with `{0}`: `oam policy proposals` lists them")]
    Unknown(String),
    /// More than one does.
    #[error("`{0}` is the beginning of more than one proposed policy: give more digits")]
    Ambiguous(String),
    /// Nobody approves their own.
    #[error("`{0}` proposed this policy: somebody else must approve it")]
    Own(String),
    /// Nobody counts twice.
    #[error("`{0}` has approved this policy already: somebody else must, too")]
    Twice(String),
    /// It was made to replace another policy.
    #[error("another policy is in force than the one that this was to replace: propose it again")]
    Outdated,
    /// Its files do not say what was proposed.
    #[error("the files of this proposal do not say what was proposed: withdraw it, and propose it again")]
    Damaged,
    /// It cannot be put in force.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl From<HistoryError> for ProposalError {
    fn from(error: HistoryError) -> Self {
        Self::Apply(error.into())
    }
}

impl From<AppendError> for ProposalError {
    fn from(error: AppendError) -> Self {
        Self::Apply(error.into())
    }
}

impl From<EncodeError> for ProposalError {
    fn from(error: EncodeError) -> Self {
        Self::Apply(error.into())
    }
}
