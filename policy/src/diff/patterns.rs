//! The patterns of two policies, numbered once.

use std::collections::BTreeMap;

use crate::glob::Glob;

pub(super) type SetNumber = usize;

/// Patterns of one kind, and the lists of them that rules hold.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    sources: Vec<String>,
    /// `None` for a `re:` pattern.
    globs: Vec<Option<Glob>>,
    sets: Vec<Set>,
}

/// A list of patterns, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) include: Vec<usize>,
    pub(super) exclude: Vec<usize>,
}

impl Set {
    /// Whether a text that matches just the patterns for which `matched` says so is in the set.
    pub(super) fn holds(&self, matched: impl Fn(usize) -> bool) -> bool {
        self.include.iter().any(|pattern| matched(*pattern))
            && !self.exclude.iter().any(|pattern| matched(*pattern))
    }
}

impl Patterns {
    pub(super) fn source(&self, pattern: usize) -> &str {
        self.sources.get(pattern).map_or("", String::as_str)
    }

    pub(super) fn glob(&self, pattern: usize) -> Option<&Glob> {
        self.globs.get(pattern)?.as_ref()
    }

    pub(super) fn at(&self, number: SetNumber) -> Option<&Set> {
        self.sets.get(number)
    }

    pub(super) fn set(&mut self, sources: &[String]) -> SetNumber {
        let mut set = Set { include: Vec::new(), exclude: Vec::new() };
        for source in sources {
            let (list, source) = match source.strip_prefix('!') {
                Some(source) => (&mut set.exclude, source),
                None => (&mut set.include, source.as_str()),
            };
            list.extend(self.sources.binary_search_by(|known| known.as_str().cmp(source)).ok());
        }
        if let Some(number) = self.sets.iter().position(|known| *known == set) {
            return number;
        }
        self.sets.push(set);
        self.sets.len() - 1
    }
}

/// Gathers patterns before they are numbered, in order, so that the numbers do not depend on which policy is old.
#[derive(Debug, Default)]
pub(super) struct Interner(BTreeMap<String, Option<Glob>>);

impl Interner {
    pub(super) fn add(&mut self, sources: Vec<String>) {
        for source in sources {
            let source = source.strip_prefix('!').unwrap_or(&source);
            if !self.0.contains_key(source) {
                let glob = if source.starts_with("re:") { None } else { Glob::parse(source).ok() };
                self.0.insert(source.to_owned(), glob);
            }
        }
    }

    pub(super) fn numbered(self) -> Patterns {
        let mut patterns = Patterns::default();
        for (source, glob) in self.0 {
            patterns.sources.push(source);
            patterns.globs.push(glob);
        }
        patterns
    }
}
