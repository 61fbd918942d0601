//! However large the policy and the directory are, the work is bounded. How long it takes is not measured here: a bound
//! that does not hold shows as a test that does not end.

use std::{collections::BTreeMap, fmt::Write as _};

use oam_policy::{
    Snapshot,
    lint::{Lint, lint},
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
