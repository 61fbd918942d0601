//! Facts that nobody can tell yet. What rests on them is undecided: a rule that cannot be evaluated never counts as passed.

use oam_policy::facts::{Facts, FactsNeeded};

/// Learns of all but the ancestry that it is not to be had.
pub(super) fn learn(facts: &mut Facts, needed: &FactsNeeded) {
    let untold = FactsNeeded { ancestry: Vec::new(), ..needed.clone() };
    if !untold.is_empty() {
        facts.learn_lack(&untold, &format!("this version does not find out {}", untold.told()));
    }
}
