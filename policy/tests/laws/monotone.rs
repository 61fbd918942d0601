//! Laws 2 and 3: what can only give, and what can only take away.

use proptest::{prelude::*, sample::Index};

use crate::{
    cases,
    chance::{rule, world_for_a_while},
    engine::Engine,
    oracle::Outcome,
    pushes::push,
    world::{Push, Rule, Shown, World},
};

/// That nothing which `less` permits is not permitted by `more`; both when everything is told and when it is asked for.
fn gives_at_least(more: &World, less: &World, push: &Push) -> Result<(), TestCaseError> {
    let (more, less) = (Engine::new(more), Engine::new(less));
    for index in 0..push.updates.len() {
        let push = push.only(index);
        if less.outcome(&push) == Outcome::Permitted {
            prop_assert_eq!(more.outcome(&push), Outcome::Permitted, "update {}", index);
        }
        if crate::engine::outcome(&less.asking(&push).decision) == Outcome::Permitted {
            let asked = more.asking(&push);
            prop_assert_eq!(
                crate::engine::outcome(&asked.decision),
                Outcome::Permitted,
                "update {}, asking",
                index
            );
        }
    }
    Ok(())
}

fn without<T: Clone>(all: &[T], index: usize) -> Vec<T> {
    all.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, one)| one.clone()).collect()
}

proptest! {
    #![proptest_config(cases(250))]

    /// Law 2, and of waivers as of grants.
    #[test]
    fn a_grant_takes_nothing_away_and_a_block_or_a_require_gives_nothing(
        world in world_for_a_while(), push in push(), rule in rule(),
    ) {
        let gives = rule.is_grant() || rule.is_waiver();
        let mut more = world.clone();
        more.rules.push(Rule { id: "added".to_owned(), ..rule });
        let (more, less) = if gives { (&more, &world) } else { (&world, &more) };
        gives_at_least(more, less, &push)?;
    }

    /// Law 3. Where a group is named in `except` it gives as well: to leave it takes that away. An approver is one of
    /// those who can leave, and a second person another.
    #[test]
    fn whoever_leaves_a_group_gives_nothing_to_anybody(
        world in world_for_a_while(), push in push(), which in any::<Index>(), group in any::<Index>(),
    ) {
        let mut fewer = world.clone();
        if !fewer.people.is_empty() {
            let person = which.index(fewer.people.len());
            let person = &mut fewer.people[person];
            person.groups.remove(group.index(person.groups.len()));
            gives_at_least(&world, &fewer, &push)?;
        }
    }

    /// Law 3: somebody who is gone, deactivated or cut off. Only who is named as a service need not be in the directory: of
    /// them it is deactivation that takes everything away, and not to be there.
    #[test]
    fn whoever_is_gone_gives_nothing_to_anybody(world in world_for_a_while(), push in push(), which in any::<Index>(), how in 0..3) {
        let mut fewer = world.clone();
        if !fewer.people.is_empty() {
            let person = which.index(fewer.people.len());
            let is_service = |role: &crate::world::Role| {
                role.service.iter().any(|name| crate::oracle::same_name(name, fewer.people[person].name))
            };
            let is_account = |one: &crate::leased::Leased| {
                one.account().is_some_and(|name| crate::oracle::same_name(name, fewer.people[person].name))
            };
            match how {
                0 if fewer.roles.iter().any(is_service) || fewer.leased.iter().any(is_account) => {}
                0 => drop(fewer.people.remove(person)),
                1 => fewer.people[person].active = false,
                _ => fewer.cut_off.push(fewer.people[person].name),
            }
            gives_at_least(&world, &fewer, &push)?;
        }
    }

    /// Law 3: a role that nobody holds any more, a grant or a waiver that is taken out, a waiver that nobody uses any
    /// more, an elevation or a workload with what it gave, an approval that is taken back.
    #[test]
    fn what_is_taken_out_gives_nothing(world in world_for_a_while(), push in push(), which in any::<Index>()) {
        let mut fewer = world.clone();
        // A role without members: the group that it is of has none.
        fewer.roles[which.index(3)] = crate::world::Role { any: vec!["s:none"], all: vec![], service: vec![] };
        gives_at_least(&world, &fewer, &push)?;
        let giving = |rule: &Rule| rule.is_grant() || rule.is_waiver();
        let givers: Vec<_> = (0..world.rules.len()).filter(|rule| giving(&world.rules[*rule])).collect();
        if !givers.is_empty() {
            let rules = without(&world.rules, givers[which.index(givers.len())]);
            gives_at_least(&world, &World { rules, ..world.clone() }, &push)?;
        }
        if !world.uses.is_empty() {
            let uses = without(&world.uses, which.index(world.uses.len()));
            gives_at_least(&world, &World { uses, ..world.clone() }, &push)?;
        }
        if !world.elevated.is_empty() {
            let elevated = without(&world.elevated, which.index(world.elevated.len()));
            gives_at_least(&world, &World { elevated, ..world.clone() }, &push)?;
        }
        if !world.leased.is_empty() {
            let taken = which.index(world.leased.len());
            let leased = without(&world.leased, taken);
            // The others are called by other numbers now, and what is shown is of the same.
            let shown = world.shown.map(|shown| match shown {
                Shown::Of(number) if number == taken => Shown::Of(usize::from(u8::MAX)),
                Shown::Of(number) if number > taken => Shown::Of(number - 1),
                same => same,
            });
            gives_at_least(&world, &World { leased, shown, ..world.clone() }, &push)?;
        }
        let approvals = &push.pull_request.approvals;
        if !approvals.is_empty() {
            let mut fewer = push.clone();
            fewer.pull_request.approvals = without(approvals, which.index(approvals.len()));
            let engine = Engine::new(&world);
            for index in 0..push.updates.len() {
                if engine.outcome(&fewer.only(index)) == Outcome::Permitted {
                    prop_assert_eq!(engine.outcome(&push.only(index)), Outcome::Permitted, "update {}", index);
                }
            }
        }
    }
}
