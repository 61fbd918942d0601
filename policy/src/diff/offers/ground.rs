//! Where something differs that rules say of repositories and refs alone.

use std::{collections::HashMap, rc::Rc};

use super::{
    super::{
        bounded::Bounds,
        budget::{Budget, KEPT, TOLD},
        compare::{Grouped, covered, repositories},
        cover::Cube,
        language::Language,
        local::Local,
        patterns::{Interner, Patterns, Set, SetNumber},
    },
    Difference,
};
use crate::name::{RefName, Repository};

/// Rules as nothing but the places that they are about, by number.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) repositories: Patterns,
    pub(super) refs: Patterns,
    /// Of each rule, its repositories and its refs.
    areas: Vec<(SetNumber, SetNumber)>,
}

/// Something that differs, and where.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) what: Rc<Difference>,
    pub(super) repositories: Rc<Cube>,
    pub(super) refs: Rc<Cube>,
    /// A place to show it.
    pub(super) repository: Repository,
    pub(super) name: RefName,
}

/// What is looked for: what `says` makes of the rules that are about a place, among these.
pub(super) struct Search<'s> {
    pub(super) among: &'s [usize],
    /// Who `${user}` is.
    pub(super) user: &'s str,
    pub(super) says: &'s dyn Fn(&[usize]) -> Vec<Difference>,
    /// What it takes to ask `says` of these, in steps.
    pub(super) work: &'s dyn Fn(&[usize]) -> usize,
    /// What is said when the budget does not last.
    pub(super) too_much: &'static str,
}

/// What differs in a repository: on which refs, with one of them.
type OnRefs = Rc<[(Rc<Difference>, Rc<Cube>, RefName)]>;

impl Ground {
    /// Of rules by the sources of their repositories and refs.
    pub(super) fn of(rules: &[(Vec<String>, Vec<String>)]) -> Self {
        let [mut repositories, mut refs] = [(); 2].map(|()| Interner::default());
        for (on, names) in rules {
            repositories.add(on.clone());
            refs.add(names.clone());
        }
        let (mut repositories, mut refs) = (repositories.numbered(true), refs.numbered(false));
        let areas = rules.iter().map(|(on, names)| (repositories.set(on), refs.set(names))).collect();
        Self { repositories, refs, areas }
    }

    /// The refs of a rule.
    pub(super) fn refs_of(&self, rule: usize) -> Option<&Set> {
        self.areas.get(rule).and_then(|(_, refs)| self.refs.at(*refs))
    }

    fn repositories_of(&self, rule: usize) -> Option<&Set> {
        self.areas.get(rule).and_then(|(on, _)| self.repositories.at(*on))
    }

    /// What it takes to look at the places of these rules once, and to keep their numbers, in steps.
    fn work(&self, rules: &[usize]) -> usize {
        let areas = rules.iter().filter_map(|rule| self.areas.get(*rule));
        let patterns = areas.map(|(on, refs)| self.repositories.weight(*on) + self.refs.weight(*refs));
        KEPT * rules.len() + patterns.sum::<usize>()
    }

    /// Everywhere that something differs.
    pub(super) fn search(
        &self,
        search: &Search<'_>,
        budget: &mut Budget,
        bounded: &mut Bounds,
    ) -> Vec<Found> {
        let sets = || search.among.iter().filter_map(|rule| self.repositories_of(*rule));
        let local = Local::of_changed(&self.repositories, sets(), sets());
        let explored = local.explore(Language::Repositories, "", None, budget, bounded);
        let Some(mut explored) = explored else { return Vec::new() };
        let known = repositories(&mut explored, &local, bounded);
        let mut on_refs: HashMap<Vec<usize>, OnRefs> = HashMap::new();
        let work = self.work(search.among);
        let mut by_refs = Grouped::default();
        for (number, one) in explored.reached.iter().enumerate() {
            if !budget.spend(work) {
                bounded.because(search.too_much);
                break;
            }
            let holds = |set: &Set| set.holds(|pattern| local.matches(&one.cell, pattern));
            #[cfg(test)]
            super::super::budget::done(search.among.len());
            let is_here = |rule: &usize| self.repositories_of(*rule).is_some_and(holds);
            let here: Vec<usize> = search.among.iter().copied().filter(is_here).collect();
            let found = on_refs
                .entry(here)
                .or_insert_with_key(|here| self.search_refs(search, here, budget, bounded).into());
            for (what, refs, name) in found.iter() {
                by_refs.add(&(Rc::clone(what), Rc::clone(refs)), number, name);
            }
        }
        let mut found = Vec::new();
        for ((what, refs), places) in by_refs.all {
            for (cube, number, name) in covered(&places, &explored, &local.wanted, budget, bounded) {
                if let Some(repository) = known.get(number).cloned() {
                    let (what, refs) = (Rc::clone(&what), Rc::clone(&refs));
                    let repositories = Rc::new(local.global(cube));
                    found.push(Found { what, repositories, refs, repository, name });
                }
            }
        }
        found
    }

    /// …on the refs of a repository that these rules are about.
    fn search_refs(
        &self,
        search: &Search<'_>,
        here: &[usize],
        budget: &mut Budget,
        bounded: &mut Bounds,
    ) -> Vec<(Rc<Difference>, Rc<Cube>, RefName)> {
        let sets = || here.iter().filter_map(|rule| self.refs_of(*rule));
        let local = Local::of_changed(&self.refs, sets(), sets());
        let explored = local.explore(Language::Refs, search.user, None, budget, bounded);
        let Some(mut explored) = explored else { return Vec::new() };
        // A name that is too long for git is no name.
        let mut names = Vec::new();
        explored.reached.retain(|one| {
            let name = RefName::parse(&one.witness).ok();
            let kept = name.is_some();
            names.extend(name);
            kept
        });
        let mut grouped = Grouped::default();
        let work = self.work(here);
        'all: for (number, one) in explored.reached.iter().enumerate() {
            if !budget.spend(work) {
                bounded.because(search.too_much);
                break;
            }
            let holds = |set: &Set| set.holds(|pattern| local.matches(&one.cell, pattern));
            #[cfg(test)]
            super::super::budget::done(here.len());
            let is_about = |rule: &usize| self.refs_of(*rule).is_some_and(holds);
            let about: Vec<usize> = here.iter().copied().filter(is_about).collect();
            if !budget.spend((search.work)(&about)) {
                bounded.because(search.too_much);
                break;
            }
            for what in (search.says)(&about) {
                if !budget.spend(TOLD * what.words()) {
                    bounded.because(search.too_much);
                    break 'all;
                }
                grouped.add(&Rc::new(what), number, &());
            }
        }
        let mut found = Vec::new();
        for (what, places) in grouped.all {
            for (cube, number, ()) in covered(&places, &explored, &local.wanted, budget, bounded) {
                if let Some(name) = names.get(number).cloned() {
                    found.push((Rc::clone(&what), Rc::new(local.global(cube)), name));
                }
            }
        }
        found
    }
}
