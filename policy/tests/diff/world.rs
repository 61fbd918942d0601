//! A small world: few people with awkward names, few refs, and two policies made of the same pool of rules.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use oam_policy::{
    Channel, Decision, Evaluation, NonEmpty, ObjectId, Policy, RefChange, RefName, RefUpdate, Repository,
    Request, Snapshot, State, Username, Verb, decide,
    decide::{Outcome, PushVerdict},
    facts::{Ancestry, Facts},
    snapshot::{Directory, Person},
};
use proptest::prelude::{Just, Strategy, prop_oneof};

pub(crate) const NOW: &str = "2026-06-01T00:00:00Z";
pub(crate) const VERBS: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];
pub(crate) const REPOSITORIES: [&str; 5] = ["P/a", "P/b", "P/ab", "Q/a", "AB/b.a"];
/// The service principal, and everybody in the directory.
pub(crate) const PEOPLE: [&str; 7] = ["svc", "a", "b", "ab", "b/a", "a a", "c"];

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

pub(crate) fn directory() -> Snapshot {
    let person = |name: &str, groups: &[&str]| Person {
        username: name.parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: name != "c",
        groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
        keys: Default::default(),
    };
    let people = vec![
        person("a", &["g:1"]),
        person("b", &["g:1"]),
        person("ab", &["g:1", "g:2"]),
        person("b/a", &["g:2"]),
        person("a a", &["g:1"]),
        person("c", &["g:1", "g:2"]),
    ];
    Snapshot::of_directory(1, at(NOW), &Directory { people, groups: Default::default() }, BTreeMap::new())
        .unwrap()
}

/// Every ref under `refs/heads/` with up to `length` more characters of `a`, `b` and `/`, and a few others.
pub(crate) fn names(length: usize) -> Vec<RefName> {
    let mut tails = vec![String::new()];
    let mut all =
        vec!["refs/tags/a".to_owned(), "refs/tags/ab".into(), "refs/a".into(), "refs/replace/a".into()];
    for _ in 0..length {
        tails = tails.iter().flat_map(|tail| ["a", "b", "/"].map(|more| format!("{tail}{more}"))).collect();
        all.extend(tails.iter().map(|tail| format!("refs/heads/{tail}")));
    }
    all.iter().filter_map(|name| RefName::parse(name.as_bytes()).ok()).collect()
}

/// What a policy is decided by.
pub(crate) fn state(policy: &Policy) -> State {
    State { policy: Some(Arc::new(policy.clone())), snapshot: Some(directory()), ..State::default() }
}

/// One verdict for each name: whether it is permitted.
pub(crate) fn permitted(
    state: &State,
    user: &Username,
    repository: &Repository,
    verb: Verb,
    names: &[RefName],
    now: Timestamp,
) -> Vec<bool> {
    let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha1([2; 20]));
    let change = match verb {
        Verb::Create => RefChange::Create { new },
        Verb::Delete => RefChange::Delete { old },
        _ => RefChange::Move { old, new },
    };
    let updates = names.iter().map(|name| RefUpdate { name: name.clone(), change }).collect();
    let mut facts = Facts::none();
    for index in 0..names.len() {
        let ancestry = if verb == Verb::Update { Ancestry::FastForward } else { Ancestry::Diverged };
        facts.learn_ancestry(index, ancestry);
    }
    let updates = NonEmpty::from_vec(updates).unwrap();
    let request =
        Request { repository: repository.clone(), pusher: user.clone(), channel: Channel::Push, updates };
    let Evaluation::Decided(decision) = decide(state, &request, &facts, now) else {
        panic!("facts are missing")
    };
    verdicts(&decision, names.len())
}

fn verdicts(decision: &Decision, count: usize) -> Vec<bool> {
    match decision.verdict() {
        PushVerdict::PerRef(refs) => {
            refs.iter().map(|one| one.verdict.outcome() == Outcome::Permitted).collect()
        }
        PushVerdict::Refused(_) => vec![false; count],
        PushVerdict::Undecided(_) => panic!("nothing can be decided"),
    }
}

/// The text of two policies.
pub(crate) fn policies() -> impl Strategy<Value = (String, String)> {
    let rules = proptest::collection::vec((rule(), 0..4_u8), 1..7);
    (rules, roles(), roles()).prop_map(|(rules, old_roles, new_roles)| {
        let side = |roles: &str, bit: u8| {
            let chosen = rules.iter().enumerate().filter(|(_, (_, sides))| (sides + 1) & bit != 0);
            let rules: String =
                chosen.map(|(number, (rule, _))| rule.replace("ID", &format!("rule-{number}"))).collect();
            format!("version = 1\n{roles}{rules}")
        };
        (side(&old_roles, 1), side(&new_roles, 2))
    })
}

pub(crate) fn roles() -> impl Strategy<Value = String> {
    let groups = || {
        prop_oneof![
            8 => Just("any = [\"g:1\"]"),
            2 => Just("any = [\"g:1\", \"g:2\"]"),
            2 => Just("all = [\"g:1\", \"g:2\"]"),
            2 => Just("service = [\"svc\"]\nmax_lease = \"1h\""),
        ]
    };
    (groups(), groups()).prop_map(|(one, two)| {
        let two = two.replace("any = [\"g:1\"]", "any = [\"g:2\"]");
        format!("[[role]]\nid = \"one\"\n{one}\n[[role]]\nid = \"two\"\n{two}\n")
    })
}

pub(crate) fn patterns(one: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    let excluded = one.clone().prop_map(|pattern| format!("!{pattern}"));
    (proptest::collection::vec(one, 1..3), proptest::option::weighted(0.3, excluded)).prop_map(
        |(some, but)| {
            let all: Vec<_> = some.into_iter().chain(but).map(|pattern| format!("{pattern:?}")).collect();
            format!("[{}]", all.join(", "))
        },
    )
}

pub(crate) fn refs() -> impl Strategy<Value = String> + Clone {
    let segment = prop_oneof![
        Just("a"),
        Just("b"),
        Just("*"),
        Just("**"),
        Just("?"),
        Just("${user}"),
        Just("a*"),
        Just("*b"),
        Just("{a,b}"),
        Just("{a,b/a}"),
        Just("?b"),
        Just("a*b"),
        Just("ab"),
        Just("??"),
        Just("*a*"),
        Just("b${user}"),
    ];
    let heads = proptest::collection::vec(segment, 1..4)
        .prop_map(|segments| format!("refs/heads/{}", segments.join("/")));
    prop_oneof![
        8 => heads,
        1 => Just("refs/heads/**".to_owned()),
        1 => Just("refs/**".to_owned()),
        1 => Just("refs/tags/*".to_owned()),
        1 => Just("refs/*/a".to_owned()),
        if cfg!(feature = "regex") { 3 } else { 0 } => expressions(&[
            "re:refs/heads/.*", "re:refs/heads/(a|b)+", "re:refs/heads/[^/]*b", "re:refs/heads/(a/)*b?a", "re:refs/heads/..",
            "re:refs/heads/a{2,3}", r"re:refs/heads/a\\b.*", "re:refs/tags/a?b?",
        ]),
    ]
}

fn expressions(all: &[&'static str]) -> impl Strategy<Value = String> + Clone + use<> {
    proptest::sample::select(all.to_vec()).prop_map(str::to_owned)
}

pub(crate) fn repositories() -> impl Strategy<Value = String> + Clone {
    let globs = ["**", "P/*", "P/a", "p/?", "*/a", "P/{a,ab}", "*/*b*", "?/*"];
    prop_oneof![
        8 => expressions(&globs),
        if cfg!(feature = "regex") { 2 } else { 0 } => expressions(&["re:[PQ]/a", "re:.*/.*B.*"]),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let verbs = prop_oneof![
        Just("[\"create\"]"),
        Just("[\"update\", \"force\"]"),
        Just("[\"create\", \"update\", \"force\", \"delete\"]"),
    ];
    let whole = prop_oneof![Just("[\"read\"]"), Just("[\"admin\"]"), Just("[\"read\", \"admin\"]")];
    let roles = || prop_oneof![Just("[\"one\"]"), Just("[\"two\"]"), Just("[\"one\", \"two\"]")];
    let whom = prop_oneof![
        6 => roles().prop_map(|roles| format!("[[grant]]\nid = \"ID\"\nto = {roles}\n")),
        1 => roles().prop_map(|roles| format!("[[grant]]\nid = \"ID\"\nto = {roles}\nexpires = 2026-06-03T00:00:00Z\n")),
        1 => Just("[[grant]]\nid = \"ID\"\nuser = \"B\"\nexpires = 2026-06-03T00:00:00Z\napproved_by = \"a\"\n".to_owned()),
        3 => Just("[[block]]\nid = \"ID\"\n".to_owned()),
        1 => roles().prop_map(|roles| format!("[[block]]\nid = \"ID\"\nexcept = {roles}\n")),
        2 => Just("[[block]]\nid = \"ID\"\nweekly = { from = \"Tue 10:00\", to = \"Wed 12:30\", zone = \"UTC\" }\n".to_owned()),
        2 => Just("[[block]]\nid = \"ID\"\nfrom = 2026-06-02T00:00:00Z\nto = 2026-06-04T00:00:00Z\n".to_owned()),
    ];
    let mode = prop_oneof![9 => Just(""), 1 => Just("mode = \"evaluate\"\n")];
    let of_refs = (whom, patterns(repositories()), patterns(refs()), verbs, mode.clone()).prop_map(
        |(whom, on, refs, verbs, mode)| format!("{whom}on = {on}\nrefs = {refs}\nverbs = {verbs}\n{mode}"),
    );
    let of_whole = (roles(), patterns(repositories()), whole, mode).prop_map(|(roles, on, verbs, mode)| {
        format!("[[grant]]\nid = \"ID\"\nto = {roles}\non = {on}\nverbs = {verbs}\n{mode}")
    });
    prop_oneof![5 => of_refs, 2 => of_whole]
}
