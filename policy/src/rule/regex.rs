use super::PatternError;

/// A `re:` pattern: a regular expression that matches in time linear in the text, without look-around or
/// back-references. It matches whole names, byte by byte: `.` is any byte, and classes such as `\w` are ASCII.
#[derive(Debug, Clone)]
pub struct RegexPattern {
    /// With `re:`.
    source: Box<str>,
    #[cfg(feature = "regex")]
    regex: regex::bytes::Regex,
}

impl RegexPattern {
    /// What a pattern weighs: see [`super::Pattern::weight`].
    pub(crate) const WEIGHT: usize = 2_000;

    /// Parses what stands behind `re:`.
    ///
    /// # Errors
    /// When it is no regular expression, or too large a one; always, in a program that is built without the engine.
    pub fn parse(expression: &str) -> Result<Self, PatternError> {
        Self::build(expression, false)
    }

    /// As [`Self::parse`]; ASCII letters match in either case.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_in_any_case(expression: &str) -> Result<Self, PatternError> {
        Self::build(expression, true)
    }

    /// The pattern as it was written, with `re:`.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

#[cfg(feature = "regex")]
impl RegexPattern {
    /// The longest expression, in bytes.
    const MAX_LEN: usize = 4096;
    /// How large the compiled program may be, and how large the cache of its automaton, in bytes.
    pub(crate) const MAX_SIZE: usize = 128 * 1024;
    /// How deep its groups may be nested.
    pub(crate) const MAX_DEPTH: u32 = 32;

    fn build(expression: &str, any_case: bool) -> Result<Self, PatternError> {
        if expression.len() > Self::MAX_LEN {
            let message =
                format!("the pattern is {} bytes long; {} are allowed", expression.len(), Self::MAX_LEN);
            return Err(PatternError::Regex(message));
        }
        let builder = |text: &str| {
            let mut builder = regex::bytes::RegexBuilder::new(text);
            builder
                // A ref need not be UTF-8, and none may slip past a rule for that.
                .unicode(false)
                .dot_matches_new_line(true)
                .case_insensitive(any_case)
                .size_limit(Self::MAX_SIZE)
                .dfa_size_limit(Self::MAX_SIZE)
                .nest_limit(Self::MAX_DEPTH);
            builder.build().map_err(|error| PatternError::Regex(in_words(&error)))
        };
        // First alone: its own brackets must be balanced, and a message must show it as it was written.
        builder(expression)?;
        let regex = builder(&Self::whole(expression))?;
        Ok(Self { source: format!("re:{expression}").into(), regex })
    }

    /// The expression as it is matched: with the whole text.
    pub(crate) fn whole(expression: &str) -> String {
        format!(r"\A(?:{expression})\z")
    }

    /// For tests elsewhere that match beside it.
    #[cfg(test)]
    pub(crate) fn is_of(&self, text: &[u8]) -> bool {
        self.matches(text)
    }

    /// Whether the expression matches the whole of `text`.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}

/// What the engine says, on one line: the last line of its picture.
#[cfg(feature = "regex")]
fn in_words(error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(limit) = error {
        return format!("compiled, it needs more than {limit} bytes: fewer or smaller repetitions");
    }
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(not(feature = "regex"))]
impl RegexPattern {
    fn build(_: &str, _: bool) -> Result<Self, PatternError> {
        Err(PatternError::Regex("this program is built without `re:` patterns: write a glob".to_owned()))
    }

    #[expect(clippy::unused_self, reason = "there is none")]
    pub(super) fn matches(&self, _: &[u8]) -> bool {
        false
    }
}

impl PartialEq for RegexPattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for RegexPattern {}

#[cfg(test)]
#[cfg(not(feature = "regex"))]
mod without_engine {
    use crate::rule::RefSet;

    #[test]
    fn a_regex_is_a_fault_and_never_ignored() {
        let error = RefSet::parse_one("re:refs/heads/.*").unwrap_err();
        assert!(error.to_string().contains("without `re:` patterns"), "{error}");
    }
}

#[cfg(test)]
#[cfg(feature = "regex")]
mod tests {
    use super::RegexPattern;
    use crate::{
        name::{RefName, Repository},
        rule::{RefSet, RepositorySet},
    };

    fn is_in(pattern: &str, name: &[u8]) -> bool {
        let set = RefSet::new([RefSet::parse_one(pattern).unwrap()]).unwrap();
        set.matches(&RefName::parse(name).unwrap(), "alice")
    }

    #[test]
    fn it_matches_the_whole_name() {
        let pattern = r"re:refs/heads/release/\d+\.\d+";
        assert!(is_in(pattern, b"refs/heads/release/1.20"));
        for name in
            ["refs/heads/release/1.20x", "refs/heads/release/1", "refs/heads/x/refs/heads/release/1.2"]
        {
            assert!(!is_in(pattern, name.as_bytes()), "{name}");
        }
        assert!(!is_in("re:refs/heads/a|refs/heads/b", b"refs/heads/ab"));
        assert!(is_in("re:refs/heads/a|refs/heads/b", b"refs/heads/b"));
    }

    #[test]
    fn a_name_that_is_no_text_does_not_slip_past() {
        assert!(is_in("re:refs/heads/.*", b"refs/heads/\xff\xfe"));
        assert!(is_in("re:refs/heads/[^/]{2}", "refs/heads/é".as_bytes()), "a character may be two bytes");
    }

    #[test]
    fn repositories_match_in_any_case() {
        let set = RepositorySet::new([RepositorySet::parse_one("re:PAY/svc-[a-f]+").unwrap()]).unwrap();
        assert!(set.matches(&Repository::parse("pay/SVC-Bad").unwrap()));
        assert!(!set.matches(&Repository::parse("PAY/svc-x").unwrap()));
    }

    #[test]
    fn what_is_wrong_is_told_in_the_engine_s_words() {
        for (expression, says) in [
            ("refs/(", "unclosed group"),
            ("refs/a)b", "unopened group"),
            ("refs/a)(b", "unopened group"),
            ("refs/[z-a]", "invalid character class range"),
            ("refs/(?=x)", "look-around"),
            (r"refs/(a)\1", "backreferences"),
            ("refs/((a{200}){200}){200}", "needs more than"),
            (&"(".repeat(40), ""),
            (&"x".repeat(5000), "5000 bytes long"),
        ] {
            let error = RegexPattern::parse(expression).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains('\n'), "{expression}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(expression in "[a-z()\\[\\]{}*+?.|\\\\^$0-9,-]{0,40}|\\PC{0,40}", text: Vec<u8>) {
            if let Ok(pattern) = RegexPattern::parse(&expression) {
                pattern.matches(&text);
            }
        }
    }
}
