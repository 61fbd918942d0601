use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use oam_audit::entry::{self, Event, PermittedWhileUnavailable, RefBytes, SpooledUpdate};
use oam_policy::{RefUpdate, Username};
use oam_proto::{WireError, limits, update_from_wire, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Live, Peer, conversation};
use crate::{audit_log::Batch, authorize::record};

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
        let id = push.id.clone();
        if !self.live.spooled.is_new(&id) {
            return Ok(Response::new(v1::DeliverSpooledResponse {}));
        }
        let events = spooled(push).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let batch = batch(&events).map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.live.audit.append(batch).await.map_err(|error| Status::unavailable(error.to_string()))?;
        self.live.spooled.recorded(&id);
        tracing::warn!(%id, %peer, "a push that was let through while no daemon could be asked is now recorded");
        Ok(Response::new(v1::DeliverSpooledResponse {}))
    }
}

/// How many updates one entry about a spooled push holds, so that it fits.
const UPDATES_PER_ENTRY: usize = 64;
/// How long names may be together in one entry, in bytes.
const NAME_BYTES_PER_ENTRY: usize = 20_000;

fn spooled(push: v1::SpooledPush) -> Result<Vec<Event>, WireError> {
    let fault = |field, detail: &dyn ToString| WireError { field, detail: detail.to_string() };
    uuid::Uuid::parse_str(&push.id).map_err(|error| fault("id", &error))?;
    let at = Timestamp::from_microsecond(push.at_micros).map_err(|error| fault("at_micros", &error))?;
    let opening = push.opening.ok_or_else(|| fault("opening", &"it is missing"))?;
    let principal = Username::parse(&opening.pusher).map_err(|error| fault("pusher", &error))?;
    if push.updates.is_empty() || push.updates.len() > limits::UPDATES_PER_PUSH {
        return Err(fault("updates", &format_args!("{} of them", push.updates.len())));
    }
    let updates = push.updates.into_iter().map(update_from_wire).collect::<Result<Vec<_>, _>>()?;
    let about = PermittedWhileUnavailable {
        spool: push.id,
        host: clipped(&push.host),
        at: entry::Time::from(at),
        repository: clipped(&opening.repository),
        principal: principal.as_str().to_owned(),
        updates: Vec::new(),
        why: clipped(&push.why),
    };
    let entries = in_chunks(updates).into_iter().map(|updates| {
        Event::PermittedWhileUnavailable(PermittedWhileUnavailable { updates, ..about.clone() })
    });
    Ok(entries.collect())
}

fn in_chunks(updates: Vec<RefUpdate>) -> Vec<Vec<SpooledUpdate>> {
    let mut chunks: Vec<Vec<SpooledUpdate>> = Vec::new();
    let mut bytes = 0;
    for update in updates {
        let length = update.name.as_bytes().len();
        let fits = chunks.last().is_some_and(|chunk| chunk.len() < UPDATES_PER_ENTRY)
            && bytes + length <= NAME_BYTES_PER_ENTRY;
        let written = SpooledUpdate {
            name: RefBytes::from(update.name.as_bytes()),
            change: record::change(&update.change),
        };
        match chunks.last_mut() {
            Some(chunk) if fits => {
                bytes += length;
                chunk.push(written);
            }
            _ => {
                bytes = length;
                chunks.push(vec![written]);
            }
        }
    }
    chunks
}

fn batch(events: &[Event]) -> Result<Batch, Box<dyn std::error::Error + Send + Sync>> {
    let (first, rest) = events.split_first().ok_or("nothing to record")?;
    let mut batch = Batch::new(first)?;
    for event in rest {
        batch = batch.and(event)?;
    }
    Ok(batch)
}

/// A text from another host, short enough for an entry.
fn clipped(text: &str) -> String {
    text.chars().take(500).collect()
}
