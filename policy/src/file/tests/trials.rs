//! The unit tests of a policy, run.

use jiff::Timestamp;

use super::{
    super::{PolicySource, Tested, parse_and_test},
    DESCRIBED, read,
};
use crate::{
    snapshot::{Snapshot, file::parse_json},
    trial::{TestOutcome, TestResult, faults},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn tested(tests: &str, snapshot: Option<&Snapshot>, now: &str) -> Tested {
    let source = PolicySource { name: "policy.toml".into(), text: format!("{DESCRIBED}\n{tests}") };
    parse_and_test(&[source], snapshot, at(now)).unwrap_or_else(|faults| panic!("{faults}"))
}

/// One word for each result.
fn words(results: &[TestResult]) -> Vec<&'static str> {
    let word = |result: &TestResult| match result.outcome {
        TestOutcome::Passed => "passed",
        TestOutcome::Failed(_) => "failed",
        TestOutcome::NotRun(_) => "not run",
    };
    results.iter().map(word).collect()
}

fn one(asker: &str, push: &str, expect: &str) -> String {
    format!("[[test]]\n{asker}\npush = \"{push}\"\nexpect = \"{expect}\"\n")
}

const SUMMER: &str = "2026-07-01T00:00:00Z";
const DEVELOPER: &str = "as = [\"developer\"]";

#[test]
fn what_is_expected_is_compared_with_what_would_be_decided() {
    for (asker, push, expect, passes) in [
        (DEVELOPER, "update PAY/api refs/heads/main", "permitted", true),
        (DEVELOPER, "update PAY/api refs/heads/main", "permitted:main", true),
        (DEVELOPER, "update PAY/api refs/heads/main", "permitted:topic-branches", false),
        (DEVELOPER, "update PAY/api refs/heads/main", "refused", false),
        (DEVELOPER, "force PAY/api refs/heads/main", "refused:no-grant", true),
        (DEVELOPER, "force PAY/api refs/heads/main", "refused:blocked", false),
        (DEVELOPER, "force PAY/api refs/heads/main", "permitted", false),
        (DEVELOPER, "force PAY/api refs/tags/v1", "refused:blocked", true),
        (DEVELOPER, "force PAY/api refs/tags/v1", "refused:no-grant", true),
        (DEVELOPER, "delete PAY/api refs/tags/v1", "refused:blocked:tags-are-forever", true),
        (DEVELOPER, "delete PAY/api refs/tags/v1", "refused:blocked:year-end-freeze", false),
        (DEVELOPER, "create PAY/api refs/replace/x", "refused:blocked:oam:replace-refs", true),
        (DEVELOPER, "create PAY/api refs/heads/u/${user}/x", "permitted:topic-branches", true),
        (DEVELOPER, "create PAY/api refs/heads/u/alice/x", "refused:no-grant", true),
        ("as = []", "update PAY/api refs/heads/main", "refused:no-grant", true),
        ("as = [\"release-manager\", \"developer\"]", "update PAY/api refs/heads/main", "permitted", true),
    ] {
        let results = tested(&one(asker, push, expect), None, SUMMER).tests;
        assert_eq!(words(&results), [if passes { "passed" } else { "failed" }], "{asker} {push} {expect}");
    }
}

#[test]
fn a_test_without_a_time_runs_now() {
    let now = one(DEVELOPER, "update PAY/api refs/heads/main", "permitted");
    let then = format!("{now}at = 2026-07-01T00:00:00Z\n");
    let tests = now + &then;
    assert_eq!(words(&tested(&tests, None, SUMMER).tests), ["passed", "passed"]);
    assert_eq!(words(&tested(&tests, None, "2026-12-24T00:00:00Z").tests), ["failed", "passed"]);
}

#[test]
fn a_test_by_user_asks_the_directory() {
    let directory = r#"{"version":1,"users":[{"username":"Alice","groups":["okta:eng"]},
        {"username":"erin","active":false,"groups":["okta:eng"]}]}"#;
    let directory = parse_json("d", directory).unwrap();
    let snapshot = Snapshot::of_directory(1, at(SUMMER), &directory, Default::default()).unwrap();
    let tests = [
        one("user = \"alice\"", "create PAY/api refs/heads/u/Alice/x", "permitted:topic-branches"),
        one("user = \"erin\"", "update PAY/api refs/heads/main", "refused:account-disabled"),
        one("user = \"mallory\"", "update PAY/api refs/heads/main", "refused:unknown-principal"),
        one("user = \"svc-renovate\"", "update PAY/api refs/heads/main", "refused:no-grant"),
        one("user = \"erin\"", "update PAY/api refs/heads/main", "permitted"),
    ]
    .concat();
    let results = tested(&tests, Some(&snapshot), SUMMER).tests;
    assert_eq!(words(&results), ["passed", "passed", "passed", "passed", "failed"]);
    let results = tested(&tests, None, SUMMER);
    assert_eq!(words(&results.tests), ["not run"; 5]);
    assert!(results.passed().is_ok(), "a test that is not run keeps no policy from being loaded");
}

#[test]
fn a_test_that_fails_is_a_fault_that_says_why() {
    let tests = [
        one(DEVELOPER, "force PAY/api refs/heads/main", "permitted"),
        one(DEVELOPER, "update PAY/api refs/heads/main", "refused:no-grant"),
        one(DEVELOPER, "delete PAY/api refs/tags/v1", "permitted"),
        "[[block]]\nid = \"tried\"\nmode = \"evaluate\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\n"
            .into(),
        one(DEVELOPER, "update PAY/api refs/heads/main", "refused:blocked:tried"),
    ]
    .concat();
    let results = tested(&tests, None, SUMMER);
    insta::assert_snapshot!(faults(&results.tests).unwrap(), @r#"
    `force PAY/api refs/heads/main` (developer): expected `permitted`, and it would be `refused:no-grant`
      --> policy.toml:46:1
       |
    46 | [[test]]
       | ^^^^^^^^
       = No rule lets you force-push it. You may update it without rewriting history: fetch, rebase or merge onto it, and push again. No role may: push to another branch and open a pull request. Rule `tried` is in `evaluate` mode: it would have blocked it, and decides nothing.

    `update PAY/api refs/heads/main` (developer): expected `refused:no-grant`, and it would be `permitted:main`
      --> policy.toml:50:1
       |
    50 | [[test]]
       | ^^^^^^^^
       = The grant `main` gives it, through the role `developer`. Rule `tried` is in `evaluate` mode: it would have blocked it, and decides nothing.

    `delete PAY/api refs/tags/v1` (developer): expected `permitted`, and it would be `refused:blocked:tags-are-forever` and `refused:no-grant`
      --> policy.toml:54:1
       |
    54 | [[test]]
       | ^^^^^^^^
       = Deleting it is blocked by rule `tags-are-forever`. It binds everybody, administrators too. No rule lets you delete it.

    `update PAY/api refs/heads/main` (developer): expected `refused:blocked:tried`, and it would be `permitted:main`
      --> policy.toml:63:1
       |
    63 | [[test]]
       | ^^^^^^^^
       = The grant `main` gives it, through the role `developer`. Rule `tried` is in `evaluate` mode: it would have blocked it, and decides nothing.
    "#);
    assert!(results.passed().is_err());
}

#[test]
fn tests_have_no_part_in_the_digest() {
    let without = read(&[DESCRIBED]).unwrap();
    let with = tested(&one(DEVELOPER, "update PAY/api refs/heads/main", "permitted"), None, SUMMER);
    assert_eq!(without.digest(), with.policy.digest());
    assert_eq!((without.tests().len(), with.policy.tests().len()), (0, 1));
}

/// What one has for a while, besides [`DESCRIBED`].
const FOR_A_WHILE: &str = r#"
[[role]]
id = "release-bot"
max_lease = "5m"

[[grant]]
id = "releases"
to = ["release-bot", "release-manager"]
on = ["PAY/*"]
refs = ["refs/heads/release/*", "refs/heads/hotfix", "refs/heads/u/${user}/r"]
verbs = ["create", "update"]

[[elevation]]
id = "on-call"
roles = ["release-manager"]
to = ["developer"]
on = ["PAY/api"]
refs = ["refs/heads/release/**"]
max_time = "1s"
approved_by = ["release-manager"]
approvals = 2

[[workload]]
id = "job"
profile = "gitlab"
issuer = "https://gitlab.example.com"
claims = { project_id = "7" }
principal = "svc-release"
roles = ["release-bot"]
on = ["PAY/*"]
refs = ["refs/heads/**"]
verbs = ["create"]

[[workload]]
id = "other"
profile = "gitlab"
issuer = "https://gitlab.example.com"
claims = { project_id = "8" }
principal = "svc-other"
roles = ["release-bot"]
on = ["PAY/*"]
refs = ["refs/heads/**"]
"#;

#[test]
fn what_somebody_has_for_a_while_is_supposed() {
    let with = |asker: &str, more: &str| format!("{asker}\n{more}");
    let (called, leased) = ("elevations = [\"on-call\"]", "leases = [\"job\"]");
    let release = "update PAY/api refs/heads/release/9";
    let create = "create PAY/api refs/heads/release/9";
    for (asker, push, expect, passes) in [
        (with(DEVELOPER, ""), release, "refused:no-grant", true),
        (with(DEVELOPER, called), release, "permitted:releases", true),
        // Elsewhere, and by those who may not ask for it, nothing.
        (with(DEVELOPER, called), "update PAY/web refs/heads/release/9", "refused:no-grant", true),
        (with(DEVELOPER, called), "create PAY/api refs/heads/hotfix", "refused:no-grant", true),
        (with("as = []", called), release, "refused:no-grant", true),
        // Who asks is the account of the workload.
        (with("as = []", leased), create, "permitted:releases", true),
        (with("as = []", leased), release, "refused:no-grant", true),
        (with("as = []", leased), "create PAY/api refs/heads/u/svc-release/r", "permitted:releases", true),
        (with("as = []", leased), "create PAY/api refs/heads/u/svc-other/r", "permitted", false),
        (with("as = []", "leases = [\"job\", \"other\"]"), create, "permitted", false),
        (with("as = []", "leases = [\"job\", \"other\"]"), create, "refused", false),
    ] {
        let tests = format!("{FOR_A_WHILE}{}", one(&asker, push, expect));
        let results = tested(&tests, None, SUMMER).tests;
        assert_eq!(words(&results), [if passes { "passed" } else { "failed" }], "{asker} {push} {expect}");
    }
}

#[test]
fn a_lease_is_of_its_account_and_no_other() {
    let directory = parse_json(
        "people",
        r#"{"version":1,"users":[{"username":"svc-release","groups":[]},{"username":"zoe","groups":[]}]}"#,
    );
    let snapshot = Snapshot::of_directory(1, at(SUMMER), &directory.unwrap(), Default::default()).unwrap();
    for (user, expect) in [("SVC-Release", "permitted:releases"), ("zoe", "refused:no-grant")] {
        let asker = format!("user = \"{user}\"\nleases = [\"job\", \"other\"]");
        let tests = format!("{FOR_A_WHILE}{}", one(&asker, "create PAY/api refs/heads/release/9", expect));
        assert_eq!(words(&tested(&tests, Some(&snapshot), SUMMER).tests), ["passed"], "{user}");
    }
}
