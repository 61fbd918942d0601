//! Our verdicts are Cedar's, on random policies, directories and pushes.
//!
//! Both sides are made from the same plain data: ours by writing the TOML that an administrator would write and reading
//! it with our own reader, Cedar's by the translation in `oam_peers::cedar`. Compared is not only yes and no, but what
//! it rests on: the grant that carries a permit is one that Cedar found satisfied, and the blocks and requires that refuse
//! are exactly the `forbid`s that Cedar found satisfied.
//!
//! **Compared:** roles by `any`, `all` and `service`; grants to roles and to a person; blocks with `except`; the block
//! that is part of the product; requires by `via`; `create`, `update`, `force`, `delete`, and that moving a tag is `force`; repositories in any
//! case; refs by literals, `*`, `**`, `{a,b}`, `${user}` and `!`, each as far as `like` can say it exactly (the table is
//! in `src/cedar/pattern.rs`); `from`, `to` and `expires`; rules on trial, of which Cedar is told nothing; people who are
//! deactivated, cut off, or in no directory; pushes of several refs.
//!
//! **Left out:** `?`, several `*` in one pattern, and `re:`, which `like` cannot say; names that are no UTF-8, since
//! Cedar's texts are Unicode; weekly windows, since Cedar has no time zones; `paths`, approvals and checks of commits, since
//! Cedar has no "for every one of these" over a set, and cannot count; waivers, since what is asked about them (who
//! approved whose use, and when it ends) happens before the verdict; *undecided*, since Cedar knows two outcomes: every
//! question here comes with its facts, a directory and a policy. `read` and `admin` decide no push.

use std::{collections::BTreeSet, sync::Arc};

use cedar_policy::{Decision, PolicySet, Response};
use jiff::{SignedDuration, Timestamp};
use oam_peers::{
    cedar,
    model::{Kind, Person, Push, Role, Rule, Rules, Update, folded},
    ours,
};
use oam_policy::{
    Channel, Outcome, RefusalReason, State, Verdict,
    decide::{PushVerdict, RefDecision},
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};

const ROLES: [&str; 4] = ["r0", "r1", "r2", "r3"];
const GROUPS: [&str; 4] = ["s:g0", "s:g1", "t:g1", "s:g3"];
const ROOTS: [&str; 6] =
    ["refs", "refs/heads", "refs/tags", "refs/{heads,tags}", "refs/heads/{a,u}", "refs/heads/u"];
const VERBS: [&str; 4] = ["create", "update", "force", "delete"];
const SEGMENTS: [&str; 5] = ["a", "b", "ab", "aba", "main"];
const FOLDERS: [&str; 6] = ["heads", "heads/u/zoe", "heads/u/Max", "tags", "notes", "replace"];
/// Who pushes, as the git server spells it: in the directory but for the last two.
const PUSHERS: [&str; 6] = ["zoe", "max", "Ann", "tom", "svc-bot", "ghost"];
const REPOSITORIES: [&str; 4] = ["A/x", "a/XY", "A/y", "B/x"];
const MOMENTS: [&str; 3] = ["2026-01-01T00:00:00Z", "2026-06-01T12:30:00Z", "2027-01-01T00:00:00Z"];

/// A policy, a directory, and pushes.
#[derive(Debug, Clone)]
struct World {
    rules: Rules,
    people: Vec<Person>,
    pushes: Vec<Push>,
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(Into::into).collect()
}

fn role() -> impl Strategy<Value = (Vec<&'static str>, Vec<&'static str>, bool)> {
    (subsequence(GROUPS.to_vec(), 0..=2), subsequence(GROUPS.to_vec(), 0..=2), prop::bool::weighted(0.2))
        .prop_filter("a role has holders", |(any, all, service)| {
            *service || !any.is_empty() || !all.is_empty()
        })
}

fn roles() -> impl Strategy<Value = Vec<Role>> {
    vec(role(), ROLES.len()).prop_map(|roles| {
        let role = |(id, (any, all, service)): (&str, (Vec<_>, Vec<_>, bool))| Role {
            id: id.into(),
            any: owned(any),
            all: owned(all),
            service: if service { vec!["SVC-bot".into()] } else { vec![] },
        };
        ROLES.into_iter().zip(roles).map(role).collect()
    })
}

/// A pattern over refs that Cedar can say.
fn ref_pattern() -> impl Strategy<Value = String> {
    let segment = || select(&SEGMENTS[..]);
    let tail = prop_oneof![
        8 => Just("**".to_owned()),
        1 => Just("*".to_owned()),
        2 => segment().prop_map(str::to_owned),
        1 => (segment(), segment()).prop_map(|(a, b)| format!("{a}/{b}")),
        1 => segment().prop_map(|a| format!("{a}*")),
        1 => segment().prop_map(|a| format!("*{a}")),
        1 => (segment(), segment()).prop_map(|(a, b)| format!("{a}*{b}")),
        1 => segment().prop_map(|a| format!("*/{a}")),
        1 => (segment(), segment()).prop_map(|(a, b)| format!("{a}*/{b}")),
        1 => segment().prop_map(|a| format!("**/{a}")),
        1 => (segment(), segment()).prop_map(|(a, b)| format!("**/{a}/{b}")),
        1 => (segment(), segment(), segment()).prop_map(|(a, b, c)| format!("{a}{{{b},/{c}}}")),
    ];
    prop_oneof![
        8 => (select(&ROOTS[..]), tail).prop_map(|(root, tail)| format!("{root}/{tail}")),
        1 => Just("refs/heads/u/${user}/**".to_owned()),
    ]
}

fn repository_pattern() -> impl Strategy<Value = String> {
    select(&["**", "**", "**", "A/*", "a/**", "A/x", "b/X", "A/X*", "A/{x,y}", "{a,B}/*", "*/x"][..])
        .prop_map(str::to_owned)
}

/// One or two patterns, and perhaps one that excludes.
fn patterns(one: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Vec<String>> {
    (vec(one.clone(), 1..=2), option::weighted(0.3, one)).prop_map(|(mut patterns, excluded)| {
        patterns.extend(excluded.map(|pattern| format!("!{pattern}")));
        patterns
    })
}

fn moment() -> impl Strategy<Value = Timestamp> {
    select(&MOMENTS[..]).prop_map(|text| text.parse().unwrap())
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![6 => Just(Kind::Grant), 3 => Just(Kind::Block), 1 => Just(Kind::Require)]
}

fn rule() -> impl Strategy<Value = Rule> {
    (
        (kind(), prop::bool::weighted(0.1), prop::bool::weighted(0.15)),
        subsequence(ROLES.to_vec(), 0..=2),
        select(&["zoe", "MAX", "ghost"][..]),
        (patterns(repository_pattern().boxed()), patterns(ref_pattern().boxed())),
        subsequence(VERBS.to_vec(), 2..=4),
        (option::weighted(0.3, moment()), option::weighted(0.3, moment())),
    )
        .prop_map(|((kind, evaluate, to_user), mut roles, user, (on, refs), verbs, (from, to))| {
            let to_user = to_user && kind == Kind::Grant;
            if to_user {
                roles.clear();
            } else if kind == Kind::Grant && roles.is_empty() {
                roles.push("r0");
            }
            let from =
                from.filter(|from| to.is_none_or(|to| *from < to) && *from < MOMENTS[2].parse().unwrap());
            // A grant to a person must end.
            let to = to.or_else(|| to_user.then(|| MOMENTS[2].parse().unwrap()));
            Rule {
                id: String::new(),
                kind,
                evaluate,
                roles: owned(roles),
                user: to_user.then(|| user.to_owned()),
                on,
                refs,
                verbs,
                from,
                to,
            }
        })
}

fn rules() -> impl Strategy<Value = Rules> {
    (roles(), vec(rule(), 3..12)).prop_map(|(roles, mut rules)| {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule.id = format!("rule{number}");
        }
        Rules { roles, rules }
    })
}

/// Ann is deactivated, tom is cut off.
fn people() -> impl Strategy<Value = Vec<Person>> {
    vec(subsequence(GROUPS.to_vec(), 0..=4), 4).prop_map(|groups| {
        let person = |(username, groups): (&str, Vec<&str>)| Person {
            username: username.into(),
            active: username != "ann",
            revoked: username == "tom",
            groups: owned(groups),
        };
        ["zoe", "Max", "ann", "tom"].into_iter().zip(groups).map(person).collect()
    })
}

fn push() -> impl Strategy<Value = Push> {
    let name =
        (prop_oneof![1 => Just("heads"), 1 => select(&FOLDERS[..])], vec(select(&SEGMENTS[..]), 1..=3))
            .prop_map(|(folder, segments)| format!("refs/{folder}/{}", segments.join("/")));
    let update = (select(&VERBS[..]), name).prop_map(|(verb, name)| Update { verb, name });
    // The ends of a window matter to the second.
    let now = (moment(), -1i64..=1).prop_map(|(moment, off)| moment + SignedDuration::from_secs(off));
    // Those who may act push most.
    let pusher = prop_oneof![4 => select(&PUSHERS[..2]), 2 => select(&PUSHERS[..])];
    (
        pusher,
        select(&REPOSITORIES[..]),
        now,
        select(&Channel::ALL[..]),
        prop_oneof![3 => vec(update.clone(), 1), 1 => vec(update, 2..=3)],
    )
        .prop_map(|(pusher, repository, now, channel, updates)| Push {
            pusher: pusher.into(),
            repository: repository.into(),
            now,
            channel,
            updates,
        })
}

fn world() -> impl Strategy<Value = World> {
    (rules(), people(), vec(push(), 16)).prop_map(|(rules, people, pushes)| World { rules, people, pushes })
}

/// What Cedar says about each ref of a push.
fn ask_cedar(world: &World, policies: &PolicySet, push: &Push) -> Vec<Response> {
    let pusher = world.people.iter().find(|person| folded(&person.username) == folded(&push.pusher));
    let slice = cedar::slice(&world.rules, push, pusher);
    push.updates.iter().map(|update| cedar::decide(policies, &cedar::request(push, update), &slice)).collect()
}

/// Compares the answers to one push; returns what ours rests on: `permitted`, and codes of reasons.
fn compare(
    world: &World,
    state: &State,
    policies: &PolicySet,
    push: &Push,
) -> Result<BTreeSet<&'static str>, TestCaseError> {
    let decision = ours::Question::new(push).decide(state);
    let answers = ask_cedar(world, policies, push);
    for answer in &answers {
        let errors: Vec<_> = answer.diagnostics().errors().collect();
        prop_assert!(errors.is_empty(), "{errors:?}");
    }
    match decision.verdict() {
        PushVerdict::Undecided(reasons) => prop_assert!(false, "undecided: {reasons:?}"),
        PushVerdict::Refused(_) => {
            prop_assert!(answers.iter().all(|answer| satisfied(answer).contains(cedar::BAR)), "{push:?}");
        }
        PushVerdict::PerRef(refs) => {
            prop_assert_eq!(refs.iter().count(), answers.len());
            for (ours, cedars) in refs.iter().zip(&answers) {
                compare_ref(ours, cedars)?;
            }
        }
    }
    let all_allowed = answers.iter().all(|answer| answer.decision() == Decision::Allow);
    prop_assert_eq!(decision.outcome() == Outcome::Permitted, all_allowed);
    Ok(basis(&decision))
}

fn basis(decision: &oam_policy::Decision) -> BTreeSet<&'static str> {
    match decision.verdict() {
        PushVerdict::Refused(reasons) => reasons.iter().map(RefusalReason::code).collect(),
        PushVerdict::Undecided(_) => BTreeSet::new(),
        PushVerdict::PerRef(refs) => {
            let each = refs.iter().flat_map(|one| match &one.verdict {
                Verdict::Refused(reasons) => reasons.iter().map(RefusalReason::code).collect(),
                Verdict::Permitted(_) | Verdict::Undecided(_) => vec![one.verdict.outcome().as_str()],
            });
            each.collect()
        }
    }
}

fn compare_ref(ours: &RefDecision, cedars: &Response) -> Result<(), TestCaseError> {
    let satisfied = satisfied(cedars);
    match &ours.verdict {
        Verdict::Permitted(permit) => {
            prop_assert_eq!(cedars.decision(), Decision::Allow);
            prop_assert!(satisfied.contains(permit.grant().as_str()), "{permit:?}, Cedar: {satisfied:?}");
        }
        Verdict::Refused(reasons) => {
            prop_assert_eq!(cedars.decision(), Decision::Deny, "{:?}, Cedar: {:?}", reasons, satisfied);
            let rules: BTreeSet<_> =
                reasons.iter().filter_map(RefusalReason::rule).map(|rule| rule.as_str().to_owned()).collect();
            prop_assert_eq!(rules, satisfied);
        }
        Verdict::Undecided(reasons) => prop_assert!(false, "undecided: {reasons:?}"),
    }
    Ok(())
}

/// The policies on which Cedar's answer rests.
fn satisfied(response: &Response) -> BTreeSet<String> {
    response.diagnostics().reason().map(ToString::to_string).collect()
}

fn compare_all(world: &World) -> Result<Vec<BTreeSet<&'static str>>, TestCaseError> {
    let state = ours::state(Arc::new(ours::policy(&world.rules)), ours::snapshot(&world.people));
    let policies = cedar::policies(&world.rules);
    world.pushes.iter().map(|push| compare(world, &state, &policies, push)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_verdict_is_cedar_s(world in world()) {
        compare_all(&world)?;
    }
}

/// A comparison in which nearly everything is refused, or nothing for some reason, would compare little.
#[test]
fn the_worlds_have_permits_and_refusals_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let pushes: Vec<_> = (0..100)
        .flat_map(|_| compare_all(&world().new_tree(&mut runner).unwrap().current()).unwrap())
        .collect();
    for (basis, at_least) in [
        ("permitted", 10),
        ("no-grant", 10),
        ("blocked", 10),
        ("pull-request-required", 1),
        ("account-disabled", 1),
        ("revoked", 1),
        ("unknown-principal", 1),
    ] {
        let share = pushes.iter().filter(|push| push.contains(basis)).count() * 100 / pushes.len();
        assert!(share >= at_least, "{basis}: {share} % of {} pushes", pushes.len());
    }
}
