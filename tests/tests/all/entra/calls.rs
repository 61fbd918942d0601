//! Change notifications: Graph is asked to call, what it calls for is read again, and nobody else is heard.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
};

use oam_tests::wait;

use super::Tenant;
use crate::ldap::{Company, has_no_group, is_inactive};

/// The file that says where the daemon listens for calls.
fn listener(company: &Company) -> PathBuf {
    company.daemon.runtime().join("scim.addr")
}

/// Calls the hook of `corp`; gives the status.
fn call(company: &Company, query: &str, body: &str) -> u16 {
    call_by("POST", company, query, body)
}

fn call_by(method: &str, company: &Company, query: &str, body: &str) -> u16 {
    let mut connection = TcpStream::connect(fs::read_to_string(listener(company)).unwrap().trim()).unwrap();
    let request = format!(
        "{method} /hooks/corp{query} HTTP/1.1\r\nHost: oam\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains("mine-to-see"), "{answer}");
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn graph_calls_and_it_is_looked_at_once() {
    let entra = Tenant::new();
    let config = entra.config("1h", "poll = \"1h\"\nnotifications = \"http://oam.example.com\"");
    let mut company = Company::beginning(&config, None);
    entra.server.calls_reach(&listener(&company));
    company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
    let is_subscribed = || {
        let mut resources: Vec<_> =
            entra.server.subscribers().into_iter().map(|(resource, _)| resource).collect();
        resources.sort();
        (resources == ["groups", "users"]).then_some(())
    };
    wait::until("there are two subscriptions", is_subscribed);
    company.permits("alice");

    entra.server.enable(&entra.alice, false);
    assert_eq!(entra.server.call("users", &entra.alice), [202]);
    company.wait_for("alice is disabled", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    entra.server.set_member(&entra.eng, &entra.bob, false);
    assert_eq!(entra.server.call("groups", &entra.eng), [202]);
    company.wait_for("bob is out of the group", "bob", has_no_group);
    company.refuses("bob", "no-grant");

    // Nobody else is heard, and nobody is told what they want to hear.
    assert_eq!(call(&company, "?validationToken=mine-to-see", ""), 401);
    let forged = r##"{"value": [{"clientState": "guessed", "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": "u"}}]}"##;
    for (body, status) in [(forged, 401), (r#"{"value": [{}]}"#, 401), (r#"{"value": []}"#, 401), ("{", 401)]
    {
        assert_eq!(call(&company, "", body), status, "{body}");
    }
    // Nor which sources there are, by what is answered to whoever asks in the wrong way.
    for method in ["GET", "PUT"] {
        assert_eq!(call_by(method, &company, "", ""), 401, "{method}");
    }
    let statuses: Vec<_> = (0..20).map(|_| call(&company, "", "{")).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");

    // Subscriptions that were ended are made again.
    let told = entra.server.remove_subscriptions();
    assert!(told.len() == 2 && told.contains(&202), "{told:?}");
    wait::until("there are two subscriptions again", is_subscribed);

    // A restart makes its own, and ends those of before.
    company.daemon.stop();
    let before = entra.server.asked("/v1.0/subscriptions");
    company.daemon.spawn();
    wait::until("it has subscribed again", || {
        (entra.server.asked("/v1.0/subscriptions") >= before + 5).then_some(())
    });
    wait::until("there are two subscriptions, and not four", is_subscribed);
}

/// Whoever is cut off does not wait for Graph to be ready to call.
#[test]
fn what_changed_is_asked_for_before_graph_is_asked_to_call() {
    let entra = Tenant::new();
    let config = entra.config("1h", "poll = \"1h\"\nnotifications = \"http://oam.example.com\"");
    entra.server.fail("/v1.0/subscriptions", Some(429));
    let company = Company::following(&config);
    company.wait("it is told", |source| source["feed"]["not_called"].is_string());
    let requests = entra.server.requests();
    let first = |part: &str| requests.iter().position(|request| request.contains(part)).unwrap();
    assert!(first("deltatoken") < first("/v1.0/subscriptions"), "{requests:#?}");
    assert_eq!(entra.server.asked("/v1.0/subscriptions"), 1, "it is not asked with patience: {requests:#?}");
}

#[test]
fn that_graph_does_not_call_is_told_and_changes_are_seen_all_the_same() {
    let entra = Tenant::new();
    let config = entra.config("1h", "poll = \"1s\"\nnotifications = \"http://oam.example.com\"")
        + "[http]\nlisten = \"127.0.0.1:0\"\n";
    entra.server.fail("/v1.0/subscriptions", Some(403));
    let company = Company::following(&config);
    company.wait("it is told", |source| {
        source["feed"]["not_called"]
            .as_str()
            .is_some_and(|why| why.contains("subscription") && why.contains("403"))
    });
    let shown = company.daemon.oam(["status"]).stdout_text();
    assert!(shown.contains("does not call when something changes"), "{shown}");
    let metrics = || crate::observing::get(&company.daemon, "/metrics").1;
    assert!(metrics().contains("oam_source_not_called{source=\"corp\"} 1"), "{}", metrics());
    entra.server.enable(&entra.alice, false);
    company.wait_for("alice is disabled", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
}
