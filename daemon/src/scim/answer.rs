use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use oam_scim::Problem;
use serde_json::Value;

use crate::source::CommitError;

/// The content type of SCIM.
const SCIM: HeaderValue = HeaderValue::from_static("application/scim+json");

/// What a request is answered with.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    version: Option<u64>,
    location: Option<String>,
    body: Option<Value>,
}

impl Answer {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, version: None, location: None, body: Some(body) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, version: None, location: None, body: None }
    }

    pub(super) fn version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }

    pub(super) fn location(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn into_response(self) -> Response {
        let body = self.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, SCIM);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(Ok(tag)) = self.version.map(|version| etag(version).parse()) {
            headers.insert(header::ETAG, tag);
        }
        if let Some(Ok(location)) = self.location.map(|location| location.parse()) {
            headers.insert(header::LOCATION, location);
        }
        if self.status == 503 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::new(problem.status, problem.to_json())
    }
}

/// The answer to a request without a token that is worth anything.
pub(super) fn refusal(are_too_many: bool) -> Response {
    let (problem, name, value) = if are_too_many {
        let problem = Problem::other(429, "too many attempts without a valid token: wait a minute");
        (problem, header::RETRY_AFTER, "60")
    } else {
        let problem = Problem::other(401, "a valid bearer token of this source is needed");
        (problem, header::WWW_AUTHENTICATE, "Bearer")
    };
    let mut response = Answer::from(problem).into_response();
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

/// A version as ETags write it.
pub(super) fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// Makes sure that the client knows the version that it changes, if it says one.
pub(super) fn check_version(headers: &HeaderMap, version: u64) -> Result<(), Problem> {
    if names_other(headers, header::IF_MATCH, version) {
        return Err(Problem::other(412, "it has changed since: read it again"));
    }
    Ok(())
}

/// Whether the client has this version already.
pub(super) fn has_version(headers: &HeaderMap, version: u64) -> bool {
    headers.contains_key(header::IF_NONE_MATCH) && !names_other(headers, header::IF_NONE_MATCH, version)
}

/// Whether the header is there, and names other versions only.
fn names_other(headers: &HeaderMap, name: header::HeaderName, version: u64) -> bool {
    let Some(Ok(tags)) = headers.get(name).map(|value| value.to_str()) else { return false };
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let ours = strong(&etag(version));
    !tags.split(',').map(strong).any(|tag| tag == "*" || tag == ours)
}

/// What is wrong on our side is told as such: the provider tries again.
pub(super) fn problem(error: CommitError<Problem>) -> Problem {
    match error {
        CommitError::Refused(problem) => problem,
        other => Problem::other(503, format!("try again: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{check_version, has_version};

    #[test]
    fn versions() {
        let headers = |name: &'static str, value: &str| {
            HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
        };
        assert!(check_version(&HeaderMap::new(), 3).is_ok());
        for tag in ["W/\"3\"", "\"3\"", "*", "W/\"2\", W/\"3\""] {
            assert!(check_version(&headers("if-match", tag), 3).is_ok(), "{tag}");
            assert!(has_version(&headers("if-none-match", tag), 3), "{tag}");
        }
        assert_eq!(check_version(&headers("if-match", "W/\"2\""), 3).unwrap_err().status, 412);
        assert!(!has_version(&headers("if-none-match", "W/\"2\""), 3) && !has_version(&HeaderMap::new(), 3));
    }
}
