use std::{io, path::PathBuf, sync::Arc};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use oam_audit::entry::{EncodeError, Event, PolicyChanged, PolicyOrigin, PolicyRejected};
use oam_policy::{
    Policy,
    fault::{Fault, Faults},
    file::{self, PolicySource, Tested},
    trial,
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
    directory::DirectoryReader,
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
    /// By which tests of a policy ask for users.
    directory: DirectoryReader,
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
    pub async fn start(
        place: PolicyPlace,
        history: PathBuf,
        audit: AuditLog,
        directory: DirectoryReader,
    ) -> Result<Self, ApplyError> {
        let manager = Self {
            place,
            history: History::open(history)?,
            audit,
            directory,
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

    /// The policy that the files say, when they have no fault and none of their tests fails.
    ///
    /// The tests do not stand in the way of what was in force when the daemon stopped: time, or a change of the
    /// directory, may have made one fail since, and a restart is no change of the policy.
    async fn parse(&self, files: &[PolicySource], change: &Change) -> Result<Policy, ApplyError> {
        let passed = match self.test(files) {
            Ok(tested) if change.origin == PolicyOrigin::Start && self.was_in_force(&tested.policy) => {
                return Ok(whatever_the_tests(tested));
            }
            tested => tested.and_then(Tested::passed),
        };
        match passed {
            Ok(policy) => Ok(policy),
            Err(faults) => {
                self.record_rejection(&faults, change).await?;
                Err(ApplyError::Faulty(faults))
            }
        }
    }

    fn test(&self, files: &[PolicySource]) -> Result<Tested, Faults> {
        let snapshot = self.directory.current().map(|loaded| loaded.snapshot.clone());
        file::parse_and_test(files, snapshot.as_ref(), Timestamp::now())
    }

    /// The version that came into force last, before a restart too.
    fn last_version(&self) -> Option<Version> {
        self.history.versions().ok().and_then(|versions| versions.into_iter().last())
    }

    /// Whether the policy is the one that came into force last.
    fn was_in_force(&self, policy: &Policy) -> bool {
        self.last_version().is_some_and(|last| last.digest == policy.digest())
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
        let origin = change.origin;
        // A restart with what was in force before is no new version, though the log tells of it.
        let resumed = (origin == PolicyOrigin::Start).then(|| self.last_version()).flatten();
        let version = match resumed.filter(|last| last.digest == policy.digest()) {
            Some(resumed) => resumed,
            None => {
                let Change { origin, author, reason } = change;
                let version =
                    Version { digest: policy.digest(), at: Timestamp::now(), origin, author, reason };
                self.history.record(&version, files)?;
                version
            }
        };
        let previous = before.map(|live| live.policy.digest().to_string());
        self.audit.append(Batch::new(&policy_changed(&version, origin, previous))?).await?;
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
            let tested = self.test(&files).map_err(ApplyError::Faulty)?;
            self.put_in_force(whatever_the_tests(tested), &files, change).await.map(|_| ())
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

/// The policy, though tests may fail; that they do is logged.
fn whatever_the_tests(tested: Tested) -> Policy {
    if let Some(faults) = trial::faults(&tested.tests) {
        tracing::warn!(%faults, "tests of the policy that was in force fail; it goes on");
    }
    tested.policy
}

fn policy_changed(version: &Version, origin: PolicyOrigin, previous: Option<String>) -> Event {
    Event::PolicyChanged(PolicyChanged {
        digest: version.digest.to_string(),
        previous,
        origin,
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
