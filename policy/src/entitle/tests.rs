use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Place, Receiver, Right, Standing, entitlements, role_holders, roles_of, standing, unsaid};
use crate::{
    Policy, Repository, Snapshot, Username,
    file::{self, PolicySource},
    snapshot::{Directory, Person, Revocation},
};

const POLICY: &str = r#"
version = 1

[[role]]
id = "developer"
any = ["okta:eng", "okta:ops"]

[[role]]
id = "lead"
any = ["okta:eng"]
all = ["okta:leads"]
service = ["svc-lead", "svc-gone"]

[[role]]
id = "deployer"
service = ["svc-deploy"]
max_lease = "10m"

[[grant]]
id = "see"
to = ["developer"]
on = ["**"]
verbs = ["read"]

[[grant]]
id = "topic"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/u/${user}/**"]
verbs = ["create", "update"]

[[grant]]
id = "one"
to = ["developer"]
on = ["WEB/shop", "WEB/s?p"]
refs = ["refs/heads/main"]
verbs = ["update", "read"]

[[grant]]
id = "but"
to = ["lead"]
on = ["PAY/*", "!PAY/secret"]
verbs = ["admin"]

[[grant]]
id = "hours"
to = ["lead"]
on = ["OPS/*"]
refs = ["refs/heads/main"]
verbs = ["update"]
weekly = { from = "Mon 08:00", to = "Fri 18:00", zone = "UTC" }

[[grant]]
id = "later"
to = ["lead"]
on = ["OPS/*"]
verbs = ["admin"]
from = 2027-01-01T00:00:00Z

[[grant]]
id = "over"
to = ["lead"]
on = ["OPS/*"]
verbs = ["admin"]
expires = 2026-01-01T00:00:00Z

[[grant]]
id = "trial"
to = ["lead"]
on = ["OPS/*"]
verbs = ["admin"]
mode = "evaluate"

[[grant]]
id = "guest"
user = "Zoe"
approved_by = "bob"
expires = 2026-12-24T00:00:00Z
on = ["PAY/api"]
refs = ["refs/heads/main"]
verbs = ["update"]

[[grant]]
id = "deploys"
to = ["deployer"]
on = ["PAY/*"]
refs = ["refs/tags/**"]
verbs = ["create"]

[[workload]]
id = "release-job"
issuer = "https://token.example.com"
profile = "gitlab"
claims = { project_id = "7" }
principal = "svc-ci"
roles = ["deployer"]
on = ["PAY/api"]
refs = ["refs/tags/**"]
verbs = ["create"]
"#;

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn policy() -> Policy {
    file::parse(&[PolicySource { name: "p.toml".into(), text: POLICY.into() }])
        .map_err(|faults| format!("{faults:?}"))
        .unwrap()
}

fn named(name: &str) -> Username {
    name.parse().unwrap()
}

fn snapshot() -> Snapshot {
    let person = |name: &str, active: bool, groups: &[&str]| Person {
        active,
        groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
        ..Person::named(named(name))
    };
    let people = vec![
        person("Ada", true, &["okta:eng", "okta:leads"]),
        person("bob", true, &["okta:ops", "okta:leads"]),
        person("carl", false, &["okta:eng", "okta:leads"]),
        person("dora", true, &["okta:eng"]),
    ];
    let revocation = Revocation { at: now(), by: "uid 0".into(), reason: "x".into() };
    let revocations = [(named("dora").key(), revocation.clone()), (named("svc-gone").key(), revocation)];
    let directory = Directory { people, groups: BTreeSet::new() };
    Snapshot::of_directory(1, now(), &directory, revocations.into()).unwrap()
}

fn given(place: Place<'_>) -> Vec<String> {
    let shown = |to: &Receiver| match to {
        Receiver::Role(role) => role.to_string(),
        Receiver::Account(account) => format!("@{account}"),
    };
    let all = entitlements(&policy(), place, now());
    all.iter().map(|one| format!("{} {} {}", one.right.as_str(), one.rule, shown(&one.to))).collect()
}

fn in_repository(name: &str) -> Vec<String> {
    given(Place::Repository(&Repository::parse(name).unwrap()))
}

#[test]
fn what_is_for_all_of_a_project_is_given_there_and_nowhere_twice() {
    assert_eq!(
        given(Place::Project("pay")),
        ["write deploys deployer", "read see developer", "write topic developer"]
    );
    // The key as Bitbucket writes it is the same.
    assert_eq!(given(Place::Project("PAY")), given(Place::Project("pay")));
    assert_eq!(given(Place::Project("WEB")), ["read see developer"]);
    assert_eq!(in_repository("PAY/api"), ["admin but lead", "write guest @Zoe", "write release-job @svc-ci"]);
    assert_eq!(in_repository("PAY/secret"), Vec::<String>::new());
    assert_eq!(in_repository("WEB/shop"), ["write one developer"]);
    assert_eq!(in_repository("WEB/else"), Vec::<String>::new());
}

#[test]
fn the_roles_of_one_are_those_that_all_have() {
    let (policy, snapshot) = (policy(), snapshot());
    let roles = |name: &str| -> Vec<_> {
        let all = roles_of(&policy, &snapshot, &named(name)).into_iter();
        all.map(|(role, groups)| (role.to_string(), groups.is_some())).collect()
    };
    let role = |name: &str, by_groups| (name.to_owned(), by_groups);
    assert_eq!(roles("ADA"), [role("developer", true), role("lead", false)]);
    assert_eq!(roles("bob"), [role("developer", true)]);
    assert_eq!(roles("SVC-lead"), [role("lead", false)]);
    for nobody in ["carl", "dora", "svc-gone", "zoe"] {
        assert!(roles(nobody).is_empty(), "{nobody}");
    }
}

#[test]
fn what_is_not_in_force_gives_nothing_but_hours_of_the_week_do() {
    assert_eq!(given(Place::Project("OPS")), ["write hours lead", "read see developer"]);
    let said: Vec<_> =
        unsaid(&policy(), now()).into_iter().map(|one| (one.rule.to_string(), one.what)).collect();
    let rules: Vec<_> = said.iter().map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(rules, ["guest", "hours", "later", "release-job"]);
    assert!(said[0].1.starts_with("ends 2026-12-24") && said[2].1.contains("before 2027-01-01"), "{said:?}");
}

#[test]
fn roles_are_held_by_whoever_may_act() {
    let holders = role_holders(&policy(), &snapshot());
    let told = |role: &str| {
        let one = &holders[&role.parse().unwrap()];
        let names = |all: &BTreeSet<super::NameInOrder>| {
            all.iter().map(|name| name.0.to_string()).collect::<Vec<_>>().join(" ")
        };
        let groups = one.groups.as_ref().map(BTreeSet::len);
        (groups, names(&one.people), names(&one.named))
    };
    assert_eq!(told("developer"), (Some(2), "Ada bob".into(), String::new()));
    // Two groups at once are no group.
    assert_eq!(told("lead"), (None, "Ada".into(), "svc-lead".into()));
    assert_eq!(told("deployer"), (None, String::new(), "svc-deploy".into()));
}

#[test]
fn who_is_gone_is_told_from_whom_nobody_knows() {
    let (policy, snapshot) = (policy(), snapshot());
    let stands = |name| standing(&policy, &snapshot, &named(name));
    assert_eq!(stands("ADA"), Standing::Active);
    assert_eq!(stands("carl"), Standing::Deactivated);
    assert_eq!(stands("dora"), Standing::CutOff);
    assert_eq!(stands("svc-gone"), Standing::CutOff);
    assert_eq!(stands("svc-deploy"), Standing::Active);
    assert_eq!(stands("svc-ci"), Standing::Active);
    assert_eq!(stands("nobody"), Standing::Unknown);
    assert!(Right::Read < Right::Write && Right::Write < Right::Admin);
}
