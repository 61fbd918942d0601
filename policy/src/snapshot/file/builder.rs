use std::collections::{HashMap, HashSet};

use crate::{
    file::{
        reader::{Report, TableReader},
        suggest::did_you_mean,
        tree::{Node, Spanned, Text},
    },
    name::{GroupName, Username, UsernameKey},
    printable::Printable,
    snapshot::{Directory, KeyError, Keys, MAX_KEYS, OpenPgpKey, Person, SshKey},
};

const USER_KEYS: [&str; 8] =
    ["username", "id", "name", "emails", "active", "groups", "ssh_keys", "openpgp_keys"];
const GROUP_KEYS: [&str; 2] = ["name", "members"];

/// A directory while its file is read: all users first, then the groups.
#[derive(Default)]
pub(super) struct Builder {
    directory: Directory,
    /// Of each user: the position among the people, and the offset of the name in the file.
    users: HashMap<UsernameKey, (usize, usize)>,
    /// Of each id: the offset in the file.
    ids: HashMap<String, usize>,
    /// Of each group that is listed: the offset of the name in the file.
    groups: HashMap<GroupName, usize>,
    /// The groups of users, each kept once.
    named: HashSet<GroupName>,
}

impl Builder {
    /// Reads one element of `users`.
    pub(super) fn user<'a>(&mut self, node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) {
        let Some(mut table) = report.table("a user", node) else { return };
        let username = table.require("username", "\"alice\"", report);
        let username = username.and_then(|node| report.text("username", node));
        let username = username.and_then(|text| report.parse(text, Username::parse));
        let id = optional_text("id", &mut table, report);
        let display_name = optional_text("name", &mut table, report).map(|text| text.value.into_owned());
        let emails = table.take("emails").and_then(|node| report.texts("emails", node)).unwrap_or_default();
        let active = table.take("active").map(|node| report.boolean("active", &node));
        let groups = table.take("groups").and_then(|node| report.texts("groups", node)).unwrap_or_default();
        let groups = groups.into_iter().filter_map(|text| report.parse(text, GroupName::parse));
        let groups = groups.map(|group| self.shared(group.value)).collect();
        let whose = username.as_ref().map(|username| &username.value);
        let keys = Keys {
            ssh: keys("ssh_keys", whose, &mut table, SshKey::parse, report),
            openpgp: keys("openpgp_keys", whose, &mut table, OpenPgpKey::parse, report),
        };
        table.finish(&USER_KEYS, report);
        if let Some(id) = &id {
            self.note_id(id, report);
        }
        let Some(username) = username else { return };
        self.note_user(&username, report);
        self.directory.people.push(Person {
            username: username.value,
            id: id.map(|id| id.value.into_owned()),
            display_name,
            emails: emails.into_iter().map(|email| email.value.into_owned()).collect(),
            // Left out, it is true; given and wrong, the file is not taken at all.
            active: active.is_none_or(|active| active == Some(true)),
            groups,
            keys,
        });
    }

    /// The same name, in the one copy that everybody shares.
    fn shared(&mut self, group: GroupName) -> GroupName {
        if let Some(known) = self.named.get(&group) {
            return known.clone();
        }
        self.named.insert(group.clone());
        group
    }

    fn note_user(&mut self, username: &Spanned<Username>, report: &mut Report<'_, '_>) {
        let here = (self.directory.people.len(), username.span.start);
        if let Some((_, first)) = self.users.get(&username.value.key()) {
            let message = format!(
                "the user `{}` is given twice (Bitbucket folds case): at {} and here",
                username.value,
                report.source.place(*first)
            );
            report.add(username.span.clone(), message, Some("keep one".into()));
        } else {
            self.users.insert(username.value.key(), here);
        }
    }

    fn note_id(&mut self, id: &Text<'_>, report: &mut Report<'_, '_>) {
        if let Some(first) = self.ids.get(id.value.as_ref()) {
            let shown = Printable::new(id.value.as_ref());
            let message =
                format!("two users have the id `{shown}`: at {} and here", report.source.place(*first));
            report.add(id.span.clone(), message, Some("an id names one person, for ever".into()));
        } else {
            self.ids.insert(id.value.as_ref().to_owned(), id.span.start);
        }
    }

    /// Reads one element of `groups`, when all users are read.
    pub(super) fn group<'a>(&mut self, node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) {
        let Some(mut table) = report.table("a group", node) else { return };
        let name = table.require("name", "\"okta:eng\"", report);
        let name = name.and_then(|node| report.text("name", node));
        let name = name.and_then(|text| report.parse(text, GroupName::parse));
        let members =
            table.take("members").and_then(|node| report.texts("members", node)).unwrap_or_default();
        table.finish(&GROUP_KEYS, report);
        if let Some(name) = &name {
            self.note_group(name, report);
        }
        for member in members {
            self.member(member, name.as_ref().map(|name| &name.value), report);
        }
        self.directory.groups.extend(name.map(|name| name.value));
    }

    fn note_group(&mut self, name: &Spanned<GroupName>, report: &mut Report<'_, '_>) {
        if let Some(first) = self.groups.get(&name.value) {
            let message = format!(
                "the group `{}` is given twice: at {} and here",
                name.value,
                report.source.place(*first)
            );
            report.add(name.span.clone(), message, Some("put all members into one".into()));
        } else {
            self.groups.insert(name.value.clone(), name.span.start);
        }
    }

    fn member<'a>(&mut self, member: Text<'a>, group: Option<&GroupName>, report: &mut Report<'_, 'a>) {
        let Some(username) = report.parse(member, Username::parse) else { return };
        let key = username.value.key();
        let Some((position, _)) = self.users.get(&key) else {
            let names = || self.users.keys().map(UsernameKey::as_str);
            let meant = report.faults.may_suggest().then(|| did_you_mean(key.as_str(), names())).flatten();
            let help = meant.unwrap_or_else(|| "list them under `users`".to_owned());
            report.add(username.span, format!("there is no user `{}`", username.value), Some(help));
            return;
        };
        if let (Some(person), Some(group)) = (self.directory.people.get_mut(*position), group) {
            person.groups.insert(group.clone());
        }
    }

    /// The directory, as far as nothing was wrong.
    pub(super) fn finish(self) -> Directory {
        self.directory
    }
}

/// A list of keys, none of them twice.
fn keys<'a, K: Ord>(
    list: &'static str,
    whose: Option<&Username>,
    table: &mut TableReader<'a>,
    parse: impl Fn(&str) -> Result<K, KeyError>,
    report: &mut Report<'_, 'a>,
) -> Vec<K> {
    let Some(node) = table.take(list) else { return Vec::new() };
    let span = node.span.clone();
    let texts = report.texts(list, node).unwrap_or_default();
    let of_whom = whose.map(|username| format!(" of `{username}`")).unwrap_or_default();
    if texts.len() > MAX_KEYS {
        report.add(span, format!("`{list}`{of_whom} holds {} keys: at most {MAX_KEYS}", texts.len()), None);
        return Vec::new();
    }
    let mut keys = Vec::with_capacity(texts.len());
    for (number, text) in texts.into_iter().enumerate() {
        let parse = |text: &str| {
            parse(text).map_err(|error| format!("key {} in `{list}`{of_whom}: {error}", number + 1))
        };
        keys.extend(report.parse(text, parse).map(|key| key.value));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A string that may be left out, or be null.
fn optional_text<'a>(
    key: &str,
    table: &mut TableReader<'a>,
    report: &mut Report<'_, 'a>,
) -> Option<Text<'a>> {
    match table.take(key) {
        None | Some(Spanned { value: Node::Null, .. }) => None,
        Some(node) => report.text(key, node),
    }
}
