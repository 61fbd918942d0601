//! The patterns of two policies, numbered once.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use super::{expression::Expression, nfa::Pattern};
use crate::glob::Glob;

pub(super) type SetNumber = usize;

/// Patterns of one kind, and the lists of them that rules hold.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    sources: Vec<String>,
    automata: Vec<Automaton>,
    sets: Vec<Set>,
    numbers: HashMap<Set, SetNumber>,
}

/// How a pattern can be compared.
#[derive(Debug)]
enum Automaton {
    Glob(Glob),
    Expression(Rc<Expression>),
    /// Not at all: there is no automaton of it within the bounds.
    Nothing,
}

/// How many different `re:` patterns are compared at once. Each takes memory of its own.
const MOST_EXPRESSIONS: usize = 500;

/// A list of patterns, by number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Set {
    pub(super) include: Vec<usize>,
    pub(super) exclude: Vec<usize>,
}

impl Set {
    /// Whether a text that matches just the patterns for which `matched` says so is in the set.
    pub(super) fn holds(&self, matched: impl Fn(usize) -> bool) -> bool {
        self.include.iter().any(|pattern| matched(*pattern))
            && !self.exclude.iter().any(|pattern| matched(*pattern))
    }
}

impl Patterns {
    pub(super) fn source(&self, pattern: usize) -> &str {
        self.sources.get(pattern).map_or("", String::as_str)
    }

    /// What is run of it; `None` where nothing can be.
    pub(super) fn automaton(&self, pattern: usize) -> Option<Pattern<'_>> {
        match self.automata.get(pattern)? {
            Automaton::Glob(glob) => Some(Pattern::Glob(glob)),
            Automaton::Expression(expression) => Some(Pattern::Expression(expression)),
            Automaton::Nothing => None,
        }
    }

    pub(super) fn at(&self, number: SetNumber) -> Option<&Set> {
        self.sets.get(number)
    }

    /// How many patterns a list has.
    pub(super) fn weight(&self, number: SetNumber) -> usize {
        self.at(number).map_or(0, |set| set.include.len() + set.exclude.len())
    }

    pub(super) fn set(&mut self, sources: &[String]) -> SetNumber {
        let mut set = Set { include: Vec::new(), exclude: Vec::new() };
        for source in sources {
            let (list, source) = match source.strip_prefix('!') {
                Some(source) => (&mut set.exclude, source),
                None => (&mut set.include, source.as_str()),
            };
            list.extend(self.sources.binary_search_by(|known| known.as_str().cmp(source)).ok());
        }
        let next = self.sets.len();
        *self.numbers.entry(set).or_insert_with_key(|set| {
            self.sets.push(set.clone());
            next
        })
    }
}

/// Gathers patterns before they are numbered, in order, so that the numbers do not depend on which policy is old.
#[derive(Debug, Default)]
pub(super) struct Interner(BTreeMap<String, Option<Glob>>);

impl Interner {
    pub(super) fn add(&mut self, sources: Vec<String>) {
        for source in sources {
            let source = source.strip_prefix('!').unwrap_or(&source);
            if !self.0.contains_key(source) {
                let glob = if source.starts_with("re:") { None } else { Glob::parse(source).ok() };
                self.0.insert(source.to_owned(), glob);
            }
        }
    }

    /// `in_any_case`: `re:` patterns match in either case, as those of repositories do.
    pub(super) fn numbered(self, in_any_case: bool) -> Patterns {
        let mut patterns = Patterns::default();
        let mut expressions = 0;
        for (source, glob) in self.0 {
            let automaton = match (glob, source.strip_prefix("re:")) {
                (Some(glob), _) => Automaton::Glob(glob),
                (None, Some(expression)) if expressions < MOST_EXPRESSIONS => {
                    expressions += 1;
                    Expression::new(expression, in_any_case)
                        .map_or(Automaton::Nothing, |expression| Automaton::Expression(Rc::new(expression)))
                }
                (None, _) => Automaton::Nothing,
            };
            patterns.sources.push(source);
            patterns.automata.push(automaton);
        }
        patterns
    }
}
