use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use oam_policy::{
    Channel, Circumstances, Evaluation, Outcome, Policy, Question, RefName, Repository, Snapshot, State,
    Username, decide,
    file::{self, PolicySource},
    snapshot::{Directory, Person},
};
use proptest::prelude::*;

use super::{MirrorSettings, Protections};
use crate::{
    Account, ExemptKey, Matcher, MatcherKind, Restriction,
    model::{Answer, Change, at_ref},
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
    let (policy, mirror) = (policy(rules), settings(&["PAY"], false));
    let protections = Protections::of(&policy, &mirror, &sources());
    let wanted =
        protections.at(&place("PAY"), &mirror).into_iter().map(|(one, rules)| (place("PAY"), one, rules));
    let mut seen = Seen::default();
    seen.places.is = [place("PAY")].into();
    seen.groups.is = ["Leads", "chiefs"].map(str::to_owned).into();
    seen.accounts.is = vec![Account { name: "svc-ci".into(), slug: "svc-ci".into(), active: true }];
    seen.restrictions.insert(place("PAY"), there.to_vec());
    let basis = Basis {
        policy: "p".into(),
        directory: "d".into(),
        settings: Settings {
            account: Holder::user("svc-oam").unwrap(),
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
        mirror: MirrorBasis {
            wanted: wanted.collect(),
            owned: owned.iter().map(|&thing| (place("PAY"), thing.to_owned())).collect(),
        },
    };
    (Plan::of(&seen, &basis), basis)
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

/// A rule by chance, with its id.
fn rule() -> impl Strategy<Value = String> {
    let refs = proptest::collection::vec(
        proptest::sample::select(vec![
            "refs/heads/main",
            "refs/heads/x",
            "refs/**",
            "refs/heads/**",
            "refs/tags/**",
            "refs/**/main",
            "refs/**/release/**",
            "refs/heads/release/*",
            "refs/heads/r?l/**",
            "refs/tags/v1",
            "refs/**/refs/**",
            "refs/**/*/main",
            "re:refs/heads/.*",
            "!refs/heads/main",
        ]),
        1..3,
    );
    let refs = refs.prop_filter("something is in it", |refs| refs.iter().any(|one| !one.starts_with('!')));
    let verbs = proptest::sample::subsequence(vec!["create", "update", "force", "delete"], 0..=4);
    let except = proptest::sample::subsequence(vec!["developer", "lead", "both", "bot"], 0..=3);
    let on = proptest::sample::select(vec!["\"PAY/*\"", "\"**\"", "\"PAY/api\"", "\"PAY/*\", \"!PAY/web\""]);
    let kind = proptest::sample::select(vec!["block", "block", "require", "waived", "frozen"]);
    (refs, verbs, except, on, kind).prop_map(|(refs, verbs, except, on, kind)| {
        let list = |all: &[&str]| all.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
        let (table, more) = match kind {
            "require" => ("require", "via = \"pull-request\"\n"),
            "frozen" => ("block", "from = 2000-01-01T00:00:00Z\nto = 2100-01-01T00:00:00Z\n"),
            _ => ("block", ""),
        };
        let mut text = format!("[[{table}]]\nid = \"ID\"\non = [{on}]\nrefs = [{}]\n{more}", list(&refs));
        if !verbs.is_empty() {
            text.push_str(&format!("verbs = [{}]\n", list(&verbs)));
        }
        if !except.is_empty() {
            text.push_str(&format!("except = [{}]\n", list(&except)));
        }
        match kind {
            "waived" => {
                text + "[[waiver]]\nid = \"ID-w\"\nlifts = [\"ID\"]\nto = [\"lead\"]\nmax_time = \"1h\"\n"
            }
            _ => text,
        }
    })
}

fn snapshot() -> Snapshot {
    let people = PEOPLE[..4].iter().map(|(name, groups)| Person {
        groups: groups.iter().map(|group| format!("okta:{group}").parse().unwrap()).collect(),
        ..Person::named(Username::parse(name).unwrap())
    });
    let directory = Directory { people: people.collect(), ..Directory::default() };
    Snapshot::of_directory(1, Timestamp::UNIX_EPOCH, &directory, Default::default()).unwrap()
}

const NAMES: [&str; 14] = [
    "refs/heads/main",
    "refs/heads/x",
    "refs/heads/release",
    "refs/heads/release/1",
    "refs/heads/release/1/2",
    "refs/heads/rel/1",
    "refs/heads/a/release/1",
    "refs/heads/a/main",
    "refs/tags/v1",
    "refs/tags/main",
    "refs/tags/release/1",
    // Once more within.
    "refs/heads/refs/heads/release/1",
    "refs/heads/refs/heads/main",
    "refs/tags/refs/tags/v1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Whatever the policy is: what it permits is refused by nothing that is mirrored, whichever way Bitbucket's documentation is
    /// read. With patterns, of names that hold no `refs/` within.
    #[test]
    fn what_is_permitted_is_not_refused_by_the_mirror(rules in proptest::collection::vec(rule(), 0..5), patterns: bool, whole: bool) {
        let rules: String = rules.iter().enumerate().map(|(number, rule)| rule.replace("\"ID", &format!("\"r{number}"))).collect();
        let policy = policy(&rules);
        let mirror = settings(if whole { &["PAY"] } else { &["PAY/api", "PAY/web"] }, patterns);
        let protections = Protections::of(&policy, &mirror, &sources());
        let made = |at: &str| -> Vec<Restriction> {
            let all = protections.at(&place(at), &mirror).into_iter();
            all.map(|(one, _)| Restriction {
                id: 1,
                kind: one.kind,
                matcher: one.matcher,
                users: one.users.into_iter().collect(),
                groups: one.groups.into_iter().collect(),
                access_keys: vec![],
            })
            .collect()
        };
        let state = State { policy: Some(Arc::new(policy.clone())), snapshot: Some(snapshot()), ..State::default() };
        for repository in ["PAY/api", "PAY/web"] {
            let there = [made("PAY"), made(repository)].concat();
            for name in NAMES.iter().filter(|name| !patterns || !name.trim_start_matches("refs/").contains("refs/")) {
                let here = at_ref(&there, None, name);
                for (user, groups) in PEOPLE {
                    for change in Change::ALL {
                        let question = Question {
                            repository: Repository::parse(repository).unwrap(),
                            name: RefName::parse(name.as_bytes()).unwrap(),
                            verb: change.verb,
                            channel: if change.merged { Channel::PullRequestMerge } else { Channel::Push },
                            circumstances: Circumstances::default(),
                        };
                        let request = question.request(Username::parse(user).unwrap());
                        let Evaluation::Decided(decided) = decide(&state, &request, &question.facts(), Timestamp::UNIX_EPOCH) else {
                            continue;
                        };
                        if decided.outcome() != Outcome::Permitted {
                            continue;
                        }
                        let is_exempt = |one: &Restriction| {
                            one.users.iter().any(|name| name == user) || one.groups.iter().any(|group| groups.contains(&group.as_str()))
                        };
                        let answer = here.decide(change, is_exempt);
                        prop_assert_eq!(answer, Answer::Permitted, "{} {} {} {}\n{}\n{:?}", user, change, repository, name, rules, there);
                    }
                }
            }
        }
    }
}
