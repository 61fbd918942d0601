//! OpenLDAP, by StartTLS and RFC 4533.

use oam_tests::{
    Verdict,
    ldap::{OpenLdap, can_run},
    wait,
};

use super::{Company, has_groups, has_no_group, is_active, is_inactive};

const PROGRAMS: [&str; 2] = ["slapd", "ldapmodify"];

/// Developers: alice by herself, bob by way of a team, which names the developers in turn.
fn company_of_three() -> String {
    ["alice", "bob", "eve"].map(OpenLdap::user).concat()
        + &OpenLdap::group("eng", &["alice", "@team"])
        + &OpenLdap::group("team", &["bob", "@eng"])
}

#[test]
fn what_happens_on_the_server_is_met_by_the_next_push() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let server = OpenLdap::start(&company_of_three());
    let company = Company::following(&server.config("openldap", "max_age = \"15m\""));
    company.permits("alice");
    company.permits("bob");
    company.refuses("eve", "no-grant");
    assert_eq!(company.groups("bob"), ["corp:eng", "corp:team"]);

    server.change(&OpenLdap::set("alice", "shadowExpire", "1"));
    company.wait_for("alice is inactive", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    server.change(&OpenLdap::set("alice", "shadowExpire", "-1"));
    company.wait_for("alice is active", "alice", is_active);
    company.permits("alice");

    // Out of the group that the other group names.
    server.change(&OpenLdap::members("team", "delete", &["bob"]));
    company.wait_for("bob is in no group", "bob", has_no_group);
    company.refuses("bob", "no-grant");
    server.change(&OpenLdap::members("eng", "add", &["bob"]));
    company.wait_for("bob is in a group", "bob", has_groups);
    company.permits("bob");

    // The groups go on naming whoever is deleted, and whoever has the name next is in them, as the server says.
    server.delete(["uid=bob,ou=people,dc=example,dc=com"]);
    company.wait_for("bob is gone", "bob", is_inactive);
    company.refuses("bob", "account-disabled");
    let status = company.source();
    assert!(status["feed"]["server"].as_str().unwrap().starts_with("ldap://127.0.0.1:"), "{status}");
    assert!(status["feed"]["cookie"].is_string() && status["feed"]["last_event"].is_string(), "{status}");
    assert_eq!((&status["users"], &status["gone"]), (&2.into(), &1.into()), "{status}");
    // A group that is deleted is told of by no group that names it.
    server.change(&OpenLdap::members("eng", "delete", &["alice"]));
    server.change(&OpenLdap::members("team", "add", &["alice"]));
    company.wait_for("alice is in a group", "alice", has_groups);
    company.permits("alice");
    server.delete(["cn=team,ou=groups,dc=example,dc=com"]);
    company.wait_for("alice is in no group", "alice", has_no_group);
    company.refuses("alice", "no-grant");
}

#[test]
fn what_changed_while_the_server_was_not_heard_is_made_up_for() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let mut server = OpenLdap::start(&(company_of_three() + &OpenLdap::user("carol")));
    server.change(&OpenLdap::members("eng", "add", &["carol"]));
    let mut company = Company::following(&server.config("openldap", ""));
    company.permits("alice");
    server.proxy().cut();
    server.change(&OpenLdap::set("alice", "shadowExpire", "1"));
    server.change(&OpenLdap::set("carol", "mail", "c@example.com"));
    server.delete(["uid=bob,ou=people,dc=example,dc=com"]);
    // Nobody told us.
    company.permits("alice");
    server.proxy().mend();
    company.wait_for("alice is inactive", "alice", is_inactive);
    company.wait_for("bob is gone", "bob", is_inactive);
    company.refuses("alice", "account-disabled");
    company.refuses("bob", "account-disabled");
    // The search for groups, as it goes on, names as gone whoever was changed and is no group.
    company.permits("carol");
    let status = company.source();
    assert_eq!((&status["users"], &status["gone"]), (&3.into(), &1.into()), "{status}");

    // The server ends, and comes back.
    server.stop();
    company.wait("the connection is lost", |source| source["feed"]["server"].is_null());
    server.launch();
    server.change(&OpenLdap::set("alice", "shadowExpire", "-1"));
    company.wait_for("alice is active", "alice", is_active);
    company.permits("alice");

    // The daemon is killed, and what changes then is read at its start.
    company.daemon.kill();
    server.change(&OpenLdap::set("alice", "shadowExpire", "1"));
    company.daemon.spawn();
    company.wait_for("alice is inactive", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
}

#[test]
fn past_its_age_nothing_is_decided_and_nobody_is_lost() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let server = OpenLdap::start(&company_of_three());
    let company = Company::following(&server.config("openldap", "max_age = \"8s\""));
    // On a busy machine the server may have been silent for too long at any moment.
    let decides = || {
        wait::until("it is decided", || Some(()).filter(|()| company.push("alice").0 == Verdict::Permitted));
    };
    decides();
    server.proxy().cut();
    company.wait("the source is stale", |source| source["stale"] == true);
    company.does_not_decide("alice");
    company.does_not_decide("eve");
    assert_eq!(company.source()["users"], 3);
    server.proxy().mend();
    decides();
}

/// Twelve people of one group, `u0` to `u11`, and eve, who is in none.
fn company_of_many() -> (OpenLdap, Company) {
    let names: Vec<_> = (0..12).map(|number| format!("u{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let people: String = names.iter().map(|name| OpenLdap::user(name)).collect();
    let server = OpenLdap::start(&(people + &OpenLdap::group("eng", &names) + &OpenLdap::user("eve")));
    let company = Company::following(&server.config("openldap", ""));
    (server, company)
}

#[test]
fn a_load_that_takes_everything_from_many_waits_for_a_word() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let (server, company) = company_of_many();
    company.permits("u11");
    server.proxy().cut();
    server.change(&OpenLdap::members("eng", "replace", &["u0"]));
    server.change(&OpenLdap::set("u10", "shadowExpire", "1"));
    server.delete(["uid=u6,ou=people,dc=example,dc=com"]);
    server.proxy().mend();
    company.wait("it is held back", |source| source["feed"]["held"].is_string());
    // Whom the read shows as inactive or not at all is so, and whoever is cut off meanwhile is, too.
    company.wait_for("u10 is inactive", "u10", is_inactive);
    company.refuses("u10", "account-disabled");
    company.wait_for("u6 is gone", "u6", is_inactive);
    let status = company.source();
    assert_eq!((&status["users"], &status["gone"]), (&12.into(), &1.into()), "u10 is there: {status}");
    server.change(&OpenLdap::set("u9", "shadowExpire", "1"));
    company.wait_for("u9 is inactive", "u9", is_inactive);
    company.refuses("u9", "account-disabled");
    server.delete(["uid=u8,ou=people,dc=example,dc=com"]);
    company.wait_for("u8 is gone", "u8", is_inactive);
    // Nobody gains by what is held.
    server.change(&OpenLdap::set("u9", "shadowExpire", "-1"));
    server.change(&OpenLdap::set("u7", "shadowExpire", "1"));
    company.wait_for("u7 is inactive", "u7", is_inactive);
    company.refuses("u9", "account-disabled");
    let held = company.source();
    let words = held["feed"]["held"].as_str().unwrap();
    assert_eq!(
        words, "11 of 12 people who have groups would lose everything, and `max_loss` is 20%",
        "{held}"
    );
    company.permits("u11");
    let warned = company.daemon.oam(["status"]).stdout_text();
    assert!(warned.contains("--accept-loss"), "{warned}");
    // Reading it again changes nothing by itself.
    company.daemon.oam(["source", "sync", "corp"]).expect_success("oam source sync");
    company.permits("u11");
    let accepted = ["source", "sync", "corp", "--accept-loss", "--reason", "the team was dissolved"];
    company.daemon.oam(accepted).expect_success("oam source sync --accept-loss");
    company.wait_for("u11 is in no group", "u11", has_no_group);
    company.refuses("u11", "no-grant");
    company.permits("u0");
    company.wait("nothing is held back", |source| source["feed"]["held"].is_null());
}

/// A right to read what says who may act that was taken away looks like that.
#[test]
fn a_load_by_which_many_are_inactive_cuts_nobody_off_without_a_word() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let (server, company) = company_of_many();
    company.permits("u3");
    server.proxy().cut();
    for number in 0..11 {
        server.change(&OpenLdap::set(&format!("u{number}"), "shadowExpire", "1"));
    }
    server.proxy().mend();
    company.wait("it is held back", |source| source["feed"]["held"].is_string());
    // Whoever is cut off from then on is.
    server.change(&OpenLdap::set("u11", "shadowExpire", "1"));
    company.wait_for("u11 is inactive", "u11", is_inactive);
    company.permits("u3");
    let held = company.source();
    let words = held["feed"]["held"].as_str().unwrap();
    assert!(
        words.ends_with("nor is anybody cut off by it, since 11 of 13 people who are active would be"),
        "{held}"
    );
    let accepted = ["source", "sync", "corp", "--accept-loss", "--reason", "they left"];
    company.daemon.oam(accepted).expect_success("oam source sync --accept-loss");
    company.wait_for("u3 is inactive", "u3", is_inactive);
    company.refuses("u3", "account-disabled");
}

/// It looks as if nobody were limited.
#[test]
fn a_right_to_read_who_may_act_that_is_taken_away_lets_nobody_in() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let (mut server, company) = company_of_many();
    for number in 0..7 {
        server.change(&OpenLdap::set(&format!("u{number}"), "shadowExpire", "1"));
    }
    company.wait_for("u6 is inactive", "u6", is_inactive);
    server.stop();
    server.hide("shadowExpire", true);
    server.launch();
    company.wait("it is followed again", |source| source["feed"]["server"].is_string());
    company.daemon.oam(["source", "sync", "corp"]).expect_success("oam source sync");
    company.wait("it is held back", |source| source["feed"]["held"].is_string());
    let held = company.source();
    let words = held["feed"]["held"].as_str().unwrap();
    assert_eq!(
        words,
        "7 of 7 people who may act only until a time would be let in without an end, and `max_loss` is 20%",
        "{held}"
    );
    company.refuses("u3", "account-disabled");
    company.permits("u11");
    server.stop();
    server.hide("shadowExpire", false);
    server.launch();
    company.wait("it is followed again", |source| source["feed"]["server"].is_string());
    company.wait("nothing is held back", |source| source["feed"]["held"].is_null());
    company.refuses("u3", "account-disabled");
    company.permits("u11");
}

#[test]
fn a_plain_server_is_read_again_and_again() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let server = OpenLdap::start(&company_of_three());
    let config = server.config("plain", "").replace("flavour", "resync = \"1s\"\nflavour");
    let company = Company::following(&config);
    company.permits("alice");
    server.change(&OpenLdap::set("alice", "shadowExpire", "1"));
    company.wait_for("alice is inactive", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    // Two groups of one name are neither: whoever may make groups could make themselves a member.
    server.change(
        "dn: ou=elsewhere,ou=groups,dc=example,dc=com\nobjectClass: organizationalUnit\n\n\
         dn: cn=ENG,ou=elsewhere,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: ENG\n\
         member: uid=eve,ou=people,dc=example,dc=com\n\n",
    );
    company.wait("a name is shared", |source| source["feed"]["shared_names"] == serde_json::json!(["eng"]));
    company.refuses("eve", "no-grant");
    company.refuses("bob", "no-grant");
}

#[test]
fn another_password_is_taken_up_when_its_file_changes() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let mut server = OpenLdap::start(&company_of_three());
    let company = Company::following(&server.config("openldap", ""));
    server.set_password("battery staple");
    server.stop();
    server.launch();
    company.wait("the bind is refused", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("invalidCredentials (49)"))
    });
    std::fs::write(server.password_file(), "battery staple").unwrap();
    company.wait("it is followed again", |source| source["feed"]["trouble"].is_null());
    company.permits("alice");
    let everywhere = company.daemon.log() + &company.source().to_string();
    assert!(!everywhere.contains("battery staple") && !everywhere.contains("correct horse"), "{everywhere}");
}

#[test]
fn what_is_on_the_server_can_be_looked_at_without_taking_it() {
    if !can_run(&PROGRAMS) {
        return;
    }
    let server = OpenLdap::start(&company_of_three());
    let company = Company::following(&server.config("openldap", ""));
    let shown = company.daemon.oam(["--json", "source", "preview", "corp", "--filter", "(uid=alice)"]);
    let shown: serde_json::Value =
        serde_json::from_str(&shown.expect_success("oam source preview").stdout_text()).unwrap();
    assert_eq!(shown["users"][0]["username"], "alice", "{shown}");
    assert_eq!(shown["users"][0]["emails"][0], "alice@example.com", "{shown}");
    assert_eq!((shown["users"].as_array().unwrap().len(), shown["groups"].as_array().unwrap().len()), (1, 0));
    let all =
        company.daemon.oam(["source", "preview", "corp"]).expect_success("oam source preview").stdout_text();
    assert!(all.contains("corp:team") && all.contains("eve"), "{all}");
    let wrong = company.daemon.oam(["source", "preview", "corp", "--filter", "uid=alice"]);
    assert!(wrong.stderr_text().contains("is no filter"), "{wrong:?}");
}
