//! Which rules could be on a ref of a repository, found without looking at those that cannot be.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smol_str::SmolStr;

use super::{
    Mode, Pattern, RefSet, RepositorySet, VerbSet,
    candidate::{Candidate, Found, Kind, Met},
    shelf::{Begins, Shelf, Shelves, begins, number},
};
use crate::{
    glob::Token,
    name::{RefName, Repository},
};

/// The rules of a policy, by where their patterns could match.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleIndex {
    /// Each set of refs once, however many rules have it: most policies say a few of them again and again.
    sets: Vec<RefSet>,
    /// By a whole repository, in lower case.
    exact: ByName<Places>,
    /// By a project, in lower case.
    project: ByName<Places>,
    /// All that begin otherwise.
    anywhere: Places,
    /// What all of these hold.
    shelves: Shelves,
    /// The places of roles that rules name, rule after rule.
    roles: Box<[u32]>,
}

/// Hashed fast: whoever could choose many names that meet in one slot writes the policy.
type ByName<T> = HashMap<SmolStr, T, RandomState>;

/// Where the rules on a repository lie: the shelf of the repository, of its project, and of what is anywhere. Where few are on the
/// wider ones, the nearest has them as well, and is the only one: see [`Repeated`].
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    nearest: Shelf,
    wider: [Shelf; 2],
}

/// How much is repeated at most, so that one look is enough.
#[derive(Debug, Clone, Copy)]
struct Repeated {
    /// Beginnings of a wider place in each narrower one: a rule has one for each of its patterns, and for each way to choose among
    /// their alternatives.
    in_each: usize,
    /// Beginnings of the whole index, from which on nothing of a wider place is repeated any more.
    in_all: usize,
    /// What rules may have more than the places and the refs that they name, since all their refs lie in each of their places: each
    /// rule, and all of them. A rule that would have more lies anywhere, and is asked for its places.
    of_rule: usize,
    of_rules: usize,
}

impl Repeated {
    const FEW: Self = Self { in_each: 16, in_all: 200_000, of_rule: 10_000, of_rules: 400_000 };
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

/// The rules that could be on one repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidates<'a> {
    index: &'a RuleIndex,
    places: &'a Places,
}

/// Where one pattern could match, and whether it matches all that is there.
enum Reach {
    Repository(SmolStr),
    Project(SmolStr, bool),
    Anywhere(bool),
}

/// What an index is made of, list by list.
#[derive(Default)]
struct Draft {
    /// What rules have more than they name so far; see [`Repeated::of_rules`].
    more: usize,
    exact: ByName<Vec<Candidate>>,
    project: ByName<Vec<Candidate>>,
    anywhere: Vec<Candidate>,
    roles: Vec<u32>,
}

impl RuleIndex {
    pub(super) fn of(rules: &[Indexed<'_>]) -> Self {
        Self::laid(rules, Repeated::FEW)
    }

    fn laid(rules: &[Indexed<'_>], repeated: Repeated) -> Self {
        let (sets, numbers) = each_once(rules.iter().map(|rule| rule.refs));
        let begins: Vec<_> = sets.iter().map(begins).collect();
        let mut draft = Draft::default();
        for (rule, refs) in rules.iter().zip(numbers) {
            draft.add(rule, refs, begins.get(refs as usize).map_or(0, Vec::len), repeated);
        }
        let mut laying = Laying { shelves: Shelves::default(), begins: &begins, repeated };
        let anywhere = laying.lay(draft.anywhere, &Laid::NOWHERE);
        let on_projects = draft.project.into_iter();
        let project: ByName<_> = on_projects.map(|(key, list)| (key, laying.lay(list, &anywhere))).collect();
        let exact = draft.exact.into_iter().map(|(key, list)| {
            let wider = key.split_once('/').and_then(|(key, _)| project.get(key)).unwrap_or(&anywhere);
            (key, laying.lay(list, wider).places)
        });
        let exact = exact.collect();
        let project = project.into_iter().map(|(key, laid)| (key, laid.places)).collect();
        let Laying { shelves, .. } = laying;
        Self { exact, project, anywhere: anywhere.places, shelves, roles: draft.roles.into(), sets }
    }

    /// All rules that could be on `repository`.
    #[inline]
    pub(crate) fn candidates(&self, repository: &Repository) -> Candidates<'_> {
        let exact = self.exact.get(repository.key());
        let places = exact.or_else(|| self.project.get(repository.project_key())).unwrap_or(&self.anywhere);
        Candidates { index: self, places }
    }
}

/// What is laid down, place by place.
struct Laying<'t> {
    shelves: Shelves,
    begins: &'t [Begins<'t>],
    repeated: Repeated,
}

/// What was laid down for one place.
struct Laid {
    places: Places,
    /// All rules there, those of wider places too; `None`: too many to repeat them.
    few: Option<Vec<Candidate>>,
}

impl Laid {
    /// What is wider than anywhere.
    const NOWHERE: Self =
        Self { places: Places { nearest: Shelf::EMPTY, wider: [Shelf::EMPTY; 2] }, few: Some(Vec::new()) };
}

impl Laying<'_> {
    /// Lays down the rules of a place that has those of a wider one, too.
    fn lay(&mut self, mut own: Vec<Candidate>, wider: &Laid) -> Laid {
        let is_full = self.shelves.beginnings() > self.repeated.in_all;
        let few = wider.few.as_ref().filter(|_| !is_full);
        own.extend(few.into_iter().flatten().copied());
        let nearest = self.shelves.lay(&own, self.begins);
        let Places { nearest: near, wider: [far, _] } = wider.places;
        let wider = if few.is_some() { [Shelf::EMPTY; 2] } else { [near, far] };
        let places = Places { nearest, wider };
        let beginnings: usize = own.iter().map(|one| self.begins_of(one)).sum();
        let few = (few.is_some() && beginnings <= self.repeated.in_each).then_some(own);
        Laid { places, few }
    }

    fn begins_of(&self, one: &Candidate) -> usize {
        self.begins.get(one.refs as usize).map_or(0, Vec::len)
    }
}

/// The sets, each once, and which of these each was.
fn each_once<'a>(sets: impl Iterator<Item = &'a RefSet>) -> (Vec<RefSet>, Vec<u32>) {
    let mut numbers = HashMap::new();
    let mut each_once = Vec::new();
    let place = |set: &RefSet| {
        *numbers.entry(set.sources()).or_insert_with(|| {
            each_once.push(set.clone());
            number(each_once.len() - 1)
        })
    };
    let numbers = sets.map(place).collect();
    (each_once, numbers)
}

impl Draft {
    /// Takes in a rule, whose refs have so many beginnings.
    fn add(&mut self, rule: &Indexed<'_>, refs: u32, beginnings: usize, repeated: Repeated) {
        let role = self.role(&rule.roles);
        let mut reaches: Vec<_> = rule.on.included().iter().flat_map(reaches).collect();
        let more = reaches.len().saturating_mul(beginnings).saturating_sub(reaches.len() + beginnings);
        if more > repeated.of_rule.min(repeated.of_rules - self.more) {
            reaches = vec![Reach::Anywhere(false)];
        } else {
            self.more += more;
        }
        for reach in reaches {
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

fn candidate(rule: &Indexed<'_>, refs: u32, role: u32) -> Candidate {
    let &Indexed { kind, place, verbs, mode, timed, of_paths, .. } = rule;
    let role_count = number(rule.roles.len());
    Candidate { refs, kind, place, verbs, mode, perhaps: true, timed, of_paths, role_count, role }
}

impl<'a> Candidates<'a> {
    /// Those that are about `name`, with `user` in the place of `${user}`.
    #[inline]
    pub(crate) fn about(&self, name: &RefName, user: &str) -> Met<'a> {
        let RuleIndex { sets, shelves, .. } = self.index;
        let mut found = Found::NOTHING;
        shelves.find(self.places.nearest, sets, name, user, &mut found);
        for shelf in self.places.wider.iter().filter(|shelf| !shelf.is_empty()) {
            shelves.find(*shelf, sets, name, user, &mut found);
        }
        Met::of(found)
    }

    /// The places of the roles that a grant is to, or that are excepted from a block or a require; ascending.
    pub(crate) fn roles<'r>(&self, one: &'r Candidate) -> &'r [u32]
    where
        'a: 'r,
    {
        one.roles(&self.index.roles)
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
    use std::ops::Range;

    use super::{Indexed, Repeated, RuleIndex};
    use crate::{
        name::{RefName, Repository},
        rule::{Candidate, Kind, Mode, RefSet, RepositorySet, VerbSet},
    };

    fn on(patterns: &[&str]) -> RepositorySet {
        let parsed = patterns.iter().map(|one| RepositorySet::parse_one(one).unwrap());
        RepositorySet::new(parsed.collect::<Vec<_>>()).unwrap()
    }

    fn refs(pattern: &str) -> RefSet {
        RefSet::new([RefSet::parse_one(pattern).unwrap()]).unwrap()
    }

    fn index(rules: &[(RepositorySet, RefSet)]) -> RuleIndex {
        repeating(rules, Repeated::FEW)
    }

    fn repeating(rules: &[(RepositorySet, RefSet)], repeated: Repeated) -> RuleIndex {
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
        RuleIndex::laid(&rules.collect::<Vec<_>>(), repeated)
    }

    /// None, one or several.
    fn roles_of(place: u32) -> Box<[u32]> {
        (place..place + place % 3).collect()
    }

    fn found(index: &RuleIndex, repository: &str, name: &str) -> Vec<Candidate> {
        let name = RefName::parse(name.as_bytes()).unwrap();
        let candidates = index.candidates(&Repository::parse(repository).unwrap());
        let met = candidates.about(&name, "zoe");
        let found = [met.blocks(), met.grants(), met.requires()].concat();
        assert!(met.blocks().iter().all(|one| one.kind == Kind::Block));
        assert!(met.grants().iter().all(|one| one.kind == Kind::Grant));
        assert!(met.requires().iter().all(|one| one.kind == Kind::Require));
        assert!(found.is_sorted_by_key(|one| (one.kind, one.place)));
        assert!(found.iter().all(|one| *candidates.roles(one) == *roles_of(one.place)));
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

    /// However many refs a rule about everything has, and however many repositories others name.
    #[test]
    fn what_is_repeated_is_bounded() {
        let many: Vec<_> = (0..200).map(|number| format!("refs/heads/{number}")).collect();
        let wide = RefSet::new(many.iter().map(|one| RefSet::parse_one(one).unwrap())).unwrap();
        let named = |refs: &RefSet| {
            let rules =
                (0..500).map(|number| (on(&[&format!("P{number}/x")]), self::refs("refs/heads/main")));
            let rules: Vec<_> = rules.chain([(on(&["**"]), refs.clone())]).collect();
            index(&rules).shelves.beginnings()
        };
        assert_eq!(named(&wide), 500 + 200);
        assert_eq!(named(&refs("refs/heads/**")), 500 * 2 + 1);
        let rules: Vec<_> = (0..500)
            .map(|number| (on(&[&format!("P{number}/x"), "**"]), refs(&format!("refs/heads/{number}"))))
            .collect();
        let repeated = Repeated { in_each: 1_000, in_all: 100, ..Repeated::FEW };
        assert!(repeating(&rules, repeated).shelves.beginnings() <= 2 * 500 + 100);
    }

    /// However many repositories and refs one rule names, or many rules do.
    #[test]
    fn refs_times_repositories_are_bounded() {
        let places = |count: usize| (0..count).map(|number| format!("P/{number}")).collect::<Vec<_>>();
        let on = |count| {
            let parsed =
                places(count).iter().map(|one| RepositorySet::parse_one(one).unwrap()).collect::<Vec<_>>();
            RepositorySet::new(parsed).unwrap()
        };
        let refs = |numbers: Range<usize>| {
            let parsed = numbers.map(|number| RefSet::parse_one(&format!("refs/heads/{number}")).unwrap());
            RefSet::new(parsed.collect::<Vec<_>>()).unwrap()
        };
        let index = index(&[(on(2_000), refs(0..2_000)), (on(3), refs(0..3))]);
        assert!(index.shelves.beginnings() <= 5_000, "{}", index.shelves.beginnings());
        let surely = |repository, name| -> Vec<_> {
            found(&index, repository, name).into_iter().map(|one| (one.place, !one.perhaps)).collect()
        };
        // The second one is a block, and those come first.
        assert_eq!(surely("P/2", "refs/heads/1"), [(1, true), (0, false)]);
        assert_eq!(surely("P/1999", "refs/heads/1999"), [(0, false)]);
        assert_eq!(surely("P/2", "refs/heads/2000"), []);
        let many: Vec<_> = (0..20).map(|number| (on(100), refs(100 * number..100 * (number + 1)))).collect();
        let repeated = Repeated { of_rules: 50_000, ..Repeated::FEW };
        assert!(repeating(&many, repeated).shelves.beginnings() <= 50_000 + 20 * 200);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_matches_is_missed(
            patterns in proptest::collection::vec(
                ("[ab?*]{1,2}/[ab?*]{1,2}|\\*\\*|\\*\\*/a|\\{a,b\\}/a|re:[ab]/a",
                 "refs/([ab]|\\*\\*|\\{a,b,c\\}|\\$\\{user\\})"), 1..30),
            (in_each, in_all) in (0..30_usize, 0..60_usize),
            (of_rule, of_rules) in (0..3_usize, 0..9_usize),
            repository in "[abAB]{1,2}/[ab]{1,2}",
            name in "refs/([ab]|zoe)",
        ) {
            let parse = |(places, pattern): &(String, String)| {
                let on = RepositorySet::new([RepositorySet::parse_one(places).ok()?]).ok()?;
                Some((on, refs(pattern)))
            };
            let rules: Vec<_> = patterns.iter().filter_map(parse).collect();
            let index = repeating(&rules, Repeated { in_each, in_all, of_rule, of_rules });
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
