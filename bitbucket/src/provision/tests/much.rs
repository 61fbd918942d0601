use super::{Company, company, shown};
use crate::{Account, permission::Level, provision::Automatic, samples::holder};

#[test]
fn too_much_at_once_is_told_and_a_little_is_always_allowed() {
    let mut company = company();
    for name in ["a", "b", "c"] {
        let who = format!("user:{name}");
        company.has("PAY", &who, Level::Read).ours("PAY", &who, Level::Read, None);
    }
    let too_much = |company: &Company| company.plan().too_much().map(str::to_owned).collect::<Vec<_>>();
    assert!(too_much(&company).is_empty());
    company.has("PAY", "user:d", Level::Read).ours("PAY", "user:d", Level::Read, None);
    assert_eq!(too_much(&company), ["4 of 5 permissions would be taken, which is more than 10 %"]);
    company.basis.settings.most_removed = 80;
    assert!(too_much(&company).is_empty());
    company.basis.settings.most_removed = 10;
    company.basis.managed.clear();
    for name in ["ada", "bob", "cleo", "boss"] {
        company.gone(&format!("user:{name}"));
        company.has("OPS", &format!("user:{name}"), Level::Read);
    }
    assert!(company.plan().too_many_people.unwrap().starts_with("4 of 6 people"));
    // Who has the name of another one keeps what they have, and is none of them.
    let why = "another account was known by this name".to_owned();
    company.basis.renamed.another.insert(holder("user:cleo"), why);
    assert_eq!(company.plan().too_many_people, None);
    company.basis.renamed.another.clear();
    // Where nothing of it is done without being asked, it stops nothing else.
    company.basis.settings.automatic = [Automatic::Give].into();
    assert_eq!(company.plan().automatic(&company.seen, &company.basis).too_much().count(), 0);
    company.basis.settings.automatic.insert(Automatic::Leavers);
    assert_eq!(company.plan().automatic(&company.seen, &company.basis).too_much().count(), 1);
}

#[test]
fn what_is_too_much_at_once_is_put_aside_and_the_rest_is_done() {
    let mut company = company();
    company.give("OPS", Level::Read, "developer");
    for name in ["a", "b", "c", "d"] {
        let who = format!("user:{name}");
        company.has("PAY", &who, Level::Read).ours("PAY", &who, Level::Read, None);
    }
    company.gone("user:cleo").has("OPS", "user:cleo", Level::Read);
    company.ours("PAY", "user:e", Level::Read, None);
    let bounded = |company: &Company| {
        let (plan, too_much) = company.plan().bounded(&company.seen, &company.basis);
        let changes: Vec<_> = plan.changes.iter().map(|change| shown(&change.step)).collect();
        (changes, too_much.into_iter().map(|one| one.changes).collect::<Vec<_>>())
    };
    // Too many permissions, and one person who is gone.
    let given = ["OPS user:ada ->read", "OPS user:bob ->read"];
    let forgotten = "PAY user:e forget";
    let all = [&["OPS user:cleo read>-"][..], &given, &[forgotten]].concat();
    assert_eq!(bounded(&company), (all.iter().map(|one| (*one).to_owned()).collect(), vec![4]));
    // Too many people, and one permission.
    company.basis.managed.clear();
    company.ours("PAY", "user:a", Level::Read, None).ours("PAY", "user:e", Level::Read, None);
    for name in ["svc-2", "svc-3", "svc-4"] {
        company.seen.accounts.is.push(Account {
            id: None,
            name: name.into(),
            slug: name.into(),
            active: true,
        });
        company.gone(&format!("user:{name}")).has("OPS", &format!("user:{name}"), Level::Read);
    }
    let all = [&given[..], &["PAY user:a read>-", forgotten]].concat();
    assert_eq!(bounded(&company), (all.iter().map(|one| (*one).to_owned()).collect(), vec![4]));
    // Whoever says so gets all of it.
    assert_eq!(company.plan().changes.len(), 8);
}

/// What nobody reads before is bounded, too, once there is something by which much is much.
#[test]
fn much_that_is_given_is_not_given_without_being_asked() {
    let mut company = company();
    company.basis.settings.automatic = [Automatic::Give].into();
    company.give("PAY", Level::Write, "developer").give("OPS", Level::Write, "developer");
    let automatic = |company: &Company| company.plan().automatic(&company.seen, &company.basis);
    let done = |company: &Company| automatic(company).bounded(&company.seen, &company.basis).0.changes.len();
    assert_eq!((done(&company), automatic(&company).too_much().count()), (4, 0), "the first time");
    company.ours("PAY", "user:boss", Level::Admin, None).give("PAY", Level::Admin, "user:boss");
    let why = "4 permissions would be given where there are 1, which is more than 10 %";
    assert_eq!((done(&company), automatic(&company).too_much().next()), (0, Some(why)));
    // Whoever runs `apply` has read it.
    assert_eq!(company.plan().bounded(&company.seen, &company.basis).0.changes.len(), 4);
}

/// The people of a group get by themselves what it had: as long as that waits, the group keeps it.
#[test]
fn what_is_not_given_is_not_taken_in_another_form_either() {
    let mut company = company();
    company.basis.settings.automatic = [Automatic::Give, Automatic::Take].into();
    company.give("PAY", Level::Write, "developer").give("OPS", Level::Write, "developer");
    company.has("PAY", "group:dev", Level::Write).ours("PAY", "group:dev", Level::Write, None);
    let automatic = company.plan().automatic(&company.seen, &company.basis);
    let (plan, too_much) = automatic.bounded(&company.seen, &company.basis);
    let left: Vec<_> = plan.changes.iter().map(|change| shown(&change.step)).collect();
    assert_eq!((left, too_much.len()), (Vec::<String>::new(), 2));
    // Where all of it may be done, all of it is.
    assert_eq!(company.plan().bounded(&company.seen, &company.basis).0.changes.len(), 5);
}
