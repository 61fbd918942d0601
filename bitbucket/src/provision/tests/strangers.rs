use std::collections::BTreeSet;

use super::{Company, company};
use crate::{
    Account, Credential, CredentialKind, GlobalLevel, GlobalPermission,
    provision::{Around, Standing, Strangers, strange},
    samples::holder,
};

fn told(company: &Company, strangers: &Strangers, around: &Around) -> Vec<String> {
    let found = strange(&company.seen, &company.basis, strangers, around);
    found
        .iter()
        .map(|one| format!("{} {}: {}", one.kind.as_str(), one.holder.as_ref().unwrap(), one.what))
        .collect()
}

#[test]
fn an_account_that_no_source_knows_is_told_with_what_it_has() {
    let mut company = company();
    for unknown in ["cleo", "boss", "svc-oam", "backup"] {
        company.basis.standing.insert(holder(&format!("user:{unknown}")), Standing::Unknown);
    }
    // Whom Bitbucket does not let in, who is ignored, and who keeps it are no strangers.
    company.seen.accounts.is.iter_mut().filter(|one| one.name == "boss").for_each(|one| one.active = false);
    let none = Strangers::default();
    assert_eq!(
        told(&company, &none, &Around::default()),
        ["unknown-account user:cleo: is let in, and no source knows the account"]
    );
    let groups = BTreeSet::from(["eng".to_owned(), "ops".to_owned()]);
    let strangers = Strangers { groups: [(holder("user:cleo"), groups)].into(), ..none };
    // Who has no licence, neither by themselves nor by a group, is not let in.
    assert_eq!(told(&company, &strangers, &Around::default()), Vec::<String>::new());
    let (holder, level) = (holder("group:ops"), GlobalLevel::LicensedUser);
    company.seen.everywhere.is.push(GlobalPermission { holder, level });
    let cleo = company.seen.accounts.is.iter().find(|one| one.name == "cleo").unwrap().clone();
    let (kind, ends) = (CredentialKind::Token, true);
    let token = Credential { kind, id: "7".into(), label: "ci".into(), ends, used: None, made: None };
    let with = |credentials: Vec<(Account, Credential)>| Around {
        credentials: Some(credentials),
        ..Around::default()
    };
    assert_eq!(
        told(&company, &strangers, &with(vec![(cleo, token)])),
        [
            "unknown-account user:cleo: is let in, and no source knows the account: it is in `eng`, `ops`, and has the HTTP token 7 `ci`"
        ]
    );
    assert!(told(&company, &strangers, &with(vec![]))[0].ends_with(", and has neither token nor key"));
}

#[test]
fn who_is_in_a_mapped_group_and_not_by_any_source_is_told() {
    let mut company = company();
    company.basis.settings.groups.insert("okta".to_owned());
    company.gone("user:cleo");
    let members =
        ["ada", "BOB", "boss", "cleo", "svc-oam", "backup"].map(|name| holder(&format!("user:{name}")));
    let strangers =
        Strangers { members: [(holder("group:eng"), members.into())].into(), ..Strangers::default() };
    assert_eq!(
        told(&company, &strangers, &Around::default()),
        [
            "group-member user:boss: is in the group eng, to which a role is mapped, and no source has them there"
        ]
    );
}
