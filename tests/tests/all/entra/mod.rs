//! A tenant of Entra ID is asked by a real daemon, and what happens there is met by the next real push.

mod broken;
mod calls;
mod common;

use std::fs;

use oam_audit::entry::Event;
use oam_tests::{GraphServer, wait};
use tempfile::TempDir;

use crate::ldap::{Company, has_groups, has_no_group, is_active, is_inactive};

/// A tenant with `alice`, `bob` and others of the group `eng`, and `kim` in none.
struct Tenant {
    server: GraphServer,
    alice: String,
    bob: String,
    kim: String,
    eng: String,
    folder: TempDir,
}

impl Tenant {
    fn new() -> Self {
        let server = GraphServer::start(2);
        let [alice, bob, kim] = ["alice", "bob", "kim"].map(|name| server.add_user(name));
        let others: Vec<_> = (0..3).map(|number| server.add_user(&format!("other-{number}"))).collect();
        let members: Vec<&str> = [&alice, &bob].into_iter().chain(&others).map(String::as_str).collect();
        let eng = server.add_group("eng", &members);
        let folder = oam_tests::temporary::folder();
        fs::write(folder.path().join("secret"), format!("{}\n", GraphServer::SECRET)).unwrap();
        Self { server, alice, bob, kim, eng, folder }
    }

    /// The configuration of the source `corp`; `more` are keys below `[source.corp.entra]`.
    fn config(&self, max_age: &str, more: &str) -> String {
        let (url, secret) = (self.server.url(), self.folder.path().join("secret"));
        format!(
            "[source.corp]\nkind = \"entra\"\nmax_age = \"{max_age}\"\nusername_suffix = \"@example.com\"\n\n\
             [source.corp.entra]\ntenant = \"{}\"\nclient_id = \"{}\"\nclient_secret_file = {secret:?}\n\
             graph = \"{url}\"\nlogin = \"{url}\"\nnetwork = \"loopback\"\n{more}\n\n\
             [scim]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\n",
            GraphServer::TENANT,
            GraphServer::CLIENT,
        )
    }

    /// A company that follows it, and asks every second what changed.
    fn company(&self) -> Company {
        Company::following(&self.config("1h", "poll = \"1s\""))
    }
}

#[test]
fn what_happens_in_entra_is_met_by_the_next_push() {
    let entra = Tenant::new();
    let company = entra.company();
    company.permits("alice");
    company.permits("other-2");
    company.refuses("kim", "no-grant");
    company.refuses("nobody", "unknown-principal");

    entra.server.enable(&entra.alice, false);
    company.wait_for("alice is disabled", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    entra.server.enable(&entra.alice, true);
    company.wait_for("alice is back", "alice", is_active);
    company.permits("alice");

    entra.server.set_member(&entra.eng, &entra.bob, false);
    company.wait_for("bob is out of the group", "bob", has_no_group);
    company.refuses("bob", "no-grant");
    entra.server.set_member(&entra.eng, &entra.kim, true);
    company.wait_for("kim is in the group", "kim", has_groups);
    company.permits("kim");

    // Deleted, but not for good: that is an update there.
    entra.server.delete_user(&entra.kim);
    company.wait_for("kim is deleted", "kim", is_inactive);
    company.refuses("kim", "account-disabled");
    entra.server.restore_user(&entra.kim);
    company.wait_for("kim is restored", "kim", is_active);
    company.permits("kim");

    let dora = entra.server.add_user("dora");
    entra.server.set_member(&entra.eng, &dora, true);
    company.wait_for("dora is new", "dora", has_groups);
    company.permits("dora");
    entra.server.delete_group(&entra.eng);
    company.wait_for("the group is deleted", "dora", has_no_group);
    company.refuses("dora", "no-grant");

    let log = company.daemon.log();
    assert!(!log.contains(GraphServer::SECRET) && !log.contains("panicked"), "{log}");
}

#[test]
fn groups_in_groups_count_where_the_configuration_says_so() {
    for (nested, expected) in [(false, &[][..]), (true, &["corp:eng"][..])] {
        let entra = Tenant::new();
        let team = entra.server.add_group("team", &[&entra.kim]);
        entra.server.set_member(&entra.eng, &team, true);
        let more = format!("poll = \"1s\"\nnested = {nested}\ngroups = [\"eng\"]");
        let company = Company::following(&entra.config("1h", &more));
        assert_eq!(company.groups("kim"), expected);
        if !nested {
            company.refuses("kim", "no-grant");
            continue;
        }
        company.permits("kim");
        // The group in between loses somebody: nothing is told of the outer one.
        entra.server.set_member(&team, &entra.kim, false);
        company.wait_for("kim is out of the team", "kim", has_no_group);
        company.refuses("kim", "no-grant");
        entra.server.set_member(&team, &entra.kim, true);
        company.wait_for("kim is in the team", "kim", has_groups);
        entra.server.delete_group(&team);
        company.wait_for("the team is no more", "kim", has_no_group);
        company.refuses("kim", "no-grant");
    }
}

#[test]
fn who_is_cut_off_on_a_page_is_refused_before_the_next_one_is_read() {
    let entra = Tenant::new();
    let company = Company::following(&entra.config("1h", "poll = \"1s\""));
    company.permits("alice");
    // Two pages of changes: who is on the first has lost everything before the second one comes.
    entra.server.hold("/v1.0/users/delta?$skiptoken=");
    entra.server.disable(&[&entra.alice, &entra.bob, &entra.kim]);
    wait::until("the second page is asked for", || entra.server.is_held().then_some(()));
    let is_off = |name: &str| {
        let shown = company.daemon.oam(["--json", "user", "show", name]).stdout_text();
        is_inactive(&serde_json::from_str(&shown).unwrap())
    };
    let (off, on): (Vec<&str>, Vec<&str>) =
        ["alice", "bob", "kim"].into_iter().partition(|name| is_off(name));
    assert!(!off.is_empty() && off.len() <= 2, "{off:?} and {on:?}");
    company.refuses(off[0], "account-disabled");
    let entries = company.daemon.audit().entries;
    let is_told = |event: &Event| matches!(event, Event::SnapshotChanged(change) if change.actor == "corp");
    assert!(entries.iter().any(|entry| is_told(&entry.event)));
    entra.server.release();
    for name in on {
        company.wait_for("the others are disabled", name, is_inactive);
        company.refuses(name, "account-disabled");
    }
}

#[test]
fn a_restart_goes_on_from_where_it_was() {
    let entra = Tenant::new();
    let mut company = entra.company();
    company.permits("alice");
    company.permits("bob");
    company.daemon.stop();
    entra.server.delete_user(&entra.alice);
    entra.server.set_member(&entra.eng, &entra.bob, false);
    let before = entra.server.requests().len();
    company.daemon.spawn();
    company.wait_for("alice was deleted meanwhile", "alice", is_inactive);
    company.wait_for("bob is out of the group meanwhile", "bob", has_no_group);
    company.refuses("alice", "account-disabled");
    company.refuses("bob", "no-grant");
    company.permits("other-1");
    let since = entra.server.requests().split_off(before);
    assert!(since.len() > 2 && !since.iter().any(|request| request.contains("$select")), "{since:?}");
}
