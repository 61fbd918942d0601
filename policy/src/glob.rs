//! Patterns over ref names and repositories.
//!
//! | written | matches |
//! |---|---|
//! | `?` | one character other than `/` |
//! | `*` | none or more characters other than `/` |
//! | `**` | whole segments: at least one at the end of a pattern, none or more elsewhere |
//! | `{a,b}` | either; alternatives may hold `/` and the other signs, but no braces |
//! | `${user}` | the pusher's username, taken literally |
//! | `\x` | the character `x` itself |
//!
//! Matching costs at most (length of the pattern) × (length of the text), whatever the pattern.

mod parse;

use std::fmt;

pub use parse::GlobError;

/// One parsed pattern.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    source: Box<str>,
    /// One list of tokens for each way to choose among the pattern's alternatives.
    alternatives: Box<[Box<[Token]>]>,
}

/// One sign of a pattern, or the text between two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Token {
    /// The bytes themselves.
    Literal(Box<[u8]>),
    /// `?`
    One,
    /// `*`
    Run,
    /// `**/`: none or more whole segments.
    Segments,
    /// `**` at the end: one or more whole segments.
    Rest,
    /// `${user}`
    User,
}

impl Glob {
    /// Parses a pattern.
    ///
    /// # Errors
    /// When `**` is not a whole segment, a brace is unbalanced or nested, `${…}` names something unknown, or the
    /// alternatives multiply beyond 256.
    pub fn parse(source: &str) -> Result<Self, GlobError> {
        Ok(Self { source: source.into(), alternatives: parse::alternatives(source)? })
    }

    /// Whether the pattern matches the whole of `text`, with `user` in the place of `${user}`.
    pub fn matches(&self, text: &[u8], user: &str) -> bool {
        self.alternatives.iter().any(|tokens| matches(tokens, text, user.as_bytes()))
    }

    /// What the pattern says, once for each way to choose among its alternatives.
    pub(crate) fn alternatives(&self) -> &[Box<[Token]>] {
        &self.alternatives
    }

    /// The pattern with any text at all, `/` included, in the place of `${user}`.
    pub(crate) fn for_anybody(&self) -> Self {
        let any = |token: &Token| match token {
            Token::User => vec![Token::Segments, Token::Run],
            other => vec![other.clone()],
        };
        let alternatives = self.alternatives.iter();
        let alternatives = alternatives.map(|tokens| tokens.iter().flat_map(any).collect()).collect();
        Self { source: self.source.clone(), alternatives }
    }

    /// Whether the pattern plainly matches every text, also the empty one. Where it does not plainly, it may all the same.
    pub(crate) fn is_of_all(&self) -> bool {
        let is_one = |wanted: &[Token]| self.alternatives.iter().any(|tokens| **tokens == *wanted);
        // `**` alone matches no empty text.
        is_one(&[Token::Segments, Token::Run])
            || is_one(&[Token::Rest]) && (is_one(&[Token::Run]) || is_one(&[]))
    }

    /// A text that the pattern matches for a user called `a`; nothing is said of how the name may be used.
    pub(crate) fn example(&self) -> Vec<u8> {
        let text = |token: &Token| match token {
            Token::Literal(literal) => literal.to_vec(),
            Token::One | Token::Run | Token::Rest | Token::User => b"a".to_vec(),
            Token::Segments => Vec::new(),
        };
        self.alternatives.first().map(|tokens| tokens.iter().flat_map(text).collect()).unwrap_or_default()
    }

    /// How many signs and characters the pattern has, its alternatives multiplied out: what it costs to keep, and to
    /// match with each byte of a text.
    pub(crate) fn signs(&self) -> usize {
        let of = |token: &Token| match token {
            Token::Literal(literal) => literal.len(),
            Token::One | Token::Run | Token::Segments | Token::Rest | Token::User => 1,
        };
        self.alternatives.iter().flatten().map(of).sum()
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({})", self.source)
    }
}

/// Whether the tokens match the whole of `text`. What stands for itself can be passed in one way only, and nearly every
/// pattern has little else.
pub(crate) fn matches(tokens: &[Token], text: &[u8], user: &[u8]) -> bool {
    let past =
        |literal: &[u8], more| text.strip_prefix(literal).is_some_and(|text| matches(more, text, user));
    match tokens {
        [] => text.is_empty(),
        [Token::Literal(literal), more @ ..] => past(literal, more),
        [Token::User, more @ ..] => past(user, more),
        [Token::Rest] => !text.is_empty(),
        [Token::Run] => !text.contains(&b'/'),
        // The literal at the end may already tell that the pattern cannot match.
        [.., Token::Literal(literal)] if !text.ends_with(literal) => false,
        _ => follow(tokens, text, user),
    }
}

/// Follows all ways to match at once: `at` holds the places in `text`, ascending, that the tokens so far can reach.
fn follow(tokens: &[Token], text: &[u8], user: &[u8]) -> bool {
    let mut at = vec![0];
    for token in tokens {
        at = advance(token, text, user, &at);
        if at.is_empty() {
            return false;
        }
    }
    at.last() == Some(&text.len())
}

fn advance(token: &Token, text: &[u8], user: &[u8], at: &[usize]) -> Vec<usize> {
    let rest = |place: usize| text.get(place..).unwrap_or_default();
    match token {
        Token::Literal(literal) => past_literal(at, literal, rest),
        Token::User => past_literal(at, user, rest),
        Token::One => {
            let past = |place: &usize| Some(place + first_character(rest(*place))?);
            let mut reached: Vec<_> = at.iter().filter_map(past).collect();
            // Characters are of different lengths: what began later may end sooner.
            reached.sort_unstable();
            reached.dedup();
            reached
        }
        Token::Run => {
            let mut reached = Vec::new();
            for place in at {
                // Where an earlier run has been already, this one would find nothing new.
                let from = reached.last().map_or(*place, |last: &usize| (last + 1).max(*place));
                let run = rest(from).iter().take_while(|byte| **byte != b'/').count();
                if from == *place || from <= text.len() && !rest(from - 1).starts_with(b"/") {
                    reached.extend(from..=from + run);
                }
            }
            reached
        }
        Token::Segments => {
            let Some(first) = at.first() else { return Vec::new() };
            let starts = rest(*first).iter().enumerate().filter(|(_, byte)| **byte == b'/');
            std::iter::once(*first).chain(starts.map(|(offset, _)| first + offset + 1)).collect()
        }
        Token::Rest => at.iter().any(|place| *place < text.len()).then_some(text.len()).into_iter().collect(),
    }
}

fn past_literal<'t>(at: &[usize], literal: &[u8], rest: impl Fn(usize) -> &'t [u8]) -> Vec<usize> {
    at.iter().filter(|place| rest(**place).starts_with(literal)).map(|place| place + literal.len()).collect()
}

/// The length in bytes of the first character, unless it is `/`. A byte that is not UTF-8 counts as one character.
fn first_character(text: &[u8]) -> Option<usize> {
    if text.first().is_none_or(|byte| *byte == b'/') {
        return None;
    }
    let chunk = text.utf8_chunks().next()?;
    Some(chunk.valid().chars().next().map_or(1, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::Glob;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let glob = Glob::parse(pattern).unwrap();
        for text in yes {
            assert!(glob.matches(text.as_bytes(), "alice"), "`{pattern}` must match `{text}`");
        }
        for text in no {
            assert!(!glob.matches(text.as_bytes(), "alice"), "`{pattern}` must not match `{text}`");
        }
    }

    #[test]
    fn the_signs_mean_what_the_table_says() {
        check(
            "refs/heads/main",
            &["refs/heads/main"],
            &["refs/heads/main2", "refs/heads/mai", "refs/heads/MAIN"],
        );
        check(
            "refs/heads/?",
            &["refs/heads/a", "refs/heads/é"],
            &["refs/heads/", "refs/heads/ab", "refs/heads//"],
        );
        check("refs/heads/*", &["refs/heads/a", "refs/heads/"], &["refs/heads/a/b"]);
        check(
            "refs/heads/**",
            &["refs/heads/a", "refs/heads/a/b"],
            &["refs/heads", "refs/heads/", "refs/tags/a"],
        );
        check("**", &["a", "a/b"], &[""]);
        check("refs/**/x", &["refs/x", "refs/a/x", "refs/a/b/x"], &["refs/ax", "refs/x/a"]);
        check("**/x", &["x", "a/x"], &["ax"]);
        check("a*b*c", &["abc", "axxbyyc", "abbcc"], &["ab", "a/bc"]);
        check(
            "refs/heads/{main,release/*}",
            &["refs/heads/main", "refs/heads/release/1"],
            &["refs/heads/release"],
        );
        check("{a,b}{c,}", &["a", "ac", "b", "bc"], &["c", "ab"]);
        check(
            "refs/heads/u/${user}/**",
            &["refs/heads/u/alice/x"],
            &["refs/heads/u/bob/x", "refs/heads/u/alice"],
        );
        check("a\\{b\\}", &["a{b}"], &["ab"]);
    }

    #[test]
    fn a_username_is_taken_literally() {
        let glob = Glob::parse("refs/heads/u/${user}/*").unwrap();
        assert!(glob.matches(b"refs/heads/u/a*/x", "a*"));
        assert!(!glob.matches(b"refs/heads/u/abc/x", "a*"));
        assert!(!glob.matches(b"refs/heads/u/bob/x", "**"));
        assert!(!glob.matches(b"refs/heads/u/bob/x", "{bob,alice}"));
    }

    #[test]
    fn any_byte_can_be_matched() {
        assert!(Glob::parse("refs/heads/??").unwrap().matches(b"refs/heads/\xff\x9b", ""));
        assert!(Glob::parse("refs/heads/*").unwrap().matches(b"refs/heads/\xff", ""));
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_length() {
        let glob = Glob::parse(&"*a".repeat(200)).unwrap();
        let mut text = vec![b'a'; 4000];
        assert!(glob.matches(&text, ""));
        text.push(b'b');
        assert!(!glob.matches(&text, ""));
    }

    /// A second implementation, straight from the table, exponential and obvious.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', '*', '/', rest @ ..] => {
                naive(rest, text) || (0..text.len()).any(|i| text[i] == '/' && naive(rest, &text[i + 1..]))
            }
            ['*', '*'] => !text.is_empty(),
            ['*', rest @ ..] => {
                (0..=text.len()).any(|i| !text[..i].contains(&'/') && naive(rest, &text[i..]))
            }
            ['?', rest @ ..] => matches!(text, [c, tail @ ..] if *c != '/' && naive(rest, tail)),
            [c, rest @ ..] => matches!(text, [d, tail @ ..] if c == d && naive(rest, tail)),
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_naive_matcher(
            segments in proptest::collection::vec("[ab?*]{1,3}|\\*\\*", 1..5),
            text in "[ab/]{0,10}",
        ) {
            let pattern = segments.join("/");
            let Ok(glob) = Glob::parse(&pattern) else { return Ok(()) };
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            proptest::prop_assert_eq!(
                glob.matches(text.as_bytes(), ""), naive(&chars(&pattern), &chars(&text)), "{}", pattern);
        }
    }
}
