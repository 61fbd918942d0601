//! Where the verdict differs under two lists of rules: classes of refs within classes of repositories.

use std::{collections::HashMap, rc::Rc};

use super::{
    bounded::Bounds,
    budget::{Budget, KEPT},
    cover::{Cube, cover},
    language::Language,
    local::Local,
    on_paths::{Difference, PathClass},
    patterns::Set,
    product::{Explored, Reached},
    table::{Rule, Rules, Table},
    verdict::RefKind,
};
use crate::{
    glob::Glob,
    name::{RefName, Repository, TreePath},
    request::Verb,
};

/// Pushes on which the verdict differs, in some repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) change: Change,
    pub(super) repositories: Rc<Cube>,
    pub(super) shown: Rc<Shown>,
}

/// A push to show it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) repository: Repository,
    pub(super) example: Example,
}

/// How the verdict differs, on which refs and paths: each kept once, since the same is found in many classes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Change {
    pub(super) difference: Rc<Difference>,
    pub(super) paths: Rc<PathClass>,
    pub(super) refs: Rc<Cube>,
}

/// A ref and a path to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Example {
    pub(super) name: RefName,
    pub(super) path: Option<TreePath>,
}

/// One question: these rules, and what it takes to ask it of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) rules: Rules,
    pub(super) manner: Manner,
    /// Who is asked about, if that makes a difference.
    pub(super) user: Option<String>,
}

/// What of the verb matters once the rules are chosen by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Manner {
    /// Moving a tag is always forced: there is no update of one.
    Update,
    /// Nothing of what a ref held is looked at when it ceases to be.
    Delete,
    Other,
}

impl Manner {
    pub(super) fn of(verb: Verb) -> Self {
        match verb {
            Verb::Update => Self::Update,
            Verb::Delete => Self::Delete,
            Verb::Create | Verb::Force | Verb::Read | Verb::Admin => Self::Other,
        }
    }
}

type RefFindings = Rc<[(Change, Example)]>;

/// Answers questions, each once.
#[derive(Debug)]
pub(super) struct Comparison<'t> {
    pub(super) table: &'t Table<'t>,
    tags: Option<Glob>,
    /// What every path matches.
    pub(super) everything: Option<Glob>,
    whole: HashMap<Question, Rc<[Finding]>>,
    refs: HashMap<Question, RefFindings>,
    pub(super) paths: HashMap<(Rules, RefKind, bool), super::on_paths::PathFindings>,
    pub(super) bounded: Bounds,
}

pub(super) const TOO_MANY_WAYS: &str = "the policies differ in more ways than are compared at once";

impl<'t> Comparison<'t> {
    pub(super) fn new(table: &'t Table<'t>) -> Self {
        Self {
            table,
            tags: Glob::parse("refs/tags/**").ok(),
            everything: Glob::parse("**").ok(),
            whole: HashMap::new(),
            refs: HashMap::new(),
            paths: HashMap::new(),
            bounded: Bounds::default(),
        }
    }

    /// Everywhere that the verdict differs.
    pub(super) fn findings(&mut self, question: Question, budget: &mut Budget) -> Rc<[Finding]> {
        if let Some(known) = self.whole.get(&question) {
            return Rc::clone(known);
        }
        let found: Rc<[Finding]> = self.by_repository(&question, budget).into();
        self.whole.insert(question, Rc::clone(&found));
        found
    }

    /// Takes steps. False, and said, when there are none left.
    pub(super) fn pay(&mut self, steps: usize, budget: &mut Budget) -> bool {
        let is_paid = budget.spend(steps);
        if !is_paid {
            self.bounded.because(TOO_MANY_WAYS);
        }
        is_paid
    }

    fn by_repository(&mut self, question: &Question, budget: &mut Budget) -> Vec<Finding> {
        let table = self.table;
        let work = table.work(&question.rules);
        if !self.pay(work + KEPT * question.rules.numbers().count(), budget) {
            return Vec::new();
        }
        let changed = table.changed(&question.rules, |rule| (rule.on, rule.refs, rule.says));
        let on = |number: usize| table.rule(number).and_then(|rule| table.repositories.at(rule.on));
        let local = Local::of_changed(
            &table.repositories,
            question.rules.numbers().filter_map(on),
            changed.iter().copied().filter_map(on),
        );
        let explored = local.explore(Language::Repositories, "", None, budget, &mut self.bounded);
        let Some(mut explored) = explored else { return Vec::new() };
        let repositories = repositories(&mut explored, &local, &mut self.bounded);
        let mut by_change = Grouped::default();
        for (number, one) in explored.reached.iter().enumerate() {
            if !self.pay(work, budget) {
                break;
            }
            let matched = |pattern| local.matches(&one.cell, pattern);
            let rules = question.rules.filtered(|rule| on(rule).is_some_and(|set| set.holds(matched)));
            let here = Question { rules, manner: question.manner, user: question.user.clone() };
            for (change, example) in self.on_refs(here, budget).iter() {
                by_change.add(change, number, example);
            }
        }
        let mut found = Vec::new();
        for (change, places) in by_change.all {
            for (cube, number, example) in
                covered(&places, &explored, &local.wanted, budget, &mut self.bounded)
            {
                if let Some(repository) = repositories.get(number).cloned() {
                    let repositories = Rc::new(local.global(cube));
                    let shown = Rc::new(Shown { repository, example });
                    found.push(Finding { change: change.clone(), repositories, shown });
                }
            }
        }
        found
    }

    /// Where the verdict differs in a repository on which these are all the rules.
    fn on_refs(&mut self, question: Question, budget: &mut Budget) -> RefFindings {
        if let Some(known) = self.refs.get(&question) {
            return Rc::clone(known);
        }
        let found: RefFindings = self.by_ref(&question, budget).into();
        self.refs.insert(question, Rc::clone(&found));
        found
    }

    fn by_ref(&mut self, question: &Question, budget: &mut Budget) -> Vec<(Change, Example)> {
        let table = self.table;
        let work = table.work(&question.rules);
        if !self.pay(work + KEPT * question.rules.numbers().count(), budget) {
            return Vec::new();
        }
        let changed = table.changed(&question.rules, |rule| (rule.refs, rule.says));
        if changed.is_empty() || question.rules.grant_nothing() {
            return Vec::new();
        }
        let refs = |number: usize| table.rule(number).and_then(|rule| table.refs.at(rule.refs));
        let local = Local::of_changed(
            &table.refs,
            question.rules.numbers().filter_map(refs),
            changed.iter().copied().filter_map(refs),
        );
        let user = question.user.as_deref().unwrap_or_default();
        let is_update = question.manner == Manner::Update;
        let asks_of_tags = |rule: &Rule<'_>| rule.asks.iter().any(|asked| asked.of_tags);
        let are_tags_other =
            is_update || question.rules.numbers().filter_map(|number| table.rule(number)).any(asks_of_tags);
        let tags = self.tags.clone().filter(|_| are_tags_other);
        let explored = local.explore(Language::Refs, user, tags.as_ref(), budget, &mut self.bounded);
        let Some(mut explored) = explored else { return Vec::new() };
        // The one pattern more is the tags', none of which is ever updated; a name that is too long for git is no name.
        let tag = local.one_more();
        let is_tag = |one: &Reached| one.cell.binary_search(&tag).is_ok();
        let mut names = Vec::new();
        explored.reached.retain(|one| {
            let name = RefName::parse(&one.witness).ok().filter(|_| !(is_update && is_tag(one)));
            let kept = name.is_some();
            names.extend(name);
            kept
        });
        let mut by_difference = Grouped::default();
        for (number, one) in explored.reached.iter().enumerate() {
            if !self.pay(work, budget) {
                break;
            }
            let matches = |set: &Set| set.holds(|pattern| local.matches(&one.cell, pattern));
            let rules = question.rules.filtered(|rule| refs(rule).is_some_and(matches));
            let kind = if is_tag(one) { RefKind::Tag } else { RefKind::Other };
            for (difference, paths, path) in self.on_paths(rules, kind, question.manner, budget).iter() {
                by_difference.add(&(Rc::clone(difference), Rc::clone(paths)), number, path);
            }
        }
        let mut found = Vec::new();
        for ((difference, paths), places) in by_difference.all {
            for (cube, number, path) in covered(&places, &explored, &local.wanted, budget, &mut self.bounded)
            {
                if let Some(name) = names.get(number).cloned() {
                    let (difference, paths) = (Rc::clone(&difference), Rc::clone(&paths));
                    let change = Change { difference, paths, refs: Rc::new(local.global(cube)) };
                    found.push((change, Example { name, path }));
                }
            }
        }
        found
    }
}

/// What was found, in the order in which it was, with the classes in which it was found, and an example in each.
pub(super) struct Grouped<K, E> {
    pub(super) all: Vec<(K, Vec<(usize, E)>)>,
    positions: HashMap<K, usize>,
}

impl<K, E> Default for Grouped<K, E> {
    fn default() -> Self {
        Self { all: Vec::new(), positions: HashMap::new() }
    }
}

impl<K: Clone + Eq + std::hash::Hash, E: Clone> Grouped<K, E> {
    pub(super) fn add(&mut self, key: &K, class: usize, example: &E) {
        let position = *self.positions.entry(key.clone()).or_insert_with(|| {
            self.all.push((key.clone(), Vec::new()));
            self.all.len() - 1
        });
        if let Some((_, places)) = self.all.get_mut(position) {
            places.push((class, example.clone()));
        }
    }
}

/// See [`cover`]; with the number of the class that is the example, and what shows it there.
pub(super) fn covered<E: Clone>(
    places: &[(usize, E)],
    explored: &Explored,
    wanted: &[bool],
    budget: &mut Budget,
    bounded: &mut Bounds,
) -> Vec<(Cube, usize, E)> {
    let members: Vec<usize> = places.iter().map(|(number, _)| *number).collect();
    let shown = |(cube, number): (Cube, usize)| {
        let (_, example) = places.iter().find(|(class, _)| *class == number)?;
        Some((cube, number, example.clone()))
    };
    let all = cover(explored, &members, wanted, budget);
    if !all.complete {
        bounded.because(TOO_MANY_WAYS);
    }
    all.cubes.into_iter().filter_map(shown).collect()
}

/// A repository in each class. Classes without one that is known are left out, and told in `bounded`.
pub(super) fn repositories(
    explored: &mut Explored,
    local: &Local<'_>,
    bounded: &mut Bounds,
) -> Vec<Repository> {
    let mut repositories = Vec::new();
    explored.reached.retain(|one| match repository(&one.witness) {
        Some(repository) => {
            repositories.push(repository);
            true
        }
        None => {
            let why = "no repository was found that lies in the class of these patterns, nor shown that there is none";
            bounded.add(local.bounded(why, one.cell.iter().copied()));
            false
        }
    });
    repositories
}

/// A repository as Bitbucket writes it: the project in capitals, unless it is somebody's own.
fn repository(key: &[u8]) -> Option<Repository> {
    let text = std::str::from_utf8(key).ok()?;
    let (project, slug) = text.split_once('/')?;
    let project = if project.starts_with('~') { project.to_owned() } else { project.to_ascii_uppercase() };
    Repository::parse(&format!("{project}/{slug}")).ok()
}
