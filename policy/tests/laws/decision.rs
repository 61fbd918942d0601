//! The engine decides as the naive implementation does.

use oam_policy::Verdict;
use proptest::prelude::*;

use crate::{
    cases,
    chance::world_for_a_while,
    engine::{self, Engine},
    oracle::{Oracle, Outcome},
    pushes::push,
};

proptest! {
    #![proptest_config(cases(1500))]

    /// The same outcome and the same reasons, or grants that cover it, when all facts are told that can be.
    #[test]
    fn the_decision_is_the_specification_s(world in world_for_a_while(), push in push()) {
        let oracle = Oracle::new(&world, &push);
        let decision = Engine::new(&world).knowing_all(&push);
        if let Some(reasons) = oracle.rejection() {
            prop_assert!(engine::rejection(&decision).is_some_and(|told| told.is_subset(&reasons)));
            return Ok(());
        }
        for (index, (one, expected)) in engine::refs(&decision).into_iter().zip(oracle.answers()).enumerate() {
            let (outcome, reasons) = engine::answer(&one.verdict);
            if outcome == Outcome::Undecided && expected.or_undecided {
                continue;
            }
            prop_assert_eq!(outcome, expected.outcome, "update {}", index);
            if let Verdict::Permitted(permit) = &one.verdict {
                let wrong = oracle.wrong_of(permit, &push.updates[index], one.verb);
                prop_assert_eq!(wrong, None, "update {}", index);
                let wrong = oracle.wrongly_lifted(permit, &push.updates[index], one.verb);
                prop_assert_eq!(wrong, None, "update {}", index);
            }
            if outcome == Outcome::Refused {
                let mut expected = expected;
                // Which paths are not granted may depend on whether it is an update or a force, and then none are told.
                let paths = ("paths-not-granted", None);
                if expected.or_undecided && !reasons.contains(&paths) {
                    expected.reasons.remove(&paths);
                }
                prop_assert_eq!(reasons, expected.reasons, "update {}", index);
            }
        }
    }
}
