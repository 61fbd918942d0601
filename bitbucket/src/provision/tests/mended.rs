use std::collections::{BTreeMap, BTreeSet};

use super::{Company, company, shown};
use crate::{
    AccessKey, Account, Credential, CredentialKind, GlobalLevel, GlobalPermission, Matcher, MatcherKind,
    Restriction,
    permission::Level,
    provision::{
        Automatic, Beside, FindingKind, MendedBy, Standing, Step, give_up_strangers,
        plan::groups_to_look_into,
    },
    samples::{dated, holder, place},
};

/// What is older counts as unused.
const SINCE: u64 = 1_000;

impl Company {
    fn fix(&mut self, kinds: &[FindingKind]) -> &mut Self {
        self.basis.fixes.kinds = kinds.iter().copied().collect();
        self.basis.fixes.unused_since = SINCE;
        self
    }

    fn account(&self, name: &str) -> Account {
        self.seen.accounts.is.iter().find(|one| one.name == name).unwrap().clone()
    }

    /// What would be done, and what is held back of it.
    fn mended(&mut self, kinds: &[FindingKind]) -> (Vec<String>, Vec<String>) {
        let plan = self.fix(kinds).plan();
        let held = plan.held_back.iter().map(|one| shown(&one.change.step)).collect();
        (plan.changes.iter().map(|change| shown(&change.step)).collect(), held)
    }
}

fn credential(kind: CredentialKind, id: &str, ends: bool, used: u64) -> Credential {
    Credential { kind, id: id.into(), label: String::new(), ends, used: Some(used), made: None }
}

fn restriction(id: u64, users: &[&str]) -> Restriction {
    let id_of = |name: &str| format!("refs/heads/{name}");
    Restriction {
        id,
        kind: "read-only".into(),
        matcher: Matcher { kind: MatcherKind::Branch, id: id_of("main"), shown: "main".into() },
        users: users.iter().map(|&user| user.to_owned()).collect(),
        groups: Vec::new(),
        access_keys: Vec::new(),
    }
}

/// One finding of each kind that has to be named.
fn drifted() -> Company {
    let mut company = company();
    company.give("PAY", Level::Admin, "user:boss").give("OPS", Level::Read, "user:ada");
    company.give("OPS", Level::Admin, "user:boss").has("OPS", "user:boss", Level::Admin);
    company.has("OPS", "user:ada", Level::Write).has("OPS/tools", "user:bob", Level::Read);
    company.basis.settings.groups.insert("okta".to_owned());
    let everywhere = |who: &str, level| GlobalPermission { holder: holder(who), level };
    company.seen.everywhere.is = vec![
        everywhere("user:ada", GlobalLevel::Admin),
        everywhere("user:bob", GlobalLevel::LicensedUser),
        everywhere("user:boss", GlobalLevel::SysAdmin),
        everywhere("user:backup", GlobalLevel::SysAdmin),
    ];
    let (token, ssh) = (CredentialKind::Token, CredentialKind::SshKey);
    let mut beside = Beside::default();
    let around = &mut beside.around;
    around.everybody = vec![("PAY".parse().unwrap(), Level::Read)];
    around.restrictions =
        vec![(place("PAY"), restriction(7, &[])), (place("OPS"), restriction(8, &["cleo"]))];
    let own = |name: &str, one| (company.account(name), one);
    around.credentials = Some(vec![
        own("ada", credential(token, "1", false, 1)),
        own("ada", credential(ssh, "1", true, 2_000)),
        own("bob", credential(ssh, "2", true, 1)),
        own("bob", credential(CredentialKind::GpgKey, "A", false, 2_000)),
        own("backup", credential(token, "9", false, 1)),
        own("svc-oam", credential(token, "10", false, 1)),
    ]);
    let key = |id: &str, writes, ends| AccessKey { key: credential(ssh, id, ends, 2_000), writes };
    around.access_keys =
        vec![(place("PAY"), key("3", true, true)), (place("PAY/api"), key("4", false, false))];
    around.tokens = vec![(place("OPS/tools"), credential(token, "1", false, 2_000))];
    let members = ["ada", "cleo", "backup"].map(|name| holder(&format!("user:{name}")));
    beside.strangers.members = [(holder("group:eng"), members.into())].into();
    company.seen.beside = beside;
    company
}

#[test]
fn what_is_named_is_mended_and_nothing_else() {
    let mut company = drifted();
    assert_eq!(company.mended(&[]), (vec![], vec![]));
    assert_eq!(company.plan().surplus.len(), 2);
    let lines: [(FindingKind, &[&str]); 9] = [
        (FindingKind::NotGranted, &["OPS user:ada write>read", "OPS/tools user:bob read>-"]),
        (FindingKind::Administers, &["* user:ada admin>licensed-user"]),
        (FindingKind::GroupMember, &["user:cleo out of group:eng"]),
        (FindingKind::Everybody, &["PAY everybody read>-"]),
        (FindingKind::Exemption, &["OPS lift read-only BRANCH refs/heads/main"]),
        (FindingKind::Restriction, &["PAY lift read-only BRANCH refs/heads/main"]),
        (FindingKind::KeyWrites, &["PAY key 3"]),
        (FindingKind::Endless, &["ada 1", "PAY/api key 4", "OPS/tools key 1"]),
        (FindingKind::Unused, &["ada 1", "bob 2"]),
    ];
    for (kind, lines) in lines {
        assert_eq!(company.mended(&[kind]), (lines.iter().map(|&line| line.to_owned()).collect(), vec![]));
        assert!(
            company.plan().changes.iter().all(|one| one.because.starts_with(&format!("`{}`", kind.as_str())))
        );
    }
    // What is two findings is taken once, and what is taken is not left alone.
    let all: Vec<_> = FindingKind::ALL.into_iter().filter(|kind| kind.mended_by() == MendedBy::Fix).collect();
    assert_eq!(company.mended(&all), (company.planned(), vec![]));
    assert_eq!((company.planned().len(), company.plan().surplus.len()), (12, 0));
    // By itself nothing of it is done but by whoever named it.
    company.basis.settings.automatic = [Automatic::Leavers].into();
    assert!(company.plan().automatic(&company.seen, &company.basis).changes.is_empty());
}

/// The account that is used, what is ignored, and a place or a group that is.
#[test]
fn what_is_ignored_is_not_mended() {
    let mut company = drifted();
    let ignored =
        ["PAY", "OPS", "user:ada", "user:bob", "user:boss", "group:eng"].map(|text| text.parse().unwrap());
    company.basis.settings.ignore.extend(ignored);
    let all: Vec<_> = FindingKind::ALL.to_vec();
    assert_eq!(company.mended(&all), (vec![], vec![]));
}

/// Nobody from whom something is mended is taken for somebody who is gone: the daemon would refuse it.
#[test]
fn only_those_who_are_gone_are_leavers() {
    let mut company = drifted();
    company.fix(&[FindingKind::Administers, FindingKind::GroupMember, FindingKind::Endless]);
    let plan = company.plan();
    assert_eq!(plan.changes.len(), 5);
    for change in &plan.changes {
        assert_eq!((change.leaver(&company.basis), change.kind(&company.basis)), (None, Automatic::Take));
    }
    assert!(plan.too_many_people.is_none());
    company.gone("user:ada");
    let gone: BTreeSet<_> =
        company.plan().changes.iter().filter_map(|change| change.leaver(&company.basis)).collect();
    assert_eq!(gone, [holder("user:ada")].into());
}

/// Everybody in a group that administers leaves it by the same plan.
#[test]
fn who_leaves_by_the_plan_is_not_left_to_administer() {
    let mut company = drifted();
    company.has("OPS", "group:eng", Level::Admin).give("OPS", Level::Admin, "developer");
    company.basis.settings.ignore.insert("user:boss".parse().unwrap());
    company
        .seen
        .permissions
        .get_mut(&place("OPS"))
        .unwrap()
        .is
        .retain(|(who, _)| *who != holder("user:boss"));
    let members = ["bob", "cleo"].map(|name| holder(&format!("user:{name}")));
    company.basis.roles.get_mut("developer").unwrap().people = [holder("user:ada")].into();
    company.seen.beside.strangers.members = [(holder("group:eng"), members.clone().into())].into();
    let both = ["user:bob out of group:eng", "user:cleo out of group:eng"].map(str::to_owned).to_vec();
    company.seen.members.insert(holder("group:eng"), dated(members.into()));
    assert_eq!(company.mended(&[FindingKind::GroupMember]), (vec![], both.clone()));
    assert_eq!(groups_to_look_into(&company.seen, &company.basis), [holder("group:eng")].into());
    // Ada stays.
    company.seen.members.get_mut(&holder("group:eng")).unwrap().is.insert(holder("user:ada"));
    assert_eq!(company.mended(&[FindingKind::GroupMember]), (both, vec![]));
    // Where Bitbucket writes memberships itself, none is touched.
    company.basis.settings.jit = true;
    assert_eq!(company.mended(&[FindingKind::GroupMember]).0, Vec::<String>::new());
}

#[test]
fn the_last_administrator_is_not_mended_away() {
    let mut company = drifted();
    company.seen.everywhere.is.retain(|one| one.holder == holder("user:ada"));
    company.seen.everywhere.is[0].level = GlobalLevel::SysAdmin;
    assert_eq!(
        company.mended(&[FindingKind::Administers]),
        (vec![], vec!["* user:ada sys-admin>licensed-user".to_owned()])
    );
    // What must be done anyhow is not held back for it.
    company
        .seen
        .everywhere
        .is
        .push(GlobalPermission { holder: holder("user:bob"), level: GlobalLevel::SysAdmin });
    company.gone("user:bob");
    let (done, held) = company.mended(&[FindingKind::Administers]);
    assert!(done.contains(&"* user:bob sys-admin>-".to_owned()), "{done:?}");
    assert_eq!(held, ["* user:ada sys-admin>licensed-user"]);
}

/// They lose all as a leaver does, and nobody else does.
#[test]
fn accounts_that_no_source_knows_go_where_that_is_named() {
    let mut company = drifted();
    for unknown in ["cleo", "backup", "boss"] {
        company.basis.standing.insert(holder(&format!("user:{unknown}")), Standing::Unknown);
    }
    company.seen.accounts.is.iter_mut().filter(|one| one.name == "boss").for_each(|one| one.active = false);
    company.has("PAY/api", "user:cleo", Level::Read).has("PAY/api", "user:backup", Level::Read);
    // Who has no licence, neither by themselves nor by a group, is no finding; nor is who is active by another name to lose anything.
    for stays in ["ada", "bob"] {
        company.basis.standing.insert(holder(&format!("user:{stays}")), Standing::Unknown);
    }
    company.seen.everywhere.is.retain(|one| one.holder != holder("user:ada"));
    let groups = BTreeMap::from([(holder("user:ada"), ["eng".to_owned()].into())]);
    let (bob, was) = (holder("user:bob"), holder("user:robert"));
    company.basis.renamed.was.insert(bob.clone(), was);
    company.basis.renamed.another.insert(bob, "this account was `robert`, who is active".into());
    company.fix(&[FindingKind::Endless]);
    give_up_strangers(&company.seen, &mut company.basis, &BTreeMap::new());
    assert!(!company.basis.is_gone(&holder("user:cleo")), "it was not named");
    company.fix(&[FindingKind::UnknownAccount]);
    give_up_strangers(&company.seen, &mut company.basis, &groups);
    assert!(!["ada", "bob"].iter().any(|one| company.basis.is_gone(&holder(&format!("user:{one}")))));
    assert_eq!(company.planned(), ["PAY/api user:cleo read>-"]);
    let change = &company.plan().changes[0];
    assert_eq!(change.leaver(&company.basis), Some(holder("user:cleo")));
    assert_eq!(change.because, "`cleo` is in no directory");
}

/// Of each sort by itself.
#[test]
fn much_that_is_mended_at_once_takes_somebody_who_says_so() {
    let mut company = drifted();
    let ada = company.account("ada");
    let token =
        |id: u64, ends| (ada.clone(), credential(CredentialKind::Token, &id.to_string(), ends, 2_000));
    company.seen.beside.around.credentials = Some((1..=4).map(|id| token(id, false)).collect());
    company.fix(&[FindingKind::Endless, FindingKind::NotGranted]);
    let why = "6 of 7 tokens and keys would be taken, which is more than 10 %";
    let plan = company.plan();
    assert_eq!(plan.too_much().collect::<Vec<_>>(), [why]);
    let (left, too_much) = plan.bounded(&company.seen, &company.basis);
    assert_eq!((left.changes.len(), too_much[0].changes), (0, 8));
    // Permissions count with those that are taken anyhow.
    for name in ["a", "b"] {
        let who = format!("user:{name}");
        company.has("PAY", &who, Level::Read).ours("PAY", &who, Level::Read, None);
    }
    company.fix(&[FindingKind::NotGranted]);
    let told = company.plan().too_much().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(told, ["4 of 6 permissions would be taken, which is more than 10 %"]);
    assert!(company.plan().changes.iter().all(|one| !matches!(one.step, Step::Delete { .. })));
}

/// Nobody knows what else is there.
#[test]
fn where_something_could_not_be_read_nothing_is_mended() {
    let mut company = drifted();
    company.seen.unread_places.insert(place("OPS"), "no answer".into());
    company.seen.unread_places.insert(place("PAY/api"), "no answer".into());
    let read: Vec<_> = company.seen.read_places().map(ToString::to_string).collect();
    assert_eq!(read, ["PAY", "OPS/tools", "PAY/web"]);
    let all: Vec<_> = FindingKind::ALL.into_iter().filter(|kind| kind.mended_by() == MendedBy::Fix).collect();
    let (done, held) = company.mended(&all);
    assert!(!done.iter().any(|one| one.starts_with("OPS ") || one.starts_with("PAY/api ")), "{done:?}");
    assert!(done.contains(&"PAY key 3".to_owned()) && held.is_empty(), "{done:?} {held:?}");
}

/// Where a source is late nobody knows what there should be.
#[test]
fn while_a_source_is_late_nothing_is_mended() {
    let mut company = drifted();
    company.basis.late = Some("a source is stale".into());
    company.gone("user:bob");
    let (done, held) = company.mended(&FindingKind::ALL);
    assert_eq!(
        (done, held),
        (vec!["* user:bob licensed-user>-".to_owned(), "OPS/tools user:bob read>-".to_owned()], vec![])
    );
}

/// Whatever somebody has who is not whom the name says is for people to look at.
#[test]
fn what_another_account_has_is_not_mended() {
    let mut company = drifted();
    let why = "another account was known by this name".to_owned();
    company.basis.renamed.another.insert(holder("user:ada"), why);
    let kinds = [FindingKind::NotGranted, FindingKind::Administers, FindingKind::Endless];
    let (done, held) = company.mended(&kinds);
    assert!(!done.iter().any(|one| one.contains("ada")), "{done:?}");
    assert_eq!(held, ["OPS user:ada write>read", "* user:ada admin>licensed-user", "ada 1"]);
    // What is held back is not too much either.
    let ada = company.account("ada");
    let token = |id: u64| (ada.clone(), credential(CredentialKind::Token, &id.to_string(), false, 2_000));
    company.seen.beside.around.credentials = Some((1..=9).map(token).collect());
    company.fix(&[FindingKind::Endless]);
    assert_eq!(company.plan().too_much().count(), 0);
}

/// Without it nobody would send canaries, nor ask who approved what.
#[test]
fn the_account_of_the_daemon_is_left_alone_whatever_is_named() {
    let mut company = drifted();
    company.basis.settings.daemon = [holder("user:ADA")].into();
    let kinds =
        [FindingKind::NotGranted, FindingKind::Administers, FindingKind::Endless, FindingKind::Unused];
    let (done, held) = company.mended(&kinds);
    assert!(done.iter().any(|one| one == "bob 2"), "{done:?}");
    assert!(!done.iter().chain(&held).any(|one| one.contains("ada")), "{done:?} {held:?}");
    // It is nobody who could administer in the stead of others either.
    let level = GlobalLevel::Admin;
    company.seen.everywhere.is[0] = GlobalPermission { holder: holder("group:admins"), level };
    company.seen.members.insert(holder("group:admins"), dated([holder("user:ada")].into()));
    let step = "* group:admins admin>licensed-user".to_owned();
    assert_eq!(company.mended(&[FindingKind::Administers]), (vec![], vec![step]));
}

/// Without it nothing would be mended any more.
#[test]
fn a_group_that_has_the_account_in_it_goes_on_administering() {
    let mut company = drifted();
    let level = GlobalLevel::Admin;
    company.seen.everywhere.is[0] = GlobalPermission { holder: holder("group:admins"), level };
    let step = "* group:admins admin>licensed-user".to_owned();
    assert_eq!(company.mended(&[FindingKind::Administers]), (vec![step.clone()], vec![]));
    assert_eq!(groups_to_look_into(&company.seen, &company.basis), [holder("group:admins")].into());
    let members = company.seen.members.get_mut(&holder("group:admins")).unwrap();
    members.is.insert(holder("user:SVC-oam"));
    assert_eq!(company.mended(&[FindingKind::Administers]), (vec![], vec![step.clone()]));
    // Nor where nobody knows who is in it.
    company.seen.members.clear();
    assert_eq!(company.mended(&[FindingKind::Administers]), (vec![], vec![step]));
}

/// Of a project that could not be read nobody knows whether the group administers it: whoever leaves it, too, is nobody who could act.
#[test]
fn not_everybody_leaves_a_group_while_a_project_cannot_be_read() {
    let mut company = drifted();
    company.seen.permissions.remove(&place("OPS"));
    company.seen.unread_places.insert(place("OPS"), "no answer".into());
    company.basis.roles.get_mut("developer").unwrap().people = [holder("user:ada")].into();
    let members = BTreeSet::from(["bob", "cleo"].map(|name| holder(&format!("user:{name}"))));
    company.seen.beside.strangers.members = [(holder("group:eng"), members.clone())].into();
    company.seen.members.insert(holder("group:eng"), dated(members));
    let both = ["user:bob out of group:eng", "user:cleo out of group:eng"].map(str::to_owned).to_vec();
    assert_eq!(company.mended(&[FindingKind::GroupMember]), (vec![], both.clone()));
    // Ada stays.
    company.seen.members.get_mut(&holder("group:eng")).unwrap().is.insert(holder("user:ada"));
    assert_eq!(company.mended(&[FindingKind::GroupMember]), (both, vec![]));
}
