//! What Graph calls others for.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::Door;
use crate::wait;

/// That something changed.
pub(super) fn changed(resource: &str, object: &str, state: &str, subscription: &str) -> Value {
    let (name, kind) = match resource {
        "users" => ("Users", "#Microsoft.Graph.User"),
        _ => ("Groups", "#Microsoft.Graph.Group"),
    };
    json!({"value": [{
        "changeType": "updated",
        "clientState": state,
        "resource": format!("{name}/{object}"),
        "resourceData": {
            "@odata.type": kind, "@odata.id": format!("{name}/{object}"), "id": object, "organizationId": "x",
        },
        "subscriptionExpirationDateTime": "2030-01-01T00:00:00.0+00:00",
        "subscriptionId": subscription,
        "tenantId": "x",
    }]})
}

/// That a subscription is no more.
pub(super) fn removed(state: &str, subscription: &str) -> Value {
    json!({"value": [{
        "subscriptionId": subscription, "subscriptionExpirationDateTime": "2030-01-01T00:00:00.0+00:00",
        "tenantId": "x", "clientState": state, "lifecycleEvent": "subscriptionRemoved",
    }]})
}

/// Calls `place`, a URL without TLS, by the door; gives the status, the head in lower case, and the body.
pub(super) fn post(door: &Door, place: &str, query: &str, body: &str) -> (u16, String, String) {
    let rest = place.strip_prefix("http://").expect("plain HTTP, in tests");
    let (host, path) = rest.split_once('/').unwrap();
    let address = wait::until("somebody can be called", || fs::read_to_string(door.get()?).ok());
    let mut connection = TcpStream::connect(address.trim()).unwrap();
    let length = body.len();
    let request = format!(
        "POST /{path}{query} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, head.to_lowercase(), body.to_owned())
}
