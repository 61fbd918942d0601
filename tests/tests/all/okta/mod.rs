//! An Okta organization is asked by a real daemon, and what happens there is met by the next real push.

mod broken;
mod common;
mod hooks;

use std::fs;

use oam_audit::entry::Event;
use oam_tests::{OktaServer, sample};
use tempfile::TempDir;

use crate::{
    ldap::{Company, has_groups, has_no_group, is_active, is_inactive},
    scim::for_a_while::{ON_CALL, as_alice, has_ended, on_call},
    two_in_the_morning::can_be_others,
};

/// An organization with `alice`, `bob` and others of the group `eng`, and `kim` in none.
struct Organization {
    server: OktaServer,
    alice: String,
    bob: String,
    kim: String,
    eng: String,
    folder: TempDir,
}

impl Organization {
    fn new() -> Self {
        let server = OktaServer::start(2);
        let [alice, bob, kim] = ["alice", "bob", "kim"].map(|name| server.add_user(name));
        let others: Vec<_> = (0..3).map(|number| server.add_user(&format!("other-{number}"))).collect();
        let members: Vec<&str> = [&alice, &bob].into_iter().chain(&others).map(String::as_str).collect();
        let eng = server.add_group("eng", &members);
        let folder = oam_tests::temporary::folder();
        fs::write(folder.path().join("token"), format!("{}\n", OktaServer::TOKEN)).unwrap();
        fs::write(folder.path().join("hook"), "hook-secret-of-okta").unwrap();
        Self { server, alice, bob, kim, eng, folder }
    }

    /// The configuration of the source `corp`; `more` are keys below `[source.corp.okta]`.
    fn config(&self, max_age: &str, more: &str) -> String {
        let (token, hook) = (self.folder.path().join("token"), self.folder.path().join("hook"));
        format!(
            "[source.corp]\nkind = \"okta\"\nmax_age = \"{max_age}\"\nusername_suffix = \"@example.com\"\n\n\
             [source.corp.okta]\nurl = \"{}\"\ntoken_file = {token:?}\nhook_secret_file = {hook:?}\nnetwork = \"loopback\"\n{more}\n\n\
             [scim]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\n",
            self.server.url()
        )
    }

    /// A company that follows it, and asks every second what changed.
    fn company(&self) -> Company {
        Company::following(&self.config("1h", "poll = \"1s\""))
    }
}

#[test]
fn what_happens_in_okta_is_met_by_the_next_push() {
    let okta = Organization::new();
    let company = okta.company();
    company.permits("alice");
    company.permits("other-2");
    company.refuses("kim", "no-grant");
    company.refuses("nobody", "unknown-principal");

    okta.server.set_status(&okta.alice, "SUSPENDED");
    company.wait_for("alice is suspended", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    okta.server.set_status(&okta.alice, "ACTIVE");
    company.wait_for("alice is back", "alice", is_active);
    company.permits("alice");

    okta.server.set_member(&okta.eng, &okta.bob, false);
    company.wait_for("bob is out of the group", "bob", has_no_group);
    company.refuses("bob", "no-grant");
    okta.server.set_member(&okta.eng, &okta.kim, true);
    company.wait_for("kim is in the group", "kim", has_groups);
    company.permits("kim");

    okta.server.set_status(&okta.kim, "DEPROVISIONED");
    company.wait_for("kim has left", "kim", is_inactive);
    company.refuses("kim", "account-disabled");

    // Back again, in a group of which nothing is told for it.
    okta.server.set_status(&okta.kim, "ACTIVE");
    company.wait_for("kim is back", "kim", has_groups);
    company.permits("kim");

    okta.server.set_status(&okta.alice, "LOCKED_OUT");
    company.wait_for("alice is locked", "alice", is_inactive);
    company.refuses("alice", "account-disabled");

    let dora = okta.server.hire("dora");
    okta.server.set_member(&okta.eng, &dora, true);
    company.wait_for("dora is new", "dora", has_groups);
    company.permits("dora");
    // That somebody is deleted for good is in no list: reading everything shows it.
    okta.server.delete_user(&dora);
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    company.wait_for("dora is gone", "dora", is_inactive);
    company.refuses("dora", "account-disabled");

    // What did not change is not read again and again: each other group was asked for in the two loads only.
    assert_eq!(okta.server.asked("groups/00g00000000/users"), 0, "everyone is in `Everyone`");
    let log = company.daemon.log();
    assert!(!log.contains(OktaServer::TOKEN) && !log.contains("panicked"), "{log}");
}

/// It is over when they are back, however soon that is.
#[test]
fn what_somebody_has_for_a_while_ends_when_okta_suspends_them() {
    if !can_be_others() {
        return;
    }
    let okta = Organization::new();
    let company = Company::following(&format!("{}{}", okta.config("1h", "poll = \"1s\""), as_alice()));
    let policy = sample::POLICY.replace("any = [\"okta:eng\"]", "any = [\"corp:eng\"]");
    company.daemon.write_policy(&format!("{policy}{ON_CALL}"));
    oam_tests::wait::until("the policy is in force", || {
        company.daemon.oam(["policy", "show"]).stdout_text().contains("on-call").then_some(())
    });
    let id = on_call(&company.daemon);
    okta.server.set_status(&okta.alice, "SUSPENDED");
    company.wait_for("alice is suspended", "alice", is_inactive);
    okta.server.set_status(&okta.alice, "ACTIVE");
    company.wait_for("alice is back", "alice", is_active);
    assert!(has_ended(&company.daemon, &id));
    company.permits("alice");
}

#[test]
fn who_is_cut_off_on_a_page_is_refused_before_the_next_one_is_read() {
    let okta = Organization::new();
    let company = Company::following(&okta.config("1h", "poll = \"1h\""));
    company.permits("alice");
    // Alice is on the first page.
    okta.server.set_status(&okta.alice, "SUSPENDED");
    okta.server.hold("/api/v1/users?after=");
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    oam_tests::wait::until("the second page is asked for", || okta.server.is_held().then_some(()));
    company.refuses("alice", "account-disabled");
    let entries = company.daemon.audit().entries;
    let is_about_alice = |event: &Event| matches!(event, Event::SnapshotChanged(change) if change.subject.as_deref() == Some("alice") && change.actor == "corp");
    assert!(entries.iter().any(|entry| is_about_alice(&entry.event)), "it is in the audit log");
    // Nobody else has lost anything by half of a load.
    company.permits("bob");
    okta.server.release();
    company.wait("everything is read", |source| source["feed"]["trouble"].is_null());
    company.permits("bob");
    company.refuses("alice", "account-disabled");
}

#[test]
fn a_restart_goes_on_from_where_it_was() {
    let okta = Organization::new();
    let mut company = okta.company();
    company.permits("alice");
    company.permits("bob");
    company.daemon.stop();
    okta.server.set_status(&okta.alice, "DEPROVISIONED");
    okta.server.set_member(&okta.eng, &okta.bob, false);
    let before = okta.server.requests().len();
    okta.server.hold(WHOLE);
    company.daemon.spawn();
    company.wait_for("alice has left meanwhile", "alice", is_inactive);
    company.wait_for("bob is out of the group meanwhile", "bob", has_no_group);
    company.refuses("alice", "account-disabled");
    company.refuses("bob", "no-grant");
    company.permits("other-1");
    // Then everything is read, since nobody tells what was deleted meanwhile.
    oam_tests::wait::until("everything is asked for", || okta.server.is_held().then_some(()));
    let since = okta.server.requests().split_off(before);
    let whole = since.iter().position(|request| request.starts_with(WHOLE)).unwrap();
    assert!(whole > 3 && since[0].contains("filter="), "{since:?}");
    okta.server.release();
    company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
    company.permits("other-1");
}

/// The first page of everybody.
const WHOLE: &str = "/api/v1/users?limit";

/// What is kept for a restart is older than what was told since. That somebody was deleted is in no list of changes.
#[test]
fn whoever_was_deleted_does_not_come_back_with_a_restart() {
    let okta = Organization::new();
    let ops = okta.server.add_group("ops", &[&okta.kim]);
    let late = okta.server.add_user("late");
    okta.server.set_member(&okta.eng, &late, true);
    let mut company = Company::following(&okta.config("1h", "poll = \"1h\""));
    company.permits("bob");
    company.permits("late");
    okta.server.delete_user(&okta.bob);
    hooks::about(&company, &okta.bob);
    okta.server.delete_group(&ops);
    hooks::about_group(&company, &ops);
    company.wait_for("bob is deleted", "bob", is_inactive);
    company.wait_for("the group is deleted", "kim", has_no_group);
    company.daemon.kill();
    // And this nobody was there to hear.
    okta.server.delete_user(&late);
    okta.server.hold(WHOLE);
    company.daemon.spawn();
    oam_tests::wait::until("everything is asked for", || okta.server.is_held().then_some(()));
    company.refuses("bob", "account-disabled");
    assert_eq!(company.groups("kim"), Vec::<String>::new());
    company.permits("alice");
    okta.server.release();
    company.wait_for("late is deleted", "late", is_inactive);
    company.refuses("late", "account-disabled");
    company.refuses("bob", "account-disabled");
    assert_eq!(company.groups("kim"), Vec::<String>::new());
}

#[test]
fn only_the_groups_that_are_named_are_read() {
    let okta = Organization::new();
    let ops = okta.server.add_group("ops", &[&okta.kim]);
    let company = Company::following(&okta.config("1h", "poll = \"1s\"\ngroups = [\"eng\"]"));
    company.permits("alice");
    assert_eq!(company.groups("kim"), Vec::<String>::new());
    assert_eq!(okta.server.asked(&format!("groups/{ops}/users")), 0);
    okta.server.delete_group(&okta.eng);
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    company.wait_for("the group is gone", "alice", has_no_group);
    company.refuses("alice", "no-grant");
}
