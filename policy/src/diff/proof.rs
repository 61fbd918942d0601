//! What can be proved of lists of patterns: that one holds nothing, or nothing that others do not hold.
//!
//! A proof holds for every name that git and Bitbucket accept and for every user. What cannot be put in an automaton
//! is taken for more than it is where that makes a proof harder, and for less where it would make one easier: of a
//! `re:` pattern nothing is known but its text, and `${user}` may be any text. So "not proved" never means "not so".

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    budget::{Budget, Limits},
    language::Language,
    nfa::{Nfa, Pattern},
    patterns::Set,
    product::{Cell, explore_until},
};
use crate::glob::{Glob, Token};

/// A list of patterns, as [`crate::rule::RefSet::sources`] gives it.
#[derive(Debug)]
pub(crate) struct List {
    include: Vec<Item>,
    exclude: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    source: String,
    /// `None` for a `re:` pattern.
    glob: Option<Glob>,
    /// What every text that matches begins with.
    beginning: String,
    by_name: bool,
}

/// Proves, within bounds.
#[derive(Debug)]
pub(crate) struct Prover {
    budget: Budget,
    gave_up: bool,
}

/// The automaton's patterns, each once.
#[derive(Default)]
struct Globs {
    globs: Vec<Glob>,
    numbers: BTreeMap<String, usize>,
}

impl List {
    pub(crate) fn new(sources: &[String]) -> Self {
        let mut list = Self { include: Vec::new(), exclude: Vec::new() };
        for source in sources {
            match source.strip_prefix('!') {
                Some(source) => list.exclude.push(Item::new(source)),
                None => list.include.push(Item::new(source)),
            }
        }
        list.take_out();
        list
    }

    /// Takes what excludes itself out of what includes.
    fn take_out(&mut self) {
        let excluded: HashSet<&str> = self.exclude.iter().map(|item| item.source.as_str()).collect();
        self.include.retain(|item| !excluded.contains(item.source.as_str()));
    }

    /// A text for each pattern that it matches; whether the list holds it, and whether it is a name, is not said.
    pub(crate) fn examples(&self) -> impl Iterator<Item = Vec<u8>> {
        self.include.iter().filter_map(|item| item.glob.as_ref()).map(Glob::example)
    }

    /// Whether a glob that includes matches `text`, for a user called `a`.
    pub(crate) fn includes(&self, text: &[u8]) -> bool {
        self.include.iter().filter_map(|item| item.glob.as_ref()).any(|glob| glob.matches(text, "a"))
    }

    /// What it takes to look at each pattern that includes once, in steps.
    pub(crate) fn work(&self) -> usize {
        let globs = self.include.iter().filter_map(|item| item.glob.as_ref());
        let tokens = globs.flat_map(Glob::alternatives).map(|tokens| tokens.len());
        1 + self.include.len() + tokens.sum::<usize>()
    }

    /// What the product of it and others has at least, in signs.
    fn size(&self) -> usize {
        let excluded = self.exclude.iter().filter(|item| !item.by_name);
        let globs = self.include.iter().chain(excluded).filter_map(|item| item.glob.as_ref());
        globs.map(|glob| 2 * glob.signs() + 1).sum()
    }

    /// Whether one way to choose among the alternatives of a glob holds a character that no ref name holds.
    pub(crate) fn has_way_to_no_ref(&self) -> bool {
        self.has_way_out_of(Language::Refs)
    }

    /// As [`Self::has_way_to_no_ref`], of repositories.
    pub(crate) fn has_way_to_no_repository(&self) -> bool {
        self.has_way_out_of(Language::Repositories)
    }

    fn has_way_out_of(&self, language: Language) -> bool {
        let is_out = |token: &Token| match token {
            Token::Literal(literal) => literal.iter().any(|byte| !language.allows(*byte)),
            Token::One | Token::Run | Token::Segments | Token::Rest | Token::User => false,
        };
        let globs = self.include.iter().filter_map(|item| item.glob.as_ref());
        globs.flat_map(Glob::alternatives).any(|tokens| tokens.iter().any(is_out))
    }

    /// Whether, by how their patterns begin, both lists could hold the same text.
    pub(crate) fn may_meet(&self, other: &Self) -> bool {
        let meets = |one: &Item, two: &Item| {
            one.beginning.starts_with(&two.beginning) || two.beginning.starts_with(&one.beginning)
        };
        self.include.iter().any(|one| other.include.iter().any(|two| meets(one, two)))
    }

    /// Whether each text of the pattern is in this list, since the pattern itself is.
    fn names(&self, item: &Item) -> bool {
        self.exclude.is_empty() && self.include.iter().any(|own| own.source == item.source)
    }
}

impl Item {
    fn new(source: &str) -> Self {
        let glob = if source.starts_with("re:") { None } else { Glob::parse(source).ok() };
        let beginning = source.split(['*', '?', '{', '$', '\\']).next().filter(|_| glob.is_some());
        let beginning = beginning.unwrap_or_default().to_owned();
        Self { source: source.to_owned(), glob, beginning, by_name: source.contains("${user}") }
    }
}

impl Prover {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { budget: Budget::new(limits), gave_up: false }
    }

    /// Whether a proof was not looked for to the end.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Takes steps for something other than a proof. False when there are none left.
    pub(crate) fn spend(&mut self, steps: usize) -> bool {
        let left = self.budget.spend(steps);
        self.gave_up |= !left;
        left
    }

    /// Whether every ref name in `list` is in one of `others`.
    pub(crate) fn refs_within(&mut self, list: &List, others: &[&List]) -> bool {
        self.within(Language::Refs, list, others)
    }

    /// Whether every repository in `list` is in one of `others`.
    pub(crate) fn repositories_within(&mut self, list: &List, others: &[&List]) -> bool {
        self.within(Language::Repositories, list, others)
    }

    /// Whether no ref name is in both lists, for any one user.
    pub(crate) fn refs_apart(&mut self, one: &List, other: &List) -> bool {
        !one.may_meet(other) || self.apart(Language::Refs, one, other)
    }

    /// Whether no repository is in both lists.
    pub(crate) fn repositories_apart(&mut self, one: &List, other: &List) -> bool {
        !one.may_meet(other) || self.apart(Language::Repositories, one, other)
    }

    /// Whether every ref of `refs` in every repository of `on` is in one of `others`, which are repositories and refs.
    pub(crate) fn everywhere_within(&mut self, on: &List, refs: &List, others: &[(&List, &List)]) -> bool {
        let lists: Vec<&List> = others.iter().map(|other| other.0).collect();
        let Some(classes) = self.classes(on, &lists) else { return false };
        classes.iter().all(|class| {
            let here: Vec<&List> =
                class.iter().filter_map(|number| others.get(*number)).map(|other| other.1).collect();
            !here.is_empty() && self.within(Language::Refs, refs, &here)
        })
    }

    fn within(&mut self, language: Language, list: &List, others: &[&List]) -> bool {
        let named = |item: &&Item| others.iter().any(|other| other.names(item));
        let include: Vec<&Item> = list.include.iter().filter(|item| !named(item)).collect();
        self.explore(language, &include, &list.exclude, others, |holding| holding.is_empty())
    }

    /// For each class of repositories in `list`, which of `others` surely hold it.
    fn classes(&mut self, list: &List, others: &[&List]) -> Option<BTreeSet<Vec<usize>>> {
        let names_all = |other: &&List| list.include.iter().all(|item| other.names(item));
        let always: Vec<usize> =
            (0..others.len()).filter(|at| others.get(*at).is_some_and(names_all)).collect();
        let include: Vec<&Item> = list.include.iter().collect();
        let mut classes = BTreeSet::new();
        let explored =
            self.explore(Language::Repositories, &include, &list.exclude, others, |mut holding| {
                holding.extend(&always);
                holding.sort_unstable();
                holding.dedup();
                classes.insert(holding);
                false
            });
        explored.then_some(classes)
    }

    /// Calls `found` for every class of texts that may be in a list, with those of `others` that surely hold it, until
    /// it says that this is enough. Whether that was all.
    fn explore(
        &mut self,
        language: Language,
        include: &[&Item],
        exclude: &[Item],
        others: &[&List],
        mut found: impl FnMut(Vec<usize>) -> bool,
    ) -> bool {
        let mut globs = Globs::default();
        let list = globs.at_most(include, exclude);
        let others: Vec<Set> = others.iter().map(|other| globs.at_least(other)).collect();
        self.search(language, &globs, &list, |cell| {
            let holds = |other: &Set| other.holds(|pattern| cell.binary_search(&pattern).is_ok());
            let holding = others.iter().enumerate().filter(|(_, other)| holds(other));
            found(holding.map(|(number, _)| number).collect())
        })
    }

    fn apart(&mut self, language: Language, one: &List, other: &List) -> bool {
        // What is too large is not even copied.
        if one.size().max(other.size()) > self.budget.limits().size {
            self.gave_up = true;
            return false;
        }
        let mut globs = Globs::default();
        let mut at_most = |list: &List| {
            let include: Vec<&Item> = list.include.iter().collect();
            globs.at_most(&include, &list.exclude)
        };
        let (one, other) = (at_most(one), at_most(other));
        self.search(language, &globs, &one, |cell| {
            other.holds(|pattern| cell.binary_search(&pattern).is_ok())
        })
    }

    /// Calls `found` for every class of texts in `list`, until it says that this is enough. Whether that was all.
    fn search(
        &mut self,
        language: Language,
        globs: &Globs,
        list: &Set,
        mut found: impl FnMut(&Cell) -> bool,
    ) -> bool {
        let size: usize = globs.globs.iter().map(|glob| 2 * glob.signs() + 1).sum();
        if size > self.budget.limits().size || !self.budget.spend(size) {
            self.gave_up = true;
            return false;
        }
        let mut wanted = vec![false; globs.globs.len()];
        for number in &list.include {
            if let Some(wanted) = wanted.get_mut(*number) {
                *wanted = true;
            }
        }
        let mut enough = false;
        let nfa = Nfa::new(globs.globs.iter().map(Pattern::Glob), "");
        let explored = explore_until(&nfa, language, &wanted, &mut self.budget, |cell| {
            enough = list.holds(|pattern| cell.binary_search(&pattern).is_ok()) && found(cell);
            enough
        });
        self.gave_up |= !explored.complete && !enough;
        explored.complete
    }
}

impl Globs {
    fn number(&mut self, item: &Item) -> Option<usize> {
        if let Some(number) = self.numbers.get(&item.source) {
            return Some(*number);
        }
        self.add(&item.source, item.glob.as_ref()?.for_anybody())
    }

    fn add(&mut self, source: &str, glob: Glob) -> Option<usize> {
        self.globs.push(glob);
        self.numbers.insert(source.to_owned(), self.globs.len() - 1);
        Some(self.globs.len() - 1)
    }

    fn everything(&mut self) -> Option<usize> {
        match self.numbers.get("**") {
            Some(number) => Some(*number),
            None => Glob::parse("**").ok().and_then(|glob| self.add("**", glob)),
        }
    }

    /// No less than such a list holds, whoever asks.
    fn at_most(&mut self, include: &[&Item], exclude: &[Item]) -> Set {
        let mut set = Set { include: Vec::new(), exclude: Vec::new() };
        for item in include {
            set.include.extend(if item.glob.is_some() { self.number(item) } else { self.everything() });
        }
        for item in exclude.iter().filter(|item| !item.by_name) {
            set.exclude.extend(self.number(item));
        }
        set
    }

    /// No more than the list holds, whoever asks.
    fn at_least(&mut self, list: &List) -> Set {
        let mut set = Set { include: Vec::new(), exclude: Vec::new() };
        if list.exclude.iter().any(|item| item.glob.is_none()) {
            return set;
        }
        for item in list.include.iter().filter(|item| !item.by_name) {
            set.include.extend(self.number(item));
        }
        for item in &list.exclude {
            set.exclude.extend(self.number(item));
        }
        set
    }
}
