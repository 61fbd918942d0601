//! Graph that is away, slow, or forgets: nobody gains by it, and nobody is called nobody.

use std::{fs, net::TcpListener};

use oam_tests::{Verdict, wait};

use super::Tenant;
use crate::ldap::{Company, has_no_group, is_inactive};

/// What a push comes to before anything was read: nobody is called nobody.
fn nothing_is_known() -> (Verdict, String) {
    (Verdict::Undecided, "snapshot-missing".to_owned())
}

#[test]
fn half_of_a_load_changes_nothing_and_what_is_old_is_undecided() {
    let entra = Tenant::new();
    let company = Company::following(&entra.config("3s", "poll = \"1s\""));
    company.permits("alice");
    // The groups come on pages; the first came, and then the network is cut.
    entra.server.hold("/v1.0/groups/delta?$skiptoken=");
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    wait::until("the second page is asked for", || entra.server.is_held().then_some(()));
    entra.server.answers(false);
    entra.server.release();
    company.wait("it is told why", |source| source["feed"]["trouble"].is_string());
    company.wait("it is too old", |source| source["stale"] == true);
    company.does_not_decide("alice");
    assert_eq!(company.groups("alice"), ["corp:eng"], "half of a load took nothing");
    entra.server.set_member(&entra.eng, &entra.bob, false);
    entra.server.answers(true);
    company.wait_for("bob is out of the group", "bob", has_no_group);
    company.wait("it is heard again", |source| source["stale"] == false);
    company.permits("alice");
    company.refuses("bob", "no-grant");
}

#[test]
fn a_place_that_is_given_up_means_that_everything_is_read() {
    let entra = Tenant::new();
    let company = entra.company();
    company.permits("alice");
    let loads = entra.server.asked("users/delta?$select");
    entra.server.delete_user(&entra.alice);
    entra.server.forget_places();
    wait::until("everything is read", || (entra.server.asked("users/delta?$select") > loads).then_some(()));
    company.wait_for("alice is gone", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    company.permits("bob");
}

#[test]
fn graph_is_left_alone_when_it_wants_to_be_and_tokens_that_ended_are_renewed() {
    let entra = Tenant::new();
    entra.server.slow_down(2, 1);
    let company = Company::following(&entra.config("1h", "poll = \"1s\""));
    company.permits("alice");
    entra.server.revoke_tokens();
    entra.server.enable(&entra.alice, false);
    company.wait_for("alice is disabled", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
}

#[test]
fn what_may_not_be_read_is_unknown_and_not_nobody() {
    let entra = Tenant::new();
    let company = Company::following(&entra.config("3s", "poll = \"1s\""));
    company.permits("alice");
    entra.server.fail("groups/delta", Some(403));
    company.wait("it is told what", |source| {
        source["feed"]["trouble"]
            .as_str()
            .is_some_and(|trouble| trouble.contains("groups: the answer is 403"))
    });
    company.wait("it is too old", |source| source["stale"] == true);
    company.does_not_decide("alice");
    assert_eq!(company.groups("alice"), ["corp:eng"]);
    entra.server.fail("", None);
    company.wait("it is heard again", |source| source["stale"] == false);
    company.permits("alice");
}

#[test]
fn the_next_page_is_never_asked_for_elsewhere() {
    let entra = Tenant::new();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    entra.server.point_next_to(&format!("http://{}", elsewhere.local_addr().unwrap()));
    let company = Company::beginning(&entra.config("1h", "poll = \"1s\""), None);
    company.wait("it is told of", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("on another host"))
    });
    assert!(elsewhere.accept().is_err(), "somebody came there, with a token");
    assert_eq!(company.push("alice"), nothing_is_known());
}

#[test]
fn with_a_secret_that_is_none_nothing_is_decided_and_another_is_taken_from_its_file() {
    let entra = Tenant::new();
    let secret = entra.folder.path().join("secret");
    let good = fs::read_to_string(&secret).unwrap();
    fs::write(&secret, "wrong~secret").unwrap();
    let company = Company::beginning(&entra.config("1h", "poll = \"1s\""), None);
    company.wait("it is told of", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("401"))
    });
    assert_eq!(company.push("alice"), nothing_is_known());
    fs::write(&secret, good).unwrap();
    company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
    company.permits("alice");
    assert!(!company.daemon.log().contains("wrong~secret"));
}

#[test]
fn a_load_that_takes_everything_from_many_waits_for_a_word() {
    let entra = Tenant::new();
    for number in 0..10 {
        let id = entra.server.add_user(&format!("more-{number}"));
        entra.server.set_member(&entra.eng, &id, true);
    }
    let company = Company::following(&entra.config("1h", "poll = \"1h\""));
    company.permits("alice");
    entra.server.show_nothing();
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    company.wait("it is held back", |source| source["feed"]["held"].is_string());
    company.permits("alice");
    let arguments = ["source", "sync", "corp", "--accept-loss", "--reason", "the contract has ended"];
    company.daemon.oam(arguments).expect_success("a word");
    company.wait_for("it is so", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
}
