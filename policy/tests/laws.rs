//! The laws of the policy language, on random policies, people and pushes, and against a second implementation that
//! was written from the specification's text and shares no matching code with the first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Case;
use oam_policy::{
    Evaluation, Facts, Outcome, Policy, Snapshot, Verb,
    facts::Ancestry,
    file::{self, PolicySource},
    snapshot::{Directory, Person},
};
use proptest::{collection::vec, prelude::*, sample::subsequence};

/// A small world, in which collisions are common.
const ROLES: [&str; 3] = ["r0", "r1", "r2"];
const GROUPS: [&str; 3] = ["s:g0", "s:g1", "s:g2"];
const REFS: [&str; 6] = [
    "refs/heads/main",
    "refs/heads/a/b",
    "refs/heads/u/zoe/x",
    "refs/heads/rel/1",
    "refs/tags/v1",
    "refs/replace/x",
];
const PATTERNS: [&str; 7] = [
    "refs/heads/**",
    "refs/heads/main",
    "refs/heads/u/${user}/**",
    "refs/heads/rel/*",
    "refs/tags/**",
    "refs/**",
    "!refs/heads/main",
];
const REPOSITORIES: [&str; 3] = ["A/x", "A/y", "B/x"];
const REPOSITORY_PATTERNS: [&str; 4] = ["A/*", "**", "B/x", "a/X"];
const VERBS: [&str; 4] = ["create", "update", "force", "delete"];

#[derive(Debug, Clone, PartialEq)]
struct Role {
    any: Vec<&'static str>,
    all: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    block: bool,
    evaluate: bool,
    roles: Vec<&'static str>,
    on: &'static str,
    refs: Vec<&'static str>,
    verbs: Vec<&'static str>,
    /// Years from which and until which it is live.
    window: (Option<i64>, Option<i64>),
}

#[derive(Debug, Clone)]
struct World {
    roles: Vec<Role>,
    rules: Vec<Rule>,
    member_of: Vec<&'static str>,
}

fn role() -> impl Strategy<Value = Role> {
    let groups = || subsequence(GROUPS.to_vec(), 0..=2);
    (groups(), groups())
        .prop_filter("a role names a group", |(any, all)| !any.is_empty() || !all.is_empty())
        .prop_map(|(any, all)| Role { any, all })
}

fn rule() -> impl Strategy<Value = Rule> {
    let year = || prop::option::of(2024i64..2029);
    (
        prop::bool::weighted(0.35),
        prop::bool::weighted(0.15),
        subsequence(ROLES.to_vec(), 1..=2),
        prop::sample::select(&REPOSITORY_PATTERNS[..]),
        (prop::sample::select(&PATTERNS[..6]), prop::bool::weighted(0.2)),
        subsequence(VERBS.to_vec(), 1..=4),
        (year(), year()),
    )
        .prop_map(|(block, evaluate, roles, on, (pattern, excluding), verbs, window)| {
            let mut refs = vec![pattern];
            refs.extend(excluding.then_some("!refs/heads/main"));
            let window = match window {
                (Some(from), Some(to)) if to <= from => (Some(from), None),
                window => window,
            };
            Rule { block, evaluate, roles, on, refs, verbs, window }
        })
}

fn world() -> impl Strategy<Value = World> {
    (vec(role(), 3), vec(rule(), 0..6), subsequence(GROUPS.to_vec(), 0..=3))
        .prop_map(|(roles, rules, member_of)| World { roles, rules, member_of })
}

impl Rule {
    fn to_toml(&self, number: usize) -> String {
        let (kind, roles) = if self.block { ("block", "except") } else { ("grant", "to") };
        let mut text = format!("[[{kind}]]\nid = \"rule{number}\"\n{roles} = {:?}\n", self.roles);
        text += &format!("on = [{:?}]\nrefs = {:?}\nverbs = {:?}\n", self.on, self.refs, self.verbs);
        if self.evaluate {
            text += "mode = \"evaluate\"\n";
        }
        // A grant says when it ends, not when it begins.
        if let (Some(from), true) = (self.window.0, self.block) {
            text += &format!("from = {from}-01-01T00:00:00Z\n");
        }
        if let Some(to) = self.window.1 {
            text += &format!("{} = {to}-01-01T00:00:00Z\n", if self.block { "to" } else { "expires" });
        }
        text
    }

    fn live_in(&self, year: i64) -> bool {
        let begun = !self.block || self.window.0.is_none_or(|from| from <= year);
        begun && self.window.1.is_none_or(|to| year < to)
    }
}

impl World {
    fn sections(&self) -> Vec<String> {
        let roles = self.roles.iter().enumerate().map(|(number, role)| {
            let mut text = format!("[[role]]\nid = \"r{number}\"\n");
            if !role.any.is_empty() {
                text += &format!("any = {:?}\n", role.any);
            }
            if !role.all.is_empty() {
                text += &format!("all = {:?}\n", role.all);
            }
            text
        });
        let rules = self.rules.iter().enumerate().map(|(number, rule)| rule.to_toml(number));
        roles.chain(rules).collect()
    }

    fn policy(&self) -> Policy {
        parse(&[self.sections().concat()])
    }

    fn snapshot(&self) -> Snapshot {
        let person = Person {
            username: "zoe".parse().unwrap(),
            id: None,
            display_name: None,
            emails: vec![],
            active: true,
            groups: self.member_of.iter().map(|group| group.parse().unwrap()).collect(),
        };
        let directory = Directory {
            people: vec![person],
            groups: GROUPS.iter().map(|group| group.parse().unwrap()).collect::<BTreeSet<_>>(),
        };
        Snapshot::of_directory(1, "2026-01-01T00:00:00Z".parse().unwrap(), &directory, BTreeMap::new())
            .unwrap()
    }

    fn case(&self, year: i64) -> Case {
        Case::new(self.policy(), self.snapshot()).at(&format!("{year}-06-01T00:00:00Z"))
    }
}

fn parse(texts: &[String]) -> Policy {
    let source = |(number, text): (usize, &String)| PolicySource {
        name: format!("{number}.toml"),
        text: format!("version = 1\n{text}"),
    };
    let sources: Vec<_> = texts.iter().enumerate().map(source).collect();
    file::parse(&sources).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The naive implementation.
mod oracle {
    use super::{Role, Rule, World};

    pub(super) fn permitted(world: &World, year: i64, repository: &str, verb: &str, name: &str) -> bool {
        let verb = if verb == "update" && name.starts_with("refs/tags/") { "force" } else { verb };
        if name.starts_with("refs/replace/") {
            return false;
        }
        let holds = |id: &&str| {
            let role: &Role = &world.roles[id[1..].parse::<usize>().unwrap()];
            let any = role.any.is_empty() || role.any.iter().any(|group| world.member_of.contains(group));
            let all = role.all.iter().all(|group| world.member_of.contains(group));
            any && all
        };
        let applies = |rule: &&Rule| {
            !rule.evaluate
                && rule.live_in(year)
                && on(rule.on, repository)
                && refs(&rule.refs, name)
                && rule.verbs.contains(&verb)
        };
        let any_role = |rule: &Rule| rule.roles.iter().any(&holds);
        let blocked = world.rules.iter().filter(applies).any(|rule| rule.block && !any_role(rule));
        let granted = world.rules.iter().filter(applies).any(|rule| !rule.block && any_role(rule));
        granted && !blocked
    }

    fn on(pattern: &str, repository: &str) -> bool {
        let repository = repository.to_lowercase();
        match pattern {
            "**" => true,
            "A/*" => repository.starts_with("a/"),
            other => repository == other.to_lowercase(),
        }
    }

    fn refs(patterns: &[&str], name: &str) -> bool {
        let one = |pattern: &str| match pattern {
            "refs/**" => true,
            "refs/heads/**" => name.starts_with("refs/heads/"),
            "refs/tags/**" => name.starts_with("refs/tags/"),
            "refs/heads/u/${user}/**" => name.starts_with("refs/heads/u/zoe/"),
            "refs/heads/rel/*" => {
                name.strip_prefix("refs/heads/rel/").is_some_and(|rest| !rest.contains('/'))
            }
            other => name == other,
        };
        patterns.iter().filter(|pattern| !pattern.starts_with('!')).any(|pattern| one(pattern))
            && !patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(one)
    }
}

fn outcome(case: &Case, repository: &str, updates: &[&str]) -> Outcome {
    case.decide("zoe", repository, updates, &Facts::none()).outcome()
}

/// Every single update that the small world has, and what is decided about it.
fn everything(world: &World, year: i64) -> BTreeMap<(&'static str, String), bool> {
    let case = world.case(year);
    let mut all = BTreeMap::new();
    for repository in REPOSITORIES {
        for verb in VERBS {
            for name in REFS {
                let update = format!("{verb} {name}");
                let permitted = outcome(&case, repository, &[&update]) == Outcome::Permitted;
                all.insert((repository, update), permitted);
            }
        }
    }
    all
}

fn gained(
    before: &BTreeMap<(&'static str, String), bool>,
    after: &BTreeMap<(&'static str, String), bool>,
) -> bool {
    after.iter().any(|(push, permitted)| *permitted && !before[push])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_decision_is_the_specification_s(world in world(), year in 2023i64..2030) {
        for ((repository, update), permitted) in everything(&world, year) {
            let (verb, name) = update.split_once(' ').unwrap();
            prop_assert_eq!(
                permitted, oracle::permitted(&world, year, repository, verb, name), "{} {}", repository, update);
        }
    }

    /// Law 1.
    #[test]
    fn order_duplicates_and_files_mean_nothing(
        world in world(),
        seed in vec(any::<prop::sample::Index>(), 12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut sections = world.sections();
        for (at, index) in seed.iter().enumerate().take(sections.len()) {
            let other = index.index(sections.len());
            sections.swap(at, other);
        }
        let cut = cut.index(sections.len() + 1);
        let (one, two) = sections.split_at(cut);
        let policy = parse(&[one.concat(), two.concat()]);
        prop_assert_eq!(policy.digest(), world.policy().digest());
    }

    /// Law 2.
    #[test]
    fn a_grant_takes_nothing_away_and_a_block_gives_nothing(world in world(), rule in rule(), year in 2023i64..2030) {
        let before = everything(&world, year);
        let is_block = rule.block;
        let mut more = world;
        more.rules.push(rule);
        let after = everything(&more, year);
        if is_block {
            prop_assert!(!gained(&before, &after));
        } else {
            prop_assert!(!gained(&after, &before));
        }
    }

    /// Law 3: a late or partial sync can only give less.
    #[test]
    fn leaving_a_group_or_losing_a_grant_gives_nothing(
        world in world(),
        which in any::<prop::sample::Index>(),
        year in 2023i64..2030,
    ) {
        let before = everything(&world, year);
        if !world.member_of.is_empty() {
            let mut fewer = world.clone();
            fewer.member_of.remove(which.index(fewer.member_of.len()));
            prop_assert!(!gained(&before, &everything(&fewer, year)));
        }
        let grants: Vec<_> = (0..world.rules.len()).filter(|rule| !world.rules[*rule].block).collect();
        if !grants.is_empty() {
            let mut fewer = world.clone();
            fewer.rules.remove(grants[which.index(grants.len())]);
            prop_assert!(!gained(&before, &everything(&fewer, year)));
        }
    }

    /// Law 4.
    #[test]
    fn a_push_is_the_conjunction_of_its_updates(
        world in world(),
        picks in vec((prop::sample::select(&VERBS[..]), prop::sample::select(&REFS[..])), 1..6),
        year in 2023i64..2030,
    ) {
        let case = world.case(year);
        let updates: Vec<_> = picks.iter().map(|(verb, name)| format!("{verb} {name}")).collect();
        let texts: Vec<_> = updates.iter().map(String::as_str).collect();
        let each = texts.iter().all(|update| outcome(&case, "A/x", &[update]) == Outcome::Permitted);
        prop_assert_eq!(outcome(&case, "A/x", &texts) == Outcome::Permitted, each);
    }

    /// Law 5.
    #[test]
    fn whoever_is_cut_off_may_do_nothing(world in world(), year in 2023i64..2030) {
        let case = world.case(year).revoking("Zoe");
        for name in REFS {
            prop_assert_eq!(outcome(&case, "A/x", &[&format!("create {name}")]), Outcome::Refused);
        }
    }

    /// Law 7.
    #[test]
    fn a_rule_on_trial_changes_nothing(world in world(), rule in rule(), year in 2023i64..2030) {
        let before = everything(&world, year);
        let mut more = world;
        more.rules.push(Rule { evaluate: true, ..rule });
        prop_assert_eq!(before, everything(&more, year));
    }

    /// Facts are asked for only where they matter, and when they are not, they do not.
    #[test]
    fn what_is_not_asked_for_changes_nothing(world in world(), name in prop::sample::select(&REFS[..]), year in 2023i64..2030) {
        let case = world.case(year);
        let update = format!("move {name}");
        let with = |ancestry: Ancestry| {
            let mut facts = Facts::none();
            facts.learn_ancestry(0, ancestry);
            case.decide("zoe", "A/x", &[&update], &facts).outcome()
        };
        let (forward, diverged) = (with(Ancestry::FastForward), with(Ancestry::Diverged));
        match case.evaluate("zoe", "A/x", &[&update], &Facts::none()) {
            Evaluation::Decided(decision) => {
                prop_assert_eq!(decision.outcome(), forward);
                prop_assert_eq!(decision.outcome(), diverged);
            }
            Evaluation::Needs(needed) => prop_assert_eq!(needed.ancestry, vec![0]),
        }
        let unreadable = with(Ancestry::Unreadable { why: "x".into() });
        prop_assert!(unreadable != Outcome::Permitted || (forward, diverged) == (Outcome::Permitted, Outcome::Permitted));
    }
}

/// The whole matrix of role, rule and verb on the policy that a new daemon starts with, to be read by a person.
#[test]
fn the_starter_policy_as_a_table() {
    let source = PolicySource { name: "starter.toml".into(), text: file::starter().into() };
    let policy = file::parse(&[source]).unwrap();
    let person = |name: &str, group: &str| Person {
        username: name.parse().unwrap(),
        id: None,
        display_name: None,
        emails: vec![],
        active: true,
        groups: [group.parse().unwrap()].into(),
    };
    let people = vec![
        person("dev", "demo:developers"),
        person("boss", "demo:maintainers"),
        person("guest", "demo:guests"),
    ];
    let directory = Directory { people, groups: BTreeSet::new() };
    let as_of = "2026-01-01T00:00:00Z".parse().unwrap();
    let case = Case::new(policy, Snapshot::of_directory(1, as_of, &directory, BTreeMap::new()).unwrap());
    let mut table = String::new();
    let refs = [
        "heads/main",
        "heads/feature/x",
        "heads/u/dev/x",
        "heads/release/1",
        "heads/other",
        "tags/v1",
        "notes/x",
    ];
    for name in refs {
        for user in ["dev", "boss", "guest"] {
            let may = Verb::ALL.iter().take(4).map(|verb| {
                let update = format!("{verb} refs/{name}");
                let update = if *verb == Verb::Force && name.starts_with("tags") {
                    format!("move refs/{name}")
                } else {
                    update
                };
                let decision = case.decide(user, "DEMO/app", &[&update], &Facts::none());
                if decision.outcome() == Outcome::Permitted { verb.as_str() } else { "-" }
            });
            table += &format!("{name:16} {user:6} {}\n", may.collect::<Vec<_>>().join(" "));
        }
    }
    insta::assert_snapshot!(table);
}
