//! Event hooks: whoever calls is not believed, and what they name is read again.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::Organization;
use crate::ldap::{Company, has_groups, has_no_group, is_active, is_inactive};

const SECRET: &str = "hook-secret-of-okta";

/// Calls the hook of `source`; gives the status and the body.
fn call(company: &Company, method: &str, source: &str, head: &str, body: &str) -> (u16, String) {
    let address = fs::read_to_string(company.daemon.runtime().join("scim.addr")).unwrap();
    let mut connection = TcpStream::connect(address.trim()).unwrap();
    let request = format!(
        "{method} /hooks/{source} HTTP/1.1\r\nHost: oam\r\nContent-Length: {}\r\nConnection: close\r\n{head}\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn event(uuid: &str, kind: &str, published: &str, targets: &[(&str, &str)]) -> Value {
    let targets: Vec<_> = targets.iter().map(|(kind, id)| json!({"id": id, "type": kind})).collect();
    json!({"uuid": uuid, "published": published, "eventType": kind, "version": "0", "target": targets})
}

fn send(company: &Company, events: &[Value]) {
    let body = json!({
        "eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "source": "https://x.okta.com/api/v1/eventHooks/who",
        "eventId": "b5a188b9", "data": {"events": events},
    });
    let head = format!("Authorization: {SECRET}\r\nContent-Type: application/json\r\n");
    assert_eq!(call(company, "POST", "corp", &head, &body.to_string()), (200, String::new()));
}

#[test]
fn a_hook_is_heard_at_once_however_often_and_in_whichever_order() {
    let okta = Organization::new();
    // Nothing is asked for by itself.
    let company = Company::following(&okta.config("1h", "poll = \"1h\""));
    company.permits("alice");

    okta.server.set_status(&okta.alice, "SUSPENDED");
    let suspended =
        event("e1", "user.lifecycle.suspend", "2026-01-01T00:00:02.000Z", &[("User", &okta.alice)]);
    send(&company, std::slice::from_ref(&suspended));
    company.wait_for("alice is suspended", "alice", is_inactive);
    company.refuses("alice", "account-disabled");

    // An older event that comes later, and the same twice: what is there counts.
    let asked = okta.server.asked(&format!("users/{}", okta.alice));
    let before = event("e0", "user.lifecycle.activate", "2026-01-01T00:00:01.000Z", &[("User", &okta.alice)]);
    send(&company, &[suspended.clone(), before.clone()]);
    oam_tests::wait::until("it is read again", || {
        (okta.server.asked(&format!("users/{}", okta.alice)) > asked).then_some(())
    });
    company.refuses("alice", "account-disabled");
    okta.server.set_status(&okta.alice, "ACTIVE");
    send(&company, &[event("e3", "user.lifecycle.unsuspend", "x", &[("User", &okta.alice)])]);
    company.wait_for("alice is back", "alice", is_active);
    company.permits("alice");

    okta.server.set_member(&okta.eng, &okta.bob, false);
    let targets = [("User", okta.bob.as_str()), ("UserGroup", okta.eng.as_str())];
    send(&company, &[event("e4", "group.user_membership.remove", "x", &targets)]);
    company.wait_for("bob is out of the group", "bob", has_no_group);
    company.refuses("bob", "no-grant");
    okta.server.set_member(&okta.eng, &okta.bob, true);
    send(&company, &[event("e5", "group.user_membership.add", "x", &targets)]);
    company.wait_for("bob is in the group", "bob", has_groups);
    company.permits("bob");

    // What came already is not read again: alice would be before bob.
    let read = |user: &str| okta.server.asked(&format!("users/{user}"));
    let (of_alice, of_bob) = (read(&okta.alice), read(&okta.bob));
    send(&company, &[suspended, event("e5b", "user.account.update_profile", "x", &[("User", &okta.bob)])]);
    oam_tests::wait::until("bob is read again", || (read(&okta.bob) > of_bob).then_some(()));
    assert_eq!(read(&okta.alice), of_alice);

    okta.server.delete_user(&okta.bob);
    send(&company, &[event("e6", "user.lifecycle.delete.completed", "x", &[("User", &okta.bob)])]);
    company.wait_for("bob is deleted", "bob", is_inactive);
    company.refuses("bob", "account-disabled");

    okta.server.delete_group(&okta.eng);
    send(&company, &[event("e7", "group.lifecycle.delete", "x", &[("UserGroup", &okta.eng)])]);
    company.wait_for("the group is deleted", "alice", has_no_group);
    company.refuses("alice", "no-grant");
}

/// How many pages `eng` has: five members, two on a page.
const PAGES: usize = 3;

/// Between the pages of a large group, too, whoever is called about is looked at: nobody waits for all of it.
#[test]
fn whoever_is_called_about_while_a_group_is_read_does_not_wait_for_all_of_it() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("1h", "poll = \"1h\""));
    company.permits("bob");
    let begun = okta.server.requests().len();
    let pages = format!("groups/{}/users?", okta.eng);
    okta.server.hold(&format!("groups/{}/users?after=", okta.eng));
    let loaded = company.source()["feed"]["last_load"].clone();
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    oam_tests::wait::until("the second page is asked for", || okta.server.is_held().then_some(()));
    // Bob was on the first page, with alice.
    okta.server.set_member(&okta.eng, &okta.bob, false);
    about(&company, &okta.bob);
    // After a load it is asked which groups changed meanwhile, and this one is read again: not yet.
    okta.server.hold_instead("lastMembershipUpdated");
    company.wait("the load is whole", |source| source["feed"]["last_load"] != loaded);
    // What the first page said before is not so any more.
    assert_eq!(company.groups("bob"), Vec::<String>::new());
    company.refuses("bob", "no-grant");
    let requests = okta.server.requests().split_off(begun);
    let read = requests.iter().position(|request| request.contains(&format!("users/{}/groups", okta.bob)));
    let of_group = requests.iter().enumerate().filter(|(_, request)| request.contains(&pages));
    let last_page = of_group.map(|(place, _)| place).nth(PAGES - 1);
    assert!(read.is_some() && read < last_page, "{read:?} {last_page:?} {requests:#?}");
    // Counted before: what is asked for again by then may be answered at once.
    let asked = okta.server.asked(&pages);
    okta.server.release();
    // In neither of the two loads.
    let again = || (okta.server.asked(&pages) > asked).then_some(());
    oam_tests::wait::until("the group is read again", again);
    assert_eq!(company.groups("bob"), Vec::<String>::new());
    company.permits("alice");
}

/// Whoever is deleted meanwhile is in no group: that is no reason to begin anew.
#[test]
fn whoever_is_deleted_while_a_group_is_read_holds_up_nobody() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("1h", "poll = \"1h\""));
    company.permits("bob");
    okta.server.hold(&format!("groups/{}/users?after=", okta.eng));
    let polled = okta.server.asked("lastUpdated");
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    oam_tests::wait::until("the second page is asked for", || okta.server.is_held().then_some(()));
    // Bob was on the first page, with alice.
    okta.server.delete_user(&okta.bob);
    about(&company, &okta.bob);
    okta.server.release();
    company.wait_for("bob is gone", "bob", is_inactive);
    company.wait("the load is whole", |_| okta.server.asked("lastUpdated") > polled);
    let log = company.daemon.log();
    assert!(!log.contains("the source is not followed"), "{log}");
    company.refuses("bob", "account-disabled");
    company.permits("alice");
}

#[test]
fn only_who_knows_the_secret_is_heard() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("1h", "poll = \"1h\""));
    let secret = format!("Authorization: {SECRET}\r\n");
    let challenge = format!("{secret}X-Okta-Verification-Challenge: a-b_c\r\n");
    assert_eq!(
        call(&company, "GET", "corp", &challenge, ""),
        (200, r#"{"verification":"a-b_c"}"#.to_owned())
    );
    assert_eq!(call(&company, "GET", "corp", &secret, "").0, 400);
    assert_eq!(call(&company, "PUT", "corp", &secret, "").0, 405);
    assert_eq!(call(&company, "POST", "corp", &secret, "{").0, 400);
    let body = json!({"data": {"events": [event("e1", "x", "x", &[("User", &okta.alice)])]}}).to_string();
    let asked = okta.server.requests().len();
    for (source, head) in [
        ("corp", String::new()),
        ("corp", "Authorization: hook-secret-of-okt\r\n".to_owned()),
        ("corp", format!("Authorization: Bearer {SECRET}\r\n")),
        ("elsewhere", secret.clone()),
    ] {
        assert_eq!(call(&company, "POST", source, &head, &body), (401, String::new()), "{source} {head}");
        let challenge = format!("{head}X-Okta-Verification-Challenge: x\r\n");
        assert_eq!(call(&company, "GET", source, &challenge, ""), (401, String::new()), "{source} {head}");
    }
    // Whoever is named by an id that is none is nobody: no other place is asked for by it.
    send(&company, &[event("e2", "x", "x", &[("User", "../groups?limit=1"), ("User", "")])]);
    send(&company, &[event("e3", "x", "x", &[("User", &okta.alice)])]);
    oam_tests::wait::until("the last one is heard", || (okta.server.asked(&okta.alice) > 0).then_some(()));
    let since = okta.server.requests().split_off(asked);
    assert!(!since.iter().any(|request| request.contains("..") || request == "/api/v1/users/"), "{since:?}");
    // Another secret is one from then on.
    fs::write(okta.folder.path().join("hook"), "another").unwrap();
    assert_eq!(call(&company, "POST", "corp", &secret, &body).0, 401);
    assert_eq!(call(&company, "POST", "corp", "Authorization: another\r\n", &body).0, 200);
    assert!(!company.daemon.log().contains(SECRET));
    company.permits("alice");
}

/// Calls the hook with an event about a user.
pub(super) fn about(company: &Company, user: &str) {
    let name = format!("about-{user}");
    send(company, &[event(&name, "user.account.update_profile", "x", &[("User", user)])]);
}

/// Calls the hook with an event about a group.
pub(super) fn about_group(company: &Company, group: &str) {
    let name = format!("about-{group}");
    send(company, &[event(&name, "group.lifecycle.delete", "x", &[("UserGroup", group)])]);
}
