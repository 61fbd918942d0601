//! A server of the admin service that answers from a few values, and remembers what it was asked.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};

use oam_proto::v1::{self, import_snapshot_request::Step as Sent, import_snapshot_response::Step as Told};
use tokio_stream::{Iter, iter};
use tonic::{Request, Response, Status, Streaming};

type Answers<T> = Iter<std::vec::IntoIter<Result<T, Status>>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Daemon {
    /// Not ready, and undecided about everything.
    pub(crate) empty: bool,
    /// It knows nothing of the messages and the files of commits.
    pub(crate) old: bool,
    /// Answers every call with this code.
    pub(crate) fails: Option<tonic::Code>,
    /// Policies have a fault.
    pub(crate) finds_faults: bool,
    /// Who would be permitted.
    pub(crate) permits: &'static str,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) imported: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Daemon {
    pub(crate) fn service(self) -> v1::admin_server::AdminServer<Self> {
        v1::admin_server::AdminServer::new(self)
    }

    /// What it was asked, each message as Rust prints it.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The chunks of the imports.
    pub(crate) fn imported(&self) -> Vec<Vec<u8>> {
        self.imported.lock().unwrap().clone()
    }

    fn note<T: Debug>(&self, request: Request<T>) -> Result<T, Status> {
        let message = request.into_inner();
        self.asked.lock().unwrap().push(format!("{message:?}"));
        match self.fails {
            Some(code) => Err(Status::new(code, "the daemon says \u{1b}[2Jno")),
            None => Ok(message),
        }
    }
}

fn faults() -> v1::Faults {
    let fault = v1::Fault { message: "it is wrong".into(), ..v1::Fault::default() };
    v1::Faults { faults: vec![fault], total: 1 }
}

fn snapshot(generation: u64) -> Option<v1::SnapshotInfo> {
    Some(v1::SnapshotInfo { generation, digest: "beef".repeat(16), ..v1::SnapshotInfo::default() })
}

fn user(username: &str) -> v1::User {
    v1::User { username: username.into(), in_directory: true, active: true, ..v1::User::default() }
}

/// Something that somebody asks for.
fn waiting() -> v1::Privilege {
    v1::Privilege { id: "7k2m9x".into(), stage: "waiting".into(), needed: 1, ..v1::Privilege::default() }
}

fn stream<T>(items: Vec<T>) -> Response<Answers<T>> {
    Response::new(iter(items.into_iter().map(Ok).collect::<Vec<_>>()))
}

#[tonic::async_trait]
impl v1::admin_server::Admin for Daemon {
    async fn get_status(
        &self,
        request: Request<v1::GetStatusRequest>,
    ) -> Result<Response<v1::Status>, Status> {
        self.note(request)?;
        let audit = v1::AuditInfo { entries: self.entries.len() as u64, ..v1::AuditInfo::default() };
        Ok(Response::new(v1::Status { ready: !self.empty, audit: Some(audit), ..v1::Status::default() }))
    }

    async fn get_bitbucket(
        &self,
        request: Request<v1::GetBitbucketRequest>,
    ) -> Result<Response<v1::BitbucketState>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::BitbucketState::default()))
    }

    type GetProvisioningStream = Answers<v1::ProvisioningStep>;

    async fn get_provisioning(
        &self,
        request: Request<v1::GetProvisioningRequest>,
    ) -> Result<Response<Self::GetProvisioningStream>, Status> {
        self.note(request)?;
        Err(Status::failed_precondition("permissions in Bitbucket are not kept"))
    }

    async fn begin_bitbucket_change(
        &self,
        request: Request<v1::BeginBitbucketChangeRequest>,
    ) -> Result<Response<v1::BeginBitbucketChangeResponse>, Status> {
        self.note(request)?;
        Err(Status::failed_precondition("permissions in Bitbucket are not kept"))
    }

    async fn end_bitbucket_change(
        &self,
        request: Request<v1::EndBitbucketChangeRequest>,
    ) -> Result<Response<v1::EndBitbucketChangeResponse>, Status> {
        self.note(request)?;
        Err(Status::failed_precondition("permissions in Bitbucket are not kept"))
    }

    async fn tell_bitbucket_watch(
        &self,
        request: Request<v1::TellBitbucketWatchRequest>,
    ) -> Result<Response<v1::TellBitbucketWatchResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::TellBitbucketWatchResponse::default()))
    }

    async fn tell_bitbucket_accounts(
        &self,
        request: Request<Streaming<v1::TellBitbucketAccountsRequest>>,
    ) -> Result<Response<v1::TellBitbucketAccountsResponse>, Status> {
        let first = request.into_inner().message().await?.unwrap_or_default();
        self.note(Request::new(first))?;
        Ok(Response::new(v1::TellBitbucketAccountsResponse::default()))
    }

    async fn tell_bitbucket_drift(
        &self,
        request: Request<Streaming<v1::TellBitbucketDriftRequest>>,
    ) -> Result<Response<v1::TellBitbucketDriftResponse>, Status> {
        let first = request.into_inner().message().await?.unwrap_or_default();
        self.note(Request::new(first))?;
        Err(Status::failed_precondition("permissions in Bitbucket are not kept"))
    }

    type ImportSnapshotStream = Answers<v1::ImportSnapshotResponse>;

    async fn import_snapshot(
        &self,
        request: Request<Streaming<v1::ImportSnapshotRequest>>,
    ) -> Result<Response<Self::ImportSnapshotStream>, Status> {
        let mut messages = request.into_inner();
        let first = messages.message().await?.and_then(|message| message.step);
        let Some(Sent::Opening(opening)) = first else { return Err(Status::invalid_argument("no opening")) };
        let opening = self.note(Request::new(opening))?;
        let mut bytes = Vec::new();
        while let Some(message) = messages.message().await? {
            let Some(Sent::Chunk(chunk)) = message.step else {
                return Err(Status::invalid_argument("no chunk"));
            };
            bytes.extend_from_slice(&chunk);
            self.imported.lock().unwrap().push(chunk);
        }
        let progress = v1::ImportProgress { stage: "parsing".into(), bytes_received: bytes.len() as u64 };
        let outcome = if bytes.ends_with(b"bad") {
            Told::Faults(faults())
        } else {
            Told::Done(v1::ImportDone {
                snapshot: snapshot(13),
                added: 2,
                dry_run: opening.dry_run,
                ..v1::ImportDone::default()
            })
        };
        let say = |step| v1::ImportSnapshotResponse { step: Some(step) };
        Ok(stream(vec![say(Told::Progress(progress)), say(outcome)]))
    }

    type ShowSnapshotStream = Answers<v1::User>;

    async fn show_snapshot(
        &self,
        request: Request<v1::ShowSnapshotRequest>,
    ) -> Result<Response<Self::ShowSnapshotStream>, Status> {
        self.note(request)?;
        Ok(stream((0..20_000).map(|number| user(&format!("user-{number}"))).collect()))
    }

    async fn list_snapshots(
        &self,
        request: Request<v1::ListSnapshotsRequest>,
    ) -> Result<Response<v1::ListSnapshotsResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::ListSnapshotsResponse { snapshots: snapshot(13).into_iter().collect() }))
    }

    type DiffSnapshotsStream = Answers<v1::SnapshotChange>;

    async fn diff_snapshots(
        &self,
        request: Request<v1::DiffSnapshotsRequest>,
    ) -> Result<Response<Self::DiffSnapshotsStream>, Status> {
        self.note(request)?;
        let change = v1::snapshot_change::Change::UserAdded("ada".into());
        Ok(stream(vec![v1::SnapshotChange { change: Some(change) }]))
    }

    async fn roll_back_snapshot(
        &self,
        request: Request<v1::RollBackSnapshotRequest>,
    ) -> Result<Response<v1::RollBackSnapshotResponse>, Status> {
        self.note(request)?;
        let cut_off_since = vec!["eve".to_owned()];
        Ok(Response::new(v1::RollBackSnapshotResponse { snapshot: snapshot(14), cut_off_since }))
    }

    async fn list_sources(
        &self,
        request: Request<v1::ListSourcesRequest>,
    ) -> Result<Response<v1::ListSourcesResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::ListSourcesResponse { sources: vec![source("okta")] }))
    }

    async fn get_source(
        &self,
        request: Request<v1::GetSourceRequest>,
    ) -> Result<Response<v1::Source>, Status> {
        Ok(Response::new(source(&self.note(request)?.name)))
    }

    async fn sync_source(
        &self,
        request: Request<v1::SyncSourceRequest>,
    ) -> Result<Response<v1::SyncSourceResponse>, Status> {
        let source = Some(source(&self.note(request)?.name));
        Ok(Response::new(v1::SyncSourceResponse { source, advice: "push it all again".into() }))
    }

    async fn preview_source(
        &self,
        request: Request<v1::PreviewSourceRequest>,
    ) -> Result<Response<v1::PreviewSourceResponse>, Status> {
        self.note(request)?;
        let (group, problems) = ("okta:eng".into(), vec!["it is cut off".into()]);
        Ok(Response::new(v1::PreviewSourceResponse { group, problems, ..Default::default() }))
    }

    async fn forget_in_source(
        &self,
        request: Request<v1::ForgetInSourceRequest>,
    ) -> Result<Response<v1::ForgetInSourceResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::ForgetInSourceResponse {}))
    }

    async fn rotate_source_token(
        &self,
        request: Request<v1::RotateSourceTokenRequest>,
    ) -> Result<Response<v1::RotateSourceTokenResponse>, Status> {
        self.note(request)?;
        let info = source("okta").tokens.pop();
        Ok(Response::new(v1::RotateSourceTokenResponse { token: "oamscim_once".into(), info }))
    }

    async fn revoke_source_token(
        &self,
        request: Request<v1::RevokeSourceTokenRequest>,
    ) -> Result<Response<v1::RevokeSourceTokenResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::RevokeSourceTokenResponse { info: source("okta").tokens.pop() }))
    }

    async fn list_secrets(
        &self,
        request: Request<v1::ListSecretsRequest>,
    ) -> Result<Response<v1::ListSecretsResponse>, Status> {
        self.note(request)?;
        let key = v1::Secret { name: "tcp.key".into(), state: "old".into(), ..Default::default() };
        let ended =
            v1::Secret { name: "tcp.certificate".into(), state: "ended".into(), ..Default::default() };
        Ok(Response::new(v1::ListSecretsResponse { secrets: vec![ended, key] }))
    }

    async fn list_signals(
        &self,
        request: Request<v1::ListSignalsRequest>,
    ) -> Result<Response<v1::ListSignalsResponse>, Status> {
        self.note(request)?;
        let well = v1::Transmitter { name: "okta".into(), ..Default::default() };
        let blind = v1::Transmitter { name: "idp".into(), blind: "it paused".into(), ..Default::default() };
        Ok(Response::new(v1::ListSignalsResponse { transmitters: vec![blind, well] }))
    }

    async fn set_up_signals(
        &self,
        request: Request<v1::SetUpSignalsRequest>,
    ) -> Result<Response<v1::SetUpSignalsResponse>, Status> {
        self.note(request)?;
        let token = "oamssf_once".into();
        Ok(Response::new(v1::SetUpSignalsResponse { token, ..Default::default() }))
    }

    async fn verify_signals(
        &self,
        request: Request<v1::VerifySignalsRequest>,
    ) -> Result<Response<v1::VerifySignalsResponse>, Status> {
        let verified = self.note(request)?.name == "okta";
        Ok(Response::new(v1::VerifySignalsResponse { verified, ..Default::default() }))
    }

    async fn remove_signals(
        &self,
        request: Request<v1::RemoveSignalsRequest>,
    ) -> Result<Response<v1::RemoveSignalsResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::RemoveSignalsResponse { transmitter: Some(v1::Transmitter::default()) }))
    }

    async fn get_user(&self, request: Request<v1::GetUserRequest>) -> Result<Response<v1::User>, Status> {
        Ok(Response::new(user(&self.note(request)?.username)))
    }

    async fn deactivate_user(
        &self,
        request: Request<v1::DeactivateUserRequest>,
    ) -> Result<Response<v1::UserChanged>, Status> {
        let name = self.note(request)?.username;
        Ok(Response::new(v1::UserChanged { user: Some(user(&name)), snapshot: snapshot(13), changed: true }))
    }

    async fn reactivate_user(
        &self,
        request: Request<v1::ReactivateUserRequest>,
    ) -> Result<Response<v1::UserChanged>, Status> {
        let name = self.note(request)?.username;
        Ok(Response::new(v1::UserChanged { user: Some(user(&name)), snapshot: snapshot(13), changed: false }))
    }

    async fn check_policy(
        &self,
        request: Request<v1::CheckPolicyRequest>,
    ) -> Result<Response<v1::CheckPolicyResponse>, Status> {
        self.note(request)?;
        let faults = self.finds_faults.then(faults);
        Ok(Response::new(v1::CheckPolicyResponse { faults, ..v1::CheckPolicyResponse::default() }))
    }

    async fn apply_policy(
        &self,
        request: Request<v1::ApplyPolicyRequest>,
    ) -> Result<Response<v1::ApplyPolicyResponse>, Status> {
        self.note(request)?;
        let faults = self.finds_faults.then(faults);
        let changed = faults.is_none();
        Ok(Response::new(v1::ApplyPolicyResponse { faults, changed, ..v1::ApplyPolicyResponse::default() }))
    }

    async fn show_policy(
        &self,
        request: Request<v1::ShowPolicyRequest>,
    ) -> Result<Response<v1::ShowPolicyResponse>, Status> {
        self.note(request)?;
        let policy = v1::PolicyInfo { in_force: true, ..v1::PolicyInfo::default() };
        Ok(Response::new(v1::ShowPolicyResponse { policy: Some(policy), files: Vec::new() }))
    }

    async fn list_policies(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Result<Response<v1::ListPoliciesResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::ListPoliciesResponse::default()))
    }

    type DiffPoliciesStream = Answers<v1::DiffPoliciesResponse>;

    async fn diff_policies(
        &self,
        request: Request<v1::DiffPoliciesRequest>,
    ) -> Result<Response<Self::DiffPoliciesStream>, Status> {
        use v1::diff_policies_response::Step;
        self.note(request)?;
        let say = |step| v1::DiffPoliciesResponse { step: Some(step) };
        if self.finds_faults {
            return Ok(stream(vec![say(Step::Faults(faults()))]));
        }
        let change = v1::PolicyChange { effect: "loses".into(), users: 3, ..v1::PolicyChange::default() };
        let done = v1::PolicyDiffDone { changes: 1, exact: true, ..v1::PolicyDiffDone::default() };
        // Nothing says that a stream that was cut off was not all.
        let end = if self.empty { vec![] } else { vec![say(Step::Done(done))] };
        Ok(stream([vec![say(Step::Change(change))], end].concat()))
    }

    type ReplayPolicyStream = Answers<v1::ReplayPolicyResponse>;

    async fn replay_policy(
        &self,
        request: Request<v1::ReplayPolicyRequest>,
    ) -> Result<Response<Self::ReplayPolicyStream>, Status> {
        let asked = self.note(request)?;
        Ok(stream(super::replay::answer(self, &asked)))
    }

    async fn roll_back_policy(
        &self,
        request: Request<v1::RollBackPolicyRequest>,
    ) -> Result<Response<v1::ApplyPolicyResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::ApplyPolicyResponse { changed: true, ..v1::ApplyPolicyResponse::default() }))
    }

    async fn list_policy_proposals(
        &self,
        request: Request<v1::ListPolicyProposalsRequest>,
    ) -> Result<Response<v1::ListPolicyProposalsResponse>, Status> {
        self.note(request)?;
        let proposals = vec![v1::PolicyProposal::default()];
        Ok(Response::new(v1::ListPolicyProposalsResponse { proposals, needed: 1 }))
    }

    async fn approve_policy(
        &self,
        request: Request<v1::ApprovePolicyRequest>,
    ) -> Result<Response<v1::ApplyPolicyResponse>, Status> {
        let digest = self.note(request)?.digest;
        // Of a policy that begins so, more than one approval is needed.
        let waits = digest.starts_with("beef");
        let proposal =
            waits.then(|| v1::PolicyProposal { digest, needed: 2, ..v1::PolicyProposal::default() });
        let changed = proposal.is_none();
        Ok(Response::new(v1::ApplyPolicyResponse { proposal, changed, ..v1::ApplyPolicyResponse::default() }))
    }

    async fn withdraw_policy(
        &self,
        request: Request<v1::WithdrawPolicyRequest>,
    ) -> Result<Response<v1::WithdrawPolicyResponse>, Status> {
        let digest = self.note(request)?.digest;
        let proposal = Some(v1::PolicyProposal { digest, ..v1::PolicyProposal::default() });
        Ok(Response::new(v1::WithdrawPolicyResponse { proposal }))
    }

    async fn request_privilege(
        &self,
        request: Request<v1::RequestPrivilegeRequest>,
    ) -> Result<Response<v1::Privilege>, Status> {
        self.note(request)?;
        Ok(Response::new(waiting()))
    }

    async fn list_privileges(
        &self,
        request: Request<v1::ListPrivilegesRequest>,
    ) -> Result<Response<v1::ListPrivilegesResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::ListPrivilegesResponse { privileges: vec![waiting()] }))
    }

    async fn approve_privilege(
        &self,
        request: Request<v1::ApprovePrivilegeRequest>,
    ) -> Result<Response<v1::Privilege>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::Privilege { stage: "live".into(), to_micros: 1, ..waiting() }))
    }

    async fn end_privilege(
        &self,
        request: Request<v1::EndPrivilegeRequest>,
    ) -> Result<Response<v1::Privilege>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::Privilege { stage: "ended".into(), ended: "denied".into(), ..waiting() }))
    }

    async fn get_privilege_report(
        &self,
        request: Request<v1::GetPrivilegeReportRequest>,
    ) -> Result<Response<v1::PrivilegeReport>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::PrivilegeReport {
            privilege: Some(waiting()),
            ..v1::PrivilegeReport::default()
        }))
    }

    async fn sign_off_privilege(
        &self,
        request: Request<v1::SignOffPrivilegeRequest>,
    ) -> Result<Response<v1::Privilege>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::Privilege { stage: "ended".into(), ..waiting() }))
    }

    async fn attest_access(
        &self,
        request: Request<v1::AttestAccessRequest>,
    ) -> Result<Response<v1::AttestAccessResponse>, Status> {
        self.note(request)?;
        Ok(Response::new(v1::AttestAccessResponse { seq: 7, by: "rita".into() }))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::Explanation>, Status> {
        let v1::ExplainRequest { username, policy, .. } = self.note(request)?;
        if self.finds_faults && !policy.is_empty() {
            return Ok(Response::new(v1::Explanation {
                faults: Some(faults()),
                ..v1::Explanation::default()
            }));
        }
        let outcome = match (self.empty, username == self.permits) {
            (true, _) => v1::Outcome::Undecided,
            (false, true) => v1::Outcome::Permitted,
            (false, false) => v1::Outcome::Refused,
        };
        let decision = v1::Decision { outcome: outcome as i32, username, ..v1::Decision::default() };
        Ok(Response::new(v1::Explanation {
            decision: Some(decision),
            commit_taken: !self.old,
            ..v1::Explanation::default()
        }))
    }

    type WhoStream = Answers<v1::WhoResponse>;

    async fn who(&self, request: Request<v1::WhoRequest>) -> Result<Response<Self::WhoStream>, Status> {
        let drafted = !self.note(request)?.policy.is_empty();
        Ok(stream(super::who::answer(self, drafted)))
    }

    type TailAuditStream = Answers<v1::AuditEntry>;

    async fn tail_audit(
        &self,
        request: Request<v1::TailAuditRequest>,
    ) -> Result<Response<Self::TailAuditStream>, Status> {
        self.note(request)?;
        let entry = |(seq, json): (usize, &Vec<u8>)| v1::AuditEntry { seq: seq as u64, json: json.clone() };
        Ok(stream(self.entries.iter().enumerate().map(entry).collect()))
    }

    async fn erase_people(
        &self,
        request: Request<v1::ErasePeopleRequest>,
    ) -> Result<Response<v1::ErasePeopleResponse>, Status> {
        let aliases = self.note(request)?.names.iter().map(|name| format!(" person:{name}")).collect();
        Ok(Response::new(v1::ErasePeopleResponse { aliases, seq: 7 }))
    }
}

fn source(name: &str) -> v1::Source {
    let token = v1::SourceToken { id: "1a2b3c4d".into(), created_by: "uid 0".into(), ..Default::default() };
    v1::Source {
        name: name.into(),
        kind: "scim".into(),
        users: 3,
        stale: name == "old",
        username: "userName".into(),
        path: format!("/scim/v2/{name}"),
        tokens: vec![token],
        ..Default::default()
    }
}
