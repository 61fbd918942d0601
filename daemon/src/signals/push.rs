//! Signals that are pushed (RFC 8935): `POST /signals/<name>`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::post,
};
use serde_json::json;
use tokio::time::timeout;

use super::{NotTaken, Receiver, SetCode};
use crate::{config::Delivery, https::Failures, oidc::LONGEST, service::Live};

/// The type of what is pushed.
const TYPE: &str = "application/secevent+jwt";
/// How long it may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Service {
    live: Arc<Live>,
    failures: Failures,
}

/// What answers beside SCIM.
pub fn router(live: Arc<Live>) -> Router {
    let service = Arc::new(Service { live, failures: Failures::default() });
    Router::new().route("/signals/{name}", post(handle)).with_state(service)
}

async fn handle(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    Extension(peer): Extension<SocketAddr>,
    request: Request,
) -> Response {
    let Some(receiver) = admitted(&service.live, &name, &request) else {
        return if service.failures.are_too_many(peer.ip()) {
            let mut response =
                refusal(StatusCode::TOO_MANY_REQUESTS, "authentication_failed", "wait a minute");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            response
        } else {
            let what = "a valid bearer token of this transmitter is needed";
            let mut response = refusal(StatusCode::UNAUTHORIZED, "authentication_failed", what);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        };
    };
    // A task of its own: what has begun is finished, also when the transmitter goes away.
    let answered = tokio::spawn(async move { answer(&service.live, &receiver, request).await }).await;
    answered.unwrap_or_else(|error| {
        tracing::error!(%error, "a signal could not be answered");
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "unavailable", "the signal could not be answered")
    })
}

/// The receiver of what is pushed, where the token is one of its transmitter's.
fn admitted(live: &Live, name: &str, request: &Request) -> Option<Arc<Receiver>> {
    let shown = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    let receiver = live.signals.get(name).filter(|one| one.config.delivery == Delivery::Push)?;
    let is_known = scheme.eq_ignore_ascii_case("bearer") && receiver.accepts(token.trim());
    is_known.then(|| Arc::clone(receiver))
}

async fn answer(live: &Live, receiver: &Receiver, request: Request) -> Response {
    let invalid = |what: &str| refusal(StatusCode::BAD_REQUEST, SetCode::Request.as_str(), what);
    let said =
        request.headers().get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim();
    if !said.eq_ignore_ascii_case(TYPE) {
        return invalid("the content is not `application/secevent+jwt`");
    }
    let body = match timeout(BODY_TIME, to_bytes(request.into_body(), LONGEST)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return invalid("it is too long, or broken off"),
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "unavailable", "it did not come in time"),
    };
    let Ok(token) = std::str::from_utf8(&body) else { return invalid("it is no token") };
    match receiver.receive(live, token.trim()).await {
        Ok(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
        Err(NotTaken::Refused(code, why)) => refusal(StatusCode::BAD_REQUEST, code.as_str(), &why),
        // Not a 400: it would not be delivered again.
        Err(NotTaken::Later(_)) => {
            let what = "try again: it cannot be taken now";
            let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", what);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            response
        }
    }
}

fn refusal(status: StatusCode, err: &str, description: &str) -> Response {
    let body = json!({"err": err, "description": description}).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
