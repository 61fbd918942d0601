mod anybody;
mod beside;
mod closed;
mod last;
mod mended;
mod much;
mod renamed;
mod strangers;
mod stuck;
mod withheld;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Automatic, Basis, Given, GivenTo, Managed, Plan, RoleHolders, Seen, Settings, Standing, Step, door::Doors,
};
use crate::{
    Account, Credential, CredentialKind, GlobalLevel, GlobalPermission,
    permission::Level,
    samples::{dated, holder, place},
};

/// A company of three, with a project of two repositories.
struct Company {
    seen: Seen,
    basis: Basis,
}

fn company() -> Company {
    let account = |name: &str| Account { id: None, name: name.into(), slug: name.into(), active: true };
    let places: BTreeSet<_> = ["PAY", "PAY/api", "PAY/web", "OPS", "OPS/tools"].map(place).into();
    let mut permissions: BTreeMap<_, _> =
        places.iter().map(|place| (place.clone(), dated(Vec::new()))).collect();
    permissions.insert(place("PAY"), dated(vec![(holder("user:boss"), Level::Admin)]));
    let sys_admin = GlobalPermission { holder: holder("group:admins"), level: GlobalLevel::SysAdmin };
    let seen = Seen {
        places: dated(places),
        accounts: dated(["ada", "bob", "cleo", "boss", "svc-oam", "backup"].map(account).into()),
        groups: dated(["eng", "admins"].map(str::to_owned).into()),
        everywhere: dated(vec![sys_admin]),
        permissions,
        doors: BTreeMap::new(),
        stuck: BTreeMap::new(),
        unread: BTreeMap::new(),
        unread_places: BTreeMap::new(),
        members: [(holder("group:admins"), dated([holder("user:boss")].into()))].into(),
        defaults: BTreeMap::new(),
        access_keys: BTreeMap::new(),
        restrictions: BTreeMap::new(),
        beside: Default::default(),
    };
    let settings = Settings {
        account: holder("user:svc-oam"),
        daemon: BTreeSet::new(),
        groups: BTreeSet::new(),
        jit: false,
        adopt: BTreeSet::new(),
        ignore: ["user:backup".parse().unwrap()].into(),
        most_removed: 10,
        automatic: BTreeSet::new(),
        mirror: Default::default(),
    };
    let people = |names: &[&str]| names.iter().map(|name| holder(&format!("user:{name}"))).collect();
    let developer = RoleHolders {
        groups: Some(vec!["okta:eng".into()]),
        people: people(&["Ada", "bob", "newcomer"]),
        named: people(&["svc-oam"]),
    };
    let basis = Basis {
        late: None,
        policy: "p".into(),
        directory: "d".into(),
        settings,
        roles: [("developer".to_owned(), developer)].into(),
        given: Vec::new(),
        standing: BTreeMap::new(),
        managed: BTreeMap::new(),
        pending: Vec::new(),
        unsaid: Vec::new(),
        renamed: Default::default(),
        mirror: Default::default(),
        fixes: Default::default(),
    };
    Company { seen, basis }
}

impl Company {
    fn give(&mut self, at: &str, level: Level, to: &str) -> &mut Self {
        let to = match to.contains(':') {
            true => GivenTo::Account(holder(to)),
            false => GivenTo::Role(to.to_owned()),
        };
        self.basis.given.push(Given { place: place(at), level, rule: format!("{level}-{at}"), to });
        self
    }

    fn has(&mut self, at: &str, who: &str, level: Level) -> &mut Self {
        self.seen.permissions.get_mut(&place(at)).unwrap().is.push((holder(who), level));
        self
    }

    fn ours(&mut self, at: &str, who: &str, level: Level, below: Option<Level>) -> &mut Self {
        self.basis.managed.insert((place(at), holder(who)), Managed { level, below });
        self
    }

    fn gone(&mut self, who: &str) -> &mut Self {
        self.basis.standing.insert(holder(who), Standing::Deactivated);
        self
    }

    fn plan(&self) -> Plan {
        Plan::of(&self.seen, &self.basis)
    }

    /// Every change in a few words.
    fn planned(&self) -> Vec<String> {
        self.plan().changes.iter().map(|change| shown(&change.step)).collect()
    }
}

fn shown(step: &Step) -> String {
    match step {
        Step::Permit { place, holder, before, after } => {
            let before = before.map_or("-", Level::as_str);
            format!("{place} {holder} {before}>{after}")
        }
        Step::Revoke { place, holder, before } => format!("{place} {holder} {before}>-"),
        Step::Forget { place, holder } => format!("{place} {holder} forget"),
        Step::RevokeGlobal { holder, before, after } => {
            format!("* {holder} {}>{}", before.as_str(), after.map_or("-", GlobalLevel::as_str))
        }
        Step::Delete { account, credential } => format!("{} {}", account.name, credential.id),
        Step::LeaveGroup { holder, group } => format!("{holder} out of {group}"),
        Step::RevokeDefault { place, before } => format!("{place} everybody {before}>-"),
        Step::DeleteAccessKey { place, key } => format!("{place} key {}", key.id),
        Step::Restrict { place, restriction, .. } => format!("{place} restrict {}", restriction.thing()),
        Step::Lift { place, thing, .. } => format!("{place} lift {thing}"),
    }
}

#[test]
fn whoever_is_granted_something_gets_it_once_and_at_the_right_place() {
    let mut company = company();
    company.give("PAY", Level::Write, "developer").give("PAY/api", Level::Read, "developer");
    company.give("PAY/web", Level::Admin, "user:ada").give("PAY", Level::Read, "user:nobody");
    let plan = company.plan();
    assert_eq!(
        company.planned(),
        ["PAY user:ada ->write", "PAY user:bob ->write", "PAY/web user:ada ->admin"]
    );
    assert_eq!(plan.changes[0].because, "rule `write-PAY`, role `developer`");
    assert_eq!(plan.absent, ["user:newcomer", "user:nobody"].map(holder));
}

#[test]
fn groups_are_used_where_all_of_them_are_there_and_were_named() {
    let mut company = company();
    company.give("PAY", Level::Write, "developer");
    company.basis.settings.groups.insert("okta".into());
    assert_eq!(company.planned(), ["PAY group:eng ->write"]);
    company.seen.groups.is.remove("eng");
    assert_eq!(company.planned(), ["PAY user:ada ->write", "PAY user:bob ->write"]);
}

#[test]
fn what_others_gave_is_left_alone_and_told() {
    let mut company = company();
    company.give("PAY", Level::Write, "developer");
    company.has("PAY", "user:ada", Level::Admin).has("PAY", "user:cleo", Level::Read);
    company.has("PAY", "user:bob", Level::Read).has("OPS", "user:backup", Level::Admin);
    let plan = company.plan();
    assert_eq!(company.planned(), ["PAY user:bob read>write"]);
    let surplus: Vec<_> = plan.surplus.iter().map(|one| (one.holder.to_string(), one.granted)).collect();
    assert_eq!(
        surplus,
        [
            ("user:ada".to_owned(), Some(Level::Write)),
            ("user:boss".to_owned(), None),
            ("user:cleo".to_owned(), None)
        ]
    );
    company.basis.settings.adopt.insert(place("PAY"));
    company.give("PAY", Level::Admin, "user:boss");
    assert_eq!(
        company.planned(),
        ["PAY user:bob read>write", "PAY user:ada admin>write", "PAY user:cleo read>-"]
    );
    assert!(company.plan().surplus.is_empty());
}

#[test]
fn what_is_granted_no_more_is_taken_and_what_was_there_before_is_given_back() {
    let mut company = company();
    company.has("PAY", "user:ada", Level::Write).ours("PAY", "user:ada", Level::Write, None);
    company.has("PAY", "user:bob", Level::Write).ours("PAY", "user:bob", Level::Write, Some(Level::Read));
    company.ours("PAY", "user:cleo", Level::Write, None);
    assert_eq!(
        company.planned(),
        ["PAY user:ada write>-", "PAY user:bob write>read", "PAY user:cleo forget"]
    );
    company.give("PAY", Level::Read, "developer");
    assert_eq!(
        company.planned(),
        ["PAY user:ada write>read", "PAY user:bob write>read", "PAY user:cleo forget"]
    );
}

/// It may be that what we were about to give never arrived.
#[test]
fn what_somebody_else_had_given_is_not_taken_where_it_is_there_and_ours_is_not() {
    let mut company = company();
    company.has("PAY", "user:ada", Level::Write).ours("PAY", "user:ada", Level::Admin, Some(Level::Write));
    assert_eq!(company.planned(), ["PAY user:ada forget"]);
    company.give("PAY", Level::Read, "user:ada");
    assert_eq!(company.planned(), ["PAY user:ada forget"]);
    company.give("PAY", Level::Admin, "user:ada");
    assert_eq!(company.planned(), ["PAY user:ada write>admin"]);
    // Where that is adopted it is ours in any case.
    company.basis.given.clear();
    company.basis.settings.adopt.insert(place("PAY"));
    company.give("PAY", Level::Admin, "user:boss");
    assert_eq!(company.planned(), ["PAY user:ada write>-"]);
}

#[test]
fn who_is_gone_loses_everything_the_widest_doors_first() {
    let mut company = company();
    company.give("PAY", Level::Write, "developer").give("PAY", Level::Write, "user:ada").gone("user:ADA");
    company.has("PAY", "user:ada", Level::Write).has("OPS/tools", "user:ada", Level::Read);
    company
        .seen
        .everywhere
        .is
        .push(GlobalPermission { holder: holder("user:ada"), level: GlobalLevel::SysAdmin });
    let credential = |kind, id: &str| Credential {
        kind,
        id: id.into(),
        label: String::new(),
        ends: false,
        used: None,
        made: None,
    };
    let credentials = vec![
        credential(CredentialKind::Token, "t"),
        credential(CredentialKind::SshKey, "s"),
        credential(CredentialKind::GpgKey, "g"),
    ];
    let doors = Doors { credentials, groups: ["eng".to_owned()].into() };
    company.seen.doors.insert(holder("user:ada"), dated(doors));
    let all = [
        "ada t",
        "ada s",
        "ada g",
        "* user:ada sys-admin>-",
        "OPS/tools user:ada read>-",
        "PAY user:ada write>-",
        "user:ada out of group:eng",
        "PAY user:bob ->write",
    ];
    let mut planned = company.planned();
    planned[4..6].sort();
    assert_eq!(planned, all);
    // With sign-ins that write group memberships these are nobody else's.
    company.basis.settings.jit = true;
    assert_eq!(company.planned().len(), all.len() - 1);
    assert_eq!(company.plan().left_in_groups, [holder("user:ada")]);
    // What may be done without being asked is what was allowed.
    company.basis.settings.automatic = [Automatic::Leavers].into();
    let automatic = company.plan().automatic(&company.seen, &company.basis);
    assert!(automatic.changes.iter().all(|change| change.step.takes()) && automatic.changes.len() == 6);
    company.basis.settings.automatic = [Automatic::Give].into();
    assert_eq!(company.plan().automatic(&company.seen, &company.basis).changes.len(), 1);
    company.basis.settings.automatic = BTreeSet::new();
    assert!(company.plan().automatic(&company.seen, &company.basis).changes.is_empty());
}

#[test]
fn nobody_whom_no_directory_knows_is_taken_for_gone() {
    let mut company = company();
    company.basis.standing.insert(holder("user:cleo"), Standing::Unknown);
    company.has("PAY", "user:cleo", Level::Write);
    assert!(company.planned().is_empty());
    assert_eq!(company.plan().surplus.len(), 2);
}

/// All tokens of all before anything else of anybody.
#[test]
fn the_widest_doors_of_all_who_are_gone_come_first() {
    let mut company = company();
    for name in ["ada", "bob"] {
        let user = holder(&format!("user:{name}"));
        let credential = |kind, id: &str| Credential {
            kind,
            id: format!("{id}-{name}"),
            label: String::new(),
            ends: false,
            used: None,
            made: None,
        };
        let credentials =
            vec![credential(CredentialKind::Token, "t"), credential(CredentialKind::SshKey, "s")];
        let doors = Doors { credentials, groups: ["eng".to_owned()].into() };
        company.seen.doors.insert(user, dated(doors));
        company.gone(&format!("user:{name}")).has("PAY", &format!("user:{name}"), Level::Write);
    }
    assert_eq!(
        company.planned(),
        [
            "ada t-ada",
            "bob t-bob",
            "ada s-ada",
            "bob s-bob",
            "PAY user:ada write>-",
            "PAY user:bob write>-",
            "user:ada out of group:eng",
            "user:bob out of group:eng",
        ]
    );
}

#[test]
fn the_account_that_is_used_and_what_is_ignored_are_never_touched() {
    let mut company = company();
    company.basis.settings.adopt = ["PAY", "OPS"].map(place).into();
    company.basis.settings.ignore.insert("OPS".parse().unwrap());
    company.give("OPS", Level::Write, "developer").give("PAY", Level::Read, "user:svc-oam");
    company.has("PAY", "user:SVC-OAM", Level::Admin).has("PAY/api", "user:backup", Level::Read);
    company.has("OPS/tools", "user:cleo", Level::Admin).gone("user:svc-oam").gone("user:backup");
    let plan = company.plan();
    assert!(plan.changes.is_empty() && plan.surplus.is_empty(), "{plan:?}");
    // `boss` is the last administrator: the account is nobody who could help.
    assert_eq!(plan.held_back.len(), 1, "{plan:?}");
}

#[test]
fn a_plan_that_was_made_can_be_kept_and_compared() {
    let mut company = company();
    company.give("PAY", Level::Write, "developer");
    let plan = company.plan();
    let kept: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(kept, plan);
    assert_eq!(plan.beyond(&kept).count(), 0);
    // Somebody gave one of them something meanwhile.
    company.has("PAY", "user:ada", Level::Read);
    let now = company.plan();
    let beyond: Vec<_> = now.beyond(&kept).map(|change| shown(&change.step)).collect();
    assert_eq!(beyond, ["PAY user:ada read>write"]);
}

#[test]
fn a_token_is_the_same_one_when_somebody_has_used_it() {
    let mut company = company();
    company.gone("user:ada");
    let token = |id: &str, used| Credential {
        kind: CredentialKind::Token,
        id: id.into(),
        label: "ci".into(),
        ends: false,
        used,
        made: None,
    };
    let mut has = |credentials| {
        let doors = Doors { credentials, groups: BTreeSet::new() };
        company.seen.doors.insert(holder("user:ada"), dated(doors));
        company.plan()
    };
    let kept = has(vec![token("1", Some(5))]);
    assert_eq!(has(vec![token("1", Some(9))]).beyond(&kept).count(), 0);
    assert_eq!(has(vec![token("1", None), token("2", None)]).beyond(&kept).count(), 1);
    let key = Credential { kind: CredentialKind::SshKey, ..token("1", Some(5)) };
    assert_eq!(has(vec![key]).beyond(&kept).count(), 1);
}
