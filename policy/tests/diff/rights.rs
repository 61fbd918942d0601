//! Who may read and administer, and who holds which role, against what is given to a git server and against brute force.

use std::{collections::BTreeSet, fmt::Write as _};

use oam_policy::{
    Policy, Repository, Username,
    decide::Subject,
    diff::{Limits, PolicyDiff, RightEffect, diff},
    entitle::{Entitlement, Place, Receiver, Right, entitlements},
};

use super::{
    brute::is_in,
    common,
    world::{NOW, PEOPLE, REPOSITORIES, at, directory, policies},
};

fn compared(old: &Policy, new: &Policy) -> PolicyDiff {
    diff(old, new, Some(&directory()), at(NOW), &Limits::default())
}

/// What everybody holds; `None` where they may not act.
fn held(policy: &Policy) -> Vec<(Username, Option<BTreeSet<String>>)> {
    let directory = directory();
    let of = |user: Username| {
        let (subject, bar) = Subject::resolve(policy, &directory, &user);
        let held = bar.is_none().then(|| subject.roles().map(ToString::to_string).collect());
        (user.clone(), held)
    };
    PEOPLE.map(|name| of(Username::parse(name).unwrap())).into()
}

/// What a git server would be told to give in a repository.
fn given(policy: &Policy, repository: &Repository, now: &str) -> Vec<Entitlement> {
    let text = repository.to_string();
    let places = [Place::Project(text.split('/').next().unwrap()), Place::Repository(repository)];
    places.into_iter().flat_map(|place| entitlements(policy, place, at(now))).collect()
}

fn has(given: &[Entitlement], (user, held): &(Username, Option<BTreeSet<String>>), right: Right) -> bool {
    let Some(held) = held else { return false };
    given.iter().any(|one| {
        let is_theirs = match &one.to {
            Receiver::Role(role) => held.contains(role.as_str()),
            Receiver::Account(account) => account.key() == user.key(),
        };
        is_theirs && one.right >= right
    })
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn exactly_what_is_given_otherwise_is_told((old, new) in policies()) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        let found = compared(&old, &new);
        proptest::prop_assert!(found.exact, "{:?}", found.bounded);
        let people: Vec<_> = held(&old).into_iter().zip(held(&new)).collect();
        for repository in REPOSITORIES.map(|text| Repository::parse(text).unwrap()) {
            for day in ["2026-06-01T00:00:00Z", "2026-06-03T00:00:00Z"] {
                let both = [&old, &new].map(|policy| given(policy, &repository, day));
                for (right, (before, after)) in
                    [Right::Read, Right::Admin].into_iter().flat_map(|right| people.iter().map(move |one| (right, one)))
                {
                    let really = match (has(&both[0], before, right), has(&both[1], after, right)) {
                        (false, true) => Some(RightEffect::Given),
                        (true, false) => Some(RightEffect::Taken),
                        _ => None,
                    };
                    let told = found.rights.iter().filter(|change| {
                        let is_when = change.from.is_none_or(|from| from <= at(day)) && change.to.is_none_or(|to| at(day) < to);
                        change.right == right && is_when
                            && change.who.iter().any(|holders| holders.sample.contains(&before.0))
                            && change.places.iter().any(|place| is_in(&place.repositories, repository.key(), ""))
                    });
                    let mut told: Vec<_> = told.map(|change| change.effect).collect();
                    told.dedup();
                    proptest::prop_assert_eq!(
                        told, really.into_iter().collect::<Vec<_>>(),
                        "{} {} {:?} at {}: {:#?}", before.0, repository, right, day, found.rights);
                }
            }
        }
    }

    #[test]
    fn exactly_who_holds_other_roles_is_told((old, new) in policies()) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        let found = compared(&old, &new);
        for role in ["one", "two"] {
            let holders = |policy: &Policy| -> BTreeSet<String> {
                let holds = |held: &Option<BTreeSet<String>>| held.as_ref().is_some_and(|held| held.contains(role));
                held(policy).iter().filter(|(_, held)| holds(held)).map(|(user, _)| user.to_string()).collect()
            };
            let (before, after) = (holders(&old), holders(&new));
            let told: Vec<_> = found.roles.iter().filter(|change| change.role.as_str() == role).collect();
            if before == after {
                proptest::prop_assert!(told.is_empty(), "{:?}", told);
                continue;
            }
            let [change] = told.as_slice() else { panic!("{role}: {:?}", found.roles) };
            let names = |crowd: &oam_policy::diff::Crowd| -> BTreeSet<String> {
                assert_eq!(crowd.users, crowd.sample.len());
                crowd.sample.iter().map(ToString::to_string).collect()
            };
            proptest::prop_assert_eq!((change.before, change.after), (before.len(), after.len()));
            proptest::prop_assert_eq!(names(&change.gained), &after - &before);
            proptest::prop_assert_eq!(names(&change.lost), &before - &after);
        }
    }
}

const BASE: &str = r#"
version = 1
[[role]]
id = "developer"
any = ["okta:eng"]
[[role]]
id = "platform-admin"
any = ["okta:nobody"]
[[grant]]
id = "main"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["update"]
[[require]]
id = "reviewed"
on = ["PAY/*"]
refs = ["refs/heads/main"]
approvals = [{ role = "platform-admin" }]
[[waiver]]
id = "hotfix"
lifts = ["reviewed"]
to = ["developer"]
max_time = "1h"
second_person = ["platform-admin"]
[[elevation]]
id = "on-call"
roles = ["developer"]
to = ["developer"]
max_time = "1h"
approved_by = ["platform-admin"]
"#;

fn told(new: &str) -> String {
    let (old, new) = (common::policy(BASE), common::policy(new));
    let found = diff(&old, &new, Some(&common::snapshot()), at(NOW), &Limits::default());
    assert!(found.exact, "{:?}", found.bounded);
    let mut text = String::new();
    for change in &found.rights {
        let places: Vec<_> =
            change.places.iter().map(|place| place.repositories.within.join(" and ")).collect();
        writeln!(
            text,
            "{} {} | {} | {} | {:?} -> {:?}",
            change.effect.as_str(),
            change.right.as_str(),
            change.users(),
            places.join(", "),
            change.before,
            change.after
        )
        .unwrap();
    }
    for change in &found.roles {
        let uses: Vec<_> = change.uses.iter().map(ToString::to_string).collect();
        writeln!(
            text,
            "{}: {} -> {}, +{:?} -{:?}; {}",
            change.role,
            change.before,
            change.after,
            change.gained.sample,
            change.lost.sample,
            uses.join("; ")
        )
        .unwrap();
    }
    text
}

#[test]
fn whoever_is_made_an_administrator_of_everything_is_told() {
    let admin = "[[grant]]\nid = \"oops\"\nto = [\"developer\"]\non = [\"**\"]\nverbs = [\"admin\"]\n";
    insta::assert_snapshot!(told(&format!("{BASE}{admin}")), @r"
    given admin | 3 | ** | [] -> [RuleId(oops)]
    given read | 3 | ** | [] -> [RuleId(oops)]
    ");
}

#[test]
fn whoever_comes_to_approve_and_to_administer_is_told() {
    let wider = BASE.replace("okta:nobody", "okta:eng");
    insta::assert_snapshot!(told(&wider), @"platform-admin: 0 -> 3, +[Username(alice), Username(bob), Username(rita)] -[]; approves for `reviewed`; is the second person of `hotfix`; approves requests by `on-call`");
}

#[test]
fn without_a_directory_a_role_of_other_groups_is_named() {
    let new = common::policy(&BASE.replace("okta:nobody", "okta:eng"));
    let found = diff(&common::policy(BASE), &new, None, at(NOW), &Limits::default());
    assert!(!found.exact && found.roles.is_empty());
    assert_eq!(found.bounded[0].patterns, ["platform-admin"]);
}

#[test]
fn without_a_directory_what_is_given_by_name_is_said_not_to_be_compared() {
    let exception = |refs: &str| {
        format!(
            "{BASE}[[grant]]\nid = \"by-name\"\nuser = \"svc\"\napproved_by = \"ada\"\nexpires = 2099-01-01T00:00:00Z\n\
             on = [\"**\"]\nrefs = [\"{refs}\"]\nverbs = [\"update\"]\n"
        )
    };
    let compared = |old: &str, new: &str| {
        diff(&common::policy(old), &common::policy(new), None, at(NOW), &Limits::default())
    };
    let (main, all) = (exception("refs/heads/main"), exception("refs/heads/**"));
    for (old, new) in [(BASE, main.as_str()), (main.as_str(), all.as_str()), (all.as_str(), BASE)] {
        let found = compared(old, new);
        assert!(!found.exact);
        let named = found.bounded.iter().find(|bounded| bounded.why.contains("by name was not compared"));
        assert_eq!(named.unwrap().patterns, ["by-name"]);
    }
    let same = compared(&main, &main);
    assert!(same.exact, "{:?}", same.bounded);
}
