use super::{
    grammar,
    reader::{Report, TableReader},
    tree::{Node, Spanned},
};
use crate::rule::ChangeRule;

/// Reads `[change]`.
pub(super) fn read<'a>(mut table: TableReader<'a>, report: &mut Report<'_, 'a>) -> ChangeRule {
    let node = table.require("approvals", "1", report);
    let approvals = node.and_then(|node| approvals(&node, report)).unwrap_or_default();
    table.finish_as(&grammar::CHANGE, report);
    ChangeRule { approvals }
}

fn approvals(node: &Spanned<Node<'_>>, report: &mut Report<'_, '_>) -> Option<u8> {
    let most = ChangeRule::MOST;
    let Node::Number(number) = &node.value else {
        let help = format!("write {}", report.pair("approvals", "1"));
        let message = format!("`approvals` is a number, not {}", report.kind(&node.value));
        report.add(node.span.clone(), message, Some(help));
        return None;
    };
    let read = number.parse().ok().filter(|count| *count <= most);
    if read.is_none() {
        let help = "it is how many others must approve a new policy; 0 is nobody".to_owned();
        let message = format!("`approvals` is a whole number from 0 to {most}, not {number}");
        report.add(node.span.clone(), message, Some(help));
    }
    read
}
