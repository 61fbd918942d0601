//! Event hooks of Okta.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;

use super::{answer, json};
use crate::source::Poke;

/// The header of the one call that wants to know whether we are who was meant.
const CHALLENGE: &str = "x-okta-verification-challenge";
/// How long that may be.
const LONGEST_CHALLENGE: usize = 1_000;

#[derive(Debug, Deserialize)]
struct Call {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    events: Vec<Event>,
}

/// Something that happened there.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    /// Its name, which is the same when it is told again.
    pub(super) uuid: Box<str>,
    /// What it is about. Some events are about nothing.
    #[serde(default)]
    target: Option<Vec<Target>>,
}

#[derive(Debug, Deserialize)]
struct Target {
    id: Option<Box<str>>,
    #[serde(rename = "type")]
    kind: Option<Box<str>>,
}

/// The answer to the one call that wants to know whether we are who was meant.
pub(super) fn verification(headers: &HeaderMap) -> Response {
    let challenge = headers.get(CHALLENGE).and_then(|challenge| challenge.to_str().ok());
    match challenge.filter(|challenge| challenge.len() <= LONGEST_CHALLENGE) {
        Some(challenge) => json(&json!({"verification": challenge})),
        None => answer(StatusCode::BAD_REQUEST),
    }
}

/// What a call tells; `None`: it cannot be read.
pub(super) fn events(body: &[u8]) -> Option<Vec<Event>> {
    serde_json::from_slice::<Call>(body).ok().map(|call| call.data.events)
}

impl Event {
    /// What is to be read again by it. Where users are named, who is in which group is read with them: that is less than
    /// everybody of a group.
    pub(super) fn pokes(&self) -> Vec<Poke> {
        let all = |kind: &str, poke: fn(Box<str>) -> Poke| {
            let named = self.target.iter().flatten().filter(|target| target.kind.as_deref() == Some(kind));
            named.filter_map(|target| target.id.clone()).map(poke).collect::<Vec<_>>()
        };
        let users = all("User", Poke::User);
        if users.is_empty() { all("UserGroup", Poke::Group) } else { users }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_whom_to_look_at() {
        let call = json!({"data": {"events": [
            {"uuid": "1", "eventType": "group.user_membership.remove", "target": [
                {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
                {"id": "00g1", "type": "UserGroup"},
            ]},
            {"uuid": "2", "eventType": "group.lifecycle.delete", "target": [{"id": "00g1", "type": "UserGroup"}]},
            {"uuid": "3", "target": null},
            {"uuid": "4", "target": [{"id": null, "type": "User"}, {"type": "AppInstance", "id": "0oa1"}]},
        ]}});
        let events = events(call.to_string().as_bytes()).unwrap();
        let pokes: Vec<_> = events.iter().map(Event::pokes).collect();
        let (user, group) = (Poke::User("00u1".into()), Poke::Group("00g1".into()));
        assert_eq!(pokes, [vec![user], vec![group], vec![], vec![]]);
    }

    #[test]
    fn what_is_no_call_is_none() {
        for body in ["", "{}", "[]", r#"{"data": {}}"#, r#"{"data": {"events": [{"target": []}]}}"#] {
            assert!(events(body.as_bytes()).is_none(), "{body}");
        }
    }
}
