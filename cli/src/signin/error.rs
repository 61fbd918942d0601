use std::{io, path::PathBuf};

use oam_fetch::{FetchError, RootsError, UrlError, openid::DiscoveryError};
use oam_policy::printable::Printable;
use thiserror::Error;

use crate::exit::Exit;

/// Why somebody is not signed in. Nothing here holds a token or a code.
#[derive(Debug, Error)]
pub enum SignInError {
    /// The daemon names no provider, or not this one.
    #[error("{0}")]
    NoIssuer(String),
    /// The provider is not known.
    #[error("the identity provider cannot be asked: {0}")]
    Discovery(#[from] DiscoveryError),
    /// It did not answer.
    #[error("the identity provider does not answer as it should: {0}")]
    Fetch(#[from] FetchError),
    /// Its address is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// TLS.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// It offers no way in which `oam` can sign in.
    #[error("the identity provider offers no {0}")]
    NotOffered(&'static str),
    /// It says no.
    #[error("the identity provider says no: {}", Printable::new(.0))]
    Refused(String),
    /// Nobody signed in in time.
    #[error("nobody signed in in time")]
    Time,
    /// What came back is not what was asked for.
    #[error("what came back from the identity provider is not for this sign-in: {0}")]
    Mismatch(&'static str),
    /// Somebody was never signed in, or no more.
    #[error("you are not signed in at {}", Printable::new(.0))]
    SignedOut(String),
    /// The file of the session.
    #[error("the session in `{}`: {source}", Printable::new(.path.as_os_str().as_encoded_bytes()))]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The port on this machine.
    #[error("no port of this machine can be listened on: {0}")]
    Listen(#[source] io::Error),
    /// Random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl SignInError {
    /// How `oam` ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoIssuer(_) | Self::File { .. } | Self::Url(_) | Self::Roots(_) => Exit::Usage,
            Self::Discovery(_) | Self::Fetch(_) => Exit::Unreachable,
            Self::Refused(_) | Self::Time | Self::SignedOut(_) | Self::Mismatch(_) => Exit::NotAllowed,
            Self::NotOffered(_) | Self::Listen(_) | Self::Random(_) => Exit::Undecided,
        }
    }

    /// What to do; may be empty.
    pub fn help(&self) -> &'static str {
        match self {
            Self::SignedOut(_) => "`oam login` signs you in",
            Self::NotOffered(_) => {
                "`oam login --device` and `oam login --browser` choose the way; ask who runs the provider"
            }
            Self::Discovery(_) | Self::Fetch(_) => "on the daemon's host, its socket needs no provider",
            Self::Time => "begin again: `oam login`",
            Self::Refused(_) => "ask whoever runs the provider to let you use the client of `oam`",
            Self::Mismatch(_) => {
                "begin again with `oam login`; was the address that you opened the one of this run?"
            }
            Self::Listen(_) => "`oam login --device` needs no port",
            Self::NoIssuer(_) | Self::File { .. } | Self::Url(_) | Self::Roots(_) | Self::Random(_) => "",
        }
    }
}
