//! Sources that are directory servers, followed by LDAP.
//!
//! In flow what the servers tell, read by `oam_ldap`; out flow, through [`crate::source`], what is different by it.
//!
//! One task follows one source: `connection` speaks with a server, `session` reads everything (`load`) and then whatever
//! changes (`refresh` by RFC 4533, `notified` with Active Directory), `commit` makes changes of what is different from
//! what the source said before.
//!
//! It must never take half of a load for all of it, take silence for "nobody", read on before a change is durable and
//! in force, follow where a server points elsewhere, or let a password be seen.

mod commit;
mod connection;
mod load;
mod mapped;
mod notified;
mod preview;
mod refresh;
mod session;
#[cfg(test)]
mod tests;
mod tls;

use std::{convert::Infallible, sync::Arc, time::Duration};

use thiserror::Error;
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::jittered,
    config::LdapConfig,
    source::{CommitError, Request, Source, Sources},
};

pub use preview::{Previewed, preview};
use session::Memory;

/// How long after a failure it is tried again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a source cannot be followed for now.
#[derive(Debug, Error)]
enum LdapError {
    /// No server answers.
    #[error("{server}: {detail}")]
    Connect {
        /// Which.
        server: String,
        /// Why.
        detail: String,
    },
    /// There is no connection.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The connection ended.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server did not answer in time.
    #[error("the server has not answered for {} s", .0.as_secs())]
    Silent(Duration),
    /// It said what is no LDAP.
    #[error("the server sent what is no LDAP: {0}")]
    Malformed(#[from] oam_ldap::Fault),
    /// It said what makes no sense here.
    #[error("the server sent {0}")]
    Unexpected(&'static str),
    /// It said no.
    #[error("{what}: {outcome}{hint}")]
    Refused {
        /// To what.
        what: &'static str,
        /// What it said.
        outcome: String,
        /// What to do.
        hint: &'static str,
    },
    /// It cannot go on from what is known.
    #[error("the server wants to tell everything again")]
    AllAgain,
    /// The password.
    #[error("the password file `{path}` cannot be read: {detail}")]
    Password {
        /// The file.
        path: String,
        /// Why.
        detail: String,
    },
    /// TLS.
    #[error("{0}")]
    Tls(String),
    /// More than is taken.
    #[error("the server has more than {limit} {what}: narrow the filter")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// What was read is not taken without somebody's word.
    #[error("{0}")]
    Held(String),
    /// What was read could not be kept, or put in force.
    #[error(transparent)]
    Commit(#[from] CommitError<Infallible>),
}

/// Why a session ended that nothing was wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    /// All is to be read again.
    Again,
    /// The password or the authorities are others.
    Renewed,
}

/// Follows every source of this kind until `stop`.
pub async fn follow_all(sources: Arc<Sources>, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    for source in sources.all() {
        if let Some(config) = source.config().ldap.clone() {
            tasks.spawn(guarded(Arc::clone(&sources), Arc::clone(source), Arc::new(config), stop.clone()));
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Follows a source in a task of its own, again after a panic: whatever is wrong with it is its own.
async fn guarded(
    sources: Arc<Sources>,
    source: Arc<Source>,
    config: Arc<LdapConfig>,
    stop: CancellationToken,
) {
    loop {
        let following = tokio::spawn(follow(
            Arc::clone(&sources),
            Arc::clone(&source),
            Arc::clone(&config),
            stop.clone(),
        ));
        match following.await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(%error, source = %source.name(), "following a source failed: it begins anew");
                source.feed().tell(|status| {
                    (status.server, status.trouble) =
                        (None, Some("a fault of ours: see the daemon's log".into()));
                });
            }
        }
        if stop.run_until_cancelled(time::sleep(LONGEST_PAUSE)).await.is_none() {
            return;
        }
    }
}

async fn follow(
    sources: Arc<Sources>,
    source: Arc<Source>,
    config: Arc<LdapConfig>,
    stop: CancellationToken,
) {
    let feed = source.feed();
    let mut memory = Memory::default();
    let mut pause = FIRST_PAUSE;
    let mut request: Option<Request> = None;
    loop {
        request = feed.take_request().or(request);
        let heard = source.seen();
        let session = session::run(&sources, &source, &config, &mut memory, request.as_ref());
        let Some(outcome) = stop.run_until_cancelled(session).await else { return };
        if source.seen() > heard {
            // It worked until now, so what was wanted is done.
            (pause, request) = (FIRST_PAUSE, None);
        }
        let wait = match outcome {
            Ok(ended) => {
                tracing::debug!(source = %source.name(), ?ended, "the connection is made anew");
                continue;
            }
            Err(LdapError::Held(why)) => {
                tracing::warn!(source = %source.name(), "what the server has was not taken: {why}");
                (memory, request) = (Memory::default(), None);
                feed.tell(|status| (status.server, status.trouble, status.held) = (None, None, Some(why)));
                config.resync
            }
            Err(error) => {
                if matches!(error, LdapError::Commit(_) | LdapError::Refused { .. } | LdapError::AllAgain) {
                    // What is in memory is ahead of what was kept, or the server does not go on from there.
                    memory = Memory::default();
                }
                tracing::warn!(%error, source = %source.name(), "the source is not followed, and is tried again");
                feed.tell(|status| {
                    (status.server, status.trouble) = (None, Some(error.to_string()));
                    status.reconnects += 1;
                });
                let wait = jittered(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
                wait
            }
        };
        tokio::select! {
            () = time::sleep(wait) => {}
            () = feed.asked() => {}
            () = stop.cancelled() => return,
        }
    }
}
