//! Okta that is away, slow, or says what it should not: nobody gains by it, and nobody is called nobody.

use std::{fs, net::TcpListener};

use oam_tests::{Verdict, wait};

use super::Organization;
use crate::ldap::{Company, has_no_group, is_inactive};

/// What a push comes to before anything was read: nobody is called nobody.
fn nothing_is_known() -> (Verdict, String) {
    (Verdict::Undecided, "snapshot-missing".to_owned())
}

#[test]
fn half_of_a_load_changes_nothing_and_what_is_old_is_undecided() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("3s", "poll = \"1s\""));
    company.permits("alice");
    // The first page came, and then the network is cut.
    okta.server.hold("/api/v1/users?after=");
    okta.server.set_member(&okta.eng, &okta.bob, false);
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    wait::until("the second page is asked for", || okta.server.is_held().then_some(()));
    okta.server.answers(false);
    okta.server.release();
    company.wait("it is told why", |source| source["feed"]["trouble"].is_string());
    company.wait("it is too old", |source| source["stale"] == true);
    company.does_not_decide("alice");
    company.does_not_decide("bob");
    assert_eq!(company.groups("alice"), ["corp:eng"], "half of a load took nothing");
    okta.server.answers(true);
    company.wait_for("bob is out of the group", "bob", has_no_group);
    company.wait("it is heard again", |source| source["stale"] == false);
    company.permits("alice");
    company.refuses("bob", "no-grant");
}

#[test]
fn who_is_in_a_group_that_cannot_be_read_is_unknown_and_not_nobody() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("3s", "poll = \"1s\""));
    company.permits("alice");
    // The second page of its members only: as if it were cut off.
    okta.server.fail(&format!("groups/{}/users?after=", okta.eng), Some(403));
    okta.server.set_member(&okta.eng, &okta.kim, true);
    company.wait("it is told which", |source| {
        source["feed"]["trouble"]
            .as_str()
            .is_some_and(|trouble| trouble.contains("members of the group `eng`"))
    });
    company.wait("it is too old", |source| source["stale"] == true);
    company.does_not_decide("alice");
    company.does_not_decide("kim");
    assert_eq!(company.groups("alice"), ["corp:eng"]);
    okta.server.fail("", None);
    company.wait_for("kim is in the group", "kim", |kim| kim["groups"][0] == "corp:eng");
    company.wait("it is heard again", |source| source["stale"] == false);
    company.permits("kim");
}

#[test]
fn no_more_is_asked_than_may_be_and_a_load_is_whole_all_the_same() {
    let okta = Organization::new();
    // A load with pages of two takes more than ten.
    okta.server.limit_rate(5, 2);
    let company = Company::following(&okta.config("1h", "poll = \"1h\""));
    company.permits("alice");
    company.permits("other-2");
    let asked = okta.server.requests().len();
    assert!(
        okta.server.too_many() * 3 <= asked,
        "{} of {asked} requests were too many",
        okta.server.too_many()
    );
}

#[test]
fn the_next_page_is_never_asked_for_elsewhere() {
    let okta = Organization::new();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    okta.server.point_next_to(&format!("http://{}", elsewhere.local_addr().unwrap()));
    let company = Company::beginning(&okta.config("1h", "poll = \"1s\""), None);
    company.wait("it is told of", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("on another host"))
    });
    assert!(elsewhere.accept().is_err(), "somebody came there, with a token");
    assert_eq!(company.push("alice"), nothing_is_known());
}

#[test]
fn with_a_token_that_is_none_nothing_is_decided_and_another_is_taken_from_its_file() {
    let okta = Organization::new();
    let token = okta.folder.path().join("token");
    let good = fs::read_to_string(&token).unwrap();
    fs::write(&token, "00wrong-token").unwrap();
    let company = Company::beginning(&okta.config("1h", "poll = \"1s\""), None);
    company.wait("it is told of", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("401"))
    });
    assert_eq!(company.push("alice"), nothing_is_known());
    fs::write(&token, good).unwrap();
    company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
    company.permits("alice");
    assert!(!company.daemon.log().contains("00wrong-token"));
}

#[test]
fn a_hook_about_somebody_who_cannot_be_read_again_is_not_forgotten() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("1h", "poll = \"1h\""));
    company.permits("alice");
    okta.server.set_status(&okta.alice, "SUSPENDED");
    okta.server.fail(&format!("users/{}", okta.alice), Some(500));
    super::hooks::about(&company, &okta.alice);
    company.wait("it is told whom", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains(&okta.alice))
    });
    okta.server.fail("", None);
    company.wait_for("alice is suspended", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
}
