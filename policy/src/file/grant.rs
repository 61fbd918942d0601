use std::ops::Range;

use jiff::Timestamp;

use super::{
    allow,
    draft::Draft,
    grammar,
    list::{self, Room, carries_no_refs, set},
    reader::{Report, TableReader},
    tree::{Node, Spanned},
    window,
};
use crate::{
    lint::About,
    name::{RoleId, Username},
    request::Verb,
    rule::{Grant, PathSet, RefSet, UserException, Window},
};

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
    let paths = grant_paths(&mut table, verbs.as_deref(), &draft.room, report);
    let allowed = allow::read(&mut table, report);
    table.finish_as(&grammar::GRANT, report);
    if let (Some(id), Some(on), Some(refs), Some(verbs)) = (id, on, refs, verbs) {
        draft.parts.allowances.extend(allow::about(&About::Grant(id.clone()), allowed));
        let verbs = verbs.into_iter().map(|verb| verb.value).collect();
        let Receivers { to, user, window } = receivers;
        let to = set(to);
        draft.parts.grants.push(Grant { id, mode, to, user, on, refs, verbs, paths, window });
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
    let help = "`expires` is the first moment after the grant";
    let window = window::until(table, expires, help, report);
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

fn expires<'a>(
    table: &mut TableReader<'a>,
    of_user: bool,
    report: &mut Report<'_, 'a>,
) -> Option<(Range<usize>, Timestamp)> {
    let node = if of_user {
        table.require("expires", "2026-12-31T23:00:00Z", report)
    } else {
        table.take("expires")
    };
    node.and_then(|node| Some((node.span.clone(), report.moment("expires", &node)?)))
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

/// The paths. A grant that gives `read` or `admin` has none: they are about whole repositories.
fn grant_paths<'a>(
    table: &mut TableReader<'a>,
    verbs: Option<&[Spanned<Verb>]>,
    room: &Room,
    report: &mut Report<'_, 'a>,
) -> Option<PathSet> {
    let whole = verbs.into_iter().flatten().find(|verb| carries_no_refs(verb.value));
    let Some(verb) = whole else { return list::paths("paths", table, room, report) };
    if let Some((key, _)) = table.take_with_key("paths") {
        let help = format!("`{}` is about whole repositories: give it by a grant of its own", verb.value);
        report.add(key.span, "these verbs carry no paths", Some(help));
    }
    None
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
