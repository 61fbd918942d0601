use super::{Company, company, shown};
use crate::{
    Account, AccountId, Credential, CredentialKind, Matcher, MatcherKind,
    mirror::Mirrored,
    permission::Level,
    provision::{Around, FindingKind, Managed, Plan, Standing, Step, Strangers, door::Doors, strange},
    samples::{dated, holder, place},
};

#[test]
fn a_leaver_under_another_name_is_told_with_both() {
    let mut company = company();
    company.gone("user:bob").has("PAY", "user:bob", Level::Write);
    company.basis.renamed.was.insert(holder("user:bob"), holder("user:bert"));
    let Plan { changes, .. } = company.plan();
    let told: Vec<_> = changes.iter().map(|change| change.because.as_str()).collect();
    assert_eq!(told, ["`bob`, which was `bert`, is deactivated in the directory"]);
}

#[test]
fn who_has_the_name_of_another_one_gets_nothing_and_loses_nothing() {
    let mut company = company();
    let token = Credential {
        kind: CredentialKind::Token,
        id: "7".into(),
        label: "ci".into(),
        ends: true,
        used: None,
        made: None,
    };
    let doors = Doors { credentials: vec![token], groups: ["eng".to_owned()].into() };
    company.seen.doors.insert(holder("user:cleo"), dated(doors));
    company.give("PAY", Level::Write, "user:ada").give("PAY", Level::Write, "user:bob");
    company.gone("user:cleo").has("OPS", "user:cleo", Level::Read);
    assert_eq!(company.plan().changes.len(), 5);
    for (name, id) in [("ada", 11), ("cleo", 13)] {
        let why = "another account was known by this name".to_owned();
        company.basis.renamed.another.insert(holder(&format!("user:{name}")), why);
        let account = company.seen.accounts.is.iter_mut().find(|one| one.name == name).unwrap();
        account.id = AccountId::of_wire(id);
    }
    let plan = company.plan();
    let left: Vec<_> = plan.changes.iter().map(|change| shown(&change.step)).collect();
    assert_eq!((left.len(), plan.held_back.len()), (1, 4), "{left:?}");
    assert!(left[0].contains("bob"), "{left:?}");
    assert!(
        plan.held_back.iter().all(|held| held.why.contains("--accept-accounts=")),
        "{:?}",
        plan.held_back
    );
    assert!(plan.held_back.iter().any(|held| held.why.ends_with("--accept-accounts=ada=11`")), "{plan:?}");
    // Who says whose an account is has looked at what waits for that, and at nothing of the other.
    let looked_at = plan.accepting(&[holder("user:cleo")].into());
    assert_eq!((looked_at.changes.len(), looked_at.held_back.len()), (4, 1), "{looked_at:?}");
    let found = strange(&company.seen, &company.basis, &Strangers::default(), &Around::default());
    let found = found.iter().filter(|one| one.kind == FindingKind::AnotherAccount);
    let found: Vec<_> =
        found.map(|one| (one.holder.clone().unwrap().to_string(), one.thing.as_str())).collect();
    assert_eq!(found, [("user:ada".to_owned(), "11"), ("user:cleo".to_owned(), "13")]);
}

/// Whoever types what is printed runs that one command.
#[test]
fn a_name_is_printed_as_a_shell_takes_it_for_one_word() {
    let mut company = company();
    let name = "x;y 'z";
    company.seen.accounts.is.push(Account {
        id: AccountId::of_wire(7),
        name: name.into(),
        slug: "x".into(),
        active: true,
    });
    let why = "another account was known by this name".to_owned();
    company.basis.renamed.another.insert(holder(&format!("user:{name}")), why);
    let found = strange(&company.seen, &company.basis, &Strangers::default(), &Around::default());
    let told = found.iter().find(|one| one.kind == FindingKind::AnotherAccount).unwrap();
    assert!(told.what.ends_with(r"--accept-accounts='x;y '\''z=7'`"), "{}", told.what);
}

/// It is theirs still, whoever they turn out to be.
#[test]
fn what_was_given_under_the_old_name_stays_ours_while_it_is_not_known_whose_the_new_one_is() {
    let mut company = company();
    let key = (place("PAY"), holder("user:carla"));
    company.basis.managed.insert(key, Managed { level: Level::Write, below: None });
    let is_forgotten = |company: &Company| {
        company.plan().changes.iter().any(|change| matches!(change.step, Step::Forget { .. }))
    };
    assert!(is_forgotten(&company));
    company.basis.renamed.before.insert(holder("user:CARLA"));
    assert!(!is_forgotten(&company));
}

/// Whatever takes what nobody is granted: to the policy they are nobody by that name.
#[test]
fn a_colleague_who_was_renamed_loses_nothing_and_is_no_name_to_accept() {
    let mut company = company();
    company.basis.settings.adopt.insert(place("OPS"));
    company.has("OPS", "user:cleo", Level::Read);
    company.basis.standing.insert(holder("user:cleo"), Standing::Unknown);
    assert_eq!(company.planned(), ["OPS user:cleo read>-"]);
    company.basis.renamed.was.insert(holder("user:cleo"), holder("user:carla"));
    let why = "this account was `carla`, who is active: the directory has the old name".to_owned();
    company.basis.renamed.another.insert(holder("user:cleo"), why.clone());
    let plan = company.plan();
    assert!(plan.changes.is_empty() && plan.held_back.len() == 1, "{plan:?}");
    let told = &plan.held_back[0].why;
    assert!(told.starts_with(&why) && !told.contains("--accept-accounts"), "{told}");
    let found = strange(&company.seen, &company.basis, &Strangers::default(), &Around::default());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].kind == FindingKind::UnknownAccount && found[0].what.ends_with(&why), "{found:?}");
}

/// By it they would be let through what refuses others.
#[test]
fn who_has_the_name_of_another_one_is_not_excepted_from_a_restriction() {
    let mut company = company();
    let id = "refs/heads/main".to_owned();
    let mirrored = Mirrored {
        kind: "no-deletes".into(),
        matcher: Matcher { kind: MatcherKind::Branch, shown: id.clone(), id },
        users: ["ada".to_owned(), "bob".to_owned()].into(),
        groups: Default::default(),
    };
    company.basis.mirror.wanted = vec![(place("PAY"), mirrored, ["rule".to_owned()].into())];
    assert_eq!(company.planned(), ["PAY restrict no-deletes BRANCH refs/heads/main"]);
    let why = "another account was known by this name".to_owned();
    company.basis.renamed.another.insert(holder("user:BOB"), why);
    let plan = company.plan();
    assert!(plan.changes.is_empty() && plan.held_back.len() == 1, "{plan:?}");
}
