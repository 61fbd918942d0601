//! What may be asked for: roles for a while, of elevations by people, and of workloads by jobs.
//!
//! What is compared is what one may ask for of one ref in one repository, and of one verb; who asks for several at once
//! needs one rule that has them all. Where several elevations would do, the first by its id is the one that is asked by, as
//! when somebody really asks. Of jobs those are compared whose tokens say just what one of the workloads asks for: what others may
//! lease is the sum of that, but for the terms where two workloads that are about the same token do not lead to the same.

mod answer;
mod ground;
mod jobs;
mod people;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

pub use answer::{AskTerms, Job, LeaseTerms, OfferChange, OfferEffect, OfferPlace, OfferTerms, Whom};

use super::{
    bounded::Bounds,
    budget::{Budget, KEPT, TOLD},
    cover::Cube,
    merge::class,
    people::{Everybody, Group},
};
use crate::{
    name::{RefName, Repository, RoleId, Username},
    request::Verb,
    rule::{Policy, VerbSet},
};
use ground::{Found, Ground};

/// How something may be asked for otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Difference {
    effect: OfferEffect,
    before: Vec<OfferTerms>,
    after: Vec<OfferTerms>,
}

impl Difference {
    /// Which of three effects it is.
    fn new(effects: [OfferEffect; 3], before: Vec<OfferTerms>, after: Vec<OfferTerms>) -> Self {
        let [comes, goes, otherwise] = effects;
        let effect = match (before.is_empty(), after.is_empty()) {
            (true, _) => comes,
            (_, true) => goes,
            _ => otherwise,
        };
        Self { effect, before, after }
    }

    /// How much is told, in words.
    fn words(&self) -> usize {
        self.before.iter().chain(&self.after).map(OfferTerms::words).sum()
    }
}

/// What is offered otherwise.
pub(super) fn offers(
    old: &Policy,
    new: &Policy,
    everybody: &Everybody,
    budget: &mut Budget,
    bounded: &mut Bounds,
) -> Vec<OfferChange> {
    let mut offers = people::asking(old, new, everybody, budget, bounded);
    offers.extend(people::approving(old, new, everybody, budget, bounded));
    offers.extend(jobs::leasing(old, new, budget, bounded));
    offers
}

/// Where something differs, said in patterns.
type Where = (Rc<Cube>, Rc<Cube>);

/// To whom it happens, by their numbers; and of which verbs.
type Concerned = (BTreeSet<usize>, Vec<Verb>);

/// Everything that was found of one kind.
#[derive(Debug, Default)]
struct Collected(BTreeMap<(Rc<Difference>, RoleId), BTreeMap<Where, Seen>>);

/// Whom it was found for, by which verbs, and what shows it.
#[derive(Debug)]
struct Seen {
    by_verb: BTreeMap<Option<Verb>, BTreeSet<usize>>,
    repository: Repository,
    name: RefName,
    group: usize,
}

impl Collected {
    fn add(&mut self, found: Found, role: &RoleId, group: usize, verb: Option<Verb>) {
        let Found { what, repositories, refs, repository, name } = found;
        let places = self.0.entry((what, role.clone())).or_default();
        let seen = places.entry((repositories, refs)).or_insert_with(|| Seen {
            by_verb: BTreeMap::new(),
            repository,
            name,
            group,
        });
        seen.by_verb.entry(verb).or_default().insert(group);
    }

    /// What it takes to keep that something was found for somebody who holds so many roles, in steps.
    fn work(found: &Found, roles: usize) -> usize {
        TOLD * (1 + found.what.words()) + KEPT * roles
    }

    /// The changes. `who` says who the numbers are, and whose name stands in a ref.
    fn changes(
        self,
        ground: &Ground,
        who: impl Fn(&BTreeSet<usize>) -> Whom,
        user: impl Fn(usize) -> Option<Username>,
    ) -> Vec<OfferChange> {
        let mut changes = Vec::new();
        for ((how, role), by_place) in self.0 {
            let Difference { effect, before, after } = Rc::unwrap_or_clone(how);
            let mut merged: BTreeMap<Concerned, Vec<OfferPlace>> = BTreeMap::new();
            for ((repositories, refs), seen) in by_place {
                // The same people by several verbs: one change.
                let mut alike: BTreeMap<BTreeSet<usize>, Vec<Verb>> = BTreeMap::new();
                for (verb, people) in seen.by_verb {
                    alike.entry(people).or_default().extend(verb);
                }
                for (people, verbs) in alike {
                    merged.entry((people, verbs)).or_default().push(OfferPlace {
                        repositories: class(&repositories, &ground.repositories),
                        refs: class(&refs, &ground.refs),
                        repository: seen.repository.clone(),
                        name: seen.name.clone(),
                        user: user(seen.group),
                    });
                }
            }
            changes.extend(merged.into_iter().map(|((people, verbs), places)| OfferChange {
                effect,
                role: role.clone(),
                verbs: verbs.into_iter().collect::<VerbSet>(),
                who: who(&people),
                before: before.clone(),
                after: after.clone(),
                places,
            }));
        }
        changes
    }
}

/// Who stands in a ref as `${user}`; nobody where they are only roles.
fn user(groups: &[Group], number: usize) -> Option<Username> {
    groups.get(number).filter(|group| !group.names.is_empty()).map(|group| group.example.clone())
}
