use std::{collections::BTreeSet, time::Duration};

use jiff::SignedDuration;

use super::{
    allow,
    draft::Draft,
    grammar,
    list::{self, set},
    reader::{Report, TableReader},
    tree::{Node, Spanned},
};
use crate::{
    lint::About,
    name::{GroupName, RoleId, Username},
    printable::Printable,
    rule::Role,
};

/// Reads a `[[role]]`.
pub(super) fn read<'a>(
    mut table: TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) {
    let id = table.require("id", "\"developer\"", report).and_then(|node| report.text("id", node));
    let id = id.and_then(|text| report.parse(text, RoleId::parse));
    match &id {
        Some(id) => draft.name_role(id, file, report),
        None => draft.a_role_is_nameless(),
    }
    let names_somebody = ["any", "all", "service"].map(|key| table.take(key));
    // Nobody holds a role that is only leased.
    let is_leased = table.has("max_lease");
    if names_somebody.iter().all(Option::is_none) && !is_leased && !report.is_broken() {
        let help = "add `any = [\"okta:eng\"]` (one of these groups), `all = […]` (every one of them) or \
                    `service = […]` (accounts by name); of a role that is only leased, `max_lease`";
        report.add(table.span.clone(), "a role names no group and no service", Some(help.into()));
    }
    let [any, all, service] = names_somebody;
    let any = groups("any", any, report);
    let all = groups("all", all, report);
    let service = service.and_then(|node| report.parsed("service", node, Username::parse));
    let service = service.into_iter().flatten().map(|name| name.value.key()).collect();
    let max_lease = table.take("max_lease").and_then(|node| length_of_time("max_lease", node, report));
    let exclusive = table.take("exclusive").and_then(|node| list::roles("exclusive", node, report));
    let exclusive = exclusive.unwrap_or_default();
    draft.mention_roles(&exclusive, file);
    let allowed = allow::read(&mut table, report);
    table.finish_as(&grammar::ROLE, report);
    if let Some(id) = id {
        refuse_itself(&id.value, &exclusive, report);
        draft.parts.allowances.extend(allow::about(&About::Role(id.value.clone()), allowed));
        let exclusive = set(exclusive);
        draft.parts.roles.push(Role { id: id.value, any, all, service, max_lease, exclusive });
    }
}

fn refuse_itself(id: &RoleId, exclusive: &[Spanned<RoleId>], report: &mut Report<'_, '_>) {
    if let Some(itself) = exclusive.iter().find(|role| role.value == *id) {
        let message = format!("the role `{id}` excludes itself");
        report.add(
            itself.span.clone(),
            message,
            Some("name the roles that nobody should hold with it".into()),
        );
    }
}

fn groups<'a>(
    key: &str,
    node: Option<Spanned<Node<'a>>>,
    report: &mut Report<'_, 'a>,
) -> BTreeSet<GroupName> {
    set(node.and_then(|node| report.parsed(key, node, GroupName::parse)).unwrap_or_default())
}

/// A length of time: `"15m"`.
pub(super) fn length_of_time<'a>(
    key: &str,
    node: Spanned<Node<'a>>,
    report: &mut Report<'_, 'a>,
) -> Option<Duration> {
    if let Node::Number(number) = &node.value {
        let help = format!("say of what: {}", report.pair(key, &format!("\"{number}m\"")));
        report.add(node.span, format!("`{key}` is a length of time, not a number"), Some(help));
        return None;
    }
    let text = report.text(key, node)?;
    let parse = |text: &str| {
        let parsed = text.parse::<SignedDuration>().ok().and_then(|length| Duration::try_from(length).ok());
        parsed.filter(|length| !length.is_zero()).ok_or_else(|| {
            format!("`{}` is no length of time: write it as in `15m` or `1h 30m`", Printable::new(text))
        })
    };
    report.parse(text, parse).map(|length| length.value)
}
