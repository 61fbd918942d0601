use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use oam_audit::entry::{Event, PolicyChanged, PolicyOrigin, PolicyRejected};
use oam_fetch::files::Look;
use oam_policy::{
    Policy,
    fault::{Fault, Faults},
    file::{self, PolicySource, Tested},
    trial,
};
use tokio::{sync::Mutex, task};

use super::{
    ApplyError, HistoryError,
    history::{History, Version},
    place::Reading,
    proposals::{Proposal, Proposals},
    summary::summary,
    written::Written,
};
use crate::{
    audit_log::AuditLog,
    config::{AdminConfig, PolicyPlace},
    directory::DirectoryReader,
};

/// Who proposes what the files at the policy's place say.
pub(super) const FILES: &str = "files";

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
    pub(super) place: PolicyPlace,
    pub(super) history: History,
    /// Policies that wait for the approval of others.
    pub(super) proposals: Proposals,
    pub(super) audit: AuditLog,
    /// By which tests of a policy ask for users.
    pub(super) directory: DirectoryReader,
    /// Who administers the daemon: it is told of a role that others hold.
    pub(super) admin: Arc<AdminConfig>,
    pub(super) live: ArcSwapOption<LivePolicy>,
    /// Why the files at the policy's place are not in force, if they are not.
    pub(super) trouble: ArcSwapOption<String>,
    /// How the files looked that were loaded or found faulty last; `None` where they could not be: they are tried again.
    pub(super) as_loaded: ArcSwapOption<Look>,
    pub(super) changing: Mutex<()>,
    pub(super) reading: Reading,
}

/// What came of offering a policy.
#[derive(Debug)]
pub enum Applied {
    /// It is in force.
    InForce {
        /// The policy in force now.
        live: Arc<LivePolicy>,
        /// False when the very same policy was in force already.
        changed: bool,
        /// The policy that was in force until then.
        before: Option<Arc<LivePolicy>>,
    },
    /// It waits for the approval of others; the policy before it is still in force.
    Proposed {
        /// The proposal: this one, or one of the same policy that was there already.
        proposal: Proposal,
        /// What is proposed.
        policy: Arc<Policy>,
        /// How many others must approve it.
        needed: u8,
    },
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

/// Who else wanted a change.
#[derive(Debug, Clone, Default)]
pub(super) struct Consent {
    /// Who approved it.
    pub(super) approved_by: Vec<String>,
    /// Whether approvals are missing, and the daemon's configuration lets it pass all the same.
    pub(super) unapproved: bool,
}

impl PolicyManager {
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

    /// Loads the files at the policy's place, when they say something new. Where the policy in force wants approvals,
    /// they become a proposal.
    ///
    /// # Errors
    /// When they are faulty; the policy before them stays in force, and the fault is recorded.
    pub async fn reload(&self, origin: PolicyOrigin) -> Result<Applied, ApplyError> {
        let _one_at_a_time = self.changing.lock().await;
        self.load_place(origin).await
    }

    pub(super) async fn load_place(&self, origin: PolicyOrigin) -> Result<Applied, ApplyError> {
        let change = Change { origin, author: FILES.into(), reason: String::new() };
        let (look, outcome) = match self.read_place().await {
            Ok((look, files)) => (Some(look), self.load(&files, change).await),
            Err(error) => (None, Err(error.into())),
        };
        let is_theirs = matches!(outcome, Ok(_) | Err(ApplyError::Faulty(_)));
        self.as_loaded.store(look.filter(|_| is_theirs).map(Arc::new));
        let trouble = outcome.as_ref().err().map(|error| Arc::new(error.to_string()));
        self.trouble.store(trouble);
        outcome
    }

    async fn load(&self, files: &[PolicySource], change: Change) -> Result<Applied, ApplyError> {
        let policy = Arc::new(self.parse(files, &change).await?);
        // An administrator's change that a crash cut off is theirs, and not that of the files. What was in force already goes on,
        // and is nobody's change.
        let is_new = change.origin == PolicyOrigin::Start && !self.was_in_force(&policy)?;
        let begun = is_new.then(|| self.history.begun(policy.digest())).flatten();
        let change = begun.map_or(change, Version::into_change);
        self.withdraw_what_the_files_said(policy.digest()).await?;
        if !self.must_wait(&policy)? {
            return self.put_in_force(policy, files, change, Consent::default()).await;
        }
        let proposed = self.propose(policy, files, change).await?;
        self.restore_managed()?;
        Ok(proposed)
    }

    /// Puts `files` in force and in the managed folder, or proposes them where the policy in force wants approvals.
    ///
    /// # Errors
    /// When they are faulty, or the policy is the administrator's own.
    pub async fn apply(&self, files: &[PolicySource], change: Change) -> Result<Applied, ApplyError> {
        if let PolicyPlace::Followed(path) = &self.place {
            return Err(ApplyError::Followed(path.clone()));
        }
        let _one_at_a_time = self.changing.lock().await;
        let policy = Arc::new(self.parse(files, &change).await?);
        if self.must_wait(&policy)? {
            return self.propose(policy, files, change).await;
        }
        self.install(policy, files, change, Consent::default()).await
    }

    /// Puts a policy in force, and its files in the managed folder where there is one.
    pub(super) async fn install(
        &self,
        policy: Arc<Policy>,
        files: &[PolicySource],
        change: Change,
        consent: Consent,
    ) -> Result<Applied, ApplyError> {
        let PolicyPlace::Managed(path) = &self.place else {
            return self.put_in_force(policy, files, change, consent).await;
        };
        self.must_answer().await?;
        // Where the daemon dies before it is done, the next start finds the files, and must know whose they are.
        self.history.begin(&version(&policy, change.clone(), consent.clone()))?;
        let written = Written::to(path, files).map_err(|source| self.not_written(source))?;
        let applied = self.put_in_force(policy, files, change, consent).await;
        match &applied {
            Ok(_) => {
                self.trouble.store(None);
                if let Err(error) = written.keep() {
                    tracing::warn!(%error, path = %path.display(), "what the policy replaced was not removed");
                }
            }
            // What is not in force must not lie where the next start would load it.
            Err(_) => {
                if let Err(error) = written.take_back() {
                    tracing::error!(%error, path = %path.display(), "what was there before the policy was not put back as it was");
                }
            }
        }
        self.history.finish();
        applied
    }

    /// The policy that the files say, when they have no fault and none of their tests fails.
    ///
    /// The tests do not stand in the way of what was in force when the daemon stopped: time, or a change of the
    /// directory, may have made one fail since, and a restart is no change of the policy.
    pub(super) async fn parse(&self, files: &[PolicySource], change: &Change) -> Result<Policy, ApplyError> {
        let passed = match self.test(files).await? {
            Ok(tested) if change.origin == PolicyOrigin::Start && self.was_in_force(&tested.policy)? => {
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

    pub(super) async fn test(&self, files: &[PolicySource]) -> Result<Result<Tested, Faults>, ApplyError> {
        let snapshot = self.directory.current().map(|loaded| loaded.snapshot.clone());
        let files = files.to_vec();
        beside(move || file::parse_and_test(&files, snapshot.as_ref(), Timestamp::now())).await
    }

    /// Whether the policy is in force, or came into force last before a restart.
    fn was_in_force(&self, policy: &Policy) -> Result<bool, HistoryError> {
        let is_live = self.live().is_some_and(|live| live.policy.digest() == policy.digest());
        Ok(is_live || self.history.last()?.is_some_and(|last| last.digest == policy.digest()))
    }

    pub(super) async fn put_in_force(
        &self,
        policy: Arc<Policy>,
        files: &[PolicySource],
        change: Change,
        consent: Consent,
    ) -> Result<Applied, ApplyError> {
        let before = self.live();
        if let Some(live) = &before
            && live.policy.digest() == policy.digest()
        {
            self.history.refresh(policy.digest(), files)?;
            return Ok(Applied::InForce { live: Arc::clone(live), changed: false, before });
        }
        let origin = change.origin;
        // A restart with what was in force before is no new version, though the log tells of it.
        let resumed = if origin == PolicyOrigin::Start { self.history.last()? } else { None };
        let (version, recorded) = match resumed.filter(|last| last.digest == policy.digest()) {
            Some(resumed) => {
                self.history.refresh(resumed.digest, files)?;
                (resumed, None)
            }
            None => {
                let version = version(&policy, change, consent);
                let recorded = self.history.record(&version, files)?;
                (version, Some(recorded))
            }
        };
        let entry = PolicyChanged {
            digest: version.digest.to_string(),
            previous: before.as_ref().map(|live| live.policy.digest().to_string()),
            origin,
            author: version.author.clone(),
            reason: Some(version.reason.clone()).filter(|reason| !reason.is_empty()),
            approved_by: version.approved_by.clone(),
            unapproved: version.unapproved,
            diff: self.summary(before.clone(), &policy).await,
        };
        if let Err(error) = self.record_change(entry).await {
            // The next start goes on with the last that was in force: it must not be one of which its author was told that it
            // was not made.
            recorded.map_or(Ok(()), |recorded| self.history.take_back(recorded))?;
            return Err(error);
        }
        let live = Arc::new(LivePolicy { policy, version });
        self.directory.decided_by(&live.policy);
        self.live.store(Some(Arc::clone(&live)));
        tracing::info!(digest = %live.policy.digest().short(), origin = ?live.version.origin, "policy in force");
        self.outdate_proposals(&live).await;
        Ok(Applied::InForce { live, changed: true, before })
    }

    /// What `policy` changes; `None` where there is nothing that it replaces.
    pub(super) async fn summary(
        &self,
        before: Option<Arc<LivePolicy>>,
        policy: &Arc<Policy>,
    ) -> Option<oam_audit::entry::PolicyDiff> {
        let old = Arc::clone(&before?.policy);
        let snapshot = self.directory.current().map(|loaded| loaded.snapshot.clone());
        Some(summary(old, Arc::clone(policy), snapshot, Arc::clone(&self.admin)).await)
    }

    async fn record_change(&self, entry: PolicyChanged) -> Result<(), ApplyError> {
        self.audit.append(self.audit.batch(&Event::PolicyChanged(entry))?).await?;
        Ok(())
    }

    async fn record_rejection(&self, faults: &Faults, change: &Change) -> Result<(), ApplyError> {
        let rejected = Event::PolicyRejected(PolicyRejected {
            origin: change.origin,
            author: change.author.clone(),
            faults: u32::try_from(faults.total()).unwrap_or(u32::MAX),
            first_fault: faults.iter().next().map(one_line).unwrap_or_default(),
        });
        self.audit.append(self.audit.batch(&rejected)?).await?;
        Ok(())
    }
}

/// Does `work` beside the threads that serve pushes: to read and test a large policy takes seconds.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApplyError> {
    Ok(task::spawn_blocking(work).await?)
}

fn version(policy: &Policy, change: Change, consent: Consent) -> Version {
    let Change { origin, author, reason } = change;
    let Consent { approved_by, unapproved } = consent;
    Version {
        digest: policy.digest(),
        at: Timestamp::now(),
        origin,
        author,
        reason,
        approved_by,
        unapproved,
        approvals: policy.change().approvals,
    }
}

impl Version {
    /// Who put it in force, how and why.
    fn into_change(self) -> Change {
        Change { origin: self.origin, author: self.author, reason: self.reason }
    }
}

/// The policy, though tests may fail; that they do is logged.
pub(super) fn whatever_the_tests(tested: Tested) -> Policy {
    if let Some(faults) = trial::faults(&tested.tests) {
        tracing::warn!(%faults, "tests of the policy that was in force fail; it goes on");
    }
    tested.policy
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
