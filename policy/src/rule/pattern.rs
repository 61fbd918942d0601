use std::sync::Arc;

use serde::{Serialize, Serializer};
use thiserror::Error;

use super::regex::RegexPattern;
use crate::{
    facts::Cover,
    glob::{Glob, GlobError, Token},
    name::{RefName, Repository},
    request::Verb,
};

/// A list of patterns with its exclusions: it matches what some pattern matches and no `!pattern` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PatternSet {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

/// One pattern of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// With the signs of [`crate::glob`].
    Glob(Glob),
    /// `re:…`
    Regex(RegexPattern),
}

impl Pattern {
    /// Whether the pattern matches the whole of `text`, with `user` in the place of `${user}`.
    pub fn matches(&self, text: &[u8], user: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.matches(text, user),
            Self::Regex(regex) => regex.matches(text),
        }
    }

    /// The pattern as it was written, `re:` included.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Glob(glob) => glob.as_str(),
            Self::Regex(regex) => regex.as_str(),
        }
    }

    /// What the pattern costs to keep and to match at most, in signs of globs; see [`crate::file::MAX_SIGNS`].
    pub fn weight(&self) -> usize {
        match self {
            Self::Glob(glob) => glob.signs(),
            Self::Regex(_) => RegexPattern::WEIGHT,
        }
    }
}

/// Why patterns cannot stand in a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// The pattern itself is faulty.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// A ref pattern that could match no full ref name.
    #[error("a ref pattern begins with `refs/`: did you mean `{}`?", under_refs(.0))]
    NotUnderRefs(String),
    /// A repository pattern that could match no `PROJECT/slug`.
    #[error("a repository pattern is `PROJECT/slug`, as in `PAY/*`, or `**` for all: did you mean `{0}/*`?")]
    NotARepository(String),
    /// `re:…` that is faulty, or in a program that cannot match it.
    #[error("{0}")]
    Regex(String),
    /// A `re:` pattern that could match no full ref name, or does not plainly say so.
    #[error(
        "a `re:` pattern of refs begins with `re:refs/`; it matches the whole name, so `^` is not needed"
    )]
    RegexNotUnderRefs,
    /// `${user}` in a `re:` pattern.
    #[error("`${{user}}` has no meaning in a `re:` pattern: write a glob")]
    UserInRegex,
    /// `${user}` where no user stands.
    #[error("`${{user}}` has a meaning in ref patterns only")]
    UserInRepository,
    /// `${user}` where no user stands.
    #[error("`${{user}}` has a meaning in ref patterns only: a path or a message is matched as it is")]
    UserInPath,
    /// `/deploy/**`.
    #[error("a path begins at the top of the repository, without `/`: did you mean `{0}`?")]
    PathFromRoot(String),
    /// `deploy/`.
    #[error("a path is that of a file: did you mean `{0}/**`?")]
    PathOfFolder(String),
    /// `!…` for a message.
    #[error("a message is like one pattern: write the pattern that is wanted, without `!`")]
    ExcludingMessage,
    /// Nothing, or nothing but exclusions.
    #[error("the list includes nothing, so the rule could never match: give a pattern without `!`")]
    NothingIncluded,
}

/// The full name that a short one most likely stands for, as git reads it: `heads/main` is a branch, and no branch of
/// that name.
fn under_refs(short: &str) -> String {
    let has_kind = ["heads/", "tags/"].iter().any(|kind| short.starts_with(kind));
    if has_kind { format!("refs/{short}") } else { format!("refs/heads/{short}") }
}

impl PatternSet {
    pub(super) fn new(patterns: impl IntoIterator<Item = (bool, Pattern)>) -> Result<Self, PatternError> {
        let (mut include, mut exclude) = (Vec::new(), Vec::new());
        for (excluded, pattern) in patterns {
            if excluded { &mut exclude } else { &mut include }.push(pattern);
        }
        if include.is_empty() {
            return Err(PatternError::NothingIncluded);
        }
        for list in [&mut include, &mut exclude] {
            list.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            list.dedup();
        }
        Ok(Self { include, exclude })
    }

    pub(super) fn matches(&self, text: &[u8], user: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(text, user));
        any(&self.include) && !any(&self.exclude)
    }

    fn excludes(&self) -> bool {
        !self.exclude.is_empty()
    }

    pub(super) fn sources(&self) -> Vec<String> {
        let excluded = self.exclude.iter().map(|pattern| format!("!{}", pattern.as_str()));
        self.include.iter().map(|pattern| pattern.as_str().to_owned()).chain(excluded).collect()
    }
}

/// Splits a pattern from the `!` that excludes it.
pub(super) fn split_exclusion(source: &str) -> (bool, &str) {
    source.strip_prefix('!').map_or((false, source), |rest| (true, rest))
}

/// Patterns over full ref names. Cheap to clone: clones share the patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefSet(Arc<PatternSet>);

impl RefSet {
    /// Makes a set of parsed patterns; see [`Self::parse_one`].
    ///
    /// # Errors
    /// [`PatternError::NothingIncluded`].
    pub fn new(patterns: impl IntoIterator<Item = (bool, Pattern)>) -> Result<Self, PatternError> {
        PatternSet::new(patterns).map(|set| Self(Arc::new(set)))
    }

    /// Parses one pattern: whether it excludes, and what.
    ///
    /// # Errors
    /// When it is faulty, or does not begin with `refs/`.
    pub fn parse_one(source: &str) -> Result<(bool, Pattern), PatternError> {
        let (excluded, pattern) = split_exclusion(source);
        if let Some(regex) = pattern.strip_prefix("re:") {
            if regex.contains("${") {
                return Err(PatternError::UserInRegex);
            }
            if !regex.starts_with("refs/") {
                return Err(PatternError::RegexNotUnderRefs);
            }
            return Ok((excluded, Pattern::Regex(RegexPattern::parse(regex)?)));
        }
        if !pattern.starts_with("refs/") {
            return Err(PatternError::NotUnderRefs(pattern.to_owned()));
        }
        Ok((excluded, Pattern::Glob(Glob::parse(pattern)?)))
    }

    /// Whether a pattern excludes.
    pub(super) fn excludes(&self) -> bool {
        self.0.excludes()
    }

    /// The patterns that include.
    pub(super) fn included(&self) -> &[Pattern] {
        &self.0.include
    }

    /// Whether `name` is in the set, with `user` in the place of `${user}`.
    pub fn matches(&self, name: &RefName, user: &str) -> bool {
        self.0.matches(name.as_bytes(), user)
    }

    /// The patterns as written, sorted, exclusions last.
    pub fn sources(&self) -> Vec<String> {
        self.0.sources()
    }

    /// The refs to which the commits that a rule with these patterns looks at are new.
    pub fn cover(&self) -> Cover {
        Cover::of(self.sources())
    }
}

/// Patterns over repositories, compared without regard to ASCII case. Cheap to clone: clones share the patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositorySet(Arc<PatternSet>);

impl RepositorySet {
    /// Makes a set of parsed patterns; see [`Self::parse_one`].
    ///
    /// # Errors
    /// [`PatternError::NothingIncluded`].
    pub fn new(patterns: impl IntoIterator<Item = (bool, Pattern)>) -> Result<Self, PatternError> {
        PatternSet::new(patterns).map(|set| Self(Arc::new(set)))
    }

    /// Parses one pattern: whether it excludes, and what.
    ///
    /// # Errors
    /// When it is faulty, or could match no `PROJECT/slug`.
    pub fn parse_one(source: &str) -> Result<(bool, Pattern), PatternError> {
        let (excluded, pattern) = split_exclusion(source);
        if pattern.contains("${") {
            return Err(PatternError::UserInRepository);
        }
        if let Some(regex) = pattern.strip_prefix("re:") {
            return Ok((excluded, Pattern::Regex(RegexPattern::parse_in_any_case(regex)?)));
        }
        let glob = Glob::parse(&pattern.to_ascii_lowercase())?;
        if !pattern.contains('/') && !pattern.contains("**") {
            return Err(PatternError::NotARepository(pattern.to_owned()));
        }
        Ok((excluded, Pattern::Glob(glob)))
    }

    /// Whether a pattern excludes.
    pub(super) fn excludes(&self) -> bool {
        self.0.excludes()
    }

    /// The patterns that include.
    pub(super) fn included(&self) -> &[Pattern] {
        &self.0.include
    }

    /// Whether `repository` is in the set.
    pub fn matches(&self, repository: &Repository) -> bool {
        self.0.matches(repository.key().as_bytes(), "")
    }

    /// Whether it plainly holds all that is in the project with that key, and all that ever will be: by `PROJECT/*`,
    /// `PROJECT/**` or `**`, and without an exclusion.
    pub fn is_whole_project(&self, key: &str) -> bool {
        let whole = |tokens: &[Token]| match tokens {
            [Token::Rest] => true,
            [Token::Literal(start), Token::Run | Token::Rest] => {
                start.strip_suffix(b"/").is_some_and(|project| project.eq_ignore_ascii_case(key.as_bytes()))
            }
            _ => false,
        };
        let globs = self.0.include.iter().filter_map(|pattern| match pattern {
            Pattern::Glob(glob) => Some(glob),
            Pattern::Regex(_) => None,
        });
        !self.excludes() && globs.flat_map(Glob::alternatives).any(|tokens| whole(tokens))
    }

    /// The patterns, sorted, in lower case, exclusions last.
    pub fn sources(&self) -> Vec<String> {
        self.0.sources()
    }
}

impl Serialize for RefSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sources().serialize(serializer)
    }
}

impl Serialize for RepositorySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sources().serialize(serializer)
    }
}

/// A set of verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct VerbSet(u8);

impl VerbSet {
    /// Every verb.
    pub const ALL: Self = Self((1 << Verb::ALL.len()) - 1);

    /// One verb alone.
    pub const fn of(verb: Verb) -> Self {
        Self(1 << verb as u8)
    }

    /// Whether a verb is in both sets.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether `verb` is in the set.
    pub const fn contains(self, verb: Verb) -> bool {
        self.meets(Self::of(verb))
    }

    /// The verbs of either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The verbs of both.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The verbs, in the order of [`Verb::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Verb> {
        Verb::ALL.into_iter().filter(move |verb| self.contains(*verb))
    }
}

impl FromIterator<Verb> for VerbSet {
    fn from_iter<I: IntoIterator<Item = Verb>>(verbs: I) -> Self {
        verbs.into_iter().map(Self::of).fold(Self::default(), Self::and)
    }
}

impl Serialize for VerbSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Verb::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::{PatternError as E, RefSet, RepositorySet, VerbSet};
    use crate::{
        name::{RefName, Repository},
        request::Verb,
    };

    fn refs(patterns: &[&str]) -> Result<RefSet, E> {
        RefSet::new(patterns.iter().map(|p| RefSet::parse_one(p)).collect::<Result<Vec<_>, _>>()?)
    }

    #[test]
    fn an_exclusion_takes_out_of_its_own_list() {
        let set = refs(&["refs/heads/**", "!refs/heads/release/**"]).unwrap();
        let matches = |name: &str| set.matches(&RefName::parse(name.as_bytes()).unwrap(), "");
        assert!(matches("refs/heads/main"));
        assert!(!matches("refs/heads/release/1"));
        assert_eq!(refs(&["!refs/heads/x"]), Err(E::NothingIncluded));
    }

    #[test]
    fn a_pattern_that_could_never_match_is_a_fault() {
        assert_eq!(refs(&["main"]), Err(E::NotUnderRefs("main".into())));
        for (short, meant) in [
            ("main", "refs/heads/main"),
            ("heads/main", "refs/heads/main"),
            ("tags/v*", "refs/tags/v*"),
            ("tags", "refs/heads/tags"),
        ] {
            let told = refs(&[short]).unwrap_err().to_string();
            assert!(told.ends_with(&format!("did you mean `{meant}`?")), "{told}");
        }
        assert_eq!(RepositorySet::parse_one("PAY"), Err(E::NotARepository("PAY".into())));
        assert_eq!(RepositorySet::parse_one("PAY/${user}"), Err(E::UserInRepository));
        assert_eq!(RefSet::parse_one("re:.*"), Err(E::RegexNotUnderRefs));
        assert_eq!(RefSet::parse_one("re:refs/heads/${user}/.*"), Err(E::UserInRegex));
    }

    #[test]
    fn repositories_match_in_any_case() {
        let set = RepositorySet::new([RepositorySet::parse_one("Pay/*").unwrap()]).unwrap();
        assert!(set.matches(&Repository::parse("PAY/api").unwrap()));
        assert!(!set.matches(&Repository::parse("PAYX/api").unwrap()));
    }

    #[test]
    fn verbs() {
        let set: VerbSet = [Verb::Delete, Verb::Create].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Verb::Create, Verb::Delete]);
        assert!(!set.contains(Verb::Force));
    }
}
