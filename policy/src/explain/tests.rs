use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{RuleKind, RuleTrace, explain};
use crate::{
    decide::{Evaluation, PushVerdict, State, decide},
    facts::{Ancestry, Facts},
    file::{PolicySource, parse},
    name::{ObjectId, RefName, Repository, Username},
    nonempty::NonEmpty,
    request::{Channel, RefChange, RefUpdate, Request, Verb},
    snapshot::{Snapshot, file::parse_json},
};

const DIRECTORY: &str = r#"{"version":1,"users":[
    {"username":"dora","groups":["okta:eng"]},
    {"username":"rhea","groups":["okta:eng","okta:release"]},
    {"username":"nobody"},
    {"username":"gone","active":false,"groups":["okta:eng"]}]}"#;

fn state(policy: &str) -> State {
    let policy = parse(&[PolicySource { name: "p".into(), text: policy.into() }])
        .unwrap_or_else(|faults| panic!("{faults}"));
    let directory = parse_json("d", DIRECTORY).unwrap();
    let snapshot = Snapshot::of_directory(1, at(0), &directory, Default::default()).unwrap();
    State { policy: Some(Arc::new(policy)), snapshot: Some(snapshot), max_snapshot_age: None }
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + day * 86_400).unwrap()
}

fn request(user: &str, repository: &str, name: &str, verb: Verb) -> Request {
    let id = |byte| ObjectId::from_bytes(&[byte; 20]).unwrap();
    let change = match verb {
        Verb::Create => RefChange::Create { new: id(1) },
        Verb::Delete => RefChange::Delete { old: id(1) },
        _ => RefChange::Move { old: id(1), new: id(2) },
    };
    Request {
        repository: Repository::parse(repository).unwrap(),
        pusher: Username::parse(user).unwrap(),
        channel: Channel::Push,
        updates: NonEmpty::one(RefUpdate { name: RefName::parse(name.as_bytes()).unwrap(), change }),
    }
}

const POLICY: &str = r#"
version = 1
[[role]]
id = "developer"
any = ["okta:eng"]
[[role]]
id = "release-manager"
any = ["okta:release"]
[[grant]]
id = "main"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["update"]
[[grant]]
id = "releases"
to = ["release-manager"]
on = ["PAY/*"]
refs = ["refs/heads/main", "refs/heads/release/**"]
verbs = ["create", "update"]
[[grant]]
id = "exception"
user = "nobody"
approved_by = "rhea"
expires = 2026-01-02T00:00:00Z
on = ["PAY/api"]
refs = ["refs/heads/**"]
verbs = ["update", "delete"]
[[grant]]
id = "elsewhere"
to = ["developer"]
on = ["WEB/*"]
refs = ["refs/heads/main"]
verbs = ["update"]
mode = "evaluate"
[[grant]]
id = "far-away"
to = ["developer"]
on = ["WEB/*"]
refs = ["refs/heads/other"]
verbs = ["update"]
[[block]]
id = "freeze"
on = ["PAY/*"]
refs = ["refs/heads/main"]
from = 2026-01-03T00:00:00Z
to = 2026-01-05T00:00:00Z
except = ["release-manager"]
[[block]]
id = "tags"
on = ["**"]
refs = ["refs/tags/**"]
verbs = ["force"]
"#;

fn told(user: &str, name: &str, verb: Verb, day: i64) -> String {
    let line = |trace: RuleTrace| {
        let said = trace.why_not.unwrap_or_else(|| "MATCHED".into());
        assert_eq!(trace.matched, said == "MATCHED");
        let evaluate = if trace.evaluate_only { " (evaluate)" } else { "" };
        format!("{} {}{evaluate}: {said}\n", trace.kind.as_str(), trace.id)
    };
    explain(&state(POLICY), &request(user, "PAY/api", name, verb), verb, at(day))
        .into_iter()
        .map(line)
        .collect()
}

#[test]
fn the_first_thing_that_does_not_match_is_told() {
    insta::assert_snapshot!(told("dora", "refs/heads/main", Verb::Update, 0), @r#"
    block oam:replace-refs: its refs are `refs/replace/**`, not `refs/heads/main`
    block freeze: it is not live until 2026-01-03T00:00:00Z
    block tags: its refs are `refs/tags/**`, not `refs/heads/main`
    grant elsewhere (evaluate): it is on `web/*`, not on `PAY/api`
    grant exception: it is for `nobody`, not for `dora`
    grant main: MATCHED
    grant releases: `dora` does not hold the role `release-manager`
    "#);
    insta::assert_snapshot!(told("dora", "refs/heads/main", Verb::Force, 2), @r#"
    block oam:replace-refs: its refs are `refs/replace/**`, not `refs/heads/main`
    block freeze: MATCHED
    block tags: its refs are `refs/tags/**`, not `refs/heads/main`
    grant elsewhere (evaluate): it is on `web/*`, not on `PAY/api`
    grant exception: its verbs are `update`, `delete`, not `force`
    grant main: its verbs are `update`, not `force`
    grant releases: its verbs are `create`, `update`, not `force`
    "#);
    insta::assert_snapshot!(told("rhea", "refs/heads/main", Verb::Update, 2), @r#"
    block oam:replace-refs: its refs are `refs/replace/**`, not `refs/heads/main`
    block freeze: `rhea` is excepted as `release-manager`
    block tags: its refs are `refs/tags/**`, not `refs/heads/main`
    grant elsewhere (evaluate): it is on `web/*`, not on `PAY/api`
    grant exception: it is for `nobody`, not for `rhea`
    grant main: MATCHED
    grant releases: MATCHED
    "#);
    insta::assert_snapshot!(told("nobody", "refs/heads/main", Verb::Update, 9), @r#"
    block oam:replace-refs: its refs are `refs/replace/**`, not `refs/heads/main`
    block freeze: it has not been live since 2026-01-05T00:00:00Z
    block tags: its refs are `refs/tags/**`, not `refs/heads/main`
    grant elsewhere (evaluate): it is on `web/*`, not on `PAY/api`
    grant exception: it has not been live since 2026-01-02T00:00:00Z
    grant main: `nobody` does not hold the role `developer`
    grant releases: `nobody` does not hold the role `release-manager`
    "#);
}

#[test]
fn a_moved_tag_is_forced_whatever_is_asked() {
    let told = told("dora", "refs/tags/v1", Verb::Update, 0);
    assert!(told.contains("block tags: MATCHED"), "{told}");
}

#[test]
fn an_old_directory_still_explains() {
    let old = State { max_snapshot_age: Some(std::time::Duration::from_secs(1)), ..state(POLICY) };
    let asked = request("dora", "PAY/api", "refs/heads/main", Verb::Update);
    assert_eq!(
        explain(&old, &asked, Verb::Update, at(9)),
        explain(&state(POLICY), &asked, Verb::Update, at(9))
    );
    let none = State { snapshot: None, ..old };
    assert!(explain(&none, &asked, Verb::Update, at(9)).is_empty());
}

/// A policy of any shape over few names, so that its rules meet.
fn any_policy() -> impl Strategy<Value = String> {
    let role = prop::sample::select(vec!["developer", "release-manager"]);
    let on = prop::sample::select(vec!["PAY/*", "**", "WEB/*", "PAY/api\", \"!PAY/x"]);
    let refs = prop::sample::select(vec![
        "refs/heads/main",
        "refs/heads/**\", \"!refs/heads/main",
        "refs/heads/u/${user}/*",
        "refs/**",
        "refs/tags/*",
    ]);
    let verbs = prop::sample::subsequence(vec!["create", "update", "force", "delete"], 1..=4);
    let mode = prop::sample::select(vec!["enforce", "enforce", "evaluate"]);
    let rule = (role, on, refs, verbs, mode, any::<bool>(), 1..9_u8, any::<bool>());
    prop::collection::vec(rule, 0..12).prop_map(|rules| {
        let head = "version=1\n[[role]]\nid=\"developer\"\nany=[\"okta:eng\"]\n[[role]]\nid=\"release-manager\"\nany=[\"okta:release\"]\n";
        let rule = |(index, (role, on, refs, verbs, mode, is_grant, day, timed)): (usize, (_, _, _, Vec<&str>, _, bool, u8, bool))| {
            let (role, on, refs, mode): (&str, &str, &str, &str) = (role, on, refs, mode);
            let (table, whom, end) = if is_grant { ("grant", "to", "expires") } else { ("block", "except", "to") };
            let end = if timed { format!("{end}=2026-01-0{day}T00:00:00Z\n") } else { String::new() };
            let verbs = verbs.join("\",\"");
            format!("[[{table}]]\nid=\"r{index}\"\n{whom}=[\"{role}\"]\non=[\"{on}\"]\nrefs=[\"{refs}\"]\nverbs=[\"{verbs}\"]\nmode=\"{mode}\"\n{end}")
        };
        head.to_owned() + &rules.into_iter().enumerate().map(rule).collect::<String>()
    })
}

proptest! {
    /// Permitted iff an enforced grant matched and no enforced block did; and the evaluated ones that matched are the
    /// shadow of the decision.
    #[test]
    fn it_agrees_with_the_decision(
        policy in any_policy(),
        user in prop::sample::select(vec!["dora", "Rhea", "nobody"]),
        repository in prop::sample::select(vec!["PAY/api", "web/x", "PAY/x"]),
        name in prop::sample::select(vec!["refs/heads/main", "refs/heads/u/dora/x", "refs/heads/u/rhea/x", "refs/tags/v1", "refs/replace/x"]),
        verb in prop::sample::select(vec![Verb::Create, Verb::Update, Verb::Force, Verb::Delete]),
        day in 0..9_i64,
    ) {
        let (state, request) = (state(&policy), request(user, repository, name, verb));
        let mut facts = Facts::none();
        facts.learn_ancestry(0, if verb == Verb::Force { Ancestry::Diverged } else { Ancestry::FastForward });
        let Evaluation::Decided(decision) = decide(&state, &request, &facts, at(day)) else {
            return Err(TestCaseError::fail("all facts are known"));
        };
        let PushVerdict::PerRef(refs) = decision.verdict() else {
            return Err(TestCaseError::fail("everybody is active"));
        };
        let traces = explain(&state, &request, verb, at(day));
        let matched = |kind, evaluate| {
            traces.iter().filter(move |trace| trace.kind == kind && trace.evaluate_only == evaluate && trace.matched)
        };
        let permitted = matched(RuleKind::Grant, false).next().is_some() && matched(RuleKind::Block, false).next().is_none();
        prop_assert_eq!(decision.outcome() == crate::Outcome::Permitted, permitted, "{:?}", traces);
        let shadow: Vec<_> = refs.first().shadow.iter().map(|shadow| shadow.rule.clone()).collect();
        let told: Vec<_> = matched(RuleKind::Block, true).chain(matched(RuleKind::Grant, true)).map(|t| t.id.clone()).collect();
        prop_assert_eq!(shadow, told);
    }
}
