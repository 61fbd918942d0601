//! The lints: what each tells and what it leaves alone, and that what it claims to have proved is so.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

#[path = "../common/mod.rs"]
mod common;
mod conditions;
mod cost;
mod patterns;
mod proofs;
mod report;
mod tables;
#[path = "../diff/world.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod world;

use std::collections::BTreeMap;

use jiff::Timestamp;
use oam_policy::{
    Snapshot,
    lint::{Report, lint},
    snapshot::{Directory, Person},
};

pub(crate) const NOW: &str = "2026-06-01T00:00:00Z";

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// 100 people in `g:all`, of whom the first 20 are in `g:one-in-five` too, 21 in `g:many`, one in `g:first` and
/// `g:second`, and somebody who has left in `g:left`.
pub(crate) fn company() -> Snapshot {
    let person = |number: usize| {
        let mut groups = vec!["g:all"];
        let more = [("g:one-in-five", 20), ("g:many", 21), ("g:first", 1), ("g:second", 1)];
        groups.extend(more.iter().filter(|(_, size)| number < *size).map(|(group, _)| *group));
        Person {
            username: format!("user-{number}").parse().unwrap(),
            id: None,
            display_name: None,
            emails: Vec::new(),
            active: true,
            groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
            keys: Default::default(),
        }
    };
    let mut people: Vec<_> = (0..100).map(person).collect();
    let left = Person { active: false, groups: ["g:left".parse().unwrap()].into(), ..person(100) };
    people.push(left);
    let directory = Directory { people, groups: ["g:empty".parse().unwrap()].into() };
    Snapshot::of_directory(1, at(NOW), &directory, BTreeMap::new()).unwrap()
}

/// What is found in a policy of these rules beside `[[role]] everybody`, to which a grant is given.
pub(crate) fn found(rules: &str) -> Report {
    lint(&common::policy(&whole(rules)), Some(&company()), at(NOW))
}

pub(crate) fn whole(rules: &str) -> String {
    format!("version = 1\n[[role]]\nid = \"everybody\"\nany = [\"g:all\"]\n{rules}")
}
