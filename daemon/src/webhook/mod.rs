//! Tells others what happens to what people have for a while: a chat, a pager, a system of tickets.
//!
//! **In:** the audit log, entry by entry. **Out:** HTTPS requests, one for each entry that is of interest, in order.
//!
//! There is no queue: the log is one. What a receiver has taken is a number of entries in a file, and whatever lies
//! behind it is told until it is taken, however long that takes. So a receiver that is down loses nothing and holds
//! nobody up; one that will have none of a message, again and again, is told the next, but never of two in a row: then it
//! is no message that is wrong. One that fails between taking and answering is told twice, and knows it by the number of
//! the entry.
//!
//! **Must never:** hold up an answer, follow a redirect, or speak to an address that the configuration does not mean.

mod message;
mod sender;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use oam_fetch::RootsError;
use oam_policy::PrivilegeId;
use thiserror::Error;
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use self::{
    message::Message,
    sender::{NotTold, Sender},
};
use crate::{
    audit_log::AuditLog,
    backoff::Backoff,
    config::{WebhookConfig, WebhookFormat},
    cursor::{Cursor, SharedCursor},
    privilege::Privileges,
};

/// How many entries are looked at before it is noted how far one came.
const PAGE: usize = 256;

/// How often one message is told to a receiver that will have none of it: for minutes, as one that is being updated is soon
/// well again.
const MOST_REFUSALS: u32 = 8;

/// Why nobody can be told.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// No authorities of certificates.
    #[error("webhook `{name}`: {source}")]
    Roots {
        /// Which.
        name: String,
        /// What went wrong.
        source: RootsError,
    },
    /// The secret cannot be read, or is none.
    #[error("webhook `{name}`: the secret in `{path}`: {why}")]
    Secret {
        /// Which.
        name: String,
        /// Where.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// How far it came cannot be read.
    #[error("webhook `{name}`: `{path}`: {source}")]
    Cursor {
        /// Which.
        name: String,
        /// Where.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
}

/// Everybody who is told.
#[derive(Debug, Default)]
pub struct Webhooks(Vec<Arc<Webhook>>);

/// Somebody who is told.
#[derive(Debug)]
struct Webhook {
    name: String,
    format: WebhookFormat,
    sender: Sender,
    cursor: SharedCursor,
    trouble: Mutex<Option<String>>,
    most_refusals: u32,
    passed_over: Mutex<PassedOver>,
}

/// Messages that a receiver would not have, since the start.
#[derive(Debug, Default)]
struct PassedOver {
    count: u64,
    /// Of which entry the last was, and what was answered.
    last: Option<(u64, String)>,
    /// Whether it has taken none since then: what it says no to is not the message, then.
    none_taken_since: bool,
}

impl Webhooks {
    /// Those that are configured. One that is new is told of what happens from now on.
    ///
    /// # Errors
    /// When a secret, or how far one came, cannot be read.
    pub fn open(configured: &[WebhookConfig], state: &Path, log: &AuditLog) -> Result<Self, WebhookError> {
        let folder = state.join("webhooks");
        let open = |config: &WebhookConfig| {
            let name = config.name.clone();
            let path = folder.join(&name);
            // Where it is damaged nothing is told twice: what nobody is told of is in the log.
            let end = log.size();
            let cursor = Cursor::open(&path, end, end, end);
            let cursor =
                cursor.map_err(|source| WebhookError::Cursor { name: name.clone(), path, source })?;
            let sender = Sender::new(config)?;
            Ok(Arc::new(Webhook {
                name,
                format: config.format,
                sender,
                cursor: SharedCursor::new(cursor),
                trouble: Mutex::default(),
                most_refusals: MOST_REFUSALS,
                passed_over: Mutex::default(),
            }))
        };
        configured.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Tells all of them, until `stop`. `privileges` knows whose it is what they are told of.
    pub async fn tell(&self, log: AuditLog, privileges: Arc<Privileges>, stop: CancellationToken) {
        let mut telling: JoinSet<()> = self
            .0
            .iter()
            .map(|one| {
                let (one, log, stop) = (Arc::clone(one), log.clone(), stop.clone());
                let privileges = Arc::clone(&privileges);
                async move { one.tell(log, &privileges, stop).await }
            })
            .collect();
        while telling.join_next().await.is_some() {}
    }

    /// Who is not told, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let trouble = |one: &Arc<Webhook>| {
            let why = one.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
            Some(format!("The webhook `{}` is not told, and will be when it answers: {why}", one.name))
        };
        let passed_over = |one: &Arc<Webhook>| {
            let passed = one.passed_over();
            let (seq, why) = passed.last.as_ref()?;
            Some(format!(
                "The webhook `{}` would not have what it was told of {} entries, which were passed over; the last was {seq}: {why}",
                one.name, passed.count
            ))
        };
        self.0.iter().filter_map(trouble).chain(self.0.iter().filter_map(passed_over)).collect()
    }

    /// Each by name, and how many messages it would not have since the start.
    pub fn passed_over(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|one| (one.name.as_str(), one.passed_over().count))
    }

    /// Each by name, and whether it takes what it is told.
    pub fn states(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|one| {
            let well = one.trouble.lock().unwrap_or_else(PoisonError::into_inner).is_none();
            (one.name.as_str(), well)
        })
    }
}

impl Webhook {
    async fn tell(&self, log: AuditLog, privileges: &Privileges, stop: CancellationToken) {
        let mut growth = log.watch();
        let mut backoff = Backoff::default();
        // The entry whose message was refused last, and how often.
        let mut refused = (0, 0);
        loop {
            growth.mark_unchanged();
            let told = stop.run_until_cancelled(self.tell_all(&log, privileges)).await;
            let wait = match told {
                None => return,
                Some(Ok(())) => {
                    self.note(None);
                    backoff = Backoff::default();
                    None
                }
                Some(Err(NotTold::Refused { seq, why })) if self.is_enough(&mut refused, seq) => {
                    backoff = Backoff::default();
                    match self.pass_over(seq, &why) {
                        Ok(()) => continue,
                        Err(why) => self.note(Some(why)),
                    }
                    Some(backoff.pause())
                }
                Some(Err(NotTold::Yet(why) | NotTold::Refused { why, .. })) => {
                    tracing::warn!(webhook = self.name, why, "a webhook is not told; it is tried again");
                    self.note(Some(why));
                    Some(backoff.pause())
                }
            };
            let more = async {
                match wait {
                    Some(wait) => {
                        time::sleep(wait).await;
                        true
                    }
                    None => growth.changed().await.is_ok(),
                }
            };
            if stop.run_until_cancelled(more).await != Some(true) {
                return;
            }
        }
    }

    /// Tells of everything up to the end of the log.
    async fn tell_all(&self, log: &AuditLog, privileges: &Privileges) -> Result<(), NotTold> {
        let find = |id: &PrivilegeId| privileges.find(id).ok();
        loop {
            let from = self.cursor.taken().max(log.first());
            let page = log.tail(from, PAGE).await.map_err(|error| error.to_string())?;
            if page.is_empty() {
                return Ok(());
            }
            for (seq, line) in (from..).zip(&page) {
                let message = Message::of(line, log, &find).await.map_err(|error| error.to_string())?;
                if let Some(message) = message {
                    self.sender.send(&message, self.format).await?;
                    self.passed_over().none_taken_since = false;
                    // Durable after each that was told, so that a crash tells one of them twice at most.
                    self.cursor.take(seq + 1)?;
                }
            }
            self.cursor.take(from + page.len() as u64)?;
        }
    }

    /// Counts one more refusal of the message of an entry, and whether there were so many that there is no use; never
    /// where the one before was passed over.
    fn is_enough(&self, refused: &mut (u64, u32), seq: u64) -> bool {
        let times = if refused.0 == seq { refused.1 } else { 0 };
        *refused = (seq, times + 1);
        refused.1 >= self.most_refusals && !self.passed_over().none_taken_since
    }

    /// Goes on behind a message that the receiver would not have: else nobody would be told of anything that follows.
    fn pass_over(&self, seq: u64, why: &str) -> Result<(), String> {
        self.cursor.take(seq + 1)?;
        tracing::error!(
            webhook = self.name,
            entry = seq,
            why,
            "a webhook would not have a message: it is passed over"
        );
        self.note(None);
        let mut passed = self.passed_over();
        passed.count += 1;
        passed.last = Some((seq, why.to_owned()));
        passed.none_taken_since = true;
        Ok(())
    }

    fn passed_over(&self) -> MutexGuard<'_, PassedOver> {
        self.passed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

#[cfg(test)]
mod tests;
