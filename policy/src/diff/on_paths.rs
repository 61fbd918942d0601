//! Where the verdict differs on one ref: classes of paths that change.

use std::rc::Rc;

use super::{
    Because, Effect,
    bounded::Bounded,
    budget::{Budget, KEPT, TOLD},
    compare::{Comparison, Grouped, Manner, covered},
    cover::Cube,
    language::Language,
    local::Local,
    patterns::SetNumber,
    table::{Rule, Rules},
    verdict::{Changed, MESSAGES, RefKind, effect, messages, told},
    views,
};
use crate::name::TreePath;

/// How two verdicts differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Difference {
    pub(super) effect: Effect,
    pub(super) before: Because,
    pub(super) after: Because,
}

/// See [`super::Paths`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PathClass {
    Whatever,
    Nothing,
    NoneOf(Vec<usize>),
    Of(Cube),
}

/// A difference, where it is, and an example where there is a path. What is found is kept once, however often it is used.
type OnPath = (Rc<Difference>, Rc<PathClass>, Option<TreePath>);

/// Differences, in all classes of paths.
pub(super) type PathFindings = Rc<[OnPath]>;

type Found = Vec<OnPath>;

impl Comparison<'_> {
    /// Where the verdict differs on a ref on which these are all the rules.
    pub(super) fn on_paths(
        &mut self,
        rules: Rules,
        kind: RefKind,
        manner: Manner,
        budget: &mut Budget,
    ) -> PathFindings {
        let key = (rules, kind, manner == Manner::Delete);
        if let Some(known) = self.paths.get(&key) {
            return Rc::clone(known);
        }
        let (rules, kind, is_gone) = &key;
        let kept = KEPT * rules.numbers().count();
        if !self.pay(self.table.work(rules) + kept, budget) {
            return PathFindings::default();
        }
        let is_about_paths =
            |rule| self.table.rule(rule).is_some_and(|rule| rule.path_sets().next().is_some());
        let found = if self.table.changed(rules, |rule| (rule.refs, rule.says)).is_empty() {
            Found::new()
        } else if *is_gone {
            self.whatever(rules, *kind, Changed::Gone, budget)
        } else if rules.numbers().any(is_about_paths) {
            self.by_path(rules, *kind, budget)
        } else {
            self.whatever(rules, *kind, Changed::Nothing, budget)
        };
        let found: PathFindings = found.into();
        self.paths.insert(key, Rc::clone(&found));
        found
    }

    /// The difference where paths make none.
    fn whatever(&mut self, rules: &Rules, kind: RefKind, changed: Changed<'_>, budget: &mut Budget) -> Found {
        let difference = self.difference(rules, kind, changed, budget);
        difference.into_iter().map(|difference| (difference, Rc::new(PathClass::Whatever), None)).collect()
    }

    fn by_path(&mut self, rules: &Rules, kind: RefKind, budget: &mut Budget) -> Found {
        let table = self.table;
        let set = |number: SetNumber| table.paths.at(number);
        let numbers = rules.numbers().filter_map(|rule| table.rule(rule)).flat_map(Rule::path_sets);
        let local = Local::of_all(&table.paths, numbers.filter_map(set));
        let everything = self.everything.clone();
        let explored = local.explore(Language::Paths, "", everything.as_ref(), budget, &mut self.bounded);
        let Some(mut explored) = explored else { return Vec::new() };
        let mut paths = Vec::new();
        explored.reached.retain(|one| {
            let path = TreePath::parse(&one.witness).ok();
            let kept = path.is_some();
            paths.extend(path);
            kept
        });
        let mut by_difference = Grouped::default();
        for (number, one) in explored.reached.iter().enumerate() {
            let is_among =
                |paths| set(paths).is_some_and(|set| set.holds(|pattern| local.matches(&one.cell, pattern)));
            if let Some(difference) = self.difference(rules, kind, Changed::Path(&is_among), budget) {
                by_difference.add(&difference, number, &());
            }
            if budget.is_spent() {
                break;
            }
        }
        let with_nothing = self.difference(rules, kind, Changed::Nothing, budget);
        if let (Some(difference), [(only, members)]) = (&with_nothing, by_difference.all.as_slice())
            && difference == only
            && members.len() == paths.len()
            && explored.complete
        {
            return vec![(Rc::clone(difference), Rc::new(PathClass::Whatever), None)];
        }
        let mut found = Found::new();
        let mut is_told_of_nothing = with_nothing.is_none();
        for (difference, members) in by_difference.all {
            for (cube, example, ()) in covered(&members, &explored, &local.wanted, budget, &mut self.bounded)
            {
                let cube = local.global(cube);
                // What is so of all other paths is often so of none as well.
                let is_none_of_these = cube.within.is_empty() && with_nothing.as_ref() == Some(&difference);
                is_told_of_nothing |= is_none_of_these;
                let class =
                    if is_none_of_these { PathClass::NoneOf(cube.without) } else { PathClass::Of(cube) };
                found.push((Rc::clone(&difference), Rc::new(class), paths.get(example).cloned()));
            }
        }
        let nothing = with_nothing.filter(|_| !is_told_of_nothing);
        found.extend(nothing.map(|difference| (difference, Rc::new(PathClass::Nothing), None)));
        found
    }

    /// How the verdict differs, and whether it does as much where commits are new in part. It is paid for.
    fn difference(
        &mut self,
        rules: &Rules,
        kind: RefKind,
        changed: Changed<'_>,
        budget: &mut Budget,
    ) -> Option<Rc<Difference>> {
        if !self.pay(self.table.work_to_decide(rules), budget) {
            return None;
        }
        let before = self.table.decided(&rules.before, kind, changed);
        let after = self.table.decided(&rules.after, kind, changed);
        let effect = effect(&before, &after);
        let in_part = views::bounded(self.table, rules, changed, effect);
        if !in_part.is_empty() {
            self.bounded.add(Bounded::new(views::WHY, in_part));
        }
        let effect = effect?;
        let messages = messages(&before, &after, effect, &self.table.unclear);
        if !messages.is_empty() {
            self.bounded.add(Bounded::new(MESSAGES, messages));
        }
        let (before, after) = told(effect, &before, &after);
        if !self.pay(TOLD * (before.words() + after.words()), budget) {
            return None;
        }
        Some(Rc::new(Difference { effect, before, after }))
    }
}
