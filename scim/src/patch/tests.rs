use proptest::prelude::*;
use serde_json::{Value, json};

use super::{apply, is_active_after, parse};
use crate::{
    document::{is_active_in, user},
    schema::ENTERPRISE,
};

fn alice() -> Value {
    json!({
        "userName": "alice", "active": true, "externalId": "x",
        "name": {"givenName": "Alice", "familyName": "Liddell"},
        "emails": [{"type": "work", "value": "a@work", "primary": true}],
    })
}

/// Alice after these operations.
fn after(operations: &Value) -> Result<Value, String> {
    let before = user(&alice()).unwrap();
    let operations = parse(&json!({"Operations": operations})).map_err(|problem| problem.detail)?;
    apply(&before, &operations).map(Value::Object).map_err(|problem| problem.detail)
}

#[test]
fn entra_without_the_flag() {
    let user = after(&json!([{"op": "Replace", "path": "active", "value": "False"}])).unwrap();
    assert_eq!(user["active"], json!(false));
    let user = after(&json!([
        {"op": "Add", "path": "emails[type eq \"home\"].value", "value": "a@home"},
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "b@work"},
        {"op": "Replace", "path": "name.familyName", "value": "L"},
        {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "dev"},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "77"},
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"},
    ]))
    .unwrap();
    assert_eq!(
        user["emails"],
        json!([{"type": "work", "value": "b@work", "primary": true}, {"type": "home", "value": "a@home"}])
    );
    assert_eq!(user["name"], json!({"givenName": "Alice", "familyName": "L"}));
    assert_eq!(user["roles"], json!([{"primary": true, "value": "dev"}]));
    assert_eq!(user[ENTERPRISE], json!({"manager": {"value": "77"}}));
    assert!(user.get("phoneNumbers").is_none());
}

#[test]
fn entra_with_the_flag() {
    let user = after(&json!([{"op": "replace", "value": {
        "active": false,
        "displayName": "A L",
        "name.givenName": "Al",
        "emails[type eq \"work\"].value": "c@work",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "R&D",
        "title": null,
    }}]))
    .unwrap();
    assert_eq!(user["active"], json!(false));
    assert_eq!(user["displayName"], json!("A L"));
    assert_eq!(user["name"], json!({"givenName": "Al", "familyName": "Liddell"}));
    assert_eq!(user["emails"], json!([{"type": "work", "value": "c@work", "primary": true}]));
    assert_eq!(user[ENTERPRISE], json!({"department": "R&D"}));
}

#[test]
fn okta() {
    let user = after(&json!([{"op": "rePlace", "value": {"active": false}}])).unwrap();
    assert_eq!(user["active"], json!(false));
    let user = after(&json!([{"op": "replace", "value": {"password": "hunter2", "active": true}}])).unwrap();
    assert!(!user.to_string().contains("hunter2"));
}

#[test]
fn nobody_becomes_active_by_saying_nothing() {
    for operations in [
        json!([{"op": "remove", "path": "active"}]),
        json!([{"op": "replace", "path": "active", "value": null}]),
        json!([{"op": "replace", "value": {"active": null}}]),
        json!([{"op": "add", "path": "active"}]),
    ] {
        // Whoever is not said to be active is not.
        assert_eq!(after(&operations).unwrap().get("active"), None, "{operations}");
    }
    assert!(after(&json!([{"op": "replace", "path": "active", "value": "perhaps"}])).is_err());
}

#[test]
fn values_come_and_go() {
    let two = json!({"op": "add", "path": "emails", "value": [{"type": "home", "value": "a@home", "primary": true}]});
    let user = after(&json!([two])).unwrap();
    assert_eq!(user["emails"][0]["primary"], json!(false), "the last one said is the first to use");
    assert_eq!(after(&json!([two, two])).unwrap(), user);
    let gone =
        after(&json!([two, {"op": "remove", "path": "emails", "value": [{"value": "a@work"}]}])).unwrap();
    assert_eq!(gone["emails"].as_array().unwrap().len(), 1);
    let gone = after(&json!([two, {"op": "remove", "path": "emails[type eq \"home\"]"}])).unwrap();
    assert_eq!(gone["emails"][0]["value"], json!("a@work"));
    let gone = after(&json!([{"op": "remove", "path": "emails[type eq \"work\"].value"}])).unwrap();
    assert!(gone.get("emails").is_none());
    assert!(after(&json!([{"op": "remove", "path": "emails"}])).unwrap().get("emails").is_none());
    let made = after(&json!([{"op": "replace", "path": "emails[type eq \"other\"].value", "value": "o@x"}]))
        .unwrap();
    assert_eq!(made["emails"][1], json!({"type": "other", "value": "o@x"}));
    let gone = after(&json!([{"op": "remove", "path": "name.givenName"}])).unwrap();
    assert_eq!(gone["name"], json!({"familyName": "Liddell"}));
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    for operations in [
        json!([{"op": "remove", "path": "userName"}]),
        json!([{"op": "replace", "path": "userName", "value": ""}]),
        json!([{"op": "add", "path": "userName", "value": ["a"]}]),
        json!([{"op": "remove"}]),
        json!([{"op": "copy", "path": "title"}]),
        json!([{"op": "add", "value": "x"}]),
        json!([{"op": "add", "path": "emails[", "value": "x"}]),
        json!([7]),
    ] {
        assert!(after(&operations).is_err(), "{operations}");
    }
    assert!(parse(&json!({})).is_err() && parse(&json!([])).is_err());
}

#[test]
fn a_whole_user() {
    let read = user(&json!({
        "schemas": ["x"], "ID": "mine", "USERNAME": "Bob", "Password": "secret", "active": "True", "groups": [],
        "emails": {"value": "b@x"}, "addresses": [{"x": 1}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user": {"Department": "D", "salary": 3},
    }))
    .unwrap();
    assert_eq!(
        Value::Object(read),
        json!({"userName": "Bob", "active": true, "emails": [{"value": "b@x"}], ENTERPRISE: {"department": "D"}})
    );
    for body in [json!([]), json!({}), json!({"userName": 3.5, "active": 7}), json!({"userName": null})] {
        assert!(user(&body).is_err(), "{body}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec!["", "True", "work", "a@x", "alice"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name =
            prop::sample::select(vec!["value", "type", "primary", "active", "userName", "emails", "name"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_the_document_keeps_its_shape(
        operations in prop::collection::vec((
            prop::sample::select(vec!["add", "Replace", "remove"]),
            prop::option::of(prop::sample::select(vec![
                "active", "emails", "emails[type eq \"work\"]", "emails[type eq \"work\"].value", "emails.primary",
                "name", "name.givenName", "userName", "groups", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "roles",
            ])),
            any_json(),
        ), 0..5),
    ) {
        let operations: Vec<_> = operations.into_iter().map(|(op, path, value)| json!({"op": op, "path": path, "value": value})).collect();
        if let Ok(after) = after(&json!(operations)) {
            // What is kept is read again as it is.
            prop_assert_eq!(Value::Object(user(&after).unwrap()), after);
        }
    }
}

/// Whatever is wrong with the rest, and in which order it stands.
#[test]
fn that_somebody_is_to_go_can_be_read() {
    let before = user(&alice()).unwrap();
    let emails: Vec<_> = (0..101).map(|number| json!({"value": format!("{number}@x")})).collect();
    let long = "x".repeat(2_049);
    for wrong in [
        json!({"op": "replace", "path": "emails", "value": emails}),
        json!({"op": "replace", "path": "title", "value": long}),
        json!({"op": "replace", "path": "name", "value": [7]}),
        json!({"op": "replace", "path": "emails[", "value": "x"}),
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "twist"}),
        json!(7),
    ] {
        let off = json!({"op": "Replace", "path": "active", "value": "False"});
        for operations in [json!([off, wrong]), json!([wrong, off])] {
            assert!(after(&operations).is_err(), "{operations}");
            assert!(!is_active_after(&before, &json!({"Operations": operations})), "{operations}");
        }
        assert!(is_active_after(&before, &json!({"Operations": [wrong]})));
        let (on, off) =
            (json!({"op": "add", "value": {"active": true}}), json!({"op": "remove", "path": "active"}));
        assert!(is_active_after(&before, &json!({"Operations": [off, wrong, on]})), "the last word counts");
        assert!(!is_active_after(&before, &json!({"Operations": [on, wrong, off]})));
    }
    let one = json!({"op": "replace", "value": {"active": false, "emails": emails}});
    assert!(!is_active_after(&before, &json!({"Operations": [one]})));
    assert!(is_active_after(&before, &json!(null)));
    for (body, is) in [
        (json!({"userName": "a", "emails": emails, "active": "false"}), Some(false)),
        (json!({"title": long, "active": true}), Some(true)),
        (json!({"title": long, "active": 7}), None),
        (json!({"title": long}), None),
        (json!([]), None),
    ] {
        assert!(user(&body).is_err(), "{body}");
        assert_eq!(is_active_in(&body), is, "{body}");
    }
}
