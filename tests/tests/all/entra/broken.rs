//! Graph that is away, slow, or forgets: nobody gains by it, and nobody is called nobody.

use oam_tests::wait;

use super::Tenant;
use crate::ldap::{Company, is_inactive};

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
