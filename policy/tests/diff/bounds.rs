//! Policies made to be expensive: the answer comes, and says what it is not.

use std::{collections::BTreeSet, fmt::Write as _};

use oam_policy::{
    Snapshot,
    diff::{Effect, Limits, diff},
    file,
    snapshot::{Directory, Person},
};

use super::{
    common,
    world::{NOW, at, directory},
};

const HEAD: &str = "version = 1\n[[role]]\nid = \"one\"\nany = [\"g:1\"]\n";

#[test]
fn a_hostile_policy_is_answered_in_part_and_says_so() {
    let mut hostile = HEAD.to_owned();
    for number in 0..300 {
        let letters = ["a", "b", "c", "d", "e"].map(|letter| format!("*{letter}{number}"));
        write!(
            hostile,
            "[[grant]]\nid = \"grant-{number}\"\nto = [\"one\"]\non = [\"**\"]\nverbs = [\"create\"]\n"
        )
        .unwrap();
        writeln!(hostile, "refs = [\"refs/heads/{}*\"]", letters.concat()).unwrap();
    }
    let limits = Limits { steps_per_product: 1_000_000, steps: 2_000_000, ..Limits::default() };
    let found = diff(&common::policy(HEAD), &common::policy(&hostile), Some(&directory()), at(NOW), &limits);
    assert!(!found.exact);
    assert!(!found.bounded.is_empty());
    assert!(
        found.bounded.iter().any(|bounded| bounded.patterns.iter().any(|pattern| pattern.contains("*a299"))),
        "{found:?}"
    );
    for change in &found.changes {
        assert_eq!(change.effect, Effect::Gains);
    }
}

#[test]
fn what_is_told_is_true_also_when_it_is_not_all() {
    let rule = |letter: &str| {
        format!(
            "[[grant]]\nid = \"grant-{letter}\"\nto = [\"one\"]\non = [\"**\"]\nverbs = [\"create\"]\nrefs = [\"refs/heads/*{letter}*\"]\n"
        )
    };
    let letters: Vec<_> = ('a'..='z').map(String::from).collect();
    let old = common::policy(&format!("{HEAD}{}", rule("a")));
    let new =
        common::policy(&format!("{HEAD}{}", letters.iter().map(|letter| rule(letter)).collect::<String>()));
    let limits = Limits { states: 2_000, ..Limits::default() };
    let found = diff(&old, &new, Some(&directory()), at(NOW), &limits);
    assert!(!found.exact);
    assert!(!found.changes.is_empty());
    for witness in found.changes.iter().flat_map(|change| &change.places).map(|place| &place.witness) {
        let name = [witness.name.clone()];
        let states = [&old, &new].map(super::world::state);
        let permitted = |state| {
            super::world::permitted(
                state,
                &witness.user,
                &witness.repository,
                witness.verb,
                &name,
                witness.at,
            )[0]
        };
        assert_eq!([permitted(&states[0]), permitted(&states[1])], [false, true], "{witness:?}");
    }
}

#[test]
fn a_small_change_to_a_large_policy_is_exact() {
    let mut rules = HEAD.to_owned();
    for number in 0..1_000 {
        write!(
            rules,
            "[[grant]]\nid = \"grant-{number}\"\nto = [\"one\"]\non = [\"P{number}/*\"]\nverbs = [\"create\", \"update\"]\n\
             refs = [\"refs/heads/feature-{number}/**\", \"refs/heads/u/${{user}}/**\", \"!refs/heads/feature-{number}/x*\"]\n"
        )
        .unwrap();
    }
    let freeze = "[[block]]\nid = \"freeze\"\non = [\"P7/*\"]\nrefs = [\"refs/heads/**\"]\nfrom = 2026-12-20T00:00:00Z\n";
    let person = |number| Person {
        username: format!("user-{number}").parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: true,
        groups: BTreeSet::from(["g:1".parse().unwrap()]),
    };
    let people = (0..20_000).map(person).collect();
    let directory = Directory { people, groups: Default::default() };
    let crowd = Snapshot::of_directory(1, at(NOW), &directory, Default::default()).unwrap();
    let new = format!("{rules}{freeze}");
    let found =
        diff(&common::policy(&rules), &common::policy(&new), Some(&crowd), at(NOW), &Limits::default());
    assert!(found.exact, "{:?}", found.bounded);
    let told: Vec<_> =
        found.changes.iter().map(|change| (change.effect, change.users(), change.places.len())).collect();
    assert_eq!(told, [(Effect::Loses, 20_000, 2)]);
}

#[test]
fn a_regular_expression_is_never_passed_over_in_silence() {
    let rule = "[[grant]]\nid = \"re\"\nto = [\"one\"]\non = [\"**\"]\nverbs = [\"create\"]\nrefs = [\"re:refs/heads/a+\"]\n";
    let source = file::PolicySource { name: "policy.toml".into(), text: format!("{HEAD}{rule}") };
    // Without the feature there are no such policies.
    let Ok(new) = file::parse(&[source]) else { return };
    let found = diff(&common::policy(HEAD), &new, Some(&directory()), at(NOW), &Limits::default());
    assert!(!found.exact && found.changes.is_empty());
    assert_eq!(found.bounded[0].patterns, ["re:refs/heads/a+"]);
}
