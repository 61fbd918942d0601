//! Which rules could be on a ref of a repository, found without looking at those that cannot be.

use std::{collections::HashMap, slice};

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::{Mode, Pattern, RefSet, RepositorySet, VerbSet, ref_index::RefIndex};
use crate::{
    glob::Token,
    name::{RefName, Repository},
};

/// The rules of a policy, by where their patterns could match.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleIndex {
    refs: RefIndex,
    /// By a whole repository, in lower case.
    exact: ByName<Shelf>,
    /// By a project, in lower case.
    project: ByName<Span>,
    /// All that begin otherwise.
    anywhere: Span,
    /// What all of these hold.
    candidates: Box<[Candidate]>,
    /// The places of roles that rules name, rule after rule.
    roles: Box<[u32]>,
}

/// Hashed fast: whoever could choose many names that meet in one slot writes the policy.
type ByName<T> = HashMap<Box<str>, T, RandomState>;

/// Some that lie one after the other.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    begin: u32,
    end: u32,
    /// The sets of refs of its rules, each as the bit of its number modulo 64: where that is missing, none of them is about it.
    sets: u64,
}

/// What is known of a repository that rules name.
#[derive(Debug, Clone, Copy)]
struct Shelf {
    exact: Span,
    /// What is on its project, so that this need not be looked for.
    project: Span,
}

/// A rule that could be on a repository, with what most decisions ask of it: then it need not be fetched. Lists of them are
/// ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// Its set of refs, as the index numbers them.
    refs: u32,
    pub(crate) kind: Kind,
    /// Its position among the rules of its kind.
    pub(crate) place: u32,
    pub(crate) verbs: VerbSet,
    pub(crate) mode: Mode,
    /// Whether it is not known to be on the repository without a look at its patterns.
    pub(crate) perhaps: bool,
    /// Whether it is live at some times only.
    pub(crate) timed: bool,
    /// Whether it is about changes to some paths only.
    pub(crate) of_paths: bool,
    /// How many roles it names.
    role_count: u32,
    /// The only one; of several, where they begin among all that rules name.
    role: u32,
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
    pub(super) mode: Mode,
    pub(super) timed: bool,
    pub(super) of_paths: bool,
    /// The places of the roles that a grant is to, or that are excepted from a block or a require; ascending.
    pub(super) roles: Box<[u32]>,
}

/// Rules that a ref meets: so few, mostly, that they lie where they are looked at.
pub(crate) type Met<'a> = SmallVec<[&'a Candidate; 8]>;

/// Rules in the order of their sets of refs, with what their span says of these.
#[derive(Debug, Clone, Copy)]
struct List<'a> {
    rules: &'a [Candidate],
    sets: u64,
}

/// The rules that could be on one repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidates<'a> {
    index: &'a RuleIndex,
    lists: [List<'a>; 3],
}

/// Where one pattern could match, and whether it matches all that is there.
enum Reach {
    Repository(Box<str>),
    Project(Box<str>, bool),
    Anywhere(bool),
}

/// What an index is made of, list by list.
#[derive(Default)]
struct Draft {
    exact: ByName<Vec<Candidate>>,
    project: ByName<Vec<Candidate>>,
    anywhere: Vec<Candidate>,
    roles: Vec<u32>,
}

impl RuleIndex {
    pub(super) fn of(rules: &[Indexed<'_>]) -> Self {
        let (refs, numbers) = RefIndex::of(rules.iter().map(|rule| rule.refs));
        let mut draft = Draft::default();
        for (rule, refs) in rules.iter().zip(numbers) {
            draft.add(rule, refs);
        }
        let Draft { exact, project, anywhere, roles } = draft;
        let mut candidates = Vec::new();
        let anywhere = lay(&mut candidates, anywhere);
        let project: ByName<_> =
            project.into_iter().map(|(key, list)| (key, lay(&mut candidates, list))).collect();
        let shelf = |(key, list): (Box<str>, _)| {
            let of_project = key.split_once('/').and_then(|(key, _)| project.get(key));
            let shelf =
                Shelf { exact: lay(&mut candidates, list), project: of_project.copied().unwrap_or_default() };
            (key, shelf)
        };
        let exact = exact.into_iter().map(shelf).collect();
        Self { refs, exact, project, anywhere, candidates: candidates.into(), roles: roles.into() }
    }

    /// All rules that could be on `repository`.
    pub(crate) fn candidates(&self, repository: &Repository) -> Candidates<'_> {
        let Shelf { exact, project } = match self.exact.get(repository.key()) {
            Some(shelf) => *shelf,
            None => {
                let project = self.project.get(repository.project_key()).copied().unwrap_or_default();
                Shelf { exact: Span::default(), project }
            }
        };
        let list = |span: Span| List { rules: span.of(&self.candidates), sets: span.sets };
        Candidates { index: self, lists: [list(exact), list(project), list(self.anywhere)] }
    }
}

impl Draft {
    fn add(&mut self, rule: &Indexed<'_>, refs: u32) {
        let role = self.role(&rule.roles);
        for reach in rule.on.included().iter().flat_map(reaches) {
            let (list, all) = match reach {
                Reach::Repository(key) => (self.exact.entry(key).or_default(), true),
                Reach::Project(key, all) => (self.project.entry(key).or_default(), all),
                Reach::Anywhere(all) => (&mut self.anywhere, all),
            };
            let perhaps = !all || rule.on.excludes();
            list.push(Candidate { perhaps, ..candidate(rule, refs, role) });
        }
    }

    /// Notes the roles that a rule names; see [`Candidate::role`].
    fn role(&mut self, roles: &[u32]) -> u32 {
        if let [only] = roles {
            return *only;
        }
        let begin = number(self.roles.len());
        self.roles.extend_from_slice(roles);
        begin
    }
}

/// Lays a list behind the others, in order.
fn lay(candidates: &mut Vec<Candidate>, mut list: Vec<Candidate>) -> Span {
    list.sort_unstable();
    // Of two for one rule, the one that is sure comes first.
    list.dedup_by_key(|one| (one.refs, one.kind, one.place));
    let begin = number(candidates.len());
    let sets = list.iter().fold(0, |sets, one| sets | bit(one.refs));
    candidates.append(&mut list);
    Span { begin, end: number(candidates.len()), sets }
}

/// The bit of a set; see [`Span::sets`].
const fn bit(set: u32) -> u64 {
    1 << (set % u64::BITS)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Span {
    fn of<T>(self, all: &[T]) -> &[T] {
        all.get(self.begin as usize..self.end as usize).unwrap_or_default()
    }
}

fn candidate(rule: &Indexed<'_>, refs: u32, role: u32) -> Candidate {
    let &Indexed { kind, place, verbs, mode, timed, of_paths, .. } = rule;
    let role_count = number(rule.roles.len());
    Candidate { refs, kind, place, verbs, mode, perhaps: true, timed, of_paths, role_count, role }
}

impl Candidate {
    /// Of two for one rule, the one that is sure comes first.
    fn order(&self) -> (Kind, u32, bool) {
        (self.kind, self.place, self.perhaps)
    }
}

impl<'a> Candidates<'a> {
    /// Those that are about some of these verbs of `name`, with `user` in the place of `${user}`: by kind and place, none twice.
    pub(crate) fn about(&self, name: &RefName, verbs: VerbSet, user: &str) -> Met<'a> {
        let (mut met, mut runs) = (Met::new(), 0);
        self.index.refs.each_that_matches(name, user, |set| {
            for list in self.lists.iter().filter(|list| list.sets & bit(set) != 0) {
                let first = list.rules.partition_point(|one| one.refs < set);
                let before = met.len();
                for one in list.rules.get(first..).unwrap_or_default() {
                    if one.refs != set {
                        break;
                    }
                    if one.verbs.meets(verbs) {
                        met.push(one);
                    }
                }
                runs += usize::from(met.len() > before);
            }
        });
        // One run is in order.
        if runs > 1 {
            met.sort_unstable_by_key(|one| one.order());
            met.dedup_by_key(|one| (one.kind, one.place));
        }
        met
    }

    /// The places of the roles that a grant is to, or that are excepted from a block or a require; ascending.
    pub(crate) fn roles(&self, one: &'a Candidate) -> &'a [u32] {
        if one.role_count == 1 {
            return slice::from_ref(&one.role);
        }
        let begin = one.role as usize;
        self.index.roles.get(begin..begin + one.role_count as usize).unwrap_or_default()
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
    use super::{Candidate, Indexed, Kind, RuleIndex};
    use crate::{
        name::{RefName, Repository},
        rule::{Mode, RefSet, RepositorySet, VerbSet},
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
        let rules = rules.map(|((place, kind), (on, refs))| Indexed {
            kind,
            place,
            on,
            refs,
            verbs: VerbSet::ALL,
            mode: Mode::Enforce,
            timed: false,
            of_paths: false,
            roles: roles_of(place),
        });
        RuleIndex::of(&rules.collect::<Vec<_>>())
    }

    /// None, one or several.
    fn roles_of(place: u32) -> Box<[u32]> {
        (place..place + place % 3).collect()
    }

    fn found<'i>(index: &'i RuleIndex, repository: &str, name: &str) -> Vec<&'i Candidate> {
        let name = RefName::parse(name.as_bytes()).unwrap();
        let candidates = index.candidates(&Repository::parse(repository).unwrap());
        let found = candidates.about(&name, VerbSet::ALL, "zoe");
        assert!(found.is_sorted_by_key(|one| (one.kind, one.place)));
        assert!(found.iter().all(|one| *candidates.roles(one) == *roles_of(one.place)));
        found.into_vec()
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
            let index = index(&rules);
            let found = found(&index, &repository, &name);
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
