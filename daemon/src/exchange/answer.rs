use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use oam_fetch::Secret;

use crate::privilege::Privilege;

/// What kind of token a lease's id is.
pub(super) const LEASE: &str = "urn:oam:params:oauth:token-type:lease";
/// What kind of token one is that is shown with a push.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Why there is no lease, as RFC 6749 writes it.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    pub(super) error: &'static str,
    pub(super) detail: String,
}

impl Problem {
    /// The request is not as it must be, or its token is not accepted.
    pub(super) fn request(detail: impl Into<String>) -> Self {
        Self { status: 400, error: "invalid_request", detail: detail.into() }
    }

    /// It is another grant than there is.
    pub(super) fn grant_type(detail: impl Into<String>) -> Self {
        Self { status: 400, error: "unsupported_grant_type", detail: detail.into() }
    }

    /// The job may have nothing.
    pub(super) fn client(detail: impl Into<String>) -> Self {
        Self { status: 400, error: "unauthorized_client", detail: detail.into() }
    }

    /// The job may not have this.
    pub(super) fn scope(detail: impl Into<String>) -> Self {
        Self { status: 400, error: "invalid_scope", detail: detail.into() }
    }

    /// It is for another service.
    pub(super) fn target(detail: impl Into<String>) -> Self {
        Self { status: 400, error: "invalid_target", detail: detail.into() }
    }

    /// Nobody can tell now. RFC 6749 has no word for it at this endpoint, and this one at the other.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self { status: 503, error: "temporarily_unavailable", detail: detail.into() }
    }

    /// It is not the endpoint, or not the method.
    pub(super) fn not_here(status: u16, detail: &str) -> Self {
        Self { status, ..Self::request(detail) }
    }
}

/// What a request is answered with.
pub(super) struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    /// RFC 8693, 2.2.1. `N_A`: what is issued is shown to nobody, where it is no token.
    pub(super) fn lease(lease: &Privilege, token: Option<&Secret>) -> Self {
        let issued = match token {
            Some(token) => (token.reveal(), ACCESS_TOKEN, "Bearer"),
            None => (lease.id.as_str(), LEASE, "N_A"),
        };
        let body = json!({
            "access_token": issued.0,
            "issued_token_type": issued.1,
            "token_type": issued.2,
            "lease": lease.id.as_str(),
            "expires_in": lease.length.as_secs(),
            "scope": super::ask::written(lease),
            "principal": lease.by.as_str(),
        });
        Self { status: 200, body }
    }

    /// Something that everybody may read.
    pub(super) fn document(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body.to_string()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        if self.status == 503 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        // Of the characters that RFC 6749 allows there: the text may quote what was asked.
        let plain = |character: char| match character {
            '"' | '\\' => '\'',
            ' '..='~' => character,
            _ => '?',
        };
        let detail: String = problem.detail.chars().map(plain).collect();
        Self { status: problem.status, body: json!({ "error": problem.error, "error_description": detail }) }
    }
}
