//! Sources that are asked over HTTPS: identity providers with an API of their own.
//!
//! In flow what they answer, page by page, read by `okta` and `entra`; out flow, through `crate::follow`, what is different by it. What
//! they call to tell ([`hook`]) is never believed: what it is about is read again.
//!
//! One task follows one source: `session` reads everything, and then whatever changed since, again and again. A `mirror`
//! holds what the provider has, and is kept durably with the place from which it goes on, so that a restart reads what is
//! new only. `taking` makes whatever a page takes from somebody durable, audited and in force before the next page is asked for.
//!
//! It must never take half of a load for all of it, take what cannot be read for nobody, follow an address to another host,
//! or let a token be seen.

mod assertion;
mod entra;
mod grant;
pub mod hook;
mod http;
mod mirror;
mod okta;
mod preview;
mod session;
mod taking;

use std::{sync::Arc, time::Duration};

use oam_fetch::{FetchError, StatusCode};
use thiserror::Error;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Upstream,
    follow::{self, CommitFault},
    source::{Source, Sources},
};

pub use entra::preview as preview_entra;
pub use okta::preview as preview_okta;
use session::Pulled;

/// Why a source cannot be followed for now.
#[derive(Debug, Error)]
enum PullError {
    /// No answer.
    #[error("{what}: {source}")]
    Fetch {
        /// To what.
        what: String,
        /// Why.
        source: FetchError,
    },
    /// It said no.
    #[error("{what}: the answer is {status}{hint}")]
    Refused {
        /// To what.
        what: String,
        /// How.
        status: StatusCode,
        /// What to do.
        hint: &'static str,
    },
    /// Too much asking.
    #[error("{what}: it wants to be left alone for {} s", .wait.as_secs())]
    Busy {
        /// When.
        what: String,
        /// For how long.
        wait: Duration,
    },
    /// It said what makes no sense here.
    #[error("{what}: {detail}")]
    Strange {
        /// Asked for what.
        what: String,
        /// What is wrong.
        detail: &'static str,
    },
    /// It points to another host.
    #[error("{what}: the next page is said to lie at `{}`, on another host", .place.escape_debug())]
    Elsewhere {
        /// Asked for what.
        what: String,
        /// Where.
        place: String,
    },
    /// A token or a secret.
    #[error("`{path}` {detail}")]
    Secret {
        /// The file.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// TLS.
    #[error(transparent)]
    Roots(#[from] oam_fetch::RootsError),
    /// More than is taken.
    #[error("there are more than {0} users and groups: say which groups are taken")]
    TooMuch(usize),
    /// What was read is not taken without somebody's word, or could not be kept or put in force.
    #[error(transparent)]
    Commit(#[from] CommitFault),
}

impl PullError {
    /// Whether it may be the fault of the one object that was asked for: others can be read.
    fn is_of_one(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status != StatusCode::UNAUTHORIZED,
            Self::Strange { .. } | Self::Elsewhere { .. } => true,
            Self::Fetch { source, .. } => matches!(
                source,
                FetchError::Json { .. }
                    | FetchError::Size(_)
                    | FetchError::Redirect(_)
                    | FetchError::Redirects
                    | FetchError::Status(_)
                    | FetchError::Url(_)
            ),
            Self::Busy { .. } | Self::Secret { .. } | Self::Roots(_) | Self::TooMuch(_) | Self::Commit(_) => {
                false
            }
        }
    }
}

/// Follows every source of these kinds until `stop`.
pub async fn follow_all(sources: Arc<Sources>, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    for source in sources.all() {
        let (all, one, stop) = (Arc::clone(&sources), Arc::clone(source), stop.clone());
        match source.config().upstream.clone() {
            Some(Upstream::Okta(config)) => {
                tasks.spawn(followed(all, one, stop, move || okta::Okta::new(config.clone())));
            }
            Some(Upstream::Entra(config)) => {
                tasks.spawn(followed(all, one, stop, move || entra::Entra::new(config.clone())));
            }
            Some(Upstream::Ldap(_)) | None => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn followed<A: session::Api>(
    sources: Arc<Sources>,
    source: Arc<Source>,
    stop: CancellationToken,
    api: impl Fn() -> A + Send,
) {
    let one = Arc::clone(&source);
    follow::follow(source, stop, move || Pulled::new(Arc::clone(&sources), Arc::clone(&one), api())).await;
}
