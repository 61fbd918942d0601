//! Where what two policies say of a push all of whose commits are new to every rule is not what they say of one some of
//! whose commits are new to some rules only.
//!
//! Rules about paths and commits look at the commits that are new to *their* refs (see [`crate::facts`]). What is
//! compared is a push whose commits are new in view of all of them. The verdicts on other pushes follow from those
//! where all rules in force look at the same commits, or in view of each refs by themselves nothing becomes otherwise but
//! in the way that is told. Else nothing is said: what one rule asks for may be asked for by another one, too, and then
//! nobody sees that it comes or goes, until it is asked of other commits.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Effect,
    condition::{self, Condition},
    patterns::SetNumber,
    table::{Kind, Rule, Rules, Side, Table},
    verdict::Changed,
};
use crate::name::RoleId;

/// What a rule says, in view of which refs.
type View = (usize, SetNumber);

/// On which terms a rule may be lifted, whatever the waivers are called; none: on no terms.
type Terms = BTreeSet<(Duration, bool, BTreeSet<RoleId>)>;

/// What is not compared of such a push, and why.
pub(super) const WHY: &str = "rules about paths or commits with different `refs` look at different commits: only pushes whose \
                              commits are new to all of these refs are compared";

/// Of which refs it is that commits which are new to some of them only are not compared; none: of none.
pub(super) fn bounded<'t>(
    table: &'t Table<'_>,
    rules: &Rules,
    changed: Changed<'_>,
    effect: Option<Effect>,
) -> BTreeSet<&'t str> {
    let refused = [&rules.before, &rules.after].map(|side| is_refused(table, side));
    // What one side refuses whatever is new comes or goes whole.
    let is_whole = matches!(effect, Some(Effect::Gains | Effect::Loses)) && refused.contains(&true);
    if matches!(changed, Changed::Gone) || refused == [true; 2] || is_whole {
        return BTreeSet::new();
    }
    let [before, after] = [&rules.before, &rules.after].map(|side| InForce::of(table, side, changed));
    let views: BTreeSet<SetNumber> = before.views().chain(after.views()).collect();
    if views.len() < 2 || follows(&before, &after, effect) {
        return BTreeSet::new();
    }
    let sets = views.into_iter().filter_map(|refs| table.refs.at(refs));
    sets.flat_map(|set| &set.include).map(|pattern| table.refs.source(*pattern)).collect()
}

/// Whether it is refused whatever changes.
fn is_refused(table: &Table<'_>, side: &Side) -> bool {
    let is_whole = |block: &usize| table.rule(*block).is_some_and(|block| block.paths.is_none());
    let can_lift = !side.waivers.is_empty();
    side.grants.is_empty() || !can_lift && side.blocks.iter().any(is_whole)
}

/// Whether nothing happens to pushes that are new in part but what is told of one that is new as a whole.
fn follows(before: &InForce, after: &InForce, effect: Option<Effect>) -> bool {
    let Some(effect) = effect else { return before.is_like(after) };
    let ways = before.ways_to(after);
    let only = |way: Effect| ways.iter().all(|other| *other == way);
    let lifts_alike = || !before.lifts_otherwise(after);
    match effect {
        Effect::Gains | Effect::Loosens => only(Effect::Loosens) && lifts_alike(),
        Effect::Loses | Effect::Tightens => only(Effect::Tightens) && lifts_alike(),
        // Where one refs' rules take more and another's less, it takes something else of some commits only.
        Effect::Changes => ways.len() < 2 && lifts_alike(),
        Effect::MayLift | Effect::MayNoLongerLift | Effect::LiftsOtherwise => ways.is_empty(),
    }
}

/// The rules of one side that say something of such a push, and look at its commits for it.
#[derive(Default)]
struct InForce {
    /// `None`: one is of whatever changes, and so others do not matter.
    grants: Option<BTreeSet<View>>,
    obstacles: BTreeSet<(View, Terms)>,
    by_refs: BTreeMap<SetNumber, Asks>,
}

/// What it takes in view of some refs.
#[derive(Default)]
struct Asks {
    /// It is refused.
    forbids: bool,
    conditions: BTreeSet<Condition>,
}

impl InForce {
    fn of(table: &Table<'_>, side: &Side, changed: Changed<'_>) -> Self {
        let rules = |numbers: &'_ [usize]| -> Vec<&Rule<'_>> {
            numbers.iter().filter_map(|number| table.rule(*number)).collect()
        };
        let grants = rules(&side.grants);
        let is_whole = grants.iter().any(|grant| grant.paths.is_none());
        let views = || grants.iter().map(|grant| (grant.says, grant.refs)).collect();
        let mut in_force = Self { grants: (!is_whole).then(views), ..Self::default() };
        for rule in rules(&side.blocks).into_iter().chain(rules(&side.requires)) {
            let looks = looks(rule, changed);
            let forbids = matches!(rule.kind, Kind::Block(_))
                && rule.paths.is_some_and(|paths| changed.is_among(paths));
            if !forbids && looks.is_empty() {
                continue;
            }
            let terms = table.lifted(rule, side).map(|lifted| lifted.terms).unwrap_or_default();
            let terms = terms.into_iter().map(|one| (one.max_time, one.reason, one.second_person));
            in_force.obstacles.insert(((rule.says, rule.refs), terms.collect()));
            let asks = in_force.by_refs.entry(rule.refs).or_default();
            asks.forbids |= forbids;
            asks.conditions.extend(looks);
        }
        in_force
    }

    fn views(&self) -> impl Iterator<Item = SetNumber> {
        let grants = self.grants.iter().flatten().map(|(_, refs)| *refs);
        grants.chain(self.by_refs.keys().copied())
    }

    /// Whether the same rules are in force.
    fn is_like(&self, other: &Self) -> bool {
        let grants = |side: &Self| side.grants.clone().unwrap_or_default();
        grants(self) == grants(other) && self.obstacles == other.obstacles
    }

    /// In which ways it becomes otherwise what it takes in view of some refs.
    fn ways_to(&self, after: &Self) -> BTreeSet<Effect> {
        let refs: BTreeSet<SetNumber> = self.by_refs.keys().chain(after.by_refs.keys()).copied().collect();
        let way = |refs: &SetNumber| Asks::way(self.by_refs.get(refs), after.by_refs.get(refs));
        let mut ways: BTreeSet<Effect> = refs.iter().filter_map(way).collect();
        ways.extend(self.way_of_grants(after));
        ways
    }

    fn way_of_grants(&self, after: &Self) -> Option<Effect> {
        let has_all = |one: &Self, other: &Self| match (&one.grants, &other.grants) {
            (None, _) => true,
            (_, None) => false,
            (Some(one), Some(other)) => other.is_subset(one),
        };
        condition::way(has_all(self, after), has_all(after, self))
    }

    /// Whether what is in force on both sides may be lifted on other terms.
    fn lifts_otherwise(&self, after: &Self) -> bool {
        let views = |side: &Self| side.obstacles.iter().map(|(view, _)| *view).collect::<BTreeSet<_>>();
        let [known_before, known_after] = [self, after].map(views);
        let mut otherwise = self.obstacles.symmetric_difference(&after.obstacles);
        otherwise.any(|(view, _)| known_before.contains(view) && known_after.contains(view))
    }
}

impl Asks {
    fn way(before: Option<&Self>, after: Option<&Self>) -> Option<Effect> {
        let nothing = Self::default();
        let (before, after) = (before.unwrap_or(&nothing), after.unwrap_or(&nothing));
        let takes = |some: &Self, all: &Self| {
            some.forbids
                || !all.forbids
                    && all.conditions.iter().all(|one| some.conditions.iter().any(|other| other.implies(one)))
        };
        condition::way(takes(after, before), takes(before, after))
    }
}

/// What a require asks for by a look at commits.
fn looks(rule: &Rule<'_>, changed: Changed<'_>) -> Vec<Condition> {
    let looks = rule.asks.iter().filter(|one| match one.paths {
        Some(paths) => changed.is_among(paths),
        None => one.of_commits,
    });
    looks.map(|one| one.condition.clone()).collect()
}
