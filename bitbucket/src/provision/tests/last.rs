use std::collections::BTreeSet;

use super::{Company, company};
use crate::{
    GlobalLevel, GlobalPermission,
    permission::Level,
    provision::{Automatic, door::Doors, plan::groups_to_look_into},
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
    assert!(company.plan().automatic(&company.seen, &company.basis).changes.is_empty());
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
    company.seen.members.clear();
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
    // A group that could not be read, is empty, or has nobody but whoever goes, is nobody.
    assert_eq!(held(&company), both[1..]);
    for (members, is_held) in [(&[][..], true), (&["ada"], true), (&["svc-oam"], true), (&["bob"], false)] {
        company.members("others", members);
        assert_eq!(held(&company) == both[1..], is_held, "{members:?}");
    }
    assert_eq!(held(&company), []);
}

/// The last user who administers goes, and there is a group besides: it depends on who is in it.
#[test]
fn a_group_that_administers_counts_by_who_is_in_it() {
    let mut company = company();
    company.has("PAY", "group:eng", Level::Admin).gone("user:boss");
    let last = |who: &str| GlobalPermission { holder: holder(who), level: GlobalLevel::SysAdmin };
    company.seen.everywhere.is = vec![last("user:boss"), last("group:admins")];
    let all = ["* user:boss sys-admin>-", "PAY user:boss admin>-"];
    company.seen.members.clear();
    assert!(company.planned().is_empty(), "nobody knows who is in them");
    assert_eq!(company.plan().held_back.len(), 2);
    company.members("eng", &[]).members("admins", &["boss"]);
    assert!(company.planned().is_empty(), "nobody is, or only who goes");
    company.members("eng", &["bob"]).members("admins", &["bob"]);
    assert_eq!(company.planned(), all);
}

#[test]
fn groups_are_looked_into_where_one_who_administers_would_do_so_no_more() {
    let mut company = company();
    company.has("OPS", "group:eng", Level::Admin).has("OPS", "group:web", Level::Admin);
    company.has("PAY", "group:pay", Level::Admin).has("OPS", "group:readers", Level::Read);
    let groups = |company: &Company| groups_to_look_into(&company.seen, &company.basis);
    assert!(groups(&company).is_empty());
    let doors = Doors { credentials: vec![], groups: ["ENG", "readers"].map(str::to_owned).into() };
    company.gone("user:ada").seen.doors.insert(holder("user:ada"), dated(doors));
    assert_eq!(groups(&company), ["group:eng", "group:web"].map(holder).into());
    // Where it is taken from somebody, too, and where everybody had it.
    company.basis.standing.clear();
    company.has("OPS", "user:cleo", Level::Admin).ours("OPS", "user:cleo", Level::Admin, None);
    assert_eq!(groups(&company), ["group:eng", "group:web"].map(holder).into());
    company.basis.managed.clear();
    company.basis.settings.adopt.insert(place("PAY"));
    company.give("PAY", Level::Admin, "user:boss").give("PAY", Level::Read, "user:cleo");
    company
        .seen
        .permissions
        .get_mut(&place("PAY"))
        .unwrap()
        .is
        .retain(|(one, _)| *one == holder("user:boss"));
    assert!(groups(&company).is_empty());
    company.has("PAY", "group:pay", Level::Admin);
    assert_eq!(groups(&company), [holder("group:pay")].into());
    company
        .seen
        .everywhere
        .is
        .push(GlobalPermission { holder: holder("user:cleo"), level: GlobalLevel::SysAdmin });
    company.gone("user:cleo");
    let all = ["group:admins", "group:eng", "group:pay", "group:web"];
    assert_eq!(groups(&company), all.map(holder).into());
}

/// Nobody knows who administers a project that could not be read, and by which group.
#[test]
fn while_a_project_cannot_be_read_nobody_is_given_or_taken_anything_there_nor_leaves_a_last_group() {
    let mut company = company();
    company.gone("user:ada").give("OPS", Level::Write, "user:bob").ours(
        "OPS",
        "user:cleo",
        Level::Read,
        None,
    );
    company.give("PAY", Level::Read, "user:bob");
    company.seen.permissions.remove(&place("OPS"));
    company.seen.unread_places.insert(place("OPS"), "no answer".into());
    let doors = Doors { credentials: vec![], groups: ["eng", "idle"].map(str::to_owned).into() };
    company.seen.doors.insert(holder("user:ada"), dated(doors));
    let groups = groups_to_look_into(&company.seen, &company.basis);
    assert_eq!(groups, BTreeSet::from(["group:eng", "group:idle"].map(holder)));
    company.members("eng", &["ada", "bob"]).members("idle", &["ada", "svc-oam"]);
    assert_eq!(company.planned(), ["user:ada out of group:eng", "PAY user:bob ->read"]);
    let plan = company.plan();
    assert!(
        plan.held_back.len() == 1 && plan.held_back[0].why.starts_with("nobody can say whether"),
        "{plan:?}"
    );
    assert_eq!(plan.unread_places, [(place("OPS"), "no answer".to_owned())]);
    assert_eq!(plan.not_out(&company.basis), BTreeSet::from([holder("user:ada")]));
    // Of a repository that cannot be read nobody administers more than that.
    company.seen.unread_places = [(place("OPS/tools"), "no answer".into())].into();
    company.seen.permissions.insert(place("OPS"), dated(vec![]));
    assert!(company.planned().contains(&"user:ada out of group:idle".to_owned()));
}
