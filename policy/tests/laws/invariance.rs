//! Laws 1, 4, 5, 6 and 7.

use oam_policy::{Decision, Facts, decide::Freshness, facts::FactsNeeded};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{
    cases,
    chance::{rule, world_for_a_while},
    elevated::elevated,
    engine::{self, Engine, outcome},
    leased::leased,
    oracle::Outcome,
    pushes::push,
    truth::Hook,
    world::{Push, Rule, Says, Use, Who, World},
    written::{moment, parse},
};

/// All that a decision says, but for the words of a reason.
fn said(decision: &Decision) -> String {
    format!("{:?}", decision.verdict())
}

fn shuffled<T: Clone>(all: &[T], seed: &[Index]) -> Vec<T> {
    let mut all = all.to_vec();
    for (at, index) in seed.iter().enumerate().take(all.len()) {
        let other = index.index(all.len());
        all.swap(at, other);
    }
    all
}

proptest! {
    #![proptest_config(cases(150))]

    /// Law 1.
    #[test]
    fn order_and_files_mean_nothing(world in world_for_a_while(), push in push(), seed in vec(any::<Index>(), 12), cut in any::<Index>()) {
        let sections = shuffled(&world.sections(), &seed);
        let (one, two) = sections.split_at(cut.index(sections.len() + 1));
        let policy = parse(&[one.concat(), two.concat()]);
        let before = Engine::new(&world);
        prop_assert_eq!(policy.digest(), before.state.policy.as_ref().unwrap().digest());
        let mut after = Engine::new(&world);
        after.state.policy = Some(policy.into());
        prop_assert_eq!(said(&before.knowing_all(&push)), said(&after.knowing_all(&push)));
    }

    /// Law 1: of a rule that is written twice there is one too many, and no more. So it is with the parts of a rule.
    #[test]
    fn duplicates_mean_nothing(world in world_for_a_while(), push in push(), which in any::<Index>()) {
        let twin = &world.rules[which.index(world.rules.len())];
        let mut more = world.clone();
        more.rules.push(Rule { id: "twin".to_owned(), ..twin.clone() });
        for rule in &mut more.rules {
            if let crate::world::Says::Waiver { lifts, .. } = &mut rule.says {
                // What may be lifted may be lifted wherever it is written.
                if lifts.contains(&twin.id) {
                    lifts.push("twin".to_owned());
                }
            }
        }
        for one in &mut more.uses {
            if one.lifts.contains(&twin.id) {
                one.lifts.push("twin".to_owned());
            }
        }
        prop_assert_eq!(Engine::new(&world).outcome(&push), Engine::new(&more).outcome(&push));
    }

    /// Law 4: whatever else is pushed along, in whichever order.
    #[test]
    fn a_push_is_the_conjunction_of_its_updates(world in world_for_a_while(), push in push(), seed in vec(any::<Index>(), 3)) {
        let engine = Engine::new(&world);
        let whole = engine.knowing_all(&push);
        let each: Vec<_> = (0..push.updates.len()).map(|index| engine.knowing_all(&push.only(index))).collect();
        prop_assert_eq!(Some(outcome(&whole)), each.iter().map(outcome).max());
        let another = Push { updates: shuffled(&push.updates, &seed), ..push.clone() };
        prop_assert_eq!(outcome(&whole), engine.outcome(&another));
        if engine::rejection(&whole).is_none() {
            for (together, alone) in engine::refs(&whole).iter().zip(&each) {
                prop_assert_eq!(&together.verdict, &engine::refs(alone)[0].verdict);
            }
        }
    }

    /// Law 5, whether the source says so or it was done by command, and whatever else is said of them.
    #[test]
    fn deactivation_wins(world in world_for_a_while(), push in push()) {
        let crate::world::Who::Name(pusher) = push.by else { panic!("nobody pushes without a name") };
        let mut deactivated = world.clone();
        let mut known = false;
        for person in &mut deactivated.people {
            if crate::oracle::same_name(person.name, pusher) {
                (person.active, known) = (false, true);
            }
        }
        if known {
            prop_assert!(engine::rejection(&Engine::new(&deactivated).knowing_all(&push)).is_some());
        }
        let mut cut_off = world;
        cut_off.cut_off.push(pusher);
        prop_assert!(engine::rejection(&Engine::new(&cut_off).knowing_all(&push)).is_some());
    }

    /// Law 6: the same inputs give the same decision, in whatever order they are written and kept.
    #[test]
    fn it_is_pure(world in world_for_a_while(), push in push(), seed in vec(any::<Index>(), 8)) {
        let engine = Engine::new(&world);
        let decision = said(&engine.knowing_all(&push));
        prop_assert_eq!(&decision, &said(&engine.knowing_all(&push)));
        let another = World {
            people: shuffled(&world.people, &seed),
            cut_off: shuffled(&world.cut_off, &seed),
            ..world.clone()
        };
        prop_assert_eq!(&decision, &said(&Engine::new(&another).knowing_all(&push)));
        let mut jumbled = push.clone();
        jumbled.existing = shuffled(&push.existing, &seed);
        jumbled.pull_request.approvals = shuffled(&push.pull_request.approvals, &seed);
        jumbled.pull_request.committers = shuffled(&push.pull_request.committers, &seed);
        prop_assert_eq!(engine.outcome(&push), engine.outcome(&jumbled));
        let another = World { uses: shuffled(&world.uses, &seed), ..world.clone() };
        prop_assert_eq!(engine.outcome(&push), Engine::new(&another).outcome(&push));
    }

    /// Law 6: it decides, or asks for something, whatever it is told; also facts of another push under another policy.
    #[test]
    fn it_is_total(world in world_for_a_while(), push in push(), others in (world_and_push(), world_and_push()), parts in any::<[bool; 6]>()) {
        let engine = Engine::new(&world);
        let mut facts = Facts::none();
        for ((other, another_push), parts) in [others.0, others.1].iter().zip(parts.chunks(3)) {
            let hook = Hook::new(other, another_push);
            let all = hook.everything(&other.policy());
            let some = FactsNeeded {
                ancestry: if parts[0] { all.ancestry } else { vec![] },
                histories: if parts[1] { all.histories } else { vec![] },
                pull_request: parts[2],
                ..FactsNeeded::default()
            };
            hook.tell(&mut facts, &some);
        }
        let (one, same) = (engine.evaluate(&push, &facts), engine.evaluate(&push, &facts));
        prop_assert_eq!(format!("{one:?}"), format!("{same:?}"));
    }

    /// Law 7. By a waiver, an elevation and a workload on trial nobody has anything, whatever they had by them before.
    #[test]
    fn a_rule_on_trial_changes_nothing(
        world in world_for_a_while(), push in push(), rule in rule(), by in (elevated(), leased()),
    ) {
        let mut more = world.clone();
        more.elevated.push(by.0.on_trial());
        more.leased.push(by.1.on_trial());
        if let (Says::Waiver { second_person, .. }, Who::Name(by)) = (&rule.says, &push.by) {
            more.uses.push(Use {
                waiver: "trial".to_owned(),
                lifts: Vec::new(),
                by,
                on: None,
                from: push.now,
                to: push.now + 1,
                reason: "a question",
                approved_by: Some(Who::Holding(second_person.clone())),
            });
        }
        more.rules.push(Rule { id: "trial".to_owned(), evaluate: true, ..rule });
        let (before, after) = (Engine::new(&world), Engine::new(&more));
        let (one, other) = (before.knowing_all(&push), after.knowing_all(&push));
        prop_assert_eq!(outcome(&one), outcome(&other));
        if engine::rejection(&one).is_none() {
            for (one, other) in engine::refs(&one).iter().zip(engine::refs(&other)) {
                prop_assert_eq!(engine::answer(&one.verdict), engine::answer(&other.verdict));
            }
        }
        prop_assert_eq!(outcome(&before.asking(&push).decision), outcome(&after.asking(&push).decision));
    }

    /// Without a policy, without a directory, or with one that is too old, nothing is decided; not even of somebody who was
    /// cut off.
    #[test]
    fn what_is_not_whole_decides_nothing(world in world_for_a_while(), push in push(), lack in 0..4_usize) {
        let engine = Engine::new(&world);
        let mut state = engine.state.clone();
        let age = std::time::Duration::try_from(moment(push.now).duration_since(state.snapshot.as_ref().unwrap().as_of())).unwrap();
        let as_of = state.snapshot.as_ref().map(oam_policy::Snapshot::as_of);
        let source = |max_age| [Freshness { source: "s".into(), as_of, max_age, unheard: None }].into();
        let code = match lack {
            0 => { state.policy = None; "policy-missing" }
            1 => { state.snapshot = None; "snapshot-missing" }
            2 => { state.sources = source(Some(age - std::time::Duration::from_nanos(1))); "source-stale" }
            _ => { state.sources = source(Some(age)); "" }
        };
        let whole = engine.knowing_all(&push);
        let facts = engine.all_facts(&push);
        let decision = Engine { world: &world, state }.evaluate(&push, &facts);
        let decision = engine::decided(decision);
        if code.is_empty() {
            prop_assert_eq!(said(&decision), said(&whole));
        } else {
            prop_assert_eq!(outcome(&decision), Outcome::Undecided);
            let reasons = format!("{:?}", engine::hindrances(&decision));
            prop_assert_eq!(reasons, format!("{:?}", [code]));
        }
    }
}

fn world_and_push() -> impl Strategy<Value = (World, Push)> {
    (world_for_a_while(), push())
}
