use jiff::Timestamp;

use super::{
    draft::Draft,
    list::{self, Room, carries_no_refs, set},
    reader::{Report, TableReader},
    tree::{Node, Spanned},
};
use crate::{
    name::{RoleId, Username},
    request::Verb,
    rule::{Grant, RefSet, UserException, Window},
};

const KEYS: [&str; 9] = ["id", "to", "user", "on", "refs", "verbs", "expires", "approved_by", "mode"];

/// Reads a `[[grant]]`.
pub(super) fn read<'a>(
    mut table: TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) {
    let id = draft.rule_id(&mut table, "topic-branches", file, report);
    let receivers = receivers(&mut table, draft, file, report);
    let mode = list::mode(&mut table, report);
    let on = list::on(&mut table, &draft.room, report);
    let verbs =
        table.require("verbs", "[\"create\", \"update\"]", report).and_then(|node| list::verbs(node, report));
    let refs = refs(&mut table, verbs.as_deref(), &draft.room, report);
    list::refuse_paths(&mut table, report);
    table.finish(&KEYS, report);
    if let (Some(id), Some(on), Some(refs), Some(verbs)) = (id, on, refs, verbs) {
        let verbs = verbs.into_iter().map(|verb| verb.value).collect();
        let Receivers { to, user, window } = receivers;
        let to = set(to);
        draft.parts.grants.push(Grant { id, mode, to, user, on, refs, verbs, window });
    }
}

/// Who receives the right, and until when.
struct Receivers {
    to: Vec<Spanned<RoleId>>,
    user: Option<UserException>,
    window: Window,
}

fn receivers<'a>(
    table: &mut TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> Receivers {
    let (to, user) = (table.take("to"), table.take_with_key("user"));
    match (&to, &user) {
        (None, None) if !report.is_broken() => {
            let help = "add `to = [\"developer\"]`, the roles that receive the right";
            report.add(table.span.clone(), "a grant has neither `to` nor `user`", Some(help.into()));
        }
        (Some(_), Some((key, _))) => {
            let help = "an exception for one person is a grant of its own";
            report.add(key.span.clone(), "a grant has both `to` and `user`", Some(help.into()));
        }
        _ => {}
    }
    let to = to.and_then(|node| list::roles("to", node, report)).unwrap_or_default();
    draft.mention_roles(&to, file);
    let expires = expires(table, user.is_some(), report);
    let approver = approver(table, user.is_some(), report);
    let user = user.and_then(|(_, node)| name("user", node, report));
    let user = user.zip(approver).and_then(|(user, approver)| exception(user, approver, report));
    // A window without a beginning cannot end before it.
    let window = Window::new(None, expires).unwrap_or_default();
    Receivers { to, user, window }
}

fn exception(
    user: Spanned<Username>,
    approver: Spanned<Username>,
    report: &mut Report<'_, '_>,
) -> Option<UserException> {
    if user.value.key() == approver.value.key() {
        let help = "name the person who answers for the exception";
        report.add(approver.span, "nobody approves their own exception", Some(help.into()));
        return None;
    }
    Some(UserException { user: user.value, approved_by: approver.value })
}

fn expires<'a>(table: &mut TableReader<'a>, of_user: bool, report: &mut Report<'_, 'a>) -> Option<Timestamp> {
    let node = if of_user {
        table.require("expires", "2026-12-31T23:00:00Z", report)
    } else {
        table.take("expires")
    };
    node.and_then(|node| report.moment("expires", &node))
}

fn approver<'a>(
    table: &mut TableReader<'a>,
    of_user: bool,
    report: &mut Report<'_, 'a>,
) -> Option<Spanned<Username>> {
    if of_user {
        let node = table.require("approved_by", "\"alice\"", report)?;
        return name("approved_by", node, report);
    }
    let (key, _) = table.take_with_key("approved_by")?;
    let help = "take it out: who changes the policy answers for a grant to roles";
    report.add(key.span, "`approved_by` belongs to a grant to a `user`", Some(help.into()));
    None
}

fn name<'a>(key: &str, node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<Spanned<Username>> {
    let text = report.text(key, node)?;
    report.parse(text, Username::parse)
}

/// The refs. A grant of nothing but `read` or `admin` has none.
fn refs<'a>(
    table: &mut TableReader<'a>,
    verbs: Option<&[Spanned<Verb>]>,
    room: &Room,
    report: &mut Report<'_, 'a>,
) -> Option<RefSet> {
    let no_refs = verbs.is_some_and(|verbs| verbs.iter().all(|verb| carries_no_refs(verb.value)));
    if !no_refs {
        let node = table.require("refs", "[\"refs/heads/**\"]", report)?;
        return list::refs(node, room, report);
    }
    if let Some((key, _)) = table.take_with_key("refs") {
        let help = "take it out: `read` and `admin` are about whole repositories";
        report.add(key.span, "these verbs carry no refs", Some(help.into()));
    }
    RefSet::parse_one("refs/**").and_then(|all| RefSet::new([all])).ok()
}
