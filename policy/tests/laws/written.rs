//! The worlds as policy text, directory, request and facts: what the engine is given.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use jiff::{Timestamp, ToSpan as _};
use oam_policy::{
    NonEmpty, Policy, RefName, RefUpdate, Repository, Request, Snapshot, State, Username,
    decide::WaiverUse,
    file::{self, PolicySource},
    rule::{Asker, RepositorySet},
    snapshot::{self, Directory, Revocation},
};

use crate::{
    leased::Leased,
    world::{Checks, Conditions, GROUPS, Paths, Push, ROLES, Rule, Says, Use, Who, World},
};

/// Minute 0 of every world: the night in which Berlin's clocks are set back.
pub(crate) const EPOCH: &str = "2026-10-25T00:00:00Z";

pub(crate) fn moment(minute: i64) -> Timestamp {
    EPOCH.parse::<Timestamp>().unwrap() + minute.minutes()
}

impl World {
    /// Every role and rule as a section of its own.
    pub(crate) fn sections(&self) -> Vec<String> {
        let roles = self.roles.iter().zip(ROLES).map(|(role, id)| {
            let mut text = format!("[[role]]\nid = {id:?}\n");
            if let Some(most) = self.leased.iter().find(|one| one.role() == id).and_then(Leased::most) {
                writeln!(text, "max_lease = \"{most}m\"").unwrap();
            }
            for (key, values) in [("any", &role.any), ("all", &role.all), ("service", &role.service)] {
                write_list(&mut text, key, values);
            }
            text
        });
        let elevations = self.elevated.iter().enumerate().map(|(number, one)| one.section(number));
        let workloads = self.leased.iter().enumerate().map(|(number, one)| one.section(number));
        let rules = self.rules.iter().filter_map(|rule| self.section(rule));
        roles.chain(rules).chain(elevations).chain(workloads).collect()
    }

    fn section(&self, rule: &Rule) -> Option<String> {
        let (kind, roles) = match rule.says {
            Says::Grant { .. } => ("grant", "to"),
            Says::Block { .. } => ("block", "except"),
            Says::Require(_) => ("require", "except"),
            Says::Waiver { .. } => ("waiver", "to"),
        };
        let mut text =
            format!("[[{kind}]]\nid = {:?}\non = {:?}\nrefs = {:?}\n", rule.id, rule.on, rule.refs);
        write_list(&mut text, roles, &rule.roles);
        if !rule.is_waiver() {
            writeln!(text, "verbs = {:?}", rule.verbs).unwrap();
            write_live(&mut text, rule);
        }
        if rule.evaluate {
            text += "mode = \"evaluate\"\n";
        }
        match &rule.says {
            Says::Grant { user, paths } => {
                if let Some(user) = user {
                    writeln!(text, "user = {user:?}\napproved_by = \"boss\"").unwrap();
                }
                write_paths(&mut text, "paths", paths);
            }
            Says::Block { absolute, paths } => {
                writeln!(text, "absolute = {absolute}").unwrap();
                write_paths(&mut text, "paths", paths);
            }
            Says::Require(asked) => write_conditions(&mut text, asked),
            Says::Waiver { lifts, minutes, reason, second_person } => {
                let lifts: Vec<_> = lifts.iter().filter(|id| self.can_be_lifted(id)).collect();
                if lifts.is_empty() {
                    return None;
                }
                writeln!(text, "lifts = {lifts:?}\nmax_time = \"{minutes}m\"\nreason = {reason}").unwrap();
                write_list(&mut text, "second_person", second_person);
            }
        }
        Some(text)
    }

    /// Whether a policy may say that a waiver lifts this.
    pub(crate) fn can_be_lifted(&self, id: &str) -> bool {
        self.rules.iter().any(|rule| {
            rule.id == id && matches!(rule.says, Says::Block { absolute: false, .. } | Says::Require(_))
        })
    }

    pub(crate) fn policy(&self) -> Policy {
        parse(&[self.sections().concat()])
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let people = self.people.iter().map(|person| snapshot::Person {
            username: person.name.parse().unwrap(),
            id: None,
            display_name: None,
            emails: person.emails.iter().map(ToString::to_string).collect(),
            active: person.active,
            groups: person.groups.iter().map(|group| group.parse().unwrap()).collect(),
            keys: Default::default(),
        });
        let groups = GROUPS.iter().map(|group| group.parse().unwrap()).collect();
        let directory = Directory { people: people.collect(), groups };
        let revocation = || Revocation { at: moment(-100), by: "uid 0".into(), reason: "left".into() };
        let revocations: BTreeMap<_, _> =
            self.cut_off.iter().map(|name| (name.parse::<Username>().unwrap().key(), revocation())).collect();
        Snapshot::of_directory(1, moment(-60), &directory, revocations).unwrap()
    }

    pub(crate) fn state(&self) -> State {
        State {
            policy: Some(Arc::new(self.policy())),
            snapshot: Some(self.snapshot()),
            waivers: self.uses.iter().map(Use::made).collect(),
            elevations: self.elevated.iter().enumerate().map(|(number, one)| one.made(number)).collect(),
            ..State::default()
        }
    }
}

pub(crate) fn parse(texts: &[String]) -> Policy {
    let source = |(number, text): (usize, &String)| PolicySource {
        name: format!("{number}.toml"),
        text: format!("version = 1\n{text}"),
    };
    let sources: Vec<_> = texts.iter().enumerate().map(source).collect();
    file::parse(&sources).unwrap_or_else(|faults| panic!("{faults}\n{}", texts.concat()))
}

/// An empty list is a fault.
fn write_list(text: &mut String, key: &str, values: &[&str]) {
    if !values.is_empty() {
        writeln!(text, "{key} = {values:?}").unwrap();
    }
}

fn write_live(text: &mut String, rule: &Rule) {
    if let Some(from) = rule.live.from {
        writeln!(text, "from = {}", moment(from)).unwrap();
    }
    if let Some(to) = rule.live.to {
        writeln!(text, "{} = {}", if rule.is_grant() { "expires" } else { "to" }, moment(to)).unwrap();
    }
    if let Some((from, to, zone)) = rule.live.weekly {
        writeln!(text, "weekly = {{ from = {from:?}, to = {to:?}, zone = {zone:?} }}").unwrap();
    }
}

fn write_paths(text: &mut String, key: &str, paths: &Paths) {
    if let Some(paths) = paths {
        writeln!(text, "{key} = {paths:?}").unwrap();
    }
}

fn write_conditions(text: &mut String, asked: &Conditions) {
    if asked.via {
        *text += "via = \"pull-request\"\n";
    }
    if !asked.approvals.is_empty() {
        let each = asked.approvals.iter().map(|approvals| {
            let paths =
                approvals.paths.as_ref().map_or(String::new(), |paths| format!(", paths = {paths:?}"));
            format!("{{ role = {:?}, count = {}{paths} }}", approvals.role, approvals.count)
        });
        writeln!(text, "approvals = [{}]", each.collect::<Vec<_>>().join(", ")).unwrap();
        let excluded = [(asked.not_author, "author"), (asked.not_committers, "committers")];
        let excluded: Vec<_> = excluded.into_iter().filter_map(|(is, who)| is.then_some(who)).collect();
        write_list(text, "exclude", &excluded);
        writeln!(text, "reset_on_push = {}", asked.reset).unwrap();
    }
    if asked.commits != Checks::default() {
        write_checks(text, &asked.commits);
    }
    let tags = [("annotated", asked.annotated_tag), ("signed", asked.signed_tag)];
    let tags: Vec<_> = tags.iter().filter(|(_, is)| *is).map(|(key, _)| format!("{key} = true")).collect();
    if !tags.is_empty() {
        writeln!(text, "tags = {{ {} }}", tags.join(", ")).unwrap();
    }
}

fn write_checks(text: &mut String, checks: &Checks) {
    let mut keys = Vec::new();
    for (key, asked) in [
        ("committer_is_pusher", checks.committer_is_pusher),
        ("author_known", checks.author_known),
        ("signed", checks.signed),
        ("sign_off", checks.sign_off),
        ("linear", checks.linear),
        ("no_foreign_merges", checks.no_foreign_merges),
    ] {
        keys.extend(asked.then(|| format!("{key} = true")));
    }
    keys.extend(checks.message.map(|message| format!("message = {message:?}")));
    keys.extend(checks.max_blob.map(|max| format!("max_blob = \"{max}B\"")));
    keys.extend(checks.forbid_paths.as_ref().map(|paths| format!("forbid_paths = {paths:?}")));
    keys.extend(checks.max_commits.map(|max| format!("max_commits = {max}")));
    if !checks.forbid_extensions.is_empty() {
        keys.push(format!("forbid_extensions = {:?}", checks.forbid_extensions));
    }
    writeln!(text, "commits = {{ {} }}", keys.join(", ")).unwrap();
}

impl Use {
    fn made(&self) -> WaiverUse {
        WaiverUse {
            id: None,
            waiver: self.waiver.parse().unwrap(),
            lifts: self.lifts.iter().map(|rule| rule.parse().unwrap()).collect(),
            by: self.by.parse().unwrap(),
            on: self.on.map(|on| RepositorySet::new([RepositorySet::parse_one(on).unwrap()]).unwrap()),
            refs: None,
            from: moment(self.from),
            to: moment(self.to),
            reason: self.reason.to_owned(),
            approved_by: self.approved_by.as_ref().map(Who::asker),
        }
    }
}

impl Who {
    pub(crate) fn asker(&self) -> Asker {
        match self {
            Self::Name(name) => Asker::User(name.parse().unwrap()),
            Self::Holding(roles) => Asker::Roles(roles.iter().map(|role| role.parse().unwrap()).collect()),
        }
    }
}

impl Push {
    pub(crate) fn request(&self) -> Request {
        let Who::Name(pusher) = self.by else { panic!("somebody without a name pushes nothing") };
        let update = |update: &crate::world::Update| {
            let change = update.change;
            let name = RefName::parse(update.name.as_bytes()).unwrap();
            RefUpdate { name, ..crate::common::ref_update(&format!("{change} refs/heads/any")) }
        };
        Request {
            repository: Repository::parse(self.repository).unwrap(),
            pusher: Username::parse(pusher).unwrap(),
            channel: oam_policy::Channel::parse(self.channel).unwrap(),
            updates: NonEmpty::from_vec(self.updates.iter().map(update).collect()).unwrap(),
        }
    }
}
