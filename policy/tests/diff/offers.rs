//! What may be asked for, against brute force, and as people read it.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use oam_policy::{
    Policy, RefName, Repository, RoleId, Username, Verb,
    decide::Subject,
    diff::{Job, Limits, OfferChange, OfferEffect, OfferTerms, PolicyDiff, Whom, diff},
    rule::{Elevation, Mode, PathSet},
};
use proptest::{
    collection::{btree_set, vec},
    prelude::{Just, Strategy, any, prop_oneof},
};
use serde_json::{Map, Value};

use super::{
    brute::is_in,
    common,
    world::{NOW, PEOPLE, REPOSITORIES, VERBS, at, directory, names, patterns, refs, repositories, roles},
};

const ROLES: [&str; 3] = ["one", "three", "two"];

fn some_roles() -> impl Strategy<Value = String> + Clone {
    btree_set(prop_oneof![Just("one"), Just("two"), Just("three")], 1..3)
        .prop_map(|roles| format!("{:?}", roles.into_iter().collect::<Vec<_>>()))
}

fn elevation() -> impl Strategy<Value = String> {
    let approval = prop_oneof![
        2 => Just(String::new()),
        4 => (some_roles(), 1..3_u8, any::<bool>())
            .prop_map(|(by, count, ends)| format!("approved_by = {by}\napprovals = {count}\nends_with_approver = {ends}\n")),
    ];
    let mode = prop_oneof![9 => Just(""), 1 => Just("mode = \"evaluate\"\n")];
    let places = (patterns(repositories()), patterns(refs()));
    (some_roles(), some_roles(), places, 1..3_u8, any::<bool>(), approval, mode).prop_map(
        |(roles, to, (on, refs), hours, reason, approval, mode)| {
            format!(
                "[[elevation]]\nid = \"ID\"\nroles = {roles}\nto = {to}\non = {on}\nrefs = {refs}\nmax_time = \"{hours}h\"\n\
                 reason = {reason}\n{approval}{mode}"
            )
        },
    )
}

fn workload() -> impl Strategy<Value = String> {
    let claims = prop_oneof![
        Just("{ a = \"1\" }"),
        Just("{ b = \"1\" }"),
        Just("{ a = \"1\", b = \"1\" }"),
        Just("{ a = \"2\" }")
    ];
    let principal = prop_oneof![4 => Just("svc"), 1 => Just("bot")];
    let verbs =
        prop_oneof![Just("[\"create\"]"), Just("[\"create\", \"update\"]"), Just("[\"force\", \"delete\"]")];
    let paths = prop_oneof![4 => Just(""), 1 => Just("paths = [\"a/**\"]\n")];
    let mode = prop_oneof![9 => Just(""), 1 => Just("mode = \"evaluate\"\n")];
    let places = (patterns(repositories()), patterns(refs()));
    (claims, principal, some_roles(), places, verbs, (1..4_u8, 1..4_u8), (paths, mode)).prop_map(
        |(claims, principal, roles, (on, refs), verbs, (minutes, uses), (paths, mode))| {
            format!(
                "[[workload]]\nid = \"ID\"\nprofile = \"generic\"\nissuer = \"https://ci\"\nclaims = {claims}\n\
                 principal = \"{principal}\"\nroles = {roles}\non = {on}\nrefs = {refs}\nverbs = {verbs}\n\
                 max_lease = \"{minutes}m\"\nuses = {uses}\n{paths}{mode}"
            )
        },
    )
}

/// The text of two policies that share some rules.
fn policies(rule: impl Strategy<Value = String>) -> impl Strategy<Value = (String, String)> {
    let bound = || prop_oneof![2 => Just(""), 1 => Just("max_lease = \"2m\"\n")];
    let three =
        || bound().prop_map(|bound| format!("[[role]]\nid = \"three\"\nservice = [\"svc\"]\n{bound}"));
    (vec((rule, 0..4_u8), 1..5), roles(), roles(), three(), three()).prop_map(
        |(rules, old_roles, new_roles, old_three, new_three)| {
            let side = |roles: &str, three: &str, bit: u8| {
                let chosen = rules.iter().enumerate().filter(|(_, (_, sides))| (sides + 1) & bit != 0);
                let rules: String =
                    chosen.map(|(number, (rule, _))| rule.replace("ID", &format!("rule-{number}"))).collect();
                format!("version = 1\n{roles}{three}{rules}")
            };
            (side(&old_roles, &old_three, 1), side(&new_roles, &new_three, 2))
        },
    )
}

fn compared(old: &Policy, new: &Policy) -> PolicyDiff {
    diff(old, new, Some(&directory()), at(NOW), &Limits::default())
}

fn role(id: &str) -> RoleId {
    id.parse().unwrap()
}

/// What somebody holds; `None` where they may not act.
fn held(policy: &Policy, user: &Username) -> Option<BTreeSet<RoleId>> {
    let directory = directory();
    let (subject, bar) = Subject::resolve(policy, &directory, user);
    bar.is_none().then(|| subject.roles().cloned().collect())
}

/// The elevation by which somebody who holds `held` and is called `user` would ask.
fn asked<'p>(
    policy: &'p Policy,
    held: &BTreeSet<RoleId>,
    user: &str,
    role: &RoleId,
    (repository, name): (&Repository, &RefName),
) -> Option<&'p Elevation> {
    policy.elevations().iter().find(|rule| {
        rule.mode == Mode::Enforce
            && rule.roles.contains(role)
            && !rule.to.is_disjoint(held)
            && rule.on.matches(repository)
            && rule.refs.matches(name, user)
    })
}

fn is_about(change: &OfferChange, user: &Username) -> bool {
    let Whom::People(who) = &change.who else { return false };
    who.iter().any(|holders| {
        assert!(holders.users <= holders.sample.len());
        holders.sample.contains(user)
    })
}

fn lies_in(change: &OfferChange, user: &str, (repository, name): (&Repository, &RefName)) -> bool {
    change.places.iter().any(|place| {
        is_in(&place.repositories, repository.key(), "") && is_in(&place.refs, &name.to_string(), user)
    })
}

fn places() -> Vec<(Repository, RefName)> {
    let repositories = REPOSITORIES.map(|text| Repository::parse(text).unwrap());
    let names = names(3);
    repositories.iter().flat_map(|one| names.iter().map(|name| (one.clone(), name.clone()))).collect()
}

/// What of an answer may not be exact here, and is tested nevertheless.
fn is_whole(found: &PolicyDiff, but: &str) -> bool {
    found.bounded.iter().all(|bounded| !but.is_empty() && bounded.why.contains(but))
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn who_may_ask_and_on_which_terms((old, new) in policies(elevation())) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        let found = compared(&old, &new);
        proptest::prop_assert!(is_whole(&found, "may be approved"), "{:?}", found.bounded);
        let all = [OfferEffect::MayAsk, OfferEffect::MayNoLongerAsk, OfferEffect::AsksOtherwise];
        for user in PEOPLE.map(|name| Username::parse(name).unwrap()) {
            let held = [&old, &new].map(|policy| held(policy, &user).unwrap_or_default());
            for role in ROLES.map(role) {
                for (repository, name) in &places() {
                    let place = (repository, name);
                    let terms = |policy, held| {
                        let rule = asked(policy, held, user.as_str(), &role, place)?;
                        Some((rule.max_time, rule.reason, rule.approval.clone()))
                    };
                    let really = match (terms(&old, &held[0]), terms(&new, &held[1])) {
                        (before, after) if before == after => None,
                        (None, _) => Some(OfferEffect::MayAsk),
                        (_, None) => Some(OfferEffect::MayNoLongerAsk),
                        _ => Some(OfferEffect::AsksOtherwise),
                    };
                    let mut told: Vec<_> = found.offers.iter()
                        .filter(|change| all.contains(&change.effect) && change.role == role)
                        .filter(|change| is_about(change, &user) && lies_in(change, user.as_str(), place))
                        .map(|change| change.effect).collect();
                    told.dedup();
                    proptest::prop_assert_eq!(
                        told, really.into_iter().collect::<Vec<_>>(),
                        "{} {} {} {}: {:#?}", user, role, repository, name, found.offers);
                }
            }
        }
    }

    #[test]
    fn who_may_approve_for_whom((old, new) in policies(elevation())) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        let found = compared(&old, &new);
        proptest::prop_assert!(is_whole(&found, "may be approved"), "{:?}", found.bounded);
        for user in PEOPLE.map(|name| Username::parse(name).unwrap()) {
            let held = [&old, &new].map(|policy| held(policy, &user).unwrap_or_default());
            for role in ROLES.map(role) {
                for asker in ROLES.map(self::role) {
                    for (repository, name) in &places() {
                        let may = |policy, held: &BTreeSet<RoleId>| {
                            let rule = asked(policy, &[asker.clone()].into(), "zz", &role, (repository, name));
                            let by = rule.and_then(|rule| rule.approval.as_ref());
                            by.is_some_and(|approval| !approval.by.is_disjoint(held))
                        };
                        let really = match (may(&old, &held[0]), may(&new, &held[1])) {
                            (false, true) => Some(OfferEffect::MayApprove),
                            (true, false) => Some(OfferEffect::MayNoLongerApprove),
                            _ => None,
                        };
                        let is_of = |change: &&OfferChange| {
                            let mut both = change.before.iter().chain(&change.after);
                            both.any(|one| matches!(one, OfferTerms::Approve(roles) if roles.contains(&asker)))
                        };
                        let mut told: Vec<_> = found.offers.iter().filter(|change| change.role == role)
                            .filter(is_of)
                            .filter(|change| is_about(change, &user) && lies_in(change, "zz", (repository, name)))
                            .map(|change| change.effect).collect();
                        told.dedup();
                        proptest::prop_assert_eq!(
                            told, really.into_iter().collect::<Vec<_>>(),
                            "{} {} {} {} {}: {:#?}", user, asker, role, repository, name, found.offers);
                    }
                }
            }
        }
    }

    #[test]
    fn which_jobs_may_lease_what((old, new) in policies(workload())) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        let found = compared(&old, &new);
        proptest::prop_assert!(is_whole(&found, "different accounts"), "{:?}", found.bounded);
        let wishes: Vec<_> = [1, 60, 61, 120, 121, 180, 181].into_iter()
            .flat_map(|seconds| (1..=4).map(move |uses| (Duration::from_secs(seconds), uses))).collect();
        for claims in [&[("a", "1")][..], &[("b", "1")], &[("a", "1"), ("b", "1")], &[("a", "2")], &[("a", "2"), ("b", "1")]] {
            let token: Map<String, Value> =
                claims.iter().map(|(path, value)| ((*path).to_owned(), Value::from(*value))).collect();
            for role in ROLES.map(role) {
                for verb in VERBS {
                    for (repository, name) in &places() {
                        let of_each = |policy| wishes.iter().map(|wish| {
                            leased(policy, &token, &role, verb, (repository, name), *wish)
                        }).collect::<Vec<_>>();
                        let differs = of_each(&old) != of_each(&new);
                        let here = |change: &&OfferChange| {
                            change.role == role && change.verbs.contains(verb) && lies_in(change, "", (repository, name))
                        };
                        let told: Vec<_> = found.offers.iter().filter(here).filter_map(|change| match &change.who {
                            Whom::Job(job) => Some(job),
                            Whom::People(_) => None,
                        }).collect();
                        let says = |job: &Job| {
                            job.claims.iter().all(|(path, value)| token.get(&path.to_string()) == Some(&Value::from(value.as_str())))
                        };
                        let is_told = told.iter().any(|job| job.claims.len() == token.len() && says(job));
                        let is_of_a_rule = [&old, &new].into_iter().flat_map(Policy::workloads)
                            .filter(|rule| rule.mode == Mode::Enforce)
                            .any(|rule| rule.claims.len() == token.len() && rule.is_shown_by("https://ci", &token));
                        if is_of_a_rule {
                            proptest::prop_assert_eq!(is_told, differs, "{:?} {} {} {} {}: {:#?}", token, role, verb, repository, name, found.offers);
                        } else if found.exact && differs {
                            proptest::prop_assert!(told.into_iter().any(says), "{:?} {} {} {} {}", token, role, verb, repository, name);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_place_shows_what_is_told((old, new) in policies(prop_oneof![elevation(), workload()])) {
        let found = compared(&common::policy(&old), &common::policy(&new));
        for change in &found.offers {
            proptest::prop_assert!(!change.places.is_empty() && change.before != change.after, "{:#?}", change);
            for place in &change.places {
                let user = place.user.as_ref().map_or("${user}", Username::as_str);
                proptest::prop_assert!(is_in(&place.repositories, place.repository.key(), ""), "{:#?}", place);
                proptest::prop_assert!(is_in(&place.refs, &place.name.to_string(), user), "{:#?}", place);
            }
        }
        let back = compared(&common::policy(&new), &common::policy(&old));
        proptest::prop_assert_eq!(back.offers.len(), found.offers.len());
        for policy in [&old, &new] {
            let policy = common::policy(policy);
            proptest::prop_assert_eq!(compared(&policy, &policy).offers, vec![]);
        }
    }
}

/// What a job gets: by which account, for which paths.
fn leased(
    policy: &Policy,
    token: &Map<String, Value>,
    role: &RoleId,
    verb: Verb,
    (repository, name): (&Repository, &RefName),
    (length, uses): (Duration, u32),
) -> Option<(Username, Option<Vec<String>>)> {
    let bound = policy.roles().iter().find(|known| known.id == *role).and_then(|role| role.max_lease);
    let gives = policy.workloads().iter().find(|rule| {
        rule.mode == Mode::Enforce
            && rule.is_shown_by("https://ci", token)
            && rule.roles.contains(role)
            && rule.verbs.contains(verb)
            && rule.on.matches(repository)
            && rule.refs.matches(name, rule.principal.as_str())
            && rule.max_lease >= length
            && bound.is_none_or(|bound| bound >= length)
            && rule.uses.get() >= uses
    });
    gives.map(|rule| (rule.principal.clone(), rule.paths.as_ref().map(PathSet::sources)))
}

const BASE: &str = r#"
version = 1
[[role]]
id = "developer"
any = ["okta:eng"]
[[role]]
id = "release-manager"
any = ["okta:release"]
[[role]]
id = "release-bot"
max_lease = "10m"
"#;

const ON_CALL: &str = r#"
[[elevation]]
id = "on-call"
roles = ["release-manager"]
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/**", "!refs/heads/main"]
max_time = "4h"
approved_by = ["release-manager"]
"#;

const RELEASE: &str = r#"
[[workload]]
id = "api-release"
profile = "gitlab"
issuer = "https://gitlab.example.com"
claims = { project_id = "74", ref_protected = "true" }
principal = "svc-release"
roles = ["release-bot"]
on = ["PAY/api"]
refs = ["refs/tags/v*", "refs/heads/${user}/*"]
verbs = ["create", "update"]
uses = 2
"#;

fn told(old: &str, new: &str) -> String {
    let policy = |more: &str| common::policy(&format!("{BASE}{more}"));
    let found = diff(&policy(old), &policy(new), Some(&common::snapshot()), at(NOW), &Limits::default());
    assert!(found.exact && found.changes.is_empty(), "{found:?}");
    let mut text = String::new();
    for change in &found.offers {
        let who = match &change.who {
            Whom::People(who) => {
                who.iter().map(|one| format!("{} {:?}", one.users, one.sample)).collect::<Vec<_>>().join("; ")
            }
            Whom::Job(job) => job.to_string(),
        };
        let verbs: Vec<_> = change.verbs.iter().map(|verb| verb.to_string()).collect();
        writeln!(text, "{} {} {}| {who}", change.effect.as_str(), change.role, verbs.join(",")).unwrap();
        for place in &change.places {
            writeln!(
                text,
                "    {:?} : {:?} | {} {}",
                place.repositories, place.refs, place.repository, place.name
            )
            .unwrap();
        }
        for (when, terms) in [("before", &change.before), ("after", &change.after)] {
            terms.iter().for_each(|terms| writeln!(text, "    {when}: {terms}").unwrap());
        }
    }
    text.replace("Class ", "")
}

#[test]
fn an_elevation_comes() {
    insta::assert_snapshot!(told("", ON_CALL), @r#"
    may-ask release-manager | 3 [Username(alice), Username(bob), Username(rita)]
        { within: ["pay/*"], without: [] } : { within: ["refs/heads/**"], without: ["refs/heads/main"] } | PAY/a refs/heads/a
        after: `on-call` (for up to 4 h, with a reason, with 1 approval by `release-manager`)
    may-approve release-manager | 1 [Username(rita)]
        { within: ["pay/*"], without: [] } : { within: ["refs/heads/**"], without: ["refs/heads/main"] } | PAY/a refs/heads/a
        after: what is asked for by `developer`
    "#);
}

#[test]
fn an_elevation_takes_less() {
    let easier =
        ON_CALL.replace("approved_by = [\"release-manager\"]\n", "reason = false\n").replace("4h", "90m");
    insta::assert_snapshot!(told(ON_CALL, &easier), @r#"
    asks-otherwise release-manager | 3 [Username(alice), Username(bob), Username(rita)]
        { within: ["pay/*"], without: [] } : { within: ["refs/heads/**"], without: ["refs/heads/main"] } | PAY/a refs/heads/a
        before: `on-call` (for up to 4 h, with a reason, with 1 approval by `release-manager`)
        after: `on-call` (for up to 90 min, without a reason, without an approval)
    may-no-longer-approve release-manager | 1 [Username(rita)]
        { within: ["pay/*"], without: [] } : { within: ["refs/heads/**"], without: ["refs/heads/main"] } | PAY/a refs/heads/a
        before: what is asked for by `developer`
    "#);
    // What it is called is nothing to anybody.
    assert_eq!(told(ON_CALL, &ON_CALL.replace("on-call", "night")), "");
}

#[test]
fn a_workload_comes_and_its_role_is_leased_for_less() {
    insta::assert_snapshot!(told("", RELEASE), @r#"
    may-lease release-bot create,update| https://gitlab.example.com, project_id = 74, ref_protected = true
        { within: ["pay/api"], without: [] } : { within: ["refs/heads/svc-release/*"], without: [] } | PAY/api refs/heads/svc-release/a
        { within: ["pay/api"], without: [] } : { within: ["refs/tags/v*"], without: [] } | PAY/api refs/tags/v
        after: `api-release` (as `svc-release`, for up to 5 min and 2 pushes)
    "#);
    let (long, shorter) =
        (RELEASE.to_owned() + "max_lease = \"12m\"\n", RELEASE.to_owned() + "max_lease = \"3m\"\n");
    insta::assert_snapshot!(told(&long, &shorter), @r#"
    leases-otherwise release-bot create,update| https://gitlab.example.com, project_id = 74, ref_protected = true
        { within: ["pay/api"], without: [] } : { within: ["refs/heads/svc-release/*"], without: [] } | PAY/api refs/heads/svc-release/a
        { within: ["pay/api"], without: [] } : { within: ["refs/tags/v*"], without: [] } | PAY/api refs/tags/v
        before: `api-release` (as `svc-release`, for up to 10 min and 2 pushes)
        after: `api-release` (as `svc-release`, for up to 3 min and 2 pushes)
    "#);
}
