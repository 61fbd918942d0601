//! Patterns as one automaton: every way in which any of them can match a text, followed at once.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    expression::{Expression, Full, State},
    utf8::{self, Pending, Step},
};
use crate::glob::{Glob, Token};

/// A place in a pattern, with what is known of the character at hand. See [`Nfa`].
pub(super) type Position = u32;

/// The patterns.
///
/// A position is 16 × (number of the node) + a state of mind:
/// 0: none; 1 to 7: within a character of several bytes that a `?` takes;
/// 8 to 14: a `?` took a single byte, which is right only if the bytes to come do not make a character of it.
///
/// A `re:` pattern has nodes of its own behind those of all globs: one for each state of its automaton that was reached.
#[derive(Debug, Default)]
pub(super) struct Nfa {
    nodes: Vec<Node>,
    owners: Vec<usize>,
    starts: Vec<Position>,
    patterns: usize,
    /// The `re:` patterns, each with its number.
    expressions: Vec<(usize, Rc<Expression>)>,
    reached: RefCell<States>,
}

/// A pattern of an automaton.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pattern<'a> {
    Glob(&'a Glob),
    Expression(&'a Rc<Expression>),
}

/// States of `re:` patterns, in the order in which they were reached, and which patterns have grown beyond their bounds.
#[derive(Debug, Default)]
struct States {
    /// Which expression it is of.
    known: Vec<(usize, State)>,
    numbers: HashMap<(usize, State), usize>,
    full: BTreeSet<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Byte(u8),
    /// `?`
    Character,
    /// `*`
    Run,
    /// Before `**/`: past it, or within.
    Segments,
    /// Within `**/`.
    InSegments,
    /// `**` at the end, before the first byte.
    Rest,
    /// …and behind it.
    Tail,
    End,
}

const DOUBT: u32 = utf8::STATES as u32;

impl Nfa {
    /// The automaton of these patterns, with `user` in the place of `${user}`. Patterns are numbered in their order.
    pub(super) fn new<'p>(patterns: impl IntoIterator<Item = Pattern<'p>>, user: &str) -> Self {
        let mut nfa = Self::default();
        for pattern in patterns {
            match pattern {
                Pattern::Glob(glob) => {
                    for tokens in glob.alternatives() {
                        nfa.add(tokens, user.as_bytes());
                    }
                }
                Pattern::Expression(expression) => {
                    nfa.expressions.push((nfa.patterns, Rc::clone(expression)));
                }
            }
            nfa.patterns += 1;
        }
        nfa
    }

    fn add(&mut self, tokens: &[Token], user: &[u8]) {
        let first = self.nodes.len();
        for token in tokens {
            match token {
                Token::Literal(bytes) => self.nodes.extend(bytes.iter().copied().map(Node::Byte)),
                Token::User => self.nodes.extend(user.iter().copied().map(Node::Byte)),
                Token::One => self.nodes.push(Node::Character),
                Token::Run => self.nodes.push(Node::Run),
                Token::Segments => self.nodes.extend([Node::Segments, Node::InSegments]),
                Token::Rest => self.nodes.extend([Node::Rest, Node::Tail]),
            }
        }
        self.nodes.push(Node::End);
        self.owners.resize(self.nodes.len(), self.patterns);
        self.starts.push(position(first, 0));
    }

    /// Whether a byte has a meaning of its own.
    pub(super) fn marks(&self, byte: u8) -> bool {
        self.nodes.contains(&Node::Byte(byte))
    }

    /// Whether the borders of characters matter.
    pub(super) fn counts_characters(&self) -> bool {
        self.nodes.contains(&Node::Character)
    }

    /// What `re:` patterns make of a byte: bytes of which all make the same are alike to them.
    pub(super) fn classes(&self, byte: u8) -> Vec<u8> {
        self.expressions.iter().map(|(_, expression)| expression.class(byte)).collect()
    }

    /// The `re:` patterns that have grown beyond their bounds.
    pub(super) fn full(&self) -> Vec<usize> {
        self.reached.borrow().full.iter().copied().collect()
    }

    /// Before the first byte.
    pub(super) fn start(&self) -> Vec<Position> {
        let mut set = Vec::new();
        for start in &self.starts {
            self.reach(*start, &mut set);
        }
        for (number, (_, expression)) in self.expressions.iter().enumerate() {
            set.push(self.position_of(number, expression.start()));
        }
        self.settled(set)
    }

    /// After one more byte.
    pub(super) fn step(&self, from: &[Position], byte: u8) -> Result<Vec<Position>, Full> {
        let mut set = Vec::new();
        for at in from {
            match self.expression(*at) {
                None => self.step_one(*at, byte, &mut set),
                Some((number, state)) => {
                    let next = self.ask(number, |expression| expression.step(state, byte))?;
                    set.extend(next.map(|next| self.position_of(number, next)));
                }
            }
        }
        Ok(self.settled(set))
    }

    /// The pattern that a position is of.
    pub(super) fn owner(&self, at: Position) -> usize {
        let of_expression = || {
            let (number, _) = self.expression(at)?;
            self.expressions.get(number).map(|(pattern, _)| *pattern)
        };
        self.owners.get(node(at)).copied().or_else(of_expression).unwrap_or(usize::MAX)
    }

    /// The pattern that matches a text that ends here.
    pub(super) fn accepts(&self, at: Position) -> Result<Option<usize>, Full> {
        let ends = match self.expression(at) {
            None => matches!(self.nodes.get(node(at)), Some(Node::End | Node::Tail)),
            Some((number, state)) => self.ask(number, |expression| expression.accepts(state))?,
        };
        Ok(ends.then(|| self.owner(at)))
    }

    /// The `re:` pattern that a position is of, and where in it.
    fn expression(&self, at: Position) -> Option<(usize, State)> {
        let place = node(at).checked_sub(self.nodes.len())?;
        self.reached.borrow().known.get(place).copied()
    }

    fn position_of(&self, number: usize, state: State) -> Position {
        let mut reached = self.reached.borrow_mut();
        let next = reached.known.len();
        let place = *reached.numbers.entry((number, state)).or_insert(next);
        if place == next {
            reached.known.push((number, state));
        }
        position(self.nodes.len() + place, 0)
    }

    /// Asks an expression, and remembers it when that is too large to answer.
    fn ask<T>(&self, number: usize, ask: impl FnOnce(&Expression) -> Result<T, Full>) -> Result<T, Full> {
        let (pattern, expression) = self.expressions.get(number).ok_or(Full)?;
        ask(expression).inspect_err(|Full| {
            self.reached.borrow_mut().full.insert(*pattern);
        })
    }

    fn step_one(&self, at: Position, byte: u8, set: &mut Vec<Position>) {
        let (place, mind) = (node(at), at & 15);
        if (1..=DOUBT).contains(&mind) {
            match utf8::advance(pending(mind), byte) {
                Step::Broken => {}
                Step::Done => self.reach(position(place + 1, 0), set),
                Step::More(more) => set.push(position(place, u32::from(more))),
            }
            return;
        }
        let doubt = match mind.checked_sub(DOUBT).filter(|mind| *mind > 0).map(pending) {
            None => 0,
            Some(before) => match utf8::advance(before, byte) {
                Step::Broken => 0,
                Step::Done => return,
                Step::More(more) => u32::from(more) + DOUBT,
            },
        };
        let Some(sign) = self.nodes.get(place) else { return };
        match sign {
            Node::Byte(wanted) if *wanted == byte => self.reach(position(place + 1, doubt), set),
            Node::Run if byte != b'/' => self.reach(position(place, doubt), set),
            Node::Rest => set.push(position(place + 1, doubt)),
            Node::Tail => set.push(position(place, doubt)),
            Node::InSegments => {
                set.push(position(place, doubt));
                if byte == b'/' {
                    self.reach(position(place + 1, doubt), set);
                }
            }
            Node::Character if byte != b'/' => match utf8::begin(byte) {
                None => self.reach(position(place + 1, doubt), set),
                Some(begun) => {
                    set.push(position(place, u32::from(begun)));
                    self.reach(position(place + 1, u32::from(begun) + DOUBT), set);
                }
            },
            Node::Byte(_) | Node::Run | Node::Character | Node::Segments | Node::End => {}
        }
    }

    /// Adds a place, and those that are reached from it without a byte.
    fn reach(&self, at: Position, set: &mut Vec<Position>) {
        let mut at = at;
        loop {
            match self.nodes.get(node(at)) {
                Some(Node::Run) => set.push(at),
                Some(Node::Segments) => {
                    set.push(at + 16);
                    at += 16;
                }
                _ => {
                    set.push(at);
                    return;
                }
            }
            at += 16;
        }
    }

    /// In order, each once; and of a pattern that matches whatever comes, nothing but that.
    fn settled(&self, mut set: Vec<Position>) -> Vec<Position> {
        set.sort_unstable();
        set.dedup();
        let certain = |at: &Position| *at & 15 == 0 && self.nodes.get(node(*at)) == Some(&Node::Tail);
        let mut sure: Vec<usize> = set.iter().filter(|at| certain(at)).map(|at| self.owner(*at)).collect();
        sure.dedup();
        if !sure.is_empty() {
            // Positions of one pattern lie together, and one that is certain is enough.
            let mut kept = None;
            set.retain(|at| {
                let owner = self.owner(*at);
                if sure.binary_search(&owner).is_err() {
                    return true;
                }
                let keep = certain(at) && kept != Some(owner);
                if keep {
                    kept = Some(owner);
                }
                keep
            });
        }
        set
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "16 × (number of nodes) is bounded below: see `Limits::size`"
)]
fn position(node: usize, mind: u32) -> Position {
    (node as u32) << 4 | mind
}

fn node(at: Position) -> usize {
    (at >> 4) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "a state of mind is at most 14")]
fn pending(mind: u32) -> Pending {
    mind as Pending
}

#[cfg(test)]
mod tests {
    use super::{Nfa, Pattern};
    use crate::glob::Glob;

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(5_000))]

        #[test]
        fn it_agrees_with_the_matcher(
            segments in proptest::collection::vec("[aé?*]{1,4}|\\*\\*|\\{a,é\\}|\\$\\{user\\}", 1..5),
            text in proptest::collection::vec(
                proptest::prop_oneof![
                    proptest::prelude::Just(&b"a"[..]), proptest::prelude::Just(&b"/"[..]),
                    proptest::prelude::Just("é".as_bytes()), proptest::prelude::Just("一".as_bytes()),
                    proptest::prelude::Just(&b"\xe4"[..]), proptest::prelude::Just(&b"\x80"[..]),
                    proptest::prelude::Just(&b"\xf0\x9f"[..]), proptest::prelude::Just("😀".as_bytes()),
                ], 0..8),
        ) {
            let text = text.concat();
            let globs: Vec<_> = [segments.join("/"), segments.concat()]
                .iter().filter_map(|pattern| Glob::parse(pattern).ok()).collect();
            let nfa = Nfa::new(globs.iter().map(Pattern::Glob), "a");
            let end = text.iter().fold(nfa.start(), |set, byte| nfa.step(&set, *byte).unwrap());
            for (number, glob) in globs.iter().enumerate() {
                let matched = end.iter().any(|at| nfa.accepts(*at) == Ok(Some(number)));
                proptest::prop_assert_eq!(matched, glob.matches(&text, "a"), "{:?} {:?}", glob, text);
            }
        }
    }
}
