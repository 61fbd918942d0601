//! What is decided, rule by rule, on policies as administrators write them.
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
    Outcome, RefusalReason, UndecidedReason, Verdict,
    decide::{Freshness, PushVerdict},
    facts::Ancestry,
};

const POLICY: &str = r##"
version = 1
contact = "#platform"

[[role]]
id = "developer"
any = ["okta:eng"]

[[role]]
id = "release-manager"
all = ["okta:eng", "okta:release"]

[[role]]
id = "bot"
service = ["svc-renovate"]
max_lease = "15m"

[[grant]]
id = "topic"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/feature/**", "refs/heads/u/${user}/**"]
verbs = ["create", "update", "force", "delete"]

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
refs = ["refs/heads/release/**", "refs/tags/**"]
verbs = ["create", "update", "delete", "force"]

[[grant]]
id = "bot-branches"
to = ["bot"]
on = ["PAY/*"]
refs = ["refs/heads/renovate/**"]
verbs = ["create", "force"]

[[grant]]
id = "carol-for-a-week"
user = "carol"
approved_by = "alice"
expires = 2026-01-08T00:00:00Z
on = ["PAY/api"]
refs = ["refs/heads/hotfix"]
verbs = ["create"]

[[block]]
id = "tags-are-forever"
on = ["**"]
refs = ["refs/tags/**"]
verbs = ["force", "delete"]
absolute = true

[[block]]
id = "freeze"
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["update", "force"]
from = 2026-12-20T00:00:00Z
to = 2027-01-05T00:00:00Z
except = ["release-manager"]
help = "Year-end freeze. Urgent fixes: #release."

[[block]]
id = "trial"
mode = "evaluate"
on = ["PAY/*"]
refs = ["refs/heads/feature/**"]
verbs = ["force"]
"##;

fn case() -> Case {
    Case::new(policy(POLICY), snapshot())
}

#[test]
fn who_may_do_what() {
    for (user, repository, update, outcome) in [
        ("alice", "PAY/api", "create refs/heads/feature/x", Outcome::Permitted),
        ("ALICE", "pay/API", "create refs/heads/feature/x", Outcome::Permitted),
        ("alice", "OPS/api", "create refs/heads/feature/x", Outcome::Refused),
        ("alice", "PAY/api", "create refs/heads/u/alice/x", Outcome::Permitted),
        ("ALICE", "PAY/api", "create refs/heads/u/alice/x", Outcome::Permitted),
        ("alice", "PAY/api", "create refs/heads/u/bob/x", Outcome::Refused),
        ("alice", "PAY/api", "update refs/heads/main", Outcome::Permitted),
        ("alice", "PAY/api", "force refs/heads/main", Outcome::Refused),
        ("alice", "PAY/api", "delete refs/heads/main", Outcome::Refused),
        ("alice", "PAY/api", "merge refs/heads/main", Outcome::Permitted),
        ("alice", "PAY/api", "create refs/tags/v1", Outcome::Refused),
        ("rita", "PAY/api", "create refs/tags/v1", Outcome::Permitted),
        ("rita", "PAY/api", "delete refs/tags/v1", Outcome::Refused),
        ("rita", "PAY/api", "move refs/tags/v1", Outcome::Refused),
        ("dave", "PAY/api", "create refs/heads/feature/x", Outcome::Refused),
        ("svc-renovate", "PAY/api", "create refs/heads/renovate/x", Outcome::Permitted),
        ("svc-renovate", "PAY/api", "update refs/heads/main", Outcome::Refused),
        ("carol", "PAY/api", "create refs/heads/hotfix", Outcome::Permitted),
        ("nobody", "PAY/api", "create refs/heads/feature/x", Outcome::Refused),
        ("access-token-user/2/11754", "PAY/api", "create refs/heads/feature/x", Outcome::Refused),
    ] {
        let decision = case().at("2026-01-07T23:59:59Z").decide(user, repository, &[update], &facts(&[]));
        assert_eq!(decision.outcome(), outcome, "{user} {repository} {update}: {decision:#?}");
    }
}

#[test]
fn a_grant_in_time_ends_exactly() {
    let at = |time| {
        case().at(time).decide("carol", "PAY/api", &["create refs/heads/hotfix"], &facts(&[])).outcome()
    };
    assert_eq!(at("2026-01-07T23:59:59.999999Z"), Outcome::Permitted);
    assert_eq!(at("2026-01-08T00:00:00Z"), Outcome::Refused);
}

#[test]
fn a_block_in_time_binds_all_but_those_excepted() {
    let at = |time, user| {
        case().at(time).decide(user, "PAY/api", &["update refs/heads/main"], &facts(&[])).outcome()
    };
    assert_eq!(at("2026-12-19T23:59:59Z", "alice"), Outcome::Permitted);
    assert_eq!(at("2026-12-20T00:00:00Z", "alice"), Outcome::Refused);
    assert_eq!(at("2026-12-20T00:00:00Z", "rita"), Outcome::Permitted);
    assert_eq!(at("2027-01-05T00:00:00Z", "alice"), Outcome::Permitted);
}

#[test]
fn all_reasons_are_given() {
    let decision =
        case().at("2026-12-24T00:00:00Z").decide("alice", "PAY/api", &["force refs/heads/main"], &facts(&[]));
    let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
    let Verdict::Refused(reasons) = &refs.first().verdict else { panic!("{decision:?}") };
    let codes: Vec<_> = reasons.iter().map(RefusalReason::code).collect();
    assert_eq!(codes, ["blocked", "no-grant"]);
}

#[test]
fn a_permit_names_what_carried_it() {
    let decision = case().decide("rita", "PAY/api", &["update refs/heads/main"], &facts(&[]));
    let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
    let Verdict::Permitted(permit) = &refs.first().verdict else { panic!("{decision:?}") };
    assert_eq!(permit.grant().as_str(), "main");
    assert_eq!(permit.role().map(oam_policy::RoleId::as_str), Some("developer"));
    assert!(permit.lifted().is_empty());
}

#[test]
fn a_rule_on_trial_only_leaves_a_shadow() {
    let decision = case().decide("alice", "PAY/api", &["force refs/heads/feature/x"], &facts(&[]));
    assert_eq!(decision.outcome(), Outcome::Permitted);
    let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
    let shadows: Vec<_> = refs.first().shadow.iter().map(|shadow| shadow.rule.to_string()).collect();
    assert_eq!(shadows, ["trial"]);
}

#[test]
fn what_is_built_in_holds_whatever_is_granted() {
    let open = policy(
        "version = 1\n[[role]]\nid = \"developer\"\nany = [\"okta:eng\"]\n[[grant]]\nid = \"all\"\nto = [\"developer\"]\n\
         on = [\"**\"]\nrefs = [\"refs/**\"]\nverbs = [\"create\", \"update\", \"force\", \"delete\"]\n",
    );
    let case = Case::new(open, snapshot());
    for verb in ["create", "update", "force", "delete"] {
        let update = format!("{verb} refs/replace/0123456789012345678901234567890123456789");
        let decision = case.decide("alice", "PAY/api", &[&update], &facts(&[]));
        assert_eq!(decision.outcome(), Outcome::Refused, "{verb}");
    }
    for (verb, outcome) in
        [("create", Outcome::Refused), ("update", Outcome::Refused), ("delete", Outcome::Permitted)]
    {
        let update = format!("{verb} refs/heads/oam-canary/x");
        assert_eq!(case.decide("alice", "PAY/api", &[&update], &facts(&[])).outcome(), outcome, "{verb}");
    }
    assert_eq!(
        case.decide("alice", "X/y", &["create refs/notes/x"], &facts(&[])).outcome(),
        Outcome::Permitted
    );
}

#[test]
fn the_history_is_asked_for_only_when_it_matters() {
    for (user, update, needed) in [
        // Any move of a topic branch is permitted by one grant, but a rule on trial tells the two apart.
        ("alice", "move refs/heads/feature/x", true),
        ("alice", "move refs/heads/u/alice/x", false),
        ("alice", "move refs/heads/main", true),
        ("rita", "move refs/heads/release/1", false),
        ("rita", "move refs/tags/v1", false),
        ("dave", "move refs/heads/unknown", false),
        ("nobody", "move refs/heads/main", false),
    ] {
        let asked = case().needs(user, "PAY/api", &[update]);
        assert_eq!(!asked.is_empty(), needed, "{user} {update}");
    }
    let asked = case().needs("alice", "PAY/api", &["create refs/heads/feature/x", "move refs/heads/main"]);
    assert_eq!(asked, [1]);
}

#[test]
fn the_history_tells_an_update_from_a_force() {
    let moved =
        |ancestry| case().decide("alice", "PAY/api", &["move refs/heads/main"], &facts(&[(0, ancestry)]));
    assert_eq!(moved(Ancestry::FastForward).outcome(), Outcome::Permitted);
    assert_eq!(moved(Ancestry::Diverged).outcome(), Outcome::Refused);
    let unreadable = moved(Ancestry::Unreadable { why: "missing object".into() });
    assert_eq!(unreadable.outcome(), Outcome::Undecided);
    let PushVerdict::PerRef(refs) = unreadable.verdict() else { panic!("{unreadable:?}") };
    let Verdict::Undecided(reasons) = &refs.first().verdict else { panic!("{unreadable:?}") };
    assert_eq!(reasons.first().code(), "facts-unreadable");
}

/// Whether a move is an update or a force does not matter where both are permitted, also when by different grants, and
/// never for a rule that is only tried out.
#[test]
fn what_is_permitted_either_way_needs_no_history() {
    let everything = r#"
version = 1
[[role]]
id = "developer"
any = ["okta:eng"]
[[grant]]
id = "everything"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/**"]
verbs = ["update", "force"]
"#;
    let on_force = "on = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\nverbs = [\"force\"]\n";
    let first = format!("[[grant]]\nid = \"another\"\nto = [\"developer\"]\n{on_force}");
    let trial = format!("[[block]]\nid = \"trial\"\nmode = \"evaluate\"\n{on_force}");
    let unreadable = facts(&[(0, Ancestry::Unreadable { why: "missing object".into() })]);
    for (more, grant, shadow) in [
        ("", "everything", &[][..]),
        (&first, "another", &[]),
        (&trial, "everything", &["trial perhaps blocked"]),
    ] {
        let case = Case::new(policy(&format!("{everything}{more}")), snapshot());
        let decision = case.decide("alice", "PAY/api", &["move refs/heads/main"], &unreadable);
        let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
        let Verdict::Permitted(permit) = &refs.first().verdict else { panic!("{more}: {decision:?}") };
        assert_eq!((permit.grant().as_str(), refs.first().verb), (grant, None));
        let told = refs.first().shadow.iter().map(|one| format!("{} {}", one.rule, one.would.as_str()));
        assert_eq!(told.collect::<Vec<_>>(), shadow);
    }
}

#[test]
fn one_refused_ref_refuses_the_push_and_outweighs_what_is_unknown() {
    let unknown = facts(&[(0, Ancestry::Unreadable { why: "x".into() })]);
    let decision =
        case().decide("alice", "PAY/api", &["move refs/heads/main", "create refs/tags/v1"], &unknown);
    assert_eq!(decision.outcome(), Outcome::Refused);
}

#[test]
fn who_asks_is_looked_at_first() {
    for (user, code) in
        [("erin", "account-disabled"), ("mallory", "revoked"), ("nobody", "unknown-principal")]
    {
        let decision = case().decide(user, "PAY/api", &["create refs/heads/feature/x"], &facts(&[]));
        let PushVerdict::Refused(reasons) = decision.verdict() else { panic!("{decision:?}") };
        assert_eq!(reasons.first().code(), code, "{user}");
    }
}

#[test]
fn a_revoked_service_is_refused_though_no_directory_knows_it() {
    let case = case().revoking("svc-renovate");
    let decision = case.decide("svc-renovate", "PAY/api", &["create refs/heads/renovate/x"], &facts(&[]));
    assert_eq!(decision.outcome(), Outcome::Refused);
}

#[test]
fn without_something_to_decide_by_nothing_is_decided() {
    let reasons = |case: &Case| match case
        .decide("alice", "PAY/api", &["create refs/heads/feature/x"], &facts(&[]))
        .verdict()
    {
        PushVerdict::Undecided(reasons) => reasons.iter().map(UndecidedReason::code).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let mut empty = case();
    empty.state.policy = None;
    assert_eq!(reasons(&empty), ["policy-missing"]);
    empty.state.snapshot = None;
    assert_eq!(reasons(&empty), ["policy-missing", "snapshot-missing"]);
}

#[test]
fn a_directory_that_is_too_old_decides_nothing() {
    let mut case = case();
    let as_of = case.state.snapshot.as_ref().map(oam_policy::Snapshot::as_of);
    let max_age = Some(std::time::Duration::from_secs(3600));
    case.state.sources = [Freshness { source: "file".into(), as_of, max_age, unheard: None }].into();
    let outcome =
        |case: Case| case.decide("alice", "PAY/api", &["create refs/heads/feature/x"], &facts(&[])).outcome();
    assert_eq!(outcome(case.clone().at("2026-01-01T01:00:00Z")), Outcome::Permitted);
    assert_eq!(outcome(case.clone().at("2026-01-01T01:00:01Z")), Outcome::Undecided);
    assert_eq!(
        outcome(case.clone().at("2025-12-31T00:00:00Z")),
        Outcome::Permitted,
        "it comes from the future"
    );
    case.state.sources =
        [Freshness { source: "file".into(), as_of: None, max_age: None, unheard: None }].into();
    assert_eq!(outcome(case.clone().at("2026-01-01T01:00:00Z")), Outcome::Undecided, "what it said is lost");
    // As fresh as can be, and whoever is disabled there would not be cut off here.
    let unheard = Some("idp".into());
    case.state.sources = [Freshness { source: "file".into(), as_of, max_age: None, unheard }].into();
    let decision = case.at("2026-01-01T00:00:00Z").decide(
        "alice",
        "PAY/api",
        &["create refs/heads/feature/x"],
        &facts(&[]),
    );
    assert_eq!(decision.outcome(), Outcome::Undecided);
}
