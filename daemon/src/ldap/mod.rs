//! Sources that are directory servers, followed by LDAP.
//!
//! In flow what the servers tell, read by `oam_ldap`; out flow, through [`crate::source`], what is different by it.
//!
//! One task follows one source (`crate::follow`): `connection` speaks with a server, `session` reads everything (`load`)
//! and then whatever changes (`refresh` by RFC 4533, `notified` with Active Directory, where `dirsync` tells what changed
//! meanwhile, by the `memory` of what was known, and `looked_up` takes what it is now, `late` again). By `probe` it knows that
//! the server is there.
//!
//! It must never take half of a load for all of it, take silence for "nobody", read on before a change is durable and
//! in force, follow where a server points elsewhere, or let a password be seen.

mod connection;
mod dirsync;
mod late;
mod load;
mod looked_up;
mod mapped;
mod memory;
mod notified;
mod preview;
mod probe;
mod refresh;
mod session;
#[cfg(test)]
mod tests;
mod tls;

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{LdapConfig, Upstream},
    follow::{self, After, CommitFault, Follower},
    source::{Request, Source, Sources},
};

use memory::Memory;
pub use preview::preview;

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
    #[error(
        "everything is to be read again: the server does not go on from what is known, or too many have other names at once"
    )]
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
    /// Some are nobody that we know, and somebody that we know is not there: who left cannot be told.
    #[error(
        "{nameless} of its users have neither an id nor a username that can be read, and somebody who was known is not among the others: \
         whether they left is not known. Look at the rights of the bind account, or narrow the filter"
    )]
    Nameless {
        /// How many.
        nameless: usize,
    },
    /// More than is taken.
    #[error("the server has more than {limit} {what}: narrow the filter")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// What was read is not taken without somebody's word, or could not be kept or put in force.
    #[error(transparent)]
    Commit(#[from] CommitFault),
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
        if let Some(Upstream::Ldap(config)) = source.config().upstream.clone() {
            let (all, one, config) = (Arc::clone(&sources), Arc::clone(source), Arc::new(config));
            let begin = move || Following {
                sources: Arc::clone(&all),
                source: Arc::clone(&one),
                config: Arc::clone(&config),
                memory: Memory::default(),
            };
            tasks.spawn(follow::follow(Arc::clone(source), stop.clone(), begin));
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// One source, and what is known of its servers.
struct Following {
    sources: Arc<Sources>,
    source: Arc<Source>,
    config: Arc<LdapConfig>,
    memory: Memory,
}

impl Follower for Following {
    type Error = LdapError;

    async fn session(&mut self, request: &mut Option<Request>) -> Result<(), LdapError> {
        let Self { sources, source, config, memory } = self;
        let ended = session::run(sources, source, config, memory, request).await?;
        tracing::debug!(source = %self.source.name(), ?ended, "the connection is made anew");
        Ok(())
    }

    fn failed(&mut self, error: &LdapError) -> After {
        match error {
            LdapError::Commit(_) | LdapError::Refused { .. } | LdapError::AllAgain => {
                // What is in memory is ahead of what was kept, or the server does not go on from there.
                self.memory.lose();
                After::Pause
            }
            _ => After::Pause,
        }
    }
}
