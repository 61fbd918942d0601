use super::{
    allow,
    draft::Draft,
    grammar, list,
    reader::{Report, TableReader},
    tree::{Node, Spanned},
    window,
};
use crate::{lint::About, rule::Block};

/// How long a `help` may be, in characters: it is read in a terminal.
pub(super) const MAX_HELP: usize = 1_000;

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
    let verbs = list::verbs_on_refs("block", &mut table, report);
    let paths = list::paths("paths", &mut table, &draft.room, report);
    let window = window::of_binding(&mut table, "block", report);
    let except = list::mentioned_roles("except", &mut table, draft, file, report);
    let absolute =
        table.take("absolute").and_then(|node| report.boolean("absolute", &node)).unwrap_or_default();
    let help = table.take("help").and_then(|node| help(node, report));
    refuse_who(&mut table, "block", report);
    let allowed = allow::read(&mut table, report);
    table.finish_as(&grammar::BLOCK, report);
    if let (Some(id), Some(on), Some(refs)) = (id, on, refs) {
        draft.parts.allowances.extend(allow::about(&About::Block(id.clone()), allowed));
        let block = Block { id, mode, on, refs, verbs, paths, window, except, absolute, help };
        draft.parts.blocks.push(block);
    }
}

/// Whom a rule binds is said by whom it does not bind.
pub(super) fn refuse_who<'a>(table: &mut TableReader<'a>, kind: &str, report: &mut Report<'_, 'a>) {
    if let Some((key, _)) = table.take_with_key("user") {
        let help = format!("a {kind} binds everybody but the roles in `except`");
        report.add(key.span, format!("a {kind} does not say whom it binds"), Some(help));
    }
}

pub(super) fn help<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<String> {
    let text = report.text("help", node)?;
    if text.value.chars().nth(MAX_HELP).is_some() {
        let message =
            format!("`help` has more than {MAX_HELP} characters, for a person at a terminal to read");
        report.add(text.span, message, Some("give a link to the rest".into()));
        return None;
    }
    Some(text.value.into_owned())
}
