//! Whoever is renamed, moved, or deleted and made anew has what the server says that they have.

use oam_tests::ldap::{OpenLdap, Samba, can_run};

use super::{Company, active_directory::domain_of_three, has_groups, has_no_group, is_active, is_inactive};

/// Carries out something of which the server tells, and waits until that is in force.
fn told(company: &Company, change: impl FnOnce()) {
    let last = |company: &Company| company.source()["feed"]["last_event"].clone();
    let before = last(company);
    change();
    company.wait("it is told", |source| source["feed"]["last_event"] != before);
}

#[test]
fn who_is_moved_or_renamed_in_the_domain_stays_in_their_groups() {
    let Some(server) = domain_of_three() else { return };
    server.change(&Samba::unit("Berlin"));
    let company = Company::following(&server.config("max_age = \"15m\""));
    company.permits("alice");
    company.permits("bob");
    // Of the group that names her nothing is told.
    told(&company, || server.change(&Samba::renamed("alice", "alice", Some("Berlin"))));
    company.permits("alice");
    // Bob is a developer by way of a group that has another name now.
    told(&company, || server.change(&Samba::renamed("team", "squad", None)));
    company.permits("bob");
    told(&company, || server.change(&Samba::renamed("bob", "robert", None)));
    company.permits("bob");
    assert_eq!(company.groups("alice"), ["corp:eng"]);
    assert_eq!(company.groups("bob"), ["corp:eng", "corp:team"]);
    // Nor is it while the server is not heard.
    server.proxy().cut();
    server.change(&Samba::renamed("squad", "crew", Some("Berlin")));
    server.change(&Samba::disable("eve", true));
    server.proxy().mend();
    company.wait_for("eve is inactive", "eve", is_inactive);
    company.permits("bob");
    company.permits("alice");
}

#[test]
fn who_gets_the_name_of_somebody_else_in_the_domain_gets_nothing_by_it() {
    let Some(server) = domain_of_three() else { return };
    let mut company = Company::following(&server.config("max_age = \"15m\""));
    company.permits("alice");
    company.permits("bob");
    server.delete("alice");
    company.wait_for("alice is gone", "alice", is_inactive);
    server.change(&Samba::user("alice"));
    company.wait_for("alice is there again", "alice", is_active);
    company.refuses("alice", "no-grant");
    // Somebody else has the name that bob had.
    server.change(&Samba::renamed("bob", "robert", None));
    server.change(&Samba::user("bob").replace("sAMAccountName: bob", "sAMAccountName: mallory"));
    company.wait_for("mallory is there", "mallory", is_active);
    company.refuses("mallory", "no-grant");
    company.permits("bob");
    // Nor by what was kept.
    company.daemon.stop();
    server.change(&Samba::disable("eve", true));
    company.daemon.spawn();
    company.wait_for("eve is inactive", "eve", is_inactive);
    company.refuses("alice", "no-grant");
    company.refuses("mallory", "no-grant");
    company.permits("bob");
}

/// OpenLDAP's groups go on naming whoever is renamed by the name that they had.
#[test]
fn who_is_renamed_by_openldap_is_in_the_groups_that_name_them() {
    if !can_run(&["slapd", "ldapmodify"]) {
        return;
    }
    let server = OpenLdap::start(&(OpenLdap::user("alice") + &OpenLdap::group("eng", &["alice"])));
    let company = Company::following(&server.config("openldap", "max_age = \"15m\""));
    company.permits("alice");
    server.change(
        "dn: uid=alice,ou=people,dc=example,dc=com\nchangetype: modrdn\nnewrdn: cn=alice\ndeleteoldrdn: 0\n",
    );
    company.wait_for("alice is in no group", "alice", has_no_group);
    company.refuses("alice", "no-grant");
    server.change(
        "dn: cn=eng,ou=groups,dc=example,dc=com\nchangetype: modify\nreplace: member\n\
         member: cn=alice,ou=people,dc=example,dc=com\n",
    );
    company.wait_for("alice is in the group", "alice", has_groups);
    company.permits("alice");
}

/// The overlay `refint` does so after it has answered, and tells nobody.
#[test]
fn who_gets_the_name_of_somebody_whom_refint_takes_out_of_groups_gets_nothing_by_it() {
    if !can_run(&["slapd", "ldapmodify"]) {
        return;
    }
    let people = OpenLdap::user("alice") + &OpenLdap::user("bob");
    let server = OpenLdap::start_with_refint(&(people + &OpenLdap::group("eng", &["alice", "bob"])));
    let company = Company::following(&server.config("openldap", "max_age = \"15m\""));
    company.permits("alice");
    let deleted = "dn: uid=alice,ou=people,dc=example,dc=com\nchangetype: delete\n\n";
    server.change(&(deleted.to_owned() + &OpenLdap::user("alice")));
    company.wait_for("another alice is in no group", "alice", |user| is_active(user) && has_no_group(user));
    company.refuses("alice", "no-grant");
    company.permits("bob");
}
