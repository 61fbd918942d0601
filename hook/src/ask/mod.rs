//! Asking a daemon: the endpoints in their order, one conversation, one deadline over all of it.
//!
//! An endpoint that cannot be reached, or that is lost before it decided, is passed over for the next. Anything else
//! that is wrong with an answer ends the asking: what is not understood permits nothing.

mod batches;
mod conversation;
mod endpoint;
mod judge;
mod tls;
mod unix;
mod watched;

use std::{fmt, sync::Arc, time::Duration};

use oam_policy::{RefUpdate, printable::Printable};
use oam_proto::v1;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use tonic::transport::Channel;

use crate::{
    config::{Config, Endpoint},
    git::ancestry::History,
    history::Histories,
};

pub use batches::{Batches, fits_one};
pub use endpoint::connect;
pub use judge::Answer;
pub use watched::Watch;

/// One push to ask about.
pub struct Question {
    /// Who pushes where.
    pub opening: v1::Opening,
    /// The lease whose token the push shows.
    pub lease: Option<v1::ShownLease>,
    /// What is to change, aliases resolved.
    pub updates: Arc<Vec<RefUpdate>>,
    /// For the facts about tips…
    pub history: History,
    /// …and about new commits.
    pub histories: Histories,
}

/// Why nobody answered.
#[derive(Debug, Error)]
pub enum AskError {
    /// No daemon could be reached, or those reached were lost before they decided.
    #[error("no Bitbucket OAM daemon could be asked ({})", Listed(attempts))]
    Unavailable {
        /// What was tried, in order.
        attempts: Vec<Attempt>,
    },
    /// Time is up.
    #[error("no Bitbucket OAM daemon decided within {} ms{}", deadline.as_millis(), And(attempts))]
    Deadline {
        /// How long it was waited.
        deadline: Duration,
        /// What was tried before.
        attempts: Vec<Attempt>,
        /// A daemon was at work on this push: it had asked for facts, or said so.
        heard: bool,
    },
    /// A daemon's answer is none, or it answered with an error.
    #[error("the Bitbucket OAM daemon at `{endpoint}` {detail}")]
    Protocol {
        /// Which daemon.
        endpoint: Endpoint,
        /// What it did.
        detail: String,
    },
}

/// One endpoint that did not answer.
#[derive(Debug)]
pub struct Attempt {
    /// Which.
    pub endpoint: Endpoint,
    /// Why not.
    pub failure: Failure,
}

/// Why an endpoint did not answer.
#[derive(Debug, Error)]
pub enum Failure {
    /// It is not there, or went away.
    #[error("{0}")]
    Unreachable(String),
    /// Somebody else than the daemon could be behind it.
    #[error("it is not to be trusted: {0}")]
    Untrusted(String),
    /// Its certificate or the hook's own cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// It answered something else than a decision.
    #[error("{0}")]
    Protocol(String),
}

impl AskError {
    /// Whether it is only that no daemon was there: nothing untrusted, nothing misunderstood. A daemon that had asked
    /// for facts, or said that it is at work, was there: else a push that takes long to check would get past the check.
    pub fn is_unavailability(&self) -> bool {
        match self {
            Self::Unavailable { attempts } | Self::Deadline { attempts, heard: false, .. } => {
                attempts.iter().all(|attempt| matches!(attempt.failure, Failure::Unreachable(_)))
            }
            Self::Deadline { heard: true, .. } | Self::Protocol { .. } => false,
        }
    }

    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => {
                "see that `oamd` runs, and that the hook's `endpoints` are where it listens"
            }
            Self::Deadline { .. } => {
                "see with `oam status` what slows `oamd` down, or raise the hook's `deadline`"
            }
            Self::Protocol { .. } => {
                "look at the log of `oamd`, and see that the hook and the daemon are of versions that fit"
            }
        }
    }
}

/// How far the asking got.
#[derive(Debug, Default)]
struct Progress {
    attempts: Vec<Attempt>,
    heard: bool,
}

/// Asks the daemons of `config` until one has decided or the deadline is over; gives the connection to it, too.
///
/// # Errors
/// When none did before the deadline, or one answered something else than a decision.
pub async fn ask(
    config: &Config,
    question: &Question,
    deadline: Instant,
) -> Result<(Answer, Channel), AskError> {
    let mut progress = Progress::default();
    let asked = timeout_at(deadline, ask_each(config, question, deadline, &mut progress)).await;
    let Progress { attempts, heard } = progress;
    match asked {
        Ok(Some(done)) => done,
        Ok(None) => Err(AskError::Unavailable { attempts }),
        Err(_) => Err(AskError::Deadline { deadline: config.deadline, attempts, heard }),
    }
}

/// `None` when every endpoint was tried in vain.
async fn ask_each(
    config: &Config,
    question: &Question,
    deadline: Instant,
    progress: &mut Progress,
) -> Option<Result<(Answer, Channel), AskError>> {
    for (tried, endpoint) in config.endpoints.iter().enumerate() {
        // One that is frozen, or a network that swallows packets, must leave time for those after it. The last one has
        // all that is left, and is not waited for twice.
        let after =
            u32::try_from(config.endpoints.len().saturating_sub(tried).saturating_sub(1)).unwrap_or(u32::MAX);
        let left = deadline.saturating_duration_since(Instant::now());
        let patience = (after > 0).then(|| left / after.saturating_add(1));
        match ask_one(endpoint, patience, config, question, &mut progress.heard).await {
            Ok(done) => return Some(Ok(done)),
            Err(Failure::Protocol(detail)) => {
                return Some(Err(AskError::Protocol { endpoint: endpoint.clone(), detail }));
            }
            Err(failure) => progress.attempts.push(Attempt { endpoint: endpoint.clone(), failure }),
        }
    }
    None
}

/// Connects to the first daemon that takes the call.
///
/// # Errors
/// When none does within the configured deadline.
pub async fn reach(config: &Config) -> Result<Channel, AskError> {
    let mut attempts = Vec::new();
    for endpoint in &config.endpoints {
        match connect(endpoint, config, config.deadline).await {
            Ok((connection, _)) => return Ok(connection),
            Err(failure) => attempts.push(Attempt { endpoint: endpoint.clone(), failure }),
        }
    }
    Err(AskError::Unavailable { attempts })
}

async fn ask_one(
    endpoint: &Endpoint,
    patience: Option<Duration>,
    config: &Config,
    question: &Question,
    heard: &mut bool,
) -> Result<(Answer, Channel), Failure> {
    let (channel, watch) = match patience {
        Some(patience) => connect(endpoint, config, patience).await?,
        None => endpoint::open(endpoint, config).await?,
    };
    let answer = conversation::hold(channel.clone(), &watch, question, heard).await?;
    Ok((answer, channel))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", Printable::new(path.as_os_str().as_encoded_bytes())),
            Self::Tls(tls) => write!(f, "https://{}:{}", tls.host, tls.port),
        }
    }
}

struct Listed<'a>(&'a [Attempt]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, attempt) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "; " };
            write!(f, "{comma}`{}`: {}", attempt.endpoint, attempt.failure)?;
        }
        Ok(())
    }
}

struct And<'a>(&'a [Attempt]);

impl fmt::Display for And<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", Listed(self.0)) }
    }
}
