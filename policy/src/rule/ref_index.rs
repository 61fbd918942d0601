//! Which sets of ref patterns match a name, found without looking at those that begin otherwise.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Pattern, RefSet};
use crate::{glob::Token, name::RefName};

/// Many sets of ref patterns, by what their patterns begin with.
#[derive(Debug, Clone, Default)]
pub(super) struct RefIndex {
    /// Each once, however many rules have it: most policies say a few of them again and again.
    sets: Vec<RefSet>,
    /// What their patterns begin with, ascending.
    beginnings: Vec<Beginning>,
}

/// A text that patterns begin with, up to their first sign.
#[derive(Debug, Clone)]
struct Beginning {
    text: Box<[u8]>,
    /// Where the longest other one is with which this one begins.
    shorter: Option<usize>,
    sets: Box<[(u32, Behind)]>,
}

/// What a name must have behind a pattern's beginning for its set to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Behind {
    Nothing,
    Something,
    /// That takes a look at the set.
    Unsaid,
}

impl RefIndex {
    /// The index of these sets, with the number of each.
    pub(super) fn of<'a>(sets: impl Iterator<Item = &'a RefSet>) -> (Self, Vec<u32>) {
        let mut numbers = HashMap::new();
        let mut each_once = Vec::new();
        let number = |set: &RefSet| {
            *numbers.entry(set.sources()).or_insert_with(|| {
                each_once.push(set.clone());
                u32::try_from(each_once.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let numbered = sets.map(number).collect();
        (Self { beginnings: beginnings(&each_once), sets: each_once }, numbered)
    }

    /// The numbers of the sets that match `name`, with `user` in the place of `${user}`; perhaps one more than once.
    pub(super) fn matching<'a>(&'a self, name: &'a RefName, user: &'a str) -> impl Iterator<Item = u32> {
        let text = name.as_bytes();
        // Between a beginning of the name and the name there is nothing that begins otherwise: the last one that is not
        // behind the name begins with all of them.
        let last = self.beginnings.partition_point(|one| *one.text <= *text).checked_sub(1);
        let at = |place: Option<usize>| self.beginnings.get(place?);
        let chain = std::iter::successors(at(last), move |one| at(one.shorter));
        chain.filter(|one| text.starts_with(&one.text)).flat_map(move |one| {
            let matches = move |set: u32, behind| match behind {
                Behind::Nothing => text.len() == one.text.len(),
                Behind::Something => text.len() > one.text.len(),
                Behind::Unsaid => self.sets.get(set as usize).is_some_and(|set| set.matches(name, user)),
            };
            one.sets.iter().filter(move |(set, behind)| matches(*set, *behind)).map(|(set, _)| *set)
        })
    }
}

fn beginnings(sets: &[RefSet]) -> Vec<Beginning> {
    let mut by_text = BTreeMap::<&[u8], BTreeSet<(u32, Behind)>>::new();
    for (number, set) in (0..).zip(sets) {
        for (text, behind) in set.included().iter().flat_map(begins) {
            let behind = if set.excludes() { Behind::Unsaid } else { behind };
            by_text.entry(text).or_default().insert((number, behind));
        }
    }
    let mut beginnings = Vec::<Beginning>::with_capacity(by_text.len());
    for (text, sets) in by_text {
        let at = |place: &usize| beginnings.get(*place);
        let mut shorter = beginnings.len().checked_sub(1);
        while let Some(other) = shorter.as_ref().and_then(at).filter(|other| !text.starts_with(&other.text)) {
            shorter = other.shorter;
        }
        beginnings.push(Beginning { text: text.into(), shorter, sets: sets.into_iter().collect() });
    }
    beginnings
}

/// What a pattern begins with, once for each way to choose among its alternatives.
fn begins<'t>(pattern: &'t Pattern) -> Vec<(&'t [u8], Behind)> {
    let Pattern::Glob(glob) = pattern else { return vec![(&[], Behind::Unsaid)] };
    let begin = |tokens: &'t [Token]| match tokens {
        [Token::Literal(whole)] => (&**whole, Behind::Nothing),
        [Token::Literal(text), Token::Rest] => (&**text, Behind::Something),
        [Token::Literal(text), ..] => (&**text, Behind::Unsaid),
        _ => (&[][..], Behind::Unsaid),
    };
    glob.alternatives().iter().map(|tokens| begin(tokens)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::RefIndex;
    use crate::{name::RefName, rule::RefSet};

    fn set(patterns: &[impl AsRef<str>]) -> Option<RefSet> {
        let parsed: Result<Vec<_>, _> = patterns.iter().map(|one| RefSet::parse_one(one.as_ref())).collect();
        RefSet::new(parsed.ok()?).ok()
    }

    fn matching(index: &RefIndex, name: &str, user: &str) -> Vec<u32> {
        let name = RefName::parse(name.as_bytes()).unwrap();
        let mut found: Vec<_> = index.matching(&name, user).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn a_set_is_kept_once_and_found_by_each_beginning() {
        let sets = [
            &["refs/heads/main"][..],
            &["refs/heads/**"],
            &["refs/heads/main"],
            &["refs/heads/main/**", "refs/tags/**"],
        ];
        let sets: Vec<_> = sets.into_iter().filter_map(set).collect();
        let (index, numbers) = RefIndex::of(sets.iter());
        assert_eq!(numbers, [0, 1, 0, 2]);
        assert_eq!(matching(&index, "refs/heads/main", ""), [0, 1]);
        assert_eq!(matching(&index, "refs/heads/main/x", ""), [1, 2]);
        assert_eq!(matching(&index, "refs/heads/mail", ""), [1]);
        assert_eq!(matching(&index, "refs/tags/x", ""), [2]);
        assert_eq!(matching(&index, "refs/a", ""), [0; 0]);
    }

    proptest! {
        /// The same as asking each set by itself.
        #[test]
        fn what_matches_is_what_each_set_says(
            patterns in vec(vec("!?refs/([ab]{1,2}|[ab]?\\*|\\*\\*|\\{a,b\\}|\\$\\{user\\})(/([ab]{1,2}|\\*\\*|[ab]\\?))?", 1..4), 1..12),
            name in "refs/[ab]{1,3}(/[ab]{1,2})?",
        ) {
            let sets: Vec<_> = patterns.iter().filter_map(|patterns| set(patterns)).collect();
            let (index, numbers) = RefIndex::of(sets.iter());
            let found = matching(&index, &name, "ab");
            let name = RefName::parse(name.as_bytes()).unwrap();
            for (set, number) in sets.iter().zip(&numbers) {
                prop_assert_eq!(set.matches(&name, "ab"), found.contains(number), "{:?}", set.sources());
            }
        }
    }
}
