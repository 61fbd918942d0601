use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{About, Lint, Report, prover, scope::Scope};
use crate::{
    diff::proof::{List, Prover},
    name::RuleId,
    rule::{Mode, Policy, Waiver},
};

/// Waivers of which nothing is left to lift.
pub(super) fn look(policy: &Policy, never: &BTreeSet<About>, now: Timestamp, report: &mut Report) {
    let blocks = policy.blocks().iter().map(|block| (&block.id, (block.mode, Scope::block(block))));
    let requires =
        policy.requires().iter().map(|require| (&require.id, (require.mode, Scope::require(require))));
    let rules: BTreeMap<&RuleId, (Mode, Scope<'_>)> = blocks.chain(requires).collect();
    let mut prover = prover();
    for waiver in policy.waivers().iter().filter(|waiver| waiver.mode == Mode::Enforce) {
        let about = About::Waiver(waiver.id.clone());
        if never.contains(&about) {
            continue;
        }
        let lifted = waiver.lifts.iter().filter_map(|id| rules.get(id));
        let whys: Option<Vec<String>> = lifted
            .map(|(mode, scope)| {
                let why = why_nothing(waiver, *mode, scope, never, now, &mut prover)?;
                Some(format!("the {} {why}", scope.about))
            })
            .collect();
        if let Some(whys) = whys {
            let message = format!("the {about} lifts nothing: {}", whys.join(", "));
            report.add(Lint::WaiverLiftsNothing, about, message, Some("take it out".into()));
        }
    }
    if prover.gave_up() {
        report.unfinished.insert(Lint::WaiverLiftsNothing);
    }
}

/// Why there is nothing of the rule to lift where the waiver may be used, if that is so.
fn why_nothing(
    waiver: &Waiver,
    mode: Mode,
    scope: &Scope<'_>,
    never: &BTreeSet<About>,
    now: Timestamp,
    prover: &mut Prover,
) -> Option<&'static str> {
    if mode == Mode::Evaluate {
        return Some("only evaluates");
    }
    if scope.window.to().is_some_and(|end| end <= now) {
        return Some("is over");
    }
    if never.contains(&scope.about) {
        return Some("never matches");
    }
    let list = |sources: Vec<String>| List::new(&sources);
    if prover.repositories_apart(&list(waiver.on.sources()), &list(scope.on.sources())) {
        return Some("is about other repositories");
    }
    let apart = prover.refs_apart(&list(waiver.refs.sources()), &list(scope.refs.sources()));
    apart.then_some("is about other refs")
}
