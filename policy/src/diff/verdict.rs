//! What both policies say of one class of pushes, as [`crate::decide()`] does.

use std::collections::BTreeSet;

use super::{
    Because, Effect, MOST_TOLD,
    condition::{self, Condition},
    lifting::{self, LiftedRule, Lifting, Obstacle},
    patterns::SetNumber,
    table::{Asked, Kind, Rule, Side, Table},
};

/// What a push changes, as far as rules ask.
#[derive(Clone, Copy)]
pub(super) enum Changed<'a> {
    /// A ref ceases to be: nothing of what it held is looked at.
    Gone,
    /// No path.
    Nothing,
    /// One path, which lies in the sets for which this says so.
    Path(&'a dyn Fn(SetNumber) -> bool),
}

/// What a ref is, as far as rules ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum RefKind {
    Tag,
    Other,
}

impl Changed<'_> {
    pub(super) fn is_among(self, paths: SetNumber) -> bool {
        match self {
            Self::Gone | Self::Nothing => false,
            Self::Path(is_in) => is_in(paths),
        }
    }

    /// Whether a grant of these paths is one of all that changes.
    fn is_all_among(self, paths: SetNumber) -> bool {
        match self {
            Self::Gone | Self::Nothing => true,
            Self::Path(is_in) => is_in(paths),
        }
    }
}

/// A verdict, and what stands in the way of it or asks for something.
pub(super) struct Judged {
    pub(super) because: Because,
    obstacles: Vec<Obstacle>,
}

/// How the verdict is otherwise, if it is.
pub(super) fn effect(one: &Judged, other: &Judged) -> Option<Effect> {
    let (before, after) = (&one.because, &other.because);
    match (before.permitted, after.permitted) {
        (false, true) => return Some(Effect::Gains),
        (true, false) => return Some(Effect::Loses),
        (true, true) => {
            let effect = condition::effect(&before.conditions, &after.conditions);
            if effect.is_some() {
                return effect;
            }
        }
        (false, false) => {}
    }
    match (&before.lifting, &after.lifting) {
        (None, Some(_)) => Some(Effect::MayLift),
        (Some(_), None) => Some(Effect::MayNoLongerLift),
        (Some(_), Some(_)) if !lifting::is_same(&one.obstacles, &other.obstacles) => {
            Some(Effect::LiftsOtherwise)
        }
        _ => None,
    }
}

/// Why an effect may be none, or another one.
pub(super) const MESSAGES: &str = "patterns of messages are compared as they are written: one may ask for no more than another, or for nothing";

/// The patterns of messages on whose comparison with each other an effect rests, or on that one of `unclear` asks for
/// something; none: it does not rest on any.
pub(super) fn messages<'j>(
    one: &'j Judged,
    other: &'j Judged,
    effect: Effect,
    unclear: &BTreeSet<String>,
) -> BTreeSet<&'j str> {
    let [before, after] = [one, other].map(Judged::messages);
    let patterns = |side: &BTreeSet<(&'j str, Option<&'j LiftedRule>)>| -> BTreeSet<&'j str> {
        side.iter().map(|(pattern, _)| *pattern).collect()
    };
    let (asked_before, asked_after) = (patterns(&before), patterns(&after));
    let rests = match effect {
        Effect::Gains | Effect::Loses => false,
        // Where one side asks for none, the other asks for more, if it surely asks for anything.
        Effect::Tightens | Effect::Loosens | Effect::Changes => {
            let mut otherwise = asked_before.symmetric_difference(&asked_after);
            otherwise.any(|pattern| unclear.contains(*pattern))
                || !asked_before.is_empty() && !asked_after.is_empty() && asked_before != asked_after
        }
        Effect::MayLift | Effect::MayNoLongerLift | Effect::LiftsOtherwise => before != after,
    };
    let all: BTreeSet<&str> = asked_before.union(&asked_after).copied().collect();
    let may_differ = all.len() > 1 || all.iter().any(|pattern| unclear.contains(*pattern));
    if rests && may_differ { all } else { BTreeSet::new() }
}

/// What is told of a difference on either side.
pub(super) fn told(effect: Effect, before: &Judged, after: &Judged) -> (Because, Because) {
    let all = (before.because.clone(), after.because.clone());
    let (before, after) = match effect {
        Effect::Gains | Effect::Loses => all,
        Effect::Tightens | Effect::Loosens | Effect::Changes => {
            (before.without_what_stays(&after.because), after.without_what_stays(&before.because))
        }
        Effect::MayLift | Effect::MayNoLongerLift | Effect::LiftsOtherwise => {
            (all.0.without_grants(), all.1.without_grants())
        }
    };
    (before.cut(), after.cut())
}

impl Judged {
    /// The patterns of messages that are asked for, and how each may be lifted.
    fn messages(&self) -> BTreeSet<(&str, Option<&LiftedRule>)> {
        let all = self.obstacles.iter().flat_map(|obstacle| {
            let patterns = obstacle.conditions.iter().filter_map(Condition::message);
            patterns.map(move |pattern| (pattern, obstacle.lifted.as_ref()))
        });
        all.collect()
    }

    fn without_what_stays(&self, other: &Because) -> Because {
        let because = self.because.clone().without_grants();
        let conditions: Vec<Condition> =
            because.conditions.into_iter().filter(|one| !other.conditions.contains(one)).collect();
        let asks = |obstacle: &&Obstacle| obstacle.conditions.iter().any(|one| conditions.contains(one));
        let requires = self.obstacles.iter().filter(asks).map(|obstacle| obstacle.rule.clone()).collect();
        Because { conditions, requires, ..because }
    }
}

impl Because {
    /// Which grant carries it makes no difference where none comes or goes, and there may be many.
    fn without_grants(self) -> Self {
        if self.permitted { Self { rules: Vec::new(), ..self } } else { self }
    }

    /// No more of anything than anybody reads: it is kept for each class.
    fn cut(mut self) -> Self {
        self.rules.truncate(MOST_TOLD);
        self.conditions.truncate(MOST_TOLD);
        self.requires.truncate(MOST_TOLD);
        if let Some(lifting) = &mut self.lifting {
            lifting.rules.truncate(MOST_TOLD);
            lifting.rules.iter_mut().for_each(|rule| rule.terms.truncate(MOST_TOLD));
            lifting.conditions.truncate(MOST_TOLD);
        }
        self
    }

    /// How much is told, in words.
    pub(super) fn words(&self) -> usize {
        let conditions = |some: &[Condition]| some.iter().map(Condition::words).sum::<usize>();
        let lifting = self.lifting.as_ref().map_or(0, |lifting| {
            let terms = lifting.rules.iter().flat_map(|rule| &rule.terms);
            lifting.rules.len()
                + terms.map(|one| 1 + one.second_person.len()).sum::<usize>()
                + conditions(&lifting.conditions)
        });
        self.rules.len() + self.requires.len() + conditions(&self.conditions) + lifting
    }
}

impl Table<'_> {
    /// The verdict by rules all of which match the ref.
    pub(super) fn decided(&self, side: &Side, kind: RefKind, changed: Changed<'_>) -> Judged {
        #[cfg(test)]
        super::budget::done(side.numbers().count());
        let grants: Vec<_> = side
            .grants
            .iter()
            .filter_map(|number| self.rule(*number))
            .filter(|grant| grant.paths.is_none_or(|paths| changed.is_all_among(paths)))
            .map(|grant| grant.id.clone())
            .collect();
        if grants.is_empty() {
            return Judged { because: Because::default(), obstacles: Vec::new() };
        }
        let obstacles = self.obstacles(side, kind, changed);
        let (blocks, requires): (Vec<_>, Vec<_>) =
            obstacles.iter().partition(|(_, obstacle)| obstacle.conditions.is_empty());
        let takes = |only_what_stays: bool| {
            let stays = |obstacle: &Obstacle| !only_what_stays || obstacle.lifted.is_none();
            let some = requires.iter().filter(|(_, obstacle)| stays(obstacle));
            condition::reduced(&some.flat_map(|(_, obstacle)| obstacle.conditions.clone()).collect())
        };
        let (all, left) = (takes(false), takes(true));
        let can_lift_blocks = blocks.iter().all(|(_, obstacle)| obstacle.lifted.is_some());
        let lifting = (can_lift_blocks && (!blocks.is_empty() || left != all)).then(|| Lifting {
            rules: obstacles.iter().filter_map(|(_, obstacle)| obstacle.lifted.clone()).collect(),
            conditions: left,
        });
        let ids = |some: &[&(&Rule<'_>, Obstacle)]| some.iter().map(|(rule, _)| rule.id.clone()).collect();
        let because = if blocks.is_empty() {
            Because { permitted: true, rules: grants, conditions: all, requires: ids(&requires), lifting }
        } else {
            Because { rules: ids(&blocks), lifting, ..Because::default() }
        };
        Judged { because, obstacles: obstacles.into_iter().map(|(_, obstacle)| obstacle).collect() }
    }

    /// The blocks that forbid it and the requires that ask for something.
    fn obstacles(&self, side: &Side, kind: RefKind, changed: Changed<'_>) -> Vec<(&Rule<'_>, Obstacle)> {
        let rules = side.blocks.iter().chain(&side.requires).filter_map(|number| self.rule(*number));
        let obstacle = |rule: &Rule<'_>| {
            let conditions = match rule.kind {
                Kind::Block(_) if rule.paths.is_none_or(|paths| changed.is_among(paths)) => Vec::new(),
                Kind::Require(_) => Some(rule.asked(kind, changed)).filter(|asked| !asked.is_empty())?,
                Kind::Grant(_) | Kind::Block(_) | Kind::Waiver(_) => return None,
            };
            Some(Obstacle { rule: rule.id.clone(), conditions, lifted: self.lifted(rule, side) })
        };
        rules.filter_map(|rule| Some((rule, obstacle(rule)?))).collect()
    }

    /// How the rule may be lifted, by the waivers of its side.
    pub(super) fn lifted(&self, rule: &Rule<'_>, side: &Side) -> Option<LiftedRule> {
        if let Kind::Block(block) = rule.kind
            && block.absolute
        {
            return None;
        }
        let waivers = side.waivers.iter().filter_map(|number| match self.rule(*number)?.kind {
            Kind::Waiver(waiver) => waiver.lifts.contains(rule.id).then_some(waiver),
            Kind::Grant(_) | Kind::Block(_) | Kind::Require(_) => None,
        });
        LiftedRule::new(rule.id, waivers)
    }
}

impl Rule<'_> {
    /// What the rule asks for, if it is a require.
    pub(super) fn asked(&self, kind: RefKind, changed: Changed<'_>) -> Vec<Condition> {
        let is_gone = matches!(changed, Changed::Gone);
        let applies = |paths: Option<SetNumber>| paths.is_none_or(|paths| changed.is_among(paths));
        let is_idle =
            |one: &Asked| is_gone && (one.of_commits || one.of_tags) || one.of_tags && kind == RefKind::Other;
        let asked = self.asks.iter().filter(|one| applies(one.paths) && !is_idle(one));
        asked.map(|one| one.condition.clone()).collect()
    }
}
