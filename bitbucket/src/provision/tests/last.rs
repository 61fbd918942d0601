use std::collections::BTreeSet;

use super::{Company, company};
use crate::{
    GlobalLevel, GlobalPermission,
    permission::Level,
    provision::{Automatic, door::Doors, guard::groups_to_look_into},
    samples::{dated, holder, place},
};

impl Company {
    /// Who is in a group is known.
    fn members(&mut self, group: &str, names: &[&str]) -> &mut Self {
        let members: BTreeSet<_> = names.iter().map(|name| holder(&format!("user:{name}"))).collect();
        self.seen.members.insert(holder(&format!("group:{group}")), dated(members));
        self
    }
}

#[test]
fn the_last_administrator_stays() {
    let mut company = company();
    company.basis.settings.adopt.insert(place("PAY"));
    let plan = company.plan();
    assert!(plan.changes.is_empty(), "{plan:?}");
    assert!(plan.held_back[0].why.contains("administer PAY"), "{plan:?}");
    // Also when they are gone: then it needs somebody who looks.
    company.basis.settings.adopt.clear();
    company.gone("user:boss");
    assert!(company.planned().is_empty());
    // That somebody else is to have it is not enough: they must have it.
    company.give("PAY", Level::Admin, "user:ada");
    assert_eq!(company.planned(), ["PAY user:ada ->admin"]);
    company.basis.settings.automatic = [Automatic::Leavers].into();
    assert!(company.plan().automatic(&company.basis).changes.is_empty());
    company.has("PAY", "user:ada", Level::Admin).ours("PAY", "user:ada", Level::Admin, None);
    assert_eq!(company.planned(), ["PAY user:boss admin>-"]);
    // The system, too: a last one who is gone, and no group.
    company.seen.everywhere.is =
        vec![GlobalPermission { holder: holder("user:boss"), level: GlobalLevel::SysAdmin }];
    let plan = company.plan();
    assert_eq!(company.planned(), ["PAY user:boss admin>-"]);
    assert!(plan.held_back[0].why.contains("administer Bitbucket"), "{plan:?}");
    company
        .seen
        .everywhere
        .is
        .push(GlobalPermission { holder: holder("user:ada"), level: GlobalLevel::SysAdmin });
    assert_eq!(company.planned()[0], "* user:boss sys-admin>-");
}

#[test]
fn nobody_leaves_the_last_group_that_administers_unless_somebody_stays_in_it() {
    let mut company = company();
    company.gone("user:ada").has("OPS", "group:eng", Level::Admin);
    let doors = Doors { credentials: vec![], groups: ["eng", "admins", "idle"].map(str::to_owned).into() };
    company.seen.doors.insert(holder("user:ada"), dated(doors));
    let held = |company: &Company| {
        let plan = company.plan();
        plan.held_back.into_iter().map(|one| (super::shown(&one.change.step), one.why)).collect::<Vec<_>>()
    };
    let (eng, admins) = ("user:ada out of group:eng", "user:ada out of group:admins");
    let both = [
        (eng.to_owned(), "nobody else would administer OPS: give that to somebody first".to_owned()),
        (admins.to_owned(), "nobody else would administer Bitbucket: give that to somebody first".to_owned()),
    ];
    // It is not known who is in them, or nobody is who could act.
    assert_eq!(
        (company.planned(), held(&company)),
        (vec!["user:ada out of group:idle".to_owned()], both.to_vec())
    );
    company.members("eng", &["ada", "svc-oam", "stranger"]).members("admins", &["Ada"]);
    assert_eq!(held(&company), both);
    company.seen.accounts.is.iter_mut().find(|account| account.name == "cleo").unwrap().active = false;
    company.members("eng", &["ada", "cleo"]);
    assert_eq!(held(&company), both);
    // Somebody else is in it.
    company.members("eng", &["ada", "bob"]);
    assert_eq!(held(&company), both[1..]);
    assert!(company.planned().contains(&eng.to_owned()));
    // Somebody, or another group, has it besides.
    let also = |who: &str| GlobalPermission { holder: holder(who), level: GlobalLevel::SysAdmin };
    company.seen.everywhere.is.push(also("user:ada"));
    assert_eq!(held(&company).len(), 2, "who goes does not count");
    company.seen.everywhere.is.push(also("user:boss"));
    assert_eq!(held(&company), []);
    company.seen.everywhere.is.truncate(1);
    company.seen.everywhere.is.push(also("group:others"));
    assert_eq!(held(&company), []);
    company.members("others", &["ada"]);
    assert_eq!(held(&company), both[1..]);
}

#[test]
fn groups_are_looked_into_where_somebody_is_to_leave_one_that_administers() {
    let mut company = company();
    company.has("OPS", "group:eng", Level::Admin).has("OPS", "group:web", Level::Admin);
    company.has("PAY", "group:pay", Level::Admin).has("OPS", "group:readers", Level::Read);
    assert!(groups_to_look_into(&company.seen).is_empty());
    let doors = Doors { credentials: vec![], groups: ["ENG", "readers"].map(str::to_owned).into() };
    company.seen.doors.insert(holder("user:ada"), dated(doors));
    assert_eq!(groups_to_look_into(&company.seen), ["group:eng", "group:web"].map(holder).into());
}
