//! What is taken to be so of the commits, the files or the tag, since nothing else was said.

use std::collections::BTreeSet;

use oam_proto::v1::RuleTrace;

/// What rules in force ask for and is not known to be so: that a push has to show.
pub(super) fn supposing(rules: &[RuleTrace]) -> BTreeSet<&str> {
    let bind = rules.iter().filter(|rule| rule.matched && !rule.evaluate_only && rule.lifted_by.is_empty());
    let met = bind.flat_map(|rule| &rule.conditions).filter(|condition| condition.ok && condition.supposed);
    met.map(|condition| condition.detail.as_str()).collect()
}
