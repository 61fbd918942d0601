mod unsaid;

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Dimension, Fit, Question, RuleKind, RuleTrace, explain, role_meant, unknown_role};
use crate::{
    decide::{Evaluation, Freshness, Outcome, PushVerdict, State, decide},
    file::{PolicySource, parse},
    name::{RefName, Repository, Username},
    request::{Channel, Verb},
    rule::Asker,
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
    State { policy: Some(Arc::new(policy)), snapshot: Some(snapshot), ..State::default() }
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + day * 86_400).unwrap()
}

fn question(repository: &str, name: &str, verb: Verb) -> Question {
    Question {
        repository: Repository::parse(repository).unwrap(),
        name: RefName::parse(name.as_bytes()).unwrap(),
        verb,
        channel: Channel::Push,
        circumstances: Default::default(),
    }
}

fn user(name: &str) -> Asker {
    Asker::User(name.parse().unwrap())
}

fn roles(names: &[&str]) -> Asker {
    Asker::Roles(names.iter().map(|name| name.parse().unwrap()).collect())
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

fn told(asker: &Asker, name: &str, verb: Verb, day: i64) -> String {
    let line = |trace: RuleTrace| {
        let dimensions: Vec<_> = trace.findings.iter().map(|finding| finding.dimension).collect();
        assert_eq!(dimensions, Dimension::ALL);
        let said = trace.why_not().unwrap_or("MATCHED");
        assert_eq!(trace.matched(), said == "MATCHED");
        let evaluate = if trace.evaluate_only { " (evaluate)" } else { "" };
        format!("{} {}{evaluate}: {said}\n", trace.kind.as_str(), trace.id)
    };
    explain(&state(POLICY), asker, &question("PAY/api", name, verb), at(day))
        .unwrap()
        .rules
        .into_iter()
        .map(line)
        .collect()
}

#[test]
fn the_first_thing_that_does_not_match_is_told() {
    insta::assert_snapshot!(told(&user("dora"), "refs/heads/main", Verb::Update, 0), @r#"
    block oam:canary: its refs are `refs/heads/oam-canary/**`, not `refs/heads/main`
    block oam:replace-refs: its refs are `refs/replace/**`, not `refs/heads/main`
    block freeze: it is not live until 2026-01-03T00:00:00Z
    block tags: its refs are `refs/tags/**`, not `refs/heads/main`
    grant elsewhere (evaluate): it is on `web/*`, not on `PAY/api`
    grant exception: it is for `nobody`, not for `dora`
    grant main: MATCHED
    grant releases: `dora` does not hold the role `release-manager`
    "#);
    insta::assert_snapshot!(told(&user("dora"), "refs/heads/main", Verb::Force, 2), @r#"
    block oam:canary: its refs are `refs/heads/oam-canary/**`, not `refs/heads/main`
    block oam:replace-refs: its refs are `refs/replace/**`, not `refs/heads/main`
    block freeze: MATCHED
    block tags: its refs are `refs/tags/**`, not `refs/heads/main`
    grant elsewhere (evaluate): it is on `web/*`, not on `PAY/api`
    grant exception: its verbs are `update`, `delete`, not `force`
    grant main: its verbs are `update`, not `force`
    grant releases: its verbs are `create`, `update`, not `force`
    "#);
    insta::assert_snapshot!(told(&user("rhea"), "refs/heads/main", Verb::Update, 2), @r#"
    block oam:canary: its refs are `refs/heads/oam-canary/**`, not `refs/heads/main`
    block oam:replace-refs: its refs are `refs/replace/**`, not `refs/heads/main`
    block freeze: `rhea` is excepted as `release-manager`
    block tags: its refs are `refs/tags/**`, not `refs/heads/main`
    grant elsewhere (evaluate): it is on `web/*`, not on `PAY/api`
    grant exception: it is for `nobody`, not for `rhea`
    grant main: MATCHED
    grant releases: MATCHED
    "#);
    insta::assert_snapshot!(told(&user("nobody"), "refs/heads/main", Verb::Update, 9), @r#"
    block oam:canary: its refs are `refs/heads/oam-canary/**`, not `refs/heads/main`
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
    let told = told(&user("dora"), "refs/tags/v1", Verb::Update, 0);
    assert!(told.contains("block tags: MATCHED"), "{told}");
}

#[test]
fn every_dimension_is_told_with_what_the_rule_says_there() {
    let asked = question("PAY/x", "refs/heads/other", Verb::Delete);
    let explanation = explain(&state(POLICY), &user("dora"), &asked, at(9)).unwrap();
    let all: String = explanation
        .rules
        .iter()
        .filter(|rule| ["freeze", "main", "exception"].contains(&rule.id.as_str()))
        .flat_map(|rule| rule.findings.iter().map(move |finding| (rule, finding)))
        .map(|(rule, finding)| {
            let (dimension, ok) = (
                finding.dimension.as_str(),
                match finding.fit {
                    Fit::Fits => "yes",
                    Fit::Differs => "no",
                    Fit::Unknown => "?",
                },
            );
            format!("{} {dimension} {ok}: {}\n", rule.id, finding.detail)
        })
        .collect();
    insta::assert_snapshot!(all, @"
    freeze repository yes: it is on `pay/*`
    freeze ref no: its refs are `refs/heads/main`, not `refs/heads/other`
    freeze verb yes: its verbs are `create`, `update`, `force`, `delete`
    freeze role yes: it excepts `release-manager`, which `dora` does not hold
    freeze time no: it has not been live since 2026-01-05T00:00:00Z
    freeze path yes: whatever paths change
    exception repository no: it is on `pay/api`, not on `PAY/x`
    exception ref yes: its refs are `refs/heads/**`
    exception verb yes: its verbs are `update`, `delete`
    exception role no: it is for `nobody`, not for `dora`
    exception time no: it has not been live since 2026-01-02T00:00:00Z
    exception path yes: whatever paths change
    main repository yes: it is on `pay/*`
    main ref no: its refs are `refs/heads/main`, not `refs/heads/other`
    main verb no: its verbs are `update`, not `delete`
    main role yes: `dora` holds the role `developer`
    main time yes: it is always live
    main path yes: whatever paths change
    ");
}

#[test]
fn whoever_is_cut_off_is_told_so_and_what_the_rules_say_all_the_same() {
    let state = state(POLICY);
    let asked = question("PAY/api", "refs/heads/main", Verb::Update);
    let explained = |name: &str| explain(&state, &user(name), &asked, at(0)).unwrap();
    let gone = explained("gone");
    assert!(matches!(gone.decision.verdict(), PushVerdict::Refused(_)));
    assert_eq!(gone.otherwise.map(|decision| decision.outcome()), Some(Outcome::Permitted));
    assert!(gone.rules.iter().any(|rule| rule.id.as_str() == "main" && rule.matched()));
    let stranger = explained("stranger");
    assert!(matches!(stranger.decision.verdict(), PushVerdict::Refused(_)));
    assert_eq!(stranger.otherwise.map(|decision| decision.outcome()), Some(Outcome::Refused));
    assert!(!stranger.rules.is_empty());
    assert!(explained("dora").otherwise.is_none() && explained("nobody").otherwise.is_none());
}

#[test]
fn of_two_waivers_in_use_both_are_told() {
    let waiver = |id: &str| {
        format!("[[waiver]]\nid = \"{id}\"\nlifts = [\"stop\"]\nto = [\"developer\"]\nmax_time = \"1h\"\n")
    };
    let stop = "[[block]]\nid = \"stop\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\n";
    let state = state(&format!("{POLICY}{stop}{}{}{}", waiver("one"), waiver("two"), waiver("unused")));
    let mut asked = question("PAY/api", "refs/heads/main", Verb::Update);
    asked.circumstances.waivers = ["one", "two"].map(|id| id.parse().unwrap()).into();
    let explained = explain(&state, &user("dora"), &asked, at(0)).unwrap();
    let in_use = |id: &str| explained.rules.iter().any(|rule| rule.id.as_str() == id && rule.matched());
    assert_eq!(["one", "two", "unused"].map(in_use), [true, true, false]);
}

#[test]
fn somebody_with_just_these_roles_needs_no_directory() {
    let none = State { snapshot: None, ..state(POLICY) };
    let main = question("PAY/api", "refs/heads/main", Verb::Update);
    let outcome =
        |names: &[&str], day| explain(&none, &roles(names), &main, at(day)).unwrap().decision.outcome();
    assert_eq!(outcome(&["developer"], 0), Outcome::Permitted);
    assert_eq!(outcome(&["developer"], 3), Outcome::Refused, "frozen");
    assert_eq!(outcome(&["developer", "release-manager"], 3), Outcome::Permitted);
    assert_eq!(outcome(&[], 0), Outcome::Refused);
    insta::assert_snapshot!(told(&roles(&["developer"]), "refs/heads/release/1", Verb::Create, 0), @"
    block oam:canary: its refs are `refs/heads/oam-canary/**`, not `refs/heads/release/1`
    block oam:replace-refs: its refs are `refs/replace/**`, not `refs/heads/release/1`
    block freeze: its refs are `refs/heads/main`, not `refs/heads/release/1`
    block tags: its refs are `refs/tags/**`, not `refs/heads/release/1`
    grant exception: its verbs are `update`, `delete`, not `create`
    grant main: its refs are `refs/heads/main`, not `refs/heads/release/1`
    grant releases: somebody with just these roles does not hold the role `release-manager`
    ");
    let policy = none.policy.as_deref().unwrap();
    assert_eq!(unknown_role(policy, &roles(&["developer"])), None);
    assert_eq!(unknown_role(policy, &roles(&["developer", "nope"])).unwrap().as_str(), "nope");
    let meant = |role: &str| role_meant(policy, &role.parse().unwrap());
    assert_eq!(meant("develloper").as_deref(), Some("did you mean `developer`?"));
    assert_eq!(meant("nope"), None);
}

#[test]
fn an_old_directory_still_explains() {
    let asked = question("PAY/api", "refs/heads/main", Verb::Update);
    let (as_of, max_age) = (None, Some(std::time::Duration::from_secs(1)));
    let sources = [Freshness { source: "s".into(), as_of, max_age, unheard: None }].into();
    let old = State { sources, ..state(POLICY) };
    let explained = |state: &State| explain(state, &user("dora"), &asked, at(9)).unwrap();
    assert_eq!(explained(&old).rules, explained(&state(POLICY)).rules);
    assert_eq!(explained(&old).decision.outcome(), Outcome::Undecided);
    assert_eq!(explained(&state(POLICY)).decision.outcome(), Outcome::Permitted);
    let none = State { snapshot: None, ..old };
    assert!(explained(&none).rules.is_empty());
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
        name_of in prop::sample::select(vec!["dora", "Rhea", "nobody"]),
        repository in prop::sample::select(vec!["PAY/api", "web/x", "PAY/x"]),
        name in prop::sample::select(vec!["refs/heads/main", "refs/heads/u/dora/x", "refs/heads/u/rhea/x", "refs/tags/v1", "refs/replace/x", "refs/heads/oam-canary/x"]),
        verb in prop::sample::select(vec![Verb::Create, Verb::Update, Verb::Force, Verb::Delete]),
        day in 0..9_i64,
    ) {
        let (state, question) = (state(&policy), question(repository, name, verb));
        let request = question.request(Username::parse(name_of).unwrap());
        let Evaluation::Decided(decision) = decide(&state, &request, &question.facts(), at(day)) else {
            return Err(TestCaseError::fail("all facts are known"));
        };
        let PushVerdict::PerRef(refs) = decision.verdict() else {
            return Err(TestCaseError::fail("everybody is active"));
        };
        let explanation = explain(&state, &user(name_of), &question, at(day)).unwrap();
        prop_assert_eq!(explanation.decision.outcome(), decision.outcome());
        let traces = explanation.rules;
        let matched = |kind, evaluate| {
            traces.iter().filter(move |trace| trace.kind == kind && trace.evaluate_only == evaluate && trace.matched())
        };
        let permitted = matched(RuleKind::Grant, false).next().is_some() && matched(RuleKind::Block, false).next().is_none();
        prop_assert_eq!(decision.outcome() == Outcome::Permitted, permitted, "{:?}", traces);
        let shadow: Vec<_> = refs.first().shadow.iter().map(|shadow| shadow.rule.clone()).collect();
        let told: Vec<_> = matched(RuleKind::Block, true).chain(matched(RuleKind::Grant, true)).map(|t| t.id.clone()).collect();
        prop_assert_eq!(shadow, told);
    }
}
