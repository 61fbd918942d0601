//! Elevations: who may ask for a role, and who may approve that.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AskTerms, Collected, Difference, OfferChange, OfferEffect, OfferTerms, Whom,
    ground::{Ground, Search},
    user,
};
use crate::{
    diff::{
        bounded::Bounds,
        budget::Budget,
        merge::holders,
        patterns::Set,
        people::{Everybody, Group, by_signature},
    },
    name::{RoleId, Username},
    rule::{Elevation, Mode, Policy},
};

const TOO_MUCH: &str =
    "the elevations differ in more ways than are compared at once: who may ask for what is not all there";

/// Those of both policies that give anything, each policy's in the order in which they are asked by.
struct Elevations<'p> {
    rules: Vec<&'p Elevation>,
    /// Where those of the new policy begin.
    after: usize,
    /// Whether these are the same.
    is_same: bool,
    ground: Ground,
}

/// Who may ask for what otherwise.
pub(super) fn asking(
    old: &Policy,
    new: &Policy,
    everybody: &Everybody,
    budget: &mut Budget,
    bounded: &mut Bounds,
) -> Vec<OfferChange> {
    let elevations = Elevations::of(old, new);
    let mut collected = Collected::default();
    let mut parts: Vec<Group> = Vec::new();
    'all: for group in elevations.groups(everybody, |rule| &rule.to) {
        if elevations.give_the_same(&group) {
            continue;
        }
        for role in elevations.roles() {
            if !budget.spend(elevations.rules.len() + 1) {
                bounded.because(TOO_MUCH);
                break 'all;
            }
            let may_ask = |number: usize, rule: &Elevation| {
                rule.roles.contains(role) && holds_any(elevations.held(&group, number), &rule.to)
            };
            let among = elevations.numbers(may_ask);
            if elevations.say_the_same(&among, |_| true) {
                continue;
            }
            let sets = elevations.refs_of(&among);
            for part in by_signature(&elevations.ground.refs, &sets, group.clone(), budget, bounded) {
                if !budget.spend(among.len() + 1) {
                    bounded.because(TOO_MUCH);
                    break 'all;
                }
                let says = |about: &[usize]| elevations.asked(about).into_iter().collect();
                let work = |about: &[usize]| about.len();
                let (user, too_much) = (name(&part), TOO_MUCH);
                let search = Search { among: &among, user, says: &says, work: &work, too_much };
                for found in elevations.ground.search(&search, budget, bounded) {
                    if !budget.spend(Collected::work(&found, part.roles())) {
                        bounded.because(TOO_MUCH);
                        break;
                    }
                    collected.add(found, role, parts.len(), None);
                }
                parts.push(part);
            }
        }
    }
    elevations.changes(collected, &parts, |number| user(&parts, number))
}

/// Who may approve otherwise what others ask for.
pub(super) fn approving(
    old: &Policy,
    new: &Policy,
    everybody: &Everybody,
    budget: &mut Budget,
    bounded: &mut Bounds,
) -> Vec<OfferChange> {
    let elevations = Elevations::of(old, new);
    let groups = elevations.groups(everybody, by);
    let mut collected = Collected::default();
    'all: for (number, group) in groups.iter().enumerate() {
        let approves = |rule: usize| {
            elevations.rule(rule).is_some_and(|one| holds_any(elevations.held(group, rule), by(one)))
        };
        if elevations.give_the_same(group) {
            continue;
        }
        for role in elevations.roles() {
            if !budget.spend(elevations.rules.len() + 1) {
                bounded.because(TOO_MUCH);
                break 'all;
            }
            let among = elevations.numbers(|_, rule| rule.roles.contains(role));
            if elevations.say_the_same(&among, approves) {
                continue;
            }
            let sets = elevations.refs_of(&among);
            let Some(somebody) = Group::of(None, None, Vec::new()) else { continue };
            for asker in by_signature(&elevations.ground.refs, &sets, somebody, budget, bounded) {
                if !budget.spend(among.len() + 1) {
                    bounded.because(TOO_MUCH);
                    break 'all;
                }
                if asker.by_name {
                    let why = "`${user}` is in the refs of elevations: whose requests may be approved is compared for \
                               people whose names no other pattern means";
                    bounded.because(why);
                }
                let says = |about: &[usize]| elevations.approved(about, approves);
                let work = |about: &[usize]| elevations.work_of_askers(about);
                let (user, too_much) = (name(&asker), TOO_MUCH);
                let search = Search { among: &among, user, says: &says, work: &work, too_much };
                for found in elevations.ground.search(&search, budget, bounded) {
                    if !budget.spend(Collected::work(&found, group.roles())) {
                        bounded.because(TOO_MUCH);
                        break;
                    }
                    collected.add(found, role, number, None);
                }
            }
        }
    }
    // A name in a ref is that of who asks, and who that is nobody knows.
    elevations.changes(collected, &groups, |_| None)
}

/// Who `${user}` is, if that makes a difference.
fn name(group: &Group) -> &str {
    if group.by_name { group.example.as_str() } else { "" }
}

/// Whoever may approve by an elevation holds one of these.
fn by(rule: &Elevation) -> &BTreeSet<RoleId> {
    static NOBODY: BTreeSet<RoleId> = BTreeSet::new();
    rule.approval.as_ref().map_or(&NOBODY, |approval| &approval.by)
}

fn holds_any(held: Option<&[RoleId]>, roles: &BTreeSet<RoleId>) -> bool {
    held.is_some_and(|held| held.iter().any(|role| roles.contains(role)))
}

impl<'p> Elevations<'p> {
    fn of(old: &'p Policy, new: &'p Policy) -> Self {
        let giving =
            |policy: &'p Policy| policy.elevations().iter().filter(|rule| rule.mode == Mode::Enforce);
        let after = giving(old).count();
        let rules: Vec<_> = giving(old).chain(giving(new)).collect();
        let is_same = giving(old).eq(giving(new));
        let places: Vec<_> = rules.iter().map(|rule| (rule.on.sources(), rule.refs.sources())).collect();
        Self { rules, after, is_same, ground: Ground::of(&places) }
    }

    fn rule(&self, number: usize) -> Option<&'p Elevation> {
        self.rules.get(number).copied()
    }

    /// All roles that may be asked for.
    fn roles(&self) -> BTreeSet<&'p RoleId> {
        self.rules.iter().flat_map(|rule| &rule.roles).collect()
    }

    /// The rules for which `keep` says so.
    fn numbers(&self, keep: impl Fn(usize, &Elevation) -> bool) -> Vec<usize> {
        #[cfg(test)]
        crate::diff::budget::done(self.rules.len());
        self.rules.iter().enumerate().filter(|(at, rule)| keep(*at, rule)).map(|(at, _)| at).collect()
    }

    fn refs_of(&self, among: &[usize]) -> Vec<&Set> {
        among.iter().filter_map(|rule| self.ground.refs_of(*rule)).collect()
    }

    /// The roles that somebody holds under the policy of a rule.
    fn held<'g>(&self, group: &'g Group, rule: usize) -> Option<&'g [RoleId]> {
        if rule < self.after { group.before.as_deref() } else { group.after.as_deref() }
    }

    /// Whether nothing at all is otherwise for somebody: the rules are the same, and so are the roles that they hold.
    fn give_the_same(&self, group: &Group) -> bool {
        self.is_same && group.before == group.after
    }

    /// What it takes to see whose requests may be approved, in steps: each rule is looked at for each role that asks.
    fn work_of_askers(&self, about: &[usize]) -> usize {
        let roles = about.iter().filter_map(|number| self.rule(*number)).map(|rule| rule.to.len());
        about.len().saturating_mul(roles.sum())
    }

    /// Whether both policies have the same rules among these, also in view of `of_each`.
    fn say_the_same(&self, among: &[usize], of_each: impl Fn(usize) -> bool) -> bool {
        let (before, after): (Vec<usize>, Vec<usize>) =
            among.iter().partition(|number| **number < self.after);
        let said = |side: Vec<usize>| -> Vec<_> {
            side.into_iter().map(|number| (self.rule(number), of_each(number))).collect()
        };
        said(before) == said(after)
    }

    /// Everybody, by those of their roles that `named` names in a rule.
    fn groups<'r>(
        &'r self,
        everybody: &Everybody,
        named: impl Fn(&'r Elevation) -> &'r BTreeSet<RoleId>,
    ) -> Vec<Group> {
        let matter: BTreeSet<&RoleId> = self.rules.iter().flat_map(|rule| named(rule)).collect();
        if matter.is_empty() {
            return Vec::new();
        }
        let kept = |roles: &Option<Vec<RoleId>>| -> Option<Vec<RoleId>> {
            roles.as_ref().map(|all| all.iter().filter(|role| matter.contains(role)).cloned().collect())
        };
        let mut alike: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((before, after), names) in everybody {
            alike.entry((kept(before), kept(after))).or_default().extend(names.iter().cloned());
        }
        let sorted = |((before, after), mut names): ((_, _), Vec<Username>)| {
            names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            Group::of(before, after, names)
        };
        alike.into_iter().filter_map(sorted).collect()
    }

    /// The first rule on each side for which `is` says so.
    fn first(&self, about: &[usize], is: impl Fn(&Elevation) -> bool) -> [Option<usize>; 2] {
        let of = |is_after: bool| {
            let mut side = about.iter().copied().filter(|number| (*number >= self.after) == is_after);
            side.find(|number| self.rule(*number).is_some_and(&is))
        };
        [of(false), of(true)]
    }

    /// On which terms somebody may ask, who may by all of these.
    fn asked(&self, about: &[usize]) -> Option<Difference> {
        let [before, after] = self
            .first(about, |_| true)
            .map(|first| first.and_then(|number| self.rule(number)).map(AskTerms::of));
        if before.as_ref().map(AskTerms::plain) == after.as_ref().map(AskTerms::plain) {
            return None;
        }
        let effects = [OfferEffect::MayAsk, OfferEffect::MayNoLongerAsk, OfferEffect::AsksOtherwise];
        let [before, after] = [before, after].map(|terms| terms.map(OfferTerms::Ask).into_iter().collect());
        Some(Difference::new(effects, before, after))
    }

    /// Whose requests somebody may approve, who approves by those for which `approves` says so.
    fn approved(&self, about: &[usize], approves: impl Fn(usize) -> bool) -> Vec<Difference> {
        let askers: BTreeSet<&RoleId> =
            about.iter().filter_map(|number| self.rule(*number)).flat_map(|rule| &rule.to).collect();
        let [mut lost, mut gained] = [BTreeSet::new(), BTreeSet::new()];
        for asker in askers {
            let may =
                self.first(about, |rule| rule.to.contains(asker)).map(|first| first.is_some_and(&approves));
            match may {
                [true, false] => lost.insert(asker.clone()),
                [false, true] => gained.insert(asker.clone()),
                _ => false,
            };
        }
        let told = |effect, roles: BTreeSet<RoleId>| {
            let terms = (!roles.is_empty()).then_some(OfferTerms::Approve(roles))?;
            let (before, after) = match effect {
                OfferEffect::MayApprove => (Vec::new(), vec![terms]),
                _ => (vec![terms], Vec::new()),
            };
            Some(Difference { effect, before, after })
        };
        let changes = [told(OfferEffect::MayApprove, gained), told(OfferEffect::MayNoLongerApprove, lost)];
        changes.into_iter().flatten().collect()
    }

    fn changes(
        &self,
        collected: Collected,
        groups: &[Group],
        user: impl Fn(usize) -> Option<Username>,
    ) -> Vec<OfferChange> {
        collected.changes(
            &self.ground,
            |people| Whom::People(holders(people.iter().filter_map(|number| groups.get(*number)))),
            user,
        )
    }
}
