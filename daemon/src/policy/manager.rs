use std::{io, path::PathBuf, sync::Arc};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use oam_audit::entry::{EncodeError, Event, PolicyChanged, PolicyOrigin, PolicyRejected};
use oam_policy::{
    Policy,
    fault::{Fault, Faults},
    file::{self, PolicySource},
};
use thiserror::Error;
use tokio::sync::Mutex;

use super::{
    ReadError, fingerprint,
    history::{History, HistoryError, Version, write_folder},
    read,
};
use crate::{
    audit_log::{AppendError, AuditLog, Batch},
    config::PolicyPlace,
};

/// The policy in force, and how it came to be.
#[derive(Debug)]
pub struct LivePolicy {
    /// The policy.
    pub policy: Arc<Policy>,
    /// When it came into force, by whom, why.
    pub version: Version,
}

/// Holds the policy in force. Readers load it without a lock; changes are made one at a time.
#[derive(Debug)]
pub struct PolicyManager {
    place: PolicyPlace,
    history: History,
    audit: AuditLog,
    live: ArcSwapOption<LivePolicy>,
    /// Why the files at the policy's place are not in force, if they are not.
    trouble: ArcSwapOption<String>,
    changing: Mutex<()>,
}

/// What came of putting a policy in force.
#[derive(Debug)]
pub struct Applied {
    /// The policy in force now.
    pub live: Arc<LivePolicy>,
    /// False when the very same policy was in force already.
    pub changed: bool,
}

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
    /// A change that is not recorded is not made.
    #[error("the change could not be recorded, so it was not made: {0}")]
    Audit(#[from] AppendError),
    /// An entry that tells of the change would be too long.
    #[error("the change cannot be recorded, so it was not made: {0}")]
    Entry(#[from] EncodeError),
}

/// Who changes the policy, how and why.
#[derive(Debug, Clone)]
pub struct Change {
    /// By which way.
    pub origin: PolicyOrigin,
    /// By whom.
    pub author: String,
    /// Why.
    pub reason: String,
}

impl PolicyManager {
    /// Opens the history and puts a policy in force: the one at its place; where that is faulty, the last one that
    /// was in force; in an empty managed folder, the starter, which is written there. With none of these the daemon
    /// runs, and decides nothing.
    ///
    /// # Errors
    /// When the history cannot be opened or the starter cannot be written.
    pub async fn start(place: PolicyPlace, history: PathBuf, audit: AuditLog) -> Result<Self, ApplyError> {
        let manager = Self {
            place,
            history: History::open(history)?,
            audit,
            live: ArcSwapOption::empty(),
            trouble: ArcSwapOption::empty(),
            changing: Mutex::new(()),
        };
        let origin =
            if manager.write_starter_if_new()? { PolicyOrigin::Starter } else { PolicyOrigin::Start };
        if let Err(error) = manager.reload(origin).await {
            tracing::error!(%error, "the policy was not loaded");
            manager.resume_last_version().await;
        }
        Ok(manager)
    }

    /// The policy in force.
    pub fn live(&self) -> Option<Arc<LivePolicy>> {
        self.live.load_full()
    }

    /// Where the policy is.
    pub fn place(&self) -> &PolicyPlace {
        &self.place
    }

    /// The versions that were in force.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Why the files at the policy's place are not in force, if they are not.
    pub fn trouble(&self) -> Option<Arc<String>> {
        self.trouble.load_full()
    }

    /// Loads the files at the policy's place, when they say something new.
    ///
    /// # Errors
    /// When they are faulty; the policy before them stays in force, and the fault is recorded.
    pub async fn reload(&self, origin: PolicyOrigin) -> Result<Applied, ApplyError> {
        let _one_at_a_time = self.changing.lock().await;
        let change = Change { origin, author: "files".into(), reason: String::new() };
        let path = self.place.path().to_owned();
        let outcome = match read(&path) {
            Ok(files) => self.load(&files, change).await,
            Err(error) => Err(error.into()),
        };
        let trouble = outcome.as_ref().err().map(|error| Arc::new(error.to_string()));
        self.trouble.store(trouble);
        outcome
    }

    /// Puts `files` in force and in the managed folder.
    ///
    /// # Errors
    /// When they are faulty, or the policy is the administrator's own.
    pub async fn apply(&self, files: &[PolicySource], change: Change) -> Result<Applied, ApplyError> {
        let PolicyPlace::Managed(path) = &self.place else {
            return Err(ApplyError::Followed(self.place.path().to_owned()));
        };
        let _one_at_a_time = self.changing.lock().await;
        let policy = self.parse(files, &change).await?;
        let write = |files: &[PolicySource]| {
            write_folder(path, files).map_err(|source| ApplyError::Write { path: path.clone(), source })
        };
        let before = read(path).ok();
        write(files)?;
        let applied = self.put_in_force(policy, files, change).await;
        match (&applied, before) {
            (Ok(_), _) => self.trouble.store(None),
            // What is not in force must not lie where the next start would load it.
            (Err(_), Some(before)) => write(&before)?,
            (Err(_), None) => {}
        }
        applied
    }

    async fn load(&self, files: &[PolicySource], change: Change) -> Result<Applied, ApplyError> {
        let policy = self.parse(files, &change).await?;
        self.put_in_force(policy, files, change).await
    }

    async fn parse(&self, files: &[PolicySource], change: &Change) -> Result<Policy, ApplyError> {
        match file::parse(files) {
            Ok(policy) => Ok(policy),
            Err(faults) => {
                self.record_rejection(&faults, change).await?;
                Err(ApplyError::Faulty(faults))
            }
        }
    }

    async fn put_in_force(
        &self,
        policy: Policy,
        files: &[PolicySource],
        change: Change,
    ) -> Result<Applied, ApplyError> {
        let before = self.live();
        if let Some(live) = &before
            && live.policy.digest() == policy.digest()
        {
            return Ok(Applied { live: Arc::clone(live), changed: false });
        }
        let version = Version {
            digest: policy.digest(),
            at: Timestamp::now(),
            origin: change.origin,
            author: change.author,
            reason: change.reason,
        };
        self.history.record(&version, files)?;
        let previous = before.map(|live| live.policy.digest().to_string());
        self.audit.append(Batch::new(&policy_changed(&version, previous))?).await?;
        let live = Arc::new(LivePolicy { policy: Arc::new(policy), version });
        self.live.store(Some(Arc::clone(&live)));
        tracing::info!(digest = %live.policy.digest().short(), origin = ?live.version.origin, "policy in force");
        Ok(Applied { live, changed: true })
    }

    async fn record_rejection(&self, faults: &Faults, change: &Change) -> Result<(), ApplyError> {
        let rejected = Event::PolicyRejected(PolicyRejected {
            origin: change.origin,
            author: change.author.clone(),
            faults: u32::try_from(faults.total()).unwrap_or(u32::MAX),
            first_fault: faults.iter().next().map(one_line).unwrap_or_default(),
        });
        self.audit.append(Batch::new(&rejected)?).await?;
        Ok(())
    }

    /// Whether it did.
    fn write_starter_if_new(&self) -> Result<bool, ApplyError> {
        let PolicyPlace::Managed(path) = &self.place else { return Ok(false) };
        if path.exists() {
            return Ok(false);
        }
        let starter = PolicySource { name: "policy.toml".into(), text: file::starter().into() };
        write_folder(path, &[starter]).map_err(|source| ApplyError::Write { path: path.clone(), source })?;
        tracing::info!(path = %path.display(), "a starter policy was written: read it, and make it yours");
        Ok(true)
    }

    /// A daemon that is restarted while the files are faulty goes on with what was in force.
    async fn resume_last_version(&self) {
        let resumed = async {
            let versions = self.history.versions()?;
            let Some(last) = versions.last() else { return Ok(()) };
            let (version, files) = self.history.find(&last.digest.to_string())?;
            let change =
                Change { origin: PolicyOrigin::Start, author: version.author, reason: version.reason };
            self.load(&files, change).await.map(|_| ())
        };
        if let Err::<(), ApplyError>(error) = resumed.await {
            tracing::error!(%error, "the last policy that was in force could not be resumed");
        }
    }

    /// What the files at the policy's place look like from outside.
    pub fn fingerprint(&self) -> Vec<(PathBuf, u64, Option<std::time::SystemTime>)> {
        fingerprint(self.place.path())
    }
}

fn policy_changed(version: &Version, previous: Option<String>) -> Event {
    Event::PolicyChanged(PolicyChanged {
        digest: version.digest.to_string(),
        previous,
        origin: version.origin,
        author: version.author.clone(),
        reason: (!version.reason.is_empty()).then(|| version.reason.clone()),
    })
}

/// A fault as the audit log tells it.
fn one_line(fault: &Fault) -> String {
    format!("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.message).chars().take(1_000).collect()
}

/// The stable name of an origin, as the audit log writes it.
pub const fn origin_code(origin: PolicyOrigin) -> &'static str {
    match origin {
        PolicyOrigin::Starter => "starter",
        PolicyOrigin::File => "file",
        PolicyOrigin::Apply => "apply",
        PolicyOrigin::Rollback => "rollback",
        PolicyOrigin::Start => "start",
    }
}
