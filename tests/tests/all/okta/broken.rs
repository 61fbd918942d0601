//! Okta that is away, slow, or says what it should not: nobody gains by it, and nobody is called nobody.

use super::Organization;
use crate::ldap::{Company, is_inactive};

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
fn a_hook_about_somebody_who_cannot_be_read_again_is_not_forgotten() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("1h", "poll = \"1h\""));
    company.permits("alice");
    okta.server.set_status(&okta.alice, "SUSPENDED");
    okta.server.fail(&format!("users/{}", okta.alice), Some(500));
    super::hooks::about(&company, &okta.alice);
    company.wait("it is told whom", |source| {
        source["feed"]["unread"].as_str().is_some_and(|unread| unread.contains(&okta.alice))
    });
    // Nobody else waits for it, and what changed is asked for on.
    okta.server.set_status(&okta.bob, "SUSPENDED");
    super::hooks::about(&company, &okta.bob);
    company.wait_for("bob is suspended", "bob", is_inactive);
    company.refuses("bob", "account-disabled");
    let source = company.source();
    assert!(source["feed"]["trouble"].is_null(), "it is followed: {source}");
    okta.server.fail("", None);
    company.wait_for("alice is suspended", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    company.wait("nothing is left", |source| source["feed"]["unread"].is_null());
}

/// Nobody is told among the changes who was deleted: without their own page, only everything tells.
#[test]
fn what_cannot_be_read_again_and_again_has_everything_read() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("1h", "poll = \"1s\""));
    company.permits("alice");
    okta.server.fail(&format!("users/{}", okta.alice), Some(500));
    okta.server.delete_user(&okta.alice);
    super::hooks::about(&company, &okta.alice);
    company.wait_for("alice is deleted", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    company.permits("bob");
    let asked = okta.server.asked(&format!("users/{}", okta.alice));
    assert!((2..10).contains(&asked), "it was tried {asked} times");
}
