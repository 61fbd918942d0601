//! What administrators, auditors and developers ask through `oam`. One file for each noun.

mod accounts;
mod audit;
mod basis;
mod bitbucket;
mod circumstances;
mod convert;
mod drafts;
mod drift;
mod explain;
mod gate;
mod import;
mod people;
mod policy;
mod policy_diff;
mod privilege;
mod proposal;
mod provisioning;
mod replay;
mod review;
mod secrets;
mod signals;
mod snapshot;
mod source;
mod status;
mod user;
mod watch;
mod who;

use std::{pin::Pin, sync::Arc};

use oam_proto::v1::{self, admin_server::Admin};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};

use self::gate::{Admitted, Gate};
use super::Live;
use crate::access::Call;

type Reply<T> = Result<Response<T>, Status>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Answers `oam`. What it works on is behind the gate.
#[derive(Debug, Clone)]
pub struct AdminService {
    gate: Gate,
}

impl AdminService {
    /// A service for those whom the configuration names.
    pub fn new(live: Arc<Live>) -> Self {
        Self { gate: Gate::new(live) }
    }
}

/// An error of ours as a status: what the caller can mend is told apart from what they cannot.
fn unavailable(error: &dyn std::error::Error) -> Status {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    Status::unavailable(text)
}

#[tonic::async_trait]
impl Admin for AdminService {
    type ImportSnapshotStream = ReceiverStream<Result<v1::ImportSnapshotResponse, Status>>;
    type ShowSnapshotStream = Streamed<v1::User>;
    type DiffSnapshotsStream = Streamed<v1::SnapshotChange>;
    type WhoStream = ReceiverStream<Result<v1::WhoResponse, Status>>;
    type DiffPoliciesStream = Streamed<v1::DiffPoliciesResponse>;
    type ReplayPolicyStream = ReceiverStream<Result<v1::ReplayPolicyResponse, Status>>;
    type GetProvisioningStream = ReceiverStream<Result<v1::ProvisioningStep, Status>>;
    type TailAuditStream = ReceiverStream<Result<v1::AuditEntry, Status>>;

    async fn get_status(&self, request: Request<v1::GetStatusRequest>) -> Reply<v1::Status> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::GetStatus).await?;
        Ok(Response::new(status::status(&live)))
    }

    async fn get_bitbucket(&self, request: Request<v1::GetBitbucketRequest>) -> Reply<v1::BitbucketState> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::GetBitbucket).await?;
        Ok(Response::new(bitbucket::state(&live)))
    }

    async fn get_provisioning(
        &self,
        request: Request<v1::GetProvisioningRequest>,
    ) -> Reply<Self::GetProvisioningStream> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::GetProvisioning).await?;
        Ok(Response::new(provisioning::wanted(live, request.into_inner()).await?))
    }

    async fn begin_bitbucket_change(
        &self,
        request: Request<v1::BeginBitbucketChangeRequest>,
    ) -> Reply<v1::BeginBitbucketChangeResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::BeginBitbucketChange).await?;
        Ok(Response::new(provisioning::begin(&live, actor, request.into_inner()).await?))
    }

    async fn end_bitbucket_change(
        &self,
        request: Request<v1::EndBitbucketChangeRequest>,
    ) -> Reply<v1::EndBitbucketChangeResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::EndBitbucketChange).await?;
        Ok(Response::new(provisioning::end(&live, actor, request.into_inner()).await?))
    }

    async fn tell_bitbucket_accounts(
        &self,
        request: Request<Streaming<v1::TellBitbucketAccountsRequest>>,
    ) -> Reply<v1::TellBitbucketAccountsResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::TellBitbucketAccounts).await?;
        Ok(Response::new(accounts::tell(&live, &actor, request.into_inner()).await?))
    }

    async fn tell_bitbucket_drift(
        &self,
        request: Request<Streaming<v1::TellBitbucketDriftRequest>>,
    ) -> Reply<v1::TellBitbucketDriftResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::TellBitbucketDrift).await?;
        Ok(Response::new(drift::tell(&live, actor, request.into_inner()).await?))
    }

    async fn tell_bitbucket_watch(
        &self,
        request: Request<v1::TellBitbucketWatchRequest>,
    ) -> Reply<v1::TellBitbucketWatchResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::TellBitbucketWatch).await?;
        Ok(Response::new(watch::rounded(&live, &request.into_inner())?))
    }

    async fn import_snapshot(
        &self,
        request: Request<Streaming<v1::ImportSnapshotRequest>>,
    ) -> Reply<Self::ImportSnapshotStream> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::ImportSnapshot).await?;
        Ok(Response::new(import::import(live, actor, request.into_inner())))
    }

    async fn show_snapshot(
        &self,
        request: Request<v1::ShowSnapshotRequest>,
    ) -> Reply<Self::ShowSnapshotStream> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ShowSnapshot).await?;
        let snapshot = snapshot::find(&live, request.into_inner().generation).await?;
        Ok(Response::new(Box::pin(snapshot::users(snapshot))))
    }

    async fn list_snapshots(
        &self,
        request: Request<v1::ListSnapshotsRequest>,
    ) -> Reply<v1::ListSnapshotsResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ListSnapshots).await?;
        Ok(Response::new(snapshot::list(&live)))
    }

    async fn diff_snapshots(
        &self,
        request: Request<v1::DiffSnapshotsRequest>,
    ) -> Reply<Self::DiffSnapshotsStream> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::DiffSnapshots).await?;
        let changes = snapshot::diff(&live, request.into_inner()).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(changes.into_iter().map(Ok)))))
    }

    async fn roll_back_snapshot(
        &self,
        request: Request<v1::RollBackSnapshotRequest>,
    ) -> Reply<v1::RollBackSnapshotResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::RollBackSnapshot).await?;
        Ok(Response::new(snapshot::roll_back(&live, actor, request.into_inner()).await?))
    }

    async fn list_sources(&self, request: Request<v1::ListSourcesRequest>) -> Reply<v1::ListSourcesResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ListSources).await?;
        Ok(Response::new(source::list(&live)))
    }

    async fn get_source(&self, request: Request<v1::GetSourceRequest>) -> Reply<v1::Source> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::GetSource).await?;
        Ok(Response::new(source::get(&live, &request.into_inner().name)?))
    }

    async fn sync_source(&self, request: Request<v1::SyncSourceRequest>) -> Reply<v1::SyncSourceResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::SyncSource).await?;
        Ok(Response::new(source::sync(&live, actor, request.into_inner()).await?))
    }

    async fn preview_source(
        &self,
        request: Request<v1::PreviewSourceRequest>,
    ) -> Reply<v1::PreviewSourceResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::PreviewSource).await?;
        Ok(Response::new(source::preview(&live, &request.into_inner()).await?))
    }

    async fn forget_in_source(
        &self,
        request: Request<v1::ForgetInSourceRequest>,
    ) -> Reply<v1::ForgetInSourceResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::ForgetInSource).await?;
        Ok(Response::new(source::forget(&live, actor, request.into_inner()).await?))
    }

    async fn rotate_source_token(
        &self,
        request: Request<v1::RotateSourceTokenRequest>,
    ) -> Reply<v1::RotateSourceTokenResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::RotateSourceToken).await?;
        Ok(Response::new(source::rotate_token(&live, &actor, &request.into_inner()).await?))
    }

    async fn revoke_source_token(
        &self,
        request: Request<v1::RevokeSourceTokenRequest>,
    ) -> Reply<v1::RevokeSourceTokenResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::RevokeSourceToken).await?;
        Ok(Response::new(source::revoke_token(&live, &actor, &request.into_inner()).await?))
    }

    async fn list_secrets(&self, request: Request<v1::ListSecretsRequest>) -> Reply<v1::ListSecretsResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ListSecrets).await?;
        Ok(Response::new(secrets::list(&live)))
    }

    async fn list_signals(&self, request: Request<v1::ListSignalsRequest>) -> Reply<v1::ListSignalsResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ListSignals).await?;
        Ok(Response::new(signals::list(&live)))
    }

    async fn set_up_signals(
        &self,
        request: Request<v1::SetUpSignalsRequest>,
    ) -> Reply<v1::SetUpSignalsResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::SetUpSignals).await?;
        Ok(Response::new(signals::set_up(&live, &actor, &request.into_inner().name).await?))
    }

    async fn verify_signals(
        &self,
        request: Request<v1::VerifySignalsRequest>,
    ) -> Reply<v1::VerifySignalsResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::VerifySignals).await?;
        Ok(Response::new(signals::verify(&live, &request.into_inner().name).await?))
    }

    async fn remove_signals(
        &self,
        request: Request<v1::RemoveSignalsRequest>,
    ) -> Reply<v1::RemoveSignalsResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::RemoveSignals).await?;
        Ok(Response::new(signals::remove(&live, &actor, &request.into_inner().name).await?))
    }

    async fn get_user(&self, request: Request<v1::GetUserRequest>) -> Reply<v1::User> {
        let about = request.get_ref().username.clone();
        let Admitted { live, .. } = self.gate.admit_about(&request, Call::GetUser, Some(&about)).await?;
        Ok(Response::new(user::get(&live, &request.into_inner().username)?))
    }

    async fn deactivate_user(&self, request: Request<v1::DeactivateUserRequest>) -> Reply<v1::UserChanged> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::DeactivateUser).await?;
        Ok(Response::new(user::deactivate(&live, actor, request.into_inner()).await?))
    }

    async fn reactivate_user(&self, request: Request<v1::ReactivateUserRequest>) -> Reply<v1::UserChanged> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::ReactivateUser).await?;
        Ok(Response::new(user::reactivate(&live, actor, request.into_inner()).await?))
    }

    async fn check_policy(&self, request: Request<v1::CheckPolicyRequest>) -> Reply<v1::CheckPolicyResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::CheckPolicy).await?;
        Ok(Response::new(policy::check(live, request.into_inner()).await?))
    }

    async fn apply_policy(&self, request: Request<v1::ApplyPolicyRequest>) -> Reply<v1::ApplyPolicyResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::ApplyPolicy).await?;
        Ok(Response::new(policy::apply(&live, actor, request.into_inner()).await?))
    }

    async fn show_policy(&self, request: Request<v1::ShowPolicyRequest>) -> Reply<v1::ShowPolicyResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ShowPolicy).await?;
        Ok(Response::new(policy::show(&live, &request.into_inner().digest).await?))
    }

    async fn list_policies(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Reply<v1::ListPoliciesResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ListPolicies).await?;
        Ok(Response::new(policy::list(&live)?))
    }

    async fn roll_back_policy(
        &self,
        request: Request<v1::RollBackPolicyRequest>,
    ) -> Reply<v1::ApplyPolicyResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::RollBackPolicy).await?;
        Ok(Response::new(policy::roll_back(&live, actor, request.into_inner()).await?))
    }

    async fn list_policy_proposals(
        &self,
        request: Request<v1::ListPolicyProposalsRequest>,
    ) -> Reply<v1::ListPolicyProposalsResponse> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ListPolicyProposals).await?;
        Ok(Response::new(proposal::list(&live)?))
    }

    async fn approve_policy(
        &self,
        request: Request<v1::ApprovePolicyRequest>,
    ) -> Reply<v1::ApplyPolicyResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::ApprovePolicy).await?;
        Ok(Response::new(proposal::approve(&live, actor, request.into_inner()).await?))
    }

    async fn withdraw_policy(
        &self,
        request: Request<v1::WithdrawPolicyRequest>,
    ) -> Reply<v1::WithdrawPolicyResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::WithdrawPolicy).await?;
        Ok(Response::new(proposal::withdraw(&live, actor, request.into_inner()).await?))
    }

    async fn diff_policies(
        &self,
        request: Request<v1::DiffPoliciesRequest>,
    ) -> Reply<Self::DiffPoliciesStream> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::DiffPolicies).await?;
        let steps = policy_diff::diff(live, request.into_inner()).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(steps.into_iter().map(Ok)))))
    }

    async fn replay_policy(
        &self,
        request: Request<v1::ReplayPolicyRequest>,
    ) -> Reply<Self::ReplayPolicyStream> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::ReplayPolicy).await?;
        Ok(Response::new(replay::replay(live, request.into_inner(), replay::Patience::USUAL).await?))
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Reply<v1::Explanation> {
        let about = explain::own(request.get_ref()).map(str::to_owned);
        let Admitted { live, .. } = self.gate.admit_about(&request, Call::Explain, about.as_deref()).await?;
        Ok(Response::new(explain::explain(&live, request.into_inner()).await?))
    }

    async fn who(&self, request: Request<v1::WhoRequest>) -> Reply<Self::WhoStream> {
        let Admitted { live, .. } = self.gate.admit(&request, Call::Who).await?;
        Ok(Response::new(who::who(live, request.into_inner()).await?))
    }

    async fn request_privilege(&self, request: Request<v1::RequestPrivilegeRequest>) -> Reply<v1::Privilege> {
        let (live, person) = self.gate.admit(&request, Call::RequestPrivilege).await?.person()?;
        Ok(Response::new(privilege::request(&live, &person, request.into_inner()).await?))
    }

    async fn list_privileges(
        &self,
        request: Request<v1::ListPrivilegesRequest>,
    ) -> Reply<v1::ListPrivilegesResponse> {
        let admitted = self.gate.admit(&request, Call::ListPrivileges).await?;
        Ok(Response::new(privilege::list(&admitted, request.get_ref())))
    }

    async fn approve_privilege(&self, request: Request<v1::ApprovePrivilegeRequest>) -> Reply<v1::Privilege> {
        let (live, person) = self.gate.admit(&request, Call::ApprovePrivilege).await?.person()?;
        Ok(Response::new(privilege::approve(&live, &person, request.into_inner()).await?))
    }

    async fn end_privilege(&self, request: Request<v1::EndPrivilegeRequest>) -> Reply<v1::Privilege> {
        let Admitted { live, actor, username, operates, .. } =
            self.gate.admit(&request, Call::EndPrivilege).await?;
        let who = (username.as_ref(), actor.as_str());
        Ok(Response::new(privilege::end(&live, who, operates, request.into_inner()).await?))
    }

    async fn get_privilege_report(
        &self,
        request: Request<v1::GetPrivilegeReportRequest>,
    ) -> Reply<v1::PrivilegeReport> {
        let admitted = self.gate.admit(&request, Call::GetPrivilegeReport).await?;
        Ok(Response::new(privilege::report(&admitted, request.get_ref()).await?))
    }

    async fn sign_off_privilege(
        &self,
        request: Request<v1::SignOffPrivilegeRequest>,
    ) -> Reply<v1::Privilege> {
        let admitted = self.gate.admit(&request, Call::SignOffPrivilege).await?;
        let operates = admitted.operates;
        let (live, person) = admitted.person()?;
        Ok(Response::new(privilege::sign_off(&live, &person, operates, request.into_inner()).await?))
    }

    async fn attest_access(
        &self,
        request: Request<v1::AttestAccessRequest>,
    ) -> Reply<v1::AttestAccessResponse> {
        let (live, person) = self.gate.admit(&request, Call::AttestAccess).await?.person()?;
        Ok(Response::new(review::attest(&live, &person, request.into_inner()).await?))
    }

    async fn tail_audit(&self, request: Request<v1::TailAuditRequest>) -> Reply<Self::TailAuditStream> {
        let Admitted { live, caller, .. } = self.gate.admit(&request, Call::TailAudit).await?;
        Ok(Response::new(audit::tail(live, caller, request.into_inner())))
    }

    async fn erase_people(&self, request: Request<v1::ErasePeopleRequest>) -> Reply<v1::ErasePeopleResponse> {
        let Admitted { live, actor, .. } = self.gate.admit(&request, Call::ErasePeople).await?;
        Ok(Response::new(people::erase(&live, actor, request.into_inner()).await?))
    }
}
