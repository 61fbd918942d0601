//! Who may push changes.

use std::{fs, io::Write, net::TcpStream};

use oam_tests::{ScimClient, daemon::Setup};
use serde_json::Value;

use super::{Company, OKTA, user};

#[test]
fn two_live_at_once_and_a_revoked_one_is_worth_nothing() {
    let config = format!("{OKTA}\n[source.entra]\nkind = \"scim\"\n");
    let company = Company::with(&Setup { config, directory: None, ..Setup::default() });
    let daemon = &company.daemon;
    let second = ScimClient::of(daemon, "okta");
    company.okta.get("/Users").expect(200);
    second.get("/Users").expect(200);
    let third = daemon.oam(["source", "token", "rotate", "okta"]);
    assert!(third.code != 0 && third.stderr_text().contains("two tokens are live"), "{third:?}");

    // A token is good for its own source, and nothing else is.
    let other = ScimClient::with_token(daemon, "entra", company.okta.token());
    for client in [
        &other,
        &ScimClient::with_token(daemon, "nosuch", company.okta.token()),
        &ScimClient::with_token(daemon, "file", company.okta.token()),
        &ScimClient::with_token(daemon, "okta", "oamscim_00"),
        &ScimClient::with_token(daemon, "okta", ""),
    ] {
        let refused = client.post("/Users", &user("eve"));
        assert!(refused.expect(401).head.contains("www-authenticate: bearer"), "{}", refused.head);
    }

    let list = daemon.oam(["--json", "source", "token", "list", "okta"]).expect_success("list").stdout_text();
    assert!(!list.contains(company.okta.token()));
    let list: Value = serde_json::from_str(&list).unwrap();
    assert!(list[0]["last_used"].is_string() && list.as_array().unwrap().len() == 2, "{list}");
    let first = list[0]["id"].as_str().unwrap();
    daemon.oam(["source", "token", "revoke", "okta", first]).expect_success("revoke");
    company.okta.get("/Users").expect(401);
    second.get("/Users").expect(200);
    let log = fs::read_to_string(oam_tests::audit::newest_segment(&daemon.state().join("audit"))).unwrap();
    assert!(log.contains("\"kind\":\"source-token\"") && log.contains("\"revoked\""), "{log}");

    // Whoever guesses is told to wait, and holds up nobody who need not guess.
    let guess = ScimClient::with_token(daemon, "okta", "oamscim_ff");
    let statuses: Vec<_> = (0..20).map(|_| guess.get("/Users").status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    second.get("/Users").expect(200);
}

#[test]
fn what_is_no_request_harms_nobody() {
    let company = Company::new();
    let address = company.okta.base().split('/').nth(2).unwrap().to_owned();
    for bytes in [&b"\x16\x03\x01\x02\x00\x01"[..], b"GET / HTTP/1.1\r\n\r\n", b"GARBAGE\r\n\r\n", b""] {
        let mut connection = TcpStream::connect(&address).unwrap();
        connection.write_all(bytes).unwrap();
    }
    let huge = format!("{{\"userName\": \"{}\"}}", "x".repeat(9 << 20));
    let answer = company.okta.send_with("POST", "/Users", Some(&Value::String(huge)), "");
    // The daemon may hang up before all of it is sent.
    assert!(answer.is_none_or(|answer| answer.status == 413));
    company.okta.post("/Users", &Value::String("no object".into())).expect(400);
    company.okta.post("/Users", &user("alice")).expect(201);
    company.refuses("alice", "no-grant");
}
