//! Providers call to tell that something changed: at `/hooks/<source>`, where SCIM is listened for.
//!
//! **In:** calls of whoever knows the secret of the source. **Out:** nothing but that they came: what they are about is read
//! again by the one who follows the source ([`crate::pull`]). So what they say of it, and in which order, does not matter; that
//! one comes twice is noticed, and that one is lost is made good by asking.
//!
//! **Must never:** believe what a call says, tell somebody without a secret which sources there are, or let a caller wait or
//! hold on to what it does not use.

mod graph;
mod okta;
mod seen;

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path as Matched, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
    routing::any,
};
use oam_policy::Digest;
use serde_json::Value;
use tokio::time::timeout;

use super::http;
use crate::{config::Upstream, https::Failures, service::Live, source::Source};
use seen::Seen;

/// The largest call that is read.
const MAX_BODY: usize = 1 << 20;
/// How long it may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What the handler shares.
#[derive(Debug)]
struct Service {
    live: Arc<Live>,
    /// Of each source: what came already.
    seen: Mutex<HashMap<String, Seen>>,
    failures: Failures,
}

/// What answers there.
pub fn router(live: Arc<Live>) -> Router {
    let service = Service { live, seen: Mutex::default(), failures: Failures::default() };
    Router::new().route("/hooks/{source}", any(handle)).with_state(Arc::new(service))
}

async fn handle(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<SocketAddr>,
    Matched(name): Matched<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(source) = graph::source(&service.live, &name) {
        let response = match graph::validation(source, &parts) {
            Some(response) => Some(response).filter(|response| response.status() != StatusCode::UNAUTHORIZED),
            // What was agreed upon stands in the body: who sends none that can be read has not shown it.
            None => read(body).await.ok().and_then(|body| graph::take(source, &body)),
        };
        let Some(response) = response else { return service.refused(peer) };
        service.live.metrics.source_asked(source.name().as_str(), response.status().as_u16());
        return response;
    }
    let Some(source) = admitted(&service.live, &name, &parts.headers) else { return service.refused(peer) };
    let response = match parts.method {
        Method::GET => okta::verification(&parts.headers),
        Method::POST => match read(body).await {
            Ok(body) => service.take(&source, &body),
            Err(status) => answer(status),
        },
        _ => answer(StatusCode::METHOD_NOT_ALLOWED),
    };
    service.live.metrics.source_asked(source.name().as_str(), response.status().as_u16());
    response
}

/// The source that is called for, if the secret is its.
fn admitted(live: &Live, name: &str, headers: &HeaderMap) -> Option<Arc<Source>> {
    let source = live.sources.get(name).ok()?;
    let Some(Upstream::Okta(config)) = &source.config().upstream else { return None };
    let shown = headers.get(header::AUTHORIZATION)?;
    is_secret(config.hook_secret_file.as_deref()?, shown.as_bytes()).then(|| Arc::clone(source))
}

/// Whether this is the secret that a file holds. Only digests meet here, of which nobody can choose a beginning.
fn is_secret(file: &Path, shown: &[u8]) -> bool {
    match http::secret(file) {
        Ok(secret) => Digest::of(secret.reveal().as_bytes()) == Digest::of(shown),
        Err(error) => {
            tracing::warn!(%error, "calls of a provider cannot be let in");
            false
        }
    }
}

async fn read(body: Body) -> Result<Bytes, StatusCode> {
    let read = timeout(BODY_TIME, to_bytes(body, MAX_BODY)).await;
    read.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)
}

fn answer(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn json(value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Service {
    /// Has read again what a call is about.
    fn take(&self, source: &Source, body: &[u8]) -> Response {
        let Some(events) = okta::events(body) else {
            tracing::warn!(source = %source.name(), "a call of the provider says what cannot be read");
            return answer(StatusCode::BAD_REQUEST);
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.entry(source.name().to_string()).or_default();
        for event in events {
            if seen.is_new(&event.uuid) {
                source.feed().poke(event.pokes());
            }
        }
        answer(StatusCode::OK)
    }

    /// The answer to somebody who shows no secret, whatever they ask and wherever: which sources there are is not told.
    fn refused(&self, peer: SocketAddr) -> Response {
        if !self.failures.are_too_many(peer.ip()) {
            return answer(StatusCode::UNAUTHORIZED);
        }
        let mut response = answer(StatusCode::TOO_MANY_REQUESTS);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        response
    }
}
