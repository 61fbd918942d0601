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

/// A text that patterns begin with, up to their first sign. They are in the order of their heads, and then of their texts:
/// that is the order of their texts.
#[derive(Debug, Clone)]
struct Beginning {
    head: Head,
    /// The part of a head that this text takes up; `None`: it is longer than that.
    mask: Option<u128>,
    text: Box<[u8]>,
    /// Where the longest other one is with which this one begins.
    shorter: Option<usize>,
    sets: Box<[(u32, Behind)]>,
}

/// The first bytes of a text as one number, which is compared at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Head(u128);

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

    /// Tells the numbers of the sets that match `name`, with `user` in the place of `${user}`; perhaps one more than once.
    pub(super) fn each_that_matches(&self, name: &RefName, user: &str, mut tell: impl FnMut(u32)) {
        let text = name.as_bytes();
        // Between a beginning of the name and the name there is nothing that begins otherwise: the last one that is not
        // behind the name begins with all of them.
        let head = Head::of(text);
        let order = (head, text);
        let at = |place: usize| self.beginnings.get(place);
        let mut next = self.beginnings.partition_point(|one| (one.head, &*one.text) <= order).checked_sub(1);
        while let Some(one) = next.and_then(at) {
            next = one.shorter;
            if !one.begins(head, text) {
                continue;
            }
            for (set, behind) in &one.sets {
                let matches = match behind {
                    Behind::Nothing => text.len() == one.text.len(),
                    Behind::Something => text.len() > one.text.len(),
                    Behind::Unsaid => self.sets.get(*set as usize).is_some_and(|set| set.matches(name, user)),
                };
                if matches {
                    tell(*set);
                }
            }
        }
    }
}

impl Beginning {
    /// Whether a name begins with it that has this head.
    fn begins(&self, head: Head, name: &[u8]) -> bool {
        match self.mask {
            Some(mask) => self.text.len() <= name.len() && head.0 & mask == self.head.0,
            None => name.starts_with(&self.text),
        }
    }
}

impl Head {
    /// All names begin with this, and all patterns that begin with anything.
    const SKIPPED: &[u8] = b"refs/";

    fn of(text: &[u8]) -> Self {
        let behind = text.get(Self::SKIPPED.len()..).unwrap_or_default();
        let mut short = [0; 16];
        if let Some(bytes) = short.get_mut(..behind.len()) {
            bytes.copy_from_slice(behind);
        }
        Self(u128::from_be_bytes(*behind.first_chunk().unwrap_or(&short)))
    }

    /// The part of a head that a text of this length takes up, if it takes up no more.
    fn mask(length: usize) -> Option<u128> {
        let bits = 8 * u32::try_from(length.checked_sub(Self::SKIPPED.len())?).ok()?;
        let unused = u128::BITS.checked_sub(bits)?;
        Some(u128::MAX.checked_shl(unused).unwrap_or_default())
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
        beginnings.push(Beginning {
            head: Head::of(text),
            mask: Head::mask(text.len()),
            text: text.into(),
            shorter,
            sets: sets.into_iter().collect(),
        });
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
        let mut found = Vec::new();
        index.each_that_matches(&name, user, |set| found.push(set));
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

    #[test]
    fn what_begins_alike_for_long_is_told_apart() {
        let sets = [
            "refs/heads/release/2026/**",
            "refs/heads/release/2026/q1",
            "refs/heads/release/2026/q1/**",
            "refs/heads/release/2026/q2/**",
        ];
        let sets: Vec<_> = sets.iter().filter_map(|one| set(&[one])).collect();
        let (index, _) = RefIndex::of(sets.iter());
        assert_eq!(matching(&index, "refs/heads/release/2026/q1/fix", ""), [0, 2]);
        assert_eq!(matching(&index, "refs/heads/release/2026/q1", ""), [0, 1]);
        assert_eq!(matching(&index, "refs/heads/release/2026/q3", ""), [0]);
        assert_eq!(matching(&index, "refs/heads/release/2026", ""), [0; 0]);
        assert_eq!(matching(&index, "refs/heads/release/2025/q1/fix", ""), [0; 0]);
    }

    /// Also where a beginning is just as long as a head, or longer by a little.
    #[test]
    fn beginnings_of_any_length_are_told_apart() {
        for length in 1..40 {
            let pattern = format!("refs/{}", "a".repeat(length));
            let sets = [set(&[&pattern]), set(&[format!("{pattern}/**")])];
            let sets: Vec<_> = sets.into_iter().flatten().collect();
            let (index, _) = RefIndex::of(sets.iter());
            let (before, last) = pattern.split_at(pattern.len() - 1);
            assert_eq!(matching(&index, &pattern, ""), [0], "{length}");
            assert_eq!(matching(&index, &format!("{pattern}/b"), ""), [1], "{length}");
            assert_eq!(matching(&index, &format!("{pattern}b"), ""), [0; 0], "{length}");
            assert_eq!(matching(&index, &format!("{before}b{last}"), ""), [0; 0], "{length}");
            if length > 1 {
                assert_eq!(matching(&index, before, ""), [0; 0], "{length}");
            }
        }
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
