//! Which rules could be on a repository, found without looking at those that cannot be.

use std::collections::HashMap;

use super::{Pattern, RepositorySet};
use crate::{glob::Token, name::Repository};

/// Rules of one kind, by where their patterns could match. A place is a position among the rules of that kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct ByRepository {
    /// By a whole repository, in lower case.
    exact: HashMap<Box<str>, Vec<usize>>,
    /// By a project, in lower case.
    project: HashMap<Box<str>, Vec<usize>>,
    /// All that begin otherwise.
    anywhere: Vec<usize>,
}

/// Where one pattern could match.
enum Reach {
    Repository(Box<str>),
    Project(Box<str>),
    Anywhere,
}

impl ByRepository {
    pub(super) fn of<'a>(sets: impl Iterator<Item = &'a RepositorySet>) -> Self {
        let mut index = Self::default();
        for (place, set) in sets.enumerate() {
            for reach in set.included().iter().flat_map(reaches) {
                let list = match reach {
                    Reach::Repository(key) => index.exact.entry(key).or_default(),
                    Reach::Project(key) => index.project.entry(key).or_default(),
                    Reach::Anywhere => &mut index.anywhere,
                };
                if list.last() != Some(&place) {
                    list.push(place);
                }
            }
        }
        index
    }

    /// The places of all rules that could be on `repository`, ascending; whether they are, their patterns say.
    pub(crate) fn candidates(&self, repository: &Repository) -> Vec<usize> {
        let key = repository.key();
        let project = key.split('/').next().unwrap_or_default();
        let lists = [self.exact.get(key), self.project.get(project), Some(&self.anywhere)];
        let mut places: Vec<usize> = lists.into_iter().flatten().flatten().copied().collect();
        if !places.is_sorted_by(|a, b| a < b) {
            places.sort_unstable();
            places.dedup();
        }
        places
    }
}

fn reaches(pattern: &Pattern) -> Vec<Reach> {
    let Pattern::Glob(glob) = pattern else { return vec![Reach::Anywhere] };
    glob.alternatives().iter().map(|tokens| reach(tokens)).collect()
}

fn reach(tokens: &[Token]) -> Reach {
    let Some(Token::Literal(literal)) = tokens.first() else { return Reach::Anywhere };
    let Ok(text) = std::str::from_utf8(literal) else { return Reach::Anywhere };
    match (text.split_once('/'), tokens.len()) {
        (Some(_), 1) => Reach::Repository(text.into()),
        (Some((project, _)), _) => Reach::Project(project.into()),
        (None, _) => Reach::Anywhere,
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
        let found = |repository: &str| index.candidates(&Repository::parse(repository).unwrap());
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
            let found = ByRepository::of(sets.iter()).candidates(&repository);
            for (place, set) in sets.iter().enumerate().filter(|(_, set)| set.matches(&repository)) {
                proptest::prop_assert!(found.contains(&place), "{:?}", set.sources());
            }
        }
    }
}
