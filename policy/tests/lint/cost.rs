//! However large the policy and the directory are, the work is bounded. How long it takes is not measured here: a bound
//! that does not hold shows as a test that does not end.

use std::{collections::BTreeMap, fmt::Write as _};

use oam_policy::{
    Snapshot,
    lint::{Lint, MAX_TOLD, Report, lint},
    snapshot::{Directory, Person},
};

use crate::{NOW, at, common};

fn people(count: usize, groups: impl Fn(usize) -> Vec<String>) -> Snapshot {
    let person = |number: usize| Person {
        username: format!("user-{number}").parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: true,
        groups: groups(number).iter().map(|group| group.parse().unwrap()).collect(),
        keys: Default::default(),
    };
    let directory = Directory { people: (0..count).map(person).collect(), groups: Default::default() };
    Snapshot::of_directory(1, at(NOW), &directory, BTreeMap::new()).unwrap()
}

#[test]
fn a_policy_of_many_rules_is_looked_at_within_bounds() {
    let mut text = "version = 1\n[[role]]\nid = \"r\"\nany = [\"g:0\"]\n".to_owned();
    for number in 0..3_000 {
        write!(
            text,
            "[[grant]]\nid = \"g{number}\"\nto = [\"r\"]\non = [\"P/*\"]\nrefs = [\"refs/heads/*{number}*\"]\nverbs = [\"create\"]\n\
             [[block]]\nid = \"b{number}\"\non = [\"P/*a\"]\nrefs = [\"refs/heads/*{number}*\"]\n"
        )
        .unwrap();
    }
    let report = lint(&common::policy(&text), Some(&people(100, |_| vec!["g:0".into()])), at(NOW));
    assert_eq!(report.unfinished.into_iter().collect::<Vec<_>>(), [Lint::GrantCoveredByBlocks]);
    assert_eq!(report.warnings, []);
}

/// What is found in blocks of the refs `a…`, each without so many `b…`.
fn excluding(blocks: usize, included: usize, excluded: usize) -> Report {
    let refs: Vec<_> = (0..included)
        .map(|number| format!("refs/heads/a{number}"))
        .chain((0..excluded).map(|number| format!("!refs/heads/b{number}")))
        .collect();
    let mut text = "version = 1\n[[role]]\nid = \"r\"\nany = [\"g:0\"]\n".to_owned();
    for number in 0..blocks {
        write!(
            text,
            "[[block]]\nid = \"b{number}\"\non = [\"P/{number}\"]\nrefs = {refs:?}\nexcept = [\"r\"]\n"
        )
        .unwrap();
    }
    lint(&common::policy(&text), Some(&people(1, |_| vec!["g:0".into()])), at(NOW))
}

/// Each exclusion is looked at with each pattern, and that is paid for: so it ends before all of them were.
#[test]
fn a_list_that_excludes_as_much_as_it_includes_is_looked_at_within_bounds() {
    let report = excluding(1, 5_000, 5_000);
    assert_eq!(report.unfinished.iter().copied().collect::<Vec<_>>(), [Lint::PatternNeverMatches]);
    let told = report.warnings.iter().filter(|warning| warning.lint == Lint::PatternNeverMatches).count();
    assert!(told == MAX_TOLD && report.omitted < 1_000, "{told}, and {} more", report.omitted);
}

#[test]
fn what_many_rules_exclude_from_the_same_list_is_looked_at_once() {
    let report = excluding(20, 1_000, 400);
    assert!(report.unfinished.is_empty(), "{:?}", report.unfinished);
    let told = report.warnings.iter().filter(|warning| warning.lint == Lint::PatternNeverMatches).count();
    assert!(told == MAX_TOLD && report.omitted >= 20 * 400 - MAX_TOLD, "{told}, and {} more", report.omitted);
}

#[test]
fn a_large_company_is_walked_once_for_all_roles() {
    let mut text = "version = 1\n".to_owned();
    for number in 0..2_000 {
        let other = (number + 1) % 2_000;
        write!(
            text,
            "[[role]]\nid = \"r{number}\"\nany = [\"g:{number}\", \"h:{number}\"]\nexclusive = [\"r{other}\"]\n\
             [[block]]\nid = \"b{number}\"\non = [\"P/{number}\"]\nrefs = [\"refs/heads/x\"]\nexcept = [\"r{number}\", \"r{other}\"]\n"
        )
        .unwrap();
    }
    let groups = |user: usize| (0..40).map(|place| format!("g:{}", (user + 50 * place) % 2_000)).collect();
    let report = lint(&common::policy(&text), Some(&people(20_000, groups)), at(NOW));
    assert!(report.unfinished.is_empty());
    // The groups of one person are 50 apart, so nobody holds two roles that exclude each other.
    assert!(
        report.warnings.iter().all(|warning| warning.lint == Lint::UnknownGroup),
        "{:?}",
        report.warnings
    );
}
