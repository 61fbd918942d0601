//! The company of the benchmark: projects with teams, the rules that such projects have, everybody, and what they push.
//!
//! All of it follows from a count of rules and a count of people, so that two runs measure the same.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_policy::Channel;

use crate::model::{Kind, Person, Push, Role, Rule, Rules, Update};

/// How many groups each person is in.
pub const GROUPS_PER_PERSON: usize = 40;

/// How many groups there are that no rule names: mailing lists, sites, licences.
const OTHER_GROUPS: u64 = 2_000;

/// The rules on one project.
const RULES_PER_PROJECT: usize = 20;

/// The repositories of one project.
const REPOSITORIES: u64 = 8;

const ALL_VERBS: [&str; 4] = ["create", "update", "force", "delete"];

/// The company.
#[derive(Debug)]
pub struct Company {
    /// Its policy.
    pub rules: Rules,
    /// Its directory.
    pub people: Vec<Person>,
    projects: u64,
}

impl Company {
    /// A company with so many rules and so many people.
    pub fn new(rules: usize, people: u64) -> Self {
        let projects = rules.div_ceil(RULES_PER_PROJECT).max(1) as u64;
        let people = (0..people).map(|number| person(number, projects)).collect();
        Self { rules: self::rules(rules, projects), people, projects }
    }

    /// What some of its people push: mostly to their own projects, mostly what they may.
    pub fn pushes(&self, count: usize) -> Vec<Push> {
        let mut dice = Dice(7);
        (0..count).map(|_| self.push(&mut dice)).collect()
    }

    fn push(&self, dice: &mut Dice) -> Push {
        let number = dice.below(self.people.len() as u64);
        let pusher = &self.people[usize::try_from(number).unwrap()].username;
        let project = if dice.below(5) == 0 { dice.below(self.projects) } else { number % self.projects };
        let verb = match dice.below(100) {
            0..25 => "create",
            25..75 => "update",
            75..90 => "force",
            _ => "delete",
        };
        let name = match dice.below(100) {
            0..35 => format!("refs/heads/feature/PAY-{}", dice.below(10_000)),
            35..45 => format!("refs/heads/u/{pusher}/try-{}", dice.below(100)),
            45..48 => format!("refs/heads/u/somebody-else/try-{}", dice.below(100)),
            48..73 => "refs/heads/main".into(),
            73..81 => format!("refs/heads/release/{}.{}", dice.below(9), dice.below(20)),
            81..88 => format!("refs/tags/v{}.{}", dice.below(9), dice.below(20)),
            88..96 => format!("refs/heads/hotfix/{}", dice.below(500)),
            _ => format!("refs/heads/sandbox/{}", dice.below(500)),
        };
        Push {
            pusher: pusher.clone(),
            repository: format!("P{project}/repo-{}", dice.below(REPOSITORIES)),
            now: at("2026-06-01T12:00:00Z"),
            channel: Channel::Push,
            updates: vec![Update { verb, name }],
        }
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn person(number: u64, projects: u64) -> Person {
    let mut groups = BTreeSet::from(["corp:all".to_owned()]);
    groups.insert(format!("corp:p{}-a", number % projects));
    groups.insert(format!("corp:p{}-b", (number / 3) % projects));
    if number.is_multiple_of(10) {
        groups.insert(format!("corp:p{}-leads", number % projects));
    }
    if number.is_multiple_of(5) {
        groups.insert("corp:releasers".into());
    }
    let mut dice = Dice(number);
    while groups.len() < GROUPS_PER_PERSON {
        groups.insert(format!("corp:list-{}", dice.below(OTHER_GROUPS)));
    }
    Person {
        username: format!("u{number:05}"),
        active: true,
        revoked: false,
        groups: groups.into_iter().collect(),
    }
}

fn rules(count: usize, projects: u64) -> Rules {
    let everyone = role("everyone".into(), &["corp:all"], &[]);
    let mut roles = vec![everyone];
    let mut rules = everywhere();
    for project in 0..projects {
        let (a, b) = (format!("corp:p{project}-a"), format!("corp:p{project}-b"));
        roles.push(role(format!("p{project}-dev"), &[&a, &b], &[]));
        roles.push(role(format!("p{project}-lead"), &[&format!("corp:p{project}-leads")], &[]));
        roles.push(role(format!("p{project}-release"), &[], &[&a, "corp:releasers"]));
        rules.extend(of_project(project));
    }
    rules.truncate(count);
    for (number, rule) in rules.iter_mut().enumerate() {
        rule.id = format!("r{number}");
    }
    Rules { roles, rules }
}

fn role(id: String, any: &[&str], all: &[&str]) -> Role {
    let owned = |groups: &[&str]| groups.iter().map(|group| (*group).to_owned()).collect();
    Role { id, any: owned(any), all: owned(all), service: Vec::new() }
}

fn everywhere() -> Vec<Rule> {
    vec![
        rule(Kind::Block, None, "**", "refs/tags/**", &["force", "delete"]),
        rule(Kind::Grant, Some("everyone"), "**", "refs/heads/sandbox/**", &ALL_VERBS),
        rule(Kind::Block, None, "**", "refs/heads/archive/**", &ALL_VERBS),
    ]
}

/// What one project says. Every other one has a freeze on `main` just now.
fn of_project(project: u64) -> Vec<Rule> {
    let all = format!("P{project}/*");
    let [dev, lead, release] = ["dev", "lead", "release"].map(|role| format!("p{project}-{role}"));
    let grant = |role: &str, on: &str, refs: &str, verbs: &[&'static str]| {
        rule(Kind::Grant, Some(role), on, refs, verbs)
    };
    let block = |except: Option<&str>, refs: &str, verbs: &[&'static str]| {
        rule(Kind::Block, except, &all, refs, verbs)
    };
    let mut freeze = block(Some(&lead), "refs/heads/main", &ALL_VERBS);
    freeze.from =
        Some(at(if project.is_multiple_of(2) { "2026-12-20T00:00:00Z" } else { "2026-05-20T00:00:00Z" }));
    freeze.to = Some(at("2027-01-05T00:00:00Z"));
    let mut rules = vec![
        grant(&dev, &all, "refs/heads/feature/**", &ALL_VERBS),
        grant(&dev, &all, "refs/heads/u/${user}/**", &ALL_VERBS),
        grant(&dev, &all, "refs/heads/main", &["create", "update"]),
        grant(&lead, &all, "refs/heads/main", &["force"]),
        grant(&lead, &all, "refs/heads/release/**", &["create", "update"]),
        grant(&release, &all, "refs/tags/**", &["create"]),
        block(Some(&lead), "refs/heads/main", &["force", "delete"]),
        block(None, "refs/heads/release/**", &["force", "delete"]),
        freeze,
    ];
    for repository in 0.. {
        if rules.len() >= RULES_PER_PROJECT {
            break;
        }
        let one = format!("P{project}/repo-{}", repository % REPOSITORIES);
        let verbs = if repository < REPOSITORIES { &["create", "update"][..] } else { &["delete"] };
        rules.push(grant(&dev, &one, "refs/heads/hotfix/**", verbs));
    }
    rules
}

fn rule(kind: Kind, role: Option<&str>, on: &str, refs: &str, verbs: &[&'static str]) -> Rule {
    Rule {
        id: String::new(),
        kind,
        evaluate: false,
        roles: role.map(Into::into).into_iter().collect(),
        user: None,
        on: vec![on.into()],
        refs: vec![refs.into()],
        verbs: verbs.to_vec(),
        from: None,
        to: None,
    }
}

/// SplitMix64: the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % bound
    }
}
