//! Which policy is in force when the daemon starts.

use std::{path::Path, sync::Arc};

use arc_swap::ArcSwapOption;
use oam_audit::entry::PolicyOrigin;
use oam_policy::{
    Digest,
    file::{self, PolicySource},
};
use tokio::sync::Mutex;

use super::{
    ApplyError, PolicyManager, ProposalError,
    history::History,
    manager::{Change, Consent, whatever_the_tests},
    place::Reading,
    proposals::Proposals,
};
use crate::{
    audit_log::AuditLog,
    config::{AdminConfig, PolicyPlace},
    directory::DirectoryReader,
};

impl PolicyManager {
    /// Opens the history and puts a policy in force: the one at its place; where that is faulty, or the managed folder is
    /// missing, the last one that was in force; where there never was one, the starter, which is written there. With none
    /// of these the daemon runs, and decides nothing.
    ///
    /// Where the last one that was in force wants approvals, it is in force again, and what lies at the place must wait
    /// like any other change: a restart is no way around others. But `unapproved` comes into force if it is proposed:
    /// whoever configures the daemon may say so, and the log tells it.
    ///
    /// # Errors
    /// When the history cannot be read or the starter cannot be written.
    pub async fn start(
        place: PolicyPlace,
        unapproved: Option<Digest>,
        state: &Path,
        audit: AuditLog,
        directory: DirectoryReader,
        admin: AdminConfig,
    ) -> Result<Self, ApplyError> {
        let manager = Self {
            place,
            history: History::open(state.join("policy-history"))?,
            proposals: Proposals::open(state.join("policy-proposals"))?,
            audit,
            directory,
            admin: Arc::new(admin),
            live: ArcSwapOption::empty(),
            trouble: ArcSwapOption::empty(),
            as_loaded: ArcSwapOption::empty(),
            changing: Mutex::new(()),
            reading: Reading::default(),
        };
        match manager.history.last()? {
            None => manager.start_first().await?,
            Some(last) if last.approvals > 0 || manager.managed_is_missing() => {
                manager.resume_and_load().await;
            }
            Some(_) => manager.load_or_resume(PolicyOrigin::Start).await,
        }
        manager.go_on_with_proposals().await;
        if let Some(digest) = unapproved {
            manager.do_without_approval(digest).await;
        }
        // Whose the files are is told now; where they could not be loaded, the next start must know it yet.
        if manager.trouble().is_none() {
            manager.history.finish();
        }
        Ok(manager)
    }

    async fn start_first(&self) -> Result<(), ApplyError> {
        if !self.managed_is_missing() {
            self.load_or_resume(PolicyOrigin::Start).await;
            return Ok(());
        }
        self.write_managed(&[PolicySource { name: "policy.toml".into(), text: file::starter().into() }])?;
        let path = self.place.path().display();
        tracing::info!(%path, "a starter policy was written: read it, and make it yours");
        self.load_or_resume(PolicyOrigin::Starter).await;
        Ok(())
    }

    async fn load_or_resume(&self, origin: PolicyOrigin) {
        if let Err(error) = self.load_place(origin).await {
            tracing::error!(%error, "the policy was not loaded");
            self.resume_last_version().await;
        }
    }

    async fn resume_and_load(&self) {
        self.resume_last_version().await;
        if self.managed_is_missing()
            && let Err(error) = self.restore_managed()
        {
            tracing::error!(%error, "the missing policy could not be written again");
        }
        if let Err(error) = self.load_place(PolicyOrigin::Start).await {
            tracing::error!(%error, "the policy at its place was not loaded");
        }
    }

    fn managed_is_missing(&self) -> bool {
        matches!(&self.place, PolicyPlace::Managed(path) if !path.exists())
    }

    /// A daemon that is restarted goes on with what was in force.
    async fn resume_last_version(&self) {
        let resumed = async {
            let Some(last) = self.history.last()? else { return Ok(()) };
            let (version, files) = self.history.find(&last.digest.to_string())?;
            let change =
                Change { origin: PolicyOrigin::Start, author: version.author, reason: version.reason };
            let tested = self.test(&files).await?.map_err(ApplyError::Faulty)?;
            let policy = Arc::new(whatever_the_tests(tested));
            self.put_in_force(policy, &files, change, Consent::default()).await.map(|_| ())
        };
        if let Err::<(), ApplyError>(error) = resumed.await {
            tracing::error!(%error, "the last policy that was in force could not be resumed");
        }
    }

    /// A crash may have come between the last approval and what follows from it, or between a change and the end of the
    /// proposals that it outdates.
    async fn go_on_with_proposals(&self) {
        if let Some(live) = self.live() {
            self.outdate_proposals(&live).await;
        }
        let needed = match self.approvals_needed() {
            Ok(needed) if needed > 0 => needed,
            _ => return,
        };
        let mut waiting = self.proposals.all().to_vec();
        waiting.iter_mut().for_each(|proposal| self.drop_who_is_gone(proposal));
        let Some(proposal) = waiting.into_iter().find(|proposal| proposal.missing(needed) == 0) else {
            return;
        };
        if let Err(error) = self.complete(&proposal).await {
            tracing::error!(%error, digest = %proposal.digest.short(), "an approved policy was not put in force");
        }
    }

    async fn do_without_approval(&self, digest: Digest) {
        let Some(proposal) = self.proposals.get(digest) else {
            tracing::warn!(%digest, "`policy.unapproved` names no proposed policy: take it out of the configuration");
            return;
        };
        let forced: Result<_, ProposalError> = async {
            let (policy, files) = self.check(&proposal).await?;
            let consent = Consent { approved_by: proposal.approved_by(), unapproved: true };
            Ok(self.install(policy, &files, proposal.change(), consent).await?)
        }
        .await;
        match forced {
            Ok(_) => {
                tracing::warn!(%digest, "a policy was put in force without the approvals that were needed");
            }
            Err(error) => {
                tracing::error!(%error, %digest, "the policy that `policy.unapproved` names was not put in force");
            }
        }
    }
}
