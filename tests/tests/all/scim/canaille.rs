//! Canaille, a real identity provider, pushes what its people change, and each change is met by the next real push.

use oam_tests::canaille::Canaille;

use super::Company;

#[test]
fn whoever_canaille_takes_away_is_refused_on_the_next_push() {
    let company = Company::new();
    let Some(mut canaille) = Canaille::pushing_to(&company.okta) else { return };
    for name in ["alice", "bob", "carol"] {
        canaille.tell(&format!("create {name}"));
        company.refuses(name, "no-grant");
        canaille.tell(&format!("join eng {name}"));
        company.permits(name);
    }
    canaille.tell("leave eng alice");
    company.refuses("alice", "no-grant");
    canaille.tell("join eng alice");
    company.permits("alice");
    canaille.tell("lock alice");
    company.refuses("alice", "account-disabled");
    canaille.tell("unlock alice");
    company.permits("alice");
    canaille.tell("delete bob");
    company.refuses("bob", "account-disabled");
    // Nobody else was touched by any of it.
    company.permits("carol");
    // Canaille sends hashes of passwords, and nobody keeps them.
    let users = company.okta.get("/Users").body.to_string();
    assert!(users.contains("carol") && !users.contains("password"), "{users}");
}
