//! Facts that arrive piece by piece, and lists of which only a few of each kind are kept.

use std::{cell::RefCell, collections::BTreeMap};

use oam_policy::{
    Decision, Evaluation, Facts, Outcome, Policy, RefDecision, Verdict,
    decide::{PushVerdict, Sieve},
    facts::{Bounds, End, FactsNeeded, HistoryNeeded, HistoryPart, Intake, Listing, News},
};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use crate::{
    cases,
    chance::{world, world_for_a_while},
    engine::Engine,
    pushes::push,
    truth::Hook,
    world::{Dark, Push, Rule, Says, World},
};

/// How lists are cut to pieces, and how long they may be.
#[derive(Debug, Clone, Copy)]
struct Way {
    whole_items: usize,
    per_kind: usize,
    piece: usize,
}

fn way() -> impl Strategy<Value = Way> {
    let bounds = (0_usize..4, 1_usize..3, 1_usize..4);
    bounds.prop_map(|(whole_items, per_kind, piece)| Way { whole_items, per_kind, piece })
}

/// What a push came to, told so.
struct Told {
    decision: Decision,
    folded: bool,
    /// The refusals that were certain before everything was told.
    early: usize,
}

/// More questions than any push has answers.
const MOST_ROUNDS: usize = 8;

impl Way {
    /// Decides a push as the daemon does.
    fn tell(self, world: &World, push: &Push) -> Told {
        let engine = Engine::new(world);
        let (hook, request) = (Hook::new(world, push), push.request());
        let policy = engine.state.policy.as_deref().unwrap();
        let leases = engine.leases(push);
        let sieve = Sieve::new(policy, engine.state.snapshot.as_ref(), &request).beside(&leases);
        let Self { whole_items, per_kind, piece } = self;
        let mut intake = Intake::new(Bounds { whole_items, per_kind, ..Bounds::default() });
        let mut early = 0;
        for _ in 0..MOST_ROUNDS {
            let needed = match engine.evaluate(push, intake.facts()) {
                Evaluation::Decided(decision) => {
                    let folded = is_folded(intake.facts(), push.updates.len());
                    return Told { decision, folded, early };
                }
                Evaluation::Needs(needed) => needed,
            };
            let mut truth = Facts::none();
            hook.tell(&mut truth, &with_commits(&needed));
            for index in &needed.ancestry {
                intake.learn_ancestry(*index, truth.ancestry(*index).unwrap().clone());
            }
            if needed.pull_request {
                let known = truth.pull_request().unwrap().cloned();
                intake.learn_pull_request(known);
            }
            intake.expect(&needed.histories, &sieve);
            for (place, history) in needed.histories.iter().enumerate() {
                let (pieces, end) = pieces(&truth, history, piece);
                // Commits are told once, whatever of them is asked for.
                let is_told = is_of_commits(history)
                    && needed.histories[..place]
                        .iter()
                        .any(|one| is_same(one, history) && is_of_commits(one));
                for news in pieces.into_iter().filter(|_| !is_told) {
                    intake.take(history.update, &history.cover, news, &sieve);
                    early += usize::from(is_refused(engine.evaluate(push, intake.facts())));
                }
                // Signatures come with the commits.
                if needed.histories.iter().filter(|one| is_same(one, history)).max() == Some(history) {
                    intake.end(history.update, &history.cover, &end);
                }
            }
        }
        panic!("it asks for ever");
    }
}

/// Whether it is refused for certain.
fn is_refused(evaluation: Evaluation) -> bool {
    match evaluation {
        Evaluation::Decided(decision) => decision.outcome() == Outcome::Refused,
        Evaluation::Needs(FactsNeeded { refused_anyway, .. }) => refused_anyway,
    }
}

fn is_folded(facts: &Facts, updates: usize) -> bool {
    (0..updates).flat_map(|update| facts.histories(update)).any(|history| {
        !history.paths.is_none_or(Listing::is_kept_whole)
            || !history.files.is_none_or(Listing::is_kept_whole)
            || !history.commits.is_none_or(Listing::is_kept_whole)
    })
}

fn is_same(one: &HistoryNeeded, other: &HistoryNeeded) -> bool {
    (one.update, &one.cover) == (other.update, &other.cover)
}

fn is_of_commits(one: &HistoryNeeded) -> bool {
    matches!(one.part, HistoryPart::Commits | HistoryPart::Signatures | HistoryPart::CommitCount(_))
}

/// The same, with the commits themselves where they are counted.
fn with_commits(needed: &FactsNeeded) -> FactsNeeded {
    let mut all = needed.clone();
    let counted = needed.histories.iter().filter(|one| matches!(one.part, HistoryPart::CommitCount(_)));
    all.histories.extend(counted.map(|one| HistoryNeeded { part: HistoryPart::Commits, ..one.clone() }));
    all
}

/// What a hook tells of one history: each path twice.
fn pieces(truth: &Facts, history: &HistoryNeeded, piece: usize) -> (Vec<News>, End) {
    let HistoryNeeded { update, cover, part } = history;
    match part {
        HistoryPart::Paths => {
            let all = truth.paths(*update, cover).unwrap();
            let paths: Vec<_> = all.kept().chain(all.kept()).cloned().collect();
            let news = paths.chunks(piece).map(|paths| News { paths: paths.to_vec(), ..News::default() });
            (news.collect(), all.end().clone())
        }
        HistoryPart::Files => {
            let all = truth.files(*update, cover).unwrap();
            let files: Vec<_> = all.kept().cloned().collect();
            let news = files.chunks(piece).map(|files| News { files: files.to_vec(), ..News::default() });
            (news.collect(), all.end().clone())
        }
        HistoryPart::Tip => match truth.tip(*update, cover).unwrap() {
            Ok(tip) => (vec![News { tip: Some(tip.clone()), ..News::default() }], End::Complete),
            Err(unreadable) => (Vec::new(), End::Unreadable(unreadable)),
        },
        HistoryPart::Commits | HistoryPart::Signatures | HistoryPart::CommitCount(_) => {
            let all = truth.signed_commits(*update, cover).unwrap();
            let commits: Vec<_> = all.kept().map(|nth| nth.commit.clone()).collect();
            let news = commits.chunks(piece);
            let news = news.map(|commits| News { commits: commits.to_vec(), ..News::default() });
            (news.collect(), all.end().clone())
        }
    }
}

/// Whether several grants of some paths look at different commits: then some kinds of path are in view of the one and
/// not of the other, and a few of each kind may not tell.
fn may_be_unclear(world: &World) -> bool {
    let leased = world.leased.iter().any(|one| one.within() != [None; 2]);
    let of_paths = |rule: &&Rule| match &rule.says {
        Says::Grant { paths, .. } => leased || paths.is_some(),
        _ => false,
    };
    let mut refs = world.rules.iter().filter(of_paths).map(|rule| &rule.refs);
    let first = refs.next();
    refs.any(|other| Some(other) != first)
}

/// Outcome, grant, codes and rules of one ref.
fn gist(one: &RefDecision) -> String {
    let verdict = match &one.verdict {
        Verdict::Permitted(permit) => format!("{permit:?}"),
        Verdict::Refused(reasons) => {
            let reasons: Vec<_> = reasons.iter().map(|reason| (reason.code(), reason.rule())).collect();
            format!("refused {reasons:?}")
        }
        Verdict::Undecided(reasons) => format!("undecided {reasons:?}"),
    };
    format!("{verdict} {:?} {:?}", one.verb, one.shadow)
}

fn refs(decision: &Decision) -> Vec<&RefDecision> {
    match decision.verdict() {
        PushVerdict::PerRef(refs) => refs.iter().collect(),
        PushVerdict::Refused(_) | PushVerdict::Undecided(_) => Vec::new(),
    }
}

fn is_unclear(one: &RefDecision) -> bool {
    let unclear = matches!(&one.verdict, Verdict::Undecided(reasons) if format!("{reasons:?}").contains("too many paths"));
    unclear || one.shadow.iter().any(|shadow| shadow.would == oam_policy::decide::WouldHave::Unclear)
}

/// A hook that cannot read a history says so of all its parts.
fn dark_as_a_whole(push: &Push) -> Push {
    let mut push = push.clone();
    for update in &mut push.updates {
        let Dark { paths, files, commits, .. } = update.dark;
        let any = files && (paths || commits);
        update.dark = Dark { paths: any, files: any, commits: any, count: any, tip: any };
    }
    push
}

/// What is not as it is when everything is kept.
fn compare(world: &World, push: &Push, told: &Told) -> Result<(), TestCaseError> {
    let whole = Engine::new(world).asking(push).decision;
    if told.early > 0 {
        prop_assert_eq!(whole.outcome(), Outcome::Refused, "it was refused early");
    }
    let (few, all) = (refs(&told.decision), refs(&whole));
    prop_assert_eq!(few.len(), all.len());
    for (index, (few, all)) in few.into_iter().zip(all).enumerate() {
        if told.folded && is_unclear(few) && may_be_unclear(world) {
            continue;
        }
        prop_assert_eq!(gist(few), gist(all), "update {}", index);
    }
    Ok(())
}

/// All that can be asked under a policy, told in lists that hold one of each kind.
fn folded(hook: &Hook<'_>, policy: &Policy, sieve: &Sieve<'_>) -> Intake {
    let mut intake = Intake::new(Bounds { whole_items: 0, per_kind: 1, ..Bounds::default() });
    let needed = hook.everything(policy);
    let mut truth = Facts::none();
    hook.tell(&mut truth, &needed);
    intake.expect(&needed.histories, sieve);
    for history in &needed.histories {
        let (pieces, _) = pieces(&truth, history, 1);
        pieces.into_iter().for_each(|news| intake.take(history.update, &history.cover, news, sieve));
    }
    for history in &needed.histories {
        intake.end(history.update, &history.cover, &End::Complete);
    }
    for index in &needed.ancestry {
        intake.learn_ancestry(*index, truth.ancestry(*index).unwrap().clone());
    }
    intake.learn_pull_request(truth.pull_request().unwrap().cloned());
    intake
}

proptest! {
    #![proptest_config(cases(400))]

    /// A few of each kind tell as much as all of them; and what is refused early stays refused.
    #[test]
    fn a_few_of_each_kind_tell_as_much_as_all(world in world_for_a_while(), push in push(), way in way()) {
        let push = dark_as_a_whole(&push);
        compare(&world, &push, &way.tell(&world, &push))?;
    }

    /// Nor by the leases that there were: one that came since may be of other paths.
    #[test]
    fn a_list_folded_beside_other_leases_is_not_believed(world in world_for_a_while(), push in push()) {
        let push = push.readable();
        let engine = Engine::new(&world);
        let (hook, request) = (Hook::new(&world, &push), push.request());
        let policy = engine.state.policy.as_deref().unwrap();
        let sieve = Sieve::new(policy, engine.state.snapshot.as_ref(), &request);
        let intake = folded(&hook, policy, &sieve);
        let evaluation = engine.evaluate(&push, intake.facts());
        if let Evaluation::Decided(decision) = evaluation && decision.outcome() == Outcome::Permitted {
            prop_assert_eq!(engine.knowing_all(&push).outcome(), Outcome::Permitted);
        }
    }

    /// What a folded list tells holds by the policy that it was folded by; by another one it is asked for anew.
    #[test]
    fn a_list_folded_by_another_policy_is_not_believed(world in world(), other in world(), push in push()) {
        let push = push.readable();
        let engine = Engine::new(&world);
        let before = Engine::new(&other);
        let (hook, request) = (Hook::new(&world, &push), push.request());
        let policy = before.state.policy.as_deref().unwrap();
        let sieve = Sieve::new(policy, before.state.snapshot.as_ref(), &request);
        let intake = folded(&hook, engine.state.policy.as_deref().unwrap(), &sieve);
        if policy.digest() == engine.state.policy.as_ref().unwrap().digest() {
            return Ok(());
        }
        let evaluation = engine.evaluate(&push, intake.facts());
        if let Evaluation::Decided(decision) = evaluation && decision.outcome() == Outcome::Permitted {
            prop_assert_eq!(engine.knowing_all(&push).outcome(), Outcome::Permitted);
        }
    }
}

/// The law above is worth trying: lists are folded, refusals come early, and folding seldom makes anything unclear.
#[test]
fn lists_are_folded_and_refusals_come_early() {
    let mut runner = TestRunner::deterministic();
    let found = RefCell::new(BTreeMap::<&str, usize>::new());
    let find = |what, is_so: bool| *found.borrow_mut().entry(what).or_default() += usize::from(is_so);
    for _ in 0..800 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let push = dark_as_a_whole(&push().new_tree(&mut runner).unwrap().current());
        let way = Way { whole_items: 0, per_kind: 1, piece: 1 };
        let told = way.tell(&world, &push);
        find("folded", told.folded);
        find("early", told.early > 0);
        let outcome = told.decision.outcome();
        find("permitted by folded lists", told.folded && outcome == Outcome::Permitted);
        find("refused by folded lists", told.folded && outcome == Outcome::Refused);
        let unclear = refs(&told.decision).iter().any(|one| {
            matches!(&one.verdict, Verdict::Undecided(reasons) if format!("{reasons:?}").contains("too many paths"))
        });
        find("unclear", told.folded && unclear);
    }
    let found = found.into_inner();
    for what in ["folded", "early", "permitted by folded lists", "refused by folded lists"] {
        assert!(found[what] >= 5, "{what} is rare: {found:?}");
    }
    assert!(found["unclear"] * 10 < found["folded"], "{found:?}");
}
