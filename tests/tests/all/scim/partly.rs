//! Requests with which something is wrong, or that name somebody whom we do not know: what they take is taken all the same.

use oam_audit::entry::Event;
use oam_tests::scim::ScimAnswer;
use serde_json::{Value, json};

use super::{Company, GROUP, USER, patch, user};

impl Company {
    /// What the log says of the last change, without waiting.
    fn last_change(&self) -> String {
        let entries = self.daemon.audit().entries;
        let changes = entries.into_iter().filter_map(|entry| match entry.event {
            Event::SnapshotChanged(change) => change.reason,
            _ => None,
        });
        changes.last().unwrap()
    }
}

#[track_caller]
fn told(answer: &ScimAnswer, status: u16, text: &str) {
    let detail = answer.expect(status).body["detail"].as_str().unwrap();
    assert!(detail.contains(text), "{detail}");
}

#[test]
fn whoever_leaves_a_group_is_out_whoever_else_is_unknown() {
    let company = Company::new();
    let (ids, group) = company.developers(&["alice", "bob"]);
    let carol = company.okta.post("/Users", &user("carol")).id(201);
    let path = format!("/Groups/{group}");
    // As Okta pushes a group, in one step. It may know somebody whom it has not pushed yet, or who is gone here.
    let push = patch(&json!([
        {"op": "remove", "path": format!("members[value eq \"{}\"]", ids[0])},
        {"op": "add", "path": "members", "value": [{"value": "nobody"}, {"value": carol}]},
    ]));
    let answer = company.okta.patch(&path, &push);
    let members = answer.expect(200).body["members"].as_array().unwrap().len();
    assert_eq!(members, 2, "who is in it is shown: {answer:?}");
    assert_eq!(
        company.last_change(),
        "SCIM: group `eng`: 1 left, 1 joined, 1 passed over whom nobody knows here"
    );
    company.refuses("alice", "no-grant");
    company.permits("bob");
    company.permits("carol");
    // All of it, with nobody whom we know: nobody is in it then.
    let all = json!({"schemas": [GROUP], "displayName": "eng", "members": [{"value": "nobody"}]});
    company.okta.put(&path, &all).expect(200);
    company.refuses("bob", "no-grant");
    company
        .okta
        .post("/Groups", &json!({"displayName": "new", "members": [{"value": "nobody"}]}))
        .expect(201);
}

#[test]
fn whoever_leaves_a_group_is_out_whatever_else_is_wrong() {
    let company = Company::new();
    let (ids, group) = company.developers(&["alice", "bob", "carol", "dora", "eve"]);
    company.okta.post("/Groups", &json!({"displayName": "other"})).expect(201);
    let path = format!("/Groups/{group}");
    let remove = |id: &str| json!({"op": "remove", "path": "members", "value": [{"value": id}]});
    for (number, wrong, status) in [
        (0, json!({"op": "add", "path": "members", "value": [{"value": "g", "type": "Group"}]}), 400),
        (1, json!({"op": "replace", "path": "displayName", "value": "other"}), 409),
        (2, json!({"op": "twist"}), 400),
        (3, json!({"op": "replace", "value": {"externalId": [1]}}), 400),
    ] {
        let name = ["alice", "bob", "carol", "dora"][number];
        company.permits(name);
        let answer = company.okta.patch(&path, &patch(&json!([remove(&ids[number]), wrong])));
        told(&answer, status, "whoever is to go out of the group is out all the same");
        assert_eq!(company.last_change(), "SCIM: group `eng`: 1 left");
        company.refuses(name, "no-grant");
    }
    // A version that is not the newest one says what nobody is to be taken by.
    let change = patch(&json!([remove(&ids[4])]));
    let old = company.okta.send_with("PATCH", &path, Some(&change), "If-Match: W/\"1\"\r\n").unwrap();
    old.expect(412);
    company.permits("eve");
    // Where nothing is taken, nothing is done.
    let nothing = patch(&json!([{"op": "replace", "path": "displayName", "value": "other"}]));
    let answer = company.okta.patch(&path, &nothing);
    assert!(!answer.expect(409).body["detail"].as_str().unwrap().contains("all the same"));
}

#[test]
fn whoever_is_to_go_may_act_no_more_whatever_else_is_wrong() {
    let company = Company::new();
    let names = ["alice", "bob", "carol", "dora", "eve"];
    let (ids, _) = company.developers(&names);
    let emails: Vec<Value> = (0..101).map(|number| json!({"value": format!("{number}@x")})).collect();
    let off = json!({"op": "Replace", "path": "active", "value": "False"});
    let long = "x".repeat(3_000);
    let whole = json!({"schemas": [USER], "userName": "eve", "active": false, "emails": emails});
    for (number, method, body, status) in [
        (0, "PATCH", patch(&json!([{"op": "replace", "value": {"active": false, "emails": emails}}])), 400),
        (1, "PATCH", patch(&json!([{"op": "replace", "path": "title", "value": long}, off])), 400),
        (2, "PATCH", patch(&json!([off, {"op": "replace", "path": "name", "value": [7]}])), 400),
        (3, "PATCH", patch(&json!([off, {"op": "replace", "path": "userName", "value": "eve"}])), 409),
        (4, "PUT", whole, 400),
    ] {
        let name = names[number];
        company.permits(name);
        let path = format!("/Users/{}", ids[number]);
        let answer = company.okta.send(method, &path, Some(&body));
        told(&answer, status, "that they may act no more is taken all the same");
        assert_eq!(company.last_change(), "SCIM: user deactivated");
        company.refuses(name, "account-disabled");
        let shown = company.okta.get(&path).body;
        assert_eq!(
            (&shown["active"], &shown["userName"]),
            (&json!(false), &json!(name)),
            "nothing else is done"
        );
        // Again: there is nothing to take any more.
        let again = company.okta.send(method, &path, Some(&body));
        assert!(!again.expect(status).body["detail"].as_str().unwrap().contains("all the same"));
    }
    // Nobody is let in by halves.
    let on = json!({"op": "replace", "path": "active", "value": true});
    let path = format!("/Users/{}", ids[0]);
    let wrong = patch(&json!([on, {"op": "replace", "path": "title", "value": long}]));
    company.okta.patch(&path, &wrong).expect(400);
    company.refuses("alice", "account-disabled");
}
