//! Samba as a domain controller: what Active Directory does, by LDAPS and change notifications.

use std::time::{Duration, SystemTime};

use oam_tests::ldap::{Samba, can_run};
use serde_json::Value;

use super::{Company, has_groups, has_no_group, is_active, is_inactive};

fn can_run_samba() -> bool {
    if !can_run(&["samba", "samba-tool", "ldapmodify"]) {
        return false;
    }
    if Samba::can_bind() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "only root may bind the ports of a domain controller, and CI must"
    );
    eprintln!("SKIPPED: only root may bind the ports of a domain controller");
    false
}

/// A domain with developers, alice by herself and bob by way of a team, and with eve; `None`, loudly, where none can run.
pub(super) fn domain_of_three() -> Option<Samba> {
    if !can_run_samba() {
        return None;
    }
    let server = Samba::start();
    server.change(&["alice", "bob", "eve"].map(Samba::user).concat());
    server.change(&(Samba::group("team", &["bob"]) + &Samba::group("eng", &["alice", "team"])));
    Some(server)
}

#[test]
fn what_happens_in_the_domain_is_met_by_the_next_push() {
    let Some(server) = domain_of_three() else { return };
    let company = Company::following(&server.config("max_age = \"15m\""));
    company.permits("alice");
    company.permits("bob");
    company.refuses("eve", "no-grant");
    assert_eq!(company.groups("bob"), ["corp:eng", "corp:team"]);

    server.change(&Samba::disable("alice", true));
    company.wait_for("alice is inactive", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    server.change(&Samba::disable("alice", false));
    company.wait_for("alice is active", "alice", is_active);
    company.permits("alice");

    server.change(&Samba::members("team", "delete", &["bob"]));
    company.wait_for("bob is in no group", "bob", has_no_group);
    company.refuses("bob", "no-grant");
    server.change(&Samba::members("team", "add", &["eve"]));
    company.wait_for("eve is in a group", "eve", has_groups);
    company.permits("eve");

    // An account ends by the clock, and nothing more is told of it. On a busy machine it may be over when it is told.
    let is_by_clock =
        |entry: &oam_audit::entry::Entry| format!("{entry:?}").contains("the time of 1 account is over");
    let by_clock = [3, 6, 12, 24].into_iter().any(|seconds| {
        server.change(&Samba::expires("alice", SystemTime::now() + Duration::from_secs(3600)));
        company.wait_for("alice is active", "alice", is_active);
        server.change(&Samba::expires("alice", SystemTime::now() + Duration::from_secs(seconds)));
        company.wait_for("alice is inactive", "alice", is_inactive);
        company.refuses("alice", "account-disabled");
        company.daemon.audit().entries.iter().any(is_by_clock)
    });
    assert!(by_clock, "what makes it inactive is the clock");

    server.delete("eve");
    company.wait_for("eve is gone", "eve", is_inactive);
    company.refuses("eve", "account-disabled");
    server.delete("team");
    company.wait("the group is gone", |source| source["groups"] == 1);
    server.change(&Samba::expires("alice", SystemTime::now() + Duration::from_secs(3600)));
    company.wait_for("alice is active", "alice", is_active);
    company.permits("alice");
    server.delete("eng");
    company.wait_for("alice is in no group", "alice", has_no_group);
    company.refuses("alice", "no-grant");
}

/// When everything was last read, as the status says it.
fn last_load(company: &Company) -> String {
    company.source()["feed"]["last_load"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_changed_while_the_domain_was_not_heard_is_made_up_for() {
    let Some(mut server) = domain_of_three() else { return };
    let company = Company::following(&server.config(""));
    company.permits("alice");
    let loaded = last_load(&company);
    server.proxy().cut();
    server.change(&Samba::disable("alice", true));
    server.delete("bob");
    // Nobody told us.
    company.permits("alice");
    server.proxy().mend();
    company.wait_for("alice is inactive", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    company.refuses("bob", "account-disabled");
    server.stop();
    company.wait("the connection is lost", |source| source["feed"]["server"].is_null());
    server.launch();
    server.change(&Samba::disable("alice", false));
    company.wait_for("alice is active", "alice", is_active);
    company.permits("alice");
    // What changed was asked for, and nothing else.
    assert_eq!((last_load(&company), &company.source()["feed"]["reads_all"]), (loaded, &Value::Null));
}

#[test]
fn a_restart_asks_the_domain_for_what_changed() {
    let Some(server) = domain_of_three() else { return };
    let mut company = Company::following(&server.config("max_age = \"15m\""));
    company.permits("alice");
    company.permits("bob");
    let loaded = last_load(&company);
    company.daemon.stop();
    server.change(&Samba::disable("alice", true));
    server.change(&Samba::members("team", "delete", &["bob"]));
    server.change(&(Samba::user("dora") + &Samba::members("team", "add", &["dora"])));
    server.delete("eve");
    company.daemon.spawn();
    company.wait_for("alice was disabled meanwhile", "alice", is_inactive);
    company.wait_for("dora is new", "dora", has_groups);
    company.refuses("alice", "account-disabled");
    company.refuses("bob", "no-grant");
    company.refuses("eve", "account-disabled");
    company.permits("dora");
    assert_eq!(last_load(&company), loaded, "what changed was asked for, and nothing else");
    // And from there on whatever happens is told.
    server.change(&Samba::disable("dora", true));
    company.wait_for("dora is disabled", "dora", is_inactive);
    company.refuses("dora", "account-disabled");
    // Everything is read when somebody wants it.
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    company.wait("everything is read", |source| source["feed"]["last_load"] != loaded.as_str());
    company.refuses("dora", "account-disabled");
}

#[test]
fn who_may_not_ask_what_changed_reads_everything_and_is_told_so() {
    let Some(server) = domain_of_three() else { return };
    let reader = server.add_reader("reader");
    let company = Company::following(&server.config_of(&reader, "max_age = \"15m\""));
    company.permits("alice");
    let status = company.source();
    let why = status["feed"]["reads_all"].as_str().unwrap_or_default();
    assert!(why.contains("DirSync") && why.contains("Replicating Directory Changes"), "{status}");
    let shown = company.daemon.oam(["status"]).stdout_text();
    assert!(shown.contains("Replicating Directory Changes"), "{shown}");
    let loaded = last_load(&company);
    server.proxy().cut();
    server.change(&Samba::disable("alice", true));
    server.delete("bob");
    server.proxy().mend();
    company.wait_for("alice is inactive", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    company.refuses("bob", "account-disabled");
    assert_ne!(last_load(&company), loaded);
}
