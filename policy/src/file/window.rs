//! When a rule is live: `from`, `to` and `weekly`.

use jiff::Timestamp;

use super::{
    grammar,
    reader::{Report, TableReader},
    tree::{Node, Spanned, Text},
};
use crate::rule::{TimeOfWeek, Weekly, Window, Zone};

/// `from`, `to` and `weekly` of a rule that binds everybody but its `except`.
pub(super) fn of_binding<'a>(
    table: &mut TableReader<'a>,
    kind: &'static str,
    report: &mut Report<'_, 'a>,
) -> Window {
    let to = table.take("to").and_then(|node| Some((node.span.clone(), end(&node, kind, report)?)));
    let help = format!("`to` is the first moment after the {kind}");
    until(table, to, &help, report)
}

/// `from` and `weekly`, with an end that was read already.
pub(super) fn until<'a>(
    table: &mut TableReader<'a>,
    to: Option<(std::ops::Range<usize>, Timestamp)>,
    help: &str,
    report: &mut Report<'_, 'a>,
) -> Window {
    let weekly = table.take("weekly").and_then(|node| weekly(node, report));
    let from = table.take("from").and_then(|node| report.moment("from", &node));
    let end = to.as_ref().map(|(_, end)| *end);
    let window = Window::new(from, end).unwrap_or_else(|error| {
        let span = to.map(|(span, _)| span).unwrap_or_default();
        report.add(span, error.to_string(), Some(help.to_owned()));
        Window::ALWAYS
    });
    window.with_weekly(weekly)
}

/// `weekly = { from = …, to = …, zone = … }`; every part that is wrong is told.
fn weekly<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<Weekly> {
    let mut table = report.table("`weekly`", node)?;
    let span = table.span.clone();
    let from = time_of_week("from", "\"Fri 18:00\"", &mut table, report);
    let to = time_of_week("to", "\"Mon 06:00\"", &mut table, report);
    let zone = table.require("zone", "\"Europe/Berlin\"", report);
    let zone = zone.and_then(|node| report.text("zone", node)).and_then(|text| zone_of(&text, report));
    table.finish_as(&grammar::WEEKLY, report);
    let weekly = Weekly::new(from?, to?, zone?);
    weekly.map_err(|error| report.add(span, error.to_string(), Some("leave it out".into()))).ok()
}

fn time_of_week<'a>(
    key: &str,
    example: &str,
    table: &mut TableReader<'a>,
    report: &mut Report<'_, 'a>,
) -> Option<TimeOfWeek> {
    let text = table.require(key, example, report).and_then(|node| report.text(key, node))?;
    report.parse(text, TimeOfWeek::parse).map(|time| time.value)
}

fn zone_of(text: &Text<'_>, report: &mut Report<'_, '_>) -> Option<Zone> {
    let parsed = Zone::parse(&text.value);
    if let Err(error) = &parsed {
        let near = report.faults.may_suggest().then(|| Zone::like(&text.value)).flatten();
        let help = near.map_or_else(
            || "write it as in `Europe/Berlin`, `America/New_York` or `UTC`".to_owned(),
            |zone| format!("did you mean `{zone}`?"),
        );
        report.add(text.span.clone(), error.to_string(), Some(help));
    }
    parsed.ok()
}

/// In a grant, `to` is a list of roles; whoever writes one here means something that only a grant can say.
fn end(node: &Spanned<Node<'_>>, kind: &str, report: &mut Report<'_, '_>) -> Option<Timestamp> {
    if !matches!(node.value, Node::List(_)) {
        return report.moment("to", node);
    }
    let help = format!(
        "a {kind} binds everybody but the roles in `except`; its `to` is the date-time at which it ends"
    );
    report.add(node.span.clone(), format!("a {kind} does not say whom it binds"), Some(help));
    None
}
