use super::company;
use crate::{
    AccessKey, Credential, CredentialKind,
    permission::Level,
    provision::Automatic,
    samples::{dated, place},
};

fn key(id: &str, writes: bool, ends: bool) -> AccessKey {
    let (kind, label) = (CredentialKind::SshKey, String::new());
    AccessKey { key: Credential { kind, id: id.into(), label, ends, used: None, made: None }, writes }
}

#[test]
fn what_everybody_has_is_taken_where_that_was_adopted_and_somebody_stays() {
    let mut company = company();
    company.give("PAY", Level::Admin, "user:boss");
    company.seen.defaults.insert(place("PAY"), dated(Some(Level::Write)));
    company.seen.defaults.insert(place("OPS"), dated(None));
    assert!(company.planned().is_empty(), "it is nobody's to take");
    company.basis.settings.adopt = ["PAY", "OPS"].map(place).into();
    assert_eq!(company.planned(), ["PAY everybody write>-"]);
    // By itself only where taking is.
    for (automatic, many) in [(Automatic::Take, 1), (Automatic::Give, 0), (Automatic::Leavers, 0)] {
        company.basis.settings.automatic = [automatic].into();
        assert_eq!(
            company.plan().automatic(&company.seen, &company.basis).changes.len(),
            many,
            "{automatic:?}"
        );
    }
    // Where nobody else administers it.
    company.seen.defaults.insert(place("OPS"), dated(Some(Level::Admin)));
    let plan = company.plan();
    assert_eq!(company.planned(), ["PAY everybody write>-"]);
    assert_eq!(plan.held_back[0].why, "nobody else would administer OPS: give that to somebody first");
    company.basis.settings.ignore = ["PAY", "OPS"].map(|text| text.parse().unwrap()).into();
    assert!(company.planned().is_empty() && company.plan().held_back.is_empty());
}

#[test]
fn access_keys_that_write_and_never_end_are_deleted_where_somebody_asks_for_it() {
    let mut company = company();
    company.give("PAY", Level::Admin, "user:boss");
    let keys = vec![key("1", true, false), key("2", true, true), key("3", false, false)];
    company.seen.access_keys.insert(place("PAY/api"), keys);
    assert!(company.planned().is_empty(), "it is nobody's to take");
    company.basis.settings.adopt = ["PAY"].map(place).into();
    assert_eq!(company.planned(), ["PAY/api key 1"]);
    company.basis.settings.automatic = Automatic::ALL.into();
    assert!(company.plan().automatic(&company.seen, &company.basis).changes.is_empty(), "never by itself");
    // They count among what is taken at once.
    let many: Vec<_> = (1..=4).map(|id| key(&id.to_string(), true, false)).collect();
    company.seen.access_keys.insert(place("PAY/api"), many);
    assert!(company.plan().too_much().next().unwrap().starts_with("4 of 5 permissions would be taken"));
}
