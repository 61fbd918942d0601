//! Rights in whole repositories: who may read and who may administer what, as [`crate::entitle`] has it.
//!
//! They decide no push. Whoever gives permissions at a git server gives them, and there each right has those below it in
//! itself: whoever may change one branch is let in to read all of the repository, and whoever administers it reads it
//! too. So a right to read is given by any grant, and one to administer by those of `admin`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use jiff::Timestamp;

use super::{
    MOST_TOLD, RightChange, RightEffect, RightPlace,
    bounded::Bounds,
    budget::{Budget, KEPT, TOLD},
    compare::{Grouped, covered, repositories},
    cover::Cube,
    language::Language,
    local::Local,
    merge::{self, Run},
    patterns::{Interner, Patterns, SetNumber},
    people::{Everybody, Group, parts},
};
use crate::{
    entitle::Right,
    name::{Repository, RoleId, RuleId, UsernameKey},
    rule::{Grant, Mode, Policy, Window, Workload},
};

const TOO_MUCH: &str = "people hold roles in more ways than are compared at once: who may read or administer what is not all there";

/// The rights that are told; what a push may do is told as such.
const RIGHTS: [Right; 2] = [Right::Read, Right::Admin];

/// A rule that gives a right where all of its sets hold a repository.
#[derive(Debug)]
struct Giving<'p> {
    rule: &'p RuleId,
    right: Right,
    on: Vec<SetNumber>,
    window: Window,
}

/// What is given by one policy, by who receives it.
#[derive(Debug, Default)]
struct Side<'p> {
    by_role: HashMap<&'p RoleId, Vec<usize>>,
    by_name: HashMap<UsernameKey, Vec<usize>>,
}

/// Everything that is given by both policies.
#[derive(Debug, Default)]
struct Given<'p> {
    rules: Vec<Giving<'p>>,
    before: Side<'p>,
    after: Side<'p>,
    repositories: Patterns,
}

/// What reaches somebody, before and after, ascending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Reach {
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Roles and names to which something is given otherwise.
#[derive(Debug, Default)]
struct Changed<'p> {
    roles: HashSet<&'p RoleId>,
    names: HashSet<UsernameKey>,
}

impl Changed<'_> {
    /// Whether a group can have a right otherwise: it holds other roles, or is given something else.
    fn concerns(&self, group: &Group) -> bool {
        group.before != group.after
            || group.before.iter().flatten().any(|role| self.roles.contains(role))
            || self.names.contains(&group.example.key())
    }
}

/// One difference, but for where, when and for whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Difference {
    right: Right,
    effect: RightEffect,
    before: Vec<RuleId>,
    after: Vec<RuleId>,
}

/// For whom something was found, and when.
#[derive(Debug)]
struct Seen {
    repository: Repository,
    /// The parts of time, by the number of the reach.
    parts: BTreeMap<usize, BTreeSet<usize>>,
}

type Found = BTreeMap<(Rc<Difference>, Rc<Cube>), Seen>;

/// Who may read or administer otherwise.
pub(super) fn rights(
    old: &Policy,
    new: &Policy,
    everybody: &Everybody,
    now: Timestamp,
    budget: &mut Budget,
    bounded: &mut Bounds,
) -> Vec<RightChange> {
    let Some(given) = Given::of(old, new, budget) else {
        bounded.because(TOO_MUCH);
        return Vec::new();
    };
    let named: BTreeSet<UsernameKey> =
        given.before.by_name.keys().chain(given.after.by_name.keys()).cloned().collect();
    let mut alike: BTreeMap<Reach, Vec<Group>> = BTreeMap::new();
    let changed = given.changed();
    for group in parts(everybody, &named) {
        if !changed.concerns(&group) {
            continue;
        }
        let reach = given.reach(&group);
        if !budget.spend(KEPT * (reach.before.len() + reach.after.len()) + 1) {
            bounded.because(TOO_MUCH);
            break;
        }
        if given.says(&reach.before, None) != given.says(&reach.after, None) {
            alike.entry(reach).or_default().push(group);
        }
    }
    let starts = given.starts(now);
    let mut found = Found::new();
    'all: for (number, (reach, groups)) in alike.iter().enumerate() {
        let whom = TOLD + KEPT * groups.iter().map(Group::roles).sum::<usize>();
        for (part, start) in starts.iter().enumerate() {
            if !budget.spend(given.work(reach)) {
                bounded.because(TOO_MUCH);
                break 'all;
            }
            given.search(reach, *start, budget, bounded, |difference, cube, repository, budget| {
                let seen = found
                    .entry((difference, cube))
                    .or_insert_with(|| Seen { repository, parts: BTreeMap::new() });
                seen.parts.entry(number).or_default().insert(part);
                budget.spend(whom)
            });
        }
    }
    let groups: Vec<Vec<Group>> = alike.into_values().collect();
    changes(found, &groups, &starts, &given.repositories)
}

impl<'p> Given<'p> {
    /// `None` when there is more than the budget allows.
    fn of(old: &'p Policy, new: &'p Policy, budget: &mut Budget) -> Option<Self> {
        let mut interner = Interner::default();
        for policy in [old, new] {
            grants(policy).for_each(|(grant, _)| interner.add(grant.on.sources()));
            workloads(policy).for_each(|workload| interner.add(workload.on.sources()));
        }
        let mut given = Self { repositories: interner.numbered(true), ..Self::default() };
        let before = given.side(old, budget)?;
        let after = given.side(new, budget)?;
        Some(Self { before, after, ..given })
    }

    fn side(&mut self, policy: &'p Policy, budget: &mut Budget) -> Option<Side<'p>> {
        let mut side = Side::default();
        // What may be leased is given to the account that pushes for the job.
        let mut leases: HashMap<&RoleId, Vec<(&Workload, SetNumber)>> = HashMap::new();
        for workload in workloads(policy) {
            let on = self.repositories.set(&workload.on.sources());
            for role in &workload.roles {
                leases.entry(role).or_default().push((workload, on));
            }
        }
        for (grant, right) in grants(policy) {
            let on = self.repositories.set(&grant.on.sources());
            let window = grant.window.with_weekly(None);
            let number = self.add(Giving { rule: &grant.id, right, on: vec![on], window });
            for role in &grant.to {
                side.by_role.entry(role).or_default().push(number);
            }
            if let Some(exception) = &grant.user {
                side.by_name.entry(exception.user.key()).or_default().push(number);
            }
            let leased = grant.to.iter().filter(|_| right >= Right::Write);
            for (workload, of_workload) in leased.filter_map(|role| leases.get(role)).flatten() {
                if !budget.spend(TOLD) {
                    return None;
                }
                #[cfg(test)]
                super::budget::done(size_of::<Giving<'_>>() / 4);
                let on = vec![*of_workload, on];
                let number = self.add(Giving { rule: &workload.id, right: Right::Write, on, window });
                side.by_name.entry(workload.principal.key()).or_default().push(number);
            }
        }
        Some(side)
    }

    fn add(&mut self, giving: Giving<'p>) -> usize {
        self.rules.push(giving);
        self.rules.len() - 1
    }

    fn changed(&self) -> Changed<'p> {
        let says = |rules: Option<&Vec<usize>>| self.says(rules.map(Vec::as_slice).unwrap_or_default(), None);
        let (before, after) = (&self.before, &self.after);
        let roles = before.by_role.keys().chain(after.by_role.keys()).copied();
        let roles = roles.filter(|role| says(before.by_role.get(role)) != says(after.by_role.get(role)));
        let names = before.by_name.keys().chain(after.by_name.keys());
        let names = names.filter(|name| says(before.by_name.get(*name)) != says(after.by_name.get(*name)));
        Changed { roles: roles.collect(), names: names.cloned().collect() }
    }

    fn reach(&self, group: &Group) -> Reach {
        let key = group.example.key();
        let of = |side: &Side<'_>, roles: Option<&[RoleId]>| {
            // Somebody who may not act at all is reached by nothing.
            let Some(roles) = roles else { return Vec::new() };
            let by_role = roles.iter().filter_map(|role| side.by_role.get(role));
            let mut all: Vec<usize> = by_role.chain(side.by_name.get(&key)).flatten().copied().collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        Reach {
            before: of(&self.before, group.before.as_deref()),
            after: of(&self.after, group.after.as_deref()),
        }
    }

    /// What rules say, whatever they are called; of those in force at a moment.
    fn says(&self, rules: &[usize], at: Option<Timestamp>) -> BTreeSet<(Right, &[SetNumber], Window)> {
        let rules = self.live(rules, at);
        // At one moment it does not matter until when.
        let window = |giving: &Giving<'_>| if at.is_some() { Window::ALWAYS } else { giving.window };
        rules.map(|giving| (giving.right, giving.on.as_slice(), window(giving))).collect()
    }

    fn live(&self, rules: &[usize], at: Option<Timestamp>) -> impl Iterator<Item = &Giving<'p>> {
        let rules = rules.iter().filter_map(|number| self.rules.get(*number));
        rules.filter(move |giving| at.is_none_or(|at| giving.window.contains(at)))
    }

    /// `now`, and every later moment at which a rule begins or ends.
    fn starts(&self, now: Timestamp) -> Vec<Timestamp> {
        let ends = self.rules.iter().flat_map(|giving| [giving.window.from(), giving.window.to()]).flatten();
        let later: BTreeSet<_> = ends.filter(|at| *at > now).collect();
        std::iter::once(now).chain(later).collect()
    }

    /// What it takes to look at all of these rules once, in steps.
    fn work(&self, reach: &Reach) -> usize {
        let rules = reach.before.iter().chain(&reach.after).filter_map(|number| self.rules.get(*number));
        let sets =
            |giving: &Giving<'_>| giving.on.iter().map(|on| self.repositories.weight(*on)).sum::<usize>();
        1 + rules.map(|giving| 1 + sets(giving)).sum::<usize>()
    }

    /// Everywhere that somebody has a right otherwise at a moment, as long as `found` says that there is room for it.
    fn search(
        &self,
        reach: &Reach,
        at: Timestamp,
        budget: &mut Budget,
        bounded: &mut Bounds,
        mut found: impl FnMut(Rc<Difference>, Rc<Cube>, Repository, &mut Budget) -> bool,
    ) {
        let [before, after] = [&reach.before, &reach.after].map(|rules| self.says(rules, Some(at)));
        let sets = |says: &mut dyn Iterator<Item = &(Right, &[SetNumber], Window)>| -> Vec<SetNumber> {
            says.flat_map(|(_, on, _)| on.iter().copied()).collect()
        };
        let changed = sets(&mut before.symmetric_difference(&after));
        if changed.is_empty() {
            return;
        }
        let all = sets(&mut before.union(&after));
        let set = |number: &SetNumber| self.repositories.at(*number);
        let local =
            Local::of_changed(&self.repositories, all.iter().filter_map(set), changed.iter().filter_map(set));
        let explored = local.explore(Language::Repositories, "", None, budget, bounded);
        let Some(mut explored) = explored else { return };
        let known = repositories(&mut explored, &local, bounded);
        let mut by_difference = Grouped::default();
        let work = self.work(reach);
        for (number, one) in explored.reached.iter().enumerate() {
            if !budget.spend(work) {
                bounded.because(TOO_MUCH);
                break;
            }
            let holds = |on: &SetNumber| {
                set(on).is_some_and(|set| set.holds(|pattern| local.matches(&one.cell, pattern)))
            };
            let here = |rules: &[usize]| -> Vec<&Giving<'_>> {
                #[cfg(test)]
                super::budget::done(rules.len());
                self.live(rules, Some(at)).filter(|giving| giving.on.iter().all(holds)).collect()
            };
            let (before, after) = (here(&reach.before), here(&reach.after));
            for difference in RIGHTS.into_iter().filter_map(|right| Difference::of(right, &before, &after)) {
                if !budget.spend(TOLD * (difference.before.len() + difference.after.len())) {
                    bounded.because(TOO_MUCH);
                    break;
                }
                by_difference.add(&Rc::new(difference), number, &());
            }
        }
        for (difference, places) in by_difference.all {
            for (cube, number, ()) in covered(&places, &explored, &local.wanted, budget, bounded) {
                let Some(repository) = known.get(number).cloned() else { continue };
                if !found(Rc::clone(&difference), Rc::new(local.global(cube)), repository, budget) {
                    bounded.because(TOO_MUCH);
                    return;
                }
            }
        }
    }
}

impl Difference {
    fn of(right: Right, before: &[&Giving<'_>], after: &[&Giving<'_>]) -> Option<Self> {
        fn give<'g>(side: &[&Giving<'g>], right: Right) -> BTreeSet<&'g RuleId> {
            side.iter().filter(|giving| giving.right >= right).map(|giving| giving.rule).collect()
        }
        let (before, after) = (give(before, right), give(after, right));
        let effect = match (before.is_empty(), after.is_empty()) {
            (true, false) => RightEffect::Given,
            (false, true) => RightEffect::Taken,
            _ => return None,
        };
        // No more than anybody reads: it is kept for each class.
        let [before, after] =
            [before, after].map(|rules| rules.into_iter().take(MOST_TOLD).cloned().collect());
        Some(Self { right, effect, before, after })
    }
}

fn grants(policy: &Policy) -> impl Iterator<Item = (&Grant, Right)> {
    let enforced = policy.grants().iter().filter(|grant| grant.mode == Mode::Enforce);
    enforced.filter_map(|grant| Right::of(grant).map(|right| (grant, right)))
}

fn workloads(policy: &Policy) -> impl Iterator<Item = &Workload> {
    policy.workloads().iter().filter(|workload| workload.mode == Mode::Enforce)
}

/// The changes, those that concern most people first, and of these the higher right.
fn changes(
    found: Found,
    groups: &[Vec<Group>],
    starts: &[Timestamp],
    repositories: &Patterns,
) -> Vec<RightChange> {
    let mut merged: BTreeMap<(Rc<Difference>, Run, BTreeSet<usize>), Vec<RightPlace>> = BTreeMap::new();
    for ((difference, cube), seen) in found {
        let mut by_run: BTreeMap<Run, BTreeSet<usize>> = BTreeMap::new();
        for (reach, parts) in seen.parts {
            for run in merge::runs(parts) {
                by_run.entry(run).or_default().insert(reach);
            }
        }
        for (run, people) in by_run {
            let repositories = merge::class(&cube, repositories);
            let place = RightPlace { repositories, repository: seen.repository.clone() };
            merged.entry((Rc::clone(&difference), run, people)).or_default().push(place);
        }
    }
    let mut changes: Vec<RightChange> = merged
        .into_iter()
        .map(|((how, run, people), places)| {
            let Difference { right, effect, before, after } = Rc::unwrap_or_clone(how);
            RightChange {
                effect,
                right,
                who: merge::holders(people.iter().filter_map(|reach| groups.get(*reach)).flatten()),
                from: (run.0 > 0).then(|| starts.get(run.0).copied()).flatten(),
                to: starts.get(run.1 + 1).copied(),
                before,
                after,
                places,
            }
        })
        .collect();
    changes.sort_by_key(|change| std::cmp::Reverse((change.users(), change.right)));
    changes
}
