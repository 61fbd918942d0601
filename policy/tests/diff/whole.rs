//! The whole language against brute force: every ref and path of a small world, in all that a push can be like.

use std::{collections::BTreeSet, sync::Arc};

use oam_policy::{
    Policy, RefName, Repository, State, TreePath, Username, Verb,
    diff::{Class, Effect, Limits, Paths, Place, PolicyChange, PolicyDiff, diff},
    facts::Cover,
};
use proptest::test_runner::TestCaseError;

use super::{
    brute::{is_in, nothing},
    circumstances::{Asked, View, circumstances, permitted, uses},
    common,
    whole_world::{PEOPLE, crowded, directory, names, paths, policies, with_views},
    world::{NOW, at},
};

const VERBS: [Verb; 3] = [Verb::Create, Verb::Update, Verb::Delete];

type Update = (RefName, Option<TreePath>);

/// What a policy says of one push: in each circumstance, and for each way to use its waivers again in each.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    plain: Vec<bool>,
    lifted: Vec<Vec<bool>>,
}

impl Said {
    fn can_lift(&self) -> bool {
        self.lifted.iter().any(|lifted| *lifted != self.plain)
    }
}

fn compared(old: &Policy, new: &Policy) -> PolicyDiff {
    diff(old, new, Some(&directory()), at(NOW), &Limits::default())
}

fn said(policy: &Policy, asked: Asked<'_>, updates: &[Update]) -> Vec<Said> {
    let state =
        State { policy: Some(Arc::new(policy.clone())), snapshot: Some(directory()), ..State::default() };
    let mut all = vec![Said { plain: Vec::new(), lifted: vec![Vec::new(); uses().len()] }; updates.len()];
    for circumstance in circumstances() {
        for (said, verdict) in all.iter_mut().zip(permitted(&state, asked, updates, &circumstance, None)) {
            said.plain.push(verdict);
        }
        if policy.waivers().is_empty() {
            continue;
        }
        for (number, by) in uses().into_iter().enumerate() {
            let verdicts = permitted(&state, asked, updates, &circumstance, Some(by));
            for (said, verdict) in all.iter_mut().zip(verdicts) {
                said.lifted[number].push(verdict);
            }
        }
    }
    if policy.waivers().is_empty() {
        for said in &mut all {
            said.lifted = vec![said.plain.clone(); uses().len()];
        }
    }
    all
}

/// What the difference is, from the verdicts alone.
fn really(before: &Said, after: &Said) -> Option<Effect> {
    let includes =
        |one: &Said, other: &Said| one.plain.iter().zip(&other.plain).all(|(one, other)| *one || !other);
    match (before.plain[0], after.plain[0]) {
        (false, true) => return Some(Effect::Gains),
        (true, false) => return Some(Effect::Loses),
        _ => {}
    }
    match (includes(before, after), includes(after, before)) {
        (true, false) => return Some(Effect::Tightens),
        (false, true) => return Some(Effect::Loosens),
        (false, false) => return Some(Effect::Changes),
        (true, true) => {}
    }
    match (before.can_lift(), after.can_lift()) {
        (false, true) => Some(Effect::MayLift),
        (true, false) => Some(Effect::MayNoLongerLift),
        _ => (before.lifted != after.lifted).then_some(Effect::LiftsOtherwise),
    }
}

fn tells(change: &PolicyChange, asked: Asked<'_>, update: &Update) -> bool {
    change.who.iter().any(|holders| holders.sample.contains(asked.user))
        && change.verbs.contains(asked.verb)
        && change.places.iter().any(|place| lies_in(place, asked, update))
}

fn lies_in(place: &Place, asked: Asked<'_>, (name, path): &Update) -> bool {
    is_in(&place.repositories, asked.repository.key(), "")
        && is_in(&place.refs, &name.to_string(), asked.user.as_str())
        && match (&place.paths, path) {
            (Paths::Whatever, _) => true,
            (Paths::Nothing, path) => path.is_none(),
            (Paths::NoneOf(patterns), path) => path.as_ref().is_none_or(|path| {
                let class = Class { within: Vec::new(), without: patterns.clone() };
                is_in(&class, &path.to_string(), "")
            }),
            (Paths::Of(class), Some(path)) => is_in(class, &path.to_string(), ""),
            (Paths::Of(_), None) => false,
        }
}

/// Whether the answer is all that there is of pushes whose commits are new in view of every rule. None of the patterns of
/// messages in these worlds holds another.
fn is_whole(found: &PolicyDiff) -> bool {
    let known = ["different `refs`", "patterns of messages"];
    found.bounded.iter().all(|bounded| known.iter().any(|known| bounded.why.contains(known)))
}

/// Asks for every push, of both policies, and of the comparison.
fn check(old: &str, new: &str, updates: &[Update]) -> Result<(), TestCaseError> {
    let (old, new) = (common::policy(old), common::policy(new));
    let found = compared(&old, &new);
    proptest::prop_assert!(is_whole(&found), "{:?}", found.bounded);
    let repository = Repository::parse("P/a").unwrap();
    for user in PEOPLE.map(|name| Username::parse(name).unwrap()) {
        for verb in VERBS {
            let asked = Asked { user: &user, repository: &repository, verb, now: at(NOW), views: &[] };
            let (before, after) = (said(&old, asked, updates), said(&new, asked, updates));
            for (number, update) in updates.iter().enumerate() {
                if verb == Verb::Update && update.0.is_tag() {
                    continue;
                }
                let told: Vec<_> =
                    found.changes.iter().filter(|change| tells(change, asked, update)).collect();
                let mut effects: Vec<_> = told.iter().map(|change| change.effect).collect();
                effects.dedup();
                let really = really(&before[number], &after[number]);
                // Two waivers can be as hard to use together as one: that is told, and makes no verdict another.
                if really.is_none() && effects == [Effect::LiftsOtherwise] {
                    continue;
                }
                proptest::prop_assert_eq!(
                    effects,
                    really.into_iter().collect::<Vec<_>>(),
                    "{} {} {:?}: {:#?}\n{:?}\n{:?}",
                    user,
                    verb,
                    update,
                    told,
                    before[number],
                    after[number]
                );
            }
        }
    }
    Ok(())
}

fn covers(policy: &Policy) -> impl Iterator<Item = Cover> {
    let grants = policy.grants().iter().map(|grant| &grant.refs);
    let blocks = policy.blocks().iter().map(|block| &block.refs);
    let requires = policy.requires().iter().map(|require| &require.refs);
    grants.chain(blocks).chain(requires).map(oam_policy::rule::RefSet::cover)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn exactly_what_changes_is_told((old, new) in policies()) {
        let with_paths = |name: RefName| paths().into_iter().map(move |path| (name.clone(), path));
        check(&old, &new, &names().into_iter().flat_map(with_paths).collect::<Vec<_>>())?;
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(96))]

    #[test]
    fn exactly_what_changes_is_told_where_rules_meet((old, new) in crowded()) {
        let name = names().remove(0);
        check(&old, &new, &paths().into_iter().map(|path| (name.clone(), path)).collect::<Vec<_>>())?;
    }

    #[test]
    fn every_witness_shows_it((old, new) in proptest::prop_oneof![policies(), crowded()]) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        for change in compared(&old, &new).changes {
            for place in &change.places {
                let witness = &place.witness;
                if !witness.is_person {
                    continue;
                }
                proptest::prop_assert_eq!(witness.path.is_some(), matches!(place.paths, Paths::Of(_) | Paths::NoneOf(_)));
                let asked = Asked {
                    user: &witness.user, repository: &witness.repository, verb: witness.verb, now: witness.at, views: &[],
                };
                let update = (witness.name.clone(), witness.path.clone());
                proptest::prop_assert!(lies_in(place, asked, &update), "{:#?}", place);
                let updates = [update];
                let (before, after) = (said(&old, asked, &updates), said(&new, asked, &updates));
                let really = really(&before[0], &after[0]);
                proptest::prop_assert!(
                    really == Some(change.effect) || really.is_none() && change.effect == Effect::LiftsOtherwise,
                    "{:?}: {:#?}", really, change);
            }
        }
    }

    #[test]
    fn a_policy_is_like_itself((old, new) in policies()) {
        for policy in [common::policy(&old), common::policy(&new)] {
            let found = compared(&policy, &policy);
            proptest::prop_assert_eq!(found, nothing());
        }
    }
}

#[test]
fn git_takes_every_path() {
    let mut seen = 0;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let folder = std::env::temp_dir().join(format!("oam-diff-paths-{}", std::process::id()));
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(arguments)
            .env("GIT_DIR", &folder)
            .env("GIT_INDEX_FILE", folder.join("index"))
            .output()
            .unwrap()
    };
    assert!(git(&["init", "--quiet", "--bare"]).status.success());
    for _ in 0..24 {
        let (old, new) = proptest::strategy::ValueTree::current(
            &proptest::strategy::Strategy::new_tree(&policies(), &mut runner).unwrap(),
        );
        let found = compared(&common::policy(&old), &common::policy(&new));
        for path in found
            .changes
            .iter()
            .flat_map(|change| &change.places)
            .filter_map(|place| place.witness.path.as_ref())
        {
            let entry = format!("100644,{},{path}", "1".repeat(40));
            // Each in an index of its own: a file cannot lie where a folder does.
            assert!(git(&["read-tree", "--empty"]).status.success());
            let added = git(&["update-index", "--add", "--cacheinfo", &entry]);
            assert!(added.status.success(), "{path}: {added:?}");
            seen += 1;
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(seen > 20, "only {seen} paths: the policies hardly differ");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1_000))]

    /// A push may be new in part: the paths and commits that one rule looks at are not those that another one does.
    #[test]
    fn an_exact_answer_is_so_of_pushes_that_are_new_in_part(
        (old, new) in with_views(),
        seen in proptest::collection::vec(proptest::collection::btree_set(0..8_usize, 0..3), 16),
    ) {
        let (old, new) = (common::policy(&old), common::policy(&new));
        let found = compared(&old, &new);
        if !found.exact {
            return Ok(());
        }
        let all: Vec<_> = paths().into_iter().flatten().collect();
        let views: Vec<View> = covers(&old).chain(covers(&new)).collect::<BTreeSet<_>>().into_iter().zip(&seen)
            .map(|(cover, paths)| View {
                cover,
                paths: paths.iter().map(|path| all[*path].clone()).collect(),
                has_commits: !paths.is_empty(),
            })
            .collect();
        let repository = Repository::parse("P/a").unwrap();
        let (user, name) = (Username::parse("a").unwrap(), names().remove(0));
        let asked = Asked { user: &user, repository: &repository, verb: Verb::Create, now: at(NOW), views: &views };
        let [before, after] = [&old, &new].map(|policy| said(policy, asked, &[(name.clone(), None)]));
        let seen = std::iter::once(None).chain(views.iter().flat_map(|view| &view.paths).cloned().map(Some));
        let updates: Vec<Update> = seen.map(|path| (name.clone(), path)).collect();
        let told: BTreeSet<Effect> = found
            .changes
            .iter()
            .filter(|change| updates.iter().any(|update| tells(change, asked, update)))
            .map(|change| change.effect)
            .collect();
        for (is_so, way) in [(goes_in(&before, &after), ways_in()), (goes_in(&after, &before), ways_out())] {
            let is_told = way.iter().any(|effect| told.contains(effect));
            proptest::prop_assert!(is_told || !is_so, "{:?} of {:?}, {:#?}: {:?} {:?}", told, way, views, before, after);
        }
    }
}

/// Whether a push goes in by the one policy that does not by the other, whatever it is like.
fn goes_in(before: &[Said], after: &[Said]) -> bool {
    let plain = |said: &[Said]| -> Vec<bool> { said.iter().flat_map(|one| one.plain.clone()).collect() };
    plain(before).iter().zip(plain(after)).any(|(before, after)| !before && after)
}

/// What tells that something goes in now, or more easily.
fn ways_in() -> [Effect; 3] {
    [Effect::Gains, Effect::Loosens, Effect::Changes]
}

/// What tells that something does not any more, or less easily.
fn ways_out() -> [Effect; 3] {
    [Effect::Loses, Effect::Tightens, Effect::Changes]
}
