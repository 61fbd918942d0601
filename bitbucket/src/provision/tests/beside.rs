use super::{Company, company};
use crate::{
    AccessKey, Account, Credential, CredentialKind, GlobalLevel, GlobalPermission, Matcher, MatcherKind,
    Restriction,
    permission::Level,
    provision::{Around, Finding, findings},
    samples::{holder, place},
};

#[test]
fn what_is_there_beside_the_policy_is_found_the_worst_first() {
    let mut company = company();
    company.give("PAY", Level::Write, "developer").gone("user:cleo");
    company.has("PAY", "user:cleo", Level::Write).has("OPS", "user:ada", Level::Read);
    let admin = |who: &str, level| GlobalPermission { holder: holder(who), level };
    company.seen.everywhere.is.extend([
        admin("user:svc-oam", GlobalLevel::SysAdmin),
        admin("user:ada", GlobalLevel::Admin),
        admin("user:bob", GlobalLevel::LicensedUser),
    ]);
    let restriction = |users: &[&str]| Restriction {
        id: 1,
        kind: "no-deletes".into(),
        matcher: Matcher {
            kind: MatcherKind::Branch,
            id: "refs/heads/main".into(),
            shown: "refs/heads/main".into(),
        },
        users: users.iter().map(|&user| user.to_owned()).collect(),
        groups: vec![],
        access_keys: vec![],
    };
    let credential =
        |kind, ends, used| Credential { kind, id: "1".into(), label: "x".into(), ends, used, made: Some(5) };
    let account = |name: &str| Account { id: None, name: name.into(), slug: name.into(), active: true };
    let around = Around {
        everybody: vec![("OPS".parse().unwrap(), Level::Read)],
        restrictions: vec![(place("PAY"), restriction(&[])), (place("PAY/api"), restriction(&["boss"]))],
        credentials: Some(vec![
            (account("ada"), credential(CredentialKind::Token, false, Some(200))),
            (account("bob"), credential(CredentialKind::SshKey, true, None)),
            (account("bob"), credential(CredentialKind::GpgKey, false, Some(200))),
            (account("backup"), credential(CredentialKind::Token, false, None)),
            (account("cleo"), credential(CredentialKind::Token, false, None)),
        ]),
        tokens: vec![
            (place("WEB"), credential(CredentialKind::Token, false, Some(200))),
            (place("PAY/api"), credential(CredentialKind::Token, true, Some(50))),
        ],
        access_keys: [("PAY", true, true), ("PAY/api", true, false), ("PAY/web", false, true)]
            .map(|(at, writes, ends)| {
                let key = credential(CredentialKind::SshKey, ends, Some(200));
                (place(at), AccessKey { key, writes })
            })
            .into(),
    };
    let found = |company: &Company| {
        let plan = company.plan();
        let found = findings(&company.seen, &company.basis, &plan, &around, 100);
        let who = |one: &Finding| one.holder.as_ref().map_or("-".to_owned(), ToString::to_string);
        found.iter().map(|one| format!("{} {}", one.kind.as_str(), who(one))).collect::<Vec<_>>()
    };
    assert_eq!(
        found(&company),
        [
            "gone user:cleo",
            "administers group:admins",
            "administers user:ada",
            "not-granted user:ada",
            "not-granted user:boss",
            "everybody -",
            "differs user:ada",
            "differs user:bob",
            "exemption -",
            "restriction -",
            "key-writes -",
            "key-writes -",
            "endless user:ada",
            "endless -",
            "endless -",
            "unused user:bob",
            "unused -",
        ]
    );
    // Whom the policy lets administer every project may administer Bitbucket; what is ignored is not told.
    company.give("PAY", Level::Admin, "user:ada").give("OPS", Level::Admin, "user:ada");
    company.basis.settings.ignore.insert("PAY/api".parse().unwrap());
    let found = found(&company);
    assert!(!found.contains(&"administers user:ada".to_owned()), "{found:?}");
    assert!(
        !found.contains(&"exemption -".to_owned()) && found.contains(&"restriction -".to_owned()),
        "{found:?}"
    );
    assert_eq!(found.iter().filter(|one| *one == "key-writes -").count(), 1);
    // That of the access key is ignored with its place, that of the token of another place is not.
    assert_eq!(found.iter().filter(|one| *one == "endless -").count(), 1, "{found:?}");
    assert!(!found.contains(&"unused -".to_owned()), "{found:?}");
}
