//! `re:` patterns as automata, so that they run beside the others.
//!
//! Such an automaton is made while it is stepped through, by the same engine as the pattern is matched with, with the same options and
//! anchors (see [`crate::rule::RegexPattern`]). It could grow without end: one that does is [`Full`], and whoever steps it
//! says so.

/// The automaton has grown beyond its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

#[cfg(feature = "regex")]
pub(super) use engine::{Expression, State};
#[cfg(not(feature = "regex"))]
pub(super) use nothing::{Expression, State};

#[cfg(feature = "regex")]
mod engine {
    use std::{
        cell::{OnceCell, RefCell},
        collections::HashSet,
        fmt,
    };

    use regex_automata::{
        Anchored,
        hybrid::{
            LazyStateID,
            dfa::{Cache, DFA},
        },
        nfa::thompson::{self, WhichCaptures},
        util::{start, syntax},
    };

    use super::Full;
    use crate::rule::RegexPattern;

    /// Where an automaton is.
    pub(in crate::diff) type State = LazyStateID;

    /// How large an automaton may grow, in bytes.
    const MAX_SIZE: usize = 256 * 1024;

    /// How many states of an automaton are looked at for [`Expression::states`].
    const MOST_STATES: usize = 500;

    /// One `re:` pattern.
    pub(in crate::diff) struct Expression {
        dfa: DFA,
        cache: RefCell<Cache>,
        start: State,
        states: OnceCell<Option<Box<[State]>>>,
    }

    impl Expression {
        /// The automaton of what is written behind `re:`. `None` where there is none within the bounds.
        pub(in crate::diff) fn new(expression: &str, any_case: bool) -> Option<Self> {
            let nfa = thompson::Config::new()
                .utf8(false)
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(RegexPattern::MAX_SIZE));
            let syntax = syntax::Config::new()
                .unicode(false)
                .utf8(false)
                .dot_matches_new_line(true)
                .case_insensitive(any_case)
                .nest_limit(RegexPattern::MAX_DEPTH);
            let config = DFA::config()
                .cache_capacity(MAX_SIZE)
                .skip_cache_capacity_check(true)
                // What was reached must stay known: so no state is ever forgotten to make room.
                .minimum_cache_clear_count(Some(0));
            let whole = RegexPattern::whole(expression);
            let dfa = DFA::builder().configure(config).syntax(syntax).thompson(nfa).build(&whole).ok()?;
            let mut cache = dfa.create_cache();
            let start = dfa.start_state(&mut cache, &start::Config::new().anchored(Anchored::Yes)).ok()?;
            Some(Self { dfa, cache: RefCell::new(cache), start, states: OnceCell::new() })
        }

        /// Before the first byte.
        pub(in crate::diff) fn start(&self) -> State {
            self.start
        }

        /// After one more byte; `None` where nothing can match any more.
        pub(in crate::diff) fn step(&self, from: State, byte: u8) -> Result<Option<State>, Full> {
            let mut cache = self.cache.try_borrow_mut().map_err(|_| Full)?;
            let next = self.dfa.next_state(&mut cache, from, byte).map_err(|_| Full)?;
            Ok((!next.is_dead() && !next.is_quit()).then_some(next))
        }

        /// Whether a text that ends here matches.
        pub(in crate::diff) fn accepts(&self, at: State) -> Result<bool, Full> {
            let mut cache = self.cache.try_borrow_mut().map_err(|_| Full)?;
            let end = self.dfa.next_eoi_state(&mut cache, at).map_err(|_| Full)?;
            Ok(end.is_match())
        }

        /// Bytes of the same class are alike to it.
        pub(in crate::diff) fn class(&self, byte: u8) -> u8 {
            self.dfa.byte_classes().get(byte)
        }

        /// Everywhere that it can be; `None` where those are too many to look at.
        pub(in crate::diff) fn states(&self) -> Option<&[State]> {
            self.states.get_or_init(|| self.reachable()).as_deref()
        }

        fn reachable(&self) -> Option<Box<[State]>> {
            let mut classes = HashSet::new();
            let bytes: Vec<u8> = (0..=u8::MAX).filter(|byte| classes.insert(self.class(*byte))).collect();
            let mut known = HashSet::from([self.start]);
            let mut all = vec![self.start];
            let mut place = 0;
            while let Some(from) = all.get(place).copied() {
                for byte in &bytes {
                    let Some(next) = self.step(from, *byte).ok()? else { continue };
                    if known.insert(next) {
                        all.push(next);
                    }
                }
                if all.len() > MOST_STATES {
                    return None;
                }
                place += 1;
            }
            Some(all.into())
        }

        /// Where a text leads from a state.
        pub(in crate::diff) fn run(&self, from: State, text: &[u8]) -> Result<Option<State>, Full> {
            let mut at = from;
            for byte in text {
                let Some(next) = self.step(at, *byte)? else { return Ok(None) };
                at = next;
            }
            Ok(Some(at))
        }
    }

    impl fmt::Debug for Expression {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Expression").field("start", &self.start).finish_non_exhaustive()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::Expression;
        use crate::rule::RegexPattern;

        fn accepts(expression: &Expression, text: &[u8]) -> bool {
            let end = expression.run(expression.start(), text).unwrap();
            end.is_some_and(|end| expression.accepts(end).unwrap())
        }

        proptest::proptest! {
            #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

            #[test]
            fn it_agrees_with_the_matcher(
                parts in proptest::collection::vec(
                    proptest::sample::select(vec![
                        "a", "b", ".", "[^/]", "a*", "(?:ab)+", "a|b", r"\w", r"\b", "^", "$", r"\d?", "é", r"\xff", "A", "(?i)b", "{2}",
                    ]), 0..6),
                text in proptest::collection::vec(proptest::sample::select(b"abAB/1\n\xc3\xa9\xff".to_vec()), 0..6),
            ) {
                let source = parts.concat();
                let patterns = [RegexPattern::parse(&source), RegexPattern::parse_in_any_case(&source)];
                for (pattern, any_case) in patterns.into_iter().zip([false, true]) {
                    let Ok(pattern) = pattern else { continue };
                    let expression = Expression::new(&source, any_case).unwrap();
                    proptest::prop_assert_eq!(
                        accepts(&expression, &text), pattern.is_of(&text), "{} {:?}", source, text);
                }
            }
        }
    }
}

#[cfg(not(feature = "regex"))]
mod nothing {
    use super::Full;

    /// See [`Expression`].
    pub(in crate::diff) type State = std::convert::Infallible;

    /// Without the engine there is none.
    #[derive(Debug)]
    pub(in crate::diff) enum Expression {}

    impl Expression {
        pub(in crate::diff) fn new(_: &str, _: bool) -> Option<Self> {
            None
        }

        pub(in crate::diff) fn start(&self) -> State {
            match *self {}
        }

        pub(in crate::diff) fn step(&self, _: State, _: u8) -> Result<Option<State>, Full> {
            match *self {}
        }

        pub(in crate::diff) fn accepts(&self, _: State) -> Result<bool, Full> {
            match *self {}
        }

        pub(in crate::diff) fn class(&self, _: u8) -> u8 {
            match *self {}
        }

        pub(in crate::diff) fn states(&self) -> Option<&[State]> {
            match *self {}
        }

        pub(in crate::diff) fn run(&self, _: State, _: &[u8]) -> Result<Option<State>, Full> {
            match *self {}
        }
    }
}
