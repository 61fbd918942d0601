use std::{io, path::PathBuf};

use oam_fetch::{FetchError, RootsError, UrlError};
use oam_policy::printable::Printable;
use thiserror::Error;

use crate::exit::Exit;

/// Why a job has no lease.
#[derive(Debug, Error)]
pub enum CiError {
    /// No token of the job was found.
    #[error("no token of this job was found")]
    NoToken,
    /// A file with the token cannot be read.
    #[error("the token in `{}` cannot be read: {source}", Printable::new(.path.as_os_str().as_encoded_bytes()))]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The system did not give the token.
    #[error("{system} did not give the token of this job: {source}")]
    System {
        /// Which.
        system: &'static str,
        /// Why.
        source: FetchError,
    },
    /// The exchange was not reached, or does not speak as it should.
    #[error("the exchange did not answer: {0}")]
    Exchange(#[from] FetchError),
    /// It is no address.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// There are no authorities of certificates.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The exchange said no, or could not tell.
    #[error("no lease: {}", Printable::new(.detail.as_str()))]
    Refused {
        /// Its word for it.
        error: String,
        /// Why, in words.
        detail: String,
    },
}

impl CiError {
    /// How `oam` ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoToken | Self::File { .. } | Self::Url(_) | Self::Roots(_) => Exit::Usage,
            Self::System { .. } | Self::Exchange(_) => Exit::Unreachable,
            Self::Refused { error, .. } if error == "temporarily_unavailable" => Exit::Undecided,
            Self::Refused { .. } => Exit::NotAllowed,
        }
    }

    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoToken => {
                "see the page on CI systems in the book: GitHub wants `id-token: write`, GitLab `id_tokens`, Bitbucket \
                 `oidc: true`; anything else a file, `--token-file`"
            }
            Self::File { .. } => "`--token-file` or `OAM_CI_TOKEN_FILE` names it",
            Self::System { .. } => "the job may have to be allowed to have one",
            Self::Exchange(_) | Self::Url(_) | Self::Roots(_) => "see `--exchange` and `--exchange-ca`",
            Self::Refused { error, .. } => match error.as_str() {
                "temporarily_unavailable" => "try again",
                "invalid_scope" => "ask for less, or have the workload in the policy allow it",
                "invalid_target" => {
                    "have the token issued for the audience that the daemon's configuration names"
                }
                _ => {
                    "an administrator sees in the daemon's log what was shown, and in the policy what is allowed"
                }
            },
        }
    }
}
