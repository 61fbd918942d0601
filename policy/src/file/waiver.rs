use std::collections::BTreeSet;

use super::{
    allow,
    draft::Draft,
    grammar, list,
    mentions::Mention,
    reader::{Report, TableReader},
    role::length_of_time,
};
use crate::{
    lint::About,
    name::RuleId,
    rule::{RefSet, RepositorySet, Waiver},
};

/// Reads a `[[waiver]]`.
pub(super) fn read<'a>(
    mut table: TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) {
    let id = draft.rule_id(&mut table, "hotfix", file, report);
    let mode = list::mode(&mut table, report);
    let lifts = lifts(&mut table, draft, file, report);
    let to = table.require("to", "[\"on-call\"]", report).and_then(|node| list::roles("to", node, report));
    let to = to.unwrap_or_default();
    draft.mention_roles(&to, file);
    let on = match table.has("on") {
        true => list::on(&mut table, &draft.room, report),
        false => RepositorySet::parse_one("**").and_then(|all| RepositorySet::new([all])).ok(),
    };
    let refs = match table.take("refs") {
        Some(node) => list::refs(node, &draft.room, report),
        None => RefSet::parse_one("refs/**").and_then(|all| RefSet::new([all])).ok(),
    };
    let max_time = table.require("max_time", "\"1h\"", report);
    let max_time = max_time.and_then(|node| length_of_time("max_time", node, report));
    let reason = table.take("reason").and_then(|node| report.boolean("reason", &node)).unwrap_or(true);
    let second_person = list::mentioned_roles("second_person", &mut table, draft, file, report);
    let allowed = allow::read(&mut table, report);
    table.finish_as(&grammar::WAIVER, report);
    if let (Some(id), Some(on), Some(refs), Some(max_time)) = (id, on, refs, max_time) {
        draft.parts.allowances.extend(allow::about(&About::Waiver(id.clone()), allowed));
        let to = list::set(to);
        draft.parts.waivers.push(Waiver { id, mode, lifts, to, on, refs, max_time, reason, second_person });
    }
}

fn lifts<'a>(
    table: &mut TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> BTreeSet<RuleId> {
    let node = table.require("lifts", "[\"reviewed\"]", report);
    let rules = node.and_then(|node| report.parsed("lifts", node, RuleId::parse)).unwrap_or_default();
    for rule in &rules {
        draft.mention_rule(rule.value.clone(), Mention::Liftable, file, rule.span.clone());
    }
    list::set(rules)
}
