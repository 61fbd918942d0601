//! Against brute force: what is told to change changes, and nothing else does.

use jiff::Timestamp;
use oam_policy::{
    Policy, RefName, Repository, Snapshot, Username, Verb,
    diff::{Class, Effect, Limits, PolicyChange, PolicyDiff, RightEffect, Witness, diff},
    rule::PathSet,
    trial::TestOutcome,
};

use super::{
    common,
    world::{NOW, PEOPLE, REPOSITORIES, VERBS, at, directory, names, permitted, policies, state},
};

pub(crate) fn nothing() -> PolicyDiff {
    PolicyDiff {
        changes: vec![],
        rights: vec![],
        roles: vec![],
        offers: vec![],
        approvals: None,
        exact: true,
        bounded: vec![],
    }
}

fn compared(old: &Policy, new: &Policy, snapshot: &Snapshot) -> PolicyDiff {
    diff(old, new, Some(snapshot), at(NOW), &Limits::default())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn exactly_what_changes_is_told((old, new) in policies()) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        let found = compared(&old, &new, &directory());
        proptest::prop_assert!(found.exact, "{:?}", found.bounded);
        let names = names(4);
        let states = [state(&old), state(&new)];
        for user in PEOPLE.map(|name| Username::parse(name).unwrap()) {
            for repository in REPOSITORIES.map(|text| Repository::parse(text).unwrap()) {
                for verb in VERBS {
                    for day in ["2026-06-01T00:00:00Z", "2026-06-02T12:00:00Z", "2026-06-03T00:00:00Z", "2026-06-09T00:00:00Z", "2026-06-10T13:00:00Z"] {
                        let before = permitted(&states[0], &user, &repository, verb, &names, at(day));
                        let after = permitted(&states[1], &user, &repository, verb, &names, at(day));
                        for (place, name) in names.iter().enumerate() {
                            if verb == Verb::Update && name.is_tag() {
                                continue;
                            }
                            let really = match (before[place], after[place]) {
                                (false, true) => Some(Effect::Gains),
                                (true, false) => Some(Effect::Loses),
                                _ => None,
                            };
                            // Two sayings may meet in one ref; they never contradict each other.
                            let mut told = found.changes.iter()
                                .filter(|change| tells(change, &user, &repository, name, verb, at(day)))
                                .map(|change| change.effect).collect::<Vec<_>>();
                            told.dedup();
                            proptest::prop_assert_eq!(
                                told, really.into_iter().collect::<Vec<_>>(),
                                "{} {} {} {} at {}: {:#?}", user, verb, repository, name, day, found);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_witness_shows_it((old, new) in policies()) {
        let (old_text, new_text) = (old, new);
        let (old, new) = (common::policy(&old_text), common::policy(&new_text));
        let found = compared(&old, &new, &directory());
        for change in &found.changes {
            for place in &change.places {
                let witness = &place.witness;
                proptest::prop_assert!(tells_where(change, &witness.user, &witness.repository, &witness.name), "{:#?}", change);
                proptest::prop_assert!(change.verbs.contains(witness.verb));
                let verdicts = if witness.is_person {
                    [&old, &new].map(|policy| {
                        permitted(&state(policy), &witness.user, &witness.repository, witness.verb,
                            std::slice::from_ref(&witness.name), witness.at)[0]
                    })
                } else {
                    [tried(&old_text, witness, witness.before.as_deref()), tried(&new_text, witness, witness.after.as_deref())]
                };
                let expected = match change.effect {
                    Effect::Gains => [false, true],
                    Effect::Loses => [true, false],
                    other => panic!("there are no conditions here, but it {}", other.as_str()),
                };
                proptest::prop_assert_eq!(verdicts, expected, "{:#?}", change);
                proptest::prop_assert_eq!([change.before.permitted, change.after.permitted], expected);
            }
        }
    }

    #[test]
    fn a_policy_is_like_itself((old, new) in policies()) {
        for policy in [common::policy(&old), common::policy(&new)] {
            let found = compared(&policy, &policy, &directory());
            proptest::prop_assert_eq!(found, nothing());
        }
    }

    #[test]
    fn there_and_back((old, new) in policies()) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        let sorted = |mut found: PolicyDiff| {
            found.changes.sort_by_key(|change| format!("{change:?}"));
            for change in &mut found.rights {
                change.who.sort_by_key(|holders| format!("{holders:?}"));
                change.places.iter_mut().for_each(|place| place.repository = "P/a".parse().unwrap());
            }
            found.rights.sort_by_key(|change| format!("{change:?}"));
            found
        };
        let mut back = compared(&new, &old, &directory());
        for change in &mut back.changes {
            change.effect = if change.effect == Effect::Gains { Effect::Loses } else { Effect::Gains };
            std::mem::swap(&mut change.before, &mut change.after);
            change.who.iter_mut().for_each(|holders| std::mem::swap(&mut holders.before, &mut holders.after));
            change.who.sort_by_key(|holders| format!("{holders:?}"));
            for place in &mut change.places {
                std::mem::swap(&mut place.witness.before, &mut place.witness.after);
                // Which of the people is the example depends on the order of their roles under the old policy.
                place.witness.user = "x".parse().unwrap();
                place.witness.repository = "P/a".parse().unwrap();
                place.witness.is_person = true;
                place.witness.name = RefName::parse(b"refs/x").unwrap();
                (place.witness.before, place.witness.after) = (None, None);
            }
        }
        for change in &mut back.rights {
            change.effect = if change.effect == RightEffect::Given { RightEffect::Taken } else { RightEffect::Given };
            std::mem::swap(&mut change.before, &mut change.after);
            change.who.iter_mut().for_each(|holders| std::mem::swap(&mut holders.before, &mut holders.after));
        }
        for change in &mut back.roles {
            std::mem::swap(&mut change.before, &mut change.after);
            std::mem::swap(&mut change.gained, &mut change.lost);
        }
        let mut there = compared(&old, &new, &directory());
        for change in &mut there.changes {
            change.who.sort_by_key(|holders| format!("{holders:?}"));
            for place in &mut change.places {
                place.witness.user = "x".parse().unwrap();
                place.witness.repository = "P/a".parse().unwrap();
                place.witness.is_person = true;
                place.witness.name = RefName::parse(b"refs/x").unwrap();
                (place.witness.before, place.witness.after) = (None, None);
            }
        }
        proptest::prop_assert_eq!(sorted(there), sorted(back));
    }
}

#[test]
fn git_takes_every_witness() {
    let mut seen = 0;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..24 {
        let (old, new) = proptest::strategy::ValueTree::current(
            &proptest::strategy::Strategy::new_tree(&policies(), &mut runner).unwrap(),
        );
        let found = compared(&common::policy(&old), &common::policy(&new), &directory());
        for place in found.changes.iter().flat_map(|change| &change.places) {
            let name = std::str::from_utf8(place.witness.name.as_bytes()).unwrap();
            let status = std::process::Command::new("git").args(["check-ref-format", name]).status().unwrap();
            assert!(status.success(), "{name}");
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} witnesses: the policies hardly differ");
}

/// Runs the witness as a unit test of the policy, for it is nobody in the directory.
fn tried(policy: &str, witness: &Witness, roles: Option<&[oam_policy::RoleId]>) -> bool {
    let roles: Vec<_> = roles.unwrap_or_default().iter().map(|role| format!("{:?}", role.as_str())).collect();
    let (verb, repository, name, at) = (witness.verb, &witness.repository, &witness.name, witness.at);
    let test = format!(
        "{policy}[[test]]\nas = [{}]\npush = \"{verb} {repository} {name}\"\nat = {at}\nexpect = \"permitted\"\n",
        roles.join(", ")
    );
    let results = common::policy(&test).run_tests(None, at);
    assert!(!matches!(results[0].outcome, TestOutcome::NotRun(_)), "{results:?}");
    results[0].outcome == TestOutcome::Passed
}

fn tells(
    change: &PolicyChange,
    user: &Username,
    repository: &Repository,
    name: &RefName,
    verb: Verb,
    now: Timestamp,
) -> bool {
    let is_about = change.who.iter().any(|holders| {
        assert!(holders.users <= holders.sample.len());
        holders.sample.contains(user)
    });
    let is_at =
        |now: Timestamp| change.from.is_none_or(|from| from <= now) && change.to.is_none_or(|to| now < to);
    // A change that comes again every week is so a week later as well.
    let a_week_before = now - jiff::SignedDuration::from_hours(7 * 24);
    let is_when = is_at(now) || change.is_weekly && a_week_before >= at(NOW) && is_at(a_week_before);
    is_about && is_when && change.verbs.contains(verb) && tells_where(change, user, repository, name)
}

fn tells_where(change: &PolicyChange, user: &Username, repository: &Repository, name: &RefName) -> bool {
    change.places.iter().any(|place| {
        is_in(&place.repositories, repository.key(), "")
            && is_in(&place.refs, &name.to_string(), user.as_str())
    })
}

pub(crate) fn is_in(class: &Class, text: &str, user: &str) -> bool {
    let matches = |pattern: &String| {
        if pattern.starts_with("re:") {
            // The key of a repository is in lower case, and its patterns match in either.
            let pattern =
                if text.starts_with("refs/") { pattern.clone() } else { pattern.to_ascii_lowercase() };
            return PathSet::parse_one(&pattern).unwrap().1.matches(text.as_bytes(), "");
        }
        alternatives(pattern).iter().any(|one| naive(&signs(one, user), &chars(text)))
    };
    class.within.iter().all(matches) && !class.without.iter().any(matches)
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Multiplies out `{a,b}`, as text.
fn alternatives(pattern: &str) -> Vec<String> {
    let open =
        pattern.match_indices('{').map(|(place, _)| place).find(|place| !pattern[..*place].ends_with('$'));
    let Some(open) = open else { return vec![pattern.to_owned()] };
    let close = open + pattern[open..].find('}').unwrap();
    let (head, tail) = (&pattern[..open], &pattern[close + 1..]);
    pattern[open + 1..close].split(',').flat_map(|one| alternatives(&format!("{head}{one}{tail}"))).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Just(char),
    Star,
    One,
}

fn signs(pattern: &str, user: &str) -> Vec<Sign> {
    let parts: Vec<_> = pattern.split("${user}").collect();
    let part = |part: &str| -> Vec<Sign> {
        part.chars()
            .map(|sign| match sign {
                '*' => Sign::Star,
                '?' => Sign::One,
                other => Sign::Just(other),
            })
            .collect()
    };
    let literal: Vec<_> = user.chars().map(Sign::Just).collect();
    parts.iter().map(|text| part(text)).collect::<Vec<_>>().join(&literal[..])
}

fn naive(pattern: &[Sign], text: &[char]) -> bool {
    use Sign::{Just, One, Star};
    match pattern {
        [] => text.is_empty(),
        [Star, Star, Just('/'), rest @ ..] => {
            naive(rest, text) || (0..text.len()).any(|at| text[at] == '/' && naive(rest, &text[at + 1..]))
        }
        [Star, Star] => !text.is_empty(),
        [Star, rest @ ..] => {
            (0..=text.len()).any(|at| !text[..at].contains(&'/') && naive(rest, &text[at..]))
        }
        [One, rest @ ..] => matches!(text, [sign, tail @ ..] if *sign != '/' && naive(rest, tail)),
        [Just(wanted), rest @ ..] => matches!(text, [sign, tail @ ..] if sign == wanted && naive(rest, tail)),
    }
}
