//! `who` lists exactly those for whom `decide` permits, on random policies and directories.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Case, policy, snapshot};
use jiff::Timestamp;
use oam_policy::{
    Channel, Facts, Policy, RefName, Repository, Snapshot, State, UndecidedReason, Username, Verb, Verdict,
    decide::{Freshness, PrincipalKind, PushVerdict, WaiverUse},
    question::Question,
    snapshot::{Directory, Person, Revocation},
    who::{Who, WhoError, who, who_while},
};
use proptest::{collection::vec, prelude::*, sample::subsequence};

const GROUPS: [&str; 3] = ["s:g0", "s:g1", "s:g2"];
const ROLES: [&str; 3] = ["r0", "r1", "r2"];
/// `bo` is a part of `bob`, `Zoe` differs from `zoe` in case, and `x` stands in every path.
const PEOPLE: [&str; 7] = ["zoe", "bob", "bo", "Eve", "x", "heads", "gil"];
/// The first is also in the directory, the others are not.
const SERVICES: [&str; 3] = ["zoe", "svc-ci", "svc-bob"];
const REFS: [&str; 9] = [
    "refs/heads/main",
    "refs/heads/u/zoe/x",
    "refs/heads/u/bob/x",
    "refs/heads/u/eve/x",
    "refs/heads/u/Eve/x",
    "refs/heads/u/svc-ci/x",
    "refs/heads/u/x/x",
    "refs/tags/v1",
    "refs/replace/x",
];
const PATTERNS: [&str; 8] = [
    "refs/heads/**",
    "refs/heads/main",
    "refs/heads/u/${user}/**",
    "refs/heads/u/*${user}*/*",
    "refs/{heads,tags}/**/${user}",
    "refs/tags/**",
    "refs/**",
    "refs/heads/u/*/x",
];
const EXCLUSIONS: [&str; 2] = ["!refs/heads/main", "!refs/heads/u/${user}/**"];
const VERBS: [&str; 4] = ["create", "update", "force", "delete"];

fn role(number: usize) -> impl Strategy<Value = String> {
    let groups = || subsequence(GROUPS.to_vec(), 0..=2);
    (groups(), groups(), subsequence(SERVICES.to_vec(), 0..=2))
        .prop_filter("a role names somebody", |(any, all, service)| {
            !(any.is_empty() && all.is_empty() && service.is_empty())
        })
        .prop_map(move |(any, all, service)| {
            let list = |key: &str, values: &[&str]| {
                if values.is_empty() { String::new() } else { format!("{key} = {values:?}\n") }
            };
            format!(
                "[[role]]\nid = \"r{number}\"\n{}{}{}",
                list("any", &any),
                list("all", &all),
                if service.is_empty() {
                    String::new()
                } else {
                    list("service", &service) + "max_lease = \"15m\"\n"
                },
            )
        })
}

/// The text of a rule but for its id.
fn rule() -> impl Strategy<Value = String> {
    (
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.1),
        subsequence(ROLES.to_vec(), 1..=2),
        prop::sample::select(&["A/*", "**", "B/x"][..]),
        (
            prop::sample::select(&PATTERNS[..]),
            prop::option::weighted(0.3, prop::sample::select(&EXCLUSIONS[..])),
        ),
        subsequence(VERBS.to_vec(), 1..=4),
        prop::option::weighted(0.3, 2024i64..2029),
        prop::option::weighted(0.2, prop::sample::select(&["zoe", "EVE", "svc-ci", "nobody", "gil"][..])),
    )
        .prop_map(|(block, evaluate, roles, on, (pattern, exclusion), verbs, until, user)| {
            let refs: Vec<_> = [Some(pattern), exclusion].into_iter().flatten().collect();
            let mut text = match (block, user) {
                (true, _) => format!("[[block]]\nexcept = {roles:?}\n"),
                (false, None) => format!("[[grant]]\nto = {roles:?}\n"),
                (false, Some(user)) => format!("[[grant]]\nuser = \"{user}\"\napproved_by = \"kim\"\n"),
            };
            text += &format!("on = [{on:?}]\nrefs = {refs:?}\nverbs = {verbs:?}\n");
            if evaluate {
                text += "mode = \"evaluate\"\n";
            }
            let until = if user.is_some() && !block { Some(until.unwrap_or(2028)) } else { until };
            if let Some(until) = until {
                text += &format!("{} = {until}-01-01T00:00:00Z\n", if block { "to" } else { "expires" });
            }
            text
        })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let roles = (role(0), role(1), role(2)).prop_map(|(a, b, c)| a + &b + &c);
    (roles, vec(rule(), 0..7)).prop_map(|(roles, rules)| {
        let rule = |(number, rule): (usize, String)| {
            rule.replacen("]]\n", &format!("]]\nid = \"rule{number}\"\n"), 1)
        };
        let rules: String = rules.into_iter().enumerate().map(rule).collect();
        policy(&format!("version = 1\n{roles}{rules}"))
    })
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let person = (subsequence(GROUPS.to_vec(), 0..=3), prop::bool::weighted(0.8), prop::bool::weighted(0.1));
    (vec(person, PEOPLE.len()), prop::bool::weighted(0.2)).prop_map(|(people, revokes_service)| {
        let mut revocations = BTreeMap::new();
        let mut revoke = |name: &str| {
            let revocation =
                Revocation { at: Timestamp::UNIX_EPOCH, by: "uid 0".into(), reason: "left".into() };
            revocations.insert(Username::parse(name).unwrap().key(), revocation);
        };
        if revokes_service {
            revoke("svc-ci");
        }
        let mut directory =
            Directory { people: vec![], groups: GROUPS.map(|one| one.parse().unwrap()).into() };
        for (name, (groups, active, revoked)) in PEOPLE.into_iter().zip(people) {
            if revoked {
                revoke(name);
            }
            directory.people.push(Person {
                username: name.parse().unwrap(),
                id: None,
                display_name: None,
                emails: vec![],
                active,
                groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
                keys: Default::default(),
            });
        }
        Snapshot::of_directory(1, Timestamp::UNIX_EPOCH, &directory, revocations).unwrap()
    })
}

fn question(repository: &str, name: &str, verb: &str) -> Question {
    Question {
        repository: Repository::parse(repository).unwrap(),
        name: RefName::parse(name.as_bytes()).unwrap(),
        verb: Verb::parse(verb).unwrap(),
        channel: Channel::Push,
        circumstances: Default::default(),
    }
}

/// Name, kind, grant and role of everybody who can.
type Listed = BTreeSet<(String, &'static str, String, Option<String>)>;

fn listed(who: &Who<'_>) -> Listed {
    let one = |(way, people): (&oam_policy::who::Way, &Vec<oam_policy::who::Principal<'_>>)| {
        let (grant, role) = (way.grant.to_string(), way.role.as_ref().map(ToString::to_string));
        let one = |one: &oam_policy::who::Principal<'_>| {
            (one.username.as_str().to_owned(), one.kind.as_str(), grant.clone(), role.clone())
        };
        people.iter().map(one).collect::<Vec<_>>()
    };
    who.can.iter().flat_map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn it_lists_exactly_those_for_whom_it_is_permitted(
        policy in any_policy(),
        snapshot in any_snapshot(),
        year in 2023i64..2030,
        repository in prop::sample::select(&["A/x", "B/x"][..]),
    ) {
        let now = format!("{year}-06-01T00:00:00Z");
        let case = Case::new(policy, snapshot).at(&now);
        for name in REFS {
            for verb in VERBS {
                let found = who(&case.state, &question(repository, name, verb), now.parse().unwrap()).unwrap();
                let (mut can, mut stopped) = (Listed::new(), 0);
                for user in PEOPLE.into_iter().chain(SERVICES).chain(["nobody"]).collect::<BTreeSet<_>>() {
                    let decision = case.decide(user, repository, &[&format!("{verb} {name}")], &Facts::none());
                    let PushVerdict::PerRef(refs) = decision.verdict() else { continue };
                    match &refs.first().verdict {
                        Verdict::Permitted(permit) => {
                            let role = permit.role().map(ToString::to_string);
                            can.insert((
                                decision.subject().username.as_str().to_owned(),
                                decision.subject().kind.as_str(),
                                permit.grant().to_string(),
                                role,
                            ));
                        }
                        Verdict::Refused(reasons) => {
                            stopped += u64::from(reasons.iter().all(|reason| reason.code() == "blocked"));
                        }
                        Verdict::Undecided(_) => prop_assert!(false, "all facts are known"),
                    }
                }
                prop_assert_eq!(found.count(), can.len() as u64, "nobody is listed twice");
                prop_assert_eq!(listed(&found), can, "{} {}", verb, name);
                prop_assert_eq!(found.stopped.values().sum::<u64>(), stopped, "{} {}", verb, name);
                prop_assert!(found.stopped.keys().all(|stop| !stop.rules.is_empty()));
            }
        }
    }
}

const FREEZE: &str = r#"
version = 1
[[role]]
id = "developer"
any = ["okta:eng"]
[[role]]
id = "release-manager"
all = ["okta:eng", "okta:release"]
[[role]]
id = "auditor"
any = ["okta:nobody-is-in-it"]
[[role]]
id = "ci"
service = ["svc-ci"]
max_lease = "15m"
[[grant]]
id = "main"
to = ["developer", "auditor", "ci"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["update"]
[[grant]]
id = "own"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/u/${user}/**"]
verbs = ["create"]
[[block]]
id = "freeze"
on = ["PAY/*"]
refs = ["refs/heads/main"]
from = 2026-12-20T00:00:00Z
to = 2027-01-05T00:00:00Z
except = ["release-manager"]
"#;

fn told(question: &Question, at: &str) -> String {
    let case = Case::new(policy(FREEZE), snapshot());
    let found = who(&case.state, question, at.parse().unwrap()).unwrap();
    let can = listed(&found).into_iter().map(|(name, kind, grant, role)| {
        format!("{name} ({kind}) by {grant} through {}\n", role.unwrap_or_default())
    });
    let stopped = found.stopped.iter().map(|(stop, count)| {
        let role = stop.way.role.as_ref().map(ToString::to_string).unwrap_or_default();
        let blocks: Vec<_> = stop.rules.iter().map(ToString::to_string).collect();
        format!("{role} by {} stopped by {}: {count}\n", stop.way.grant, blocks.join(", "))
    });
    can.chain(stopped).collect()
}

#[test]
fn people_services_and_whom_a_block_stops() {
    let main = question("PAY/api", "refs/heads/main", "update");
    insta::assert_snapshot!(told(&main, "2026-06-01T00:00:00Z"), @"
    alice (user) by main through developer
    bob (user) by main through developer
    rita (user) by main through developer
    svc-ci (service) by main through ci
    ");
    insta::assert_snapshot!(told(&main, "2026-12-24T00:00:00Z"), @"
    rita (user) by main through developer
    auditor by main stopped by freeze: 0
    ci by main stopped by freeze: 1
    developer by main stopped by freeze: 2
    ");
    insta::assert_snapshot!(told(&question("PAY/api", "refs/heads/u/rita/x", "create"), "2026-06-01T00:00:00Z"), @"rita (user) by own through developer");
    insta::assert_snapshot!(told(&question("PAY/api", "refs/heads/main", "delete"), "2026-06-01T00:00:00Z"), @"");
}

/// Whoever holds the same roles may the same, but for whom a waiver is in use.
#[test]
fn whoever_uses_a_waiver_is_looked_at_alone() {
    let waiver = r#"
[[waiver]]
id = "hotfix"
lifts = ["freeze"]
to = ["developer"]
max_time = "1h"
"#;
    let mut case = Case::new(policy(&format!("{FREEZE}{waiver}")), snapshot());
    let now: Timestamp = "2026-12-24T00:00:00Z".parse().unwrap();
    case.state.waivers = [WaiverUse {
        id: None,
        waiver: "hotfix".parse().unwrap(),
        lifts: BTreeSet::new(),
        by: "bob".parse().unwrap(),
        on: None,
        refs: None,
        from: now,
        to: "2026-12-24T01:00:00Z".parse().unwrap(),
        reason: "it burns".into(),
        approved_by: None,
    }]
    .into();
    let found = who(&case.state, &question("PAY/api", "refs/heads/main", "update"), now).unwrap();
    let can: Vec<_> = found.can.values().flatten().map(|one| one.username.as_str()).collect();
    assert_eq!(can, ["bob", "rita"]);
}

/// What is only tried out makes nothing unclear.
#[test]
fn a_rule_on_trial_makes_nobody_unclear() {
    let trial = r#"
[[block]]
id = "secrets"
on = ["**"]
refs = ["refs/heads/main"]
paths = ["secrets/**"]
"#;
    let main = question("PAY/api", "refs/heads/main", "update");
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let counted = |more: &str| {
        let case = Case::new(policy(&format!("{FREEZE}{trial}{more}")), snapshot());
        let found = who(&case.state, &main, now).unwrap();
        (found.count(), found.unclear.count)
    };
    assert_eq!(counted(""), (0, 4));
    assert_eq!(counted("mode = \"evaluate\"\n"), (4, 0));
}

/// What binds only those who may not, and what is on trial, is supposed of nobody.
#[test]
fn what_is_supposed_is_what_binds_somebody_who_may() {
    let require = |id: &str, except: &str, asks: &str| {
        format!(
            "[[require]]\nid = \"{id}\"\non = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\nexcept = [{except}]\n\
             commits = {{ {asks} = true }}\n"
        )
    };
    let of_services = require("signed", "\"developer\"", "signed");
    let of_people = require("linear", "\"ci\"", "linear");
    let of_nobody_who_may = require("author", "\"developer\", \"ci\"", "author_known");
    let on_trial = require("sign-off", "\"auditor\"", "sign_off") + "mode = \"evaluate\"\n";
    let text = [FREEZE, &of_services, &of_people, &of_nobody_who_may, &on_trial].concat();
    let case = Case::new(policy(&text), snapshot());
    let main = question("PAY/api", "refs/heads/main", "update");
    let found = who(&case.state, &main, "2026-06-01T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(found.count(), 4);
    assert_eq!(
        found.supposing.iter().map(String::as_str).collect::<Vec<_>>(),
        ["commits are signed by their committers", "no merges"]
    );
}

#[test]
fn the_names_of_a_way_are_in_order() {
    let case = Case::new(policy(FREEZE), snapshot());
    let main = question("PAY/api", "refs/heads/main", "update");
    let found = who(&case.state, &main, "2026-06-01T00:00:00Z".parse().unwrap()).unwrap();
    for people in found.can.values() {
        assert!(people.is_sorted_by_key(|one| one.username.key()));
        assert!(people.iter().all(|one| one.kind != PrincipalKind::Unknown));
    }
}

#[test]
fn it_ends_when_nobody_wants_to_know_any_more() {
    let case = Case::new(policy(FREEZE), snapshot());
    let main = question("PAY/api", "refs/heads/main", "update");
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let found = who_while(&case.state, &main, now, &|| false);
    assert!(matches!(found, Err(WhoError::GivenUp)), "{found:?}");
}

#[test]
fn nobody_is_not_what_is_said_when_nothing_can_be_decided() {
    let main = question("PAY/api", "refs/heads/main", "update");
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let reasons = |state: &State| match who(state, &main, now) {
        Err(WhoError::Undecided(reasons)) => reasons.iter().map(UndecidedReason::code).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reasons(&State::default()), ["policy-missing", "snapshot-missing"]);
    let stale = State {
        sources: [Freshness {
            source: "file".into(),
            as_of: Some(snapshot().as_of()),
            max_age: Some(std::time::Duration::from_secs(60)),
            unheard: None,
        }]
        .into(),
        ..Case::new(policy(FREEZE), snapshot()).state
    };
    assert_eq!(reasons(&stale), ["source-stale"]);
}
