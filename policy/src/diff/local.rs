//! One product: the patterns that matter to a question, numbered anew.

use super::{
    bounded::{Bounded, Bounds},
    budget::Budget,
    cover::Cube,
    language::Language,
    nfa::{Nfa, Pattern},
    patterns::{Patterns, Set},
    product::{Cell, Explored, explore},
};
use crate::glob::{Glob, Token};

/// A product over some patterns of a table.
pub(super) struct Local<'t> {
    patterns: &'t Patterns,
    numbers: Vec<usize>,
    /// Whether texts that it matches are looked for; one more for a pattern of which nobody is told.
    pub(super) wanted: Vec<bool>,
}

impl<'t> Local<'t> {
    /// The patterns of all of `sets`, and what the sets in `changed` include.
    pub(super) fn of_changed<'s>(
        patterns: &'t Patterns,
        sets: impl Iterator<Item = &'s Set>,
        changed: impl Iterator<Item = &'s Set>,
    ) -> Self {
        let mut local = Self::of(patterns, sets);
        for pattern in changed.flat_map(|set| &set.include) {
            if let Ok(place) = local.numbers.binary_search(pattern)
                && let Some(wanted) = local.wanted.get_mut(place)
            {
                *wanted = true;
            }
        }
        local
    }

    /// The patterns of all of `sets`, and whatever matches one more pattern behind them: that which all texts match.
    pub(super) fn of_all<'s>(patterns: &'t Patterns, sets: impl Iterator<Item = &'s Set>) -> Self {
        let mut local = Self::of(patterns, sets);
        local.wanted.push(true);
        local
    }

    fn of<'s>(patterns: &'t Patterns, sets: impl Iterator<Item = &'s Set>) -> Self {
        let mut numbers: Vec<usize> =
            sets.flat_map(|set| set.include.iter().chain(&set.exclude)).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let wanted = vec![false; numbers.len()];
        Self { patterns, numbers, wanted }
    }

    /// The number of a pattern behind the last one of the table.
    pub(super) fn one_more(&self) -> usize {
        self.numbers.len()
    }

    /// Whether the texts of `cell` match a pattern of the table.
    pub(super) fn matches(&self, cell: &Cell, pattern: usize) -> bool {
        self.numbers.binary_search(&pattern).is_ok_and(|local| cell.binary_search(&local).is_ok())
    }

    /// A cube in the numbers of the table.
    pub(super) fn global(&self, cube: Cube) -> Cube {
        let all = |numbers: Vec<usize>| {
            numbers.into_iter().filter_map(|local| self.numbers.get(local).copied()).collect()
        };
        Cube { within: all(cube.within), without: all(cube.without) }
    }

    pub(super) fn bounded(&self, why: &'static str, patterns: impl IntoIterator<Item = usize>) -> Bounded {
        let numbers = patterns.into_iter().filter_map(|local| self.numbers.get(local));
        Bounded::new(why, numbers.map(|number| self.patterns.source(*number)))
    }

    /// The classes of texts; `None` where they are not looked for. What is lacking is told in `bounded`.
    pub(super) fn explore(
        &self,
        language: Language,
        user: &str,
        more: Option<&Glob>,
        budget: &mut Budget,
        bounded: &mut Bounds,
    ) -> Option<Explored> {
        let run = |local_number: &usize| {
            self.numbers.get(*local_number).and_then(|number| self.patterns.automaton(*number))
        };
        let all = 0..self.numbers.len();
        if budget.is_spent() {
            bounded.add(self.bounded(TOO_MANY_WAYS, all));
            return None;
        }
        let not_run: Vec<usize> = all.clone().filter(|number| run(number).is_none()).collect();
        if !not_run.is_empty() {
            let why =
                "these `re:` patterns are too many or too large to be compared, and so is what they meet";
            bounded.add(self.bounded(why, not_run));
            return None;
        }
        let patterns = || all.clone().filter_map(|number| run(&number)).chain(more.map(Pattern::Glob));
        let size: usize = patterns().map(|pattern| size(pattern, user)).sum();
        if size > budget.limits().size {
            let why = "the patterns are too long together to be compared";
            bounded.add(self.bounded(why, all));
            return None;
        }
        // The automaton is as large as the patterns, and is made anew for each product.
        if !budget.spend(size) {
            bounded.add(self.bounded(TOO_MANY_WAYS, all));
            return None;
        }
        let explored = explore(&Nfa::new(patterns(), user), language, &self.wanted, budget);
        if !explored.full.is_empty() {
            let why = "these `re:` patterns grow too large: what they meet is compared in part";
            bounded.add(self.bounded(why, explored.full.iter().copied()));
        } else if !explored.complete {
            bounded.add(self.bounded(TOO_MANY_WAYS, all));
        }
        Some(explored)
    }
}

const TOO_MANY_WAYS: &str = "the patterns can meet in too many ways to compare all of them";

/// What a `re:` pattern counts for, whose places are not known before it is run.
const EXPRESSION_SIZE: usize = 2_000;

/// How many places the pattern has in an automaton.
fn size(pattern: Pattern<'_>, user: &str) -> usize {
    let length = |token: &Token| match token {
        Token::Literal(bytes) => bytes.len(),
        Token::User => user.len(),
        Token::One | Token::Run | Token::Segments | Token::Rest => 2,
    };
    match pattern {
        Pattern::Glob(glob) => {
            glob.alternatives().iter().map(|tokens| tokens.iter().map(length).sum::<usize>() + 1).sum()
        }
        Pattern::Expression(_) => EXPRESSION_SIZE,
    }
}
