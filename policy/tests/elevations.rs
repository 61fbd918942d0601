//! Roles for a while, on a policy as an administrator writes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod common;

use common::{Case, facts, policy, snapshot};
use oam_policy::{
    Decision, Outcome, PrivilegeId, Verdict,
    decide::{ElevationUse, Freshness, PushVerdict},
    explain,
    question::{Circumstances, Question},
    rule::{Asker, RefSet, RepositorySet},
    who, words,
};

const POLICY: &str = r##"
version = 1

[[role]]
id = "developer"
any = ["okta:eng"]

[[role]]
id = "release-manager"
any = ["okta:release"]

[[grant]]
id = "releases"
to = ["release-manager"]
on = ["PAY/*"]
refs = ["refs/heads/{main,release/*}"]
verbs = ["create", "update"]

[[block]]
id = "freeze"
on = ["PAY/*"]
refs = ["refs/heads/release/frozen"]
except = ["release-manager"]

[[waiver]]
id = "thaw"
lifts = ["freeze"]
to = ["developer"]
max_time = "1h"
second_person = ["release-manager"]

[[elevation]]
id = "on-call"
roles = ["release-manager"]
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/**"]
max_time = "4h"
approved_by = ["release-manager"]
"##;

fn given() -> ElevationUse {
    ElevationUse {
        id: PrivilegeId::parse("7k2m9x").unwrap(),
        elevation: "on-call".parse().unwrap(),
        role: "release-manager".parse().unwrap(),
        by: "alice".parse().unwrap(),
        on: RepositorySet::new([RepositorySet::parse_one("PAY/api").unwrap()]).unwrap(),
        refs: RefSet::new([RefSet::parse_one("refs/heads/**").unwrap()]).unwrap(),
        from: "2026-01-02T00:00:00Z".parse().unwrap(),
        to: "2026-01-02T02:00:00Z".parse().unwrap(),
        reason: "INC-1".into(),
        approved_by: vec![Asker::User("rita".parse().unwrap())],
    }
}

fn case(given: ElevationUse) -> Case {
    let mut case = Case::new(policy(POLICY), snapshot());
    case.state.elevations = [given].into();
    case
}

fn outcome(case: &Case, user: &str, repository: &str, update: &str) -> Outcome {
    case.decide(user, repository, &[update], &facts(&[])).outcome()
}

const PUSH: &str = "create refs/heads/release/2";

#[test]
fn it_ends_at_the_moment_and_not_before() {
    for (at, good) in [
        ("2026-01-01T23:59:59.999999999Z", false),
        ("2026-01-02T00:00:00Z", true),
        ("2026-01-02T01:59:59.999999999Z", true),
        ("2026-01-02T02:00:00Z", false),
        ("2030-01-01T00:00:00Z", false),
    ] {
        let found = outcome(&case(given()).at(at), "alice", "PAY/api", PUSH);
        assert_eq!(found == Outcome::Permitted, good, "{at}");
    }
    // Whatever was written down, the rule's own time is the longest.
    let long = ElevationUse { to: "2027-01-01T00:00:00Z".parse().unwrap(), ..given() };
    for (at, good) in [("2026-01-02T03:59:59Z", true), ("2026-01-02T04:00:00Z", false)] {
        let found = outcome(&case(long.clone()).at(at), "alice", "PAY/api", PUSH);
        assert_eq!(found == Outcome::Permitted, good, "{at}");
    }
}

#[test]
fn it_is_for_one_person_one_place_and_what_the_role_is_granted() {
    for (user, repository, update, good) in [
        ("alice", "PAY/api", PUSH, true),
        ("ALICE", "pay/API", PUSH, true),
        ("bob", "PAY/api", PUSH, false),
        ("alice", "PAY/web", PUSH, false),
        ("alice", "PAY/api", "create refs/heads/other", false),
        ("alice", "PAY/api", "delete refs/heads/main", false),
        // That a block excepts the role says nothing about who has it for a while.
        ("alice", "PAY/api", "create refs/heads/release/frozen", false),
        ("rita", "PAY/api", "create refs/heads/release/frozen", true),
    ] {
        let found = outcome(&case(given()), user, repository, update);
        assert_eq!(found == Outcome::Permitted, good, "{user} {repository} {update}");
    }
}

/// Who left may still be there in a list that is old: whether they may still approve is not known.
#[test]
fn an_approver_whom_only_an_old_source_knows_makes_nothing_sure() {
    let found = |by: &[&str], user: &str, update: &str, policy_text: &str| {
        let approved_by = by.iter().map(|name| Asker::User(name.parse().unwrap())).collect();
        let mut case = Case::new(policy(policy_text), snapshot()).at("2026-01-02T01:00:00Z");
        case.state.elevations = [ElevationUse { approved_by, ..given() }].into();
        let lost = Freshness { source: "ad".into(), as_of: None, max_age: None, unheard: None };
        let rita: oam_policy::Username = "rita".parse().unwrap();
        case.state.approvers = [(rita.key(), [lost].into())].into();
        outcome(&case, user, "PAY/api", update)
    };
    assert_eq!(found(&["RITA"], "alice", PUSH, POLICY), Outcome::Undecided);
    // Where it makes no difference nobody waits for it.
    assert_eq!(found(&["rita"], "alice", "delete refs/heads/main", POLICY), Outcome::Refused);
    assert_eq!(found(&["rita"], "rita", PUSH, POLICY), Outcome::Permitted);
    assert_eq!(found(&["alice"], "alice", PUSH, POLICY), Outcome::Refused);
    // Here it stays what it was when it was approved.
    let lasting = POLICY.to_owned() + "ends_with_approver = false\n";
    assert_eq!(found(&["rita"], "alice", PUSH, &lasting), Outcome::Permitted);
}

#[test]
fn approvals_are_of_others_who_still_may() {
    let approved = |by: &[&str]| ElevationUse {
        approved_by: by.iter().map(|name| Asker::User(name.parse().unwrap())).collect(),
        ..given()
    };
    for (by, good) in [
        (&[][..], false),
        (&["alice"], false),
        (&["ALICE"], false),
        (&["bob"], false),
        (&["mallory"], false),
        (&["rita"], true),
        (&["bob", "RITA"], true),
    ] {
        let found = outcome(&case(approved(by)), "alice", "PAY/api", PUSH);
        assert_eq!(found == Outcome::Permitted, good, "{by:?}");
    }
    assert_eq!(outcome(&case(given()).revoking("rita"), "alice", "PAY/api", PUSH), Outcome::Refused);
    assert_eq!(outcome(&case(given()).revoking("alice"), "alice", "PAY/api", PUSH), Outcome::Refused);
    let lasting = POLICY.to_owned() + "ends_with_approver = false\n";
    let mut case = Case::new(policy(&lasting), snapshot()).revoking("rita");
    case.state.elevations = [given()].into();
    assert_eq!(outcome(&case, "alice", "PAY/api", PUSH), Outcome::Permitted);
    let twice = POLICY.to_owned() + "approvals = 2\n";
    let mut case = Case::new(policy(&twice), snapshot());
    case.state.elevations = [approved(&["rita", "RITA"])].into();
    assert_eq!(outcome(&case, "alice", "PAY/api", PUSH), Outcome::Refused, "nobody counts twice");
}

#[test]
fn the_permit_names_it_unless_a_standing_right_would_do() {
    let elevation = |decision: &Decision| match decision.verdict() {
        PushVerdict::PerRef(refs) => match &refs.first().verdict {
            Verdict::Permitted(permit) => permit.elevation().map(ToString::to_string),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let none = facts(&[]);
    assert_eq!(elevation(&case(given()).decide("alice", "PAY/api", &[PUSH], &none)).unwrap(), "7k2m9x");
    let by_rita = ElevationUse { by: "rita".parse().unwrap(), ..given() };
    assert_eq!(elevation(&case(by_rita).decide("rita", "PAY/api", &[PUSH], &none)), None);
}

#[test]
fn who_is_refused_reads_what_to_ask_for() {
    let case = Case::new(policy(POLICY), snapshot());
    let hint = |user: &str, update: &str| {
        let name = oam_policy::RefName::parse(update.split(' ').next_back().unwrap().as_bytes()).unwrap();
        let decision = case.decide(user, "PAY/api", &[update], &facts(&[]));
        let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
        let Verdict::Refused(reasons) = &refs.first().verdict else { panic!("{decision:?}") };
        reasons
            .iter()
            .filter_map(|one| words::of_refusal(one, Some(&name)).hint)
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(hint("alice", PUSH), @"Somebody with the role `release-manager` may create it. You may ask for it for up to 4 hours; somebody else with the role `release-manager` must approve: `oam grant request --role release-manager --on PAY/api --refs refs/heads/release/2 --for 60m --reason '…'`.");
    insta::assert_snapshot!(hint("alice", "create refs/heads/release/frozen"), @"Somebody with the role `release-manager` is not bound by it. In an emergency you may lift it for up to 60 minutes; somebody else with the role `release-manager` must approve: `oam breakglass freeze --on PAY/api --refs refs/heads/release/frozen --for 60m --reason '…'`.");
    // Nobody is told to ask for what they may not ask for, or what would not help.
    assert!(!hint("alice", "delete refs/heads/main").contains("oam grant"));
}

/// [`PUSH`], as `who` and `explain` ask it.
fn asked() -> Question {
    Question {
        repository: "PAY/api".parse().unwrap(),
        name: oam_policy::RefName::parse(b"refs/heads/release/2").unwrap(),
        verb: oam_policy::Verb::Create,
        channel: oam_policy::Channel::Push,
        circumstances: Circumstances::default(),
    }
}

/// Of all others `who` says whether they may.
#[test]
fn whose_approver_is_in_doubt_is_undecided_alone() {
    let mut case = case(given());
    let lost = Freshness { source: "ad".into(), as_of: None, max_age: None, unheard: None };
    let rita: oam_policy::Username = "rita".parse().unwrap();
    case.state.approvers = [(rita.key(), [lost].into())].into();
    let found = who::who(&case.state, &asked(), "2026-01-02T01:00:00Z".parse().unwrap()).unwrap();
    let can: Vec<_> = found.can.values().flatten().map(|one| one.username.as_str()).collect();
    assert_eq!(can, ["rita"]);
    let why: Vec<_> = found.undecided.reasons.iter().map(oam_policy::UndecidedReason::code).collect();
    assert_eq!((found.undecided.count, why), (1, vec!["source-stale"]));
    assert_eq!(found.unclear.count, 0);
}

/// Whose approvers are known to a source that is too old is told of that one, and not of that of others.
#[test]
fn the_source_that_is_told_is_that_of_the_pushers_own_approver() {
    let lost = |source: &str| Freshness { source: source.into(), as_of: None, max_age: None, unheard: None };
    let of = |id: &str, by: &str, approver: &str| ElevationUse {
        id: PrivilegeId::parse(id).unwrap(),
        by: by.parse().unwrap(),
        approved_by: vec![Asker::User(approver.parse().unwrap())],
        ..given()
    };
    let [carol, rita] = ["carol", "rita"].map(|name| name.parse::<oam_policy::Username>().unwrap().key());
    let mut case = Case::new(policy(POLICY), snapshot()).at("2026-01-02T01:00:00Z");
    case.state.elevations = [of("7k2m9x", "bob", "carol"), of("7k2m9z", "ALICE", "rita")].into();
    case.state.approvers = [(carol, [lost("ad")].into()), (rita, [lost("okta")].into())].into();
    let decision = case.decide("alice", "PAY/api", &[PUSH], &facts(&[]));
    let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
    let Verdict::Undecided(reasons) = &refs.first().verdict else { panic!("{decision:?}") };
    let told = words::of_undecided(reasons.first()).summary;
    assert!(told.contains("the source `okta`"), "{told}");
    // Whoever has nothing that is in doubt is refused.
    assert_eq!(outcome(&case, "dave", "PAY/api", PUSH), Outcome::Refused);
}

#[test]
fn who_and_explain_tell_of_it() {
    let (case, question) = (case(given()), asked());
    let now = "2026-01-02T00:00:00Z".parse().unwrap();
    let found = who::who(&case.state, &question, now).unwrap();
    let told: Vec<_> = found
        .can
        .iter()
        .map(|(way, who)| {
            let who: Vec<_> = who.iter().map(|one| one.username.as_str()).collect();
            format!("{} {:?} {:?} {who:?}", way.grant, way.role, way.elevation)
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"releases Some(RoleId(release-manager)) None ["rita"]"#,
            r#"releases Some(RoleId(release-manager)) Some(PrivilegeId(7k2m9x)) ["alice"]"#,
        ]
    );
    let asker = Asker::User("alice".parse().unwrap());
    let explained = explain::explain(&case.state, &asker, &question, now).unwrap();
    let findings: Vec<_> = explained
        .rules
        .iter()
        .filter(|rule| rule.matched())
        .flat_map(|rule| rule.findings.iter().map(move |finding| format!("{}: {}", rule.id, finding.detail)))
        .filter(|text| text.contains("7k2m9x"))
        .collect();
    assert_eq!(
        findings,
        [
            "releases: `alice` has what the role `release-manager` is granted until 2026-01-02T02:00:00Z, by `7k2m9x`",
            "on-call: it gives `release-manager` as `7k2m9x` until 2026-01-02T02:00:00Z",
        ]
    );
}

#[test]
fn an_elevation_matches_where_it_gives_something() {
    let case = case(given());
    let matched = |repository: &str| {
        let question = Question {
            repository: repository.parse().unwrap(),
            name: oam_policy::RefName::parse(b"refs/heads/release/2").unwrap(),
            verb: oam_policy::Verb::Create,
            channel: oam_policy::Channel::Push,
            circumstances: Circumstances::default(),
        };
        let asker = Asker::User("alice".parse().unwrap());
        let explained =
            explain::explain(&case.state, &asker, &question, "2026-01-02T00:00:00Z".parse().unwrap());
        let rules = explained.unwrap().rules;
        let elevation = rules.iter().find(|rule| rule.id.as_str() == "on-call").unwrap();
        elevation.why_not().map(str::to_owned)
    };
    assert_eq!(matched("PAY/api"), None);
    // The rule is for all of `PAY`, and what was given is not.
    let why_not = "nothing was given by it for this; it could give the role `release-manager`";
    assert_eq!(matched("PAY/web").as_deref(), Some(why_not));
}
