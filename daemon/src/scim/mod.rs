//! The SCIM 2.0 listener: identity providers push users and groups to `/scim/v2/<source>`.
//!
//! A request is answered when what it changes is durable, in the audit log and in force; see [`crate::source`]. How
//! bodies, filters and changes are read is [`oam_scim`]'s.
//!
//! It must never take a token over a connection that others can read, log or keep a token or a body, tell somebody
//! without a token which sources there are, or let a client hold on to what it does not use: time and bytes are limited
//! here, connections in [`crate::https`].

mod answer;
mod discovery;
mod edits;
mod group;
mod hits;
mod query;
mod route;
mod user;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    response::Response,
};
use oam_scim::{Problem, ScimType};
use serde_json::Value;
use tokio::time::timeout;

use crate::{https::Failures, service::Live, source::Source};
use answer::Answer;
use hits::{Hit, Hits};
use query::Query;
use route::Route;

/// The largest body that is read: a group with tens of thousands of members.
const MAX_BODY: usize = 8 << 20;
/// How long a client may take to send it.
const BODY_TIME: Duration = Duration::from_secs(30);

/// What the handler shares.
#[derive(Debug)]
struct Service {
    live: Arc<Live>,
    failures: Failures,
    /// `http` or `https`, for addresses in answers.
    scheme: &'static str,
}

/// One request that is let in.
#[derive(Debug)]
struct Asked<'a> {
    live: &'a Live,
    source: &'a Source,
    /// As the audit log writes who asked.
    actor: String,
    method: Method,
    query: Query,
    headers: HeaderMap,
    /// The base address of the source.
    base: String,
    body: Value,
}

/// What answers there.
pub fn router(live: Arc<Live>, is_secured: bool) -> Router {
    let scheme = if is_secured { "https" } else { "http" };
    let service = Arc::new(Service { live, failures: Failures::default(), scheme });
    Router::new().fallback(handle).with_state(service)
}

async fn handle(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<SocketAddr>,
    request: Request,
) -> Response {
    // A task of its own: what has begun is finished, also when the client goes away.
    let answered = tokio::spawn(async move { answer(&service, peer, request).await }).await;
    answered.unwrap_or_else(|error| {
        tracing::error!(%error, "a SCIM request could not be answered");
        Answer::from(Problem::other(500, "the request could not be answered")).into_response()
    })
}

async fn answer(service: &Service, peer: SocketAddr, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some((name, rest)) = route::source(parts.uri.path()) else {
        return Answer::from(Problem::other(404, "SCIM is at `/scim/v2/<source>`")).into_response();
    };
    let Some((source, token)) = admitted(service, name, &parts.headers) else {
        return answer::refusal(service.failures.are_too_many(peer.ip()));
    };
    source.heard();
    let outcome = async {
        let route = Route::parse(rest)?;
        route.check(&parts.method)?;
        let body = match parts.method {
            Method::POST | Method::PUT | Method::PATCH => read(body).await?,
            _ => Value::Null,
        };
        let asked = Asked {
            live: &service.live,
            source: &source,
            actor: format!("source {} (token {token})", source.name()),
            query: Query::parse(parts.uri.query()),
            base: base(service, &parts.headers, &source),
            method: parts.method.clone(),
            headers: parts.headers,
            body,
        };
        route.answer(&asked).await
    }
    .await;
    let answer = outcome.unwrap_or_else(Answer::from);
    tracing::info!(source = %source.name(), method = %parts.method, status = answer.status(), "scim");
    service.live.metrics.source_asked(source.name().as_str(), answer.status());
    answer.into_response()
}

/// The source that a request is for, and the name of the token that it shows; `None` whatever is wrong.
fn admitted(service: &Service, name: &str, headers: &HeaderMap) -> Option<(Arc<Source>, String)> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let source = service.live.sources.get(name).ok()?;
    let id = source.accept(token.trim())?;
    Some((Arc::clone(source), id))
}

async fn read(body: axum::body::Body) -> Result<Value, Problem> {
    let bytes = timeout(BODY_TIME, to_bytes(body, MAX_BODY)).await;
    let bytes = bytes.map_err(|_| Problem::other(408, "the body did not come in time"))?;
    let bytes = bytes.map_err(|_| {
        Problem::other(413, format!("the body is longer than {MAX_BODY} bytes, or broken off"))
    })?;
    // What serde_json says of a text may quote it, and it may hold a password.
    serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::bad(ScimType::InvalidSyntax, format!("the body is no JSON: see {place}"))
    })
}

/// The address of the source, as the client knows it.
fn base(service: &Service, headers: &HeaderMap, source: &Source) -> String {
    let scim = service.live.config.scim.as_ref();
    let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let origin = match scim.and_then(|scim| scim.url.as_deref()) {
        Some(url) => url.to_owned(),
        None => format!("{}://{}", service.scheme, host()),
    };
    format!("{origin}/scim/v2/{}", source.name())
}
