//! What ended a command before its answer: what happened, what to do, and the exit code.

use std::{
    io,
    path::{Path, PathBuf},
};

use oam_bitbucket::Problem;
use oam_policy::printable::Printable;
use tonic::Status;

use crate::{ci::CiError, client::CallError, exit::Exit, signin::SignInError};

/// Why a command gave no answer of its own.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The daemon gave none.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A job has no lease.
    #[error(transparent)]
    Ci(#[from] CiError),
    /// Bitbucket did not do what was asked.
    #[error(transparent)]
    Bitbucket(#[from] oam_bitbucket::Error),
    /// A file or folder of the caller cannot be used.
    #[error("{doing} `{}`: {source}", Printable::new(.path.as_os_str().as_encoded_bytes()))]
    File {
        /// What was tried, as in `cannot read`.
        doing: &'static str,
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// What was given does not make sense.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What would be right.
        help: &'static str,
    },
    /// What it would take to answer is not there.
    #[error("{what}")]
    NoAnswer {
        /// What is missing.
        what: String,
        /// What to do.
        help: &'static str,
    },
    /// It could be done, and is not: somebody must look first.
    #[error("{what}")]
    HeldBack {
        /// Why not.
        what: String,
        /// What to do.
        help: &'static str,
    },
    /// The audit log is not in order.
    #[error("the audit log `{}` is not in order: {what}", Printable::new(.path.as_os_str().as_encoded_bytes()))]
    Log {
        /// Where it lies.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The answer could not be written.
    #[error("the answer cannot be written: {0}")]
    Print(#[source] io::Error),
}

impl Failure {
    /// `path` cannot be read.
    pub fn read(path: &Path, source: io::Error) -> Self {
        Self::File { doing: "cannot read", path: path.to_owned(), source }
    }

    /// `path` cannot be written.
    pub fn write(path: &Path, source: io::Error) -> Self {
        Self::File { doing: "cannot write", path: path.to_owned(), source }
    }

    /// The log in `path` is not in order.
    pub fn log(path: &Path, what: String) -> Self {
        Self::Log { path: path.to_owned(), what }
    }

    /// How `oam` ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Call(error) => error.exit(),
            Self::Ci(error) => error.exit(),
            Self::Bitbucket(error) => match error.problem {
                Problem::NoAnswer(_) | Problem::Busy => Exit::Unreachable,
                Problem::NotAllowed(_) => Exit::NotAllowed,
                Problem::NotFound(_) => Exit::No,
                Problem::Said { .. } | Problem::Strange(_) => Exit::Undecided,
            },
            Self::Log { .. } | Self::HeldBack { .. } => Exit::No,
            Self::NoAnswer { .. } => Exit::Undecided,
            Self::File { .. } | Self::Usage { .. } | Self::Print(_) => Exit::Usage,
        }
    }

    /// What to do; may be empty.
    pub fn help(&self) -> String {
        match self {
            Self::Call(error) => error.help(),
            Self::Ci(error) => error.help().into(),
            Self::Bitbucket(error) => match error.problem {
                Problem::NotAllowed(_) => {
                    "registering a hook script, and reading users and their keys, takes the token of a system administrator; \
                     switching a script on takes one of an administrator of the project"
                        .into()
                }
                Problem::NoAnswer(_) => {
                    "see `--url`, `--ca` and `--network`; what was done so far stays, and the next run has what is left"
                        .into()
                }
                Problem::NotFound(_) | Problem::Busy | Problem::Said { .. } | Problem::Strange(_) => {
                    "what was done so far stays, and the next run has what is left".into()
                }
            },
            Self::Usage { help, .. } | Self::NoAnswer { help, .. } | Self::HeldBack { help, .. } => (*help).into(),
            Self::Log { .. } => "`oam audit verify` tells all there is to tell".into(),
            Self::File { .. } | Self::Print(_) => String::new(),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        CallError::from(status).into()
    }
}

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        CallError::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(source: io::Error) -> Self {
        Self::Print(source)
    }
}
