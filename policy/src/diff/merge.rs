//! The many small differences, put together to what a person reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Class, Holders, Paths, Place, PolicyChange, SAMPLE, Witness,
    compare::{Example, Finding},
    cover::Cube,
    on_paths::{Difference, PathClass},
    patterns::Patterns,
    people::Group,
    table::Table,
};
use crate::{name::Repository, request::Verb, rule::VerbSet};

/// A stretch of time, by the numbers of its first and last part.
type Run = (usize, usize);

/// Where a verdict changes, said in patterns.
type Where = (Cube, Cube, PathClass);

/// What one change says, but for where.
type Told = (Difference, Run, BTreeSet<usize>, Vec<Verb>);

/// Everything that was found: for whom, when and by which verb.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<(Difference, Where), BTreeMap<Verb, BTreeMap<usize, Parts>>>);

/// The parts of time in which it was found for one group, ascending, with an example for each.
type Parts = BTreeMap<usize, (Repository, Example)>;

impl Found {
    pub(super) fn add(&mut self, finding: &Finding, verb: Verb, group: usize, part: usize) {
        let change = &finding.change;
        let how = change.difference.clone();
        let place = (finding.repositories.clone(), change.refs.clone(), change.paths.clone());
        let parts =
            self.0.entry((how, place)).or_default().entry(verb).or_default().entry(group).or_default();
        parts.entry(part).or_insert_with(|| (finding.repository.clone(), finding.example.clone()));
    }

    /// The changes, those that concern most people first. `starts` are the beginnings of the parts of time.
    pub(super) fn changes(
        self,
        groups: &[Group],
        starts: &[Timestamp],
        table: &Table<'_>,
    ) -> Vec<PolicyChange> {
        let mut merged: BTreeMap<Told, Vec<Place>> = BTreeMap::new();
        for ((how, (on, within, paths)), by_verb) in self.0 {
            // The same people at the same time with several verbs: one change.
            let mut alike: BTreeMap<(Run, BTreeSet<usize>), (Vec<Verb>, Witness)> = BTreeMap::new();
            for (verb, by_group) in by_verb {
                let mut by_run: BTreeMap<Run, (BTreeSet<usize>, Option<Witness>)> = BTreeMap::new();
                for (group, parts) in by_group {
                    for run in runs(&parts) {
                        let (people, witness) = by_run.entry(run).or_default();
                        people.insert(group);
                        // People before those who are only roles.
                        let better = groups.get(group).is_some_and(|group| !group.names.is_empty());
                        let has_person = people.iter().any(|other| {
                            *other != group && groups.get(*other).is_some_and(|other| !other.names.is_empty())
                        });
                        if witness.is_none() || better && !has_person {
                            *witness = example(groups, group, starts, &parts, run.0, verb);
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
                    paths: match &paths {
                        PathClass::Whatever => Paths::Whatever,
                        PathClass::Nothing => Paths::Nothing,
                        PathClass::NoneOf(numbers) => Paths::NoneOf(sources(numbers, &table.paths)),
                        PathClass::Of(cube) => Paths::Of(class(cube, &table.paths)),
                    },
                    witness,
                };
                merged.entry((how.clone(), run, people, verbs)).or_default().push(place);
            }
        }
        let mut changes: Vec<PolicyChange> = merged
            .into_iter()
            .map(|((Difference { effect, before, after }, run, people, verbs), places)| PolicyChange {
                effect,
                verbs: verbs.into_iter().collect::<VerbSet>(),
                who: holders(groups, &people),
                from: (run.0 > 0).then(|| starts.get(run.0).copied()).flatten(),
                to: starts.get(run.1 + 1).copied(),
                before,
                after,
                places,
            })
            .collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.users()));
        changes
    }
}

/// Parts of time that follow upon each other.
fn runs(parts: &Parts) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for part in parts.keys() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *part => *last = *part,
            _ => runs.push((*part, *part)),
        }
    }
    runs
}

fn example(
    groups: &[Group],
    group: usize,
    starts: &[Timestamp],
    parts: &Parts,
    part: usize,
    verb: Verb,
) -> Option<Witness> {
    let (repository, Example { name, path }) = parts.get(&part)?.clone();
    let group = groups.get(group)?;
    Some(Witness {
        user: group.example.clone(),
        is_person: !group.names.is_empty(),
        before: group.before.clone(),
        after: group.after.clone(),
        repository,
        name,
        path,
        verb,
        at: *starts.get(part)?,
    })
}

pub(super) fn holders(groups: &[Group], people: &BTreeSet<usize>) -> Vec<Holders> {
    let mut holders: Vec<Holders> = Vec::new();
    for group in people.iter().filter_map(|number| groups.get(*number)) {
        let known =
            holders.iter().position(|known| known.before == group.before && known.after == group.after);
        let place = known.unwrap_or_else(|| {
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
