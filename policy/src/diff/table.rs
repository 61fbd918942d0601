//! The rules of two policies side by side, their patterns numbered once.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    condition::Condition,
    patterns::{Interner, Patterns, SetNumber},
    written::{self, Written},
};
use crate::{
    name::RuleId,
    request::Verb,
    rule::{Block, Grant, PathSet, Policy, Require, VerbSet, Waiver, Window},
};

/// The enforced rules of both policies.
#[derive(Debug)]
pub(super) struct Table<'p> {
    pub(super) rules: Vec<Rule<'p>>,
    /// Where the rules of the new policy begin.
    after: usize,
    pub(super) refs: Patterns,
    pub(super) repositories: Patterns,
    pub(super) paths: Patterns,
    /// Patterns of messages of which nobody can tell whether they ask for anything.
    pub(super) unclear: BTreeSet<String>,
}

/// One rule: what it says as numbers, so that saying the same is being equal.
#[derive(Debug)]
pub(super) struct Rule<'p> {
    pub(super) id: &'p RuleId,
    pub(super) on: SetNumber,
    pub(super) refs: SetNumber,
    pub(super) verbs: VerbSet,
    pub(super) window: Window,
    /// What it says besides.
    pub(super) says: usize,
    /// A grant's or a block's paths.
    pub(super) paths: Option<SetNumber>,
    /// What a require asks for.
    pub(super) asks: Vec<Asked>,
    pub(super) kind: Kind<'p>,
    /// What one look at it takes: its patterns, and itself.
    weight: usize,
}

/// A condition, and when it is one.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) condition: Condition,
    /// Only when one of these paths changes.
    pub(super) paths: Option<SetNumber>,
    /// Only where there may be new commits.
    pub(super) of_commits: bool,
    /// Only of tags that do not cease to be.
    pub(super) of_tags: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'p> {
    Grant(&'p Grant),
    Block(&'p Block),
    Require(&'p Require),
    Waiver(&'p Waiver),
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
    pub(super) requires: Vec<usize>,
    pub(super) waivers: Vec<usize>,
}

impl<'p> Table<'p> {
    pub(super) fn new(old: &'p Policy, new: &'p Policy) -> Self {
        let mut written = written::rules(old);
        let after = written.len();
        written.extend(written::rules(new));
        let [mut refs, mut repositories, mut paths] = [(); 3].map(|()| Interner::default());
        let mut sayings = BTreeMap::new();
        for rule in &written {
            refs.add(rule.refs.sources());
            repositories.add(rule.on.sources());
            let of_paths = rule.paths.into_iter().chain(rule.asks.iter().filter_map(|asked| asked.paths));
            of_paths.for_each(|set| paths.add(set.sources()));
            let next = sayings.len();
            sayings.entry(rule.says.clone()).or_insert(next);
        }
        let (refs, repositories, paths) =
            (refs.numbered(false), repositories.numbered(true), paths.numbered(false));
        let unclear = written::messages([old, new]).filter(|pattern| pattern.is_of_all().is_none());
        let unclear = unclear.map(ToString::to_string).collect();
        let mut table = Self { rules: Vec::new(), after, refs, repositories, paths, unclear };
        for rule in written {
            let says = sayings.get(&rule.says).copied().unwrap_or_default();
            table.add(rule, says);
        }
        table
    }

    fn add(&mut self, written: Written<'p>, says: usize) {
        let mut paths = |set: Option<&PathSet>| set.map(|set| self.paths.set(&set.sources()));
        let of_rule = paths(written.paths);
        let asks = written.asks.into_iter().map(|asked| Asked {
            paths: paths(asked.paths),
            condition: asked.condition,
            of_commits: asked.of_commits,
            of_tags: asked.of_tags,
        });
        let asks: Vec<Asked> = asks.collect();
        let of_asks = asks.iter().filter_map(|asked| asked.paths);
        let of_paths: usize = of_rule.into_iter().chain(of_asks).map(|set| self.paths.weight(set)).sum();
        let on = self.repositories.set(&written.on.sources());
        let refs = self.refs.set(&written.refs.sources());
        self.rules.push(Rule {
            id: written.id,
            on,
            refs,
            weight: 1 + self.repositories.weight(on) + self.refs.weight(refs) + of_paths,
            verbs: written.verbs,
            window: written.window,
            says,
            paths: of_rule,
            asks,
            kind: written.kind,
        });
    }

    pub(super) fn rule(&self, number: usize) -> Option<&Rule<'p>> {
        self.rules.get(number)
    }

    /// What it takes to look at all of these rules once, in steps: at each pattern, and for each waiver at whatever it could
    /// lift.
    pub(super) fn work(&self, rules: &Rules) -> usize {
        let looks = rules.numbers().filter_map(|number| self.rule(number)).map(|rule| rule.weight);
        let lifts = [&rules.before, &rules.after]
            .map(|side| side.waivers.len().saturating_mul(side.blocks.len() + side.requires.len()));
        lifts.into_iter().fold(looks.sum(), usize::saturating_add)
    }

    /// What it takes to decide by these rules, in steps: also to compare what they ask for with each other.
    pub(super) fn work_to_decide(&self, rules: &Rules) -> usize {
        let asks = rules.numbers().filter_map(|number| self.rule(number)).map(|rule| rule.asks.len());
        let asks: usize = asks.sum();
        self.work(rules).saturating_add(asks.saturating_mul(asks))
    }

    /// Where the rules of the new policy begin.
    pub(super) fn after(&self) -> usize {
        self.after
    }

    /// The rules that say something which no rule on the other side says, by what `saying` makes of a rule. A text that
    /// none of them includes is decided alike on both sides.
    pub(super) fn changed<K: Ord>(&self, rules: &Rules, saying: impl Fn(&Rule<'p>) -> K) -> Vec<usize> {
        let mut changed = Vec::new();
        for (one, other) in [
            (&rules.before.grants, &rules.after.grants),
            (&rules.after.grants, &rules.before.grants),
            (&rules.before.blocks, &rules.after.blocks),
            (&rules.after.blocks, &rules.before.blocks),
            (&rules.before.requires, &rules.after.requires),
            (&rules.after.requires, &rules.before.requires),
            (&rules.before.waivers, &rules.after.waivers),
            (&rules.after.waivers, &rules.before.waivers),
        ] {
            let mut known: Vec<_> =
                other.iter().filter_map(|number| self.rule(*number)).map(&saying).collect();
            known.sort();
            let is_new = |number: &&usize| {
                self.rule(**number).is_some_and(|rule| known.binary_search(&saying(rule)).is_err())
            };
            changed.extend(one.iter().filter(is_new));
        }
        changed.into_iter().flat_map(|number| self.meant(rules, number)).collect()
    }

    /// The rule; for a waiver those that it lifts, since nowhere else it matters.
    fn meant(&self, rules: &Rules, number: usize) -> Vec<usize> {
        let Some(Kind::Waiver(waiver)) = self.rule(number).map(|rule| rule.kind) else { return vec![number] };
        let side = if number < self.after { &rules.before } else { &rules.after };
        let lifted = side.blocks.iter().chain(&side.requires).copied();
        lifted.filter(|rule| self.rule(*rule).is_some_and(|rule| waiver.lifts.contains(rule.id))).collect()
    }
}

impl Rules {
    /// Those for which `keep` says so.
    pub(super) fn filtered(&self, keep: impl Fn(usize) -> bool) -> Self {
        #[cfg(test)]
        super::budget::done(self.numbers().count());
        let side = |side: &Side| Side {
            grants: side.grants.iter().copied().filter(|number| keep(*number)).collect(),
            blocks: side.blocks.iter().copied().filter(|number| keep(*number)).collect(),
            requires: side.requires.iter().copied().filter(|number| keep(*number)).collect(),
            waivers: side.waivers.iter().copied().filter(|number| keep(*number)).collect(),
        };
        Self { before: side(&self.before), after: side(&self.after) }
    }

    /// All of them.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        self.before.numbers().chain(self.after.numbers())
    }

    /// Whether nobody is granted anything on either side.
    pub(super) fn grant_nothing(&self) -> bool {
        self.before.grants.is_empty() && self.after.grants.is_empty()
    }
}

impl Side {
    /// All of them.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        let kinds = [&self.grants, &self.blocks, &self.requires, &self.waivers];
        kinds.into_iter().flatten().copied()
    }
}

impl Rule<'_> {
    /// Every set of paths that it is about.
    pub(super) fn path_sets(&self) -> impl Iterator<Item = SetNumber> {
        self.paths.into_iter().chain(self.asks.iter().filter_map(|asked| asked.paths))
    }

    pub(super) fn is_live(&self, at: jiff::Timestamp, verb: Verb) -> bool {
        self.verbs.contains(verb) && self.window.contains(at)
    }
}
