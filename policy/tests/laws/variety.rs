//! The worlds are worth trying: everything that can be decided is decided in some of them.

use std::collections::BTreeMap;

use oam_policy::{RefusalReason, Verdict};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};

use crate::{
    chance::world,
    engine::{self, Engine},
    oracle::{Oracle, Outcome},
    pushes::push,
};

#[test]
fn every_outcome_and_every_reason_comes_about() {
    let mut runner = TestRunner::deterministic();
    let (worlds, pushes) = (world(), push());
    let mut found = BTreeMap::<String, usize>::new();
    let mut find = |what: &str| *found.entry(what.to_owned()).or_default() += 1;
    for _ in 0..3_000 {
        let world = worlds.new_tree(&mut runner).unwrap().current();
        let push = pushes.new_tree(&mut runner).unwrap().current();
        let decision = Engine::new(&world).knowing_all(&push);
        if Oracle::new(&world, &push).rejection().is_some() {
            engine::rejection(&decision).unwrap().iter().for_each(|(code, _)| find(code));
            continue;
        }
        for one in engine::refs(&decision) {
            let (outcome, reasons) = engine::answer(&one.verdict);
            find(&format!("{outcome:?}"));
            reasons.iter().for_each(|(code, _)| find(code));
            if let Verdict::Permitted(permit) = &one.verdict {
                permit.lifted().iter().for_each(|_| find("lifted"));
                (permit.role().is_none()).then(|| find("user exception"));
            }
            if outcome == Outcome::Undecided && one.verb.is_none() {
                find("no verb");
            }
            one.shadow.iter().for_each(|shadow| find(shadow.would.as_str()));
        }
    }
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
    for what in RefusalReason::CODES.iter().chain(&others) {
        assert!(found.get(*what).is_some_and(|count| *count >= 5), "{what} is rare: {found:?}");
    }
}
