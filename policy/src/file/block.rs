use jiff::Timestamp;

use super::{
    draft::Draft,
    list::{self, carries_no_refs, set},
    reader::{Report, TableReader},
    tree::{Node, Spanned, Text},
};
use crate::rule::{Block, TimeOfWeek, VerbSet, Weekly, Window, Zone};

pub(super) const KEYS: [&str; 11] =
    ["id", "on", "refs", "verbs", "from", "to", "weekly", "except", "absolute", "help", "mode"];
pub(super) const WEEKLY_KEYS: [&str; 3] = ["from", "to", "zone"];
/// How long a `help` may be, in characters: it is read in a terminal.
const MAX_HELP: usize = 1_000;

/// Reads a `[[block]]`.
pub(super) fn read<'a>(
    mut table: TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) {
    let id = draft.rule_id(&mut table, "tags-are-forever", file, report);
    let mode = list::mode(&mut table, report);
    let on = list::on(&mut table, &draft.room, report);
    let refs = table
        .require("refs", "[\"refs/heads/main\"]", report)
        .and_then(|node| list::refs(node, &draft.room, report));
    let verbs = verbs(&mut table, report);
    let weekly = table.take("weekly").and_then(|node| weekly(node, report));
    let window = window(&mut table, report).with_weekly(weekly);
    let except =
        table.take("except").and_then(|node| list::roles("except", node, report)).unwrap_or_default();
    draft.mention_roles(&except, file);
    let absolute =
        table.take("absolute").and_then(|node| report.boolean("absolute", &node)).unwrap_or_default();
    let help = table.take("help").and_then(|node| help(node, report));
    list::refuse_paths(&mut table, report);
    refuse_who(&mut table, report);
    table.finish(&KEYS, report);
    if let (Some(id), Some(on), Some(refs)) = (id, on, refs) {
        let except = set(except);
        draft.parts.blocks.push(Block { id, mode, on, refs, verbs, window, except, absolute, help });
    }
}

/// The verbs that are forbidden: all that change refs, where the block names none.
fn verbs<'a>(table: &mut TableReader<'a>, report: &mut Report<'_, 'a>) -> VerbSet {
    let Some(node) = table.take("verbs") else { return list::all_on_refs() };
    let verbs = list::verbs(node, report).unwrap_or_default();
    for verb in verbs.iter().filter(|verb| carries_no_refs(verb.value)) {
        let message = format!("a block cannot forbid `{}`: it is about changes to refs", verb.value);
        report.add(verb.span.clone(), message, Some("take it out".into()));
    }
    verbs.into_iter().map(|verb| verb.value).collect()
}

fn window<'a>(table: &mut TableReader<'a>, report: &mut Report<'_, 'a>) -> Window {
    let from = table.take("from").and_then(|node| report.moment("from", &node));
    let Some(node) = table.take("to") else { return Window::new(from, None).unwrap_or_default() };
    let to = end(&node, report);
    Window::new(from, to).unwrap_or_else(|error| {
        report.add(node.span, error.to_string(), Some("`to` is the first moment after the block".into()));
        Window::ALWAYS
    })
}

/// `weekly = { from = …, to = …, zone = … }`; every part that is wrong is told.
fn weekly<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<Weekly> {
    let mut table = report.table("`weekly`", node)?;
    let span = table.span.clone();
    let from = time_of_week("from", "\"Fri 18:00\"", &mut table, report);
    let to = time_of_week("to", "\"Mon 06:00\"", &mut table, report);
    let zone = table.require("zone", "\"Europe/Berlin\"", report);
    let zone = zone.and_then(|node| report.text("zone", node)).and_then(|text| zone_of(&text, report));
    table.finish(&WEEKLY_KEYS, report);
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

/// In a grant, `to` is a list of roles; whoever writes one here means something that a block cannot say.
fn end(node: &Spanned<Node<'_>>, report: &mut Report<'_, '_>) -> Option<Timestamp> {
    if !matches!(node.value, Node::List(_)) {
        return report.moment("to", node);
    }
    let help =
        "a block binds everybody but the roles in `except`; its `to` is the date-time at which it ends";
    report.add(node.span.clone(), "a block does not say whom it binds", Some(help.into()));
    None
}

fn refuse_who<'a>(table: &mut TableReader<'a>, report: &mut Report<'_, 'a>) {
    if let Some((key, _)) = table.take_with_key("user") {
        let help = "a block binds everybody but the roles in `except`";
        report.add(key.span, "a block does not say whom it binds", Some(help.into()));
    }
}

fn help<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<String> {
    let text = report.text("help", node)?;
    if text.value.chars().nth(MAX_HELP).is_some() {
        let message =
            format!("`help` has more than {MAX_HELP} characters, for a person at a terminal to read");
        report.add(text.span, message, Some("give a link to the rest".into()));
        return None;
    }
    Some(text.value.into_owned())
}
