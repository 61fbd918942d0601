//! Where something differs that rules say of repositories and refs alone.

use std::{collections::HashMap, hash::Hash, rc::Rc};

use super::super::{
    Bounded,
    budget::Budget,
    compare::{Grouped, covered, repositories},
    cover::Cube,
    language::Language,
    local::Local,
    patterns::{Interner, Patterns, Set, SetNumber},
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
pub(super) struct Found<K> {
    pub(super) what: K,
    pub(super) repositories: Cube,
    pub(super) refs: Cube,
    /// A place to show it.
    pub(super) repository: Repository,
    pub(super) name: RefName,
}

/// What is looked for: what `says` makes of the rules that are about a place, among these.
pub(super) struct Search<'s, F> {
    pub(super) among: &'s [usize],
    /// Who `${user}` is.
    pub(super) user: &'s str,
    pub(super) says: F,
}

/// What differs in a repository: on which refs, with one of them.
type OnRefs<K> = Rc<[(K, Cube, RefName)]>;

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

    /// Everywhere that something differs.
    pub(super) fn search<K: Clone + Eq + Hash, F: Fn(&[usize]) -> Vec<K>>(
        &self,
        search: &Search<'_, F>,
        budget: &mut Budget,
        bounded: &mut Vec<Bounded>,
    ) -> Vec<Found<K>> {
        let sets = || search.among.iter().filter_map(|rule| self.repositories_of(*rule));
        let local = Local::of_changed(&self.repositories, sets(), sets());
        let explored = local.explore(Language::Repositories, "", None, budget, bounded);
        let Some(mut explored) = explored else { return Vec::new() };
        let known = repositories(&mut explored, &local, bounded);
        let mut on_refs: HashMap<Vec<usize>, OnRefs<K>> = HashMap::new();
        let mut by_refs = Grouped::default();
        for (number, one) in explored.reached.iter().enumerate() {
            let holds = |set: &Set| set.holds(|pattern| local.matches(&one.cell, pattern));
            let is_here = |rule: &usize| self.repositories_of(*rule).is_some_and(holds);
            let here: Vec<usize> = search.among.iter().copied().filter(is_here).collect();
            let found = on_refs
                .entry(here)
                .or_insert_with_key(|here| self.search_refs(search, here, budget, bounded).into());
            for (what, refs, name) in found.iter() {
                by_refs.add(&(what.clone(), refs.clone()), number, name);
            }
        }
        let mut found = Vec::new();
        for ((what, refs), places) in by_refs.all {
            for (cube, number, name) in covered(&places, &explored.reached, &local.wanted, explored.complete)
            {
                if let Some(repository) = known.get(number).cloned() {
                    let (what, refs, repositories) = (what.clone(), refs.clone(), local.global(cube));
                    found.push(Found { what, repositories, refs, repository, name });
                }
            }
        }
        found
    }

    /// …on the refs of a repository that these rules are about.
    fn search_refs<K: Clone + Eq + Hash, F: Fn(&[usize]) -> Vec<K>>(
        &self,
        search: &Search<'_, F>,
        here: &[usize],
        budget: &mut Budget,
        bounded: &mut Vec<Bounded>,
    ) -> Vec<(K, Cube, RefName)> {
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
        for (number, one) in explored.reached.iter().enumerate() {
            let holds = |set: &Set| set.holds(|pattern| local.matches(&one.cell, pattern));
            let is_about = |rule: &usize| self.refs_of(*rule).is_some_and(holds);
            let about: Vec<usize> = here.iter().copied().filter(is_about).collect();
            for what in (search.says)(&about) {
                grouped.add(&what, number, &());
            }
        }
        let mut found = Vec::new();
        for (what, places) in grouped.all {
            for (cube, number, ()) in covered(&places, &explored.reached, &local.wanted, explored.complete) {
                if let Some(name) = names.get(number).cloned() {
                    found.push((what.clone(), local.global(cube), name));
                }
            }
        }
        found
    }
}
