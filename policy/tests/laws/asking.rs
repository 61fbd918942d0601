//! Facts: what is asked for, and what comes of what nobody can read.

use std::collections::BTreeSet;

use oam_policy::{Facts, facts::FactsNeeded};
use proptest::prelude::*;

use crate::{
    cases,
    chance::world_for_a_while,
    engine::{self, Asked, Engine, outcome},
    oracle::{Oracle, Outcome},
    pushes::push,
    truth::Hook,
    world::{Push, World},
};

/// The push that `push` would be, were everything otherwise that is found out only by asking.
fn with_other_facts(push: &Push, other: &Push) -> Push {
    let mut push = push.clone();
    for (update, other) in push.updates.iter_mut().zip(other.updates.iter().cycle()) {
        (update.forward, update.dark) = (other.forward, other.dark);
        update.history = other.history.clone();
    }
    let other = other.clone();
    Push { existing: other.existing, commits: other.commits, pull_request: other.pull_request, ..push }
}

/// All facts about `push` for this world, and upon them those that were asked for.
fn told_both(
    world: &World,
    engine: &Engine<'_>,
    elsewise: &Push,
    push: &Push,
    asked: &[FactsNeeded],
) -> Facts {
    let mut facts = engine.all_facts(elsewise);
    asked.iter().for_each(|needed| Hook::new(world, push).tell(&mut facts, needed));
    facts
}

/// The same outcome; but where nobody can tell an update from a force, and it is refused as either for reasons of its own, it is
/// undecided, and no more is asked: were everything known, the two might have a reason in common.
pub(crate) fn is_same<T: PartialEq>(push: &Push, asked: &T, known: &T, but: &(T, T)) -> bool {
    let is_dark = push.updates.iter().any(|update| update.forward.is_none());
    asked == known || (is_dark && *asked == but.0 && *known == but.1)
}

proptest! {
    #![proptest_config(cases(500))]

    /// What is decided by asking is what is decided by knowing all; and nothing is asked twice.
    #[test]
    fn whoever_asks_decides_as_whoever_knows(world in world_for_a_while(), push in push()) {
        let engine = Engine::new(&world);
        let Asked { decision, asked, .. } = engine.asking(&push);
        // Whether a move is a force, what changes, who approved: and no more than that.
        prop_assert!(asked.len() <= 3, "{} rounds", asked.len());
        let mut seen = BTreeSet::new();
        for needed in &asked {
            let ancestry = needed.ancestry.iter().map(|update| format!("ancestry {update}"));
            let histories = needed.histories.iter().map(|one| format!("{one:?}"));
            let pull_request = needed.pull_request.then(|| "pull request".to_owned());
            for question in ancestry.chain(histories).chain(pull_request) {
                prop_assert!(seen.insert(question.clone()), "{question} is asked twice");
            }
        }
        let oracle = Oracle::new(&world, &push);
        if oracle.rejection().is_some() {
            prop_assert!(asked.is_empty() && outcome(&decision) == Outcome::Refused);
            return Ok(());
        }
        let certain = Oracle::blind(&world, &push).answers();
        let answers = engine::refs(&decision).into_iter().zip(oracle.answers()).zip(certain);
        for (index, ((one, all), certain)) in answers.enumerate() {
            let (outcome, reasons) = engine::answer(&one.verdict);
            if outcome == Outcome::Undecided && all.or_undecided {
                continue;
            }
            prop_assert_eq!(outcome, all.outcome, "update {}", index);
            // Of what takes facts to know, that is told which is known.
            prop_assert!(reasons.is_subset(&all.reasons) && reasons.is_superset(&certain.reasons), "update {}", index);
        }
    }

    /// Whatever is so of what was not asked for, the outcome is the same.
    #[test]
    fn what_is_not_asked_for_changes_nothing(world in world_for_a_while(), push in push(), other in push()) {
        let engine = Engine::new(&world);
        let Asked { decision, asked, .. } = engine.asking(&push);
        let elsewise = with_other_facts(&push, &other);
        let facts = told_both(&world, &engine, &elsewise, &push, &asked);
        let known = engine::decided(engine.evaluate(&push, &facts));
        let but = (Outcome::Undecided, Outcome::Refused);
        prop_assert!(is_same(&push, &outcome(&decision), &outcome(&known), &but));
        if engine::rejection(&decision).is_none() {
            for (one, other) in engine::refs(&decision).iter().zip(engine::refs(&known)) {
                let but = (oam_policy::Outcome::Undecided, oam_policy::Outcome::Refused);
                prop_assert!(is_same(&push, &one.verdict.outcome(), &other.verdict.outcome(), &but));
            }
        }
    }

    /// What nobody can read never permits what it would refuse were it read, nor refuses what it would permit.
    #[test]
    fn what_is_unreadable_decides_nothing(world in world_for_a_while(), push in push(), other in push()) {
        let engine = Engine::new(&world);
        // Everything dark that is dark in either.
        let mut dark = push.clone();
        for (update, other) in dark.updates.iter_mut().zip(&other.updates) {
            update.dark = crate::world::Dark {
                paths: update.dark.paths || other.dark.files,
                files: update.dark.files || other.dark.paths,
                commits: update.dark.commits || other.dark.commits,
                count: update.dark.count || other.dark.count,
                tip: update.dark.tip || other.dark.tip,
            };
        }
        dark.pull_request.dark |= other.pull_request.dark;
        let decided = [engine.knowing_all(&dark), engine.asking(&dark).decision];
        for readable in [push.readable(), with_other_values(&dark, &other)] {
            let known = outcome(&engine.knowing_all(&readable));
            for decided in &decided {
                let decided = outcome(decided);
                prop_assert!(decided == Outcome::Undecided || decided == known, "{decided:?}, and {known:?} if read");
            }
        }
    }
}

/// What `dark` hides, as it is in `other`.
fn with_other_values(dark: &Push, other: &Push) -> Push {
    let mut push = dark.readable();
    for (index, (update, hidden)) in push.updates.iter_mut().zip(&dark.updates).enumerate() {
        let other = &other.updates[index % other.updates.len()];
        if hidden.forward.is_none() {
            update.forward = Some(other.forward.unwrap_or(false));
        }
        let all = hidden.dark.paths && hidden.dark.files && hidden.dark.commits && hidden.dark.count;
        if all {
            update.history = other.history.clone();
        }
        if hidden.dark.tip {
            update.tip = other.tip.clone();
        }
    }
    if dark.pull_request.dark {
        push.pull_request = crate::world::PullRequest { dark: false, ..other.pull_request.clone() };
    }
    push
}
