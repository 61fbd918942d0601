//! What administrators, auditors and developers ask through `oam`. One file for each noun.

mod audit;
mod basis;
mod circumstances;
mod convert;
mod explain;
mod import;
mod policy;
mod policy_diff;
mod proposal;
mod replay;
mod snapshot;
mod source;
mod status;
mod user;
mod who;

use std::{collections::BTreeSet, pin::Pin, sync::Arc};

use oam_audit::entry::{AdminDenied, Event};
use oam_proto::v1::{self, admin_server::Admin};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};

use super::{Live, Peer};
use crate::audit_log::Batch;

type Reply<T> = Result<Response<T>, Status>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Answers `oam`.
#[derive(Debug, Clone)]
pub struct AdminService {
    live: Arc<Live>,
    uids: Arc<BTreeSet<u32>>,
}

impl AdminService {
    /// A service for these users of this host.
    pub fn new(live: Arc<Live>, uids: BTreeSet<u32>) -> Self {
        Self { live, uids: Arc::new(uids) }
    }

    /// Who calls, when they may; a caller who may not is recorded. `call` is the method's name.
    async fn caller<T>(&self, request: &Request<T>, call: &'static str) -> Result<String, Status> {
        let peer = Peer::of(request)?;
        if let Peer::Unix { uid, .. } = &peer
            && self.uids.contains(uid)
        {
            return Ok(peer.to_string());
        }
        tracing::warn!(%peer, call, "somebody who may not administer tried to");
        let denied = Event::AdminDenied(AdminDenied { actor: peer.to_string(), call: call.to_owned() });
        if let Ok(batch) = Batch::new(&denied) {
            // Denied whether or not it can be recorded.
            let recorded = self.live.audit.append(batch).await;
            self.live.audit_took_it(recorded.is_ok());
        }
        Err(Status::permission_denied(format!(
            "{peer} may not administer: name the user in `admin.uids` of the daemon's configuration"
        )))
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
    type TailAuditStream = ReceiverStream<Result<v1::AuditEntry, Status>>;

    async fn get_status(&self, request: Request<v1::GetStatusRequest>) -> Reply<v1::Status> {
        self.caller(&request, "GetStatus").await?;
        Ok(Response::new(status::status(&self.live)))
    }

    async fn import_snapshot(
        &self,
        request: Request<Streaming<v1::ImportSnapshotRequest>>,
    ) -> Reply<Self::ImportSnapshotStream> {
        let actor = self.caller(&request, "ImportSnapshot").await?;
        Ok(Response::new(import::import(Arc::clone(&self.live), actor, request.into_inner())))
    }

    async fn show_snapshot(
        &self,
        request: Request<v1::ShowSnapshotRequest>,
    ) -> Reply<Self::ShowSnapshotStream> {
        self.caller(&request, "ShowSnapshot").await?;
        let snapshot = snapshot::find(&self.live, request.into_inner().generation).await?;
        Ok(Response::new(Box::pin(snapshot::users(snapshot))))
    }

    async fn list_snapshots(
        &self,
        request: Request<v1::ListSnapshotsRequest>,
    ) -> Reply<v1::ListSnapshotsResponse> {
        self.caller(&request, "ListSnapshots").await?;
        Ok(Response::new(snapshot::list(&self.live)))
    }

    async fn diff_snapshots(
        &self,
        request: Request<v1::DiffSnapshotsRequest>,
    ) -> Reply<Self::DiffSnapshotsStream> {
        self.caller(&request, "DiffSnapshots").await?;
        let changes = snapshot::diff(&self.live, request.into_inner()).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(changes.into_iter().map(Ok)))))
    }

    async fn roll_back_snapshot(
        &self,
        request: Request<v1::RollBackSnapshotRequest>,
    ) -> Reply<v1::RollBackSnapshotResponse> {
        let actor = self.caller(&request, "RollBackSnapshot").await?;
        Ok(Response::new(snapshot::roll_back(&self.live, actor, request.into_inner()).await?))
    }

    async fn list_sources(&self, request: Request<v1::ListSourcesRequest>) -> Reply<v1::ListSourcesResponse> {
        self.caller(&request, "ListSources").await?;
        Ok(Response::new(source::list(&self.live)))
    }

    async fn get_source(&self, request: Request<v1::GetSourceRequest>) -> Reply<v1::Source> {
        self.caller(&request, "GetSource").await?;
        Ok(Response::new(source::get(&self.live, &request.into_inner().name)?))
    }

    async fn sync_source(&self, request: Request<v1::SyncSourceRequest>) -> Reply<v1::SyncSourceResponse> {
        let actor = self.caller(&request, "SyncSource").await?;
        Ok(Response::new(source::sync(&self.live, actor, request.into_inner()).await?))
    }

    async fn preview_source(
        &self,
        request: Request<v1::PreviewSourceRequest>,
    ) -> Reply<v1::PreviewSourceResponse> {
        self.caller(&request, "PreviewSource").await?;
        Ok(Response::new(source::preview(&self.live, &request.into_inner())?))
    }

    async fn forget_in_source(
        &self,
        request: Request<v1::ForgetInSourceRequest>,
    ) -> Reply<v1::ForgetInSourceResponse> {
        let actor = self.caller(&request, "ForgetInSource").await?;
        Ok(Response::new(source::forget(&self.live, actor, request.into_inner()).await?))
    }

    async fn rotate_source_token(
        &self,
        request: Request<v1::RotateSourceTokenRequest>,
    ) -> Reply<v1::RotateSourceTokenResponse> {
        let actor = self.caller(&request, "RotateSourceToken").await?;
        Ok(Response::new(source::rotate_token(&self.live, &actor, &request.into_inner()).await?))
    }

    async fn revoke_source_token(
        &self,
        request: Request<v1::RevokeSourceTokenRequest>,
    ) -> Reply<v1::RevokeSourceTokenResponse> {
        let actor = self.caller(&request, "RevokeSourceToken").await?;
        Ok(Response::new(source::revoke_token(&self.live, &actor, &request.into_inner()).await?))
    }

    async fn get_user(&self, request: Request<v1::GetUserRequest>) -> Reply<v1::User> {
        self.caller(&request, "GetUser").await?;
        Ok(Response::new(user::get(&self.live, &request.into_inner().username)?))
    }

    async fn deactivate_user(&self, request: Request<v1::DeactivateUserRequest>) -> Reply<v1::UserChanged> {
        let actor = self.caller(&request, "DeactivateUser").await?;
        Ok(Response::new(user::deactivate(&self.live, actor, request.into_inner()).await?))
    }

    async fn reactivate_user(&self, request: Request<v1::ReactivateUserRequest>) -> Reply<v1::UserChanged> {
        let actor = self.caller(&request, "ReactivateUser").await?;
        Ok(Response::new(user::reactivate(&self.live, actor, request.into_inner()).await?))
    }

    async fn check_policy(&self, request: Request<v1::CheckPolicyRequest>) -> Reply<v1::CheckPolicyResponse> {
        self.caller(&request, "CheckPolicy").await?;
        Ok(Response::new(policy::check(&self.live, request.into_inner())?))
    }

    async fn apply_policy(&self, request: Request<v1::ApplyPolicyRequest>) -> Reply<v1::ApplyPolicyResponse> {
        let actor = self.caller(&request, "ApplyPolicy").await?;
        Ok(Response::new(policy::apply(&self.live, actor, request.into_inner()).await?))
    }

    async fn show_policy(&self, request: Request<v1::ShowPolicyRequest>) -> Reply<v1::ShowPolicyResponse> {
        self.caller(&request, "ShowPolicy").await?;
        Ok(Response::new(policy::show(&self.live, &request.into_inner().digest)?))
    }

    async fn list_policies(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Reply<v1::ListPoliciesResponse> {
        self.caller(&request, "ListPolicies").await?;
        Ok(Response::new(policy::list(&self.live)?))
    }

    async fn roll_back_policy(
        &self,
        request: Request<v1::RollBackPolicyRequest>,
    ) -> Reply<v1::ApplyPolicyResponse> {
        let actor = self.caller(&request, "RollBackPolicy").await?;
        Ok(Response::new(policy::roll_back(&self.live, actor, request.into_inner()).await?))
    }

    async fn list_policy_proposals(
        &self,
        request: Request<v1::ListPolicyProposalsRequest>,
    ) -> Reply<v1::ListPolicyProposalsResponse> {
        self.caller(&request, "ListPolicyProposals").await?;
        Ok(Response::new(proposal::list(&self.live)?))
    }

    async fn approve_policy(
        &self,
        request: Request<v1::ApprovePolicyRequest>,
    ) -> Reply<v1::ApplyPolicyResponse> {
        let actor = self.caller(&request, "ApprovePolicy").await?;
        Ok(Response::new(proposal::approve(&self.live, actor, request.into_inner()).await?))
    }

    async fn withdraw_policy(
        &self,
        request: Request<v1::WithdrawPolicyRequest>,
    ) -> Reply<v1::WithdrawPolicyResponse> {
        let actor = self.caller(&request, "WithdrawPolicy").await?;
        Ok(Response::new(proposal::withdraw(&self.live, actor, request.into_inner()).await?))
    }

    async fn diff_policies(
        &self,
        request: Request<v1::DiffPoliciesRequest>,
    ) -> Reply<Self::DiffPoliciesStream> {
        self.caller(&request, "DiffPolicies").await?;
        let steps = policy_diff::diff(&self.live, request.into_inner()).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(steps.into_iter().map(Ok)))))
    }

    async fn replay_policy(
        &self,
        request: Request<v1::ReplayPolicyRequest>,
    ) -> Reply<Self::ReplayPolicyStream> {
        self.caller(&request, "ReplayPolicy").await?;
        Ok(Response::new(replay::replay(&self.live, request.into_inner())?))
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Reply<v1::Explanation> {
        self.caller(&request, "Explain").await?;
        Ok(Response::new(explain::explain(&self.live, request.into_inner()).await?))
    }

    async fn who(&self, request: Request<v1::WhoRequest>) -> Reply<Self::WhoStream> {
        self.caller(&request, "Who").await?;
        Ok(Response::new(who::who(Arc::clone(&self.live), request.into_inner()).await?))
    }

    async fn tail_audit(&self, request: Request<v1::TailAuditRequest>) -> Reply<Self::TailAuditStream> {
        self.caller(&request, "TailAudit").await?;
        Ok(Response::new(audit::tail(self.live.audit.clone(), request.into_inner())))
    }
}
