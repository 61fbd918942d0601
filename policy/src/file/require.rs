use std::{collections::BTreeSet, num::NonZeroU32};

use super::{
    allow,
    block::{help, refuse_who},
    commits,
    draft::Draft,
    grammar, list,
    reader::{Report, TableReader, one_of},
    tree::{Node, Spanned},
    window,
};
use crate::{
    lint::About,
    rule::{ApprovalsOf, Excluded, Require, Via},
};

/// How many approvals can be asked for: more than anybody gets, and few enough to be a slip otherwise.
pub(super) const MAX_APPROVALS: u32 = 100;

/// Reads a `[[require]]`.
pub(super) fn read<'a>(
    mut table: TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) {
    let id = draft.rule_id(&mut table, "reviewed", file, report);
    let mode = list::mode(&mut table, report);
    let on = list::on(&mut table, &draft.room, report);
    let refs = table
        .require("refs", "[\"refs/heads/main\"]", report)
        .and_then(|node| list::refs(node, &draft.room, report));
    let verbs = list::verbs_on_refs("require", &mut table, report);
    let window = window::of_binding(&mut table, "require", report);
    let except = list::mentioned_roles("except", &mut table, draft, file, report);
    let help = table.take("help").and_then(|node| help(node, report));
    let asks = ["via", "approvals", "commits", "tags"].map(|key| table.take(key));
    if asks.iter().all(Option::is_none) && !report.is_broken() {
        let help = "add `via = \"pull-request\"`, `approvals = [{ role = \"developer\", count = 1 }]`, \
                    `commits = { … }`, or `tags = { … }`";
        report.add(table.span.clone(), "a require asks for nothing", Some(help.into()));
    }
    let [via, approvals, commits, tags] = asks;
    let via = via.and_then(|node| report.text("via", node)).and_then(|text| {
        let parse = |text: &str| one_of(text, "way in that can be required", &grammar::WAYS_IN);
        report.parse(text, parse).map(|_| Via::PullRequest)
    });
    let has_approvals = approvals.is_some();
    let approvals = approvals.map(|node| approvals_of(node, draft, file, report)).unwrap_or_default();
    let commits = commits.and_then(|node| commits::read(node, &draft.room, report)).unwrap_or_default();
    let tags = tags.and_then(|node| commits::read_tags(node, report)).unwrap_or_default();
    let exclude = excluded(&mut table, has_approvals, report);
    let reset_on_push = reset_on_push(&mut table, has_approvals, report);
    refuse_who(&mut table, "require", report);
    let allowed = allow::read(&mut table, report);
    table.finish_as(&grammar::REQUIRE, report);
    if let (Some(id), Some(on), Some(refs)) = (id, on, refs) {
        draft.parts.allowances.extend(allow::about(&About::Require(id.clone()), allowed));
        draft.parts.requires.push(Require {
            id,
            mode,
            on,
            refs,
            verbs,
            window,
            except,
            help,
            via,
            approvals,
            exclude,
            reset_on_push,
            commits,
            tags,
        });
    }
}

/// `approvals = [{ role = …, count = …, paths = […] }]`
fn approvals_of<'a>(
    node: Spanned<Node<'a>>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> Vec<ApprovalsOf> {
    let elements = report.tables("approvals", "[{ role = \"developer\", count = 1 }]", node);
    let one = |mut table: TableReader<'a>| {
        let role = table.require("role", "\"developer\"", report).and_then(|node| {
            let text = report.text("role", node)?;
            report.parse(text, crate::name::RoleId::parse)
        });
        if let Some(role) = &role {
            draft.mention_roles(std::slice::from_ref(role), file);
        }
        let count = match table.take("count") {
            None => NonZeroU32::new(1),
            Some(node) => {
                let number = report.whole_number("count", &node, 1..=u64::from(MAX_APPROVALS));
                number.and_then(|number| u32::try_from(number).ok()).and_then(NonZeroU32::new)
            }
        };
        let paths = list::paths("paths", &mut table, &draft.room, report);
        table.finish_as(&grammar::APPROVALS, report);
        Some(ApprovalsOf { role: role?.value, count: count?, paths })
    };
    elements.into_iter().filter_map(one).collect()
}

fn excluded<'a>(
    table: &mut TableReader<'a>,
    has_approvals: bool,
    report: &mut Report<'_, 'a>,
) -> BTreeSet<Excluded> {
    let Some((key, node)) = table.take_with_key("exclude") else { return BTreeSet::new() };
    if !has_approvals {
        let help = "it says whose approval does not count: add `approvals`, or take it out";
        report.add(key.span, "`exclude` says nothing without `approvals`", Some(help.into()));
    }
    let known = Excluded::ALL.map(Excluded::as_str);
    let parse = |text: &str| {
        let name = one_of(text, "kind of person whose approval does not count", &known)?;
        Excluded::ALL.into_iter().find(|who| who.as_str() == name).ok_or_else(String::new)
    };
    list::set(report.parsed("exclude", node, parse).unwrap_or_default())
}

fn reset_on_push<'a>(table: &mut TableReader<'a>, has_approvals: bool, report: &mut Report<'_, 'a>) -> bool {
    let Some((key, node)) = table.take_with_key("reset_on_push") else { return false };
    if !has_approvals {
        let help = "it says which approvals count: add `approvals`, or take it out";
        report.add(key.span, "`reset_on_push` says nothing without `approvals`", Some(help.into()));
    }
    report.boolean("reset_on_push", &node).unwrap_or_default()
}
