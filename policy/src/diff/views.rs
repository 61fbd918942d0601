//! Where two policies say the same of a push all of whose commits are new to every rule, but may say different things of
//! one some of whose commits are new to some rules only.
//!
//! Rules about paths and commits look at the commits that are new to *their* refs (see [`crate::facts`]). What is
//! compared is a push whose commits are new in view of all of them. The verdicts on other pushes follow from those
//! where the same rules are in force before and after, or all in force look at the same commits. Else nothing is said.

use std::collections::BTreeSet;

use super::{
    Bounded,
    patterns::SetNumber,
    table::{Rule, Rules, Side, Table},
    verdict::Changed,
};

/// What a rule says, in view of which refs.
type View = (usize, SetNumber);

/// What is not compared of such a push.
pub(super) fn bounded(table: &Table<'_>, rules: &Rules, changed: Changed<'_>) -> Option<Bounded> {
    if matches!(changed, Changed::Gone)
        || [&rules.before, &rules.after].map(|side| is_refused(table, side)) == [true; 2]
    {
        return None;
    }
    let [before, after] = [&rules.before, &rules.after].map(|side| in_force(table, side, changed));
    let views: BTreeSet<SetNumber> = before.union(&after).map(|(_, refs)| *refs).collect();
    if before == after || views.len() < 2 {
        return None;
    }
    let sets = views.into_iter().filter_map(|refs| table.refs.at(refs));
    let patterns: BTreeSet<&str> =
        sets.flat_map(|set| &set.include).map(|pattern| table.refs.source(*pattern)).collect();
    let why = "rules about paths or commits with different `refs` look at different commits: only pushes whose commits \
               are new to all of these refs are compared";
    Some(Bounded { why, patterns: patterns.into_iter().map(str::to_owned).collect() })
}

/// Whether it is refused whatever changes.
fn is_refused(table: &Table<'_>, side: &Side) -> bool {
    let is_whole = |block: &usize| table.rule(*block).is_some_and(|block| block.paths.is_none());
    let can_lift = !side.waivers.is_empty();
    side.grants.is_empty() || !can_lift && side.blocks.iter().any(is_whole)
}

/// The rules that say something of such a push, and look at its commits for it.
fn in_force(table: &Table<'_>, side: &Side, changed: Changed<'_>) -> BTreeSet<View> {
    let rules = |numbers: &'_ [usize]| -> Vec<&Rule<'_>> {
        numbers.iter().filter_map(|number| table.rule(*number)).collect()
    };
    let grants = rules(&side.grants);
    // Where a grant is one of whatever changes, others do not matter.
    let is_whole = grants.iter().any(|grant| grant.paths.is_none());
    let grants = grants.into_iter().filter(|_| !is_whole);
    let forbids = |block: &&Rule<'_>| block.paths.is_some_and(|paths| changed.is_among(paths));
    let blocks = rules(&side.blocks).into_iter().filter(forbids);
    let asks = |require: &&Rule<'_>| {
        require.asks.iter().any(|one| match one.paths {
            Some(paths) => changed.is_among(paths),
            None => one.of_commits,
        })
    };
    let requires = rules(&side.requires).into_iter().filter(asks);
    grants.chain(blocks).chain(requires).map(|rule| (rule.says, rule.refs)).collect()
}
