use super::{company, shown};
use crate::{permission::Level, samples::holder};

/// A rule gives it, and whoever has it is not let in by Bitbucket for now.
#[test]
fn what_somebody_has_who_is_not_let_in_now_is_left_alone() {
    let mut company = company();
    company.give("PAY", Level::Write, "developer").give("OPS/tools", Level::Read, "user:bob");
    company.has("PAY", "user:ada", Level::Write).ours("PAY", "user:ada", Level::Write, None);
    company.has("PAY/api", "user:ada", Level::Admin).ours("PAY/api", "user:ada", Level::Admin, None);
    company.has("OPS", "user:ada", Level::Read).ours("OPS", "user:ada", Level::Read, None);
    company.ours("PAY/web", "user:ada", Level::Write, None);
    company.seen.accounts.is.iter_mut().find(|account| account.name == "ada").unwrap().active = false;
    // What no rule gives is taken as from anybody.
    assert_eq!(
        company.planned(),
        ["PAY user:bob ->write", "OPS/tools user:bob ->read", "OPS user:ada read>-"]
    );
    assert!(company.plan().absent.contains(&holder("user:ada")));
}

#[test]
fn a_group_that_vanished_is_told_and_its_people_get_nothing_by_name() {
    let mut company = company();
    company.give("PAY", Level::Write, "developer").give("PAY/api", Level::Read, "developer");
    company.basis.settings.groups.insert("okta".into());
    company.ours("PAY", "group:eng", Level::Write, None);
    company.has("OPS", "user:ada", Level::Read).ours("OPS", "user:ada", Level::Read, None);
    company.has("PAY", "user:bob", Level::Write).ours("PAY", "user:bob", Level::Write, None);
    company.seen.groups.is.remove("eng");
    let plan = company.plan();
    // Nor is it forgotten that it was given, nor taken from its people what they have by name at these places.
    assert_eq!(company.planned(), ["OPS user:ada read>-"]);
    let held: Vec<_> = plan.held_back.iter().map(|one| shown(&one.change.step)).collect();
    assert_eq!(held, ["PAY group:eng ->write"]);
    assert!(plan.held_back[0].why.starts_with("Bitbucket had this group, and has it no more"));
    // Where somebody says so, they get it.
    company.basis.settings.ignore.insert("group:eng".parse().unwrap());
    assert_eq!(company.planned(), ["PAY user:ada ->write", "OPS user:ada read>-"]);
    assert!(company.plan().held_back.is_empty());
}
