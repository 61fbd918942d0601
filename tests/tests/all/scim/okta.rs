//! Conversations as Okta holds them: an app of its catalogue, and a custom app.

use std::fs;

use serde_json::{Value, json};

use super::{Company, GROUP, USER, patch};

const PASSWORD: &str = "correct-horse-battery-9";

fn okta_user(name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": name,
        "name": {"givenName": name, "familyName": "L"},
        "emails": [{"primary": true, "value": format!("{name}@example.com"), "type": "work"}],
        "displayName": format!("{name} L"),
        "locale": "en-US",
        "externalId": format!("00u-{name}"),
        "groups": [],
        "password": PASSWORD,
        "active": true,
    })
}

#[test]
fn an_app_of_the_catalogue() {
    let company = Company::new();
    let okta = &company.okta;
    let test = okta.get("/Users?startIndex=1&count=2");
    assert_eq!((test.status, &test.body["totalResults"]), (200, &json!(0)));

    let found = okta.get("/Users?filter=userName%20eq%20%22alice%22&startIndex=1&count=100");
    assert_eq!((found.status, &found.body["Resources"]), (200, &json!([])));
    let made = okta.post("/Users", &okta_user("alice"));
    let alice = made.id(201);
    assert!(made.head.contains(&format!("/users/{alice}")), "its address: {}", made.head);
    assert!(!made.body.to_string().contains(PASSWORD));
    let bob = okta.post("/Users", &okta_user("bob")).id(201);

    // A group is pushed empty, and then in one step.
    let group =
        okta.post("/Groups", &json!({"schemas": [GROUP], "displayName": "eng", "members": []})).id(201);
    let group = format!("/Groups/{group}");
    let members = json!([
        {"op": "remove", "path": format!("members[value eq \"{bob}\"]")},
        {"op": "add", "path": "members", "value": [{"value": alice, "display": "alice"}]},
    ]);
    okta.patch(&group, &patch(&members)).expect(200);
    company.permits("alice");
    company.refuses("bob", "no-grant");
    // All of it again, as "Push now" does.
    let members = json!([{"op": "replace", "path": "members", "value": [{"value": bob, "display": "bob"}]}]);
    okta.patch(&group, &patch(&members)).expect(200);
    company.refuses("alice", "no-grant");
    company.permits("bob");
    // A rename carries the id in the value, and takes with it what rules say of the name.
    let id = group.rsplit('/').next().unwrap();
    let rename = |name: &str| patch(&json!([{"op": "replace", "value": {"id": id, "displayName": name}}]));
    okta.patch(&group, &rename("engineering")).expect(200);
    company.refuses("bob", "no-grant");
    okta.patch(&group, &rename("eng")).expect(200);
    company.permits("bob");

    // Never deleted: everything is a deactivation.
    let path = format!("/Users/{bob}");
    let active = |active: bool| patch(&json!([{"op": "replace", "value": {"active": active}}]));
    assert_eq!(okta.patch(&path, &active(false)).expect(200).body["active"], json!(false));
    company.refuses("bob", "account-disabled");
    okta.patch(&path, &active(true)).expect(200);
    company.permits("bob");
    okta.delete(&group).expect(204);
    company.refuses("bob", "no-grant");
    nothing_holds(&company, PASSWORD);
    nothing_holds(&company, company.okta.token());
}

#[test]
fn a_custom_app() {
    let company = Company::new();
    let okta = &company.okta;
    let alice = okta.post("/Users", &okta_user("alice")).id(201);
    let group = json!({"schemas": [GROUP], "displayName": "eng", "members": [{"value": alice}]});
    okta.post("/Groups", &group).expect(201);
    company.permits("alice");

    // The whole object each time, with groups that are none of its business.
    let path = format!("/Users/{alice}");
    let whole = |active: bool, id: &str| {
        let mut user = okta_user("alice");
        user["active"] = json!(active);
        user["id"] = json!(id);
        user["title"] = json!("Engineer");
        user
    };
    let put = okta.put(&path, &whole(true, &alice));
    assert_eq!(put.expect(200).body["title"], json!("Engineer"));
    assert_eq!(put.body["groups"][0]["display"], json!("eng"));
    company.permits("alice");
    okta.put(&path, &whole(false, &alice)).expect(200);
    company.refuses("alice", "account-disabled");
    // Saying nothing of it gives nobody access back.
    let mut silent = whole(false, &alice);
    silent.as_object_mut().unwrap().remove("active");
    okta.put(&path, &silent).expect(200);
    company.refuses("alice", "account-disabled");
    okta.put(&path, &whole(true, &alice)).expect(200);
    company.permits("alice");
    nothing_holds(&company, PASSWORD);
}

/// A name that somebody else has holds up no deactivation: whoever leaves often gets another name at the same moment.
#[test]
fn a_deactivation_is_taken_whatever_else_cannot_be() {
    let company = Company::new();
    let okta = &company.okta;
    let (ids, _) = company.developers(&["alice", "bob", "carol"]);
    company.permits("bob");
    let leaves = json!([{"op": "replace", "value": {"userName": "Alice", "title": "gone", "active": false}}]);
    let bob = format!("/Users/{}", ids[1]);
    let answer = okta.patch(&bob, &patch(&leaves));
    assert_eq!((answer.status, answer.body["scimType"].as_str()), (409, Some("uniqueness")));
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains(&ids[0]) && detail.contains("may act no more"), "{detail}");
    company.refuses("bob", "account-disabled");
    company.permits("alice");
    let shown = okta.get(&bob).body;
    assert_eq!(
        (&shown["active"], &shown["userName"], &shown["title"]),
        (&json!(false), &json!("bob"), &json!(null))
    );
    // It is no more than that: the name is not taken later, nor is anybody let in.
    assert_eq!(okta.patch(&bob, &patch(&leaves)).status, 409);
    let back = json!([{"op": "replace", "value": {"userName": "alice", "active": true}}]);
    assert_eq!(okta.patch(&bob, &patch(&back)).status, 409);
    company.refuses("bob", "account-disabled");
    // The whole object, as well.
    let mut whole = okta_user("alice");
    whole["active"] = json!(false);
    assert_eq!(okta.put(&format!("/Users/{}", ids[2]), &whole).status, 409);
    company.refuses("carol", "account-disabled");
    company.permits("alice");
}

#[test]
fn pages_are_in_one_order_and_versions_are_minded() {
    let company = Company::new();
    let okta = &company.okta;
    let ids: Vec<_> = (0..7).map(|n| okta.post("/Users", &okta_user(&format!("u{n}"))).id(201)).collect();
    let mut paged = Vec::new();
    for start in [1, 4, 7] {
        let page = okta.get(&format!("/Users?startIndex={start}&count=3")).body;
        assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(7), &json!(start)));
        let resources = page["Resources"].as_array().unwrap().clone();
        paged.extend(resources.into_iter().map(|user| user["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(paged, ids);
    let path = format!("/Users/{}", ids[0]);
    let change = patch(&json!([{"op": "replace", "path": "title", "value": "x"}]));
    let send = |head: &str| okta.send_with("PATCH", &path, Some(&change), head).unwrap();
    assert_eq!(send("If-Match: W/\"7\"\r\n").status, 412);
    let done = send("If-Match: W/\"1\"\r\n");
    assert!(done.expect(200).head.contains("etag: w/\"2\""), "{}", done.head);
    assert_eq!(send("").body["meta"]["version"], json!("W/\"2\""), "nothing changed");
    assert_eq!(okta.send_with("GET", &path, None, "If-None-Match: W/\"2\"\r\n").unwrap().status, 304);
    for (method, path, status) in [
        ("GET", "/Users/nobody", 404),
        ("GET", "/Users?filter=userName", 400),
        ("GET", "/Users?count=x", 400),
        ("POST", "/Bulk", 404),
        ("DELETE", "/Users", 405),
    ] {
        let answer = okta.send(method, path, None);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.body["schemas"][0], json!("urn:ietf:params:scim:api:messages:2.0:Error"), "{path}");
    }
}

/// No file of the daemon, its log included, holds the text.
fn nothing_holds(company: &Company, secret: &str) {
    let mut folders = vec![company.daemon.folder().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match fs::symlink_metadata(&path).unwrap().file_type() {
                kind if kind.is_dir() => folders.push(path),
                kind if kind.is_file() => {
                    files += 1;
                    let bytes = fs::read(&path).unwrap();
                    let found = String::from_utf8_lossy(&bytes).contains(secret);
                    assert!(!found, "{} holds a secret", path.display());
                }
                _ => {}
            }
        }
    }
    assert!(files > 5, "the state was looked at");
}
