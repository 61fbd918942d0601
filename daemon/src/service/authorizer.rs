use std::{collections::BTreeSet, sync::Arc};

use oam_audit::entry::Event;
use oam_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{
    Live, Peer, conversation,
    reported::{self, Report},
};

/// Answers hooks.
#[derive(Debug, Clone)]
pub struct AuthorizerService {
    live: Arc<Live>,
    uids: Arc<BTreeSet<u32>>,
}

impl AuthorizerService {
    /// A service for these users of this host, and for every host with a certificate.
    pub fn new(live: Arc<Live>, uids: BTreeSet<u32>) -> Self {
        Self { live, uids: Arc::new(uids) }
    }

    fn peer<T>(&self, request: &Request<T>) -> Result<Peer, Status> {
        let peer = Peer::of(request)?;
        if peer.may_ask(&self.uids) {
            return Ok(peer);
        }
        tracing::warn!(%peer, "somebody who may not ask tried to");
        Err(Status::permission_denied(format!(
            "{peer} may not ask for decisions: name the git server's user in `hook.uids` of the daemon's configuration"
        )))
    }

    /// Stores what was reported, durably.
    async fn store(&self, events: &[Event]) -> Result<(), Status> {
        let batch = reported::batch(&self.live.audit, events).map_err(|error| invalid(&error))?;
        let Some(batch) = batch else { return Ok(()) };
        let stored = self.live.audit.append(batch).await;
        stored.map(drop).map_err(|error| Status::unavailable(error.to_string()))
    }
}

#[tonic::async_trait]
impl v1::authorizer_server::Authorizer for AuthorizerService {
    type AuthorizeStream = ReceiverStream<Result<v1::AuthorizeResponse, Status>>;

    async fn authorize(
        &self,
        request: Request<Streaming<v1::AuthorizeRequest>>,
    ) -> Result<Response<Self::AuthorizeStream>, Status> {
        let peer = self.peer(&request)?;
        let (replies, stream) = mpsc::channel(2);
        tokio::spawn(conversation::hold(Arc::clone(&self.live), peer, request.into_inner(), replies));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn deliver_spooled(
        &self,
        request: Request<v1::SpooledPush>,
    ) -> Result<Response<v1::DeliverSpooledResponse>, Status> {
        let peer = self.peer(&request)?;
        let push = request.into_inner();
        if !self.live.spooled.is_new(&push.id) {
            return Ok(Response::new(v1::DeliverSpooledResponse {}));
        }
        let why = push.why.clone();
        let report = Report::of_spooled(push).map_err(|error| invalid(&error))?;
        self.store(&report.unchecked(&why)).await?;
        let updates = report.chunks.iter().flatten().cloned();
        self.live.permits.add(&report.id, &report.repository, &report.principal, updates);
        self.live.spooled.recorded(&report.id);
        let id = report.id;
        tracing::warn!(%id, %peer, "a push that was let through while no daemon could be asked is now recorded");
        Ok(Response::new(v1::DeliverSpooledResponse {}))
    }

    async fn report_applied(
        &self,
        request: Request<v1::AppliedPush>,
    ) -> Result<Response<v1::ReportAppliedResponse>, Status> {
        let peer = self.peer(&request)?;
        let push = request.into_inner();
        if !self.live.applied.is_new(&push.id) {
            return Ok(Response::new(v1::ReportAppliedResponse::default()));
        }
        let report = Report::of_applied(push).map_err(|error| invalid(&error))?;
        let entries = report.applied(&self.live.permits).map_err(|error| invalid(&error))?;
        self.store(&entries.iter().cloned().map(Event::RefsApplied).collect::<Vec<_>>()).await?;
        let without_decision = self.live.applied.recorded(&report.id, &entries);
        if without_decision > 0 {
            self.live.metrics.applied_without_decision(without_decision);
            tracing::error!(
                %peer, repository = report.repository, user = report.principal, without_decision,
                "refs changed without a decision: is the hook that checks pushes missing?"
            );
        }
        Ok(Response::new(v1::ReportAppliedResponse { without_decision }))
    }
}

fn invalid(error: &impl ToString) -> Status {
    Status::invalid_argument(error.to_string())
}
