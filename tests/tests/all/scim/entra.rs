//! Conversations as Microsoft Entra ID holds them, in both of its dialects.

use serde_json::json;

use super::{Company, GROUP, USER, patch};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ENTRA_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

fn entra_user(name: &str) -> serde_json::Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": format!("oid-{name}"),
        "userName": name,
        "active": true,
        "displayName": format!("{name} at work"),
        "emails": [{"primary": true, "type": "work", "value": format!("{name}@example.com")}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": format!("{name} L"), "familyName": "L", "givenName": name},
        "title": null,
        ENTERPRISE: {"department": "R&D"},
    })
}

#[test]
fn without_the_flag() {
    let company = Company::new();
    let entra = &company.okta;

    // "Test connection" asks for somebody who is not there.
    let nobody = entra.get("/Users?filter=userName+eq+%22fdcb1e5e-0000%22");
    assert_eq!((nobody.status, &nobody.body["totalResults"]), (200, &json!(0)));
    assert!(nobody.head.contains("application/scim+json"), "{}", nobody.head);

    let alice = entra.post("/Users", &entra_user("alice")).id(201);
    let bob = entra.post("/Users", &entra_user("bob")).id(201);
    entra.post("/Users", &entra_user("ALICE")).expect(409);
    let found = entra.get("/Users?filter=userName%20eq%20%22Alice%22");
    assert_eq!(found.body["Resources"][0]["id"], json!(alice));
    assert_eq!(found.body["Resources"][0][ENTERPRISE]["department"], json!("R&D"));
    let by_mail =
        entra.get("/Users?filter=emails[type%20eq%20%22work%22].value%20eq%20%22alice@example.com%22");
    assert_eq!(by_mail.body["totalResults"], json!(1));
    company.refuses("alice", "no-grant");

    // A group comes empty, with a schema of its own, and then its members.
    let query = "/Groups?excludedAttributes=members&filter=displayName+eq+%22eng%22";
    assert_eq!(entra.get(query).body["totalResults"], json!(0));
    let group = json!({"schemas": [GROUP, ENTRA_GROUP], "externalId": "g-1", "displayName": "eng", "members": [], "meta": {"resourceType": "Group"}});
    let group = entra.post("/Groups", &group).id(201);
    assert_eq!(entra.get(query).body["Resources"][0]["id"], json!(group));
    assert!(entra.get(query).body["Resources"][0].get("members").is_none());
    let members = format!("/Groups/{group}");
    let add =
        |id: &str| patch(&json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": id}]}]));
    entra.patch(&members, &add(&alice)).expect(200);
    entra.patch(&members, &add(&bob)).expect(200);
    company.permits("alice");
    company.permits("bob");

    // One member goes: a naive server takes all.
    let remove =
        patch(&json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": alice}]}]));
    entra.patch(&members, &remove).expect(200);
    company.refuses("alice", "no-grant");
    company.permits("bob");
    entra.patch(&members, &add(&alice)).expect(200);
    company.permits("alice");

    // Deactivated by a text, and still found.
    let path = format!("/Users/{alice}");
    let active = |value: &str| patch(&json!([{"op": "Replace", "path": "active", "value": value}]));
    let off = entra.patch(&path, &active("False"));
    assert_eq!(off.expect(200).body["active"], json!(false));
    company.refuses("alice", "account-disabled");
    assert_eq!(
        entra.get("/Users?filter=userName+eq+%22alice%22").body["Resources"][0]["active"],
        json!(false)
    );
    entra.patch(&path, &active("True")).expect(200);
    company.permits("alice");

    // What is not kept, and what there is none of yet, is in nobody's way.
    let changed = entra.patch(
        &path,
        &patch(&json!([
            {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1"},
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@example.com"},
            {"op": "Add", "path": format!("{ENTERPRISE}:employeeNumber"), "value": "7"},
            {"op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "dev"},
        ])),
    );
    assert_eq!(changed.expect(200).body["emails"][0]["value"], json!("a@example.com"));
    assert_eq!(changed.body[ENTERPRISE]["employeeNumber"], json!("7"));

    // Deleted a month later.
    entra.delete(&path).expect(204);
    company.refuses("alice", "account-disabled");
    entra.get(&path).expect(404);
    entra.patch(&path, &active("True")).expect(404);
    company.refuses("alice", "account-disabled");
    company.permits("bob");
    // Hired again: somebody new, who is in no group.
    entra.post("/Users", &entra_user("alice")).expect(201);
    company.refuses("alice", "no-grant");
}

#[test]
fn with_the_flag() {
    let company = Company::new();
    let entra = &company.okta;
    let flag = |path: &str| format!("{path}?aadOptscim062020");
    let alice = entra.post(&flag("/Users"), &entra_user("alice")).id(201);
    let bob = entra.post(&flag("/Users"), &entra_user("bob")).id(201);
    let group = json!({"schemas": [GROUP], "externalId": "g-1", "displayName": "eng"});
    let group = entra.post(&flag("/Groups"), &group).id(201);
    let group = flag(&format!("/Groups/{group}"));
    let add = json!([{"op": "add", "path": "members", "value": [{"value": alice}, {"value": bob}]}]);
    entra.patch(&group, &patch(&add)).expect(200);
    company.permits("alice");

    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{alice}\"]")}]);
    entra.patch(&group, &patch(&remove)).expect(200);
    company.refuses("alice", "no-grant");
    company.permits("bob");

    let path = flag(&format!("/Users/{bob}"));
    let changed = entra.patch(
        &path,
        &patch(&json!([{"op": "replace", "value": {
            "active": false,
            "name.givenName": "Robert",
            "emails[type eq \"work\"].value": "robert@example.com",
            format!("{ENTERPRISE}:department"): "Sales",
            "displayName": "Robert",
        }}])),
    );
    changed.expect(200);
    assert_eq!(changed.body["name"]["givenName"], json!("Robert"));
    assert_eq!(changed.body["emails"][0]["value"], json!("robert@example.com"));
    assert_eq!(changed.body[ENTERPRISE]["department"], json!("Sales"));
    company.refuses("bob", "account-disabled");
    entra.patch(&path, &patch(&json!([{"op": "replace", "value": {"active": true}}]))).expect(200);
    company.permits("bob");

    // A renamed user is somebody else to Bitbucket, and the name before is nobody's.
    entra.patch(&path, &patch(&json!([{"op": "replace", "value": {"userName": "rob"}}]))).expect(200);
    company.refuses("bob", "account-disabled");
    company.permits("rob");
}
