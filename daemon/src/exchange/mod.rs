//! Token exchange (RFC 8693): a job of a CI system shows its own token, and gets a lease.
//!
//! **In:** `POST /token`, a form. **Out:** a lease that is durable, in force and in the audit log; or an error as RFC 6749
//! writes it (5.2), with a sentence for whoever reads the job's log.
//!
//! What is returned in the place of an access token is the lease's id, which is no secret: the lease is bound to the
//! account that pushes, and found by that, the repository and the ref. A job that asks for one gets a token ([`crate::oidc`])
//! that must be shown with the push besides. `GET /jwks` and `GET /.well-known/oauth-authorization-server` tell how those
//! are signed.
//!
//! **Must never:** take a token over a connection that others can read, log or keep one, or let a client hold on to what it
//! does not use.

mod answer;
mod ask;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, header},
    response::Response,
};
use oam_fetch::{Form, Secret};
use oam_policy::{printable::Printable, rule::Mode};
use tokio::time::timeout;

use crate::{
    https::Failures,
    oidc::{LeaseClaims, OwnTokens, TokenError, WorkloadToken},
    privilege::{LeaseAsk, LeaseError, Privilege},
    service::Live,
};
use answer::{Answer, Problem};
use ask::Asked;

/// The largest form that is read: a token, and what it is for.
const MAX_BODY: usize = 64 << 10;
/// How long a client may take to send it.
const BODY_TIME: Duration = Duration::from_secs(15);
/// Where it is.
const PATH: &str = "/token";
/// Where the keys of tokens of leases are (RFC 7517)…
const KEYS: &str = "/jwks";
/// …and where it stands that they are there (RFC 8414).
const METADATA: &str = "/.well-known/oauth-authorization-server";
/// How a form is sent.
const FORM: &str = "application/x-www-form-urlencoded";

/// How many characters of what is wrong with a request stand in the daemon's log: it may quote what anybody sent.
const LOGGED: usize = 200;

/// What may come of a token that was shown, as it is counted.
pub const CODES: [&str; 7] = [
    "issued",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// What answers there.
struct Service {
    live: Arc<Live>,
    /// Requests whose token was not accepted, or not even looked at.
    failures: Failures,
}

/// Why a request is answered with no lease.
struct Refused {
    problem: Problem,
    /// Whether a token was accepted before.
    knows_who: bool,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, knows_who: false }
    }
}

/// What answers there.
pub fn router(live: Arc<Live>) -> Router {
    let service = Arc::new(Service { live, failures: Failures::default() });
    Router::new().fallback(handle).with_state(service)
}

async fn handle(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<SocketAddr>,
    request: Request,
) -> Response {
    // A task of its own: what has begun is finished, also when the client goes away.
    let answered = tokio::spawn(async move { answered(&service, peer, request).await }).await;
    answered.unwrap_or_else(|error| {
        tracing::error!(%error, "a token could not be exchanged");
        Answer::from(Problem::unavailable("the request could not be answered")).into_response()
    })
}

async fn answered(service: &Service, peer: SocketAddr, request: Request) -> Response {
    let live = &service.live;
    if let Some(document) = document(live, &request) {
        return document.into_response();
    }
    let outcome = exchange(live, request).await;
    let code = outcome.as_ref().map_or_else(|refused| refused.problem.error, |_| "issued");
    live.metrics.exchanged(code);
    match &outcome {
        Ok((lease, _)) => {
            tracing::info!(%peer, id = %lease.id, by = lease.by.as_str(), "a job has leased a role");
        }
        // Whoever asks is told why each time, as it is the job's log that is read. Ours is not to be written by anybody.
        Err(Refused { knows_who: false, .. }) if service.failures.are_too_many(peer.ip()) => {}
        Err(Refused { problem, .. }) => {
            tracing::warn!(%peer, error = code, detail = logged(&problem.detail), "a job got no lease");
        }
    }
    let answer = outcome.map_or_else(
        |refused| Answer::from(refused.problem),
        |(lease, token)| Answer::lease(&lease, token.as_ref()),
    );
    answer.into_response()
}

/// What is wrong with a request, in one line of bounded length.
fn logged(detail: &str) -> String {
    Printable::new(detail).to_string().chars().take(LOGGED).collect()
}

/// What there is to be read, where tokens of leases are issued.
fn document(live: &Live, request: &Request) -> Option<Answer> {
    let own = live.own_tokens.as_ref().filter(|_| request.method() == Method::GET)?;
    match request.uri().path() {
        KEYS => Some(Answer::document(own.published(live.privileges.clock().now()))),
        METADATA => Some(Answer::document(own.metadata(PATH, KEYS))),
        _ => None,
    }
}

/// A lease, and its token where one was asked for.
async fn exchange(live: &Live, request: Request) -> Result<(Arc<Privilege>, Option<Secret>), Refused> {
    let asked = read(request).await?;
    let token = live.issuers.verify_workload(asked.token.reveal()).await.map_err(|error| of_token(&error))?;
    give(live, &token, &asked.ask).await.map_err(|problem| Refused { problem, knows_who: true })
}

async fn read(request: Request) -> Result<Asked, Problem> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() != PATH {
        return Err(Problem::not_here(404, "tokens are exchanged at `/token`"));
    }
    if parts.method != Method::POST {
        return Err(Problem::not_here(405, "tokens are exchanged by `POST`"));
    }
    // With parameters or without (RFC 9110, 8.3.1).
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM) {
        return Err(Problem::request(format!("the body is a form: `Content-Type: {FORM}`")));
    }
    Asked::read(&form(body).await?)
}

/// What a job gets whose token was accepted.
async fn give(
    live: &Live,
    token: &WorkloadToken,
    ask: &LeaseAsk,
) -> Result<(Arc<Privilege>, Option<Secret>), Problem> {
    let own = match (&live.own_tokens, ask.by_token) {
        (_, false) => None,
        (Some(own), true) => Some(own),
        (None, true) => {
            return Err(Problem::request(
                "no tokens of leases are issued here: `exchange.url` is not configured",
            ));
        }
    };
    let leased = live.privileges.lease(&state(live, token), token, ask).await;
    let lease = leased.map_err(|error| of_lease(&error))?;
    let token = own.map(|own| issue(live, own, &lease)).transpose()?;
    Ok((lease, token))
}

fn issue(live: &Live, own: &OwnTokens, lease: &Privilege) -> Result<Secret, Problem> {
    let unavailable = |why: String| Problem::unavailable(format!("the lease has no token: {why}"));
    let (from, to) = lease.time().ok_or_else(|| unavailable("it is over".to_owned()))?;
    let claims = LeaseClaims {
        id: lease.id.clone(),
        subject: lease.by.as_str().to_owned(),
        client: lease.what.rule().to_string(),
        scope: ask::written(lease),
        from,
        to,
    };
    let issued = own.issue(&claims, live.privileges.clock().now());
    issued.map_err(|error| unavailable(error.to_string()))
}

/// What it is decided by: of the sources, those that know the account that pushes for the job; all of them, where it may
/// be one of several.
fn state(live: &Live, token: &WorkloadToken) -> oam_policy::State {
    let state = live.state();
    let workloads = state.policy.iter().flat_map(|policy| policy.workloads());
    let shown = workloads.filter(|one| {
        // As leases are given: what is only tried out gives none.
        one.mode == Mode::Enforce && one.is_shown_by(token.issuer(), token.claims())
    });
    let mut accounts: Vec<_> = shown.map(|workload| &workload.principal).collect();
    accounts.dedup_by_key(|account| account.key());
    match accounts.as_slice() {
        [account] => live.state_for(account),
        _ => state,
    }
}

async fn form(body: Body) -> Result<Vec<(String, String)>, Problem> {
    let bytes = timeout(BODY_TIME, to_bytes(body, MAX_BODY)).await;
    let bytes = bytes.map_err(|_| Problem::request("the body did not come in time"))?;
    let bytes = bytes
        .map_err(|_| Problem::request(format!("the body is longer than {MAX_BODY} bytes, or broken off")))?;
    fields(&bytes)
}

fn fields(body: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let text = std::str::from_utf8(body).ok();
    text.and_then(Form::parse).ok_or_else(|| Problem::request("the body is no form"))
}

/// What the body of a request asks for, whatever token it shows.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn asked(body: &[u8]) -> Result<LeaseAsk, String> {
    let asked = fields(body).and_then(|fields| Asked::read(&fields));
    asked.map(|asked| asked.ask).map_err(|problem| problem.detail)
}

/// What is wrong with the token that was shown (RFC 8693, 2.2.2), or that nobody can tell.
fn of_token(error: &TokenError) -> Problem {
    match error {
        TokenError::Unavailable { .. } => {
            Problem::unavailable(format!("the token cannot be checked: {error}"))
        }
        TokenError::Audience => Problem::target(format!("the token is not accepted: {error}")),
        _ => Problem::request(format!("the token is not accepted: {error}")),
    }
}

fn of_lease(error: &LeaseError) -> Problem {
    let detail = error.to_string();
    match error {
        LeaseError::Undecided(_)
        | LeaseError::TooMany(_)
        | LeaseError::TooManyTokens(_)
        | LeaseError::TooManyOfOne { .. }
        | LeaseError::TooLongOfOne { .. }
        | LeaseError::Append(_)
        | LeaseError::Encode(_) => Problem::unavailable(detail),
        LeaseError::Expired | LeaseError::BeforeSetBack(_) | LeaseError::LongToken | LeaseError::Shown => {
            Problem::request(detail)
        }
        LeaseError::NoWorkload | LeaseError::OnTrial(_) | LeaseError::Barred(_) => Problem::client(detail),
        LeaseError::OutOfScope(_) => Problem::scope(detail),
    }
}

#[cfg(test)]
mod tests {
    use super::{LOGGED, LeaseError, logged, of_lease};

    /// RFC 6749, section 5.2: who asks has not the right to, however it is asked.
    #[test]
    fn whose_workload_is_on_trial_may_have_nothing() {
        let on_trial = LeaseError::OnTrial("nightly".parse().unwrap());
        assert_eq!(of_lease(&on_trial).error, "unauthorized_client");
        assert_eq!(of_lease(&LeaseError::LongToken).error, "invalid_request");
    }

    #[test]
    fn what_anybody_sent_is_one_short_line_of_the_log() {
        let line = logged(&format!("`a\nWARN everything is well\u{1b}[2J{}`", "x".repeat(60_000)));
        assert!(!line.contains(['\n', '\u{1b}']), "{line:?}");
        assert!(line.chars().count() <= LOGGED, "{line}");
    }
}
