//! The many small differences, put together to what a person reads.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    Class, Holders, Paths, Place, PolicyChange, SAMPLE, Witness,
    compare::{Example, Finding, Shown},
    cover::Cube,
    on_paths::{Difference, PathClass},
    patterns::Patterns,
    people::Group,
    table::Table,
    times::Times,
};
use crate::{request::Verb, rule::VerbSet};

/// A stretch of time, by the numbers of its first and last part.
pub(super) type Run = (usize, usize);

/// Where a verdict changes, said in patterns.
type Where = (Rc<Cube>, Rc<Cube>, Rc<PathClass>);

/// What one change says, but for where.
type Told = (Rc<Difference>, Run, BTreeSet<usize>, Vec<Verb>);

/// Everything that was found: for whom, when and by which verb.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<(Rc<Difference>, Where), ByVerb>);

/// For which groups of people, by verb.
type ByVerb = BTreeMap<Verb, BTreeMap<usize, Seen>>;

/// The parts of time in which it was found for one group, with an example for each.
type Seen = Vec<(usize, Rc<Shown>)>;

/// …by part.
type Parts = BTreeMap<usize, Rc<Shown>>;

impl Found {
    pub(super) fn add(&mut self, finding: &Finding, verb: Verb, group: usize, part: usize) {
        #[cfg(test)]
        super::budget::done(1);
        let change = &finding.change;
        let how = Rc::clone(&change.difference);
        let place = (Rc::clone(&finding.repositories), Rc::clone(&change.refs), Rc::clone(&change.paths));
        let by_verb = self.0.entry((how, place)).or_default().entry(verb).or_default();
        by_verb.entry(group).or_default().push((part, Rc::clone(&finding.shown)));
    }

    /// The changes, those that concern most people first.
    pub(super) fn changes(self, groups: &[Group], times: &Times, table: &Table<'_>) -> Vec<PolicyChange> {
        let mut merged: BTreeMap<Told, Vec<Place>> = BTreeMap::new();
        for ((how, (on, within, paths)), by_verb) in self.0 {
            // The same people at the same time with several verbs: one change.
            let mut alike: BTreeMap<(Run, BTreeSet<usize>), (Vec<Verb>, Witness)> = BTreeMap::new();
            for (verb, by_group) in by_verb {
                let mut by_run: BTreeMap<Run, (BTreeSet<usize>, Option<Witness>)> = BTreeMap::new();
                for (group, seen) in by_group {
                    // What was found first in a part is the example.
                    let mut parts: Parts = seen.into_iter().rev().collect();
                    times.with_like_weeks(&mut parts);
                    for run in times.stretches(&parts) {
                        let (people, witness) = by_run.entry(run).or_default();
                        people.insert(group);
                        // People before those who are only roles.
                        let better = groups.get(group).is_some_and(|group| !group.names.is_empty());
                        let has_person = people.iter().any(|other| {
                            *other != group && groups.get(*other).is_some_and(|other| !other.names.is_empty())
                        });
                        if witness.is_none() || better && !has_person {
                            *witness = example(groups, group, times, &parts, run.0, verb);
                        }
                    }
                }
                for (run, (people, witness)) in by_run {
                    let Some(witness) = witness else { continue };
                    alike.entry((run, people)).or_insert_with(|| (Vec::new(), witness)).0.push(verb);
                }
            }
            for ((run, people), (verbs, witness)) in alike {
                let place = Place {
                    repositories: class(&on, &table.repositories),
                    refs: class(&within, &table.refs),
                    paths: match paths.as_ref() {
                        PathClass::Whatever => Paths::Whatever,
                        PathClass::Nothing => Paths::Nothing,
                        PathClass::NoneOf(numbers) => Paths::NoneOf(sources(numbers, &table.paths)),
                        PathClass::Of(cube) => Paths::Of(class(cube, &table.paths)),
                    },
                    witness,
                };
                merged.entry((Rc::clone(&how), run, people, verbs)).or_default().push(place);
            }
        }
        let mut changes: Vec<PolicyChange> = merged
            .into_iter()
            .map(|((how, run, people, verbs), places)| {
                let Difference { effect, before, after } = Rc::unwrap_or_clone(how);
                PolicyChange {
                    effect,
                    verbs: verbs.into_iter().collect::<VerbSet>(),
                    who: holders(people.iter().filter_map(|number| groups.get(*number))),
                    from: times.from(run.0),
                    to: times.to(run.1),
                    is_weekly: times.is_weekly(run.0, run.1),
                    before,
                    after,
                    places,
                }
            })
            .collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.users()));
        changes
    }
}

/// Parts of time, ascending, as stretches of those that follow upon each other.
pub(super) fn runs(parts: impl IntoIterator<Item = usize>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for part in parts {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == part => *last = part,
            _ => runs.push((part, part)),
        }
    }
    runs
}

fn example(
    groups: &[Group],
    group: usize,
    times: &Times,
    parts: &Parts,
    part: usize,
    verb: Verb,
) -> Option<Witness> {
    let shown = parts.get(&part)?;
    let Example { name, path } = shown.example.clone();
    let group = groups.get(group)?;
    Some(Witness {
        user: group.example.clone(),
        is_person: !group.names.is_empty(),
        before: group.before.clone(),
        after: group.after.clone(),
        repository: shown.repository.clone(),
        name,
        path,
        verb,
        at: times.start(part)?,
    })
}

/// Groups by the roles that they hold, in the order in which they first come.
pub(super) fn holders<'g>(groups: impl Iterator<Item = &'g Group>) -> Vec<Holders> {
    let mut holders: Vec<Holders> = Vec::new();
    let mut places: HashMap<_, usize> = HashMap::new();
    for group in groups {
        let place = *places.entry((&group.before, &group.after)).or_insert_with(|| {
            let (before, after) = (group.before.clone(), group.after.clone());
            holders.push(Holders { before, after, users: 0, sample: Vec::new() });
            holders.len() - 1
        });
        if let Some(one) = holders.get_mut(place) {
            one.users += group.names.len();
            one.sample.extend(group.names.iter().take(SAMPLE).cloned());
            one.sample.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            one.sample.truncate(SAMPLE);
        }
    }
    holders
}

pub(super) fn class(cube: &Cube, patterns: &Patterns) -> Class {
    Class { within: sources(&cube.within, patterns), without: sources(&cube.without, patterns) }
}

fn sources(numbers: &[usize], patterns: &Patterns) -> Vec<String> {
    numbers.iter().map(|number| patterns.source(*number).to_owned()).collect()
}
