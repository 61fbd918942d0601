//! Which rules could be on a ref of a repository, found without looking at those that cannot be.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::{Pattern, RefSet, RepositorySet, VerbSet, ref_index::RefIndex};
use crate::{
    glob::Token,
    name::{RefName, Repository},
};

/// The rules of a policy, by where their patterns could match.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleIndex {
    refs: RefIndex,
    /// By a whole repository, in lower case.
    exact: ByName,
    /// By a project, in lower case.
    project: ByName,
    /// All that begin otherwise.
    anywhere: Vec<Candidate>,
}

/// Hashed fast: whoever could choose many names that meet in one slot writes the policy.
type ByName = HashMap<Box<str>, Vec<Candidate>, RandomState>;

/// A rule that could be on a repository, with what most often tells that it does not matter: then it need not be fetched.
/// Lists of them are ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// Its set of refs, as the index numbers them.
    refs: u32,
    pub(crate) kind: Kind,
    /// Its position among the rules of its kind.
    pub(crate) place: u32,
    pub(crate) verbs: VerbSet,
    /// Whether it is not known to be on the repository without a look at its patterns.
    pub(crate) perhaps: bool,
}

/// The kinds of rules that an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A block that is part of the product.
    BuiltIn,
    Block,
    Grant,
    Require,
}

/// A rule, as far as the index cares.
pub(super) struct Indexed<'a> {
    pub(super) kind: Kind,
    /// Its position among the rules of its kind.
    pub(super) place: u32,
    pub(super) on: &'a RepositorySet,
    pub(super) refs: &'a RefSet,
    pub(super) verbs: VerbSet,
}

/// Rules that a ref meets: so few, mostly, that they lie where they are looked at.
pub(crate) type Met = SmallVec<[Candidate; 8]>;

/// The rules that could be on one repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidates<'a> {
    refs: &'a RefIndex,
    lists: [&'a [Candidate]; 3],
}

/// Where one pattern could match, and whether it matches all that is there.
enum Reach {
    Repository(Box<str>),
    Project(Box<str>, bool),
    Anywhere(bool),
}

impl RuleIndex {
    pub(super) fn of(rules: &[Indexed<'_>]) -> Self {
        let (refs, numbers) = RefIndex::of(rules.iter().map(|rule| rule.refs));
        let mut index = Self { refs, ..Self::default() };
        for (rule, refs) in rules.iter().zip(numbers) {
            for reach in rule.on.included().iter().flat_map(reaches) {
                let (list, all) = match reach {
                    Reach::Repository(key) => (index.exact.entry(key).or_default(), true),
                    Reach::Project(key, all) => (index.project.entry(key).or_default(), all),
                    Reach::Anywhere(all) => (&mut index.anywhere, all),
                };
                let perhaps = !all || rule.on.excludes();
                let Indexed { kind, place, verbs, .. } = *rule;
                list.push(Candidate { refs, kind, place, verbs, perhaps });
            }
        }
        let Self { exact, project, anywhere, .. } = &mut index;
        for list in exact.values_mut().chain(project.values_mut()).chain([anywhere]) {
            list.sort_unstable();
            list.dedup();
            list.shrink_to_fit();
        }
        index
    }

    /// All rules that could be on `repository`.
    pub(crate) fn candidates(&self, repository: &Repository) -> Candidates<'_> {
        let exact = self.exact.get(repository.key()).map(Vec::as_slice).unwrap_or_default();
        let project = self.project.get(repository.project_key()).map(Vec::as_slice).unwrap_or_default();
        Candidates { refs: &self.refs, lists: [exact, project, &self.anywhere] }
    }
}

impl Candidates<'_> {
    /// Those that are about `name`, with `user` in the place of `${user}`: by kind and place, none twice.
    pub(crate) fn about(&self, name: &RefName, user: &str) -> Met {
        let mut found = Met::new();
        self.refs.matching(name, user).for_each(|set| {
            for list in self.lists {
                let first = list.partition_point(|one| one.refs < set);
                let from_set = list.get(first..).unwrap_or_default().iter();
                from_set.take_while(|one| one.refs == set).for_each(|one| found.push(*one));
            }
        });
        if found.len() > 1 {
            // Of two for one rule, the one that is sure comes first.
            found.sort_unstable_by_key(|one| (one.kind, one.place, one.perhaps));
            found.dedup_by_key(|one| (one.kind, one.place));
        }
        found
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
    use super::{Indexed, Kind, Met, RuleIndex};
    use crate::{
        name::{RefName, Repository},
        rule::{RefSet, RepositorySet, VerbSet},
    };

    fn on(patterns: &[&str]) -> RepositorySet {
        let parsed = patterns.iter().map(|one| RepositorySet::parse_one(one).unwrap());
        RepositorySet::new(parsed.collect::<Vec<_>>()).unwrap()
    }

    fn refs(pattern: &str) -> RefSet {
        RefSet::new([RefSet::parse_one(pattern).unwrap()]).unwrap()
    }

    fn index(rules: &[(RepositorySet, RefSet)]) -> RuleIndex {
        let kinds = [Kind::Grant, Kind::Block, Kind::Require].into_iter().cycle();
        let rules = (0..).zip(kinds).zip(rules);
        let verbs = VerbSet::ALL;
        let rules = rules.map(|((place, kind), (on, refs))| Indexed { kind, place, on, refs, verbs });
        RuleIndex::of(&rules.collect::<Vec<_>>())
    }

    fn found(index: &RuleIndex, repository: &str, name: &str) -> Met {
        let name = RefName::parse(name.as_bytes()).unwrap();
        let found = index.candidates(&Repository::parse(repository).unwrap()).about(&name, "zoe");
        assert!(found.is_sorted_by_key(|one| (one.kind, one.place)));
        found
    }

    #[test]
    fn a_rule_is_found_wherever_its_patterns_match() {
        let rules = [
            (&["PAY/api"][..], "refs/heads/main"),
            (&["PAY/*", "PAY/api"], "refs/heads/main"),
            (&["**"], "refs/heads/**"),
            (&["WEB/*"], "refs/heads/main"),
            (&["{PAY,WEB}/x"], "refs/heads/main"),
            (&["PAY*/x"], "refs/heads/main"),
            (&["**/api"], "refs/heads/main"),
            (&["**"], "refs/heads/other"),
        ];
        let index = index(&rules.map(|(places, pattern)| (on(places), refs(pattern))));
        let found = |repository, name| {
            let mut found: Vec<_> =
                found(&index, repository, name).into_iter().map(|one| (one.place, !one.perhaps)).collect();
            found.sort_unstable();
            found
        };
        let main = "refs/heads/main";
        assert_eq!(found("pay/API", main), [(0, true), (1, true), (2, true), (5, false), (6, false)]);
        assert_eq!(found("PAY/x", main), [(1, true), (2, true), (4, true), (5, false), (6, false)]);
        assert_eq!(found("WEB/y", main), [(2, true), (3, true), (5, false), (6, false)]);
        assert_eq!(found("OTHER/y", main), [(2, true), (5, false), (6, false)]);
        assert_eq!(found("WEB/y", "refs/heads/other"), [(2, true), (7, true)]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_matches_is_missed(
            patterns in proptest::collection::vec(
                ("[ab?*]{1,2}/[ab?*]{1,2}|\\*\\*|\\*\\*/a|\\{a,b\\}/a|re:[ab]/a", "refs/([ab]|\\*\\*|\\$\\{user\\})"), 1..9),
            repository in "[abAB]{1,2}/[ab]{1,2}",
            name in "refs/([ab]|zoe)",
        ) {
            let parse = |(places, pattern): &(String, String)| {
                let on = RepositorySet::new([RepositorySet::parse_one(places).ok()?]).ok()?;
                Some((on, refs(pattern)))
            };
            let rules: Vec<_> = patterns.iter().filter_map(parse).collect();
            let found = found(&index(&rules), &repository, &name);
            let repository = Repository::parse(&repository).unwrap();
            let name = RefName::parse(name.as_bytes()).unwrap();
            for (place, (on, refs)) in (0..).zip(&rules) {
                let candidate = found.iter().find(|one| one.place == place);
                let (is_on, is_about) = (on.matches(&repository), refs.matches(&name, "zoe"));
                proptest::prop_assert!(!(is_on && is_about) || candidate.is_some(), "missed: {:?}", on.sources());
                let surely = candidate.is_some_and(|one| !one.perhaps);
                proptest::prop_assert!(candidate.is_none() || is_about, "another ref: {:?}", refs.sources());
                proptest::prop_assert!(is_on || !surely, "not so sure: {:?}", on.sources());
            }
        }
    }
}
