//! Where the verdict differs under two lists of rules: classes of refs within classes of repositories.

use std::{collections::HashMap, rc::Rc};

use super::{
    Because, Bounded, Effect,
    budget::Budget,
    cover::{Cube, cover},
    language::Language,
    nfa::Nfa,
    product::{Cell, Explored, Reached, explore},
    table::{Patterns, Rules, Set, Side, Table},
};
use crate::{
    glob::{Glob, Token},
    name::{RefName, Repository, RuleId},
};

/// Refs on which the verdict differs, in some repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) change: Change,
    pub(super) repositories: Cube,
    pub(super) repository: Repository,
    pub(super) name: RefName,
}

/// How the verdict differs, on which refs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Change {
    pub(super) effect: Effect,
    pub(super) before: Because,
    pub(super) after: Because,
    pub(super) refs: Cube,
}

/// One question: these rules, and what it takes to ask it of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) rules: Rules,
    /// Moving a tag is always forced: there is no update of one.
    pub(super) is_update: bool,
    /// Who is asked about, if that makes a difference.
    pub(super) user: Option<String>,
}

type RefFindings = Rc<[(Change, RefName)]>;

/// Answers questions, each once.
#[derive(Debug)]
pub(super) struct Comparison<'t> {
    table: &'t Table<'t>,
    tags: Option<Glob>,
    whole: HashMap<Question, Rc<[Finding]>>,
    refs: HashMap<Question, RefFindings>,
    pub(super) bounded: Vec<Bounded>,
}

/// A product over some patterns of a table, which are numbered anew.
struct Local<'t> {
    patterns: &'t Patterns,
    numbers: Vec<usize>,
    /// Whether a changed rule includes what it matches.
    wanted: Vec<bool>,
}

impl<'t> Comparison<'t> {
    pub(super) fn new(table: &'t Table<'t>) -> Self {
        let tags = Glob::parse("refs/tags/**").ok();
        Self { table, tags, whole: HashMap::new(), refs: HashMap::new(), bounded: Vec::new() }
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

    fn by_repository(&mut self, question: &Question, budget: &mut Budget) -> Vec<Finding> {
        let table = self.table;
        let changed = table.changed(&question.rules, |rule| (rule.on, rule.refs));
        let on = |number: usize| table.rule(number).and_then(|rule| table.repositories.at(rule.on));
        let local = Local::new(&table.repositories, &question.rules, &changed, on);
        let Some(mut explored) = self.explore(&local, Language::Repositories, "", None, budget) else {
            return Vec::new();
        };
        let mut repositories = Vec::new();
        explored.reached.retain(|one| match repository(&one.witness) {
            Some(repository) => {
                repositories.push(repository);
                true
            }
            None => {
                let why = "no repository was found that lies in the class of these patterns, nor shown that there is none";
                self.bounded.push(local.bounded(why, one.cell.iter().copied()));
                false
            }
        });
        let mut by_change: Vec<(Change, Vec<(usize, RefName)>)> = Vec::new();
        let mut positions: HashMap<Change, usize> = HashMap::new();
        for (number, one) in explored.reached.iter().enumerate() {
            let matched = |pattern| local.matches(&one.cell, pattern);
            let rules = question.rules.filtered(|rule| on(rule).is_some_and(|set| set.holds(matched)));
            let here = Question { rules, is_update: question.is_update, user: question.user.clone() };
            for (change, name) in self.on_refs(here, budget).iter() {
                let position = *positions.entry(change.clone()).or_insert_with(|| {
                    by_change.push((change.clone(), Vec::new()));
                    by_change.len() - 1
                });
                if let Some((_, places)) = by_change.get_mut(position) {
                    places.push((number, name.clone()));
                }
            }
        }
        let mut found = Vec::new();
        for (change, places) in by_change {
            let members: Vec<usize> = places.iter().map(|(number, _)| *number).collect();
            for (cube, example) in cover(&explored.reached, &members, &local.wanted, explored.complete) {
                let name = places.iter().find(|(number, _)| *number == example).map(|(_, name)| name.clone());
                if let (Some(name), Some(repository)) = (name, repositories.get(example).cloned()) {
                    let repositories = local.global(cube);
                    found.push(Finding { change: change.clone(), repositories, repository, name });
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

    fn by_ref(&mut self, question: &Question, budget: &mut Budget) -> Vec<(Change, RefName)> {
        let table = self.table;
        let changed = table.changed(&question.rules, |rule| rule.refs);
        if changed.is_empty() || question.rules.grant_nothing() {
            return Vec::new();
        }
        let refs = |number: usize| table.rule(number).and_then(|rule| table.refs.at(rule.refs));
        let local = Local::new(&table.refs, &question.rules, &changed, refs);
        let user = question.user.as_deref().unwrap_or_default();
        let tags = self.tags.clone().filter(|_| question.is_update);
        let Some(mut explored) = self.explore(&local, Language::Refs, user, tags.as_ref(), budget) else {
            return Vec::new();
        };
        // The pattern behind the last one is the tags'; a name that is too long for git is no name.
        let tag = local.numbers.len();
        let mut names = Vec::new();
        explored.reached.retain(|one| {
            let name = RefName::parse(&one.witness).ok().filter(|_| one.cell.binary_search(&tag).is_err());
            let kept = name.is_some();
            names.extend(name);
            kept
        });
        let mut by_verdict: Vec<((Effect, Because, Because), Vec<usize>)> = Vec::new();
        for (number, Reached { cell, .. }) in explored.reached.iter().enumerate() {
            let decided =
                |side| self.decided(side, |set: &Set| set.holds(|pattern| local.matches(cell, pattern)));
            let (before, after) = (decided(&question.rules.before), decided(&question.rules.after));
            let effect = match (before.permitted, after.permitted) {
                (false, true) => Effect::Gains,
                (true, false) => Effect::Loses,
                _ => continue,
            };
            let verdict = (effect, before, after);
            match by_verdict.iter_mut().find(|(known, _)| *known == verdict) {
                Some((_, members)) => members.push(number),
                None => by_verdict.push((verdict, vec![number])),
            }
        }
        let mut found = Vec::new();
        for ((effect, before, after), members) in by_verdict {
            for (cube, example) in cover(&explored.reached, &members, &local.wanted, explored.complete) {
                if let Some(name) = names.get(example).cloned() {
                    let (before, after) = (before.clone(), after.clone());
                    found.push((Change { effect, before, after, refs: local.global(cube) }, name));
                }
            }
        }
        found
    }

    /// The verdict, as [`crate::decide`] makes it: blocks first, then grants.
    fn decided(&self, side: &Side, holds: impl Fn(&Set) -> bool) -> Because {
        let matching = |numbers: &[usize]| -> Vec<RuleId> {
            let rules = numbers.iter().filter_map(|number| self.table.rule(*number));
            rules
                .filter(|rule| self.table.refs.at(rule.refs).is_some_and(&holds))
                .map(|rule| rule.id.clone())
                .collect()
        };
        let blocks = matching(&side.blocks);
        let grants = matching(&side.grants);
        if blocks.is_empty() || grants.is_empty() {
            return Because { permitted: !grants.is_empty(), rules: grants };
        }
        Because { permitted: false, rules: blocks }
    }

    fn explore(
        &mut self,
        local: &Local<'_>,
        language: Language,
        user: &str,
        more: Option<&Glob>,
        budget: &mut Budget,
    ) -> Option<Explored> {
        let is_other = |local_number: &usize| {
            local.numbers.get(*local_number).is_some_and(|number| local.patterns.glob(*number).is_none())
        };
        let others: Vec<usize> = (0..local.numbers.len()).filter(is_other).collect();
        if !others.is_empty() {
            self.bounded
                .push(local.bounded("`re:` patterns are not compared yet, nor is what they meet", others));
            return None;
        }
        let globs = || local.numbers.iter().filter_map(|number| local.patterns.glob(*number)).chain(more);
        let size: usize = globs().map(|glob| size(glob, user)).sum();
        if size > budget.limits().size {
            self.bounded.push(
                local.bounded("the patterns are too long together to be compared", 0..local.numbers.len()),
            );
            return None;
        }
        let explored = explore(&Nfa::new(globs(), user), language, &local.wanted, budget);
        if !explored.complete {
            let why = "the patterns can meet in too many ways to compare all of them";
            self.bounded.push(local.bounded(why, 0..local.numbers.len()));
        }
        Some(explored)
    }
}

impl<'t> Local<'t> {
    fn new<'s>(
        patterns: &'t Patterns,
        rules: &Rules,
        changed: &[usize],
        set: impl Fn(usize) -> Option<&'s Set>,
    ) -> Self {
        let all = rules.numbers().filter_map(&set).flat_map(|set| set.include.iter().chain(&set.exclude));
        let mut numbers: Vec<usize> = all.copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut wanted = vec![false; numbers.len()];
        for pattern in changed.iter().filter_map(|rule| set(*rule)).flat_map(|set| &set.include) {
            if let Ok(place) = numbers.binary_search(pattern)
                && let Some(wanted) = wanted.get_mut(place)
            {
                *wanted = true;
            }
        }
        Self { patterns, numbers, wanted }
    }

    /// Whether the texts of `cell` match a pattern of the table.
    fn matches(&self, cell: &Cell, pattern: usize) -> bool {
        self.numbers.binary_search(&pattern).is_ok_and(|local| cell.binary_search(&local).is_ok())
    }

    /// A cube in the numbers of the table.
    fn global(&self, cube: Cube) -> Cube {
        let all = |numbers: Vec<usize>| {
            numbers.into_iter().filter_map(|local| self.numbers.get(local).copied()).collect()
        };
        Cube { within: all(cube.within), without: all(cube.without) }
    }

    fn bounded(&self, why: &'static str, patterns: impl IntoIterator<Item = usize>) -> Bounded {
        let numbers = patterns.into_iter().filter_map(|local| self.numbers.get(local));
        Bounded { why, patterns: numbers.map(|number| self.patterns.source(*number).to_owned()).collect() }
    }
}

/// How many places the pattern has in an automaton.
fn size(glob: &Glob, user: &str) -> usize {
    let length = |token: &Token| match token {
        Token::Literal(bytes) => bytes.len(),
        Token::User => user.len(),
        Token::One | Token::Run | Token::Segments | Token::Rest => 2,
    };
    glob.alternatives().iter().map(|tokens| tokens.iter().map(length).sum::<usize>() + 1).sum()
}

/// A repository as Bitbucket writes it: the project in capitals, unless it is somebody's own.
fn repository(key: &[u8]) -> Option<Repository> {
    let text = std::str::from_utf8(key).ok()?;
    let (project, slug) = text.split_once('/')?;
    let project = if project.starts_with('~') { project.to_owned() } else { project.to_ascii_uppercase() };
    Repository::parse(&format!("{project}/{slug}")).ok()
}
