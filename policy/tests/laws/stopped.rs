//! Whom `who` tells to be stopped: those whom grants would carry, were there no block and no require.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::{
    Channel, Verb,
    question::{Circumstances, Question},
    who::{Who, who},
};
use proptest::prelude::*;

use crate::{
    cases,
    common::{Case, policy, snapshot},
    explained::{Asked, any_world, asked, everybody, state, using},
    oracle::{Oracle, Outcome, verb},
    truth::path,
    world::{Push, Update, World},
    written::moment,
};

/// How many are stopped, by the rules that stop them.
type Stopped = BTreeMap<BTreeSet<String>, u64>;

/// Whether grants surely carry it, by the naive implementation, whatever else is said.
fn is_carried(oracle: &Oracle<'_>, update: &Update) -> bool {
    let verb = verb(update).unwrap();
    let grants = oracle.world.rules.iter().filter(|rule| rule.is_grant() && !rule.evaluate);
    let grants = grants.filter(|grant| oracle.is_about(grant, update, verb));
    let ways: Vec<_> = grants.flat_map(|grant| oracle.ways(grant, update, verb)).collect();
    !ways.is_empty() && oracle.is_uncovered(&ways, update) == Some(false)
}

/// Everybody, one after the other, by the naive implementation.
fn one_by_one(world: &World, asked: &Asked) -> Stopped {
    let mut stopped = Stopped::new();
    for name in everybody(world).into_values() {
        let push = Push { by: crate::world::Who::Name(name), ..asked.push.clone() };
        let world = using(world, asked, name);
        let oracle = Oracle::new(&world, &push);
        if oracle.rejection().is_some() || !is_carried(&oracle, &push.updates[0]) {
            continue;
        }
        let answers = oracle.answers();
        if answers[0].outcome == Outcome::Refused {
            let rules = answers[0].reasons.iter().filter_map(|(_, rule)| rule.clone());
            *stopped.entry(rules.collect()).or_default() += 1;
        }
    }
    stopped
}

fn told(who: &Who<'_>) -> Stopped {
    let mut told = Stopped::new();
    for (stop, count) in who.stopped.iter().filter(|(_, count)| **count > 0) {
        *told.entry(stop.rules.iter().map(ToString::to_string).collect()).or_default() += count;
    }
    told
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn who_counts_exactly_those_whom_rules_stop(world in any_world(), asked in asked()) {
        let state = state(&world, &asked.push);
        let found = who(&state, &asked.question, moment(asked.push.now)).unwrap();
        prop_assert_eq!(told(&found), one_by_one(&world, &asked));
    }
}

/// Two grants to different roles, each of some paths.
const IN_PARTS: &str = r#"
version = 1
[[role]]
id = "writer"
any = ["okta:eng"]
[[role]]
id = "coder"
any = ["okta:release"]
[[grant]]
id = "docs"
to = ["writer"]
on = ["**"]
refs = ["refs/heads/main"]
verbs = ["update"]
paths = ["docs/**"]
[[grant]]
id = "src"
to = ["coder"]
on = ["**"]
refs = ["refs/heads/main"]
verbs = ["update"]
paths = ["src/**"]
"#;

const FREEZE: &str = r#"
[[block]]
id = "freeze"
on = ["**"]
refs = ["refs/heads/main"]
"#;

/// Whoever holds both roles is stopped as everybody else is whom a grant would carry alone.
#[test]
fn whom_grants_to_several_roles_carry_together_is_counted_where_a_block_stops_them() {
    let found = |text: &str, paths: Option<&[&str]>| {
        let case = Case::new(policy(text), snapshot());
        let paths = paths.map(|paths| paths.iter().map(|name| path(name)).collect());
        let question = Question {
            repository: "PAY/api".parse().unwrap(),
            name: oam_policy::RefName::parse(b"refs/heads/main").unwrap(),
            verb: Verb::Update,
            channel: Channel::Push,
            circumstances: Circumstances { paths, ..Circumstances::default() },
        };
        let found = who(&case.state, &question, "2026-01-02T00:00:00Z".parse().unwrap()).unwrap();
        let stopped = found.stopped.iter().map(|(stop, count)| {
            let role = stop.way.role.as_ref().unwrap();
            format!("{} through {role}, by {}: {count}", stop.way.grant, stop.rules[0])
        });
        let can = found.can.values().flatten().map(|one| format!("{} can", one.username.as_str()));
        (can.chain(stopped).collect::<Vec<_>>(), found.unclear.count)
    };
    let (open, frozen) = (IN_PARTS.to_owned(), format!("{IN_PARTS}{FREEZE}"));
    let both = Some(&["docs/a", "src/a"][..]);
    assert_eq!(found(&open, both), (vec!["rita can".to_owned()], 0));
    assert_eq!(found(&frozen, both), (vec!["docs through writer, by freeze: 1".to_owned()], 0));
    // Where it is not said what changes, nobody knows whom the grants would carry; nobody can, either way.
    assert_eq!(found(&frozen, None), (Vec::new(), 0));
}
