//! Asks witnesses to cosign the checkpoints of the audit log (C2SP tlog-witness), so that a history that is rewritten
//! or put back is noticed by somebody whom this host's administrators do not command.
//!
//! In flow checkpoints of the log; out flow cosignatures, which go into the file `checkpoint`, and what there is to
//! warn of: a witness that refuses, or does not answer. It must never hold up a push: the log goes on without
//! witnesses, and somebody is told.

mod client;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{sync::watch, time};

use crate::{
    audit_log::{AuditLog, CosignError},
    config::WitnessConfig,
};
use client::{Answer, ClientError};

/// How long until a witness that failed is asked again, at first and at most.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_AT_MOST: Duration = Duration::from_secs(60);

/// How the witnesses are doing.
#[derive(Debug, Clone, Default)]
pub struct Witnesses(Vec<Arc<Witness>>);

/// One witness, and what came of asking it.
#[derive(Debug)]
struct Witness {
    config: WitnessConfig,
    state: RwLock<State>,
}

/// What came of asking a witness.
#[derive(Debug, Clone, Default)]
struct State {
    /// How many entries the last checkpoint has that it cosigned since the start.
    size: Option<u64>,
    /// Why it did not cosign the last time that it was asked.
    trouble: Option<String>,
}

/// One witness, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// How many entries the last checkpoint has that it cosigned since the start.
    pub size: Option<u64>,
    /// Whether the last time that it was asked went well, or it was not asked yet.
    pub well: bool,
}

impl Witnesses {
    /// Starts a task for each witness. They end with the log.
    #[must_use]
    pub fn start(audit: &AuditLog, configured: &[WitnessConfig]) -> Self {
        let witness = |config: &WitnessConfig| {
            let witness = Arc::new(Witness { config: config.clone(), state: RwLock::default() });
            tokio::spawn(Arc::clone(&witness).follow(audit.clone()));
            witness
        };
        Self(configured.iter().map(witness).collect())
    }

    /// What somebody should look at, a sentence for each witness.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warning = |witness: &Arc<Witness>| {
            let trouble = witness.state().trouble?;
            let WitnessConfig { url, key } = &witness.config;
            Some(format!("The witness `{}` at {url} does not cosign the audit log: {trouble}", key.name()))
        };
        self.0.iter().filter_map(warning).collect()
    }

    /// How each of them is doing.
    #[must_use]
    pub fn report(&self) -> Vec<Report> {
        let report = |witness: &Arc<Witness>| {
            let State { size, trouble } = witness.state();
            Report { name: witness.config.key.name().to_string(), size, well: trouble.is_none() }
        };
        self.0.iter().map(report).collect()
    }
}

impl Witness {
    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has every new checkpoint cosigned, as fast as the witness answers.
    async fn follow(self: Arc<Self>, audit: AuditLog) {
        let mut checkpoints = audit.checkpoints();
        let mut old = Old { size: 0, pause: RETRY };
        loop {
            let text = checkpoints.borrow_and_update().clone();
            let size = audit.covered_by(&text);
            let pause = if size > 0 && self.state().size != Some(size) {
                self.ask(&audit, &text, size, &mut old).await
            } else {
                None
            };
            if !wait(&mut checkpoints, pause).await {
                return;
            }
        }
    }

    /// Asks once, twice where the witness says that it has another size, and says how long to wait before the next time
    /// if it came to nothing.
    async fn ask(&self, audit: &AuditLog, text: &Arc<str>, size: u64, old: &mut Old) -> Option<Duration> {
        let mut asked = self.ask_once(audit, text, old.size).await;
        if let Err(Trouble::OtherSize { seen }) = asked
            && seen != old.size
            && seen <= size
        {
            old.size = seen;
            asked = self.ask_once(audit, text, seen).await;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match asked {
            Ok(()) => {
                *old = Old { size, pause: RETRY };
                *state = State { size: Some(size), trouble: None };
                None
            }
            Err(trouble) => {
                tracing::warn!(witness = %self.config.key.name(), %trouble, "audit log: not cosigned");
                state.trouble = Some(trouble.to_string());
                let pause = old.pause;
                old.pause = RETRY_AT_MOST.min(pause * 2);
                Some(pause)
            }
        }
    }

    async fn ask_once(&self, audit: &AuditLog, text: &Arc<str>, old_size: u64) -> Result<(), Trouble> {
        let request =
            audit.growth(old_size, text).await.map_err(|error| Trouble::Proof(error.to_string()))?;
        let WitnessConfig { url, key } = &self.config;
        match client::add_checkpoint(url, request.to_string()).await? {
            Answer::Cosigned(lines) => {
                let (audit, text, key) = (audit.clone(), Arc::clone(text), key.clone());
                let kept = move || audit.cosign(&text, &lines, &key);
                tokio::task::spawn_blocking(kept).await.map_err(|_| Trouble::Stopping)??;
                Ok(())
            }
            Answer::OtherSize(seen) => Err(Trouble::OtherSize { seen }),
            Answer::Refused { status, reason } => Err(Trouble::Refused { status, reason }),
        }
    }
}

/// How far a witness has come, as far as is known, and how patient to be with it.
#[derive(Debug)]
struct Old {
    size: u64,
    pause: Duration,
}

/// Waits for another checkpoint, or a while; false when there will be no other.
async fn wait(checkpoints: &mut watch::Receiver<Arc<str>>, pause: Option<Duration>) -> bool {
    match pause {
        None => checkpoints.changed().await.is_ok(),
        Some(pause) => {
            time::sleep(pause).await;
            checkpoints.has_changed().is_ok()
        }
    }
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(
        "it has seen {seen} entries of this log, which this log does not have or does not continue: it was put back to an older state, or another log has its key; compare with the witness before anything else"
    )]
    OtherSize { seen: u64 },
    #[error(
        "it refuses ({status}): {reason}; compare the log with what the witness has before anything else"
    )]
    Refused { status: u16, reason: String },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Cosign(#[from] CosignError),
    #[error("no proof can be made for it: {0}")]
    Proof(String),
    #[error("the daemon is stopping")]
    Stopping,
}

/// For the configuration: a witness is asked over plain HTTP, since what it says is signed.
///
/// # Errors
/// When it is not of that form; what would be right.
pub fn check_url(url: &str) -> Result<(), &'static str> {
    client::address(url).map(|_| ())
}
