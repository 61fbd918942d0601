//! `allow = [{ lint = "…", reason = "…" }]`, alike in all rules and roles.

use super::{
    grammar,
    reader::{Report, TableReader},
    suggest::did_you_mean,
    tree::{Node, Spanned, Text},
};
use crate::{
    lint::{About, Lint},
    printable::Printable,
    rule::Allowance,
};

/// How long a reason may be, in characters: it is read in a terminal.
pub(super) const MAX_REASON: usize = 300;

/// Reads `allow`, where a rule has one.
pub(super) fn read<'a>(rule: &mut TableReader<'a>, report: &mut Report<'_, 'a>) -> Vec<(Lint, String)> {
    let Some(node) = rule.take("allow") else { return Vec::new() };
    let Node::List(elements) = node.value else {
        let help = "write `allow = [{ lint = \"expired\", reason = \"why it stays\" }]`";
        report.add(node.span, "`allow` is a list of lints with a reason each", Some(help.into()));
        return Vec::new();
    };
    let mut allowed: Vec<(Lint, String)> = Vec::new();
    for element in elements {
        let span = element.span.clone();
        let Some((lint, reason)) = read_one(element, report) else { continue };
        if allowed.iter().any(|(known, _)| *known == lint) {
            report.add(span, format!("`{lint}` is allowed twice here"), Some("keep one".into()));
        } else {
            allowed.push((lint, reason));
        }
    }
    allowed
}

/// What was read, as allowances of one rule or role.
pub(super) fn about(about: &About, allowed: Vec<(Lint, String)>) -> impl Iterator<Item = Allowance> {
    let make = |(lint, reason)| Allowance { about: about.clone(), lint, reason };
    allowed.into_iter().map(make)
}

fn read_one<'a>(element: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<(Lint, String)> {
    let mut table = report.table("an entry of `allow`", element)?;
    let lint = table.require("lint", "\"expired\"", report).and_then(|node| report.text("lint", node));
    let lint = lint.and_then(|text| lint_of(&text, report));
    let reason = table.require("reason", "\"why it stays\"", report);
    let reason = reason.and_then(|node| report.text("reason", node)).and_then(|text| checked(text, report));
    table.finish_as(&grammar::ALLOW, report);
    lint.zip(reason)
}

fn lint_of(text: &Text<'_>, report: &mut Report<'_, '_>) -> Option<Lint> {
    let lint = Lint::parse(&text.value);
    if lint.is_none() {
        let message = format!("there is no lint `{}`", Printable::new(text.value.as_ref()));
        let help = did_you_mean(&text.value, Lint::ALL.map(Lint::id))
            .unwrap_or_else(|| "`oam policy check` names the lint in front of each warning".to_owned());
        report.add(text.span.clone(), message, Some(help));
    }
    lint
}

fn checked(text: Text<'_>, report: &mut Report<'_, '_>) -> Option<String> {
    let wrong = if text.value.trim().is_empty() {
        "`reason` says nothing".to_owned()
    } else if text.value.chars().nth(MAX_REASON).is_some() {
        format!("`reason` has more than {MAX_REASON} characters")
    } else {
        return Some(text.value.into_owned());
    };
    report.add(text.span, wrong, Some("say in a sentence why the warning may stay".into()));
    None
}
