//! What a test says besides the push: what the answer may depend on.

use std::collections::BTreeSet;

use super::{
    commits::size,
    draft::Draft,
    grammar, list,
    mentions::Mention,
    reader::{Report, TableReader, one_of},
    tree::{Node, Spanned},
};
use crate::{
    name::{RoleId, RuleId, TreePath, Username},
    printable::Printable,
    question::{Circumstances, ImaginedCommit, ImaginedTag},
    rule::Asker,
};

/// The message of a commit of which a test says other things.
const UNSAID: &str = "A change";

/// `paths`, `approved_by`, `commit`, `commits`, `tag` and `waivers` of a test.
pub(super) fn read<'a>(
    table: &mut TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> Circumstances {
    Circumstances {
        paths: table.take("paths").and_then(|node| paths(node, report)),
        commit: table.take("commit").and_then(|node| commit(node, report)),
        commits: table
            .take("commits")
            .and_then(|node| report.whole_number("commits", &node, 0..=u32::MAX.into())),
        tag: table.take("tag").and_then(|node| tag(node, report)).unwrap_or_default(),
        approved_by: table
            .take("approved_by")
            .map(|node| approvers(node, draft, file, report))
            .unwrap_or_default(),
        waivers: in_use("waivers", Mention::Waiver, table, draft, file, report),
    }
}

/// An empty list is worth a test: a push that changes nothing.
fn paths<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<Vec<TreePath>> {
    if matches!(&node.value, Node::List(list) if list.is_empty()) {
        return Some(Vec::new());
    }
    let parse = |text: &str| {
        let quoted = |error| format!("the path `{}`: {error}", Printable::new(text));
        TreePath::parse(text.as_bytes()).map_err(quoted)
    };
    let paths = report.parsed("paths", node, parse)?;
    Some(paths.into_iter().map(|path| path.value).collect())
}

/// `[["developer"], "alice"]`: each by their roles, or by their name.
fn approvers<'a>(
    node: Spanned<Node<'a>>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> Vec<Asker> {
    let Node::List(elements) = node.value else {
        let help =
            "write `approved_by = [[\"developer\"], \"alice\"]`: each by their roles, or by their name";
        report.add(node.span, "`approved_by` is a list", Some(help.into()));
        return Vec::new();
    };
    let mut approvers = Vec::with_capacity(elements.len());
    for element in elements {
        match element.value {
            Node::List(_) => {
                let roles = report.parsed("approved_by", element, RoleId::parse).unwrap_or_default();
                draft.mention_roles(&roles, file);
                approvers.push(Asker::Roles(list::set(roles)));
            }
            _ => {
                let name = report.text("approved_by", element);
                let name = name.and_then(|text| report.parse(text, Username::parse));
                approvers.extend(name.map(|name| Asker::User(name.value)));
            }
        }
    }
    approvers
}

fn commit<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<ImaginedCommit> {
    let mut table = report.table("`commit`", node)?;
    // A test says of each commit what its message is, or has this one: what it expects is not to change.
    let message = Some(UNSAID.to_owned());
    let mut commit = ImaginedCommit { message, ..ImaginedCommit::default() };
    let flags = [
        ("committer_is_pusher", &mut commit.committer_is_pusher),
        ("author_known", &mut commit.author_known),
        ("signed", &mut commit.signed),
        ("signed_off", &mut commit.signed_off),
        ("merge", &mut commit.merge),
        ("foreign_merge", &mut commit.foreign_merge),
    ];
    for (key, flag) in flags {
        if let Some(said) = table.take(key).and_then(|node| report.boolean(key, &node)) {
            *flag = said;
        }
    }
    if let Some(message) = table.take("message").and_then(|node| report.text("message", node)) {
        commit.message = Some(message.value.into_owned());
    }
    if let Some(said) = table.take("blob").and_then(|node| size("blob", node, report)) {
        commit.blob = said;
    }
    table.finish_as(&grammar::COMMIT, report);
    Some(commit)
}

fn tag<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<ImaginedTag> {
    let text = report.text("tag", node)?;
    let known = ImaginedTag::ALL.map(ImaginedTag::as_str);
    let parse = |text: &str| {
        let name = one_of(text, "kind of tag", &known)?;
        ImaginedTag::parse(name).ok_or_else(String::new)
    };
    report.parse(text, parse).map(|tag| tag.value)
}

/// Rules of one kind that are in use.
pub(super) fn in_use<'a>(
    key: &'static str,
    kind: Mention,
    table: &mut TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> BTreeSet<RuleId> {
    let node = table.take(key);
    let rules = node.and_then(|node| report.parsed(key, node, RuleId::parse)).unwrap_or_default();
    for rule in &rules {
        draft.mention_rule(rule.value.clone(), kind, file, rule.span.clone());
    }
    list::set(rules)
}
