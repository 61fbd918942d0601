//! Roles for minutes, on a policy as an administrator writes it.
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
    Decision, ObjectId, Outcome, PrivilegeId, TreePath, Verdict,
    decide::{LeaseUse, PushVerdict},
    explain,
    facts::{Cover, LeaseFault, ShownLease, Unreadable},
    question::{Circumstances, Question},
    rule::{Asker, PathSet, RefSet, RepositorySet},
    who, words,
};

const POLICY: &str = r##"
version = 1

[[role]]
id = "release-bot"
max_lease = "10m"

[[role]]
id = "standing"
service = ["svc-old"]

[[grant]]
id = "releases"
to = ["release-bot", "standing"]
on = ["PAY/*"]
refs = ["refs/tags/v*", "refs/heads/main"]
verbs = ["create", "delete"]

[[block]]
id = "freeze"
on = ["PAY/*"]
refs = ["refs/tags/v9"]
except = ["release-bot"]

[[workload]]
id = "api-release"
profile = "github"
issuer = "https://token.actions.githubusercontent.com"
claims = { repository_id = "1234" }
principal = "svc-release"
roles = ["release-bot"]
on = ["PAY/api"]
refs = ["refs/tags/v*"]
verbs = ["create"]
"##;

fn lease() -> LeaseUse {
    LeaseUse {
        id: PrivilegeId::parse("7k2m9x").unwrap(),
        workload: "api-release".parse().unwrap(),
        role: "release-bot".parse().unwrap(),
        issuer: "https://token.actions.githubusercontent.com".into(),
        claims: [("repository_id".parse().unwrap(), "1234".to_owned())].into(),
        by: "svc-release".parse().unwrap(),
        on: RepositorySet::new([RepositorySet::parse_one("PAY/api").unwrap()]).unwrap(),
        refs: RefSet::new([RefSet::parse_one("refs/tags/v1").unwrap()]).unwrap(),
        verbs: [oam_policy::Verb::Create].into_iter().collect(),
        commit: None,
        paths: None,
        by_token: false,
        from: "2026-01-02T00:00:00Z".parse().unwrap(),
        to: "2026-01-02T00:05:00Z".parse().unwrap(),
    }
}

fn case(leases: impl IntoIterator<Item = LeaseUse>) -> Case {
    let mut case = Case::new(policy(POLICY), snapshot()).at("2026-01-02T00:00:00Z");
    case.state.leases = leases.into_iter().collect();
    case
}

fn outcome(case: &Case, user: &str, repository: &str, update: &str) -> Outcome {
    case.decide(user, repository, &[update], &facts(&[])).outcome()
}

const PUSH: &str = "create refs/tags/v1";

#[test]
fn it_ends_at_the_moment_and_never_lasts_longer_than_the_rules_say() {
    let at = |lease: LeaseUse, at: &str| outcome(&case([lease]).at(at), "svc-release", "PAY/api", PUSH);
    for (moment, good) in [
        ("2026-01-01T23:59:59.999999999Z", false),
        ("2026-01-02T00:00:00Z", true),
        ("2026-01-02T00:04:59.999999999Z", true),
        ("2026-01-02T00:05:00Z", false),
        ("2030-01-01T00:00:00Z", false),
    ] {
        assert_eq!(at(lease(), moment) == Outcome::Permitted, good, "{moment}");
    }
    // Whatever was written down: the workload says five minutes, the role ten.
    let long = LeaseUse { to: "2027-01-01T00:00:00Z".parse().unwrap(), ..lease() };
    assert_eq!(at(long.clone(), "2026-01-02T00:04:59Z"), Outcome::Permitted);
    assert_eq!(at(long, "2026-01-02T00:05:00Z"), Outcome::Refused);
}

#[test]
fn it_is_for_one_account_one_place_and_one_thing() {
    for (user, repository, update, good) in [
        ("svc-release", "PAY/api", PUSH, true),
        ("SVC-Release", "pay/API", PUSH, true),
        ("svc-old", "PAY/web", PUSH, true),
        ("alice", "PAY/api", PUSH, false),
        ("svc-other", "PAY/api", PUSH, false),
        ("svc-release", "PAY/web", PUSH, false),
        ("svc-release", "PAY/api", "create refs/tags/v2", false),
        ("svc-release", "PAY/api", "create refs/heads/main", false),
        ("svc-release", "PAY/api", "delete refs/tags/v1", false),
    ] {
        let found = outcome(&case([lease()]), user, repository, update);
        assert_eq!(found == Outcome::Permitted, good, "{user} {repository} {update}");
    }
    // That a block excepts the role says nothing about who leases it.
    let frozen =
        LeaseUse { refs: RefSet::new([RefSet::parse_one("refs/tags/v*").unwrap()]).unwrap(), ..lease() };
    assert_eq!(
        outcome(&case([frozen.clone()]), "svc-release", "PAY/api", "create refs/tags/v8"),
        Outcome::Permitted
    );
    assert_eq!(outcome(&case([frozen]), "svc-release", "PAY/api", "create refs/tags/v9"), Outcome::Refused);
}

#[test]
fn a_commit_is_that_commit() {
    let bound = |byte| LeaseUse { commit: Some(ObjectId::Sha1([byte; 20])), ..lease() };
    assert_eq!(outcome(&case([bound(2)]), "svc-release", "PAY/api", PUSH), Outcome::Permitted);
    assert_eq!(outcome(&case([bound(3)]), "svc-release", "PAY/api", PUSH), Outcome::Refused);
}

/// By which lease a push is permitted.
fn by(case: &Case) -> String {
    let decided = case.decide("svc-release", "PAY/api", &[PUSH], &facts(&[]));
    let PushVerdict::PerRef(refs) = decided.verdict() else { panic!("{decided:?}") };
    let Verdict::Permitted(permit) = &refs.first().verdict else { panic!("{decided:?}") };
    permit.given().next().unwrap().to_string()
}

/// Two jobs with one account, to the same ref: the one that names its commit is not kept out by the other's push, nor the
/// other by its own.
#[test]
fn the_lease_for_that_commit_is_used_first_whatever_their_ids() {
    let of = |id: &str, commit: Option<u8>| LeaseUse {
        id: PrivilegeId::parse(id).unwrap(),
        commit: commit.map(|byte| ObjectId::Sha1([byte; 20])),
        ..lease()
    };
    let (low, high) = ("222222", "zzzzzz");
    for (bound, open) in [(low, high), (high, low)] {
        let mut leases = [of(bound, Some(2)), of(open, None)];
        leases.sort_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(by(&case(leases.clone())), bound);
        let mut of_another_commit = [of(bound, Some(3)), of(open, None)];
        of_another_commit.sort_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(by(&case(of_another_commit)), open);
    }
    // Of two that are alike, the one that ends first.
    let soon = LeaseUse { to: "2026-01-02T00:01:00Z".parse().unwrap(), ..of(high, None) };
    assert_eq!(by(&case([of(low, None), soon])), high);
}

fn paths(of: &[&str]) -> Option<PathSet> {
    Some(PathSet::new(of.iter().map(|one| PathSet::parse_one(one).unwrap())).unwrap())
}

/// What a push that changes these is answered.
fn changing(case: &Case, changed: &[&str]) -> Decision {
    let mut facts = facts(&[]);
    let changed = changed.iter().map(|path| TreePath::parse(path.as_bytes()).unwrap()).collect();
    facts.learn_paths(0, Cover::whatever(), Ok(changed));
    case.decide("svc-release", "PAY/api", &[PUSH], &facts)
}

#[test]
fn every_path_that_changes_is_one_of_the_lease_s() {
    let narrowed = case([LeaseUse { paths: paths(&["docs/**", "!docs/private/**"]), ..lease() }]);
    for (changed, good) in [
        (&["docs/a", "docs/b/c"][..], true),
        (&[], true),
        (&["docs/a", "src/a"], false),
        (&["docs/private/a"], false),
        (&["docs"], false),
        (&["Docs/a"], false),
    ] {
        assert_eq!(changing(&narrowed, changed).outcome() == Outcome::Permitted, good, "{changed:?}");
    }
    let unread = || {
        let mut facts = facts(&[]);
        facts.learn_paths(0, Cover::whatever(), Err(Unreadable { why: "no".into() }));
        facts
    };
    let decision = narrowed.decide("svc-release", "PAY/api", &[PUSH], &unread());
    assert_eq!(decision.outcome(), Outcome::Undecided, "what cannot be read is neither covered nor not");
    let refused = changing(&narrowed, &["docs/a", "src/a"]);
    let PushVerdict::PerRef(refs) = refused.verdict() else { panic!("{refused:?}") };
    let Verdict::Refused(reasons) = &refs.first().verdict else { panic!("{refused:?}") };
    let words = words::of_refusal(reasons.first(), None);
    insta::assert_snapshot!(format!("[{}] {}\n{}", words.code, words.summary, words.hint.unwrap()), @"
    [paths-not-granted] You may change it, but not there: `src/a`.
    What you may change stands in `releases`. Leave the rest out, or have somebody push it who may. A lease is for `docs/**` and `!docs/private/**` only: have the job ask for the other paths as well, with `oam ci lease --path`.
    ");
}

#[test]
fn the_workload_the_grant_and_the_lease_bound_it_together() {
    let text = POLICY.replace(
        "refs = [\"refs/tags/v*\"]\nverbs",
        "refs = [\"refs/tags/v*\"]\npaths = [\"docs/**\"]\nverbs",
    );
    let text = text.replace(
        "verbs = [\"create\", \"delete\"]",
        "verbs = [\"create\", \"delete\"]\npaths = [\"**/*.md\"]",
    );
    let mut both = case([LeaseUse { paths: paths(&["docs/a/**"]), ..lease() }]);
    both.state.policy = Some(std::sync::Arc::new(policy(&text)));
    for (changed, good) in
        [("docs/a/x.md", true), ("docs/a/x.txt", false), ("docs/b/x.md", false), ("x.md", false)]
    {
        assert_eq!(changing(&both, &[changed]).outcome() == Outcome::Permitted, good, "{changed}");
    }
}

#[test]
fn leases_of_some_paths_cover_it_together_and_only_those_that_it_takes_are_used() {
    let of =
        |id: &str, of: &[&str]| LeaseUse { id: PrivilegeId::parse(id).unwrap(), paths: paths(of), ..lease() };
    let case = case([of("aaaa", &["docs/**"]), of("bbbb", &["src/**"]), of("cccc", &["docs/a", "src/a"])]);
    assert_eq!(given(&changing(&case, &["docs/b", "src/b"])), ["aaaa", "bbbb"]);
    assert_eq!(given(&changing(&case, &["src/b"])), ["bbbb"]);
    assert_eq!(given(&changing(&case, &["docs/a"])).len(), 1);
    assert_eq!(changing(&case, &["x"]).outcome(), Outcome::Refused);
}

fn showing(shown: Option<ShownLease>) -> impl Fn(&Case, &str) -> Decision {
    move |case, user| {
        let mut facts = facts(&[]);
        shown.iter().for_each(|shown| facts.learn_shown_lease(shown.clone()));
        case.decide(user, "PAY/api", &[PUSH], &facts)
    }
}

#[test]
fn one_that_must_be_shown_counts_where_it_is_and_nowhere_else() {
    let of = |id: &str| Some(ShownLease::Of(PrivilegeId::parse(id).unwrap()));
    let bound = case([LeaseUse { by_token: true, ..lease() }]);
    let code = |decision: &Decision| match decision.verdict() {
        PushVerdict::PerRef(refs) => match &refs.first().verdict {
            Verdict::Permitted(_) => "permitted",
            Verdict::Refused(reasons) => reasons.first().code(),
            Verdict::Undecided(reasons) => reasons.first().code(),
        },
        PushVerdict::Refused(reasons) => reasons.first().code(),
        PushVerdict::Undecided(reasons) => reasons.first().code(),
    };
    for (shown, user, expected) in [
        (None, "svc-release", "no-grant"),
        (of("7k2m9x"), "svc-release", "permitted"),
        (of("7k2m9x"), "SVC-Release", "permitted"),
        (of("7k2m9y"), "svc-release", "lease-not-in-force"),
        // Whoever else shows it has stolen it, also where they may do it without.
        (of("7k2m9x"), "alice", "lease-not-in-force"),
        (of("7k2m9x"), "svc-old", "lease-not-in-force"),
        (None, "svc-old", "permitted"),
        (Some(ShownLease::NotAccepted(LeaseFault::Expired)), "svc-old", "lease-expired"),
        (Some(ShownLease::NotAccepted(LeaseFault::NotOurs)), "svc-release", "lease-not-ours"),
    ] {
        assert_eq!(code(&showing(shown.clone())(&bound, user)), expected, "{shown:?} {user}");
    }
    // It gives no more than any other: not after its end, not elsewhere, and not what another lease gives beside it.
    let over = bound.clone().at("2026-01-02T00:05:00Z");
    assert_eq!(code(&showing(of("7k2m9x"))(&over, "svc-release")), "lease-not-in-force");
    let elsewhere =
        LeaseUse { refs: RefSet::new([RefSet::parse_one("refs/tags/v2").unwrap()]).unwrap(), ..lease() };
    let elsewhere = LeaseUse { id: PrivilegeId::parse("aaaaaa").unwrap(), by_token: true, ..elsewhere };
    let two = case([elsewhere, lease()]);
    assert_eq!(code(&showing(of("aaaaaa"))(&two, "svc-release")), "no-grant");
    assert_eq!(code(&showing(None)(&two, "svc-release")), "permitted");
    assert_eq!(given(&showing(of("7k2m9x"))(&two, "svc-release")), ["7k2m9x"]);
}

#[test]
fn a_workload_that_is_another_one_now_gives_nothing() {
    let changed = [
        POLICY.replace("1234", "12345"),
        POLICY.replace("https://token.actions.githubusercontent.com", "https://other"),
        POLICY.replace("principal = \"svc-release\"", "principal = \"svc-other\""),
        POLICY.replace("roles = [\"release-bot\"]", "roles = [\"standing\"]"),
        POLICY.replace("id = \"api-release\"", "id = \"other\""),
        POLICY.to_owned() + "mode = \"evaluate\"\n",
    ];
    for text in changed {
        let mut case = case([lease()]);
        case.state.policy = Some(std::sync::Arc::new(policy(&text)));
        assert_eq!(outcome(&case, "svc-release", "PAY/api", PUSH), Outcome::Refused, "{text}");
    }
    assert_eq!(
        outcome(&case([lease()]).revoking("svc-release"), "svc-release", "PAY/api", PUSH),
        Outcome::Refused
    );
}

/// Of a lease that was given under another policy nothing is left that this one would not give.
#[test]
fn what_the_workload_and_the_role_say_now_bounds_it() {
    let by = |from: &str, to: &str| {
        let text = POLICY.replace(from, to);
        assert_ne!(text, POLICY, "{from}");
        let mut case = case([lease()]);
        case.state.policy = Some(std::sync::Arc::new(policy(&text)));
        case
    };
    let said = |case: &Case| outcome(case, "svc-release", "PAY/api", PUSH);
    let shorter = by("max_lease = \"10m\"", "max_lease = \"2m\"");
    assert_eq!(said(&shorter.clone().at("2026-01-02T00:01:59.999999999Z")), Outcome::Permitted);
    assert_eq!(said(&shorter.at("2026-01-02T00:02:00Z")), Outcome::Refused);
    let elsewhere = by("refs = [\"refs/tags/v*\"]\nverbs", "refs = [\"refs/tags/w*\"]\nverbs");
    assert_eq!(said(&elsewhere), Outcome::Refused);
    // The account is still known, as that of a service that may do nothing.
    let known = "[[role]]\nid = \"idle\"\nservice = [\"svc-release\"]\n\n[[workload]]";
    assert_eq!(said(&by("[[workload]]", known)), Outcome::Permitted);
    let text = POLICY
        .replace("[[workload]]", known)
        .replace("principal = \"svc-release\"", "principal = \"svc-other\"");
    let mut another = case([lease()]);
    another.state.policy = Some(std::sync::Arc::new(policy(&text)));
    assert_eq!(said(&another), Outcome::Refused);
    let some_paths =
        by("refs = [\"refs/tags/v*\"]\nverbs", "refs = [\"refs/tags/v*\"]\npaths = [\"docs/**\"]\nverbs");
    for (path, expected) in [("docs/a", Outcome::Permitted), ("src/a", Outcome::Refused)] {
        let mut facts = facts(&[]);
        facts.learn_paths(0, Cover::whatever(), Ok(vec![TreePath::parse(path.as_bytes()).unwrap()]));
        assert_eq!(
            some_paths.decide("svc-release", "PAY/api", &[PUSH], &facts).outcome(),
            expected,
            "{path}"
        );
    }
}

fn given(decision: &Decision) -> Vec<String> {
    let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
    let mut given: Vec<_> = refs
        .iter()
        .flat_map(|one| match &one.verdict {
            Verdict::Permitted(permit) => permit.given().map(ToString::to_string).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        })
        .collect();
    given.sort();
    given
}

#[test]
fn what_had_a_part_in_it_is_told_and_nothing_else() {
    let none = facts(&[]);
    assert_eq!(given(&case([lease()]).decide("svc-release", "PAY/api", &[PUSH], &none)), ["7k2m9x"]);
    // Of two that would do, one.
    let other = LeaseUse { id: PrivilegeId::parse("aaaaaa").unwrap(), ..lease() };
    assert_eq!(given(&case([other, lease()]).decide("svc-release", "PAY/api", &[PUSH], &none)).len(), 1);
    // What may be done at any time is done by no lease.
    let text = POLICY.replace("service = [\"svc-old\"]", "service = [\"svc-old\", \"svc-release\"]");
    let mut standing = case([lease()]);
    standing.state.policy = Some(std::sync::Arc::new(policy(&text)));
    assert_eq!(given(&standing.decide("svc-release", "PAY/api", &[PUSH], &none)), [""; 0]);
}

#[test]
fn who_is_refused_reads_how_to_lease_it() {
    let hint = |user: &str, update: &str| {
        let name = oam_policy::RefName::parse(update.split(' ').next_back().unwrap().as_bytes()).unwrap();
        let decision = case([]).decide(user, "PAY/api", &[update], &facts(&[]));
        let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
        let Verdict::Refused(reasons) = &refs.first().verdict else { panic!("{decision:?}") };
        words::of_refusal(reasons.first(), Some(&name)).hint.unwrap_or_default()
    };
    insta::assert_snapshot!(hint("svc-release", PUSH), @"Somebody with the role `release-bot` or `standing` may create it. A job may lease it for minutes, and has no such lease now: `oam ci lease --repo PAY/api --ref refs/tags/v1` before it pushes.");
    assert!(!hint("svc-release", "create refs/heads/main").contains("oam ci"));
    assert!(!hint("svc-old", "create refs/heads/other").contains("oam ci"));
}

#[test]
fn who_and_explain_tell_of_it() {
    let case = case([lease()]);
    let question = Question {
        repository: "PAY/api".parse().unwrap(),
        name: oam_policy::RefName::parse(b"refs/tags/v1").unwrap(),
        verb: oam_policy::Verb::Create,
        channel: oam_policy::Channel::Push,
        circumstances: Circumstances::default(),
    };
    let now = "2026-01-02T00:00:00Z".parse().unwrap();
    let found = who::who(&case.state, &question, now).unwrap();
    let told: Vec<_> = found
        .can
        .iter()
        .map(|(way, who)| {
            let who: Vec<_> = who.iter().map(|one| one.username.as_str()).collect();
            format!("{} {:?} {who:?}", way.grant, way.elevation)
        })
        .collect();
    assert_eq!(
        told,
        [r#"releases Some(PrivilegeId(7k2m9x)) ["svc-release"]"#, r#"releases None ["svc-old"]"#]
    );
    let asker = Asker::User("svc-release".parse().unwrap());
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
            "releases: `svc-release` has what the role `release-bot` is granted until 2026-01-02T00:05:00Z, by `7k2m9x`",
            "api-release: it gives `release-bot` as `7k2m9x` until 2026-01-02T00:05:00Z",
        ]
    );
}

fn asked(name: &str, changed: &[&str]) -> Question {
    let changed = changed.iter().map(|path| TreePath::parse(path.as_bytes()).unwrap());
    Question {
        repository: "PAY/api".parse().unwrap(),
        name: oam_policy::RefName::parse(name.as_bytes()).unwrap(),
        verb: oam_policy::Verb::Create,
        channel: oam_policy::Channel::Push,
        circumstances: Circumstances { paths: Some(changed.collect()), ..Circumstances::default() },
    }
}

/// A lease of all tags, of these paths; none: of all.
fn of_tags(id: &str, of: &[&str]) -> LeaseUse {
    LeaseUse {
        id: PrivilegeId::parse(id).unwrap(),
        refs: RefSet::new([RefSet::parse_one("refs/tags/v*").unwrap()]).unwrap(),
        paths: (!of.is_empty()).then(|| paths(of)).flatten(),
        ..lease()
    }
}

#[test]
fn the_grant_that_carries_it_matches_whatever_else_was_leased() {
    let now = "2026-01-02T00:00:00Z".parse().unwrap();
    let told = |leases: &[LeaseUse], changed: &[&str]| {
        let (case, question) = (case(leases.to_vec()), asked("refs/tags/v1", changed));
        let asker = Asker::User("svc-release".parse().unwrap());
        let explained = explain::explain(&case.state, &asker, &question, now).unwrap();
        let permitted = explained.decision.outcome() == Outcome::Permitted;
        let grant = explained.rules.into_iter().find(|rule| rule.id.as_str() == "releases").unwrap();
        assert_eq!(grant.matched(), permitted, "{grant:?}");
        format!("{permitted}: {}; {}", grant.findings[3].detail, grant.findings[5].detail)
    };
    let has = "`svc-release` has what the role `release-bot` is granted until 2026-01-02T00:05:00Z";
    let [docs, src] = [of_tags("aaaa", &["docs/**"]), of_tags("bbbb", &["src/**"])];
    let all = of_tags("cccc", &[]);
    assert_eq!(
        told(&[docs.clone(), all], &["src/x"]),
        format!("true: {has}, by `cccc`; whatever paths change")
    );
    let both = [docs, src];
    assert_eq!(told(&both, &["src/x"]), format!("true: {has}, by `bbbb`; it is for `src/**`"));
    let together = format!("{has}, by `aaaa`, and {}, by `bbbb`", has.split_once("has ").unwrap().1);
    assert_eq!(
        told(&both, &["docs/x", "src/x"]),
        format!("true: {together}; it is for `docs/**`, or for `src/**`")
    );
    assert_eq!(
        told(&both, &["docs/x", "x"]),
        format!("false: {together}; it is for `docs/**`, or for `src/**`, not for `x`")
    );
}

#[test]
fn whom_a_block_stops_is_counted_whatever_else_was_leased() {
    let case = case([of_tags("aaaa", &["docs/**"]), of_tags("cccc", &[])]);
    let now = "2026-01-02T00:00:00Z".parse().unwrap();
    let found = who::who(&case.state, &asked("refs/tags/v9", &["src/x"]), now).unwrap();
    let stopped = found.stopped.iter().filter(|(stop, _)| stop.way.elevation.is_some());
    let stopped: Vec<_> = stopped
        .map(|(stop, count)| (stop.way.elevation.clone().unwrap(), stop.rules[0].to_string(), *count))
        .collect();
    assert_eq!(stopped, [(PrivilegeId::parse("cccc").unwrap(), "freeze".to_owned(), 1)]);
}
