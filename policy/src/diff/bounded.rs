//! What keeps an answer from being all of it.

use std::collections::BTreeSet;

/// A part of the question that was too large to be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bounded {
    /// Why, in words.
    pub why: &'static str,
    /// The patterns that it was about: the first [`MOST_PATTERNS`] of them.
    pub patterns: Vec<String>,
    /// How many there are.
    pub patterns_total: usize,
}

/// How many patterns are named where the answer is not exact.
pub const MOST_PATTERNS: usize = 20;

/// How many parts of the question are named that were too large.
const MOST: usize = 200;

const TOO_MANY: &str =
    "there are more parts of the policies that were too large to be compared than are named here";

impl Bounded {
    /// Only the first patterns are kept, however many there are.
    pub(super) fn new<'p>(why: &'static str, patterns: impl IntoIterator<Item = &'p str>) -> Self {
        let mut patterns = patterns.into_iter();
        let first: Vec<String> = patterns.by_ref().take(MOST_PATTERNS).map(str::to_owned).collect();
        let patterns_total = first.len() + patterns.count();
        Self { why, patterns: first, patterns_total }
    }

    /// Of no patterns in particular.
    pub(super) fn because(why: &'static str) -> Self {
        Self { why, patterns: Vec::new(), patterns_total: 0 }
    }
}

/// All that is bounded, each once.
#[derive(Debug, Default)]
pub(super) struct Bounds(BTreeSet<Bounded>);

impl Bounds {
    pub(super) fn add(&mut self, one: Bounded) {
        if self.0.len() < MOST {
            self.0.insert(one);
        } else if !self.0.contains(&one) {
            self.0.insert(Bounded::because(TOO_MANY));
        }
    }

    /// See [`Bounded::because`].
    pub(super) fn because(&mut self, why: &'static str) {
        self.add(Bounded::because(why));
    }

    pub(super) fn extend(&mut self, more: impl IntoIterator<Item = Bounded>) {
        more.into_iter().for_each(|one| self.add(one));
    }

    pub(super) fn all(self) -> Vec<Bounded> {
        self.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounded, Bounds, MOST, MOST_PATTERNS};

    #[test]
    fn what_is_named_is_counted_and_little_of_it_kept() {
        let sources: Vec<String> = (0..1_000).map(|number| format!("refs/heads/x{number}")).collect();
        let mut bounds = Bounds::default();
        for from in 0..MOST + 50 {
            bounds.add(Bounded::new("too many", sources.iter().skip(from).map(String::as_str)));
        }
        let all = bounds.all();
        assert_eq!(all.len(), MOST + 1);
        assert!(all.iter().all(|one| one.patterns.len() <= MOST_PATTERNS));
        assert!(all.iter().any(|one| one.patterns_total == 1_000));
        assert!(all.iter().any(|one| one.why.contains("than are named here")));
    }
}
