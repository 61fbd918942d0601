//! The draft as files, with where each rule comes from.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::{Verb, file::PolicySource, lint::Lint, printable::Printable};

use super::{
    draft::{Draft, Grant, HeldBy, Role},
    rules::{Rule, Says},
};
use crate::permission::Level;

/// How many restrictions are named that a rule was made of.
const MOST_NAMED: usize = 10;

/// Lints that are allowed, by the kind and the id of what they are about, each with the reason.
pub(super) type Allowed = BTreeMap<(&'static str, String), BTreeMap<Lint, &'static str>>;

/// The files of a draft.
pub(super) fn files(draft: &Draft, allowed: &Allowed) -> Vec<PolicySource> {
    let file = |name: &str, head: &str, parts: Vec<String>| PolicySource {
        name: name.to_owned(),
        text: format!("{head}\nversion = 1\n{}", parts.concat()),
    };
    vec![
        file(
            "roles.toml",
            "# Groups of Bitbucket, and accounts that are machines. The policy was made of what was in Bitbucket by\n\
             # `oam policy init --from-bitbucket`; from here on it is yours.\n",
            draft.roles.iter().map(|role| self::role(role, allowed)).collect(),
        ),
        file(
            "permissions.toml",
            "# What groups and machines may do, from permissions. Whoever may write may do anything that no rule of\n\
             # `restrictions.toml` forbids.\n",
            draft.grants.iter().map(|grant| self::grant(grant, allowed)).collect(),
        ),
        file(
            "restrictions.toml",
            "# Blocks and requires, from branch restrictions. Bitbucket's patterns match any end of a full name, branches\n\
             # and tags alike: `refs/**/x` is what its pattern `x` says. Often `refs/heads/x` is what was meant.\n",
            draft.rules.iter().map(|rule| self::rule(rule, allowed)).collect(),
        ),
    ]
}

/// A TOML string: what JSON escapes in one line of text, TOML reads alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    // What is taken out stands last.
    let (out, own): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.starts_with('!'));
    let all: Vec<_> = own.into_iter().chain(out).map(quoted).collect();
    format!("[{}]", all.join(", "))
}

fn names(all: &BTreeSet<String>) -> String {
    list(all.iter().map(String::as_str))
}

fn verbs(all: impl IntoIterator<Item = Verb>) -> String {
    list(all.into_iter().map(Verb::as_str))
}

fn allow(kind: &'static str, id: &str, allowed: &Allowed) -> String {
    let Some(lints) = allowed.get(&(kind, id.to_owned())) else { return String::new() };
    let one = |(lint, reason): (&Lint, &&str)| {
        format!("{{ lint = {}, reason = {} }}", quoted(lint.id()), quoted(reason))
    };
    format!("allow = [{}]\n", lints.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn role(role: &Role, allowed: &Allowed) -> String {
    let held_by = match &role.held_by {
        HeldBy::Groups(groups) => format!("any = {}", names(groups)),
        HeldBy::Service(account) => format!("service = {}", list([account.as_str()])),
    };
    format!("\n[[role]]\nid = {}\n{held_by}\n{}", quoted(&role.id), allow("role", &role.id, allowed))
}

fn grant(grant: &Grant, allowed: &Allowed) -> String {
    let Grant { id, to, on, level } = grant;
    let changes = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];
    let given = match level {
        Level::Read => format!("verbs = {}\n", verbs([Verb::Read])),
        Level::Write | Level::Create | Level::Admin => {
            let admin = (*level == Level::Admin).then_some(Verb::Admin);
            format!(
                "refs = [\"refs/heads/**\", \"refs/tags/**\"]\nverbs = {}\n",
                verbs(changes.into_iter().chain(admin))
            )
        }
    };
    format!(
        "\n[[grant]] # from the permission {level}\nid = {}\nto = {}\non = {}\n{given}{}",
        quoted(id),
        names(to),
        names(on),
        allow("grant", id, allowed)
    )
}

fn rule(rule: &Rule, allowed: &Allowed) -> String {
    let Rule { id, says, on, refs, except, from } = rule;
    let mut text = String::from("\n");
    for one in from.iter().take(MOST_NAMED) {
        text.push_str(&format!("# {}\n", Printable::new(one)));
    }
    if let Some(more @ 1..) = from.len().checked_sub(MOST_NAMED) {
        text.push_str(&format!("# and {more} more\n"));
    }
    let kind = match says {
        Says::Blocks(_) => "block",
        Says::ThroughPullRequest => "require",
    };
    text.push_str(&format!("[[{kind}]]\nid = {}\non = {}\nrefs = {}\n", quoted(id), names(on), names(refs)));
    if let Some(only) = says.verbs() {
        text.push_str(&format!("verbs = {}\n", verbs(only.iter().copied())));
    }
    if *says == Says::ThroughPullRequest {
        text.push_str("via = \"pull-request\"\n");
    }
    if !except.is_empty() {
        text.push_str(&format!("except = {}\n", names(except)));
    }
    text + &allow(kind, id, allowed)
}
