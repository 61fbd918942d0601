//! Rules, people and pushes as plain data: what every engine's own form is made from.

use std::fmt::Write;

use jiff::Timestamp;
use oam_policy::Channel;

/// A whole policy.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The roles.
    pub roles: Vec<Role>,
    /// The grants, blocks and requires.
    pub rules: Vec<Rule>,
}

/// Who holds a role: members of at least one group of `any`, if there are any, and of every group of `all`; and
/// whoever `service` names.
#[derive(Debug, Clone)]
pub struct Role {
    /// The role's id.
    pub id: String,
    /// Groups, `source:group`.
    pub any: Vec<String>,
    /// Groups, `source:group`.
    pub all: Vec<String>,
    /// Usernames.
    pub service: Vec<String>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It adds a right.
    Grant,
    /// It forbids.
    Block,
    /// It lets what is granted in through a pull request only.
    Require,
}

/// A grant, a block or a require.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The rule's id.
    pub id: String,
    /// What it does.
    pub kind: Kind,
    /// On trial: it decides nothing.
    pub evaluate: bool,
    /// Whom a grant is to, or whom a block or a require excepts.
    pub roles: Vec<String>,
    /// The one person whom a grant is to.
    pub user: Option<String>,
    /// Repositories: patterns, `!` excludes.
    pub on: Vec<String>,
    /// Refs: patterns, `!` excludes.
    pub refs: Vec<String>,
    /// `create`, `update`, `force`, `delete`.
    pub verbs: Vec<&'static str>,
    /// The first moment at which the rule is live.
    pub from: Option<Timestamp>,
    /// The first moment at which the rule is over.
    pub to: Option<Timestamp>,
}

/// Somebody in the directory.
#[derive(Debug, Clone)]
pub struct Person {
    /// The name as the directory spells it.
    pub username: String,
    /// Whether the account may act.
    pub active: bool,
    /// Whether they were cut off by command.
    pub revoked: bool,
    /// The groups.
    pub groups: Vec<String>,
}

/// One push.
#[derive(Debug, Clone)]
pub struct Push {
    /// The name as the git server spells it.
    pub pusher: String,
    /// `PROJECT/slug`.
    pub repository: String,
    /// When.
    pub now: Timestamp,
    /// The way in.
    pub channel: Channel,
    /// What is to become of which refs.
    pub updates: Vec<Update>,
}

/// What is to become of a ref.
#[derive(Debug, Clone)]
pub struct Update {
    /// `create`, `update`, `force` or `delete`, by what happens to the ref.
    pub verb: &'static str,
    /// The full name.
    pub name: String,
}

impl Update {
    /// The verb by the specification's definition: moving a tag is always `force`.
    pub fn verb_by_definition(&self) -> &'static str {
        if self.verb == "update" && self.name.starts_with("refs/tags/") { "force" } else { self.verb }
    }
}

/// Users and repositories are compared without regard to case: the form in which engines without that compare them.
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

impl Rules {
    /// The rules as an administrator writes them, without `version`.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for role in &self.roles {
            writeln!(text, "[[role]]\nid = {:?}", role.id).unwrap();
            for (key, names) in [("any", &role.any), ("all", &role.all), ("service", &role.service)] {
                if !names.is_empty() {
                    writeln!(text, "{key} = {names:?}").unwrap();
                }
            }
        }
        for rule in &self.rules {
            rule.write_toml(&mut text);
        }
        text
    }

    /// The same roles, and of the rules those that `keep` says.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Rule) -> bool) -> Self {
        let rules = self.rules.iter().filter(|rule| keep(rule)).cloned().collect();
        Self { roles: self.roles.clone(), rules }
    }

    /// The rules that decide.
    pub fn enforced(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| !rule.evaluate)
    }

    /// The roles of these ids.
    pub fn named<'a>(&'a self, ids: &'a [String]) -> impl Iterator<Item = &'a Role> {
        self.roles.iter().filter(|role| ids.contains(&role.id))
    }
}

impl Rule {
    fn write_toml(&self, text: &mut String) {
        let (kind, roles, end) = match self.kind {
            Kind::Grant => ("grant", "to", "expires"),
            Kind::Block => ("block", "except", "to"),
            Kind::Require => ("require", "except", "to"),
        };
        writeln!(text, "[[{kind}]]\nid = {:?}", self.id).unwrap();
        if !self.roles.is_empty() {
            writeln!(text, "{roles} = {:?}", self.roles).unwrap();
        }
        if let Some(user) = &self.user {
            writeln!(text, "user = {user:?}\napproved_by = \"the-boss\"").unwrap();
        }
        writeln!(text, "on = {:?}\nrefs = {:?}\nverbs = {:?}", self.on, self.refs, self.verbs).unwrap();
        for (key, moment) in [("from", self.from), (end, self.to)] {
            if let Some(moment) = moment {
                writeln!(text, "{key} = {moment}").unwrap();
            }
        }
        if self.kind == Kind::Require {
            text.push_str("via = \"pull-request\"\n");
        }
        if self.evaluate {
            text.push_str("mode = \"evaluate\"\n");
        }
    }
}
