//! More than one source: what they say is one directory, in which losing something never gives anything.

use std::fs;

use oam_audit::entry::{Entry, Event};
use oam_tests::{Verdict, daemon::Setup, sample};
use serde_json::{Value, json};

use super::{Company, OKTA, patch, user};

/// A role that names a service account, beside the sample's.
fn with_service() -> String {
    format!(
        "{}\n[[role]]\nid = \"bot\"\nservice = [\"svc-bot\"]\nmax_lease = \"1h\"\n\n[[grant]]\nid = \"bots\"\nto = \
         [\"bot\"]\non = [\"DEMO/*\"]\nrefs = [\"refs/heads/feature/**\"]\nverbs = [\"create\", \"update\", \"force\"]\n",
        sample::POLICY
    )
}

fn listed(users: &Value) -> String {
    json!({"version": 1, "users": users}).to_string()
}

fn both() -> Setup {
    let config = format!("[source.hr]\nkind = \"file\"\n\n{OKTA}");
    Setup { config, directory: None, policy: with_service() }
}

#[test]
fn deactivated_in_one_is_deactivated() {
    let company = Company::with(&both());
    company.daemon.import(&listed(&json!([
        {"username": "Alice", "groups": ["hr:staff"]}, {"username": "bob", "active": false, "groups": []},
    ])));
    let (ids, _) = company.developers(&["alice", "bob"]);
    company.permits("alice");
    company.refuses("bob", "account-disabled");
    let shown = company.daemon.oam(["--json", "user", "show", "ALICE"]).stdout_text();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["groups"], json!(["hr:staff", "okta:eng"]));

    // The other way round: active on the list, and not at the provider.
    let path = format!("/Users/{}", ids[0]);
    let active = |active: bool| patch(&json!([{"op": "replace", "value": {"active": active}}]));
    company.okta.patch(&path, &active(false)).expect(200);
    company.refuses("alice", "account-disabled");
    company.daemon.import(&listed(&json!([{"username": "alice", "groups": ["hr:staff"]}])));
    company.refuses("alice", "account-disabled");
    company.okta.patch(&path, &active(true)).expect(200);
    company.permits("alice");
    // Bob is gone from the list that deactivated him: that gives him nothing.
    company.refuses("bob", "account-disabled");
    company.daemon.import(&listed(&json!([{"username": "bob", "groups": []}])));
    company.permits("bob");
    // Alice is only on the provider's list now.
    company.permits("alice");
}

#[test]
fn a_deactivation_is_in_the_log_also_where_another_source_had_done_so() {
    let company = Company::with(&both());
    company.daemon.import(&listed(&json!([{"username": "alice", "active": false, "groups": []}])));
    let id = company.okta.post("/Users", &user("alice")).id(201);
    company.refuses("alice", "account-disabled");
    let told = || {
        let is_it = |entry: &&Entry| match &entry.event {
            Event::SnapshotChanged(changed) => {
                changed.subject.as_deref() == Some("alice")
                    && changed.reason.as_deref() == Some("SCIM: user deactivated")
            }
            _ => false,
        };
        company.daemon.audit().entries.iter().filter(is_it).count()
    };
    assert_eq!(told(), 0);
    let off = patch(&json!([{"op": "replace", "value": {"active": false}}]));
    company.okta.patch(&format!("/Users/{id}"), &off).expect(200);
    assert_eq!(told(), 1);
    // It is so already.
    company.okta.patch(&format!("/Users/{id}"), &off).expect(200);
    assert_eq!(told(), 1);
    company.refuses("alice", "account-disabled");
}

#[test]
fn who_was_cut_off_by_command_stays_so() {
    let company = Company::with(&both());
    let (ids, group) = company.developers(&["alice"]);
    company.permits("alice");
    let revoked = company.daemon.oam(["user", "revoke", "alice", "--reason", "left"]);
    revoked.expect_success("oam user revoke");
    company.refuses("alice", "revoked");
    company.daemon.import(&listed(&json!([{"username": "alice", "groups": []}])));
    let again = patch(&json!([{"op": "replace", "value": {"active": true}}]));
    company.okta.patch(&format!("/Users/{}", ids[0]), &again).expect(200);
    let join = patch(&json!([{"op": "replace", "path": "members", "value": [{"value": ids[0]}]}]));
    company.okta.patch(&format!("/Groups/{group}"), &join).expect(200);
    company.refuses("alice", "revoked");
    company.okta.delete(&format!("/Users/{}", ids[0])).expect(204);
    company.okta.post("/Users", &user("alice")).expect(201);
    company.refuses("alice", "revoked");
}

/// The policy lets `svc-bot` act by its name. While the directory knows it as deactivated it may not, and a list that
/// leaves it out does not give that back.
#[test]
fn a_service_account_that_a_list_leaves_out_stays_out() {
    let company = Company::with(&both());
    let bots = |users: Value| company.daemon.import(&listed(&users));
    bots(json!([{"username": "svc-bot", "active": false, "groups": []}, {"username": "x", "groups": []}]));
    company.refuses("svc-bot", "account-disabled");
    bots(json!([{"username": "x", "groups": []}]));
    company.refuses("svc-bot", "account-disabled");
    let forget = ["source", "forget", "hr", "svc-bot", "--reason", "it is no person"];
    company.daemon.oam(forget).expect_success("forget");
    company.permits("svc-bot");
}

#[test]
fn a_file_speaks_of_no_other_source_s_groups() {
    let company = Company::with(&both());
    let file = company.daemon.folder().join("forged.json");
    fs::write(&file, listed(&json!([{"username": "eve", "groups": ["okta:eng"]}]))).unwrap();
    let forged = company.daemon.oam(["snapshot", "import", file.to_str().unwrap()]);
    assert!(forged.code != 0 && forged.stderr_text().contains("okta:eng"), "{forged:?}");
    assert_eq!(company.push("eve").0, Verdict::Undecided, "there is no directory yet");
}

#[test]
fn only_who_rests_on_a_stale_source_is_undecided() {
    let config = format!(
        "[source.hr]\nkind = \"file\"\n\n{}",
        OKTA.replace("\"scim\"\n", "\"scim\"\nmax_age = \"2s\"\n")
    );
    let company = Company::with(&Setup {
        config,
        directory: None,
        policy: sample::POLICY.replace("okta:eng\"]", "okta:eng\", \"hr:eng\"]"),
    });
    company.daemon.import(&listed(&json!([{"username": "hank", "groups": ["hr:eng"]}])));
    company.developers(&["alice"]);
    company.permits("alice");
    oam_tests::wait::until("the source is stale", || {
        (company.daemon.oam(["source", "status", "okta"]).code == 1).then_some(())
    });
    assert_eq!(company.push("alice"), (Verdict::Undecided, "source-stale".into()));
    company.permits("hank");
    assert_eq!(company.push("nobody").0, Verdict::Undecided, "a source that is behind may know them by now");
    let status = company.daemon.oam(["status"]);
    assert!(status.stdout_text().contains("source `okta`"), "{status:?}");
    company.okta.get("/Users?count=0").expect(200);
    company.permits("alice");
}

#[test]
fn a_mapping_can_be_tried() {
    let mapped = OKTA.replace("kind = \"scim\"\n", "kind = \"scim\"\nusername = \"emails\"\nusername_suffix = \"@example.com\"\ngroup = \"externalId\"\n");
    let company = Company::with(&Setup { config: mapped, directory: None, ..Setup::default() });
    let preview = |json: Value| {
        let file = company.daemon.folder().join("preview.json");
        fs::write(&file, json.to_string()).unwrap();
        let shown = company.daemon.oam(["--json", "source", "preview", "okta", file.to_str().unwrap()]);
        (shown.code, serde_json::from_str::<Value>(&shown.stdout_text()).unwrap())
    };
    let (code, shown) = preview(
        json!({"userName": "x", "emails": [{"value": "al@home"}, {"value": "Alice@Example.COM", "primary": true}]}),
    );
    assert_eq!((code, &shown["user"]["username"]), (0, &json!("Alice")));
    let (code, shown) =
        preview(json!({"userName": "alice@evil.com", "emails": [{"value": "alice@evil.com"}]}));
    assert_eq!((code, &shown["user"]), (1, &Value::Null));
    assert_eq!(preview(json!({"displayName": "Engineers", "externalId": "g1"})).1["group"], json!("okta:g1"));
    // And so it is.
    let body = json!({"userName": "x", "emails": [{"value": "alice@example.com"}]});
    let alice = company.okta.post("/Users", &body).id(201);
    let group = json!({"displayName": "Engineers", "externalId": "eng", "members": [{"value": alice}]});
    company.okta.post("/Groups", &group).expect(201);
    company.permits("alice");
    // Somebody else who would be called so on Bitbucket is not taken.
    let twin = json!({"userName": "y", "emails": [{"value": "ALICE@example.com"}]});
    company.okta.post("/Users", &twin).expect(409);
    let list = company.daemon.oam(["source", "list"]).expect_success("list").stdout_text();
    assert!(list.contains("okta") && list.contains("fresh"), "{list}");
}
