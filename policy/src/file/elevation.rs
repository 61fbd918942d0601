use std::{collections::BTreeSet, num::NonZeroU8};

use super::{
    allow,
    draft::Draft,
    grammar, list,
    reader::{Report, TableReader},
    role::length_of_time,
    tree::{Node, Spanned},
};
use crate::{
    lint::About,
    name::RoleId,
    rule::{Elevation, ElevationApproval, RefSet, RepositorySet},
};

/// Reads an `[[elevation]]`.
pub(super) fn read<'a>(
    mut table: TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) {
    let id = draft.rule_id(&mut table, "on-call", file, report);
    let mode = list::mode(&mut table, report);
    let mut needed = |key: &'static str, example: &str, report: &mut Report<'_, 'a>| {
        let node = table.require(key, example, report);
        let roles = node.and_then(|node| list::roles(key, node, report)).unwrap_or_default();
        draft.mention_roles(&roles, file);
        list::set(roles)
    };
    let roles = needed("roles", "[\"release-manager\"]", report);
    let to = needed("to", "[\"developer\"]", report);
    let on = match table.has("on") {
        true => list::on(&mut table, &draft.room, report),
        false => RepositorySet::parse_one("**").and_then(|all| RepositorySet::new([all])).ok(),
    };
    let refs = match table.take("refs") {
        Some(node) => list::refs(node, &draft.room, report),
        None => RefSet::parse_one("refs/**").and_then(|all| RefSet::new([all])).ok(),
    };
    let max_time = table.require("max_time", "\"4h\"", report);
    let max_time = max_time.and_then(|node| length_of_time("max_time", node, report));
    let reason = table.take("reason").and_then(|node| report.boolean("reason", &node)).unwrap_or(true);
    let by = list::mentioned_roles("approved_by", &mut table, draft, file, report);
    let approval = approval(by, &mut table, report);
    let allowed = allow::read(&mut table, report);
    table.finish_as(&grammar::ELEVATION, report);
    if let (Some(id), Some(on), Some(refs), Some(max_time)) = (id, on, refs, max_time) {
        draft.parts.allowances.extend(allow::about(&About::Elevation(id.clone()), allowed));
        draft.parts.elevations.push(Elevation { id, mode, roles, to, on, refs, max_time, reason, approval });
    }
}

/// Who must approve, and how many of them.
fn approval<'a>(
    by: BTreeSet<RoleId>,
    table: &mut TableReader<'a>,
    report: &mut Report<'_, 'a>,
) -> Option<ElevationApproval> {
    let says_how_many = table.take("approvals");
    let says_when_over = table.take("ends_with_approver");
    if by.is_empty() {
        for (key, node) in [("approvals", &says_how_many), ("ends_with_approver", &says_when_over)] {
            if let Some(node) = node {
                let message = format!("`{key}` says how it is approved, and nobody is said to approve it");
                let help = format!("add {}", report.pair("approved_by", "[\"release-manager\"]"));
                report.add(node.span.clone(), message, Some(help));
            }
        }
        return None;
    }
    let count = says_how_many.map_or(Some(NonZeroU8::MIN), |node| count(&node, report));
    let ends_with_approver =
        says_when_over.and_then(|node| report.boolean("ends_with_approver", &node)).unwrap_or(true);
    Some(ElevationApproval { by, count: count.unwrap_or(NonZeroU8::MIN), ends_with_approver })
}

fn count(node: &Spanned<Node<'_>>, report: &mut Report<'_, '_>) -> Option<NonZeroU8> {
    let most = ElevationApproval::MOST;
    let Node::Number(number) = &node.value else {
        let help = format!("write {}", report.pair("approvals", "1"));
        let message = format!("`approvals` is a number, not {}", report.kind(&node.value));
        report.add(node.span.clone(), message, Some(help));
        return None;
    };
    let read = number.parse().ok().filter(|count: &NonZeroU8| count.get() <= most);
    if read.is_none() {
        let help =
            "it is how many others must approve; where nobody need, leave `approved_by` out".to_owned();
        let message = format!("`approvals` is a whole number from 1 to {most}, not {number}");
        report.add(node.span.clone(), message, Some(help));
    }
    read
}
