//! From rules to restrictions, and from those that are there to those that should be.

mod law;

use std::collections::BTreeSet;

use oam_policy::{
    Policy,
    file::{self, PolicySource},
};

use super::{MirrorSettings, Protections};
use crate::{
    Account, ExemptKey, Matcher, MatcherKind, Restriction,
    permission::Holder,
    provision::{Basis, MirrorBasis, Plan, Seen, Settings, Step},
    samples::place,
};

const ROLES: &str = r#"
version = 1

[[role]]
id  = "developer"
any = ["okta:eng"]

[[role]]
id  = "lead"
any = ["okta:leads", "okta:chiefs"]

[[role]]
id  = "both"
all = ["okta:eng", "okta:leads"]

[[role]]
id      = "bot"
service = ["svc-ci"]

[[role]]
id  = "elsewhere"
any = ["ad:ops"]

[[grant]]
id    = "all"
to    = ["developer", "lead", "both", "bot", "elsewhere"]
on    = ["**"]
refs  = ["refs/**"]
verbs = ["create", "update", "force", "delete"]
"#;

/// Who is in which groups; Bitbucket has the same.
const PEOPLE: [(&str, &[&str]); 5] = [
    ("ada", &["eng"]),
    ("bob", &["leads"]),
    ("cleo", &["eng", "leads"]),
    ("dan", &["chiefs"]),
    ("svc-ci", &[]),
];

fn policy(rules: &str) -> Policy {
    let text = format!("{ROLES}\n{rules}");
    file::parse(&[PolicySource { name: "x".into(), text }])
        .unwrap_or_else(|faults| panic!("{faults}\n{rules}"))
}

fn settings(at: &[&str], patterns: bool) -> MirrorSettings {
    MirrorSettings { at: at.iter().map(|place| place.parse().unwrap()).collect(), patterns }
}

fn sources() -> BTreeSet<String> {
    ["okta".to_owned()].into()
}

/// What is mirrored at a place, one line each.
fn at(policy: &Policy, settings: &MirrorSettings, here: &str) -> Vec<String> {
    let protections = Protections::of(policy, settings, &sources());
    let all = protections.at(&place(here), settings);
    all.iter().map(|(one, _)| format!("{} {}", one.thing(), one.exempt())).collect()
}

fn unsaid(policy: &Policy, settings: &MirrorSettings) -> Vec<String> {
    let all = Protections::of(policy, settings, &sources()).unsaid;
    all.iter().map(|(rule, why)| format!("{rule} {why}")).collect()
}

fn block(id: &str, more: &str) -> String {
    format!("[[block]]\nid = \"{id}\"\non = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\n{more}\n")
}

#[test]
fn rules_become_restrictions_of_the_same_or_less() {
    let rules = [
        block("whole", "except = [\"lead\", \"bot\"]"),
        block("some", "verbs = [\"force\", \"delete\", \"update\"]\nexcept = [\"both\"]"),
        "[[require]]\nid = \"pr\"\non = [\"**\"]\nrefs = [\"refs/**/release/**\"]\nvia = \"pull-request\"\n"
            .to_owned(),
        "[[block]]\nid = \"api\"\non = [\"PAY/api\"]\nrefs = [\"refs/**\"]\nverbs = [\"create\"]\n"
            .to_owned(),
    ];
    let (policy, settings) = (policy(&rules.concat()), settings(&["PAY"], false));
    assert_eq!(
        at(&policy, &settings, "PAY"),
        [
            "fast-forward-only BRANCH refs/heads/main but for group:eng",
            "no-deletes BRANCH refs/heads/main but for group:eng",
            "pull-request-only PATTERN release/**/* for everybody",
            "read-only BRANCH refs/heads/main but for group:chiefs, group:leads, user:svc-ci",
        ]
    );
    assert_eq!(at(&policy, &settings, "PAY/api"), ["no-creates ANY_REF ANY_REF_MATCHER_ID for everybody"]);
    assert_eq!(at(&policy, &settings, "PAY/web"), [] as [&str; 0]);
    assert_eq!(at(&policy, &settings, "WEB"), [] as [&str; 0]);
    // Where only a repository is mirrored, what is said of its project is said there.
    assert_eq!(at(&policy, &super::tests::settings(&["PAY/api"], false), "PAY/api").len(), 5);
}

#[test]
fn what_a_restriction_would_say_otherwise_is_not_mirrored() {
    let rules = [
        block("hours", "weekly = { from = \"Fri 18:00\", to = \"Mon 06:00\", zone = \"Europe/Berlin\" }"),
        block("freeze", "from = 2026-12-20T00:00:00Z"),
        block("paths", "paths = [\"deploy/**\"]"),
        block("waived", ""),
        block("updates", "verbs = [\"update\"]"),
        block("others", "except = [\"elsewhere\"]"),
        block("tried", "mode = \"evaluate\""),
        "[[waiver]]\nid = \"hotfix\"\nlifts = [\"waived\"]\nto = [\"lead\"]\nmax_time = \"1h\"\n".to_owned(),
        "[[require]]\nid = \"some\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\nverbs = [\"update\"]\nvia = \"pull-request\"\n".to_owned(),
        "[[require]]\nid = \"signed\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\ncommits = { signed = true }\n".to_owned(),
        "[[block]]\nid = \"wild\"\non = [\"**\"]\nrefs = [\"refs/heads/release/*\"]\n".to_owned(),
        "[[block]]\nid = \"but\"\non = [\"**\"]\nrefs = [\"refs/**\", \"!refs/heads/x\"]\n".to_owned(),
    ];
    let policy = policy(&rules.concat());
    let strict = settings(&["PAY"], false);
    assert_eq!(at(&policy, &strict, "PAY"), [] as [&str; 0]);
    let told = unsaid(&policy, &strict).join("\n");
    for (rule, why) in [
        ("hours", "at some times only"),
        ("freeze", "at some times only"),
        ("paths", "about paths"),
        ("waived", "lifted by the waiver `hotfix`"),
        ("updates", "forbids updates only"),
        ("others", "of a source that is not in"),
        ("some", "some verbs only"),
        ("signed", "only the hook can check"),
        ("wild", "hold it once more"),
        ("but", "excludes refs"),
    ] {
        assert!(told.lines().any(|line| line.starts_with(rule) && line.contains(why)), "{rule}\n{told}");
    }
    // What is only tried out refuses nobody, and need not be told.
    assert!(!told.contains("tried"), "{told}");
    assert_eq!(
        at(&policy, &settings(&["PAY"], true), "PAY"),
        ["read-only PATTERN refs/heads/release/* for everybody"]
    );
}

/// A Bitbucket with these restrictions at `PAY`, in which everything is mirrored that can be.
fn planned(rules: &str, there: &[Restriction], owned: &[&str]) -> (Plan, Basis) {
    let (seen, basis) = found(rules, there, owned);
    (Plan::of(&seen, &basis), basis)
}

/// What such a plan rests on.
fn found(rules: &str, there: &[Restriction], owned: &[&str]) -> (Seen, Basis) {
    let (policy, mirror) = (policy(rules), settings(&["PAY"], false));
    let protections = Protections::of(&policy, &mirror, &sources());
    let wanted =
        protections.at(&place("PAY"), &mirror).into_iter().map(|(one, rules)| (place("PAY"), one, rules));
    let mut seen = Seen::default();
    seen.places.is = [place("PAY")].into();
    seen.groups.is = ["Leads", "chiefs"].map(str::to_owned).into();
    seen.accounts.is = vec![Account { id: None, name: "svc-ci".into(), slug: "svc-ci".into(), active: true }];
    seen.restrictions.insert(place("PAY"), there.to_vec());
    let basis = Basis {
        late: None,
        policy: "p".into(),
        directory: "d".into(),
        settings: Settings {
            account: Holder::user("svc-oam").unwrap(),
            daemon: BTreeSet::new(),
            groups: sources(),
            jit: false,
            adopt: BTreeSet::new(),
            ignore: BTreeSet::new(),
            most_removed: 10,
            automatic: BTreeSet::new(),
            mirror: MirrorSettings::default(),
        },
        roles: Default::default(),
        given: Vec::new(),
        standing: Default::default(),
        managed: Default::default(),
        pending: Vec::new(),
        unsaid: Vec::new(),
        renamed: Default::default(),
        mirror: MirrorBasis {
            wanted: wanted.collect(),
            owned: owned.iter().map(|&thing| (place("PAY"), thing.to_owned())).collect(),
        },
        fixes: Default::default(),
    };
    (seen, basis)
}

fn restriction(kind: &str, users: &[&str], groups: &[&str]) -> Restriction {
    let matcher = Matcher { kind: MatcherKind::Branch, id: "refs/heads/main".into(), shown: "main".into() };
    let texts = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
    Restriction {
        id: 7,
        kind: kind.into(),
        matcher,
        users: texts(users),
        groups: texts(groups),
        access_keys: vec![],
    }
}

const MAIN: &str = "read-only BRANCH refs/heads/main";

#[test]
fn what_is_missing_is_made_and_what_somebody_changed_is_put_right() {
    let rules = block("main", "except = [\"lead\", \"bot\"]");
    let (plan, _) = planned(&rules, &[], &[]);
    let [change] = plan.changes.as_slice() else { panic!("{plan:?}") };
    let Step::Restrict { restriction: made, is_ours: false, .. } = &change.step else { panic!("{change:?}") };
    assert_eq!(made.exempt(), "but for group:Leads, group:chiefs, user:svc-ci", "by the names of Bitbucket");
    assert!(change.because.contains("rule `main`"));
    let whole = restriction("read-only", &["SVC-ci"], &["leads", "chiefs"]);
    assert_eq!(planned(&rules, std::slice::from_ref(&whole), &[MAIN]).0.changes, []);
    // Somebody exempted themselves, or a key of theirs.
    let wider = restriction("read-only", &["svc-ci", "eve"], &["leads", "chiefs"]);
    let key = Restriction { access_keys: vec![ExemptKey { id: 1, label: "x".into() }], ..whole.clone() };
    for changed in [wider, key] {
        let (plan, _) = planned(&rules, &[changed], &[MAIN]);
        assert!(
            matches!(plan.changes.as_slice(), [one] if matches!(one.step, Step::Restrict { is_ours: true, .. })),
            "{plan:?}"
        );
    }
    let (plan, _) = planned("", std::slice::from_ref(&whole), &[MAIN]);
    assert!(
        matches!(plan.changes.as_slice(), [one] if matches!(one.step, Step::Lift { id: Some(7), .. })),
        "{plan:?}"
    );
    let (plan, _) = planned("", &[], &[MAIN]);
    assert!(
        matches!(plan.changes.as_slice(), [one] if matches!(one.step, Step::Lift { id: None, .. })),
        "{plan:?}"
    );
}

#[test]
fn what_others_made_is_never_touched() {
    let rules = block("main", "");
    let theirs = restriction("read-only", &["eve"], &[]);
    let (plan, _) = planned(&rules, std::slice::from_ref(&theirs), &[]);
    assert_eq!(plan.changes, []);
    assert!(
        plan.unsaid.iter().any(|(_, what)| what.contains("others have made restriction 7")),
        "{:?}",
        plan.unsaid
    );
    assert_eq!(planned("", &[theirs], &[]).0.changes, []);
}

#[test]
fn without_the_group_that_is_excepted_nothing_is_mirrored() {
    let (plan, _) = planned(&block("main", "except = [\"developer\"]"), &[], &[]);
    assert_eq!(plan.changes, []);
    assert!(
        plan.unsaid.iter().any(|(rule, what)| rule == "main" && what.contains("no group `eng`")),
        "{:?}",
        plan.unsaid
    );
}

/// Access keys and the tokens of projects push, and are on no list of users.
#[test]
fn without_the_service_that_is_excepted_nothing_is_mirrored() {
    let rules = block("main", "except = [\"bot\"]");
    let ours = restriction("read-only", &["svc-ci"], &[]);
    let (mut seen, basis) = found(&rules, std::slice::from_ref(&ours), &[MAIN]);
    assert_eq!(Plan::of(&seen, &basis).changes, []);
    seen.accounts.is.clear();
    let plan = Plan::of(&seen, &basis);
    let why = "is not mirrored at PAY: Bitbucket lists no user `svc-ci`, whom it excepts";
    assert!(plan.unsaid.iter().any(|(rule, what)| rule == "main" && what == why), "{:?}", plan.unsaid);
    // The one that is there refuses whom the policy lets through.
    let [change] = plan.changes.as_slice() else { panic!("{plan:?}") };
    assert!(matches!(change.step, Step::Lift { id: Some(7), .. }), "{change:?}");
    assert_eq!(change.because, format!("rule `main` {why}"));
}

#[test]
fn what_is_ignored_is_left_as_it_is() {
    let rules = block("main", "");
    for (rules, there) in [
        (rules.as_str(), vec![]),
        (&rules, vec![restriction("read-only", &["eve"], &[])]),
        ("", vec![restriction("read-only", &[], &[])]),
    ] {
        let (seen, mut basis) = found(rules, &there, &[MAIN]);
        assert_eq!(Plan::of(&seen, &basis).changes.len(), 1);
        basis.settings.ignore = ["PAY".parse().unwrap()].into();
        assert_eq!(Plan::of(&seen, &basis).changes, []);
    }
}
