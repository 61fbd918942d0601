//! The product of patterns: which sets of them some text matches all of and no other, with the shortest such text.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque, hash_map::Entry},
    rc::Rc,
};

use super::{
    budget::Budget,
    expression::Full,
    language::{Language, State},
    nfa::{Nfa, Position},
    utf8,
};

/// A set of patterns, ascending by number.
pub(super) type Cell = Box<[usize]>;

/// The texts that match exactly these patterns: a class that no pattern tells apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) cell: Cell,
    /// The shortest of them, of readable characters where there is a choice.
    pub(super) witness: Box<[u8]>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Explored {
    pub(super) reached: Vec<Reached>,
    /// Whether that is all that there is.
    pub(super) complete: bool,
    /// `re:` patterns that grew beyond their bounds: what they meet is not all there.
    pub(super) full: Vec<usize>,
}

/// The order in which bytes are tried, so that witnesses are readable: letters, then digits, …, then the
/// beginnings and ends of well-known letters beyond ASCII.
const READABLE: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-_/.ABCDEFGHIJKLMNOPQRSTUVWXYZ\
    \xc3\xa9\x88\x96\xe5\xe0\xed\xf0\xf1\xf4";

type Known = (State, Rc<[Position]>);

struct Search<'a> {
    nfa: &'a Nfa,
    language: Language,
    /// For each pattern, whether texts that it includes are looked for.
    wanted: &'a [bool],
    alphabet: Vec<u8>,
    /// How each state was first reached: from which, by which byte.
    trail: Vec<(usize, u8)>,
    numbers: HashMap<Known, usize>,
    queue: VecDeque<(usize, Known)>,
}

/// Finds every class of texts of `language` that some pattern of `wanted` matches.
pub(super) fn explore(nfa: &Nfa, language: Language, wanted: &[bool], budget: &mut Budget) -> Explored {
    explore_until(nfa, language, wanted, budget, |_| false)
}

/// As [`explore`], up to the first class that is `sought`.
pub(super) fn explore_until(
    nfa: &Nfa,
    language: Language,
    wanted: &[bool],
    budget: &mut Budget,
    sought: impl FnMut(&Cell) -> bool,
) -> Explored {
    let mut search = Search {
        nfa,
        language,
        wanted,
        alphabet: alphabet(nfa, language),
        trail: Vec::new(),
        numbers: HashMap::new(),
        queue: VecDeque::new(),
    };
    search.run(budget, sought)
}

impl Search<'_> {
    fn run(&mut self, budget: &mut Budget, mut sought: impl FnMut(&Cell) -> bool) -> Explored {
        let mut reached: Vec<(Cell, usize)> = Vec::new();
        let mut seen: HashMap<Cell, ()> = HashMap::new();
        let mut product = budget.product();
        let alphabet = std::mem::take(&mut self.alphabet);
        let mut complete = true;
        self.enter((0, self.nfa.start().into()), (0, 0));
        'search: while let Some((number, (state, positions))) = self.queue.pop_front() {
            if self.language.accepts(state)
                && let Ok(Some(cell)) = self.cell(&positions)
                && let Entry::Vacant(new) = seen.entry(cell)
            {
                reached.push((new.key().clone(), number));
                if sought(new.key()) {
                    complete = false;
                    break;
                }
                new.insert(());
            }
            for byte in &alphabet {
                let Some(next) = self.language.next(state, *byte) else { continue };
                if !product.spend(positions.len() + 1, self.trail.len(), seen.len()) {
                    complete = false;
                    break 'search;
                }
                // What a pattern that is too large does not meet is found all the same.
                let Ok(after) = self.nfa.step(&positions, *byte) else { continue };
                if after.iter().any(|at| self.is_wanted(self.nfa.owner(*at))) {
                    self.enter((next, after.into()), (number, *byte));
                }
            }
        }
        budget.return_rest(&product);
        let with_witness = |(cell, number)| Reached { cell, witness: self.witness(number) };
        let reached = reached.into_iter().map(with_witness).collect();
        let full = self.nfa.full();
        Explored { reached, complete: complete && full.is_empty(), full }
    }

    fn is_wanted(&self, pattern: usize) -> bool {
        self.wanted.get(pattern).copied().unwrap_or(false)
    }

    fn enter(&mut self, known: Known, by: (usize, u8)) {
        if let Entry::Vacant(new) = self.numbers.entry(known) {
            let number = self.trail.len();
            self.queue.push_back((number, new.key().clone()));
            new.insert(number);
            self.trail.push(by);
        }
    }

    /// The patterns that match here, when one that is wanted does.
    fn cell(&self, positions: &[Position]) -> Result<Option<Cell>, Full> {
        let matched = positions.iter().filter_map(|at| self.nfa.accepts(*at).transpose());
        let cell: BTreeSet<usize> = matched.collect::<Result<_, _>>()?;
        let is_wanted = cell.iter().any(|pattern| self.is_wanted(*pattern));
        Ok(is_wanted.then(|| cell.into_iter().collect()))
    }

    fn witness(&self, number: usize) -> Box<[u8]> {
        let mut bytes = Vec::new();
        let mut at = number;
        while at != 0
            && let Some((before, byte)) = self.trail.get(at)
        {
            bytes.push(*byte);
            at = *before;
        }
        bytes.reverse();
        bytes.into()
    }
}

/// One byte of each kind that the patterns and the language tell apart, the most readable one, readable ones first.
fn alphabet(nfa: &Nfa, language: Language) -> Vec<u8> {
    let by_character = nfa.counts_characters() || language == Language::Repositories;
    let mut kinds_seen = HashSet::new();
    let rest = (0..=u8::MAX).filter(|byte| !READABLE.contains(byte));
    let mut chosen = Vec::new();
    for byte in READABLE.iter().copied().chain(rest).filter(|byte| language.allows(*byte)) {
        let kind = if by_character { utf8::kind(byte) } else { 0 };
        let is_marked = nfa.marks(byte) || language.marks().contains(&byte);
        if is_marked || kinds_seen.insert((kind, nfa.classes(byte))) {
            chosen.push(byte);
        }
    }
    chosen
}
