//! Which rules could be on a repository, found without looking at those that cannot be.

use std::{borrow::Cow, collections::HashMap};

use super::{Pattern, RepositorySet};
use crate::{glob::Token, name::Repository};

/// Rules of one kind, by where their patterns could match.
#[derive(Debug, Clone, Default)]
pub(crate) struct ByRepository {
    /// By a whole repository, in lower case.
    exact: HashMap<Box<str>, Vec<Candidate>>,
    /// By a project, in lower case.
    project: HashMap<Box<str>, Vec<Candidate>>,
    /// All that begin otherwise.
    anywhere: Vec<Candidate>,
}

/// A rule that could be on a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// Its position among the rules of its kind.
    pub(crate) place: usize,
    /// Whether it is, without a look at its patterns.
    pub(crate) surely: bool,
}

/// Where one pattern could match, and whether it matches all that is there.
enum Reach {
    Repository(Box<str>),
    Project(Box<str>, bool),
    Anywhere(bool),
}

impl ByRepository {
    pub(super) fn of<'a>(sets: impl Iterator<Item = &'a RepositorySet>) -> Self {
        let mut index = Self::default();
        for (place, set) in sets.enumerate() {
            for reach in set.included().iter().flat_map(reaches) {
                let (list, all) = match reach {
                    Reach::Repository(key) => (index.exact.entry(key).or_default(), true),
                    Reach::Project(key, all) => (index.project.entry(key).or_default(), all),
                    Reach::Anywhere(all) => (&mut index.anywhere, all),
                };
                let surely = all && !set.excludes();
                match list.last_mut().filter(|last| last.place == place) {
                    Some(last) => last.surely |= surely,
                    None => list.push(Candidate { place, surely }),
                }
            }
        }
        index
    }

    /// All rules that could be on `repository`, by place, none twice.
    pub(crate) fn candidates(&self, repository: &Repository) -> Cow<'_, [Candidate]> {
        let key = repository.key();
        let project = key.split('/').next().unwrap_or_default();
        let exact = self.exact.get(key).map(Vec::as_slice).unwrap_or_default();
        let project = self.project.get(project).map(Vec::as_slice).unwrap_or_default();
        match (exact, project, self.anywhere.as_slice()) {
            (only, [], []) | ([], only, []) | ([], [], only) => only.into(),
            (exact, project, anywhere) => {
                let mut found = [exact, project, anywhere].concat();
                // Of two for one rule, the one that is sure comes first.
                found.sort_unstable_by_key(|one| (one.place, !one.surely));
                found.dedup_by_key(|one| one.place);
                found.into()
            }
        }
    }
}

fn reaches(pattern: &Pattern) -> Vec<Reach> {
    let Pattern::Glob(glob) = pattern else { return vec![Reach::Anywhere(false)] };
    glob.alternatives().iter().map(|tokens| reach(tokens)).collect()
}

fn reach(tokens: &[Token]) -> Reach {
    let Some(Token::Literal(literal)) = tokens.first() else {
        return Reach::Anywhere(tokens == [Token::Rest]);
    };
    let Ok(text) = std::str::from_utf8(literal) else { return Reach::Anywhere(false) };
    match (text.split_once('/'), tokens) {
        (Some(_), [_]) => Reach::Repository(text.into()),
        // What stands behind the slash has none of its own.
        (Some((project, "")), [_, Token::Run | Token::Rest]) => Reach::Project(project.into(), true),
        (Some((project, _)), _) => Reach::Project(project.into(), false),
        (None, _) => Reach::Anywhere(false),
    }
}

#[cfg(test)]
mod tests {
    use super::ByRepository;
    use crate::{name::Repository, rule::RepositorySet};

    fn set(patterns: &[&str]) -> RepositorySet {
        let parsed = patterns.iter().map(|one| RepositorySet::parse_one(one).unwrap());
        RepositorySet::new(parsed.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_rule_is_found_wherever_its_patterns_match() {
        let sets = [
            set(&["PAY/api"]),
            set(&["PAY/*", "PAY/api"]),
            set(&["**"]),
            set(&["WEB/*"]),
            set(&["{PAY,WEB}/x"]),
            set(&["PAY*/x"]),
            set(&["re:pay/a.*"]),
        ];
        let index = ByRepository::of(sets.iter());
        let found = |repository: &str| {
            let found = index.candidates(&Repository::parse(repository).unwrap());
            found.iter().map(|one| one.place).collect::<Vec<_>>()
        };
        assert_eq!(found("pay/API"), [0, 1, 2, 5, 6]);
        assert_eq!(found("PAY/x"), [1, 2, 4, 5, 6]);
        assert_eq!(found("WEB/y"), [2, 3, 5, 6]);
        assert_eq!(found("OTHER/y"), [2, 5, 6]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_matches_is_missed(
            patterns in proptest::collection::vec("[ab?*]{1,2}/[ab?*]{1,2}|\\*\\*|\\*\\*/a|\\{a,b\\}/a|re:[ab]/a", 1..6),
            repository in "[abAB]{1,2}/[ab]{1,2}",
        ) {
            let parsed: Vec<_> = patterns.iter().filter_map(|one| RepositorySet::parse_one(one).ok()).collect();
            let sets: Vec<_> = parsed.into_iter().filter_map(|one| RepositorySet::new([one]).ok()).collect();
            let repository = Repository::parse(&repository).unwrap();
            let index = ByRepository::of(sets.iter());
            let found = index.candidates(&repository);
            for (place, set) in sets.iter().enumerate() {
                let candidate = found.iter().find(|one| one.place == place);
                let matches = set.matches(&repository);
                proptest::prop_assert!(!matches || candidate.is_some(), "missed: {:?}", set.sources());
                let surely = candidate.is_some_and(|one| one.surely);
                proptest::prop_assert!(matches || !surely, "not so sure: {:?}", set.sources());
            }
        }
    }
}
