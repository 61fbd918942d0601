//! The worlds are worth trying: everything that can be decided is decided in some of them.

use std::collections::BTreeMap;

use oam_policy::{RefusalReason, Verdict};
use proptest::{
    strategy::{Strategy, ValueTree as _},
    test_runner::TestRunner,
};

use crate::{
    chance::{world, world_for_a_while},
    engine::{self, Engine},
    oracle::{Oracle, Outcome},
    pushes::push,
    world::World,
};

/// How often what came about.
#[derive(Debug, Default)]
struct Found(BTreeMap<String, usize>);

impl Found {
    fn in_worlds(worlds: &impl Strategy<Value = World>, count: usize) -> Self {
        let (mut runner, pushes, mut found) = (TestRunner::deterministic(), push(), Self::default());
        for _ in 0..count {
            let world = worlds.new_tree(&mut runner).unwrap().current();
            let push = pushes.new_tree(&mut runner).unwrap().current();
            let decision = Engine::new(&world).knowing_all(&push);
            if Oracle::new(&world, &push).rejection().is_some() {
                engine::rejection(&decision).unwrap().iter().for_each(|(code, _)| found.add(code));
                continue;
            }
            for one in engine::refs(&decision) {
                let (outcome, reasons) = engine::answer(&one.verdict);
                found.add(&format!("{outcome:?}"));
                reasons.iter().for_each(|(code, _)| found.add(code));
                if let Verdict::Permitted(permit) = &one.verdict {
                    permit.lifted().iter().for_each(|_| found.add("lifted"));
                    (permit.role().is_none()).then(|| found.add("user exception"));
                    let by = |start: &str| permit.given().any(|id| id.as_str().starts_with(start));
                    by("7k2m").then(|| found.add("by elevation"));
                    by("8k2m").then(|| found.add("by lease"));
                }
                if outcome == Outcome::Undecided && one.verb.is_none() {
                    found.add("no verb");
                }
                one.shadow.iter().for_each(|shadow| found.add(shadow.would.as_str()));
            }
        }
        found
    }

    fn add(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    fn count(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or_default()
    }
}

#[test]
fn every_outcome_and_every_reason_comes_about() {
    let found = Found::in_worlds(&world(), 3_000);
    let others = [
        "Permitted",
        "Refused",
        "Undecided",
        "lifted",
        "user exception",
        "no verb",
        "granted",
        "blocked",
        "perhaps blocked",
    ];
    for what in RefusalReason::CODES.iter().filter(|code| !code.starts_with("lease-")).chain(&others) {
        assert!(found.count(what) >= 5, "{what} is rare: {found:?}");
    }
}

/// Of what is permitted, not so little rests on what somebody has for a while.
#[test]
fn what_somebody_has_for_a_while_makes_the_difference_often_enough() {
    let found = Found::in_worlds(&world_for_a_while(), 1_500);
    for code in RefusalReason::CODES.iter().filter(|code| code.starts_with("lease-")) {
        assert!(found.count(code) >= 5, "{code} is rare: {found:?}");
    }
    for what in ["by elevation", "by lease"] {
        let (by_it, all) = (found.count(what), found.count("Permitted"));
        assert!(by_it * 100 >= all * 4, "{by_it} of {all} are permitted {what}: {found:?}");
    }
}
