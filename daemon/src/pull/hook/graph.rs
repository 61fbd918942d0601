//! Change notifications of Microsoft Graph.

use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use oam_fetch::Form;
use serde::Deserialize;

use super::answer;
use crate::{
    config::Upstream,
    service::Live,
    source::{Poke, Source},
};

/// The parameter of the one call that wants to know whether we are who was meant.
const TOKEN: &str = "validationToken";
/// How long that may be.
const LONGEST_TOKEN: usize = 4_096;

#[derive(Debug, Deserialize)]
struct Call {
    value: Vec<Notification>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    #[serde(default)]
    client_state: Option<String>,
    #[serde(default)]
    resource_data: Option<Resource>,
    /// That something is about to become of the subscription itself.
    #[serde(default)]
    lifecycle_event: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(rename = "@odata.type", default)]
    kind: Option<String>,
    #[serde(default)]
    id: Option<Box<str>>,
}

/// The source of that name, if Graph calls for it.
pub(super) fn source<'a>(live: &'a Live, name: &str) -> Option<&'a Source> {
    let source = live.sources.get(name).ok()?;
    let is_called =
        |upstream: &Upstream| matches!(upstream, Upstream::Entra(config) if config.notifications.is_some());
    source.config().upstream.as_ref().is_some_and(is_called).then_some(source)
}

/// The answer to the one call that wants to know whether we are who was meant, while we have asked for it; `None`: it is
/// another call. Whoever shows nothing is told nothing, be it that they ask in the wrong way.
pub(super) fn validation(source: &Source, parts: &Parts) -> Option<Response> {
    if parts.method != Method::POST {
        return Some(answer(StatusCode::UNAUTHORIZED));
    }
    let fields = Form::parse(parts.uri.query()?)?;
    let (_, token) = fields.into_iter().find(|(name, _)| name == TOKEN)?;
    if !source.feed().is_tried() || token.len() > LONGEST_TOKEN {
        return Some(answer(StatusCode::UNAUTHORIZED));
    }
    let mut response = Response::new(Body::from(token));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Some(response)
}

/// Has read again what a call is about; `None`: it does not show what was agreed upon.
pub(super) fn take(source: &Source, body: &[u8]) -> Option<Response> {
    let call = serde_json::from_slice::<Call>(body).ok()?;
    let feed = source.feed();
    let is_known = |one: &Notification| {
        one.client_state.as_deref().is_some_and(|state| feed.is_caller(state.as_bytes()))
    };
    if call.value.is_empty() || !call.value.iter().all(is_known) {
        return None;
    }
    if call.value.iter().any(|one| one.lifecycle_event.is_some()) {
        // Whatever becomes of the subscriptions: they are made anew, and what may have been missed is asked for.
        feed.expect_caller(None);
    }
    feed.poke(call.value.into_iter().map(poke));
    Some(answer(StatusCode::ACCEPTED))
}

fn poke(notification: Notification) -> Poke {
    match notification.resource_data {
        Some(Resource { kind: Some(kind), id: Some(id) })
            if kind.eq_ignore_ascii_case("#Microsoft.Graph.User") =>
        {
            Poke::User(id)
        }
        _ => Poke::Changes,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn users_are_looked_at_and_for_everything_else_it_is_asked() {
        let of = |notification| poke(serde_json::from_value(notification).unwrap());
        let user =
            json!({"clientState": "x", "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": "u1"}});
        assert_eq!(of(user), Poke::User("u1".into()));
        for other in [
            json!({"resourceData": {"@odata.type": "#Microsoft.Graph.Group", "id": "g1"}}),
            json!({"resourceData": {"@odata.type": "#Microsoft.Graph.User"}}),
            json!({"resourceData": null}),
            json!({"lifecycleEvent": "missed"}),
        ] {
            assert_eq!(of(other), Poke::Changes);
        }
    }
}
