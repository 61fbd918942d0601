//! The rules of two policies side by side, their patterns numbered once.

use std::collections::BTreeMap;

use crate::{
    glob::Glob,
    name::{RoleId, RuleId, UsernameKey},
    request::Verb,
    rule::{Block, Grant, Mode, Policy, VerbSet, Window},
};

/// The enforced rules of both policies.
#[derive(Debug)]
pub(super) struct Table<'p> {
    pub(super) rules: Vec<Rule<'p>>,
    /// Where the rules of the new policy begin.
    after: usize,
    pub(super) refs: Patterns,
    pub(super) repositories: Patterns,
}

/// One rule: what it says as numbers, so that saying the same is being equal.
#[derive(Debug)]
pub(super) struct Rule<'p> {
    pub(super) id: &'p RuleId,
    pub(super) on: SetNumber,
    pub(super) refs: SetNumber,
    pub(super) verbs: VerbSet,
    pub(super) window: Window,
    pub(super) kind: Kind<'p>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'p> {
    Grant(&'p Grant),
    Block(&'p Block),
}

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

/// Rules by number: those that could decide for somebody, before the change and after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Rules {
    pub(super) before: Side,
    pub(super) after: Side,
}

/// See [`Rules`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Side {
    pub(super) grants: Vec<usize>,
    pub(super) blocks: Vec<usize>,
}

impl<'p> Table<'p> {
    pub(super) fn new(old: &'p Policy, new: &'p Policy) -> Self {
        let (mut refs, mut repositories) = (Interner::default(), Interner::default());
        for policy in [old, new] {
            for grant in policy.grants() {
                refs.add(grant.refs.sources());
                repositories.add(grant.on.sources());
            }
            for block in policy.all_blocks() {
                refs.add(block.refs.sources());
                repositories.add(block.on.sources());
            }
        }
        let (refs, repositories) = (refs.numbered(), repositories.numbered());
        let mut table = Self { rules: Vec::new(), after: 0, refs, repositories };
        table.add(old);
        table.after = table.rules.len();
        table.add(new);
        table
    }

    fn add(&mut self, policy: &'p Policy) {
        for grant in policy.grants().iter().filter(|grant| grant.mode == Mode::Enforce) {
            self.rules.push(Rule {
                id: &grant.id,
                on: self.repositories.set(&grant.on.sources()),
                refs: self.refs.set(&grant.refs.sources()),
                verbs: grant.verbs,
                window: grant.window,
                kind: Kind::Grant(grant),
            });
        }
        for block in policy.all_blocks().filter(|block| block.mode == Mode::Enforce) {
            self.rules.push(Rule {
                id: &block.id,
                on: self.repositories.set(&block.on.sources()),
                refs: self.refs.set(&block.refs.sources()),
                verbs: block.verbs,
                window: block.window,
                kind: Kind::Block(block),
            });
        }
    }

    pub(super) fn rule(&self, number: usize) -> Option<&Rule<'p>> {
        self.rules.get(number)
    }

    /// The rules that concern somebody: grants that reach them, and blocks that bind them if any grant does.
    pub(super) fn concerning(
        &self,
        user: &UsernameKey,
        before: Option<&[RoleId]>,
        after: Option<&[RoleId]>,
    ) -> Rules {
        let mut rules = Rules::default();
        for (number, rule) in self.rules.iter().enumerate() {
            let (roles, side) =
                if number < self.after { (before, &mut rules.before) } else { (after, &mut rules.after) };
            // Somebody who may not act at all is reached by nothing.
            let Some(roles) = roles else { continue };
            match rule.kind {
                Kind::Grant(grant) if grant.reaches(user, roles).is_some() => side.grants.push(number),
                Kind::Block(block) if block.binds(roles) => side.blocks.push(number),
                Kind::Grant(_) | Kind::Block(_) => {}
            }
        }
        for side in [&mut rules.before, &mut rules.after] {
            if side.grants.is_empty() {
                side.blocks.clear();
            }
        }
        rules
    }

    /// The rules that say something which no rule on the other side says, by what `saying` makes of a rule.
    pub(super) fn changed<K: Ord>(&self, rules: &Rules, saying: impl Fn(&Rule<'p>) -> K) -> Vec<usize> {
        let mut changed = Vec::new();
        for (one, other) in [
            (&rules.before.grants, &rules.after.grants),
            (&rules.after.grants, &rules.before.grants),
            (&rules.before.blocks, &rules.after.blocks),
            (&rules.after.blocks, &rules.before.blocks),
        ] {
            let mut known: Vec<_> =
                other.iter().filter_map(|number| self.rule(*number)).map(&saying).collect();
            known.sort();
            let is_new = |number: &&usize| {
                self.rule(**number).is_some_and(|rule| known.binary_search(&saying(rule)).is_err())
            };
            changed.extend(one.iter().filter(is_new));
        }
        changed
    }
}

impl Rules {
    /// Those for which `keep` says so.
    pub(super) fn filtered(&self, keep: impl Fn(usize) -> bool) -> Self {
        let side = |side: &Side| Side {
            grants: side.grants.iter().copied().filter(|number| keep(*number)).collect(),
            blocks: side.blocks.iter().copied().filter(|number| keep(*number)).collect(),
        };
        Self { before: side(&self.before), after: side(&self.after) }
    }

    /// All of them.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        let sides = [&self.before.grants, &self.before.blocks, &self.after.grants, &self.after.blocks];
        sides.into_iter().flatten().copied()
    }

    /// Whether nobody is granted anything on either side.
    pub(super) fn grant_nothing(&self) -> bool {
        self.before.grants.is_empty() && self.after.grants.is_empty()
    }
}

impl Rule<'_> {
    pub(super) fn is_live(&self, at: jiff::Timestamp, verb: Verb) -> bool {
        self.verbs.contains(verb) && self.window.contains(at)
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

    fn set(&mut self, sources: &[String]) -> SetNumber {
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
struct Interner(BTreeMap<String, Option<Glob>>);

impl Interner {
    fn add(&mut self, sources: Vec<String>) {
        for source in sources {
            let source = source.strip_prefix('!').unwrap_or(&source);
            if !self.0.contains_key(source) {
                let glob = if source.starts_with("re:") { None } else { Glob::parse(source).ok() };
                self.0.insert(source.to_owned(), glob);
            }
        }
    }

    fn numbered(self) -> Patterns {
        let mut patterns = Patterns::default();
        for (source, glob) in self.0 {
            patterns.sources.push(source);
            patterns.globs.push(glob);
        }
        patterns
    }
}
