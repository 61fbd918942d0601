//! A group whose members come in parts, and of which only a part comes: who else is in it is unknown, and not nobody.

use std::fs;

use oam_tests::{Verdict, ldap::InParts, temporary};

use super::Company;

fn config(server: &InParts, folder: &std::path::Path) -> String {
    let password = folder.join("password");
    fs::write(&password, "secret").unwrap();
    format!(
        "[source.corp]\nkind = \"ldap\"\nmax_age = \"3s\"\n[source.corp.ldap]\nurls = [\"ldap://{}\"]\n\
         plaintext = \"loopback-only\"\nflavour = \"plain\"\nbind_dn = \"cn=a\"\npassword_file = {password:?}\n\
         resync = \"1s\"\nusers.base = \"ou=people,dc=x\"\ngroups.base = \"ou=groups,dc=x\"\n",
        server.address()
    )
}

#[test]
fn a_group_of_which_only_a_part_comes_decides_nothing_about_anybody() {
    let (server, folder) = (InParts::start(), temporary::folder());
    let company = Company::following(&config(&server, folder.path()));
    company.permits("alice");
    company.permits("bob");
    company.refuses("kim", "no-grant");

    server.cut(true);
    company.wait("it is told what is missing", |source| {
        let told = source["feed"]["trouble"].as_str().unwrap_or_default();
        told.contains("the other members of a group")
    });
    company.wait("it is too old", |source| source["stale"] == true);
    // Neither who is in the part that came, nor who may be in the other, nor who is in none as far as anybody knows.
    for user in ["alice", "bob", "kim"] {
        company.does_not_decide(user);
    }
    assert_eq!(company.groups("bob"), ["corp:eng"], "what did not come took nothing");
    // Whoever pushes is told whom to ask and what that one does.
    let told = company.told("bob");
    assert!(told.contains("source `corp`") && told.contains("oam source status"), "{told}");

    server.cut(false);
    company.wait("it is heard again", |source| source["stale"] == false);
    company.permits("alice");
    company.permits("bob");
    company.refuses("kim", "no-grant");
}

#[test]
fn a_part_of_a_group_is_no_beginning() {
    let (server, folder) = (InParts::start(), temporary::folder());
    server.cut(true);
    let company = Company::beginning(&config(&server, folder.path()), None);
    company.wait("it is told what is missing", |source| source["feed"]["trouble"].is_string());
    assert_eq!(company.push("alice"), (Verdict::Undecided, "snapshot-missing".into()));
    server.cut(false);
    company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
    company.permits("bob");
}
