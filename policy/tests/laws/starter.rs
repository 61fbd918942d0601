//! The whole matrix of role, ref and verb on the policy that a new daemon starts with, to be read by a person.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::{
    Facts, Outcome, Snapshot, Verb, file,
    snapshot::{Directory, Person},
};

use crate::common::{Case, policy};

#[test]
fn the_starter_policy_as_a_table() {
    let person = |name: &str, group: &str| Person {
        username: name.parse().unwrap(),
        id: None,
        display_name: None,
        emails: vec![],
        active: true,
        groups: [group.parse().unwrap()].into(),
        keys: Default::default(),
    };
    let people = vec![
        person("dev", "demo:developers"),
        person("boss", "demo:maintainers"),
        person("guest", "demo:guests"),
    ];
    let directory = Directory { people, groups: BTreeSet::new() };
    let as_of = "2026-01-01T00:00:00Z".parse().unwrap();
    let snapshot = Snapshot::of_directory(1, as_of, &directory, BTreeMap::new()).unwrap();
    let case = Case::new(policy(file::starter()), snapshot);
    let mut table = String::new();
    let refs = [
        "heads/main",
        "heads/feature/x",
        "heads/u/dev/x",
        "heads/release/1",
        "heads/other",
        "tags/v1",
        "notes/x",
    ];
    for name in refs {
        for user in ["dev", "boss", "guest"] {
            let may = Verb::ALL.iter().take(4).map(|verb| {
                let update = format!("{verb} refs/{name}");
                let update = if *verb == Verb::Force && name.starts_with("tags") {
                    format!("move refs/{name}")
                } else {
                    update
                };
                let decision = case.decide(user, "DEMO/app", &[&update], &Facts::none());
                if decision.outcome() == Outcome::Permitted { verb.as_str() } else { "-" }
            });
            table += &format!("{name:16} {user:6} {}\n", may.collect::<Vec<_>>().join(" "));
        }
    }
    insta::assert_snapshot!(table);
}
