//! Policies that multiply what there is to look at: whatever they are, no more is looked at and kept than is paid for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{Limits, PolicyDiff, budget::DONE, diff};
use crate::{
    file::{PolicySource, parse},
    rule::Policy,
    snapshot::{Directory, Snapshot},
};

/// How many rules are about everything, and how many about something each.
const BROAD: usize = 2_000;
const NARROW: usize = 60;

fn policy(rules: &str) -> Policy {
    let text = format!("version = 1\n[[role]]\nid = \"one\"\nany = [\"g:1\"]\n{rules}");
    parse(&[PolicySource { name: "p.toml".into(), text }]).unwrap_or_else(|faults| panic!("{faults}"))
}

/// So many rules of the first kind, and some of the second.
fn draft(count: usize, broad: impl Fn(usize) -> String, narrow: impl Fn(usize) -> String) -> String {
    (0..count).map(broad).chain((0..NARROW).map(narrow)).collect()
}

/// With so many steps: what is told, and how much was really done.
fn compared(old: &Policy, new: &Policy, steps: u64) -> (PolicyDiff, usize) {
    DONE.set(0);
    let limits = Limits { steps, ..Limits::default() };
    let nobody = Directory { people: Vec::new(), groups: BTreeSet::new() };
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let snapshot = Snapshot::of_directory(1, now, &nobody, BTreeMap::new()).unwrap();
    let found = diff(old, new, Some(&snapshot), now, &limits);
    (found, DONE.get())
}

/// However few steps there are, no more is done; where they do not last, it is said; and there is much to do.
fn is_paid_for(old: &str, new: &str, least: usize) {
    let (old, new) = (policy(old), policy(new));
    let all = compared(&old, &new, u64::MAX);
    assert!(all.0.exact, "{:?}", all.0.bounded);
    assert!(all.1 >= least, "only {} was done", all.1);
    let mut told = 0;
    for quarter in 20..80_u64 {
        let steps = (1_u64 << (quarter / 4)) * (4 + quarter % 4) / 4;
        let (found, done) = compared(&old, &new, steps);
        assert!(done as u64 <= steps, "{done} of {steps}");
        assert!(found.exact == found.bounded.is_empty() && (!found.exact || found == all.0));
        told += usize::from(!found.exact);
    }
    assert!(told > 20, "only {told} of them were not exact");
}

fn grant(id: &str, on: &str, refs: &str, more: &str) -> String {
    format!(
        "[[grant]]\nid = \"{id}\"\nto = [\"one\"]\non = [\"{on}\"]\nverbs = [\"create\"]\nrefs = [\"{refs}\"]\n{more}\n"
    )
}

#[test]
fn grants_that_meet_in_many_repositories_are_paid_for() {
    let new = draft(
        BROAD,
        |number| grant(&format!("x{number}"), "**", "refs/heads/**", ""),
        |number| grant(&format!("p{number}"), &format!("P{number}/*"), "refs/heads/main", ""),
    );
    is_paid_for("", &new, BROAD * NARROW);
}

#[test]
fn grants_that_meet_on_many_refs_are_paid_for() {
    let new = draft(
        BROAD,
        |number| grant(&format!("x{number}"), "**", "refs/heads/**", ""),
        |number| grant(&format!("p{number}"), "**", &format!("refs/heads/{number}/*"), ""),
    );
    is_paid_for("", &new, BROAD * NARROW);
}

#[test]
fn grants_that_meet_on_many_paths_are_paid_for() {
    let new = draft(
        BROAD,
        |number| grant(&format!("x{number}"), "**", "refs/heads/main", "paths = [\"**\"]"),
        |number| grant(&format!("p{number}"), "**", "refs/heads/main", &format!("paths = [\"{number}/*\"]")),
    );
    let block =
        "[[block]]\nid = \"docs\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\npaths = [\"7/docs\"]\n";
    is_paid_for(&new, &(new.clone() + block), BROAD * NARROW);
}

#[test]
fn requires_that_meet_are_paid_for() {
    let require = |id: String, on: String, number: usize| {
        format!(
            "[[require]]\nid = \"{id}\"\non = [\"{on}\"]\nrefs = [\"refs/heads/**\"]\ncommits = {{ message = \"{number}*\" }}\n"
        )
    };
    let new = draft(
        BROAD / 10,
        |number| require(format!("x{number}"), "**".into(), number),
        |number| require(format!("p{number}"), format!("P{number}/*"), BROAD + number),
    );
    let granted = grant("all", "**", "refs/heads/**", "");
    is_paid_for(&granted, &(granted.clone() + &new), BROAD / 10 * NARROW);
}

#[test]
fn elevations_that_meet_are_paid_for() {
    let elevation = |id: String, on: String, refs: String, minutes: usize| {
        format!(
            "[[elevation]]\nid = \"{id}\"\nroles = [\"one\"]\nto = [\"one\"]\non = [\"{on}\"]\nrefs = [\"{refs}\"]\n\
             max_time = \"{minutes}m\"\napproved_by = [\"one\"]\n"
        )
    };
    let new = draft(
        BROAD,
        |number| elevation(format!("x{number}"), "**".into(), "refs/heads/**".into(), 1 + number),
        |number| elevation(format!("p{number}"), format!("P{number}/*"), "refs/heads/**".into(), 1 + number),
    );
    is_paid_for("", &new, BROAD * NARROW);
}

#[test]
fn workloads_that_meet_are_paid_for() {
    let workload = |id: String, on: String, refs: String, minutes: usize| {
        format!(
            "[[workload]]\nid = \"{id}\"\nprofile = \"generic\"\nissuer = \"https://ci\"\nclaims = {{ job = \"{id}\" }}\n\
             principal = \"svc\"\nroles = [\"one\"]\non = [\"{on}\"]\nrefs = [\"{refs}\"]\nmax_lease = \"{minutes}m\"\n"
        )
    };
    let new = draft(
        BROAD / 4,
        |number| workload(format!("x{number}"), "**".into(), "refs/heads/**".into(), 1 + number % 15),
        |number| {
            workload(format!("p{number}"), format!("P{number}/*"), "refs/heads/**".into(), 1 + number % 15)
        },
    );
    is_paid_for("", &new, BROAD / 4 * NARROW);
    is_paid_for("", &new.replace("job = ", "build = \"1\" } # "), BROAD / 4 * NARROW);
}

/// What may be leased is given to the account: each workload with each grant.
#[test]
fn leases_of_what_is_granted_are_paid_for() {
    let workload = |number: usize| {
        format!(
            "[[workload]]\nid = \"w{number}\"\nprofile = \"generic\"\nissuer = \"https://ci\"\nclaims = {{ job = \"1\" }}\n\
             principal = \"svc\"\nroles = [\"one\"]\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\n"
        )
    };
    let grants = (0..200).map(|number| grant(&format!("x{number}"), "**", "refs/heads/**", ""));
    let new: String = (0..200).map(workload).chain(grants).collect();
    is_paid_for("", &new, 200 * 200);
}

/// Each moment at which a rule begins or ends, with each hour of the week.
#[test]
fn moments_and_weeks_are_paid_for() {
    let new: String = (0..NARROW)
        .map(|minute| {
            let from = format!("from = 2026-07-01T00:{minute:02}:00Z\n");
            let (day, hour) = (["Mon", "Tue", "Wed", "Thu", "Fri"][minute % 5], minute % 20);
            let week = format!(
                "weekly = {{ from = \"{day} {hour:02}:00\", to = \"{day} {hour:02}:30\", zone = \"UTC\" }}"
            );
            grant(&format!("x{minute}"), "**", "refs/heads/main", &(from + &week))
        })
        .collect();
    is_paid_for("", &new, NARROW);
}

/// Many roles, each of which is granted the same by many rules.
#[test]
fn many_roles_are_paid_for() {
    let mut roles = String::new();
    for role in 0..NARROW {
        writeln!(roles, "[[role]]\nid = \"r{role}\"\nany = [\"g:{role}\"]").unwrap();
    }
    let all: Vec<_> = (0..NARROW).map(|role| format!("r{role}")).collect();
    let grants: String = (0..BROAD)
        .map(|number| grant(&format!("x{number}"), "**", "refs/heads/**", ""))
        .map(|grant| grant.replace("[\"one\"]", &format!("{all:?}")))
        .collect();
    is_paid_for(&roles, &(roles.clone() + &grants), BROAD * NARROW);
}

#[test]
fn little_is_told_of_what_is_given_by_many() {
    let new: String = (0..super::MOST_TOLD + 50)
        .map(|number| grant(&format!("x{number}"), "**", "refs/heads/**", ""))
        .collect();
    let (found, _) = compared(&policy(""), &policy(&new), Limits::default().steps);
    assert!(found.exact, "{:?}", found.bounded);
    assert_eq!(found.rights[0].after.len(), super::MOST_TOLD);
    assert_eq!(found.changes[0].after.rules.len(), super::MOST_TOLD);
}
