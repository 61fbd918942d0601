//! A small world for the whole language: few people, refs and paths, and policies with conditions and waivers.

use std::collections::BTreeMap;

use oam_policy::{
    RefName, Snapshot, TreePath,
    snapshot::{Directory, Person},
};
use proptest::prelude::{Just, Strategy, prop_oneof};

use super::world::{NOW, at};

/// Who pushes.
pub(crate) const PEOPLE: [&str; 3] = ["a", "b", "ab"];
/// Who approves, and does nothing else.
pub(crate) const REVIEWERS: [&str; 3] = ["rev", "rev2", "rev3"];

pub(crate) fn directory() -> Snapshot {
    let person = |name: &str, groups: &[&str]| Person {
        username: name.parse().unwrap(),
        id: None,
        display_name: None,
        emails: vec![format!("{name}@x")],
        active: true,
        groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
        keys: Default::default(),
    };
    let people = vec![
        person("a", &["g:1"]),
        person("b", &["g:2"]),
        person("ab", &["g:1", "g:2"]),
        person("rev", &["g:9"]),
        person("rev2", &["g:9"]),
        person("rev3", &["g:9"]),
    ];
    Snapshot::of_directory(1, at(NOW), &Directory { people, groups: Default::default() }, BTreeMap::new())
        .unwrap()
}

pub(crate) fn names() -> Vec<RefName> {
    ["heads/a", "heads/b", "heads/c", "heads/a/b", "tags/a", "replace/a"]
        .map(|name| RefName::parse(format!("refs/{name}").as_bytes()).unwrap())
        .into()
}

/// No path, and some.
pub(crate) fn paths() -> Vec<Option<TreePath>> {
    let some = ["a", "b", "c", "a/a", "a/b", "b/a", "c/c", "a/a/a"];
    let some = some.map(|path| Some(TreePath::parse(path.as_bytes()).unwrap()));
    std::iter::once(None).chain(some).collect()
}

const ROLES: &str = "version = 1\n[[role]]\nid = \"one\"\nany = [\"g:1\"]\n[[role]]\nid = \"two\"\nany = [\"g:2\"]\n\
                     [[role]]\nid = \"rev\"\nany = [\"g:9\"]\n";

/// The text of two policies made of the same pool of rules.
pub(crate) fn policies() -> impl Strategy<Value = (String, String)> {
    let rules = proptest::collection::vec((rule(refs()), 0..4_u8), 2..7);
    let waivers = proptest::collection::vec((waiver(), 0..4_u8), 0..3);
    (rules, waivers).prop_map(|(rules, waivers)| texts(&rules, &waivers))
}

/// …in which nearly all rules meet: what is granted is the same, and what it takes is not.
pub(crate) fn crowded() -> impl Strategy<Value = (String, String)> {
    let everywhere = || Just("refs = [\"refs/heads/**\"]\n");
    let rules = proptest::collection::vec((obstacle(everywhere()), 0..4_u8), 1..4);
    let waivers = proptest::collection::vec((waiver(), 0..4_u8), 0..3);
    (rules, waivers).prop_map(|(mut rules, waivers)| {
        let all = "[[grant]]\nid = \"ID\"\nto = [\"one\"]\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\n\
                   verbs = [\"create\", \"update\", \"delete\"]\n";
        rules.push((all.to_owned(), 2));
        texts(&rules, &waivers)
    })
}

/// …in which rules with different `refs`, and so with different commits to look at, meet on one ref.
pub(crate) fn with_views() -> impl Strategy<Value = (String, String)> {
    let refs = prop_oneof![Just("refs/heads/a"), Just("refs/heads/*"), Just("refs/heads/**")];
    let paths =
        || prop_oneof![Just("paths = [\"a/**\"]"), Just("paths = [\"**/a\"]"), Just("paths = [\"b/*\"]")];
    let checks =
        prop_oneof![Just("signed = true"), Just("sign_off = true"), Just("signed = true, sign_off = true")];
    let count = prop_oneof![Just(""), Just(", count = 2")];
    let grant = "[[grant]]\nid = \"ID\"\nto = [\"one\"]\nverbs = [\"create\"]\n";
    let rule = prop_oneof![
        2 => Just(grant.to_owned()),
        3 => paths().prop_map(move |paths| format!("{grant}{paths}\n")),
        3 => paths().prop_map(|paths| format!("[[block]]\nid = \"ID\"\n{paths}\n")),
        3 => checks.prop_map(|checks| format!("[[require]]\nid = \"ID\"\ncommits = {{ {checks} }}\n")),
        2 => (paths(), count).prop_map(|(paths, count)| {
            format!("[[require]]\nid = \"ID\"\napprovals = [{{ role = \"rev\"{count}, {paths} }}]\n")
        }),
        1 => Just("[[require]]\nid = \"ID\"\nvia = \"pull-request\"\n".to_owned()),
    ];
    let rule = (rule, refs).prop_map(|(rule, refs)| format!("{rule}on = [\"**\"]\nrefs = [\"{refs}\"]\n"));
    proptest::collection::vec((rule, 0..4_u8), 2..6).prop_map(|rules| texts(&rules, &[]))
}

/// Rules, or waivers with what they lift; each with where it stands: in one policy (0, 1) or in both.
type Placed<T> = (T, u8);

fn texts(rules: &[Placed<String>], waivers: &[Placed<(Vec<usize>, String)>]) -> (String, String) {
    let side = |bit: u8| {
        let is_here = |sides: &u8| (sides.min(&2) + 1) & bit != 0;
        let mut text = ROLES.to_owned();
        let mut liftable = Vec::new();
        for (number, (rule, _)) in rules.iter().enumerate().filter(|(_, (_, sides))| is_here(sides)) {
            text += &rule.replace("ID", &format!("rule-{number}"));
            if !rule.starts_with("[[grant]]") && !rule.contains("absolute") {
                liftable.push(number);
            }
        }
        for (number, ((lifts, waiver), _)) in
            waivers.iter().enumerate().filter(|(_, (_, sides))| is_here(sides))
        {
            let lifts: Vec<_> = lifts.iter().filter(|rule| liftable.contains(rule)).collect();
            let lifts: Vec<_> = lifts.iter().map(|rule| format!("\"rule-{rule}\"")).collect();
            if !lifts.is_empty() {
                let lifts = lifts.join(", ");
                text += &format!("[[waiver]]\nid = \"waiver-{number}\"\nlifts = [{lifts}]\n{waiver}");
            }
        }
        text
    };
    (side(1), side(2))
}

fn waiver() -> impl Strategy<Value = (Vec<usize>, String)> {
    let lifts = proptest::collection::btree_set(0..7_usize, 2..7).prop_map(|some| some.into_iter().collect());
    let to = prop_oneof![Just("to = [\"one\"]\n"), Just("to = [\"one\", \"two\"]\n")];
    let time = prop_oneof![Just("max_time = \"10m\"\n"), Just("max_time = \"1h\"\n")];
    let reason = prop_oneof![Just(""), Just("reason = false\n")];
    let second = prop_oneof![Just(""), Just("second_person = [\"rev\"]\n")];
    let place = prop_oneof![3 => Just(""), 1 => Just("refs = [\"refs/heads/a\"]\n")];
    (lifts, (to, time, reason, second, place)).prop_map(|(lifts, (to, time, reason, second, place))| {
        (lifts, [to, time, reason, second, place].concat())
    })
}

fn refs() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        3 => Just("refs = [\"refs/heads/**\"]\n"),
        2 => Just("refs = [\"refs/heads/a\"]\n"),
        1 => Just("refs = [\"refs/heads/${user}\"]\n"),
        1 => Just("refs = [\"refs/heads/*\", \"!refs/heads/b\"]\n"),
        1 => Just("refs = [\"refs/**\"]\n"),
    ]
}

fn path_list() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("paths = [\"a/**\"]"),
        Just("paths = [\"**/a\"]"),
        Just("paths = [\"*\"]"),
        Just("paths = [\"**\"]"),
        Just("paths = [\"a\", \"b\"]"),
        Just("paths = [\"{a,b}/*\", \"!a/b\"]"),
        Just("paths = [\"?/**\"]"),
    ]
}

fn maybe_paths() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just(String::new()),
        1 => path_list().prop_map(|paths| format!("{paths}\n")),
    ]
}

fn approvals() -> impl Strategy<Value = String> {
    let count = prop_oneof![Just(""), Just(", count = 2")];
    let paths =
        prop_oneof![2 => Just(String::new()), 1 => path_list().prop_map(|paths| format!(", {paths}"))];
    let more = prop_oneof![
        3 => Just(""),
        1 => Just("exclude = [\"author\"]\n"),
        1 => Just("exclude = [\"committers\"]\n"),
        1 => Just("exclude = [\"author\", \"committers\"]\n"),
        1 => Just("reset_on_push = true\n"),
    ];
    (count, paths, more)
        .prop_map(|(count, paths, more)| format!("approvals = [{{ role = \"rev\"{count}{paths} }}]\n{more}"))
}

fn conditions() -> impl Strategy<Value = String> {
    let commits = prop_oneof![
        Just("signed = true"),
        Just("author_known = true, sign_off = true"),
        Just("linear = true"),
        Just("no_foreign_merges = true"),
        Just("max_blob = \"50B\""),
        Just("max_blob = \"200B\""),
        Just("message = \"AB*\""),
        Just("message = \"*CD\""),
        Just("committer_is_pusher = true"),
        Just("forbid_paths = [\"a/**\"]"),
        Just("forbid_paths = [\"a/a\", \"b\"]"),
        Just("max_commits = 2"),
        Just("max_commits = 20"),
    ];
    let tags = prop_oneof![Just("annotated = true"), Just("signed = true")];
    prop_oneof![
        1 => Just("via = \"pull-request\"\n".to_owned()),
        3 => approvals(),
        3 => commits.prop_map(|commits| format!("commits = {{ {commits} }}\n")),
        1 => tags.prop_map(|tags| format!("tags = {{ {tags} }}\n")),
    ]
}

fn rule(refs: impl Strategy<Value = &'static str>) -> impl Strategy<Value = String> {
    let to = prop_oneof![Just("to = [\"one\"]\n"), Just("to = [\"one\", \"two\"]\n")];
    let grant = (to, maybe_paths()).prop_map(|(to, paths)| format!("[[grant]]\nid = \"ID\"\n{to}{paths}"));
    placed(prop_oneof![3 => grant, 4 => forbidding_or_asking()], refs)
}

fn obstacle(refs: impl Strategy<Value = &'static str>) -> impl Strategy<Value = String> {
    placed(forbidding_or_asking(), refs)
}

fn forbidding_or_asking() -> impl Strategy<Value = String> {
    let except = || prop_oneof![3 => Just(""), 1 => Just("except = [\"two\"]\n")];
    let absolute = prop_oneof![4 => Just(""), 1 => Just("absolute = true\n")];
    let block = (except(), maybe_paths(), absolute)
        .prop_map(|(except, paths, absolute)| format!("[[block]]\nid = \"ID\"\n{except}{paths}{absolute}"));
    let require = (except(), conditions())
        .prop_map(|(except, conditions)| format!("[[require]]\nid = \"ID\"\n{except}{conditions}"));
    prop_oneof![1 => block, 3 => require]
}

fn placed(
    rule: impl Strategy<Value = String>,
    refs: impl Strategy<Value = &'static str>,
) -> impl Strategy<Value = String> {
    let verbs =
        prop_oneof![Just("verbs = [\"create\", \"update\", \"delete\"]\n"), Just("verbs = [\"update\"]\n")];
    let mode = prop_oneof![9 => Just(""), 1 => Just("mode = \"evaluate\"\n")];
    (rule, refs, verbs, mode)
        .prop_map(|(rule, refs, verbs, mode)| format!("{rule}on = [\"**\"]\n{refs}{verbs}{mode}"))
}
