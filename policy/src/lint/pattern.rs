use std::collections::{BTreeSet, HashMap};

use super::{About, Lint, Report, classes, prover, scope::Scope};
use crate::{
    diff::proof::{List, Prover},
    name::{RefName, Repository},
    rule::Policy,
};

/// Patterns that match nothing beside others that do, and exclusions that take nothing out. Of the rules in `never` it
/// is told already that all of them is for nothing.
pub(super) fn look(policy: &Policy, never: &BTreeSet<About>, report: &mut Report) {
    let mut search = Search::new();
    for scope in Scope::all(policy).filter(|scope| !never.contains(&scope.about)) {
        let lists = [(Place::On, scope.on.sources()), (Place::Refs, scope.refs.sources())];
        for (place, sources) in lists {
            for (message, help) in search.look_at(place, &sources) {
                let message = format!("the {} {message}", scope.about);
                report.add(Lint::PatternNeverMatches, scope.about.clone(), message, Some(help));
            }
        }
    }
    if search.prover.gave_up() {
        report.unfinished.insert(Lint::PatternNeverMatches);
    }
}

/// What to do about an exclusion for nothing.
const TAKES_NOTHING: &str = "see how it is spelled, or take it out: it takes out of its own list only";

/// Where a list of patterns stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    On,
    Refs,
}

/// What is proved, each once.
struct Search {
    prover: Prover,
    /// Of a pattern, whether it matches no name.
    nothing: HashMap<(Place, String), bool>,
    /// Of what a list excludes, by the number of what it includes: whether that is surely not in it.
    outside: HashMap<(Place, usize, String), bool>,
    /// What lists include, numbered: a rule may exclude as much as it includes, and each is looked at with the other.
    numbers: HashMap<Vec<String>, usize>,
}

/// What a list includes.
struct Included {
    number: usize,
    list: List,
    /// What it takes to look at it once, in steps.
    work: usize,
}

impl Search {
    fn new() -> Self {
        let (nothing, outside, numbers) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { prover: prover(), nothing, outside, numbers }
    }

    /// What is for nothing in a list, and what to do.
    fn look_at(&mut self, place: Place, sources: &[String]) -> Vec<(String, String)> {
        let key = place.key();
        let included: Vec<String> =
            sources.iter().filter(|source| !source.starts_with('!')).cloned().collect();
        let mut found = Vec::new();
        for pattern in &included {
            if let Some(why) = self.why_nothing(place, pattern) {
                let help = classes::help("", pattern).unwrap_or_else(|| place.help().to_owned());
                found.push((format!("names `{pattern}` in its `{key}`, and {why}"), help));
            }
        }
        let included = self.number(included);
        for pattern in sources.iter().filter_map(|source| source.strip_prefix('!')) {
            if let Some(why) = self.why_nothing(place, pattern) {
                let help = classes::help("!", pattern).unwrap_or_else(|| place.help().to_owned());
                found.push((format!("excludes `{pattern}` from its `{key}`, and {why}"), help));
            } else if self.takes_nothing(place, pattern, &included) {
                let what = place.what();
                let message =
                    format!("excludes `{pattern}` from its `{key}`, in which there is no such {what}");
                found.push((message, TAKES_NOTHING.to_owned()));
            }
        }
        found
    }

    fn number(&mut self, included: Vec<String>) -> Included {
        let list = List::new(&included);
        let next = self.numbers.len();
        let number = *self.numbers.entry(included).or_insert(next);
        Included { number, work: list.work(), list }
    }

    /// Why no name is like a glob, or like one way to choose among its alternatives.
    fn why_nothing(&mut self, place: Place, pattern: &str) -> Option<&'static str> {
        if pattern.starts_with("re:") {
            return None;
        }
        let list = List::new(&[pattern.to_owned()]);
        if self.is_nothing(place, pattern, &list) {
            return Some(match place {
                Place::On => "there can be no such repository",
                Place::Refs => "git accepts no such ref name",
            });
        }
        let in_part = match place {
            Place::On => list.has_way_to_no_repository(),
            Place::Refs => list.has_way_to_no_ref(),
        };
        in_part.then_some(match place {
            Place::On => "for one of its alternatives there can be no repository",
            Place::Refs => "git accepts no ref name for one of its alternatives",
        })
    }

    fn is_nothing(&mut self, place: Place, pattern: &str, list: &List) -> bool {
        if list.examples().any(|example| place.is_name(&example)) {
            return false;
        }
        let prover = &mut self.prover;
        *self.nothing.entry((place, pattern.to_owned())).or_insert_with(|| match place {
            Place::On => prover.repositories_within(list, &[]),
            Place::Refs => prover.refs_within(list, &[]),
        })
    }

    /// Whether what is excluded is surely not in the list. Paid for before anything is looked at: lists may be as long as
    /// the policy.
    fn takes_nothing(&mut self, place: Place, excluded: &str, included: &Included) -> bool {
        if excluded.starts_with("re:") {
            return false;
        }
        let key = (place, included.number, excluded.to_owned());
        if let Some(known) = self.outside.get(&key) {
            return *known;
        }
        if !self.prover.spend(included.work) {
            return false;
        }
        let (own, list) = (List::new(&[excluded.to_owned()]), &included.list);
        let is_in = own.examples().any(|example| place.is_name(&example) && list.includes(&example));
        let prover = &mut self.prover;
        let is_outside = !is_in
            && match place {
                Place::On => prover.repositories_apart(&own, list),
                Place::Refs => prover.refs_apart(&own, list),
            };
        self.outside.insert(key, is_outside);
        is_outside
    }
}

impl Place {
    /// The key of a rule.
    const fn key(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Refs => "refs",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::On => "repository",
            Self::Refs => "ref",
        }
    }

    /// What a name may be.
    const fn help(self) -> &'static str {
        match self {
            Self::On => "a repository is `PROJECT/slug`, of letters, digits, `-`, `_`, `.` and `~`",
            Self::Refs => "see how it is spelled: `git help check-ref-format` tells what a ref may be called",
        }
    }

    fn is_name(self, text: &[u8]) -> bool {
        match self {
            Self::On => std::str::from_utf8(text).is_ok_and(|text| Repository::parse(text).is_ok()),
            Self::Refs => RefName::parse(text).is_ok(),
        }
    }
}
