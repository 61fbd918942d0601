//! Policies that wait for others: proposed, approved, withdrawn, outdated.
//!
//! The policy in force governs how it is replaced, never the one that is to replace it. What is recorded is recorded
//! before it counts: after a crash the log may tell of an approval that must be given again, and never the other way
//! round.

use std::sync::Arc;

use jiff::Timestamp;
use oam_audit::entry::{
    Event, PolicyApproved, PolicyOrigin, PolicyProposed, PolicyWithdrawn, WithdrawnCause,
};
use oam_policy::{
    Digest, Policy,
    file::{self, PolicySource},
};

use super::{
    ApplyError, HistoryError, PolicyManager, ProposalError, Version,
    manager::{Applied, Change, Consent, FILES, LivePolicy, beside},
    proposals::{Approval, MOST, Proposal},
};
use crate::{
    access::{may_still_administer, same_person},
    config::PolicyPlace,
};

/// A policy that was in force, or one that is proposed.
#[derive(Debug, Clone)]
pub enum Known {
    /// It was in force, and may be proposed again.
    Version(Version),
    /// It never was.
    Proposal(Proposal),
}

impl PolicyManager {
    /// The policies that wait for approval, the oldest first.
    pub fn proposals(&self) -> Arc<Vec<Proposal>> {
        self.proposals.all()
    }

    /// How many others must approve what replaces the policy in force. Where that cannot be read any more, it still
    /// governs; where there never was one, nobody must.
    ///
    /// # Errors
    /// When nobody can tell.
    pub fn approvals_needed(&self) -> Result<u8, HistoryError> {
        match self.live() {
            Some(live) => Ok(live.policy.change().approvals),
            None => Ok(self.history.last()?.map(|last| last.approvals).unwrap_or_default()),
        }
    }

    /// The policy whose digest begins with `digits`, in force once or proposed, and its files.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn find(&self, digits: &str) -> Result<(Known, Vec<PolicySource>), HistoryError> {
        let ambiguous = || HistoryError::Ambiguous(digits.to_owned());
        let version = self.history.find(digits);
        let proposal = match self.proposals.find(digits) {
            Ok(proposal) => proposal,
            Err(ProposalError::Ambiguous(_)) => return Err(ambiguous()),
            Err(_) => return version.map(|(version, files)| (Known::Version(version), files)),
        };
        match version {
            Ok((version, files)) if version.digest == proposal.digest => Ok((Known::Version(version), files)),
            Ok(_) => Err(ambiguous()),
            Err(HistoryError::Unknown(_)) => {
                let files = self.proposals.files(proposal.digest)?;
                Ok((Known::Proposal(proposal), files))
            }
            Err(error) => Err(error),
        }
    }

    /// Approves a proposed policy. With the last approval that is needed it comes into force, if it passes its tests by
    /// the directory of now.
    ///
    /// # Errors
    /// When it is the approver's own, or they have approved it already, or it cannot be put in force: then the approval
    /// does not count, and the policy waits on.
    pub async fn approve(&self, digits: &str, by: String, reason: String) -> Result<Applied, ProposalError> {
        let _one_at_a_time = self.changing.lock().await;
        let mut proposal = self.proposals.find(digits)?;
        if same_person(&proposal.author, &by) {
            return Err(ProposalError::Own(by));
        }
        if proposal.replaces != self.governing()? {
            return Err(ProposalError::Outdated);
        }
        self.drop_who_is_gone(&mut proposal);
        let needed = self.approvals_needed()?;
        let was_approved = proposal.missing(needed) == 0;
        if proposal.approvals.iter().any(|approval| same_person(&approval.by, &by)) {
            // Where it has all its approvals and something else kept it back, anybody may try again.
            return if was_approved { self.complete(&proposal).await } else { Err(ProposalError::Twice(by)) };
        }
        proposal.approvals.push(Approval { by, at: Timestamp::now(), reason });
        if proposal.missing(needed) > 0 {
            let files = self.proposals.files(proposal.digest)?;
            let policy = beside(move || file::parse(&files)).await?.map_err(ApplyError::Faulty)?;
            self.keep_approval(&proposal, needed).await?;
            return Ok(Applied::Proposed { proposal, policy: Arc::new(policy), needed });
        }
        let (policy, files) = self.check(&proposal).await?;
        self.keep_approval(&proposal, needed).await?;
        self.bring_into_force(&proposal, policy, &files).await
    }

    /// Takes a proposed policy back.
    ///
    /// # Errors
    /// When there is none by that digest, or it cannot be recorded.
    pub async fn withdraw(
        &self,
        digits: &str,
        by: String,
        reason: String,
    ) -> Result<Proposal, ProposalError> {
        let _one_at_a_time = self.changing.lock().await;
        let proposal = self.proposals.find(digits)?;
        let trouble = format!("`{by}` withdrew what they say ({reason}): change the files");
        self.end(&proposal, WithdrawnCause::Withdrawn, by, Some(reason)).await?;
        if proposal.author == FILES && matches!(self.place, PolicyPlace::Followed(_)) {
            self.trouble.store(Some(Arc::new(trouble)));
        }
        Ok(proposal)
    }

    /// Whether the policy may not come into force before others approve it.
    pub(super) fn must_wait(&self, policy: &Policy) -> Result<bool, HistoryError> {
        Ok(self.governing()? != Some(policy.digest()) && self.approvals_needed()? > 0)
    }

    /// Lets a policy wait for approval. One that waits already goes on waiting, whoever proposes it again.
    pub(super) async fn propose(
        &self,
        policy: Arc<Policy>,
        files: &[PolicySource],
        change: Change,
    ) -> Result<Applied, ApplyError> {
        let needed = self.approvals_needed()?;
        if let Some(proposal) = self.proposals.get(policy.digest()) {
            return Ok(Applied::Proposed { proposal, policy, needed });
        }
        let waiting = self.proposals.all().len();
        if waiting >= MOST {
            return Err(ApplyError::TooManyWait(waiting));
        }
        let proposal = Proposal {
            digest: policy.digest(),
            replaces: self.governing()?,
            at: Timestamp::now(),
            // What lies there at a start is a changed file as well.
            origin: if change.origin == PolicyOrigin::Start { PolicyOrigin::File } else { change.origin },
            author: change.author,
            reason: change.reason,
            approvals: Vec::new(),
        };
        let entry = PolicyProposed {
            digest: proposal.digest.to_string(),
            previous: proposal.replaces.map(|digest| digest.to_string()),
            origin: proposal.origin,
            author: proposal.author.clone(),
            reason: Some(proposal.reason.clone()).filter(|reason| !reason.is_empty()),
            needed: needed.into(),
            diff: self.summary(self.live(), &policy).await,
        };
        self.audit.append(self.audit.batch(&Event::PolicyProposed(entry))?).await?;
        self.proposals.add(proposal.clone(), files)?;
        tracing::info!(digest = %proposal.digest.short(), author = proposal.author, needed, "a policy waits for approval");
        Ok(Applied::Proposed { proposal, policy, needed })
    }

    /// What lies in the managed folder is what is in force. What lay there waits among the proposals.
    pub(super) fn restore_managed(&self) -> Result<(), ApplyError> {
        let Some(live) = self.live() else { return Ok(()) };
        let (_, files) = self.history.find(&live.version.digest.to_string())?;
        self.write_managed(&files)
    }

    /// Files of the administrator's that say something new do not say any more what they said before. (A managed folder
    /// is put back at once, so that says nothing.)
    pub(super) async fn withdraw_what_the_files_said(&self, now: Digest) -> Result<(), ApplyError> {
        if matches!(self.place, PolicyPlace::Managed(_)) {
            return Ok(());
        }
        for old in self.proposals.all().iter().filter(|old| old.author == FILES && old.digest != now) {
            self.end(old, WithdrawnCause::FilesChanged, FILES.into(), None).await?;
        }
        Ok(())
    }

    /// Whatever waited to replace another policy than the one in force was thought for that, and must be proposed again.
    pub(super) async fn outdate_proposals(&self, live: &LivePolicy) {
        let digest = live.policy.digest();
        for old in self.proposals.all().iter().filter(|old| old.replaces != Some(digest)) {
            let ended = if old.digest == digest {
                // It is in force: that is recorded.
                self.proposals.remove(digest).map_err(ApplyError::from)
            } else {
                let reason = format!("policy {digest} is in force");
                self.end(old, WithdrawnCause::Outdated, live.version.author.clone(), Some(reason)).await
            };
            if let Err(error) = ended {
                // It can come into force no more; the next start tries to record it again.
                tracing::error!(%error, digest = %old.digest.short(), "an outdated proposal was not removed");
            }
        }
    }

    /// Puts a policy in force that has its approvals.
    pub(super) async fn complete(&self, proposal: &Proposal) -> Result<Applied, ProposalError> {
        let (policy, files) = self.check(proposal).await?;
        self.bring_into_force(proposal, policy, &files).await
    }

    async fn bring_into_force(
        &self,
        proposal: &Proposal,
        policy: Arc<Policy>,
        files: &[PolicySource],
    ) -> Result<Applied, ProposalError> {
        let consent = Consent { approved_by: proposal.approved_by(), unapproved: false };
        Ok(self.install(policy, files, proposal.change(), consent).await?)
    }

    /// The proposed policy, when it has no fault and passes its tests by the directory of now.
    pub(super) async fn check(
        &self,
        proposal: &Proposal,
    ) -> Result<(Arc<Policy>, Vec<PolicySource>), ProposalError> {
        let files = self.proposals.files(proposal.digest)?;
        let policy = self.parse(&files, &proposal.change()).await?;
        if policy.digest() != proposal.digest {
            return Err(ProposalError::Damaged);
        }
        Ok((Arc::new(policy), files))
    }

    /// The approvals of whoever was cut off since, was deactivated, or is no administrator any more, do not count.
    pub(super) fn drop_who_is_gone(&self, proposal: &mut Proposal) {
        let (Some(live), Some(loaded)) = (self.live(), self.directory.current()) else { return };
        proposal.approvals.retain(|approval| {
            let counts = may_still_administer(&approval.by, &self.admin, &live.policy, &loaded.snapshot);
            if !counts {
                tracing::warn!(by = approval.by, digest = %proposal.digest.short(), "an approval counts no more: they are gone, or administer no more");
            }
            counts
        });
    }

    async fn keep_approval(&self, proposal: &Proposal, needed: u8) -> Result<(), ProposalError> {
        let Some(approval) = proposal.approvals.last() else { return Ok(()) };
        let approved = PolicyApproved {
            digest: proposal.digest.to_string(),
            author: proposal.author.clone(),
            by: approval.by.clone(),
            reason: Some(approval.reason.clone()).filter(|reason| !reason.is_empty()),
            approvals: u32::try_from(proposal.approvals.len()).unwrap_or(u32::MAX),
            needed: needed.into(),
        };
        self.audit.append(self.audit.batch(&Event::PolicyApproved(approved))?).await?;
        Ok(self.proposals.update(proposal)?)
    }

    async fn end(
        &self,
        proposal: &Proposal,
        cause: WithdrawnCause,
        by: String,
        reason: Option<String>,
    ) -> Result<(), ApplyError> {
        let withdrawn = PolicyWithdrawn {
            digest: proposal.digest.to_string(),
            author: proposal.author.clone(),
            cause,
            by,
            reason,
        };
        self.audit.append(self.audit.batch(&Event::PolicyWithdrawn(withdrawn))?).await?;
        Ok(self.proposals.remove(proposal.digest)?)
    }

    /// The policy that governs its own change: the one in force, or the last that was.
    fn governing(&self) -> Result<Option<Digest>, HistoryError> {
        match self.live() {
            Some(live) => Ok(Some(live.policy.digest())),
            None => Ok(self.history.last()?.map(|last| last.digest)),
        }
    }
}

impl Proposal {
    /// Who changes the policy by it, how and why.
    pub(super) fn change(&self) -> Change {
        Change { origin: self.origin, author: self.author.clone(), reason: self.reason.clone() }
    }
}
